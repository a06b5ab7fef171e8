"""Sessions: half-days, places, trainers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import random_code, uuid7
from kalan.people.models import Employer
from kalan.training.models.programmes import (
    Partner,
    Programme,
    Theme,
)


def short_code() -> str:
    """A code of 7 characters (34 bits) that a trainee types on a phone."""
    return random_code(7)


class Mode(models.TextChoices):
    ROOM = "room", "en présence"
    REMOTE = "remote", "à distance"
    MIXED = "mixed", "mixte"


class Session(models.Model):
    """An event of a programme (or of none), with its life from planned to validated."""

    class State(models.TextChoices):
        PLANNED = "planned", "prévue"
        CONVOKED = "convoked", "convoquée"
        CLOSED = "closed", "clôturée par le formateur"
        VALIDATED = "validated", "validée"
        POSTPONED = "postponed", "reportée"
        CANCELLED = "cancelled", "annulée"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    code = models.CharField(max_length=40, unique=True)
    programme = models.ForeignKey(
        Programme, null=True, blank=True, on_delete=models.PROTECT, related_name="sessions"
    )
    theme = models.ForeignKey(Theme, on_delete=models.PROTECT, related_name="sessions")
    title = models.CharField(max_length=200)
    mode = models.CharField(max_length=6, choices=Mode.choices, default=Mode.ROOM)
    language = models.CharField(max_length=20, default="fr")
    # Where it takes place: the node gives scope and territory, the text is for people.
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    place = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    start = models.DateField()
    end = models.DateField()
    capacity = models.PositiveSmallIntegerField(null=True, blank=True)
    organiser = models.ForeignKey(
        Partner, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    president = models.CharField(max_length=200, blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="cascade"
    )
    public = models.BooleanField(default=False)
    notice = models.TextField(blank=True)  # shown when postponed or cancelled
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    validated_at = models.DateTimeField(null=True, blank=True)
    validated_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The signed sheet, as a scan or a photo; further pages stand in SessionSheet.
    sheet = models.ForeignKey(
        "base.StoredFile", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Opens the satisfaction form and the resources to those who hold the link or the QR code.
    link_code = models.CharField(max_length=10, unique=True, default=short_code, editable=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="session_order"),
            models.CheckConstraint(
                condition=Q(start__year__gte=1960), name="session_year_plausible"
            ),
            models.CheckConstraint(
                condition=~Q(state="validated") | Q(validated_at__isnull=False),
                name="session_validated_has_date",
            ),
        ]
        indexes = [
            models.Index(fields=["start", "id"]),
            models.Index(fields=["programme", "state", "end"]),
        ]

    def __str__(self) -> str:
        return f"{self.code} · {self.title}"

    @property
    def where(self) -> str:
        """The room and the place; the place once only when the room's text names it."""
        if self.node.name in self.place:
            return self.place
        return ", ".join(filter(None, [self.place, self.node.name]))


class HalfDay(models.Model):
    class Part(models.TextChoices):
        MORNING = "am", "matin"
        AFTERNOON = "pm", "après-midi"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="half_days")
    date = models.DateField()
    part = models.CharField(max_length=2, choices=Part.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "date", "part"], name="half_day_once"),
        ]


class SessionPlaces(models.Model):
    """Places kept for one structure."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="places")
    structure = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    places = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "structure"], name="session_places_once"),
        ]


class SessionTrainer(models.Model):
    """Who leads: an agent, or somebody from outside, with hours and half-days led."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="trainers")
    agent = models.ForeignKey(
        "people.Agent",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="trainings_led",
    )
    outside_name = models.CharField(max_length=200, blank=True)
    employer = models.CharField(max_length=10, choices=Employer.choices, blank=True)
    hours = models.DecimalField(max_digits=5, decimal_places=1, default=0)
    half_days = models.ManyToManyField(HalfDay, blank=True, related_name="trainers")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "agent"],
                condition=Q(agent__isnull=False),
                name="session_trainer_once",
            ),
            models.CheckConstraint(
                condition=Q(agent__isnull=False) | ~Q(outside_name=""),
                name="session_trainer_named",
            ),
        ]

    @property
    def name(self) -> str:
        return self.agent.full_name if self.agent else self.outside_name
