"""Sittings made and begun (answered: ``answering``; ended: ``endings``), for rooms above too."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from kalan.assessment.models import FrozenTest, Sitting, Test
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.screens import current, walk_of
from kalan.assessment.selectors.sittings import person, retake, seen_items
from kalan.assessment.services.answering import put_on_screen
from kalan.assessment.services.endings import end, locked
from kalan.base.errors import Refused
from kalan.engine.testing.walk import form_for
from kalan.people.actor import Actor
from kalan.people.models import Account, Agent, Post
from kalan.people.selectors.core import posts_on

__all__ = ["begin", "current", "person", "play_url", "retake", "seen_items", "start"]

SEED_BITS = 32


def play_url(sitting: Sitting) -> str:
    """Where the person goes on."""
    return f"/test/{sitting.uid}/"


@dataclass(frozen=True)
class RulesShown:
    """What the start page says: ``longest`` questions, ``minutes`` or None, explanations or not."""

    longest: int
    about: bool
    minutes: int | None
    feedback: bool
    stages: int


def rules_of(sitting: Sitting) -> RulesShown:
    """The rules of a sitting, its extra time counted."""
    frozen = frozen_of(sitting.frozen_id)
    minutes = frozen.rules.minutes
    if minutes is not None:
        minutes = minutes * (100 + sitting.extra_percent) // 100
    longest = sum(stage.longest for stage in frozen.stages)
    about = any(stage.package is not None for stage in frozen.stages) and (
        len(frozen.stages) > 1 or frozen.rules.shortest < frozen.rules.longest
    )
    return RulesShown(longest, about, minutes, frozen.rules.feedback, len(frozen.stages))


def start(
    *,
    actor: Actor,
    test: Test,
    now: dt.datetime,
    context: str = "open",
    account: Account | None = None,
    agent: Agent | None = None,
    by_link: bool = False,
    form: str = "",
    accessible_only: bool = False,
    extra_percent: int = 0,
    without: Collection[str] = (),
    simulated: bool = False,
) -> Sitting:
    """The person's open sitting of ``test`` in ``context``, or a new one, not begun yet.

    In context "open" the person is the actor, the test must be open to all and its retake rules
    hold; elsewhere the room that calls has decided. ``form``: "A", "B"… of a fixed test, "" for
    the one of which the person has seen least; an open sitting on another form is ended first.
    ``without``: codes of items to avoid (``seen_items``). Raises Refused for a test that is not
    published, or closed.
    """
    if context == "open":
        account = actor.account
        _may_take(test, account, now)
    if agent is None and account is not None:
        agent = account.agent
    number = form_number(form)
    for _ in range(3):
        kept = _open_sitting(test, context, account, agent)
        if kept is not None and (number is None or kept.form == number):
            return kept
        try:
            with transaction.atomic():
                if kept is not None:
                    end(sitting=kept, state=Sitting.State.STOPPED, now=now)
                return create(
                    test=test, now=now, context=context, account=account, agent=agent,
                    by_link=by_link, form=number, accessible_only=accessible_only,
                    extra_percent=extra_percent, without=without, simulated=simulated,
                )  # fmt: skip
        except IntegrityError:
            continue  # another tab was quicker: its sitting is found now
    raise Refused("Le test n’a pas pu être ouvert.", remedy="Rechargez la page.")


def form_number(form: str) -> int | None:
    """0 for "A", 1 for "B"…; None for ""."""
    if not form:
        return None
    if len(form) != 1 or not "A" <= form <= "Z":
        raise Refused(f"Forme « {form} » : une lettre de A à Z est attendue.", field="form")
    return ord(form) - ord("A")


def form_letter(number: int | None) -> str:
    """ "A" for 0…; "" for None."""
    return "" if number is None else chr(ord("A") + number)


def _may_take(test: Test, account: Account | None, now: dt.datetime) -> None:
    if account is None:
        raise Refused("Connectez-vous pour passer ce test.", code="forbidden")
    if _open_sitting(test, "open", account, account.agent) is not None:
        return
    if not test.open:
        raise Refused(
            "Ce test n’est pas en libre accès.", remedy="Il se passe sur invitation.", code="closed"
        )
    rule = retake(test, person(account, account.agent_id), now=now)
    if not rule.allowed:
        raise Refused(rule.why, code="retake")


def _open_sitting(
    test: Test, context: str, account: Account | None, agent: Agent | None
) -> Sitting | None:
    if account is None and agent is None:
        return None  # somebody from outside: the room that calls holds the link
    who = Q(account=account) if account is not None else Q(agent=agent, account__isnull=True)
    going = [Sitting.State.READY, Sitting.State.RUNNING]
    found = Sitting.objects.filter(who, test=test, context=context, state__in=going)
    return found.select_related("test").order_by("pk").first()


def create(
    *,
    test: Test,
    now: dt.datetime,
    context: str,
    account: Account | None,
    agent: Agent | None,
    by_link: bool,
    form: int | None,
    accessible_only: bool,
    extra_percent: int,
    without: Collection[str],
    simulated: bool,
    source: str = Sitting.Source.SCREEN,
) -> Sitting:
    """A new sitting, not begun; ``start`` and ``paper.key_in`` decide whether it may be."""
    frozen = frozen_for(test)
    body = frozen_of(frozen.pk)
    seed = secrets.randbits(SEED_BITS) or 1
    forms = next((stage.forms for stage in body.stages if stage.forms), ())
    if forms and form is None:
        numbers = {n for n, item in enumerate(body.items) if item.code in without}
        form = form_for(body, seed, numbers)
    if form is not None and form >= len(forms):
        raise Refused(f"Ce test n’a pas de forme {form_letter(form)}.", field="form", code="form")
    post = main_post(agent, now)
    return Sitting.objects.create(
        test=test,
        frozen=frozen,
        account=account,
        agent=agent,
        structure_id=post.structure_id if post else None,
        cadre_id=_cadre_of(post, agent),
        sex=agent.sex if agent else "",
        by_link=by_link,
        context=context,
        source=source,
        seed=seed,
        form=form,
        excluded=sorted(set(without)),
        accessible_only=accessible_only,
        extra_percent=extra_percent,
        simulated=simulated,
        created_at=now,
    )


def frozen_for(test: Test) -> FrozenTest:
    """What a sitting that begins now follows. Raises Refused unless the test is published."""
    state = Test.objects.values_list("state", flat=True).get(pk=test.pk)
    if state == Test.State.CLOSED:
        raise Refused(
            "Ce test est fermé : on ne peut plus le commencer.",
            remedy="Demandez à la personne qui vous l’a proposé lequel le remplace.",
            code="closed",
        )
    if state != Test.State.PUBLISHED:
        raise Refused("Ce test n’est pas encore publié.", code="closed")
    return FrozenTest.objects.defer("body").get(test=test, current=True, form="")


def main_post(agent: Agent | None, now: dt.datetime) -> Post | None:
    """The agent's main post of the day: where their results count."""
    if agent is None:
        return None
    return posts_on(timezone.localdate(now)).filter(agent=agent).order_by("-start", "-pk").first()


def _cadre_of(post: Post | None, agent: Agent | None) -> int | None:
    if post is not None and post.cadre_id is not None:
        return post.cadre_id
    return agent.cadre_id if agent is not None else None


def begin(*, sitting: Sitting, now: dt.datetime) -> Sitting:
    """Ask the first question and let the time run. A second time changes nothing."""
    with transaction.atomic():
        row = locked(Sitting.objects.filter(pk=sitting.pk))
        if row.state != Sitting.State.READY:
            return row
        state = Test.objects.values_list("state", flat=True).get(pk=row.test_id)
        if state == Test.State.CLOSED:
            raise Refused("Ce test est fermé : on ne peut plus le commencer.", code="closed")
        walk = walk_of(row)
        row.state, row.started_at = Sitting.State.RUNNING, now
        minutes = walk.frozen.rules.minutes
        if minutes:
            row.deadline = now + dt.timedelta(minutes=minutes * (100 + row.extra_percent) / 100)
        put_on_screen(row, walk, now)
        row.save(update_fields=["state", "started_at", "deadline", "asked", "asked_at"])
        return row
