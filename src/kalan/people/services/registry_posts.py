"""Writes on posts: where an agent works, from when to when, for whom.

Main posts of one agent never overlap; secondary posts may. A role tied to a post ends with it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Q

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import Agent, Cadre, Employer, EmploymentStatus, OrgNode, Post
from kalan.people.services.allow import require
from kalan.people.services.history import acting

_FIELDS = ("structure", "start", "end", "cadre", "title", "employer", "status", "is_main")
FIRST_YEAR = 1940


def add_post(
    *,
    actor: Actor,
    now: dt.datetime,
    agent: Agent,
    structure: OrgNode,
    start: dt.date,
    end: dt.date | None = None,
    cadre: Cadre | None = None,
    title: str = "",
    employer: str = "",
    status: str = "",
    is_main: bool = True,
    end_previous: bool = False,
    walk_in: bool = False,
    new_agent: bool = False,
) -> Post:
    """Give ``agent`` a post at ``structure`` from ``start`` to ``end`` (both included).

    Raises Refused when it overlaps another main post (both named, with dates), when the structure
    was not open, or when a date cannot be. ``end_previous``: a transfer, the running main post
    ends the day before. ``walk_in``: the caller has checked the right. ``new_agent``: made in this
    very transaction, so that nobody else sees the agent and no post can overlap.
    """
    with transaction.atomic(), acting(actor):
        if not walk_in:
            require(actor, "people.edit", structure)
        if not new_agent:
            agent = Agent.objects.select_for_update().get(pk=agent.pk)
        post = Post(
            agent=agent,
            structure=structure,
            start=start,
            end=end,
            cadre=cadre,
            title=title.strip(),
            employer=employer,
            status=status,
            is_main=is_main,
        )
        if end_previous and is_main:
            _end_running(actor, now, agent, start)
        _check(post, now, alone=new_agent)
        post.save()
        return post


def _end_running(actor: Actor, now: dt.datetime, agent: Agent, start: dt.date) -> None:
    """End the main post that runs over ``start`` the day before it."""
    running = Post.objects.filter(agent=agent, is_main=True, start__lt=start).filter(
        Q(end__isnull=True) | Q(end__gte=start)
    )
    for post in running.order_by("pk"):
        change_post(actor=actor, now=now, post=post, end=start - dt.timedelta(days=1))


def change_post(
    *, actor: Actor, now: dt.datetime, post: Post, reason: str = "", **changes: Any
) -> Post:
    """Correct a post. A value equal to the present one changes nothing."""
    if unknown := set(changes) - set(_FIELDS):
        raise TypeError(f"Not a field of a post: {sorted(unknown)}")
    with transaction.atomic(), acting(actor, reason=reason):
        Agent.objects.select_for_update().get(pk=post.agent_id)
        post = Post.objects.select_related("structure").get(pk=post.pk)
        require(actor, "people.edit", post.structure)
        changed = [name for name, value in changes.items() if getattr(post, name) != value]
        for name in changed:
            setattr(post, name, changes[name])
        if "structure" in changed:
            require(actor, "people.edit", post.structure)
        if changed:
            _check(post, now)
            post.save(update_fields=changed)
        return post


def end_post(
    *, actor: Actor, now: dt.datetime, post: Post, end: dt.date, agent_leaves: bool = False
) -> Post:
    """End a post on ``end`` (its last day). Roles tied to it end with it.

    ``agent_leaves``: the person leaves the workforce too (their status becomes "left"); refused
    while another post runs on.
    """
    with transaction.atomic(), acting(actor):
        ended = change_post(actor=actor, now=now, post=post, end=end)
        if agent_leaves:
            _leave(ended)
        return ended


def _leave(post: Post) -> None:
    others = Post.objects.filter(agent=post.agent_id).exclude(pk=post.pk)
    running = others.filter(Q(end__isnull=True) | Q(end__gt=post.end))
    other = running.select_related("structure").order_by("pk").first()
    if other is not None:
        raise Refused(
            f"Un autre poste court encore, à « {other.structure.name} ».",
            field="left",
            remedy="Terminez-le d’abord, ou ne cochez pas le départ.",
        )
    agent = Agent.objects.get(pk=post.agent_id)
    agent.status = Agent.Status.LEFT
    agent.save(update_fields=["status"])


def _check(post: Post, now: dt.datetime, *, alone: bool = False) -> None:
    """``alone``: the agent has no other post."""
    _check_choices(post)
    for field, day in (("start", post.start), ("end", post.end)):
        if day is not None and not FIRST_YEAR <= day.year <= now.year + 1:
            raise Refused(
                f"L’année {day.year} n’est pas plausible.",
                field=field,
                remedy=f"Indiquez une date entre {FIRST_YEAR} et {now.year + 1}.",
            )
    if post.end is not None and post.end < post.start:
        raise Refused(
            f"Le poste finirait le {post.end:%d/%m/%Y}, avant de commencer le "
            f"{post.start:%d/%m/%Y}.",
            field="end",
            remedy="Corrigez l’une des deux dates.",
        )
    _check_structure(post)
    if post.is_main and not alone:
        _refuse_overlap(post)


def _check_choices(post: Post) -> None:
    for field, value, known in (
        ("employer", post.employer, Employer.values),
        ("status", post.status, EmploymentStatus.values),
    ):
        if value and value not in known:
            raise Refused(
                f"« {value} » n’est pas une valeur connue.",
                field=field,
                remedy="Choisissez dans la liste.",
            )
    if post.cadre is not None and post.cadre.country != post.agent.country:
        raise Refused(
            f"« {post.cadre.title} » est un cadre d’un autre pays.",
            field="cadre",
            remedy="Choisissez un cadre de la liste du pays.",
        )


def _check_structure(post: Post) -> None:
    place = post.structure
    if place.kind == OrgNode.Kind.COUNTRY or place.country != post.agent.country:
        raise Refused(
            f"« {place.name} » n’est pas un lieu de travail de cet agent.",
            field="structure",
            remedy="Choisissez une structure de son pays.",
        )
    if place.merged_into_id is not None:
        raise Refused(
            f"« {place.name} » a été fusionnée avec une autre structure.",
            field="structure",
            remedy="Choisissez la structure conservée.",
        )
    if place.closed_on is not None and (post.end is None or post.end > place.closed_on):
        raise Refused(
            f"« {place.name} » a fermé le {place.closed_on:%d/%m/%Y}.",
            field="structure",
            remedy="Terminez le poste ce jour-là au plus tard, ou choisissez une autre structure.",
        )


def _refuse_overlap(post: Post) -> None:
    others = Post.objects.filter(agent=post.agent, is_main=True).filter(
        Q(end__isnull=True) | Q(end__gte=post.start)
    )
    if post.pk:
        others = others.exclude(pk=post.pk)
    if post.end is not None:
        others = others.filter(start__lte=post.end)
    other = others.select_related("structure").order_by("start", "pk").first()
    if other is None:
        return
    until = f"au {other.end:%d/%m/%Y}" if other.end else "à aujourd’hui"
    raise Refused(
        f"Ce poste principal chevauche celui à « {other.structure.name} », "
        f"du {other.start:%d/%m/%Y} {until}.",
        field="start",
        remedy="Terminez l’autre poste la veille, corrigez les dates, ou déclarez ce poste "
        "secondaire.",
        code="overlap",
    )
