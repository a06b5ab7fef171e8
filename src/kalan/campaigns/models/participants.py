"""Who takes part in a campaign, and with which sittings."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.base.ids import uuid7
from kalan.campaigns.models.campaigns import Campaign, CampaignStep
from kalan.people.models import Sex


class Participant(models.Model):
    """A person in a campaign. Structure, cadre and sex are those of the day they came in.

    ``search`` is the folded name, for the list's order; erasure empties it.
    """

    class State(models.TextChoices):
        INVITED = "invited", "invité"
        STARTED = "started", "commencé"
        FINISHED = "finished", "terminé"
        WITHDRAWN = "withdrawn", "retiré"

    class Joined(models.TextChoices):
        LIST = "list", "sur la liste"
        CODE = "code", "par le code"
        LINK = "link", "par le lien"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="participants")
    agent = models.ForeignKey(
        "people.Agent", null=True, blank=True, on_delete=models.PROTECT, related_name="campaigns"
    )
    account = models.ForeignKey(
        "people.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    structure = models.ForeignKey(
        "people.OrgNode", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    cadre = models.ForeignKey(
        "people.Cadre", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    sex = models.CharField(max_length=1, choices=Sex.choices, blank=True)
    search = models.CharField(max_length=210, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.INVITED)
    joined = models.CharField(max_length=4, choices=Joined.choices, default=Joined.LIST)
    added_at = models.DateTimeField()
    invited_at = models.DateTimeField(null=True, blank=True)  # a message was made for them
    last_reminded_at = models.DateTimeField(null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    shared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "agent"],
                condition=Q(agent__isnull=False),
                name="participant_agent_once",
            ),
            models.UniqueConstraint(
                fields=["campaign", "account"],
                condition=Q(account__isnull=False),
                name="participant_account_once",
            ),
            models.CheckConstraint(
                condition=Q(agent__isnull=False) | Q(account__isnull=False),
                name="participant_is_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["invited", "started", "finished", "withdrawn"]),
                name="participant_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["started", "finished"]) | Q(started_at__isnull=False),
                name="participant_started_has_date",
            ),
            models.CheckConstraint(
                condition=~Q(state="finished") | Q(finished_at__isnull=False),
                name="participant_finished_has_date",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "search"]),
            models.Index(fields=["campaign", "state"]),
            models.Index(fields=["structure", "campaign"]),
        ]

    @property
    def person(self) -> str:
        """The name that people read; expects agent and account to be loaded."""
        if self.agent is not None:
            return self.agent.full_name
        return self.account.display_name if self.account is not None else ""


class ParticipantSitting(models.Model):
    """The sitting with which a participant does a step; its result is read from the sitting."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="sittings")
    step = models.ForeignKey(CampaignStep, on_delete=models.PROTECT, related_name="sittings")
    sitting = models.OneToOneField(
        "assessment.Sitting", on_delete=models.PROTECT, related_name="campaign_part"
    )
    reused = models.BooleanField(default=False)  # sat before the campaign, taken in by choice

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["participant", "step"], name="participant_step_once"),
        ]
