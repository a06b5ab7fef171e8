"""A campaign: who is asked to take what, from when to when, and who sees the results."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7

CODE_LENGTH = 7  # 31^7 = 2.7e10 codes; wrong ones are counted


class Campaign(models.Model):
    """``code`` is what people type. ``sharing`` is said to them before they begin."""

    class Kind(models.TextChoices):
        TEST = "test", "un test"
        PATH = "path", "un parcours"

    class State(models.TextChoices):
        DRAFT = "draft", "en préparation"
        OPEN = "open", "ouverte"
        CLOSED = "closed", "terminée"
        ARCHIVED = "archived", "archivée"

    class Sharing(models.TextChoices):
        PARTICIPANT = "participant", "chaque personne décide de montrer son résultat"
        MANAGER = "manager", "les responsables voient les résultats"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    code = models.CharField(max_length=CODE_LENGTH, unique=True)
    name = models.CharField(max_length=200)
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=4, choices=Kind.choices)
    opens_on = models.DateField()
    closes_on = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    message = models.TextField(blank=True)
    # Whether a result of before the campaign may count in it.
    history = models.BooleanField(default=False)
    # Whether people who were not invited may join by the code.
    anyone = models.BooleanField(default=True)
    sharing = models.CharField(max_length=11, choices=Sharing.choices, default=Sharing.PARTICIPANT)
    simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_on__gte=F("opens_on")), name="campaign_dates_order"
            ),
            models.CheckConstraint(condition=Q(kind__in=["test", "path"]), name="campaign_kind"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "open", "closed", "archived"]),
                name="campaign_state_known",
            ),
            models.CheckConstraint(
                condition=Q(sharing__in=["participant", "manager"]), name="campaign_sharing_known"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(opened_at__isnull=False),
                name="campaign_open_has_date",
            ),
            models.CheckConstraint(condition=~Q(code=""), name="campaign_code_not_empty"),
        ]
        indexes = [models.Index(fields=["state", "opens_on"])]

    def __str__(self) -> str:
        return self.name


class CampaignStep(models.Model):
    """One thing to do: take a test, attend a session, or attend any session on a theme."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="steps")
    rank = models.PositiveSmallIntegerField()
    test = models.ForeignKey(
        "assessment.Test", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    session = models.ForeignKey(
        "training.Session", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    theme = models.ForeignKey(
        "training.Theme", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "rank"], name="campaign_step_rank_once"),
            models.UniqueConstraint(
                fields=["campaign", "test"],
                condition=Q(test__isnull=False),
                name="campaign_step_test_once",
            ),
            models.CheckConstraint(
                condition=Q(test__isnull=False, session__isnull=True, theme__isnull=True)
                | Q(test__isnull=True, session__isnull=False, theme__isnull=True)
                | Q(test__isnull=True, session__isnull=True, theme__isnull=False),
                name="campaign_step_is_one_thing",
            ),
        ]

    @property
    def title(self) -> str:
        """What people read; expects what it points at to be loaded."""
        if self.test is not None:
            return self.test.title
        if self.session is not None:
            return f"Formation : {self.session.title}"
        return f"Une formation sur « {self.theme} »" if self.theme else ""


class CampaignGroup(models.Model):
    """One rule of who is asked; a campaign's group is what its rules give together.

    With a node: the agents in post at or below it, of these cadres when some are named. Without:
    the agents of the list.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="groups")
    rank = models.PositiveSmallIntegerField()
    node = models.ForeignKey(
        "people.OrgNode", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    cadres = models.ManyToManyField("people.Cadre", related_name="+", blank=True)
    agents = models.ManyToManyField("people.Agent", related_name="+", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "rank"], name="campaign_group_rank_once"),
        ]
