"""Tests, and what a published test froze."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.base.ids import uuid7


class Test(models.Model):
    """A blueprint with its rules. Sittings follow the frozen form of the day they began."""

    __test__ = False  # pytest takes the name for one of its own

    class Purpose(models.TextChoices):
        SHORT = "positioning_short", "positionnement court"
        FULL = "positioning_full", "positionnement complet"
        CERTIFICATION = "certification", "examen de certification"
        FIXED = "fixed", "test avant et après"
        PRACTICE = "practice", "entraînement"

    class State(models.TextChoices):
        DRAFT = "draft", "en préparation"
        PUBLISHED = "published", "publié"
        CLOSED = "closed", "fermé"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    code = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    introduction = models.TextField(blank=True)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    bank = models.ForeignKey("skills.ItemBank", on_delete=models.PROTECT, related_name="+")
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    # engine.testing.plan.TestPlan as JSON: quotas, lengths, exposure cap, precision, forms.
    plan = models.JSONField(default=dict)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    # Anyone signed in may take it, without a campaign or an exam.
    open = models.BooleanField(default=False)
    retake_days = models.PositiveSmallIntegerField(default=7)  # between two sittings
    attempts = models.PositiveSmallIntegerField(default=0)  # 0: as many as one likes
    watch_focus = models.BooleanField(default=False)
    cut = models.FloatField(null=True, blank=True)  # θ, set by a panel
    cut_se = models.FloatField(null=True, blank=True)
    # The simulator's verdict at publication.
    verdict = models.JSONField(default=dict, blank=True)
    # The last work on it in the background: a trial, a publication.
    job = models.ForeignKey(
        "base.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    purpose__in=[
                        "positioning_short",
                        "positioning_full",
                        "certification",
                        "fixed",
                        "practice",
                    ]
                ),
                name="test_purpose_known",
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False),
                name="test_published_has_date",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class FrozenTest(models.Model):
    """Items, parameters and rules as engine.testing.frozen wrote them: never changed.

    ``body`` is large and read once by each process: defer it in every query.
    """

    test = models.ForeignKey(Test, on_delete=models.PROTECT, related_name="frozen")
    version = models.CharField(max_length=64)  # SHA-256 of the body
    body = models.TextField()
    form = models.CharField(max_length=10, blank=True)  # "A", "B"… of parallel forms
    simulated = models.BooleanField(default=False)  # rests on a simulated calibration
    current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["test", "version"], name="frozen_test_once"),
            models.UniqueConstraint(
                fields=["test", "form"], condition=Q(current=True), name="frozen_test_one_current"
            ),
        ]


class FrozenItem(models.Model):
    """The item versions of a frozen test, by their number in it: what a question page reads."""

    frozen = models.ForeignKey(FrozenTest, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveSmallIntegerField()
    version = models.ForeignKey("skills.ItemVersion", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["frozen", "number"], name="frozen_item_number_once"),
            models.UniqueConstraint(fields=["frozen", "version"], name="frozen_item_once"),
        ]
