"""Offering an exam to people whose certificate ends: enrolment, a message, or both.

Enrolment is the assessment room's own service, under its rights and its rules. Made again for the
same exam, an offer enrols and writes to nobody twice.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils import timezone

from kalan.assessment.models import Candidate, Exam
from kalan.assessment.selectors.exams import may
from kalan.assessment.services import exams
from kalan.assessment.services.exams import Enrolment
from kalan.base.dates import long_date, week_date
from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.base.notifications.outbox import Draft, queue
from kalan.base.notifications.spending import SMS
from kalan.base.notifications.templates import wording
from kalan.credentials.models import Act, ActEvent
from kalan.credentials.selectors import renewals
from kalan.credentials.services import delivery
from kalan.people.actor import Actor
from kalan.people.models import Account
from kalan.people.services.history import act as transactional

MOST = 300  # people in one offer: what one exam takes
_ENROLLED = "Vous y êtes inscrit(e)."
_TO_ASK = "Demandez votre inscription à qui gère votre structure."


@dataclass(frozen=True)
class Offered:
    """What became of an offer. ``without``: names of agents who have no account to enrol."""

    enrolment: Enrolment
    sent: int
    without: list[str]

    @property
    def added(self) -> int:
        return len(self.enrolment.added)


def may_enrol(actor: Actor, exam: Exam) -> bool:
    return may(actor, "exams.plan", exam)


def chosen(actor: Actor, uids: Collection[uuid.UUID], *, now: dt.datetime) -> list[Act]:
    """Those of ``uids`` that are to be renewed and to whose holders the actor may offer it."""
    today = timezone.localdate(now)
    rows = renewals.to_renew(actor, today=today, capability="acts.renew").filter(uid__in=uids)
    found = renewals.listed(rows, today=today).select_related("agent__account", "outsider")
    return list(found.order_by("valid_until", "pk"))


def preview(
    *, acts: Sequence[Act], exam: Exam, enrol: bool, channels: Sequence[str], now: dt.datetime
) -> delivery.Preview:
    """The messages of an offer and their cost; nothing is stored. ``acts`` as ``chosen`` gives
    them; those of another framework are left out."""
    acts = _fitting(acts, exam)
    keys = {act.pk: f"{delivery.RENEWAL}:{act.pk}:{exam.pk}" for act in acts}
    told = set(
        Message.objects.filter(dedupe_key__in=keys.values()).values_list("dedupe_key", flat=True)
    )
    there = _enrolled(exam)
    texts = {channel: wording(delivery.RENEWAL, channel) for channel in channels}
    budget = f"credentials.node:{exam.node_id}"
    drafts: list[tuple[Act, Draft]] = []
    waiting = [act for act in acts if keys[act.pk] not in told]
    for act in waiting:
        assert act.valid_until is not None
        account = _account(act)
        sure = account is not None and (enrol or account.pk in there)
        values = delivery.values_of(
            act,
            fin=long_date(act.valid_until),
            examen=exam.title,
            jour=week_date(exam.date),
            lieu=exam.place or exam.node.name,
            suite=_ENROLLED if sure else _TO_ASK,
        ) | {"lien": f"{settings.KALAN_BASE_URL}/mes-documents/"}
        draft = delivery.draft_for(act, delivery.RENEWAL, channels, texts, values, keys[act.pk])
        if draft is not None:
            drafts.append((act, replace(draft, budget_ref=budget)))
    return delivery.priced(
        drafts,
        unreachable=len(waiting) - len(drafts),
        already=len(acts) - len(waiting),
        budget=budget,
        now=now,
    )


@transactional
def offer(
    *,
    actor: Actor,
    now: dt.datetime,
    acts: Collection[uuid.UUID],
    exam: Exam,
    enrol: bool,
    channels: Sequence[str] = (),
) -> Offered:
    """Offer ``exam`` to the holders of ``acts``: all or nothing.

    Raises Refused when nobody is left to offer it to, when the actor may not enrol there, when the
    SMS would pass the ceiling. Whom the retake rules hold back is in ``enrolment.waiting``; they
    are not told of an exam that they may not sit.
    """
    Exam.objects.select_for_update().get(pk=exam.pk)  # whom a twin writes to is seen below
    found = _fitting(chosen(actor, acts, now=now), exam)
    _check(actor, found, exam, enrol, channels, now)
    said, without = Enrolment(), [act.name for act in found if _account(act) is None]
    if enrol:
        accounts = [account for act in found if (account := _account(act)) is not None]
        said = exams.enrol(actor=actor, exam=exam, accounts=accounts, now=now)
    there = _enrolled(exam)
    if enrol:
        found = [act for act in found if (one := _account(act)) is None or one.pk in there]
    plan = preview(acts=found, exam=exam, enrol=False, channels=channels, now=now)
    plan.sms.refuse_over(delivery.OVER)
    queue([draft for _, draft in plan.drafts], now=now)
    _note(found, exam, said, plan, actor=actor, now=now)
    return Offered(said, len(plan.drafts), without if enrol else [])


def _check(
    actor: Actor,
    acts: Sequence[Act],
    exam: Exam,
    enrol: bool,
    channels: Sequence[str],
    now: dt.datetime,
) -> None:
    if not acts:
        raise Refused(
            "Personne à qui proposer cet examen.",
            remedy="Cochez des certificats du même référentiel que l’examen.",
            code="nobody",
        )
    if len(acts) > MOST:
        raise Refused(f"{MOST} personnes au plus à la fois.", remedy="Filtrez la liste.")
    codes = {act.framework_code for act in acts}  # type: ignore[attr-defined]
    today = timezone.localdate(now)
    if not renewals.exams_to_offer(actor, codes, today=today).filter(pk=exam.pk).exists():
        raise Refused("Cet examen n’est plus proposé.", field="exam", remedy="Choisissez-en un.")
    if enrol and not may_enrol(actor, exam):
        raise Refused(
            f"Vous n’inscrivez pas aux examens de {exam.node.name}.",
            field="enrol",
            remedy="Prévenez les personnes, et demandez leur inscription à qui tient l’examen.",
            code="forbidden",
        )
    if not enrol and not channels:
        raise Refused("Choisissez : inscrire, prévenir, ou les deux.", code="nothing")


def _fitting(acts: Sequence[Act], exam: Exam) -> list[Act]:
    """Those of the exam's framework."""
    code = exam.framework_code  # type: ignore[attr-defined]
    return [act for act in acts if act.framework_code == code]  # type: ignore[attr-defined]


def _account(act: Act) -> Account | None:
    account: Account | None = getattr(act.agent, "account", None)
    return account if account is not None and account.is_active else None


def _enrolled(exam: Exam) -> set[int]:
    return set(Candidate.objects.filter(exam=exam).values_list("account_id", flat=True))


def _note(
    acts: Sequence[Act],
    exam: Exam,
    said: Enrolment,
    plan: delivery.Preview,
    *,
    actor: Actor,
    now: dt.datetime,
) -> None:
    """One row for each person who was enrolled or written to just now."""
    added = {row.account_id for row in said.added}
    told = {act.pk: draft.channel for act, draft in plan.drafts}
    events = []
    for act in acts:
        account = _account(act)
        done = ["inscription"] if account is not None and account.pk in added else []
        if act.pk in told:
            done.append("SMS" if told[act.pk] == SMS else "e-mail")
        if done:
            what = f"{exam.title}, {exam.date:%d/%m/%Y} : {' et '.join(done)}"
            events.append(
                ActEvent(
                    act=act, kind=ActEvent.Kind.OFFERED, text=what[:300], at=now, by=actor.account
                )
            )
    ActEvent.objects.bulk_create(events, batch_size=500)
