"""Whose sittings a person may go on with or read, and when a test may be taken again."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from kalan.assessment import parts
from kalan.assessment.models import Answer, DomainResult, Result, Sitting, Test
from kalan.people.actor import Actor
from kalan.people.models import Account, Agent


def own(actor: Actor) -> Q:
    """The condition "it is the actor's own sitting"."""
    if actor.account is None:
        return Q(pk__in=[])
    mine = Q(account=actor.account)
    # A sitting keyed in from paper, or begun before the account: the agent's own all the same.
    if actor.agent_id is not None:
        mine |= Q(agent=actor.agent_id, account__isnull=True)
    return mine


def playable(actor: Actor) -> QuerySet[Sitting]:
    """Sittings that ``actor`` may answer: their own, and those that go by their address alone."""
    return (
        Sitting.objects.filter(own(actor) | Q(by_link=True))
        .select_related("test")
        .defer("test__plan", "test__verdict", "test__introduction")
    )


def my_sittings(actor: Actor) -> QuerySet[Sitting]:
    """The actor's own sittings with their current result, latest first (by -created_at, -pk)."""
    return (
        Sitting.objects.filter(own(actor))
        .select_related("test", "candidate__exam")
        .defer("test__plan", "test__verdict", "test__introduction", "log", "excluded")
        .prefetch_related(
            Prefetch("results", Result.objects.filter(current=True), to_attr="current_results")
        )
        .order_by("-created_at", "-pk")
    )


def readable(actor: Actor, uid: uuid.UUID) -> Sitting:
    """A sitting whose result ``actor`` may read; DoesNotExist for any other."""
    sitting = Sitting.objects.select_related("test__bank__framework", "agent").get(uid=uid)
    if sitting.by_link or _is_own(actor, sitting):
        return sitting
    if actor.is_authenticated and parts.part_of(sitting).may_see(actor, sitting):
        return sitting
    raise Sitting.DoesNotExist


def _is_own(actor: Actor, sitting: Sitting) -> bool:
    if actor.account is None:
        return False
    if sitting.account_id is not None:
        return sitting.account_id == actor.account.pk
    return sitting.agent_id is not None and sitting.agent_id == actor.agent_id


def result_of(sitting: Sitting) -> Result | None:
    """The current result with its domains, in their order (two queries)."""
    domains = Prefetch("domains", DomainResult.objects.order_by("pk"))
    return Result.objects.filter(sitting=sitting, current=True).prefetch_related(domains).first()


# --- Taking a test again ----------------------------------------------------------------------


@dataclass(frozen=True)
class Retake:
    """``allowed`` now; else ``on`` the day from which it is (None: never), and ``why``, French."""

    allowed: bool
    on: dt.date | None = None
    why: str = ""


def person(account: Account | None, agent: Agent | int | None) -> Q:
    """Sittings of one person: by account, by agent, or both."""
    condition = Q(pk__in=[])
    if account is not None:
        condition |= Q(account=account)
    if agent is not None:
        condition |= Q(agent=agent)
    return condition


def retake(test: Test, who: Q, *, now: dt.datetime) -> Retake:
    """Whether a person (``person``) may take ``test`` again now, by the test's own rules.

    Sittings of campaigns, sessions and exams count too: their person has just seen the questions.
    """
    ended = Sitting.objects.filter(who, test=test, state__in=Sitting.OVER)
    dates = ended.order_by("-finished_at").values_list("finished_at", flat=True)
    return retake_after(test, [day for day in dates if day is not None], now=now)


def retake_after(test: Test, ended: list[dt.datetime], *, now: dt.datetime) -> Retake:
    """The same from when earlier sittings ended, latest first."""
    if test.attempts and len(ended) >= test.attempts:
        times = "une fois" if test.attempts == 1 else f"{test.attempts} fois"
        return Retake(False, None, f"Ce test se passe {times} au plus.")
    if not ended or not test.retake_days:
        return Retake(True)
    again = timezone.localdate(ended[0]) + dt.timedelta(days=test.retake_days)
    if timezone.localdate(now) >= again:
        return Retake(True)
    return Retake(False, again, f"Vous pourrez repasser ce test à partir du {again:%d/%m/%Y}.")


def seen_items(who: Q, test: Test) -> set[str]:
    """Codes of the items of the test's bank that a person has been asked already.

    For ``start(without=…)``: they come again only when nothing else is left.
    """
    mine = Answer.objects.filter(sitting__in=Sitting.objects.filter(who))
    return set(
        mine.filter(version__item__bank=test.bank_id).values_list("version__item__code", flat=True)
    )
