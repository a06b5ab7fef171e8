"""From sittings to the state of a participant: begun, finished, shared by the rule."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from kalan.assessment.models import Sitting
from kalan.assessment.services import sittings
from kalan.base.errors import Refused
from kalan.campaigns.models import Campaign, CampaignStep, Participant, ParticipantSitting
from kalan.campaigns.services.joining import require_joinable
from kalan.people.actor import Actor
from kalan.training.models import Presence, Registration
from kalan.training.selectors.sessions import countable_sessions
from kalan.training.services.history import act

# How old a result may be to count in a campaign that takes past answers into account.
REUSABLE = dt.timedelta(days=180)


@act
def begin(
    *, actor: Actor, now: dt.datetime, participant: Participant, step: CampaignStep
) -> Sitting:
    """Begin (or go on with) a test of the campaign; returns the sitting to play.

    Double presses give the same sitting. Refused once the campaign has ended, unless the sitting
    was begun before.
    """
    row = (
        Participant.objects.select_for_update(of=("self",))
        .select_related("campaign__node", "account", "agent")
        .get(pk=participant.pk)
    )
    if actor.account is None or row.account_id != actor.account.pk:
        raise Participant.DoesNotExist
    if step.campaign_id != row.campaign_id or step.test is None:
        raise CampaignStep.DoesNotExist
    mine = ParticipantSitting.objects.filter(participant=row, step=step).select_related("sitting")
    if (known := mine.first()) is not None:
        return known.sitting
    require_joinable(row.campaign, now=now)
    _require_turn(row, step)
    sitting = _start(actor, now, row, step)
    other = ParticipantSitting.objects.filter(sitting=sitting).select_related(
        "participant__campaign"
    )
    if (busy := other.first()) is not None:
        raise Refused(
            f"Vous avez commencé ce test dans la campagne « {busy.participant.campaign.name} ».",
            remedy="Terminez-le là-bas, puis revenez.",
            code="busy",
        )
    ParticipantSitting.objects.create(participant=row, step=step, sitting=sitting)
    _mark_begun(row, now)
    return sitting


def _start(actor: Actor, now: dt.datetime, row: Participant, step: CampaignStep) -> Sitting:
    assert step.test is not None
    # Questions that the person has already seen come again only when nothing else is left.
    seen = sittings.seen_items(sittings.person(row.account, row.agent), step.test)
    return sittings.start(
        actor=actor,
        test=step.test,
        now=now,
        context="campaign",
        account=row.account,
        agent=row.agent,
        without=seen,
    )


def _require_turn(row: Participant, step: CampaignStep) -> None:
    """The tests of a path are taken in order; trainings are followed when they are held."""
    before = CampaignStep.objects.filter(
        campaign=row.campaign_id, rank__lt=step.rank, test__isnull=False
    ).exclude(
        Exists(
            ParticipantSitting.objects.filter(
                participant=row, step=OuterRef("pk"), sitting__state__in=Sitting.OVER
            )
        )
    )
    first = before.select_related("test").order_by("rank").first()
    if first is not None:
        raise Refused(f"Passez d’abord « {first.title} ».", code="order")


def reusable(participant: Participant, step: CampaignStep, *, now: dt.datetime) -> Sitting | None:
    """A result of the person for the step's test that may count, the latest first."""
    campaign = participant.campaign
    if not campaign.history or step.test_id is None or participant.account_id is None:
        return None
    return (
        Sitting.objects.filter(
            account=participant.account_id,
            test=step.test_id,
            state=Sitting.State.FINISHED,
            finished_at__gte=now - REUSABLE,
            campaign_part__isnull=True,
            results__current=True,
            results__theta__isnull=False,
        )
        .exclude(context="exam")
        .order_by("-finished_at", "-pk")
        .first()
    )


@act
def reuse(
    *, actor: Actor, now: dt.datetime, participant: Participant, step: CampaignStep
) -> Participant:
    """Let a past result count, where the campaign allows it and the person asks for it."""
    row = (
        Participant.objects.select_for_update(of=("self",))
        .select_related("campaign", "account")
        .get(pk=participant.pk)
    )
    if actor.account is None or row.account_id != actor.account.pk:
        raise Participant.DoesNotExist
    require_joinable(row.campaign, now=now)
    if ParticipantSitting.objects.filter(participant=row, step=step).exists():
        return row
    sitting = reusable(row, step, now=now)
    if sitting is None:
        raise Refused("Aucun résultat récent ne peut être repris.", remedy="Passez le test.")
    ParticipantSitting.objects.create(participant=row, step=step, sitting=sitting, reused=True)
    _mark_begun(row, now)
    settle([row.pk], now=now)
    row.refresh_from_db()
    return row


def _mark_begun(row: Participant, now: dt.datetime) -> None:
    if row.started_at is None:
        row.started_at = now
    if row.state == Participant.State.INVITED:
        row.state = Participant.State.STARTED
    row.save(update_fields=["started_at", "state"])


@transaction.atomic
def settle(participant_ids: list[int], *, now: dt.datetime) -> int:
    """Mark as finished those of these participants who have done every step; returns how many.

    A path's trainings count once they are closed and the person was present (counting rules).
    Can be run again at any time.
    """
    rows = Participant.objects.filter(
        pk__in=participant_ids, state__in=[Participant.State.INVITED, Participant.State.STARTED]
    )
    waiting = rows.exclude(Exists(_steps_left()))
    done = list(
        waiting.annotate(last=Max("sittings__sitting__finished_at"))
        .select_related("campaign")
        .order_by("pk")
    )
    for row in done:
        row.finished_at = row.last or now
        row.started_at = row.started_at or row.finished_at
        row.state = Participant.State.FINISHED
        if row.campaign.sharing == Campaign.Sharing.MANAGER and row.shared_at is None:
            row.shared_at = row.finished_at
    Participant.objects.bulk_update(
        done, ["finished_at", "started_at", "state", "shared_at"], batch_size=500
    )
    return len(done)


def _steps_left() -> QuerySet[CampaignStep]:
    """Steps of the outer participant's campaign that the participant has not done."""
    tests = ParticipantSitting.objects.filter(
        participant=OuterRef(OuterRef("pk")),
        step=OuterRef("pk"),
        sitting__state__in=Sitting.OVER,
    )
    followed = Presence.objects.filter(
        registration__agent=OuterRef(OuterRef("agent")),
        registration__state__in=Registration.COUNTED,
        registration__session__in=countable_sessions(),
    )
    return (
        CampaignStep.objects.filter(campaign=OuterRef("campaign"))
        .exclude(Q(test__isnull=False) & Exists(tests))
        .exclude(
            Q(session__isnull=False)
            & Exists(followed.filter(registration__session=OuterRef("session")))
        )
        .exclude(
            Q(theme__isnull=False)
            & Exists(
                followed.filter(
                    registration__session__theme=OuterRef("theme"),
                    registration__session__end__gte=OuterRef("campaign__opens_on"),
                )
            )
        )
    )


def settle_campaign(campaign: Campaign, *, now: dt.datetime) -> int:
    """Look again at everyone of a campaign who has not finished (set-based, in chunks)."""
    left = list(
        Participant.objects.filter(
            campaign=campaign, state__in=[Participant.State.INVITED, Participant.State.STARTED]
        )
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    return sum(settle(left[at : at + 1000], now=now) for at in range(0, len(left), 1000))


def sitting_over(sitting: Sitting, *, now: dt.datetime) -> None:
    """What happens here when a sitting ends; does nothing for sittings of elsewhere."""
    part = ParticipantSitting.objects.filter(sitting=sitting).values_list("participant", flat=True)
    settle(list(part), now=now)


def settle_paths(*, now: dt.datetime) -> int:
    """Look again at the open campaigns that ask for a training; returns how many finished."""
    paths = Campaign.objects.filter(
        state=Campaign.State.OPEN, steps__test__isnull=True, steps__isnull=False
    ).distinct()
    return sum(settle_campaign(campaign, now=now) for campaign in paths.order_by("pk"))
