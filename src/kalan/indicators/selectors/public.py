"""Public figures by programme and territory, with small cells suppressed.

``public_figures`` reads the roll-ups. Callers first call ``services.refresh.ensure_fresh``.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from kalan.base import clock
from kalan.indicators.models import Cell, FrozenFigures, SessionFact, TrainerFact
from kalan.indicators.ratios import WomenShare
from kalan.indicators.suppression import hidden_cells
from kalan.people.models import OrgNode, OrgNodeCode, Post
from kalan.training.models import Platform, PlatformAccount, Programme, TargetStructure

# Columns of the sex table, in the order that suppression reads them: the last is the sum.
_SEX = ("femmes", "hommes", "sexe_inconnu", "agents_formes")
# Counts of people that stand alone.
_ALONE = ("autres_participants", "formateurs", "comptes", "inscriptions")


@dataclass(frozen=True)
class Figures:
    """Counts of one programme, or of one territory of it. None: suppressed (small cell)."""

    code: str
    nom: str
    sessions: int = 0
    structures: int = 0  # with at least one agent trained
    agents_formes: int | None = 0
    femmes: int | None = 0
    hommes: int | None = 0  # never published; held for suppression
    sexe_inconnu: int | None = 0
    part_femmes: Decimal | None = None
    # Printed instead of ``part_femmes`` when more than 5 % have no known sex.
    part_femmes_entre: tuple[Decimal, Decimal] | None = None
    autres_participants: int | None = 0
    formateurs: int | None = 0
    plateformes: int = 0
    comptes: int | None = 0
    inscriptions: int | None = 0
    anonymes: int = 0  # a line of its own, never added
    anonymes_approximatif: bool = False
    node_uid: str = ""

    def as_json(self) -> dict[str, Any]:
        """The keys of the contract, in its order."""
        part = self.part_femmes
        return {
            "code": self.code,
            "nom": self.nom,
            "sessions": self.sessions,
            "structures": self.structures,
            "agents_formes": self.agents_formes,
            "femmes": self.femmes,
            "part_femmes": None if part is None else float(part),
            "sexe_inconnu": self.sexe_inconnu,
            "autres_participants": self.autres_participants,
            "formateurs": self.formateurs,
            "plateformes": self.plateformes,
            "comptes": self.comptes,
            "inscriptions": self.inscriptions,
        }


@dataclass(frozen=True)
class ProgrammeFigures(Figures):
    uid: str = ""
    start: dt.date | None = None
    end: dt.date | None = None
    structures_beneficiaires: int = 0  # on the programme's target list
    arrete_le: dt.date | None = None
    territoires: tuple[Figures, ...] = ()
    suppressed: bool = False
    overlap: bool = False  # lines exceed the total: somebody stands on several
    country: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            **super().as_json(),
            "arrete_le": self.arrete_le.isoformat() if self.arrete_le else None,
            "territoires": [territory.as_json() for territory in self.territoires],
        }


def public_figures(now: dt.datetime) -> list[ProgrammeFigures]:
    """Figures of the public programmes, the latest first; constant number of queries."""
    programmes = list(
        Programme.objects.filter(public=True, start__lte=now.date())
        .select_related("node")
        .order_by("-start", "code")
    )
    if not programmes:
        return []
    ids = [programme.pk for programme in programmes]
    raw = _Raw(ids)
    frozen = {
        row.programme_id: row
        for row in FrozenFigures.objects.filter(programme_id__in=ids, public=True).order_by(
            "frozen_at", "pk"
        )
    }
    return [
        _thawed(frozen[programme.pk]) if programme.pk in frozen else _published(programme, raw)
        for programme in programmes
    ]


def snapshot(programme: Programme) -> dict[str, Any]:
    """What /chiffres/ shows of ``programme`` now, already suppressed, as JSON for a freeze."""
    found = asdict(_published(programme, _Raw([programme.pk])))
    text: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return text


def _thawed(frozen: FrozenFigures) -> ProgrammeFigures:
    found = dict(frozen.published)
    rows = tuple(Figures(**_decimals(row)) for row in found.pop("territoires"))
    for name in ("start", "end"):
        found[name] = dt.date.fromisoformat(found[name])
    found["arrete_le"] = timezone.localtime(frozen.frozen_at).date()
    return ProgrammeFigures(**_decimals(found), territoires=rows)


def _decimals(row: dict[str, Any]) -> dict[str, Any]:
    part, between = row["part_femmes"], row["part_femmes_entre"]
    return row | {
        "part_femmes": None if part is None else Decimal(part),
        "part_femmes_entre": between and (Decimal(between[0]), Decimal(between[1])),
    }


class _Raw:
    """Exact counts by (programme, region); region 0 is the whole programme."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids
        self.values: dict[tuple[int, int], dict[str, Any]] = defaultdict(dict)
        self._people()
        self._sessions()
        self._trainers()
        self._accounts()
        regions = {node for _, node in self.values if node}
        self.regions = {
            pk: (name, str(uid), country)
            for pk, name, uid, country in OrgNode.objects.filter(pk__in=regions).values_list(
                "pk", "name", "uid", "country"
            )
        }
        self.codes = _region_codes(regions)
        self.targets: dict[int, int] = dict(
            TargetStructure.objects.filter(programme_id__in=ids)
            .order_by()
            .values_list("programme_id")
            .annotate(n=Count("pk"))
        )

    def _people(self) -> None:
        wide = OrgNode.objects.filter(kind=OrgNode.Kind.REGION).values("pk")
        cells = Cell.objects.filter(
            Q(node_id=0) | Q(node_id__in=wide),
            programme_id__in=self.ids,
            period="all",
            part="",
            dimension="",
        )
        for cell in cells:
            self.values[cell.programme_id, cell.node_id].update(
                agents_formes=cell.trained,
                femmes=cell.women,
                hommes=cell.men,
                sexe_inconnu=cell.unknown,
                autres_participants=cell.others,
                inscriptions=cell.registrations,
                structures=cell.structures,
            )

    def _sessions(self) -> None:
        rows = (
            SessionFact.objects.filter(programme_id__in=self.ids)
            .order_by()
            .values("programme_id", "region_id")
            .annotate(
                n=Count("pk"),
                people=Sum("anonymous_women") + Sum("anonymous_men") + Sum("anonymous_unknown"),
                rounded=Count("pk", filter=Q(anonymous_approximate=True)),
            )
        )
        for row in rows:
            for region in {row["region_id"] or 0, 0}:
                values = self.values[row["programme_id"] or 0, region]
                values["sessions"] = values.get("sessions", 0) + row["n"]
                values["anonymes"] = values.get("anonymes", 0) + row["people"]
                values["anonymes_approximatif"] = bool(
                    values.get("anonymes_approximatif") or row["rounded"]
                )

    def _trainers(self) -> None:
        people: dict[tuple[int, int], set[str]] = defaultdict(set)
        rows = (
            TrainerFact.objects.filter(programme_id__in=self.ids)
            .order_by()
            .values_list("programme_id", "region_id", "person")
            .distinct()
        )
        for programme, region, person in rows:
            if programme is not None:
                people[programme, 0].add(person)
                people[programme, region or 0].add(person)
        for key, persons in people.items():
            self.values[key]["formateurs"] = len(persons)

    def _accounts(self) -> None:
        """Accounts created; in a territory: of agents whose post was there on that day."""
        for programme in (
            Platform.objects.filter(programme_id__in=self.ids)
            .order_by()
            .values("programme_id")
            .annotate(n=Count("pk"))
        ):
            self.values[programme["programme_id"], 0]["plateformes"] = programme["n"]
        day = Coalesce(OuterRef("created_on"), clock.today())
        post = (
            Post.objects.filter(agent=OuterRef("agent"), is_main=True)
            .filter(start__lte=day)
            .filter(Q(end__isnull=True) | Q(end__gte=day))
            .order_by("-start", "-pk")
        )
        rows = list(
            PlatformAccount.objects.filter(platform__programme_id__in=self.ids, is_demo=False)
            .annotate(at=Subquery(post.values("structure__path")[:1]))
            .order_by()
            .values_list("platform__programme_id", "platform_id", "at")
            .annotate(n=Count("pk"))
        )
        regions = dict(OrgNode.objects.filter(kind=OrgNode.Kind.REGION).values_list("path", "pk"))
        platforms: dict[tuple[int, int], set[int]] = defaultdict(set)
        for programme_id, platform, path, n in rows:
            above = (path[:end] for end in range(4, len(path or "") + 1, 4))
            region = next((regions[part] for part in above if part in regions), None)
            for node in {region or 0, 0}:
                values = self.values[programme_id, node]
                values["comptes"] = values.get("comptes", 0) + n
            if region:
                platforms[programme_id, region].add(platform)
        for key, found in platforms.items():
            self.values[key]["plateformes"] = len(found)


def _region_codes(regions: Iterable[int]) -> dict[int, str]:
    """ISO 3166-2 codes ("SN-FK") when known, else any code of the region."""
    found: dict[int, str] = {}
    rows = OrgNodeCode.objects.filter(node_id__in=list(regions)).order_by("node_id", "system")
    for node, system, value in rows.values_list("node_id", "system", "value"):
        if "3166" in system or node not in found:
            found[node] = value
    return found


def _published(programme: Programme, raw: _Raw) -> ProgrammeFigures:
    whole = ProgrammeFigures(
        code=programme.code,
        nom=programme.name,
        uid=str(programme.uid),
        start=programme.start,
        end=programme.end,
        country=programme.node.country,
        structures_beneficiaires=raw.targets.get(programme.pk, 0),
        **raw.values.get((programme.pk, 0), {}),
    )
    regions = sorted(
        (raw.regions[node][0], node)
        for one, node in raw.values
        if one == programme.pk and node in raw.regions
    )
    territories = [
        Figures(
            code=raw.codes.get(node, raw.regions[node][1]),
            nom=name,
            node_uid=raw.regions[node][1],
            **raw.values[programme.pk, node],
        )
        for name, node in regions
    ]
    rows: list[Figures] = [*territories, whole]
    shown = _suppress([_with_share(row) for row in rows])
    total = shown[-1]
    assert isinstance(total, ProgrammeFigures)
    hidden = any(
        getattr(row, name) is None for row in shown for name in ("agents_formes", "femmes", *_ALONE)
    )
    overlap = sum(row.agents_formes or 0 for row in territories) > (whole.agents_formes or 0)
    return replace(total, territoires=tuple(shown[:-1]), suppressed=hidden, overlap=overlap)


def _with_share(row: Figures) -> Figures:
    women, men, unknown = row.femmes or 0, row.hommes or 0, row.sexe_inconnu or 0
    share = WomenShare(women, women + men, unknown)
    between = None
    if share.doubtful and share.low is not None and share.high is not None:
        between = (share.low, share.high)
    return replace(row, part_femmes=share.exact, part_femmes_entre=between)


def _suppress(rows: list[Figures]) -> list[Figures]:
    """Hide small cells of ``rows``, whose last one is the total."""
    changes: list[dict[str, Any]] = [{} for _ in rows]
    by_sex = [[getattr(row, name) for name in _SEX] for row in rows]
    for r, c in hidden_cells(by_sex, row_totals=True):
        changes[r][_SEX[c]] = None
        changes[r]["part_femmes"] = None
        changes[r]["part_femmes_entre"] = None
    for name in _ALONE:
        for r, _ in hidden_cells([[getattr(row, name)] for row in rows], row_totals=False):
            changes[r][name] = None
    return [replace(row, **change) for row, change in zip(rows, changes, strict=True)]
