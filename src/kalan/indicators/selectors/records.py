"""The records behind each figure, within the reader's reach: as many rows as the figure says.

A list is a queryset with an order that a keyset can walk, and a function that turns one page of
rows into cells in a fixed number of queries.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Count, Q

from kalan.base.exports import Cell
from kalan.indicators.definitions import Definition
from kalan.indicators.models import Participation, SessionFact
from kalan.indicators.selectors.board import MINIMUM_ANSWERS, target_structures
from kalan.indicators.selectors.record_lines import ERASED, Line, Records, person_name, subject
from kalan.indicators.selectors.records_people import (
    accounts,
    coverage,
    duplicates,
    outsiders,
    people,
    trainers,
)
from kalan.indicators.selectors.scope import Reach
from kalan.people.models import Agent, OrgNode
from kalan.training.models import AnonymousCount, Outsider, Programme, Session


def records(definition: Definition, reach: Reach, *, day: dt.date) -> Records:
    """The list behind ``definition``; ``day`` is the day of coverage."""
    return _LISTS[definition.records](definition, reach, day)


def _registrations(definition: Definition, reach: Reach, day: dt.date) -> Records:
    def lines(facts: Sequence[Participation]) -> list[Line]:
        agents = Agent.objects.in_bulk([f.agent_id for f in facts if f.agent_id])
        others = Outsider.objects.in_bulk([f.outsider_id for f in facts if f.outsider_id])
        sessions = Session.objects.in_bulk([f.session_id for f in facts])
        nodes = OrgNode.objects.in_bulk([f.structure_id for f in facts if f.structure_id])
        found = []
        for fact in facts:
            outsider = others.get(fact.outsider_id or 0)
            node = nodes.get(fact.structure_id or 0)
            session = sessions.get(fact.session_id)
            name = outsider.full_name if outsider else person_name(agents.get(fact.agent_id or 0))
            found.append(
                Line(
                    (
                        name or ERASED,
                        session.code if session else "",
                        session.title if session else "",
                        fact.day,
                        node.name if node else "",
                        fact.present,
                        fact.half_days,
                        "oui" if fact.completed else "non",
                    ),
                    subject("session", session),
                )
            )
        return found

    return Records(
        reach.participations(),
        ("-day", "pk"),
        (
            "Personne",
            "Session",
            "Titre",
            "Dernier jour",
            "Structure",
            "Demi-journées suivies",
            "Demi-journées tenues",
            "Règle remplie",
        ),
        lines,
    )


_MORE: dict[str, tuple[str, ...]] = {
    "sessions": (),
    "sheets": ("Feuille jointe",),
    "satisfaction": ("Réponses", "Moyenne sur 5"),
    "costs": ("Prévu", "Dépensé", "Monnaie"),
}


def _session_cells(kind: str, fact: SessionFact) -> tuple[Cell, ...]:
    if kind == "sheets":
        return ("oui" if fact.has_sheet else "non",)
    if kind == "satisfaction":
        few = fact.satisfaction_answers < MINIMUM_ANSWERS
        mean = None if few else round(fact.satisfaction_total / fact.satisfaction_answers / 100, 2)
        return (fact.satisfaction_answers, mean)
    if kind == "costs":
        return (fact.planned, fact.spent, fact.currency)
    return ()


def _listed_and_done(session_ids: list[int]) -> dict[int, dict[str, int]]:
    """{session: how many are on its list, and how many met the programme's rule}."""
    rows = Participation.objects.filter(session_id__in=session_ids).order_by().values("session_id")
    counts = rows.annotate(listed=Count("pk"), done=Count("pk", filter=Q(completed=True)))
    return {row["session_id"]: {"listed": row["listed"], "done": row["done"]} for row in counts}


def _sessions(definition: Definition, reach: Reach, day: dt.date) -> Records:
    kind = definition.records

    def lines(facts: Sequence[SessionFact]) -> list[Line]:
        ids = [fact.session_id for fact in facts]
        sessions = Session.objects.select_related("theme", "node").in_bulk(ids)
        programmes = Programme.objects.in_bulk([f.programme_id for f in facts if f.programme_id])
        counted = _listed_and_done(ids)
        found = []
        for fact in facts:
            session = sessions[fact.session_id]
            programme = programmes.get(fact.programme_id or 0)
            numbers = counted.get(fact.session_id, {"listed": 0, "done": 0})
            found.append(
                Line(
                    (
                        session.code,
                        session.title,
                        programme.name if programme else "",
                        session.theme.name,
                        session.node.name,
                        fact.day,
                        numbers["listed"],
                        numbers["done"],
                        *_session_cells(kind, fact),
                    ),
                    subject("session", session),
                )
            )
        return found

    return Records(
        reach.sessions(),
        ("-day", "pk"),
        (
            "Code",
            "Titre",
            "Programme",
            "Thème",
            "Lieu",
            "Dernier jour",
            "Inscriptions",
            "Règle remplie",
            *_MORE[kind],
        ),
        lines,
    )


def _structures(definition: Definition, reach: Reach, day: dt.date) -> Records:
    trained = reach.trained().filter(structure_id__isnull=False)
    wanted: Any
    if definition.records == "targets":
        wanted = target_structures(reach).order_by().values("structure_id")
    else:
        wanted = trained.order_by().values("structure_id")

    def lines(nodes: Sequence[OrgNode]) -> list[Line]:
        counted = {
            row["structure_id"]: row
            for row in trained.filter(structure_id__in=[node.pk for node in nodes])
            .order_by()
            .values("structure_id")
            .annotate(
                people=Count("agent_id", distinct=True),
                women=Count("agent_id", distinct=True, filter=Q(sex="F")),
            )
        }
        above = {
            node.path: node.name
            for node in OrgNode.objects.filter(path__in={n.path[: -OrgNode.steplen] for n in nodes})
        }
        return [
            Line(
                (
                    node.name,
                    node.type.name if node.type else "",
                    above.get(node.path[: -OrgNode.steplen], ""),
                    counted[node.pk]["people"] if node.pk in counted else 0,
                    counted[node.pk]["women"] if node.pk in counted else 0,
                ),
                subject("structure", node),
            )
            for node in nodes
        ]

    return Records(
        OrgNode.objects.filter(pk__in=wanted).select_related("type"),
        ("search", "pk"),
        ("Structure", "Type", "Rattachée à", "Agents formés", "Femmes formées"),
        lines,
    )


def _anonymous(definition: Definition, reach: Reach, day: dt.date) -> Records:
    rows = AnonymousCount.objects.filter(
        session_id__in=reach.sessions().order_by().values("session_id")
    )
    return Records(
        rows.select_related("session"),
        ("-session__end", "pk"),
        ("Session", "Tel qu’écrit", "Femmes", "Hommes", "Sexe non renseigné", "Approximatif"),
        lambda found: [
            Line(
                (
                    one.session.code,
                    one.label,
                    one.women,
                    one.men,
                    one.unknown,
                    "oui" if one.approximate else "non",
                ),
                subject("session", one.session),
            )
            for one in found
        ],
    )


_LISTS: dict[str, Callable[[Definition, Reach, dt.date], Records]] = {
    "people": people,
    "registrations": _registrations,
    "sessions": _sessions,
    "sheets": _sessions,
    "satisfaction": _sessions,
    "costs": _sessions,
    "structures": _structures,
    "targets": _structures,
    "trainers": trainers,
    "outsiders": outsiders,
    "anonymous": _anonymous,
    "accounts": accounts,
    "coverage": coverage,
    "duplicates": duplicates,
}
