"""The one list of participants: agents, outsiders, anonymous counts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.base.ids import uuid7
from kalan.people.models import Sector, Sex
from kalan.training.models.sessions import (
    Mode,
    Session,
)


class Level(models.TextChoices):
    NATIONAL = "national", "national"
    REGIONAL = "regional", "régional"
    LOCAL = "local", "local"
    PARTNER = "partner", "partenaire"


class Outsider(models.Model):
    """A named participant who is not of the workforce register (media, partner…)."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    last_name = models.CharField(max_length=100)
    first_names = models.CharField(max_length=100)
    sex = models.CharField(max_length=1, choices=Sex.choices, blank=True)
    body = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.first_names} {self.last_name.upper()}".strip()


class Registration(models.Model):
    """A person on a session's list: exactly one of agent, outsider."""

    class State(models.TextChoices):
        DESIGNATED = "designated", "désigné"
        WAITING = "waiting", "liste d’attente"
        APPROVED = "approved", "retenu"
        CONVOKED = "convoked", "convoqué"
        REPLACED = "replaced", "remplacé"
        WITHDRAWN = "withdrawn", "désisté"
        REFUSED = "refused", "non retenu"

    # What counts as an inscription (no-shows included): not waiting, refused, or replaced.
    COUNTED = (State.DESIGNATED, State.APPROVED, State.CONVOKED)

    uid = models.UUIDField(default=uuid7, unique=True)  # a phone may create it on the spot
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="registrations")
    agent = models.ForeignKey(
        "people.Agent",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="registrations",
    )
    outsider = models.ForeignKey(
        Outsider, null=True, blank=True, on_delete=models.PROTECT, related_name="registrations"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.DESIGNATED)
    level = models.CharField(max_length=10, choices=Level.choices, blank=True)
    sector = models.CharField(max_length=15, choices=Sector.choices, blank=True)
    mode = models.CharField(max_length=6, choices=Mode.choices, default=Mode.ROOM)
    # The structure the person came from, as said on the day (their post may say otherwise).
    structure = models.ForeignKey(
        "people.OrgNode", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    structure_text = models.CharField(max_length=200, blank=True)  # as typed, when not found
    walk_in = models.BooleanField(default=False)  # added on the spot
    replaces = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by"
    )
    position = models.PositiveIntegerField(default=0)  # rank on the waiting list
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(agent__isnull=False, outsider__isnull=True)
                | Q(agent__isnull=True, outsider__isnull=False),
                name="registration_one_person",
            ),
            models.UniqueConstraint(
                fields=["session", "agent"],
                condition=Q(agent__isnull=False),
                name="registration_agent_once",
            ),
            models.UniqueConstraint(
                fields=["session", "outsider"],
                condition=Q(outsider__isnull=False),
                name="registration_outsider_once",
            ),
        ]
        indexes = [models.Index(fields=["session", "state"])]

    @property
    def person(self) -> str:
        """The participant's name, whichever register they stand in."""
        return str(self.agent or self.outsider)

    @property
    def came_from(self) -> str:
        """The structure as noted for the session, or the body of somebody from outside."""
        if self.structure:
            return self.structure.name
        return self.structure_text or (self.outsider.body if self.outsider else "")


class AnonymousCount(models.Model):
    """Participants known only by number, exact or approximate; never added to named people."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="anonymous_counts")
    label = models.CharField(max_length=200)  # "une vingtaine de relais", as written
    women = models.PositiveIntegerField(default=0)
    men = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    approximate = models.BooleanField(default=False)
    level = models.CharField(max_length=10, choices=Level.choices, blank=True)
    sector = models.CharField(max_length=15, choices=Sector.choices, blank=True)
