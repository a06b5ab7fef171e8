"""Bringing acts to people: a link by e-mail or SMS, its cost known before anything is sent.

The link's page asks for the name or the year of birth; the document itself is never in a message.
Whoever has an account finds the act in their space without any message.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from kalan.base import clock, jobs
from kalan.base.dates import long_date
from kalan.base.errors import Refused
from kalan.base.models import Job
from kalan.base.notifications import gsm
from kalan.base.notifications.outbox import Draft, queue
from kalan.base.notifications.spending import EMAIL, SMS, Spending, spending_of, way_to
from kalan.base.notifications.templates import Wording, fill, wording
from kalan.credentials import policy
from kalan.credentials.models import Act, ActEvent, Batch
from kalan.credentials.services import sharing
from kalan.people.actor import Actor
from kalan.people.selectors.core import actor_for
from kalan.people.services.history import act as transactional
from kalan.people.services.history import note

CHANNELS = (EMAIL, SMS)
READY, REVOKED, EXPIRING = "act_ready", "act_revoked", "act_expiring"
RENEWAL = "act_renewal"
MANY = 100  # beyond, a job
OVER = "Envoyez par e-mail seulement, ou remettez les actes imprimés."
# Days before the end of validity at which the holder is told.
NOTICES = (60, 15)
_CHUNK = 500


@dataclass(frozen=True)
class Preview:
    """What sending would do."""

    drafts: list[tuple[Act, Draft]]
    unreachable: int
    already: int  # told before: not told again
    emails: int
    sms: Spending
    sample: str


def preview(*, batch: Batch, channels: Sequence[str], now: dt.datetime) -> Preview:
    """Work out the messages of a signed batch; nothing is stored (three queries)."""
    told = ActEvent.objects.filter(act=OuterRef("pk"), kind=ActEvent.Kind.DELIVERED)
    rows = list(_of(batch).annotate(told=Exists(told)))
    waiting = [row for row in rows if not getattr(row, "told")]  # noqa: B009 - annotated
    texts = {channel: wording(READY, channel) for channel in channels}
    drafts: list[tuple[Act, Draft]] = []
    for row in waiting:
        draft = draft_for(row, READY, channels, texts, values_of(row), f"{READY}:{row.pk}")
        if draft is not None:
            drafts.append((row, draft))
    return priced(
        drafts,
        unreachable=len(waiting) - len(drafts),
        already=len(rows) - len(waiting),
        budget=budget_ref(batch),
        now=now,
    )


def priced(
    drafts: list[tuple[Act, Draft]],
    *,
    unreachable: int,
    already: int,
    budget: str,
    now: dt.datetime,
) -> Preview:
    """What sending ``drafts`` costs, beside what is left of the month's ceiling (one query)."""
    sms = spending_of([draft for _, draft in drafts], budget=budget, now=now)
    return Preview(
        drafts=drafts,
        unreachable=unreachable,
        already=already,
        emails=len(drafts) - sms.number,
        sms=sms,
        sample=drafts[0][1].body if drafts else "",
    )


def budget_ref(batch: Batch) -> str:
    """Whose monthly SMS ceiling the messages count against: the batch's territory's."""
    return f"credentials.node:{batch.node_id}"


def start(
    *, actor: Actor, now: dt.datetime, batch: Batch, channels: Sequence[str]
) -> Job | Preview:
    """Tell the people of a signed batch: at once, or by a job when there are more than MANY."""
    held = _deliverable(actor, batch)
    plan = preview(batch=held, channels=_known(channels), now=now)
    plan.sms.refuse_over(OVER)
    if len(plan.drafts) <= MANY:
        return deliver(actor=actor, now=now, batch=held, channels=channels)
    return jobs.start_job(
        kind="acts.deliver",
        label=f"Envoi de {len(plan.drafts)} liens : {held.title}",
        task=deliver_job,
        actor_account=actor.account,
        now=now,
        arguments={"batch_uid": str(held.uid), "channels": list(channels)},
    )


@transactional
def deliver(
    *, actor: Actor, now: dt.datetime, batch: Batch, channels: Sequence[str] = CHANNELS
) -> Preview:
    """Queue the messages of a signed batch; who was told before is not told again."""
    Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)  # a twin sees who was told
    held = _deliverable(actor, batch)
    plan = preview(batch=held, channels=_known(channels), now=now)
    plan.sms.refuse_over(OVER)
    queue([draft for _, draft in plan.drafts], now=now)
    events = [
        ActEvent(
            act=act, kind=ActEvent.Kind.DELIVERED, text=draft.channel, at=now, by=actor.account
        )
        for act, draft in plan.drafts
    ]
    ActEvent.objects.bulk_create(events, batch_size=_CHUNK)
    if events:
        note(actor=actor, subject=held, text=f"Liens envoyés : {len(events)}")
    return plan


@jobs.job()
def deliver_job(*, job: Job, batch_uid: str, channels: list[str]) -> dict[str, int]:
    """The same in the background; run again after a crash, it sends to nobody twice."""
    actor = actor_for(job.created_by, today=clock.today()) if job.created_by else Actor()
    batch = Batch.objects.get(uid=batch_uid)
    plan = deliver(actor=actor, now=clock.now(), batch=batch, channels=channels)
    return {"sent": len(plan.drafts), "unreachable": plan.unreachable}


def _deliverable(actor: Actor, batch: Batch) -> Batch:
    scope = actor.scope(policy.CAPABILITIES["acts.deliver"], "node__")
    held = (
        Batch.objects.filter(scope).select_related("version__template", "office").get(pk=batch.pk)
    )
    if held.state != Batch.State.SIGNED:
        raise Refused(
            "Ce lot n’est pas encore signé.", remedy="Les liens partent ensuite.", code="state"
        )
    return held


def _known(channels: Sequence[str]) -> list[str]:
    chosen = [channel for channel in CHANNELS if channel in channels]
    if not chosen:
        raise Refused("Choisissez au moins un moyen.", field="channels")
    return chosen


def _of(batch: Batch) -> QuerySet[Act]:
    return (
        Act.objects.filter(batch=batch, state=Act.State.SIGNED, status=Act.Status.VALID)
        .exclude(name="")
        .select_related("agent__account", "outsider", "batch__version", "batch__office")
        .defer("data")
        .order_by("rank", "pk")
    )


def draft_for(
    act: Act,
    template: str,
    channels: Collection[str],
    texts: Mapping[str, Wording],
    values: Mapping[str, str],
    key: str,
) -> Draft | None:
    """The message about one act, or None when no channel reaches its holder."""
    agent = act.agent
    account = getattr(agent, "account", None) if agent else None
    email = act.email or (account.email if account else "") or (agent.email if agent else "")
    phone = act.phone or (agent.phone if agent else "") or (account.phone if account else "")
    if not phone and act.outsider:
        phone = act.outsider.phone
    way = way_to(channels, email=email, phone=phone)
    if way is None:
        return None
    channel, recipient = way
    body = fill(texts[channel].body, values)
    return Draft(
        channel=channel,
        template=template,
        recipient=recipient,
        subject=fill(texts[channel].subject, values)[:200],
        body=gsm.cheap(body) if channel == SMS else body,
        subject_ref=f"credentials.batch:{act.batch.uid}",
        subject_id=act.batch_id,
        person_ref=f"people.agent:{agent.uid}" if agent else "",
        budget_ref=budget_ref(act.batch),
        dedupe_key=key,
    )


def values_of(act: Act, **more: str) -> dict[str, str]:
    """What a message about an act may name."""
    return {
        "nom": act.name,
        "titre": act.batch.version.title,
        "numero": act.number or "",
        "emetteur": act.batch.office.body or act.batch.office.title,
        "lien": sharing.link_url(act),
        **more,
    }


def tell_revoked(*, act: Act, reason: str, now: dt.datetime) -> None:
    """Write to the holder that the act no longer holds; by e-mail only, since SMS cost money."""
    label = str(ActEvent.Reason(reason).label)
    texts = {EMAIL: wording(REVOKED, EMAIL)}
    values = values_of(act, motif=label)
    draft = draft_for(act, REVOKED, [EMAIL], texts, values, f"{REVOKED}:{act.pk}:{now:%Y%m%d%H%M}")
    if draft is not None:
        queue([draft], now=now)


def tell_expiring(*, now: dt.datetime, today: dt.date) -> int:
    """Tell holders whose act ends within NOTICES days, once for each; returns how many.

    A day missed is made up: what counts is that this notice was not noted yet. By e-mail only.
    """
    texts = {EMAIL: wording(EXPIRING, EMAIL)}
    told = 0
    for rank, days in enumerate(NOTICES):
        later = NOTICES[rank + 1] if rank + 1 < len(NOTICES) else -1
        noted = ActEvent.objects.filter(
            act=OuterRef("pk"), kind=ActEvent.Kind.NOTICE, text=str(days)
        )
        due = (
            Act.objects.filter(
                state=Act.State.SIGNED,
                status=Act.Status.VALID,
                batch__state=Batch.State.SIGNED,
                valid_until__lte=today + dt.timedelta(days=days),
                valid_until__gt=today + dt.timedelta(days=later),
            )
            .filter(~Exists(noted))
            .select_related("agent__account", "outsider", "batch__version", "batch__office")
            .defer("data")
            .order_by("pk")
        )
        told += _tell(list(due), days, texts, now)
    return told


def _tell(due: list[Act], days: int, texts: Mapping[str, Wording], now: dt.datetime) -> int:
    drafts, events = [], []
    for act in due:
        assert act.valid_until is not None
        values = values_of(act, fin=long_date(act.valid_until))
        draft = draft_for(act, EXPIRING, [EMAIL], texts, values, f"{EXPIRING}:{act.pk}:{days}")
        if draft is not None:
            drafts.append(draft)
        events.append(ActEvent(act=act, kind=ActEvent.Kind.NOTICE, text=str(days), at=now))
    with transaction.atomic():
        queue(drafts, now=now)
        ActEvent.objects.bulk_create(events, batch_size=_CHUNK)
    return len(drafts)
