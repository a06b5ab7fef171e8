"""Campaigns, their participants, results from outside."""

from __future__ import annotations

from kalan.campaigns.models.campaigns import Campaign, CampaignGroup, CampaignStep
from kalan.campaigns.models.outside import OutsideResult
from kalan.campaigns.models.participants import Participant, ParticipantSitting

__all__ = [
    "Campaign",
    "CampaignGroup",
    "CampaignStep",
    "OutsideResult",
    "Participant",
    "ParticipantSitting",
]
