"""Keeping the register right and lawful: duplicates, merges, requests, processing register."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7
from kalan.people.models.accounts import (
    Account,
)
from kalan.people.models.org import OrgNode
from kalan.people.models.workforce import Agent


class DuplicatePair(models.Model):
    """Two agents or two structures that may be the same. ``first_id`` < ``second_id``."""

    class State(models.TextChoices):
        OPEN = "open", "à examiner"
        MERGED = "merged", "fusionnés"
        DISTINCT = "distinct", "personnes distinctes"

    kind = models.CharField(max_length=10)  # "agent", "structure"
    first_id = models.BigIntegerField()
    second_id = models.BigIntegerField()
    node = models.ForeignKey(OrgNode, null=True, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    reasons = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "first_id", "second_id"], name="duplicate_pair_once"
            ),
            models.CheckConstraint(
                condition=Q(first_id__lt=F("second_id")), name="duplicate_pair_order"
            ),
        ]
        indexes = [models.Index(fields=["kind", "state", "score"])]


class Merge(models.Model):
    """An act: ``absorbed`` became ``kept``. ``moved`` holds what undoing needs."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10)  # "agent", "structure"
    kept_id = models.BigIntegerField()
    absorbed_id = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    moved = models.JSONField()
    merged_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    merged_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")


class DataRequest(models.Model):
    """A person's request about their own data, with its deadline."""

    class Kind(models.TextChoices):
        ACCESS = "access", "accès"
        RECTIFY = "rectify", "rectification"
        EXPORT = "export", "copie des données"
        ERASE = "erase", "effacement"
        OPPOSE = "oppose", "opposition"

    class State(models.TextChoices):
        OPEN = "open", "à traiter"
        DONE = "done", "satisfaite"
        REFUSED = "refused", "refusée, avec motif"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    account = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField()
    due_on = models.DateField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.TextField(blank=True)


class ProcessingActivity(models.Model):
    """A line of the processing register, with the fields of the authority's form."""

    country = models.CharField(max_length=2)
    code = models.CharField(max_length=40)
    purpose = models.TextField()
    legal_basis = models.TextField()
    people = models.TextField()
    categories = models.TextField()
    recipients = models.TextField()
    retention = models.TextField()
    transfers = models.TextField()
    security = models.TextField()
    receipt_number = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["country", "code"], name="processing_once"),
        ]
