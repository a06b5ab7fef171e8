"""Lists of people behind the figures: agents, trainers, outsiders, accounts, likely duplicates."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Min, QuerySet, Sum

from kalan.indicators.definitions import Definition
from kalan.indicators.models import Participation, TrainerFact
from kalan.indicators.selectors import accounts as account_reads
from kalan.indicators.selectors.board import duplicate_pairs
from kalan.indicators.selectors.coverage import agents_in_post
from kalan.indicators.selectors.record_lines import ERASED, Line, Records, person_name, subject
from kalan.indicators.selectors.scope import Reach
from kalan.people.models import Agent, Cadre, DuplicatePair, Employer, OrgNode, Sex
from kalan.people.selectors.core import posts_on
from kalan.training.models import Outsider, PlatformAccount

_SEX = dict(Sex.choices)


def people(definition: Definition, reach: Reach, day: dt.date) -> Records:
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
                        person_name(agent),
                        agent.matricule or "",
                        _SEX[fact.sex],
                        cadre.title if cadre else "",
                        node.name if node else "",
                        len({one.session_id for one in by_agent[agent.pk]}),
                        fact.day,
                    ),
                    subject("agent", agent),
                )
            )
        return found

    return Records(
        Agent.objects.filter(pk__in=mine),
        ("search", "pk"),
        ("Nom", "Matricule", "Sexe", "Cadre", "Structure", "Sessions suivies", "Dernière session"),
        lines,
    )


def trainers(definition: Definition, reach: Reach, day: dt.date) -> Records:
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
                    person_name(agents[one.agent_id]) if one.agent_id in agents else one.name,
                    labels.get(one.employer, "non renseigné"),
                    done[one.person]["sessions"],
                    done[one.person]["led"],
                    done[one.person]["spent"],
                ),
                subject("agent", agents.get(one.agent_id or 0)),
            )
            for one in rows
        ]

    return Records(
        facts.filter(pk__in=firsts),
        ("name", "pk"),
        ("Nom", "Employeur", "Sessions", "Demi-journées animées", "Heures"),
        lines,
    )


def outsiders(definition: Definition, reach: Reach, day: dt.date) -> Records:
    done = reach.participations().filter(completed=True, outsider_id__isnull=False)
    return Records(
        Outsider.objects.filter(pk__in=done.order_by().values("outsider_id")),
        ("last_name", "pk"),
        ("Nom", "Organisme", "Sexe"),
        lambda rows: [Line((one.full_name or ERASED, one.body, _SEX[one.sex])) for one in rows],
    )


def accounts(definition: Definition, reach: Reach, day: dt.date) -> Records:
    condition = account_reads.BY_CODE[definition.code](reach.filters)
    rows = account_reads.platform_accounts(reach).filter(condition)

    def lines(found: Sequence[PlatformAccount]) -> list[Line]:
        return [
            Line(
                (
                    one.platform.name,
                    one.username,
                    person_name(one.agent) if one.agent else "",
                    one.created_on,
                    one.activated_on,
                    one.last_used_on,
                ),
                subject("agent", one.agent),
            )
            for one in found
        ]

    return Records(
        rows.select_related("platform", "agent"),
        ("username", "pk"),
        ("Plateforme", "Identifiant", "Agent rapproché", "Créé le", "Activé le", "Dernier usage"),
        lines,
    )


def coverage(definition: Definition, reach: Reach, day: dt.date) -> Records:
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
                        person_name(agent),
                        agent.matricule or "",
                        _SEX[agent.sex],
                        cadre.title if cadre else "",
                        post.structure.name if post else "",
                        agent.times,
                    ),
                    subject("agent", agent),
                )
            )
        return lines

    return Records(
        agents.select_related("cadre"),
        ("search", "pk"),
        ("Nom", "Matricule", "Sexe", "Cadre", "Structure", "Sessions suivies"),
        lines,
    )


def duplicates(definition: Definition, reach: Reach, day: dt.date) -> Records:
    def lines(pairs: Sequence[DuplicatePair]) -> list[Line]:
        ids = {pair.first_id for pair in pairs} | {pair.second_id for pair in pairs}
        agents = Agent.objects.in_bulk(list(ids))
        return [
            Line(
                (
                    person_name(agents.get(pair.first_id)),
                    person_name(agents.get(pair.second_id)),
                    ", ".join(str(reason) for reason in pair.reasons),
                ),
                subject("agent", agents.get(pair.first_id)),
            )
            for pair in pairs
        ]

    return Records(
        duplicate_pairs(reach),
        ("-score", "pk"),
        ("Première fiche", "Seconde fiche", "Pourquoi"),
        lines,
    )
