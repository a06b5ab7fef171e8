"""Writes on the organisation tree: create, change on a date, move, close.

What a node was on a past date stands in OrgNodePeriod, so figures of a past session keep the
type, district and sector of that day (docs/decisions: organisation tree and periods).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q
from treebeard.exceptions import InvalidMoveToDescendant

from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.people.actor import Actor
from kalan.people.models import OrgNode, OrgNodeCode, OrgNodePeriod, Post, Sector, StructureType
from kalan.people.services.allow import require
from kalan.people.services.history import acting, note
from kalan.people.services.structure_values import (
    clean_name,
    effective_day,
    known_sector,
    own_type,
    plausible_date,
    position,
)

# The first period of a node whose opening date is unknown starts here: "as far as known".
ALWAYS = dt.date(1900, 1, 1)
_TIMED = ("parent", "type", "sector")
_PLAIN = ("name", "latitude", "longitude", "connectivity", "opened_on")


def create_structure(
    *,
    actor: Actor,
    now: dt.datetime,
    parent: OrgNode,
    name: str,
    type: StructureType | None = None,  # noqa: A002 - the field's name, as callers write it
    sector: str = Sector.PUBLIC,
    codes: Iterable[tuple[str, str]] = (),
    latitude: float | None = None,
    longitude: float | None = None,
    opened_on: dt.date | None = None,
    kind: str = OrgNode.Kind.STRUCTURE,
    connectivity: str = "",
) -> OrgNode:
    """Create a node under ``parent`` with its first period and its codes (system, value).

    Raises Refused for a name already borne under the same parent, a code already given, a type of
    another country, or a position or date that cannot be.
    """
    with transaction.atomic(), acting(actor):
        parent = OrgNode.objects.select_for_update().get(pk=parent.pk)
        require(actor, "structures.edit", parent)
        name = clean_name(name)
        _refuse_same_name(parent, name)
        node: OrgNode = OrgNode.objects.add_child(
            parent,
            create_kwargs={
                "country": parent.country,
                "kind": kind,
                "name": name,
                "search": fold(name),
                "type": own_type(type, parent.country),
                "sector": known_sector(sector),
                "opened_on": plausible_date(opened_on, now, field="opened_on"),
                "connectivity": connectivity,
                **position(latitude, longitude),
            },
        )
        OrgNodePeriod.objects.create(
            node=node,
            start=opened_on or ALWAYS,
            parent=parent,
            type=type,
            sector=sector,
        )
        for system, value in codes:
            add_code(actor=actor, now=now, node=node, system=system, value=value)
        return node


def change_structure(
    *,
    actor: Actor,
    now: dt.datetime,
    node: OrgNode,
    effective_on: dt.date | None = None,
    reason: str = "",
    **changes: Any,
) -> OrgNode:
    """Change a node. ``parent``, ``type`` and ``sector`` are valid from ``effective_on``.

    Other fields (``name``, ``latitude``, ``longitude``, ``connectivity``, ``opened_on``) have no
    history by date, only in the journal. A value equal to the present one changes nothing.
    """
    if unknown := set(changes) - {*_TIMED, *_PLAIN}:
        raise TypeError(f"Not a field of a structure: {sorted(unknown)}")
    with transaction.atomic(), acting(actor, reason=reason):
        node = OrgNode.objects.select_for_update().get(pk=node.pk)
        require(actor, "structures.edit", node)
        if "type" in changes:
            own_type(changes["type"], node.country)
        if "sector" in changes:
            known_sector(changes["sector"])
        timed = {name: changes[name] for name in _TIMED if name in changes}
        if timed:
            _change_timed(actor, node, effective_day(effective_on, now), timed)
            node = OrgNode.objects.get(pk=node.pk)
        _change_plain(node, {name: changes[name] for name in _PLAIN if name in changes}, now)
        return node


def close_structure(
    *, actor: Actor, now: dt.datetime, node: OrgNode, on: dt.date, end_posts: bool = False
) -> OrgNode:
    """Close a structure on ``on`` (its last day). Its past figures stay.

    Raises Refused while something open hangs below it, or while agents are in post, unless
    ``end_posts`` says that their posts end that day too.
    """
    with transaction.atomic(), acting(actor):
        node = OrgNode.objects.select_for_update().get(pk=node.pk)
        require(actor, "structures.edit", node)
        last_day = plausible_date(on, now, field="on")
        if node.opened_on and on < node.opened_on:
            raise Refused(
                f"La fermeture ne peut pas précéder l’ouverture ({node.opened_on:%d/%m/%Y}).",
                field="on",
                remedy="Corrigez l’une des deux dates.",
            )
        if OrgNode.objects.get_children(node).filter(closed_on=None, merged_into=None).exists():
            raise Refused(
                "Des structures ouvertes dépendent de celle-ci.",
                remedy="Déplacez-les ou fermez-les d’abord.",
            )
        _end_posts(node, on, end_posts)
        node.closed_on = last_day
        node.save(update_fields=["closed_on"])
        return node


def reopen_structure(*, actor: Actor, now: dt.datetime, node: OrgNode) -> OrgNode:
    """Take back a closing. Posts that ended with it stay ended."""
    with transaction.atomic(), acting(actor):
        node = OrgNode.objects.select_for_update().get(pk=node.pk)
        require(actor, "structures.edit", node)
        node.closed_on = None
        node.save(update_fields=["closed_on"])
        return node


def add_code(
    *, actor: Actor, now: dt.datetime, node: OrgNode, system: str, value: str
) -> OrgNodeCode:
    """Give ``node`` a code; the same code again changes nothing."""
    system, value = system.strip().lower(), value.strip()
    if not system or not value:
        raise Refused(
            "Un code a une source et une valeur.", field="codes", remedy="Remplissez les deux."
        )
    with transaction.atomic(), acting(actor):
        require(actor, "structures.edit", node)
        known = OrgNodeCode.objects.filter(system=system, value=value).select_related("node")
        if code := known.first():
            if code.node_id != node.pk:
                raise Refused(
                    f"Le code {system} : {value} appartient déjà à « {code.node.name} ».",
                    field="codes",
                    remedy="Vérifiez le code, ou fusionnez les deux structures.",
                    code="code-taken",
                )
            return code
        return OrgNodeCode.objects.create(node=node, system=system, value=value)


def remove_code(*, actor: Actor, now: dt.datetime, code: OrgNodeCode) -> None:
    """Take a wrong code away; the journal keeps it."""
    with transaction.atomic(), acting(actor):
        require(actor, "structures.edit", code.node)
        note(actor=actor, subject=code.node, text=f"Code retiré : {code}")
        code.delete()


def _change_timed(
    actor: Actor, node: OrgNode, effective_on: dt.date, timed: dict[str, Any]
) -> None:
    """Split the period that holds ``effective_on`` and, if it is the last one, change the node."""
    periods = list(OrgNodePeriod.objects.filter(node=node).order_by("start"))
    held = next((p for p in reversed(periods) if p.start <= effective_on), None)
    if held is None:
        start = periods[0].start if periods else effective_on
        raise Refused(
            f"« {node.name} » n’est connue que depuis le {start:%d/%m/%Y}.",
            field="effective_on",
            remedy="Choisissez une date d’effet plus tardive.",
        )
    new_values = {name: value for name, value in timed.items() if getattr(held, name) != value}
    if not new_values:
        return
    is_last = held is periods[-1]
    if "parent" in new_values:
        _check_parent(actor, node, new_values["parent"])
    if held.start < effective_on:
        end, held.end = held.end, effective_on
        held.save(update_fields=["end"])
        held = OrgNodePeriod(
            node=node,
            start=effective_on,
            end=end,
            parent=held.parent,
            type=held.type,
            sector=held.sector,
        )
    for name, value in new_values.items():
        setattr(held, name, value)
    held.save()
    if is_last:
        _apply_to_node(node, new_values)


def _apply_to_node(node: OrgNode, values: dict[str, Any]) -> None:
    plain = [name for name in ("type", "sector") if name in values]
    for name in plain:
        setattr(node, name, values[name])
    if plain:
        node.save(update_fields=plain)
    if "parent" in values:
        try:
            OrgNode.objects.move(node, values["parent"], pos="last-child")
        except InvalidMoveToDescendant:
            raise Refused(
                "Une structure ne peut pas dépendre d’elle-même.",
                field="parent",
                remedy="Choisissez un autre rattachement.",
            ) from None


def _check_parent(actor: Actor, node: OrgNode, parent: OrgNode | None) -> None:
    if parent is None or parent.country != node.country:
        raise Refused(
            "Le rattachement doit être un lieu du même pays.",
            field="parent",
            remedy="Choisissez un district ou une région.",
        )
    require(actor, "structures.edit", parent)
    if parent.closed_on is not None or parent.merged_into_id is not None:
        raise Refused(
            f"« {parent.name} » est fermée.", field="parent", remedy="Choisissez un lieu ouvert."
        )
    if parent.path.startswith(node.path):
        raise Refused(
            "Une structure ne peut pas dépendre d’elle-même.",
            field="parent",
            remedy="Choisissez un autre rattachement.",
        )
    _refuse_same_name(parent, node.name, other_than=node)


def _change_plain(node: OrgNode, values: dict[str, Any], now: dt.datetime) -> None:
    if "name" in values:
        values["name"] = clean_name(values["name"])
        parent = OrgNode.objects.get_parent(node)
        if parent is not None:
            _refuse_same_name(parent, values["name"], other_than=node)
        values["search"] = fold(values["name"])
    if "latitude" in values or "longitude" in values:
        values.update(
            position(values.get("latitude", node.latitude), values.get("longitude", node.longitude))
        )
    if "opened_on" in values:
        plausible_date(values["opened_on"], now, field="opened_on")
        if node.closed_on and values["opened_on"] and node.closed_on < values["opened_on"]:
            raise Refused(
                f"L’ouverture ne peut pas suivre la fermeture ({node.closed_on:%d/%m/%Y}).",
                field="opened_on",
                remedy="Corrigez l’une des deux dates.",
            )
    changed = [name for name, value in values.items() if getattr(node, name) != value]
    for name in changed:
        setattr(node, name, values[name])
    if changed:
        node.save(update_fields=changed)


def _end_posts(node: OrgNode, on: dt.date, end_posts: bool) -> None:
    staying = Post.objects.filter(structure=node).filter(Q(end__isnull=True) | Q(end__gt=on))
    number = staying.count()
    if number and not end_posts:
        raise Refused(
            "Un poste y court encore après cette date."
            if number == 1
            else f"{number} postes y courent encore après cette date.",
            remedy="Mutez les agents, ou cochez « Terminer aussi les postes ».",
            code="staff-in-post",
        )
    if staying.filter(start__gt=on).exists():
        raise Refused(
            "Un poste y commence après cette date.",
            field="on",
            remedy="Corrigez ce poste ou choisissez une date plus tardive.",
        )
    for post in staying.order_by("pk"):
        post.end = on
        post.save(update_fields=["end"])


def _refuse_same_name(parent: OrgNode, name: str, other_than: OrgNode | None = None) -> None:
    same = OrgNode.objects.get_children(parent).filter(
        search=fold(name), merged_into=None, closed_on=None
    )
    if other_than is not None:
        same = same.exclude(pk=other_than.pk)
    if same.exists():
        raise Refused(
            f"« {name} » existe déjà dans « {parent.name} ».",
            field="name",
            remedy="Ouvrez la fiche existante, ou donnez un nom qui la distingue.",
            code="same-name",
        )


def record_load(*, actor: Actor, root: OrgNode, text: str) -> None:
    """One history entry for nodes written in bulk."""
    note(actor=actor, subject=root, text=text)
