"""Results from another platform: kept apart, on that platform's own scale."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.base.ids import uuid7


class OutsideResult(models.Model):
    """What another platform says of an agent on a day. Never put on Kalan's scale.

    ``levels`` is {name of the competence: level as written there}. ``raw`` holds the row's cells
    without names; it is what the source said when somebody asks.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    agent = models.ForeignKey(
        "people.Agent", on_delete=models.PROTECT, related_name="outside_results"
    )
    source = models.CharField(max_length=40)  # "Pix Orga"
    campaign = models.CharField(max_length=200)
    date = models.DateField()
    level = models.CharField(max_length=60, blank=True)
    scale = models.CharField(max_length=120, blank=True)
    mastery = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)  # %
    levels = models.JSONField(default=dict, blank=True)
    raw = models.JSONField(default=dict, blank=True)
    run = models.ForeignKey(
        "base.ImportRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    imported_at = models.DateTimeField()

    class Meta:
        constraints = [
            # The same file brought in again adds nothing.
            models.UniqueConstraint(
                fields=["agent", "source", "campaign", "date"], name="outside_result_once"
            ),
            models.CheckConstraint(
                condition=Q(mastery__isnull=True) | Q(mastery__gte=0, mastery__lte=100),
                name="outside_mastery_percent",
            ),
        ]
        indexes = [models.Index(fields=["source", "campaign", "date"])]
