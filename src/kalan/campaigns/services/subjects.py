"""What campaigns hold about a person: merging, own data, erasure (see people.subjects)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from kalan.campaigns.models import OutsideResult, Participant
from kalan.people.models import Agent
from kalan.people.subjects import counts


class CampaignsPart:
    """Places in campaigns, results of other platforms."""

    name = "campaigns"

    def summary(self, agent_ids: list[int]) -> dict[int, dict[str, int]]:
        lists = {
            "campagnes": Participant.objects.all(),
            "résultats d’autres plateformes": OutsideResult.objects.all(),
        }
        return counts(agent_ids, lists)

    def merge_agents(self, *, kept_id: int, absorbed_id: int, now: dt.datetime) -> dict[str, Any]:
        mine = set(Participant.objects.filter(agent=kept_id).values_list("campaign_id", flat=True))
        theirs = Participant.objects.filter(agent=absorbed_id)
        moved = list(theirs.exclude(campaign__in=mine).values_list("pk", flat=True))
        twins = [
            [pk, state]
            for pk, state in theirs.filter(campaign__in=mine)
            .exclude(state=Participant.State.WITHDRAWN)
            .order_by("pk")
            .values_list("pk", "state")
        ]
        Participant.objects.filter(pk__in=moved).update(
            agent=kept_id, search=Agent.objects.get(pk=kept_id).search
        )
        # One person, one place: that of the absorbed record stays readable and counts no more.
        Participant.objects.filter(pk__in=[pk for pk, _ in twins]).update(
            state=Participant.State.WITHDRAWN
        )
        return {
            "participants": moved,
            "twins": twins,
            "outside": _move_outside(kept_id, absorbed_id),
        }

    def undo_merge_agents(
        self, *, kept_id: int, absorbed_id: int, moved: Mapping[str, Any], now: dt.datetime
    ) -> None:
        Participant.objects.filter(pk__in=moved["participants"], agent=kept_id).update(
            agent=absorbed_id, search=Agent.objects.get(pk=absorbed_id).search
        )
        for pk, state in moved["twins"]:
            Participant.objects.filter(pk=pk).update(state=state)
        OutsideResult.objects.filter(pk__in=moved["outside"], agent=kept_id).update(
            agent=absorbed_id
        )

    def after_move(self, *, agent_ids: list[int], node_ids: list[int], now: dt.datetime) -> None:
        """Nothing: structure and cadre are those of the day a person came in."""

    def own_data(self, agent_id: int) -> dict[str, list[dict[str, Any]]]:
        places = (
            Participant.objects.filter(agent=agent_id)
            .select_related("campaign")
            .order_by("added_at", "pk")
        )
        outside = OutsideResult.objects.filter(agent=agent_id).order_by("date", "pk")
        return {
            "Campagnes": [
                {
                    "campagne": row.campaign.name,
                    "état": row.get_state_display(),
                    "sur la liste depuis": row.added_at,
                    "rappels reçus": row.reminders,
                    "commencée": row.started_at,
                    "terminée": row.finished_at,
                    "résultat partagé": row.shared_at,
                }
                for row in places
            ],
            "Résultats d’autres plateformes": [
                {
                    "source": row.source,
                    "campagne": row.campaign,
                    "date": row.date,
                    "maîtrise (%)": row.mastery,
                    "niveaux": row.levels,
                }
                for row in outside
            ],
        }

    def erase(self, *, agent_id: int, now: dt.datetime) -> dict[str, int]:
        """Names go; the place in the campaign stays counted, its result is shown to nobody."""
        places = Participant.objects.filter(agent=agent_id).update(search="", shared_at=None)
        gone, _ = OutsideResult.objects.filter(agent=agent_id).delete()
        return {"campagnes": places, "résultats d’autres plateformes": gone}


def _move_outside(kept_id: int, absorbed_id: int) -> list[int]:
    """Move what the kept agent does not have already; twins stay with the absorbed record."""
    mine = set(
        OutsideResult.objects.filter(agent=kept_id).values_list("source", "campaign", "date")
    )
    moved = [
        row.pk
        for row in OutsideResult.objects.filter(agent=absorbed_id).order_by("pk")
        if (row.source, row.campaign, row.date) not in mine
    ]
    OutsideResult.objects.filter(pk__in=moved).update(agent=kept_id)
    return moved
