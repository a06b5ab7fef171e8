"""What campaigns say of the sittings they started (assessment.parts)."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse

from kalan.assessment.models import Result, Sitting
from kalan.assessment.parts import SittingPart, Step
from kalan.campaigns.models import Campaign, Participant, ParticipantSitting
from kalan.campaigns.selectors.campaigns import participants_visible_to
from kalan.campaigns.services.progress import sitting_over
from kalan.people.actor import Actor


class CampaignSittings(SittingPart):
    """Back to the campaign at the end; results are read by others where they are shared."""

    context = "campaign"

    def after(self, sitting: Sitting) -> Step | None:
        part = _part(sitting)
        if part is None:
            return None
        campaign = part.participant.campaign
        return Step("Revenir à la campagne", _url(campaign), campaign.name)

    def may_see(self, actor: Actor, sitting: Sitting) -> bool:
        part = _part(sitting)
        if part is None or part.participant.shared_at is None:
            return False
        campaign = part.participant.campaign
        shown = participants_visible_to(actor, campaign).filter(
            pk=part.participant_id, state=Participant.State.FINISHED
        )
        return shown.exists()

    def next_steps(self, sitting: Sitting, result: Result) -> list[Step]:
        part = _part(sitting)
        if part is None:
            return []
        person, campaign = part.participant, part.participant.campaign
        if person.state == Participant.State.STARTED:
            return [Step("Continuer le parcours", _url(campaign), "Il reste des étapes à faire.")]
        asks = campaign.sharing == Campaign.Sharing.PARTICIPANT and person.shared_at is None
        if person.state == Participant.State.FINISHED and asks:
            return [
                Step(
                    "Choisir de partager mon résultat",
                    _url(campaign),
                    "Vous seul le voyez. Le partager aide vos responsables à vous proposer une "
                    "formation.",
                )
            ]
        return []

    def finished(self, sitting: Sitting, result: Result, now: dt.datetime) -> None:
        sitting_over(sitting, now=now)


def _part(sitting: Sitting) -> ParticipantSitting | None:
    rows = ParticipantSitting.objects.select_related("participant__campaign__node")
    return rows.filter(sitting=sitting).first()


def _url(campaign: Campaign) -> str:
    return reverse("campaign-join", args=[campaign.code])
