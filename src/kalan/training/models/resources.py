"""What goes with a session: materials, costs, learning platforms."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.base.ids import uuid7
from kalan.training.models.programmes import (
    Partner,
    Programme,
    Theme,
)
from kalan.training.models.sessions import (
    Session,
)


class SessionSheet(models.Model):
    """One scanned or photographed page of the signed attendance sheet."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="sheets")
    file = models.OneToOneField("base.StoredFile", on_delete=models.CASCADE, related_name="+")
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )


class Resource(models.Model):
    """A file or a link on a theme's page, open before and after the session."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    theme = models.ForeignKey(Theme, on_delete=models.CASCADE, related_name="resources")
    title = models.CharField(max_length=200)
    url = models.URLField(blank=True)
    file = models.ForeignKey(
        "base.StoredFile", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rank = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(url="") | Q(file__isnull=False), name="resource_has_content"
            ),
        ]


class CostLine(models.Model):
    class Category(models.TextChoices):
        PER_DIEM = "per_diem", "per diem"
        TRANSPORT = "transport", "transport"
        ROOM = "room", "salle"
        MEALS = "meals", "restauration"
        FUEL = "fuel", "carburant"
        CONNECTION = "connection", "connexion"
        PRINTING = "printing", "impression"
        OTHER = "other", "autre"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="costs")
    category = models.CharField(max_length=12, choices=Category.choices)
    label = models.CharField(max_length=200, blank=True)
    funder = models.ForeignKey(
        Partner, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    planned = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    spent = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, default="XOF")


class Platform(models.Model):
    """A learning platform of a programme (a Moodle, Kalan's own lessons)."""

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="platforms")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    url = models.URLField(blank=True)

    def __str__(self) -> str:
        return self.name


class PlatformAccount(models.Model):
    """An account on such a platform. Not a Kalan sign-in."""

    platform = models.ForeignKey(Platform, on_delete=models.CASCADE, related_name="accounts")
    username = models.CharField(max_length=150)
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    agent = models.ForeignKey(
        "people.Agent",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="platform_accounts",
    )
    created_on = models.DateField(null=True, blank=True)
    activated_on = models.DateField(null=True, blank=True)
    last_used_on = models.DateField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "username"], name="platform_account_once"),
        ]
