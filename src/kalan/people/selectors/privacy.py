"""Who sees requests about personal data, and what concerns one person."""

from __future__ import annotations

import datetime as dt

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from kalan.people.actor import Actor
from kalan.people.models import Agent, DataRequest, OrgNode, Post, ProcessingActivity
from kalan.people.policy import CAPABILITIES

_ROLES = CAPABILITIES["privacy.manage"]


def _countries(actor: Actor) -> QuerySet[OrgNode]:
    """Countries in which the actor manages personal data (the duty is national)."""
    countries: QuerySet[OrgNode] = OrgNode.objects.filter(kind=OrgNode.Kind.COUNTRY)
    return countries if actor.system else countries.filter(path__in=actor.paths(_ROLES))


def agents_erasable_by(actor: Actor) -> QuerySet[Agent]:
    """Agents of the actor's country that are not yet anonymised."""
    return Agent.objects.filter(country__in=_countries(actor).values("country")).exclude(
        status__in=[Agent.Status.ERASED, Agent.Status.MERGED]
    )


def requests_visible_to(actor: Actor) -> QuerySet[DataRequest]:
    """Requests of agents of the actor's country, and of accounts without an agent."""
    if not _countries(actor).exists():
        return DataRequest.objects.none()
    return DataRequest.objects.filter(
        Q(agent__country__in=_countries(actor).values("country")) | Q(agent__isnull=True)
    )


def register_visible_to(actor: Actor) -> QuerySet[ProcessingActivity]:
    """The processing register of the actor's countries."""
    return ProcessingActivity.objects.filter(country__in=_countries(actor).values("country"))


def import_rows_about(agent: Agent) -> Q:
    """Staged rows that were matched to the agent, or that carry their matricule or both names."""
    about = Q(target_id=agent.pk, run__kind="staff") | Q(uid=agent.uid)
    if agent.matricule:
        about |= Q(clean__matricule=agent.matricule)
    if agent.last_name and agent.first_names:
        about |= Q(clean__last_name=agent.last_name, clean__first_names=agent.first_names)
    return about


def agents_gone_since(day: dt.date) -> list[Agent]:
    """Agents without an open post whose last post ended before ``day``."""
    open_post = Post.objects.filter(agent=OuterRef("pk"), end__isnull=True)
    return list(
        Agent.objects.filter(~Exists(open_post), status__in=["active", "left"])
        .annotate(last=Max("posts__end"))
        .filter(last__lt=day)
        .order_by("pk")
    )
