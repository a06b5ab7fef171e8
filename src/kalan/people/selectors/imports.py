"""Reads of imports: the kinds a person may bring in, their runs, the rows of a run."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import Http404

from kalan.base.imports import registry
from kalan.base.imports.registry import Kind
from kalan.base.models import ImportRow, ImportRun
from kalan.people.actor import Actor, path_range
from kalan.people.models import OrgNode


def any_role() -> frozenset[str]:
    """Roles that may import at least one kind of file."""
    return frozenset(role for kind in registry.kinds() for role in kind.roles)


def kinds_for(actor: Actor) -> list[Kind]:
    return [kind for kind in registry.kinds() if actor.can(kind.roles)]


def kind_for(actor: Actor, code: str) -> Kind:
    """The kind, or 404 when it is not the actor's to import."""
    kind = registry.get(code)
    if kind is None or not actor.can(kind.roles):
        raise Http404
    return kind


def runs_visible_to(actor: Actor) -> QuerySet[ImportRun]:
    """Runs whose whole territory the actor holds, of kinds that the actor may import."""
    runs = ImportRun.objects.select_related("file", "created_by", "job")
    if actor.system:
        return runs
    wanted = Q(pk__in=[])
    for kind in kinds_for(actor):
        for path in actor.paths(kind.roles):
            low, high = path_range(path)
            wanted |= Q(kind=kind.code, scope_path__gte=low, scope_path__lt=high)
    if actor.account is not None:
        mine = [kind.code for kind in kinds_for(actor)]
        wanted |= Q(created_by=actor.account, kind__in=mine)
    return runs.filter(wanted)


def run_for(actor: Actor, uid: uuid.UUID) -> ImportRun:
    run = runs_visible_to(actor).filter(uid=uid).first()
    if run is None:
        raise Http404
    return run


def rows_of(run: ImportRun, verdict: str) -> QuerySet[ImportRow]:
    """Staged rows with one verdict; "stale": those that the merge left aside."""
    if verdict == ImportRow.Action.STALE:
        return ImportRow.objects.filter(run=run, action=ImportRow.Action.STALE)
    return ImportRow.objects.filter(run=run, verdict=verdict)


def scope_of(actor: Actor, kind: Kind) -> list[str]:
    """Tree paths inside which the actor may import; [""] is everywhere."""
    return [""] if actor.system else actor.paths(kind.roles)


def country_of(scope: list[str]) -> str:
    """The country of the territory (two letters), by default the one of the installation."""
    root = scope[0][: OrgNode.steplen] if scope else ""
    country = OrgNode.objects.filter(path=root).values_list("country", flat=True).first()
    return country or str(settings.KALAN_COUNTRY)


def common_path(scope: list[str]) -> str:
    """The path of the nearest node above all of ``scope`` ("" when there is none)."""
    if not scope:
        return ""
    first, last = min(scope), max(scope)
    step, shared = OrgNode.steplen, 0
    while shared + step <= min(len(first), len(last)) and (
        first[: shared + step] == last[: shared + step]
    ):
        shared += step
    return first[:shared]
