"""Who signs: an office, and who holds it from when to when, in which capacity."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7
from kalan.credentials.models.keys import SigningKey


class Mode(models.TextChoices):
    ELECTRONIC = "electronic", "signature électronique"
    HAND = "hand", "signature à la main, inscrite au registre"


class Office(models.Model):
    """A function that signs acts of a territory: "Le Directeur de la formation"."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)  # as printed above the name
    body = models.CharField(max_length=200, blank=True)  # the directorate, as printed in the head
    place = models.CharField(max_length=100)  # "Fait à …"
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.ELECTRONIC)
    key = models.ForeignKey(
        SigningKey, null=True, blank=True, on_delete=models.PROTECT, related_name="offices"
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(mode__in=["electronic", "hand"]), name="office_mode_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class OfficeHolder(models.Model):
    """A person who signs for the office from ``start`` to ``end`` (both included)."""

    class Capacity(models.TextChoices):
        TITLE = "title", "en titre"
        DELEGATE = "delegate", "par délégation (P.O.)"
        INTERIM = "interim", "par intérim"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    office = models.ForeignKey(Office, on_delete=models.CASCADE, related_name="holders")
    account = models.ForeignKey("people.Account", on_delete=models.PROTECT, related_name="+")
    capacity = models.CharField(max_length=10, choices=Capacity.choices, default=Capacity.TITLE)
    name = models.CharField(max_length=200)  # as printed: "Dr Awa NDIAYE"
    title = models.CharField(max_length=200)  # this person's own title, as printed
    reference = models.CharField(max_length=200, blank=True)  # of the act that names or delegates
    start = models.DateField()
    end = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")), name="office_holder_order"
            ),
            models.UniqueConstraint(
                fields=["office"],
                condition=Q(capacity="title", end__isnull=True),
                name="office_one_open_title",
            ),
            models.UniqueConstraint(
                fields=["office", "account", "capacity", "start"], name="office_holder_once"
            ),
            models.CheckConstraint(
                condition=Q(capacity__in=["title", "delegate", "interim"]),
                name="office_capacity_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name
