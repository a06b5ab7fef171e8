"""Who is asked: rules, what they give today, and the list that is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.campaigns.models import Campaign, CampaignGroup, Participant
from kalan.campaigns.selectors.campaigns import rules_of, territories_for
from kalan.campaigns.services.campaigns import locked
from kalan.people.actor import Actor, subtree
from kalan.people.models import Account, Agent, Cadre, OrgNode, Post
from kalan.people.selectors.core import agents_visible_to, posts_on
from kalan.training.services.history import act, note

MOST_LISTED = 5000


@dataclass(frozen=True)
class Rule:
    """A node and its cadres (none: all), or agents by name."""

    node: OrgNode | None = None
    cadres: Sequence[Cadre] = ()
    agents: Sequence[Agent] = ()


@act
def set_group(
    *, actor: Actor, now: dt.datetime, campaign: Campaign, rules: Sequence[Rule]
) -> Campaign:
    """Replace the rules of the group. People already on the list stay on it."""
    row = locked(actor, campaign)
    if row.state == Campaign.State.ARCHIVED:
        raise Refused("Cette campagne est archivée.", code="transition")
    for rule in rules:
        _check(actor, rule, now)
    row.groups.all().delete()
    for rank, rule in enumerate(rules, start=1):
        made = CampaignGroup.objects.create(campaign=row, rank=rank, node=rule.node)
        made.cadres.set(rule.cadres)
        made.agents.set(rule.agents)
    return row


def _check(actor: Actor, rule: Rule, now: dt.datetime) -> None:
    if rule.node is None and not rule.agents:
        raise Refused(
            "Le groupe est vide.",
            field="node",
            remedy="Choisissez un territoire ou une structure, ou donnez une liste d’agents.",
        )
    nodes = territories_for(actor)
    if not actor.system and rule.node and not nodes.filter(pk=rule.node.pk).exists():
        raise Refused("Ce lieu n’est pas dans votre territoire.", field="node", code="forbidden")
    if len(rule.agents) > MOST_LISTED:
        raise Refused(
            f"La liste a {len(rule.agents)} personnes ; la limite est de {MOST_LISTED}.",
            field="agents",
            remedy="Choisissez plutôt un territoire et des cadres.",
        )
    wanted = {agent.pk for agent in rule.agents}
    visible = agents_visible_to(actor, today=timezone.localdate(now)).filter(pk__in=wanted)
    if wanted and visible.count() != len(wanted):
        raise Refused("Une personne de la liste n’est pas dans votre territoire.", field="agents")


def agents_of(rules: Iterable[Rule], today: dt.date) -> QuerySet[Agent]:
    """The active agents that ``rules`` give on ``today``, together (one query)."""
    condition = Q(pk__in=[])
    for rule in rules:
        if rule.node is None:
            condition |= Q(pk__in=[agent.pk for agent in rule.agents])
            continue
        held = posts_on(today).filter(subtree(rule.node.path, "structure__"), agent=OuterRef("pk"))
        here = Q(Exists(held))
        if rule.cadres:
            here &= Q(cadre__in=[cadre.pk for cadre in rule.cadres])
        condition |= here
    return Agent.objects.filter(condition, status=Agent.Status.ACTIVE)


def rules_kept(campaign: Campaign) -> list[Rule]:
    """The campaign's rules as they were saved."""
    return [
        Rule(row.node, tuple(row.cadres.all()), tuple(row.agents.all()))
        for row in rules_of(campaign)
    ]


@dataclass(frozen=True)
class GroupPreview:
    """How many people the rules give, and how many of them a message can reach."""

    people: int
    newcomers: int
    with_email: int
    with_phone: int
    with_account: int


def preview(*, rules: Sequence[Rule], now: dt.datetime, campaign: Campaign | None) -> GroupPreview:
    """Count without storing anything (one query for each count)."""
    agents = agents_of(rules, timezone.localdate(now)).order_by()
    known = Participant.objects.filter(campaign=campaign, agent=OuterRef("pk"))
    newcomers = agents.filter(~Exists(known)).count() if campaign else agents.count()
    return GroupPreview(
        people=agents.count(),
        newcomers=newcomers,
        with_email=agents.exclude(email="").count(),
        with_phone=agents.filter(email="").exclude(phone="").count(),
        with_account=agents.filter(account__isnull=False).count(),
    )


@act
def refresh_group(*, actor: Actor, now: dt.datetime, campaign: Campaign) -> int:
    """Put on the list those whom the rules give and who are not on it; returns how many.

    Nobody is taken off: who changed post meanwhile keeps their place. Sent twice, it adds once.
    """
    row = locked(actor, campaign)
    if row.state not in (Campaign.State.DRAFT, Campaign.State.OPEN):
        raise Refused(
            f"Cette campagne est {row.get_state_display()} : on n’y ajoute plus personne.",
            code="transition",
        )
    rules = rules_kept(row)
    if not rules:
        raise Refused("Le groupe est vide.", remedy="Choisissez d’abord un groupe.")
    today = timezone.localdate(now)
    known = Participant.objects.filter(campaign=row, agent=OuterRef("pk"))
    newcomers = list(agents_of(rules, today).filter(~Exists(known)).order_by("pk"))
    if not newcomers and not Participant.objects.filter(campaign=row).exists():
        raise Refused(
            "Personne ne répond à ce groupe aujourd’hui.",
            field="node",
            remedy="Choisissez un autre lieu, ou moins de cadres.",
            code="empty",
        )
    _add(row, newcomers, today, now)
    if newcomers:
        note(row, actor=actor, changes={"ajoutés au groupe": ["", len(newcomers)]})
    return len(newcomers)


_CHUNK = 500  # SQLite takes 32 766 values in a statement, PostgreSQL 65 535


def _add(campaign: Campaign, agents: Sequence[Agent], today: dt.date, now: dt.datetime) -> None:
    for start in range(0, len(agents), _CHUNK):
        part = agents[start : start + _CHUNK]
        ids = [agent.pk for agent in part]
        places = dict(posts_on(today).filter(agent__in=ids).values_list("agent_id", "structure_id"))
        accounts = dict(Account.objects.filter(agent__in=ids).values_list("agent_id", "pk"))
        # Somebody who joined by the code before having an agent is already on the list.
        taken = set(
            Participant.objects.filter(
                campaign=campaign, account__in=list(accounts.values())
            ).values_list("account_id", flat=True)
        )
        Participant.objects.bulk_create(
            [
                Participant(
                    campaign=campaign,
                    agent=agent,
                    account_id=accounts.get(agent.pk),
                    structure_id=places.get(agent.pk),
                    cadre_id=agent.cadre_id,
                    sex=agent.sex,
                    search=agent.search,
                    added_at=now,
                )
                for agent in part
                if accounts.get(agent.pk) not in taken or accounts.get(agent.pk) is None
            ],
            ignore_conflicts=True,
        )


def agents_named(actor: Actor, text: str, *, now: dt.datetime) -> tuple[list[Agent], list[str]]:
    """From lines of matricules to (agents in the actor's territory, lines that name none)."""
    lines = [line.strip() for line in text.replace(";", "\n").replace(",", "\n").splitlines()]
    wanted = list(dict.fromkeys(line for line in lines if line))
    visible = agents_visible_to(actor, today=timezone.localdate(now))
    found: dict[str, Agent] = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        rows = visible.filter(matricule__in=part, status=Agent.Status.ACTIVE).order_by("pk")
        found.update({str(row.matricule): row for row in rows})
    unknown = [line for line in wanted if line not in found]
    return [found[line] for line in wanted if line in found], unknown


@act
def remove_participant(
    *, actor: Actor, now: dt.datetime, campaign: Campaign, participant: Participant
) -> None:
    """Take somebody off the list. Who has begun stays, marked as withdrawn."""
    row = locked(actor, campaign)
    person = row.participants.select_for_update().get(pk=participant.pk)
    if person.started_at is None:
        person.delete()
    else:
        person.state = Participant.State.WITHDRAWN
        person.shared_at = None
        person.save(update_fields=["state", "shared_at"])
    note(row, actor=actor, changes={"retiré du groupe": ["", str(person.uid)]})


def structure_of(agent_id: int, today: dt.date) -> int | None:
    """Where the agent's main post is on ``today``."""
    post: Post | None = posts_on(today).filter(agent=agent_id).order_by("-start", "-pk").first()
    return post.structure_id if post else None
