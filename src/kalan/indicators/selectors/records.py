"""The records behind each figure, within the reader's reach: as many rows as the figure says.

A list is a queryset with an order that a keyset can walk, and a function that turns one page of
rows into cells in a fixed number of queries.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum

from kalan.base.exports import Cell
from kalan.indicators.definitions import Definition
from kalan.indicators.models import Participation, SessionFact, TrainerFact
from kalan.indicators.selectors import accounts as account_reads
from kalan.indicators.selectors.board import MINIMUM_ANSWERS, duplicate_pairs, target_structures
from kalan.indicators.selectors.coverage import agents_in_post
from kalan.indicators.selectors.scope import Reach
from kalan.people.models import Agent, Cadre, DuplicatePair, Employer, OrgNode, Sex
from kalan.people.selectors.core import posts_on
from kalan.training.models import AnonymousCount, Outsider, PlatformAccount, Programme, Session

ERASED = "personne anonymisée"
_SEX = dict(Sex.choices)


@dataclass(frozen=True)
class Line:
    """One row as shown: ``subject`` names the record it opens, as (kind, uid)."""

    cells: tuple[Cell, ...]
    subject: tuple[str, str] | None = None


@dataclass(frozen=True)
class Records:
    rows: QuerySet[Any]
    order: tuple[str, ...]
    headers: tuple[str, ...]
    lines: Callable[[Sequence[Any]], list[Line]]

    def all_lines(self, size: int = 2000) -> Iterator[Line]:
        """Every row, for exports: read in slices by key, so that memory stays flat."""
        ids = list(self.rows.order_by(*self.order).values_list("pk", flat=True))
        for start in range(0, len(ids), size):
            part = ids[start : start + size]
            found = self.rows.filter(pk__in=part).in_bulk(part)
            yield from self.lines([found[pk] for pk in part if pk in found])


def records(definition: Definition, reach: Reach, *, day: dt.date) -> Records:
    """The list behind ``definition``; ``day`` is the day of coverage."""
    return _LISTS[definition.records](definition, reach, day)


def _person(agent: Agent | None) -> str:
    if agent is None or agent.status == Agent.Status.ERASED or not agent.last_name:
        return ERASED
    return agent.full_name


def _subject(kind: str, row: Agent | Session | OrgNode | None) -> tuple[str, str] | None:
    return (kind, str(row.uid)) if row is not None else None


def _people(definition: Definition, reach: Reach, day: dt.date) -> Records:
    facts = reach.trained()
    if definition.code == "femmes":
        facts = facts.filter(sex="F")
    elif definition.code == "sexe_inconnu":
        facts = facts.filter(sex="")
    elif definition.code == "part_femmes":
        facts = facts.exclude(sex="")
    mine = facts.order_by().values("agent_id")

    def lines(agents: Sequence[Agent]) -> list[Line]:
        by_agent: dict[int | None, list[Participation]] = defaultdict(list)
        for fact in facts.filter(agent_id__in=[a.pk for a in agents]).order_by("day", "pk"):
            by_agent[fact.agent_id].append(fact)
        last = {pk: found[-1] for pk, found in by_agent.items()}
        nodes = OrgNode.objects.in_bulk([f.structure_id for f in last.values() if f.structure_id])
        cadres = Cadre.objects.in_bulk([f.cadre_id for f in last.values() if f.cadre_id])
        found = []
        for agent in agents:
            fact = last[agent.pk]
            node = nodes.get(fact.structure_id or 0)
            cadre = cadres.get(fact.cadre_id or 0)
            found.append(
                Line(
                    (
                        _person(agent),
                        agent.matricule or "",
                        _SEX[fact.sex],
                        cadre.title if cadre else "",
                        node.name if node else "",
                        len({one.session_id for one in by_agent[agent.pk]}),
                        fact.day,
                    ),
                    _subject("agent", agent),
                )
            )
        return found

    return Records(
        Agent.objects.filter(pk__in=mine),
        ("search", "pk"),
        ("Nom", "Matricule", "Sexe", "Cadre", "Structure", "Sessions suivies", "Dernière session"),
        lines,
    )


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
            name = outsider.full_name if outsider else _person(agents.get(fact.agent_id or 0))
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
                    _subject("session", session),
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


def _sessions(definition: Definition, reach: Reach, day: dt.date) -> Records:
    kind = definition.records

    def lines(facts: Sequence[SessionFact]) -> list[Line]:
        ids = [fact.session_id for fact in facts]
        sessions = Session.objects.select_related("theme", "node").in_bulk(ids)
        programmes = Programme.objects.in_bulk([f.programme_id for f in facts if f.programme_id])
        counted = {
            row["session_id"]: row
            for row in Participation.objects.filter(session_id__in=ids)
            .order_by()
            .values("session_id")
            .annotate(listed=Count("pk"), done=Count("pk", filter=Q(completed=True)))
        }
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
                    _subject("session", session),
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
                _subject("structure", node),
            )
            for node in nodes
        ]

    return Records(
        OrgNode.objects.filter(pk__in=wanted).select_related("type"),
        ("search", "pk"),
        ("Structure", "Type", "Rattachée à", "Agents formés", "Femmes formées"),
        lines,
    )


def _trainers(definition: Definition, reach: Reach, day: dt.date) -> Records:
    facts = reach.trainers()
    firsts = facts.order_by().values("person").annotate(first=Min("pk")).values("first")

    def lines(rows: Sequence[TrainerFact]) -> list[Line]:
        done = {
            row["person"]: row
            for row in facts.filter(person__in=[one.person for one in rows])
            .order_by()
            .values("person")
            .annotate(
                sessions=Count("session_id", distinct=True),
                led=Sum("half_days"),
                spent=Sum("hours"),
            )
        }
        agents = Agent.objects.in_bulk([one.agent_id for one in rows if one.agent_id])
        labels = dict(Employer.choices)
        return [
            Line(
                (
                    _person(agents[one.agent_id]) if one.agent_id in agents else one.name,
                    labels.get(one.employer, "non renseigné"),
                    done[one.person]["sessions"],
                    done[one.person]["led"],
                    done[one.person]["spent"],
                ),
                _subject("agent", agents.get(one.agent_id or 0)),
            )
            for one in rows
        ]

    return Records(
        facts.filter(pk__in=firsts),
        ("name", "pk"),
        ("Nom", "Employeur", "Sessions", "Demi-journées animées", "Heures"),
        lines,
    )


def _outsiders(definition: Definition, reach: Reach, day: dt.date) -> Records:
    done = reach.participations().filter(completed=True, outsider_id__isnull=False)
    return Records(
        Outsider.objects.filter(pk__in=done.order_by().values("outsider_id")),
        ("last_name", "pk"),
        ("Nom", "Organisme", "Sexe"),
        lambda rows: [Line((one.full_name or ERASED, one.body, _SEX[one.sex])) for one in rows],
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
                _subject("session", one.session),
            )
            for one in found
        ],
    )


def _accounts(definition: Definition, reach: Reach, day: dt.date) -> Records:
    condition = account_reads.BY_CODE[definition.code](reach.filters)
    rows = account_reads.platform_accounts(reach).filter(condition)

    def lines(found: Sequence[PlatformAccount]) -> list[Line]:
        return [
            Line(
                (
                    one.platform.name,
                    one.username,
                    _person(one.agent) if one.agent else "",
                    one.created_on,
                    one.activated_on,
                    one.last_used_on,
                ),
                _subject("agent", one.agent),
            )
            for one in found
        ]

    return Records(
        rows.select_related("platform", "agent"),
        ("username", "pk"),
        ("Plateforme", "Identifiant", "Agent rapproché", "Créé le", "Activé le", "Dernier usage"),
        lines,
    )


def _coverage(definition: Definition, reach: Reach, day: dt.date) -> Records:
    return in_post_records(agents_in_post(reach, day), day)


def in_post_records(agents: QuerySet[Agent], day: dt.date) -> Records:
    """Agents in post annotated with ``times`` (sessions completed)."""

    def lines(found: Sequence[Any]) -> list[Line]:
        posts = {
            post.agent_id: post
            for post in posts_on(day)
            .filter(agent__in=[agent.pk for agent in found])
            .select_related("structure", "cadre")
            .order_by("start", "pk")
        }
        lines = []
        for agent in found:
            post = posts.get(agent.pk)
            cadre = (post.cadre if post else None) or agent.cadre
            lines.append(
                Line(
                    (
                        _person(agent),
                        agent.matricule or "",
                        _SEX[agent.sex],
                        cadre.title if cadre else "",
                        post.structure.name if post else "",
                        agent.times,
                    ),
                    _subject("agent", agent),
                )
            )
        return lines

    return Records(
        agents.select_related("cadre"),
        ("search", "pk"),
        ("Nom", "Matricule", "Sexe", "Cadre", "Structure", "Sessions suivies"),
        lines,
    )


def _duplicates(definition: Definition, reach: Reach, day: dt.date) -> Records:
    def lines(pairs: Sequence[DuplicatePair]) -> list[Line]:
        ids = {pair.first_id for pair in pairs} | {pair.second_id for pair in pairs}
        agents = Agent.objects.in_bulk(list(ids))
        return [
            Line(
                (
                    _person(agents.get(pair.first_id)),
                    _person(agents.get(pair.second_id)),
                    ", ".join(str(reason) for reason in pair.reasons),
                ),
                _subject("agent", agents.get(pair.first_id)),
            )
            for pair in pairs
        ]

    return Records(
        duplicate_pairs(reach),
        ("-score", "pk"),
        ("Première fiche", "Seconde fiche", "Pourquoi"),
        lines,
    )


_LISTS: dict[str, Callable[[Definition, Reach, dt.date], Records]] = {
    "people": _people,
    "registrations": _registrations,
    "sessions": _sessions,
    "sheets": _sessions,
    "satisfaction": _sessions,
    "costs": _sessions,
    "structures": _structures,
    "targets": _structures,
    "trainers": _trainers,
    "outsiders": _outsiders,
    "anonymous": _anonymous,
    "accounts": _accounts,
    "coverage": _coverage,
    "duplicates": _duplicates,
}
