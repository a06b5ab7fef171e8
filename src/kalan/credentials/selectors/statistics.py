"""Acts counted: issued, ended, about to end, checked. Scope is that of the acts' batches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth

from kalan.credentials import policy
from kalan.credentials.models import Act, ActTemplate, CheckCount
from kalan.people.actor import Actor
from kalan.people.models import OrgNode, Sex

SOON = 60  # days
_KINDS = dict(ActTemplate.Kind.choices)
_SEXES = dict(Sex.choices)
# Of the whole programme, or of one of its sessions.
_PROGRAMME = Coalesce("batch__programme__name", "batch__session__programme__name")


@dataclass(frozen=True)
class Line:
    """One row of a table: what it counts, and acts issued, revoked, replaced, ending soon."""

    label: str
    issued: int
    revoked: int
    replaced: int
    expired: int
    soon: int


def issued_in(
    actor: Actor, *, since: dt.date | None = None, until: dt.date | None = None
) -> QuerySet[Act]:
    """Signed acts of the actor's territory, by day of signature."""
    scope = actor.scope(policy.CAPABILITIES["acts.statistics"], "batch__node__")
    rows = Act.objects.filter(scope, state=Act.State.SIGNED, batch__state="signed")
    if since:
        rows = rows.filter(signed_at__date__gte=since)
    if until:
        rows = rows.filter(signed_at__date__lte=until)
    return rows


def _counts(today: dt.date) -> dict[str, Count]:
    valid = Q(status=Act.Status.VALID)
    return {
        "issued": Count("pk"),
        "revoked": Count("pk", filter=Q(status=Act.Status.REVOKED)),
        "replaced": Count("pk", filter=Q(status=Act.Status.REPLACED)),
        "expired": Count("pk", filter=valid & Q(valid_until__lt=today)),
        "soon": Count(
            "pk",
            filter=valid
            & Q(valid_until__gte=today, valid_until__lte=today + dt.timedelta(days=SOON)),
        ),
    }


def total(rows: QuerySet[Act], *, today: dt.date) -> Line:
    """All of them in one line (one query)."""
    return Line("Tous les actes", **rows.aggregate(**_counts(today)))


def tables(rows: QuerySet[Act], *, today: dt.date) -> list[tuple[str, list[Line]]]:
    """The same counts by kind, month, programme, territory and sex: one query each, and one for
    the names of regions."""
    by = _grouped
    kinds = by(rows, "batch__version__template__kind", today)
    months = by(rows.annotate(month=TruncMonth("signed_at")), "month", today)
    programmes = by(rows.annotate(programme=_PROGRAMME), "programme", today)
    sexes = by(rows.annotate(sex=Coalesce("agent__sex", "outsider__sex")), "sex", today)
    return [
        ("Type d’acte", [_line(_KINDS.get(str(key), ""), row) for key, row in kinds]),
        ("Mois", [_line(f"{key:%m/%Y}" if key else "", row) for key, row in months]),
        ("Programme", [_line(key or "Hors programme", row) for key, row in programmes]),
        ("Territoire", _territories(rows, today)),
        ("Sexe", [_line(_SEXES.get(str(key), "Non précisé"), row) for key, row in sexes]),
    ]


def _grouped(
    rows: QuerySet[Act], field: str, today: dt.date
) -> list[tuple[object, dict[str, int]]]:
    found = rows.order_by().values(field).annotate(**_counts(today)).order_by(field)
    return [(row.pop(field), row) for row in found]


def _line(label: object, row: dict[str, int]) -> Line:
    said = str(label or "non précisé")  # « DIRECCT » keeps its capitals
    return Line(said[0].upper() + said[1:], **row)


def _territories(rows: QuerySet[Act], today: dt.date) -> list[Line]:
    """By the region (or country) of the structure where the person worked, else of the batch."""
    steps = 2 * OrgNode.steplen
    found = (
        rows.annotate(path=Coalesce("structure__path", "batch__node__path"))
        .order_by()
        .values("path")
        .annotate(**_counts(today))
        .order_by("path")
    )
    sums: dict[str, dict[str, int]] = {}
    for path, row in ((row["path"], _numbers(row)) for row in found):
        head = path[:steps]
        held = sums.setdefault(head, dict.fromkeys(row, 0))
        for name, number in row.items():
            held[name] += number
    names = dict(OrgNode.objects.filter(path__in=sums).values_list("path", "name"))
    lines = [Line(names.get(path, path), **row) for path, row in sums.items()]
    return sorted(lines, key=lambda line: line.label)


def _numbers(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: number for name, number in row.items() if name != "path"}


def checks_in(*, since: dt.date | None, until: dt.date | None) -> list[tuple[str, str, int]]:
    """(way, result, number) of checks by the public; they are counted without act or place."""
    rows = CheckCount.objects.all()
    if since:
        rows = rows.filter(day__gte=since)
    if until:
        rows = rows.filter(day__lte=until)
    found = rows.order_by().values("way", "result").annotate(n=Sum("number"))
    return [(row["way"], row["result"], row["n"]) for row in found.order_by("way", "result")]
