"""Frameworks: made, edited, copied into a new version, put in force, archived, joined.

What a framework in force holds (its nodes, their codes and hours) is fixed, since results name it;
its wording and the floors of its levels may still be mended. Anything else asks a new version.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Max, Q

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.services import history
from kalan.skills.models import (
    Correspondence,
    Framework,
    FrameworkLevel,
    FrameworkNode,
    Item,
)
from kalan.skills.services.writing import act, require

State = Framework.State
# (kind of the parent, kind)
_FITS = {
    (None, "domain"),
    ("domain", "competency"),
    ("competency", "competency"),
    ("competency", "capacity"),
}
_NEW_VERSION = "Faites-en une nouvelle version, modifiez-la, puis mettez-la en vigueur."


@dataclass(frozen=True)
class FrameworkData:
    code: str
    version: str
    name: str
    language: str = "fr"
    summary: str = ""
    source: str = ""
    legal_basis: str = ""
    licence: str = ""


@dataclass(frozen=True)
class NodeData:
    """``hours`` of training; ``guidance``: {level code: {"can": …, "advice": [...]}}."""

    code: str
    name: str
    description: str = ""
    hours: Decimal | None = None
    note: str = ""
    guidance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LevelData:
    """``floor``: lowest θ of the level; None for the lowest, or where nothing is measured."""

    code: str
    name: str
    floor: float | None = None
    description: str = ""


@act
def create_framework(*, actor: Actor, data: FrameworkData, now: dt.datetime) -> Framework:
    """A draft. Raises Refused when this version of this code exists."""
    require(actor, "frameworks.edit")
    _free(data.code, data.version)
    return Framework.objects.create(**vars(data), created_at=now)


@act
def update_framework(
    *, actor: Actor, framework: Framework, data: FrameworkData, now: dt.datetime
) -> Framework:
    """Reword a framework; its code and version stay."""
    require(actor, "frameworks.edit")
    framework = _locked(framework)
    for name in ("name", "language", "summary", "source", "legal_basis", "licence"):
        setattr(framework, name, getattr(data, name))
    framework.save()
    return framework


@act
def new_version(*, actor: Actor, framework: Framework, version: str, now: dt.datetime) -> Framework:
    """A draft copy with levels, nodes and correspondences, to be changed and put in force."""
    require(actor, "frameworks.edit")
    _free(framework.code, version)
    levels = list(framework.levels.order_by("rank"))
    nodes = list(framework.nodes.order_by("kind", "rank", "pk"))
    old_pk = framework.pk
    copy = Framework.objects.get(pk=old_pk)
    copy.pk, copy._state.adding = None, True
    copy.uid = Framework._meta.get_field("uid").get_default()
    copy.version, copy.state, copy.created_at = version, State.DRAFT, now
    copy.save()
    FrameworkLevel.objects.bulk_create(
        FrameworkLevel(
            framework=copy,
            rank=level.rank,
            code=level.code,
            name=level.name,
            floor=level.floor,
            description=level.description,
        )
        for level in levels
    )
    made = _copy_nodes(nodes, copy)
    links = Correspondence.objects.filter(Q(source__in=made) | Q(target__in=made))
    Correspondence.objects.bulk_create(
        Correspondence(
            source_id=made.get(link.source_id, link.source_id),
            target_id=made.get(link.target_id, link.target_id),
            strength=link.strength,
            note=link.note,
        )
        for link in links
    )
    history.note(actor=actor, subject=copy, text=f"Copié de la version {framework.version}.")
    return copy


def _copy_nodes(nodes: Sequence[FrameworkNode], framework: Framework) -> dict[int, int]:
    """{pk of a node: pk of its copy}; parents first, however deep competencies stand."""
    made: dict[int, int] = {}
    waiting = list(nodes)
    while waiting:
        ready = [node for node in waiting if node.parent_id is None or node.parent_id in made]
        copies = FrameworkNode.objects.bulk_create(
            FrameworkNode(
                framework=framework,
                parent_id=made[node.parent_id] if node.parent_id else None,
                kind=node.kind,
                code=node.code,
                name=node.name,
                description=node.description,
                hours=node.hours,
                guidance=node.guidance,
                note=node.note,
                rank=node.rank,
            )
            for node in ready
        )
        made.update({node.pk: copy.pk for node, copy in zip(ready, copies, strict=True)})
        waiting = [node for node in waiting if node.pk not in made]
    return made


@act
def activate(*, actor: Actor, framework: Framework, now: dt.datetime) -> Framework:
    """Put in force; the version in force before is archived. Refused without a domain."""
    require(actor, "frameworks.edit")
    framework = _locked(framework)
    if framework.state == State.ACTIVE:
        return framework
    if not framework.nodes.filter(kind=FrameworkNode.Kind.DOMAIN).exists():
        raise Refused(
            "Ce référentiel n’a aucun domaine.",
            remedy="Ajoutez-en un avant de le mettre en vigueur.",
        )
    for other in Framework.objects.filter(code=framework.code, state=State.ACTIVE):
        other.state = State.ARCHIVED
        other.save()
    framework.state = State.ACTIVE
    framework.save()
    return framework


@act
def archive(*, actor: Actor, framework: Framework, now: dt.datetime) -> Framework:
    """Keep for old results; banks that stand on it go on."""
    require(actor, "frameworks.edit")
    framework = _locked(framework)
    framework.state = State.ARCHIVED
    framework.save()
    return framework


@act
def add_node(
    *,
    actor: Actor,
    framework: Framework,
    parent: FrameworkNode | None,
    kind: str,
    data: NodeData,
    now: dt.datetime,
) -> FrameworkNode:
    """A domain (no parent), a competency (under a domain or a competency) or a capacity."""
    require(actor, "frameworks.edit")
    framework = _locked(framework)
    _draft(framework)
    under = parent.kind if parent else None
    fits = (under, kind) in _FITS
    if not fits or (parent and parent.framework_id != framework.pk):
        raise Refused(
            "Cet élément ne peut pas se placer ici.",
            remedy="Une compétence se place sous un domaine, une capacité sous une compétence.",
        )
    _free_code(framework, kind, data.code, None)
    last = framework.nodes.filter(parent=parent).aggregate(last=Max("rank"))["last"] or 0
    return FrameworkNode.objects.create(
        framework=framework, parent=parent, kind=kind, rank=last + 1, **vars(data)
    )


@act
def update_node(
    *, actor: Actor, node: FrameworkNode, data: NodeData, now: dt.datetime
) -> FrameworkNode:
    """Reword a node; its code and hours only while the framework is being prepared."""
    require(actor, "frameworks.edit")
    node = FrameworkNode.objects.select_for_update().select_related("framework").get(pk=node.pk)
    framework = node.framework
    if framework.state == State.ARCHIVED or (
        framework.state == State.ACTIVE and (data.code, data.hours) != (node.code, node.hours)
    ):
        _draft(framework)
    _free_code(framework, node.kind, data.code, node.pk)
    for name, value in vars(data).items():
        setattr(node, name, value)
    node.save()
    return node


@act
def remove_node(*, actor: Actor, node: FrameworkNode, now: dt.datetime) -> None:
    """Take a node away with what stands under it. Refused when a question stands there."""
    require(actor, "frameworks.edit")
    _draft(_locked(node.framework))
    below = _below(node)
    used = Item.objects.filter(Q(domain__in=below) | Q(competency__in=below)).count()
    if used:
        raise Refused(f"{used} question(s) se rangent ici.", remedy="Rangez-les d’abord ailleurs.")
    FrameworkNode.objects.get(pk=node.pk).delete()


def _below(node: FrameworkNode) -> list[int]:
    found = level = [node.pk]
    while level := list(
        FrameworkNode.objects.filter(parent__in=level).values_list("pk", flat=True)
    ):
        found = found + level
    return found


@act
def set_levels(
    *, actor: Actor, framework: Framework, levels: Sequence[LevelData], now: dt.datetime
) -> None:
    """Replace the scale, lowest level first. Floors must rise; the lowest level has none."""
    require(actor, "frameworks.edit")
    framework = _locked(framework)
    if framework.state == State.ARCHIVED:
        _draft(framework)
    floors = [level.floor for level in levels]
    known = [floor for floor in floors if floor is not None]
    if known and (floors[0] is not None or None in floors[1:]):
        raise Refused(
            "Seul le premier niveau n’a pas de seuil.",
            remedy="Donnez un seuil à chacun des autres, ou à aucun.",
        )
    if known != sorted(set(known)):
        raise Refused("Les seuils doivent monter d’un niveau au suivant.", remedy="Corrigez-les.")
    if len({level.code for level in levels}) < len(levels):
        raise Refused("Deux niveaux ont le même code.", remedy="Donnez un code à chacun.")
    framework.levels.all().delete()
    FrameworkLevel.objects.bulk_create(
        FrameworkLevel(framework=framework, rank=rank, **vars(level))
        for rank, level in enumerate(levels, start=1)
    )
    said = ", ".join(
        f"{level.name} ({'sans seuil' if level.floor is None else f'{level.floor:g}'})"
        for level in levels
    )
    history.note(actor=actor, subject=framework, text=f"Niveaux : {said}.")


@act
def set_correspondence(
    *,
    actor: Actor,
    source: FrameworkNode,
    target: FrameworkNode,
    strength: str,
    note: str,
    now: dt.datetime,
) -> None:
    """Say how ``source`` answers to ``target``; an empty ``strength`` takes the line away."""
    require(actor, "frameworks.edit")
    if source.framework_id == target.framework_id:
        raise Refused(
            "Une correspondance joint deux référentiels.", remedy="Choisissez-la dans l’autre."
        )
    rows = Correspondence.objects.filter(source=source, target=target)
    if not strength:
        rows.delete()
    else:
        Correspondence.objects.update_or_create(
            source=source, target=target, defaults={"strength": strength, "note": note}
        )
    said = {"exact": "équivalent à", "partial": "en partie"}.get(strength, "sans rapport avec")
    text = f"Correspondance : « {source.code} » {said} « {target.code} »."
    history.note(actor=actor, subject=source.framework, text=text)


def _locked(framework: Framework) -> Framework:
    return Framework.objects.select_for_update().get(pk=framework.pk)


def _draft(framework: Framework) -> None:
    if framework.state != State.DRAFT:
        raise Refused(
            f"La version {framework.version} est {framework.get_state_display()} : des résultats "
            "peuvent la citer.",
            remedy=_NEW_VERSION,
            code="in_force",
        )


def _free(code: str, version: str) -> None:
    if Framework.objects.filter(code=code, version=version).exists():
        raise Refused(
            f"La version {version} de « {code} » existe déjà.",
            field="version",
            remedy="Donnez-lui un autre numéro.",
        )


def _free_code(framework: Framework, kind: str, code: str, but: int | None) -> None:
    twins = framework.nodes.filter(kind=kind, code=code)
    if (twins if but is None else twins.exclude(pk=but)).exists():
        raise Refused(
            f"Le code « {code} » est déjà pris dans ce référentiel.",
            field="code",
            remedy="Choisissez-en un autre.",
        )


class Change(Protocol):
    """``activate`` and ``archive``, for the page that asks before."""

    def __call__(self, *, actor: Actor, framework: Framework, now: dt.datetime) -> Framework: ...
