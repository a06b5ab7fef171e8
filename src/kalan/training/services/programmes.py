"""Programmes: what is funded, by whom, for whom, with which targets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.training import policy
from kalan.training.models import (
    Partner,
    Platform,
    Programme,
    ProgrammePartner,
    Target,
    TargetStructure,
    Theme,
    TransportRate,
)
from kalan.training.selectors.programmes import programmes_visible_to
from kalan.training.services.dirty import mark_dirty
from kalan.training.services.history import act


@dataclass(frozen=True)
class PartnerData:
    """A partner by name, with a role of ProgrammePartner.Role ("funder", "implementer"…)."""

    name: str
    role: str


@dataclass(frozen=True)
class TargetData:
    """A target for one indicator, for the programme (``node`` None) or one territory."""

    indicator: str
    value: Decimal
    node: OrgNode | None = None


@dataclass(frozen=True)
class ProgrammeData:
    code: str
    name: str
    node: OrgNode
    start: dt.date
    end: dt.date
    strategy_axis: str = ""
    audience: str = ""
    objectives: str = ""
    completion_percent: int = 80
    public: bool = False
    is_demo: bool = False
    currency: str = "XOF"
    per_diem: Decimal = Decimal(0)
    sms_monthly_ceiling: Decimal = Decimal(0)
    partners: Sequence[PartnerData] = field(default_factory=tuple)
    targets: Sequence[TargetData] = field(default_factory=tuple)
    target_structures: Sequence[OrgNode] = field(default_factory=tuple)


_PLAIN = (
    "code",
    "name",
    "node",
    "start",
    "end",
    "strategy_axis",
    "audience",
    "objectives",
    "completion_percent",
    "public",
    "currency",
    "per_diem",
    "sms_monthly_ceiling",
)


def ensure_partner(name: str) -> Partner:
    """Return the partner of this name (accents and case aside), made when new."""
    code = fold(name).replace(" ", "-")[:40]
    if not code:
        raise Refused("Un partenaire n’a pas de nom.", field="partners")
    return Partner.objects.get_or_create(code=code, defaults={"name": name.strip()})[0]


def theme_named(name: str) -> Theme:
    """Return the theme of this name (accents and case aside), made when new."""
    known = {fold(theme.name): theme for theme in Theme.objects.order_by("pk")}
    if not fold(name):
        raise Refused("La session n’a pas de thème.", field="theme")
    if fold(name) in known:
        return known[fold(name)]
    code = fold(name).replace(" ", "-")[:36]
    taken = Theme.objects.filter(code__startswith=code).count()
    return Theme.objects.create(code=f"{code}-{taken + 1}" if taken else code, name=name.strip())


def ensure_theme(*, actor: Actor, code: str, name: str, description: str = "") -> Theme:
    """Return the theme of this code, made when new (who plans sessions may add one)."""
    _require(actor, "sessions.plan")
    return Theme.objects.get_or_create(
        code=code, defaults={"name": name, "description": description}
    )[0]


@act
def create_programme(*, actor: Actor, now: dt.datetime, data: ProgrammeData) -> Programme:
    """Create a programme with its partners, targets and target structures."""
    _check(actor, data, current=None)
    programme = Programme(is_demo=data.is_demo)
    _write(programme, data)
    return programme


@act
def update_programme(
    *, actor: Actor, now: dt.datetime, programme: Programme, data: ProgrammeData
) -> Programme:
    """Change a programme. A new completion rule has its sessions recounted."""
    row = programmes_visible_to(actor, "programmes.edit").select_for_update().get(pk=programme.pk)
    _check(actor, data, current=row)
    _write(row, data)
    mark_dirty(row.sessions.order_by("pk").values_list("pk", flat=True), now)
    return row


@act
def set_targets(
    *, actor: Actor, now: dt.datetime, programme: Programme, targets: Sequence[TargetData]
) -> None:
    """Replace the targets of a programme."""
    row = programmes_visible_to(actor, "programmes.edit").get(pk=programme.pk)
    _write_targets(row, targets)


@act
def set_target_structures(
    *, actor: Actor, now: dt.datetime, programme: Programme, structures: Sequence[OrgNode]
) -> None:
    """Replace the programme's own list of structures (structures bénéficiaires)."""
    row = programmes_visible_to(actor, "programmes.edit").get(pk=programme.pk)
    _write_structures(row, structures)


@act
def set_transport_rates(
    *,
    actor: Actor,
    now: dt.datetime,
    programme: Programme,
    rates: Sequence[tuple[OrgNode, Decimal]],
) -> None:
    """Replace the transport allowances by origin, in the programme's currency."""
    row = programmes_visible_to(actor, "programmes.edit").get(pk=programme.pk)
    for origin, amount in rates:
        if amount < 0:
            raise Refused(f"Le transport depuis {origin} ne peut pas être négatif.", field="rates")
    wanted = {origin.pk: amount for origin, amount in rates if amount}
    for rate in TransportRate.objects.filter(programme=row):
        if rate.origin_id not in wanted:
            rate.delete()
            continue
        amount = wanted.pop(rate.origin_id)
        if rate.amount != amount:
            rate.amount = amount
            rate.save()
    for origin_id, amount in wanted.items():
        TransportRate.objects.create(programme=row, origin_id=origin_id, amount=amount)


@act
def create_platform(
    *, actor: Actor, now: dt.datetime, programme: Programme, code: str, name: str, url: str = ""
) -> Platform:
    """Note a learning platform of the programme (a Moodle…)."""
    row = programmes_visible_to(actor, "programmes.edit").get(pk=programme.pk)
    if Platform.objects.filter(code=code).exists():
        raise Refused(f"Le code de plateforme « {code} » existe déjà.", field="code")
    return Platform.objects.create(programme=row, code=code, name=name, url=url)


def _require(actor: Actor, capability: str) -> None:
    if not actor.can(policy.CAPABILITIES[capability]):
        raise Refused("Votre rôle ne permet pas cette action.", code="forbidden")


def _check(actor: Actor, data: ProgrammeData, *, current: Programme | None) -> None:
    if not actor.covers(policy.CAPABILITIES["programmes.edit"], data.node.path):
        raise Refused(
            f"Vous ne gérez pas de programme pour {data.node.name}.",
            field="node",
            remedy="Choisissez un territoire de votre ressort.",
        )
    if data.end < data.start:
        raise Refused(
            "Le programme se termine avant de commencer.",
            field="end",
            remedy="Vérifiez la date de fin.",
        )
    if not 1 <= data.completion_percent <= 100:
        raise Refused(
            "La part de demi-journées demandée est entre 1 et 100 %.", field="completion_percent"
        )
    if data.per_diem < 0 or data.sms_monthly_ceiling < 0:
        name = "per_diem" if data.per_diem < 0 else "sms_monthly_ceiling"
        raise Refused("Un montant ne peut pas être négatif.", field=name)
    same = Programme.objects.filter(code=data.code)
    if current is not None:
        same = same.exclude(pk=current.pk)
    if same.exists():
        raise Refused(
            f"Le code « {data.code} » est déjà pris par un autre programme.",
            field="code",
            remedy="Choisissez un autre code.",
        )


def _write(programme: Programme, data: ProgrammeData) -> None:
    for name in _PLAIN:
        setattr(programme, name, getattr(data, name))
    programme.save()
    _write_partners(programme, data.partners)
    _write_targets(programme, data.targets)
    _write_structures(programme, data.target_structures)


def _write_partners(programme: Programme, partners: Sequence[PartnerData]) -> None:
    wanted: dict[tuple[int, str], Any] = {}
    for data in partners:
        if data.role not in ProgrammePartner.Role.values:
            raise Refused(f"Le rôle « {data.role} » est inconnu.", field="partners")
        wanted[ensure_partner(data.name).pk, data.role] = None
    for row in ProgrammePartner.objects.filter(programme=programme):
        if (row.partner_id, row.role) in wanted:
            del wanted[row.partner_id, row.role]
        else:
            row.delete()
    for partner_id, role in wanted:
        ProgrammePartner.objects.create(programme=programme, partner_id=partner_id, role=role)


def _write_targets(programme: Programme, targets: Sequence[TargetData]) -> None:
    wanted: dict[tuple[str, int | None], Decimal] = {}
    for data in targets:
        key = (data.indicator, data.node.pk if data.node else None)
        if key in wanted:
            place = f" pour {data.node}" if data.node else ""
            raise Refused(f"Deux cibles pour « {data.indicator} »{place}.", field="targets")
        if data.value < 0:
            raise Refused("Une cible ne peut pas être négative.", field="targets")
        wanted[key] = data.value
    for row in Target.objects.filter(programme=programme):
        value = wanted.pop((row.indicator, row.node_id), None)
        if value is None:
            row.delete()
        elif value != row.value:
            row.value = value
            row.save()
    for (indicator, node_id), value in wanted.items():
        Target.objects.create(
            programme=programme, indicator=indicator, node_id=node_id, value=value
        )


def _write_structures(programme: Programme, structures: Sequence[OrgNode]) -> None:
    wanted = {structure.pk for structure in structures}
    for row in TargetStructure.objects.filter(programme=programme):
        if row.structure_id in wanted:
            wanted.discard(row.structure_id)
        else:
            row.delete()
    for structure_id in sorted(wanted):
        TargetStructure.objects.create(programme=programme, structure_id=structure_id)
