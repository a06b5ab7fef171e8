"""The people of a campaign with the results that may be shown, for the list and the export."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from kalan.assessment.models import DomainResult, Result
from kalan.base.exports import Cell
from kalan.base.text import fold
from kalan.campaigns.models import Campaign, CampaignStep, Participant
from kalan.campaigns.selectors.campaigns import participants_visible_to
from kalan.campaigns.selectors.results import domain_names, levels_of, test_steps
from kalan.people.actor import Actor
from kalan.people.models import Agent, Sex

BLOCK = 2000  # participants of an export read at once


@dataclass(frozen=True)
class Shown:
    """A result that its owner shares: level, and by domain (code → level, to confirm)."""

    level: str
    probability: float | None
    percent: float | None
    simulated: bool = False
    domains: dict[str, tuple[str, bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class PersonRow:
    participant: Participant
    result: Shown | None


def filtered(
    rows: QuerySet[Participant],
    *,
    q: str = "",
    state: str = "",
    structure: str = "",
    cadre: str = "",
    domain: str = "",
    level: str = "",
    step: CampaignStep | None = None,
) -> QuerySet[Participant]:
    """Narrow a list of participants. By level: only those who share their result."""
    for word in fold(q).split():
        rows = rows.filter(search__contains=word)
    if state == "shared":
        rows = rows.filter(state=Participant.State.FINISHED, shared_at__isnull=False)
    elif state == "waiting":
        rows = rows.filter(state__in=[Participant.State.INVITED, Participant.State.STARTED])
    elif state:
        rows = rows.filter(state=state)
    if structure:
        place = _uid(structure)
        rows = rows.filter(structure__uid=place) if place else rows.none()
    if cadre:
        rows = rows.filter(cadre=int(cadre))
    if level and step is not None:
        rows = _at_level(rows, step, domain, level)
    return rows


def _uid(text: str) -> uuid.UUID | None:
    """The id that ``text`` is, or None."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _at_level(
    rows: QuerySet[Participant], step: CampaignStep, domain: str, level: str
) -> QuerySet[Participant]:
    mine = Result.objects.filter(
        current=True,
        sitting__campaign_part__participant=OuterRef("pk"),
        sitting__campaign_part__step=step,
    )
    if domain:
        mine = mine.filter(
            Exists(DomainResult.objects.filter(result=OuterRef("pk"), domain=domain, level=level))
        )
    else:
        mine = mine.filter(level=level)
    return rows.filter(_SHOWN, Exists(mine))


_SHOWN = Q(state=Participant.State.FINISHED, shared_at__isnull=False) & (
    Q(agent__isnull=True) | ~Q(agent__status=Agent.Status.ERASED)
)


def listed(rows: QuerySet[Participant]) -> QuerySet[Participant]:
    """With what a line of the list shows."""
    return rows.select_related("agent", "account", "structure", "cadre")


def with_results(rows: Sequence[Participant], step: CampaignStep | None) -> list[PersonRow]:
    """Add the shared results of one test (two queries, however many rows)."""
    shown = {row.pk for row in rows if _may_show(row)}
    found = _results_of(shown, step) if step is not None and shown else {}
    return [PersonRow(row, found.get(row.pk)) for row in rows]


def _may_show(row: Participant) -> bool:
    erased = row.agent is not None and row.agent.status == Agent.Status.ERASED
    finished = row.state == Participant.State.FINISHED
    return finished and row.shared_at is not None and not erased


def _results_of(participants: set[int], step: CampaignStep) -> dict[int, Shown]:
    return _shown(Q(sitting__campaign_part__participant__in=participants), step)


def _shown(which: Q, step: CampaignStep) -> dict[int, Shown]:
    """{participant: result} of the participants that ``which`` names, from a Result's side."""
    rows = Result.objects.filter(which, current=True, sitting__campaign_part__step=step)
    owner = "sitting__campaign_part__participant"
    wanted = ("pk", owner, "level", "level_probability", "percent", "simulated")
    lines = rows.order_by("pk").values_list(*wanted)
    found: dict[int, Shown] = {}
    by_result: dict[int, Shown] = {}
    for pk, person, level, probability, percent, simulated in lines:
        found[person] = by_result[pk] = Shown(level, probability, percent, simulated)
    domains = DomainResult.objects.filter(result__in=rows.values("pk")).order_by("pk")
    for pk, code, level, unsure in domains.values_list("result", "domain", "level", "to_confirm"):
        if pk in by_result:
            by_result[pk].domains[code] = (level, unsure)
    return found


@dataclass(frozen=True)
class Export:
    """A campaign's participants as a table; ``rows`` reads them block by block."""

    headers: list[str]
    rows: Iterator[list[Cell]]


_COLUMNS = (
    "pk",
    "agent__last_name",
    "agent__first_names",
    "account__display_name",
    "agent__matricule",
    "cadre__title",
    "structure__name",
    "sex",
    "state",
    "joined",
    "invited_at",
    "reminders",
    "started_at",
    "finished_at",
    "shared_at",
)
_HEADERS = [
    "Nom",
    "Prénoms",
    "Matricule",
    "Cadre",
    "Structure",
    "Sexe",
    "État",
    "Venu",
    "Invité le",
    "Rappels",
    "Commencé le",
    "Terminé le",
    "Partagé le",
]


def export(campaign: Campaign, rows: QuerySet[Participant]) -> Export:
    """The list with the results that may be shown: three queries for BLOCK participants.

    A result that its owner does not share leaves its columns empty.
    """
    headers = list(_HEADERS)
    columns: list[tuple[CampaignStep, dict[str, str], dict[str, str]]] = []
    steps = test_steps(campaign)
    for step in steps:
        title = f"{step.title} : " if len(steps) > 1 else ""
        names = domain_names(step)
        levels = {level.code: level.name for level in levels_of(step)}
        columns.append((step, names, levels))
        headers += [f"{title}Niveau", f"{title}Probabilité du niveau", f"{title}Réussite (%)"]
        headers.append(f"{title}Réponses simulées")
        for name in names.values():
            headers += [f"{title}{name}", f"{title}{name}, à confirmer"]
    return Export(headers, _lines(rows, columns))


Columns = list[tuple[CampaignStep, dict[str, str], dict[str, str]]]


def _lines(rows: QuerySet[Participant], columns: Columns) -> Iterator[list[Cell]]:
    states = dict(Participant.State.choices)
    joined = dict(Participant.Joined.choices)
    sexes = dict(Sex.choices)
    after: tuple[str, int] | None = None
    while True:
        block = rows.order_by("search", "pk")
        if after is not None:
            block = block.filter(Q(search__gt=after[0]) | Q(search=after[0], pk__gt=after[1]))
        people = list(block.values_list("search", *_COLUMNS)[:BLOCK])
        if not people:
            return
        after = (people[-1][0], people[-1][1])
        first = (people[0][0], people[0][1])
        found = [_shown(_between(first, after, rows), step) for step, _, _ in columns]
        for _, pk, last, given, name, matricule, cadre, place, sex, state, how, *dates in people:
            line: list[Cell] = [
                last if last is not None else name,
                given or "",
                matricule or "",
                cadre or "",
                place or "",
                sexes.get(sex, ""),
                states[state],
                joined[how],
                *[date.date() if hasattr(date, "date") else date for date in dates],
            ]
            for (_, names, levels), results in zip(columns, found, strict=True):
                line += _result_cells(results.get(pk), names, levels)
            yield line


def _between(first: tuple[str, int], last: tuple[str, int], rows: QuerySet[Participant]) -> Q:
    """Results of the shared participants of one block, as a condition without a list of ids."""
    shared = rows.filter(_SHOWN).filter(
        Q(search__gt=first[0]) | Q(search=first[0], pk__gte=first[1]),
        Q(search__lt=last[0]) | Q(search=last[0], pk__lte=last[1]),
    )
    return Q(sitting__campaign_part__participant__in=shared.order_by().values("pk"))


def _result_cells(shown: Shown | None, names: dict[str, str], levels: dict[str, str]) -> list[Cell]:
    if shown is None:
        return [None] * (4 + 2 * len(names))
    cells: list[Cell] = [
        levels.get(shown.level, shown.level),
        _rounded(shown.probability, 2),
        _rounded(shown.percent, 0),
        "oui" if shown.simulated else "",
    ]
    for code in names:
        level, unsure = shown.domains.get(code, ("", False))
        cells += [levels.get(level, level), ("oui" if unsure else "") if level else ""]
    return cells


def _rounded(value: float | None, digits: int) -> float | None:
    """As the screens write it: further figures would be the error's, not the person's."""
    return None if value is None else round(value, digits)


def for_list(actor: Actor, campaign: Campaign, **wanted: Any) -> QuerySet[Participant]:
    """The participants whom the actor sees, narrowed."""
    return listed(filtered(participants_visible_to(actor, campaign), **wanted))
