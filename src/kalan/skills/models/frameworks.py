"""Competency frameworks as versioned data, and how they correspond."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7


class Framework(models.Model):
    """One edition of a framework; a new edition is a new row, so that old results stay readable."""

    class State(models.TextChoices):
        DRAFT = "draft", "en préparation"
        ACTIVE = "active", "en vigueur"
        ARCHIVED = "archived", "archivé"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    code = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    language = models.CharField(max_length=5, default="fr")
    summary = models.TextField(blank=True)
    source = models.TextField(blank=True)
    legal_basis = models.TextField(blank=True)
    licence = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="framework_once"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(state="active"), name="framework_one_active"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "active", "archived"]),
                name="framework_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.version})"


class FrameworkLevel(models.Model):
    """A level of a framework's scale; ``floor``: lowest θ of the level, None for the lowest."""

    framework = models.ForeignKey(Framework, on_delete=models.CASCADE, related_name="levels")
    rank = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    floor = models.FloatField(null=True, blank=True)
    description = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["framework", "rank"], name="framework_level_once"),
        ]


class FrameworkNode(models.Model):
    """A domain, a competency under a domain, or a capacity under a competency."""

    class Kind(models.TextChoices):
        DOMAIN = "domain", "domaine"
        COMPETENCY = "competency", "compétence"
        CAPACITY = "capacity", "capacité"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    framework = models.ForeignKey(Framework, on_delete=models.CASCADE, related_name="nodes")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    code = models.CharField(max_length=60)
    name = models.TextField()
    description = models.TextField(blank=True)
    hours = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    # {level code: {"can": "…", "advice": ["…"]}}: what one can do at a level, how to go further.
    guidance = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=200, blank=True)  # "non vérifié", "formulation de Kalan"
    rank = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["framework", "kind", "code"], name="node_code_once_kind"
            ),
            models.CheckConstraint(
                condition=(Q(kind="domain") & Q(parent__isnull=True))
                | (Q(kind__in=["competency", "capacity"]) & Q(parent__isnull=False)),
                name="framework_node_stands_under",
            ),
        ]
        indexes = [models.Index(fields=["framework", "kind", "rank"])]

    def __str__(self) -> str:
        return self.name


class Correspondence(models.Model):
    """A line of a cross-walk: what in one framework answers to what in another."""

    class Strength(models.TextChoices):
        EXACT = "exact", "équivalent"
        PARTIAL = "partial", "partiel"

    source = models.ForeignKey(FrameworkNode, on_delete=models.CASCADE, related_name="leads_to")
    target = models.ForeignKey(FrameworkNode, on_delete=models.CASCADE, related_name="comes_from")
    strength = models.CharField(max_length=10, choices=Strength.choices)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "target"], name="correspondence_once"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="correspondence_of_two"),
        ]
