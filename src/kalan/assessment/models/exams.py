"""Certification: the exam session, its candidates, the panel that sets the cut, the jury."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.assessment.models.sittings import Sitting
from kalan.assessment.models.tests import Test
from kalan.base.ids import random_code, uuid7


def start_code() -> str:
    """What an invigilator reads out in the room: 6 characters, good for the day only."""
    return random_code(6)


class Exam(models.Model):
    """A certification test in a room, on a day, under an invigilator."""

    class State(models.TextChoices):
        PLANNED = "planned", "prévu"
        OPEN = "open", "ouvert"
        CLOSED = "closed", "terminé"
        PUBLISHED = "published", "résultats publiés"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    test = models.ForeignKey(Test, on_delete=models.PROTECT, related_name="exams")
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    place = models.CharField(max_length=200, blank=True)
    date = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    code = models.CharField(max_length=10, default=start_code)
    invigilator = models.ForeignKey(
        "people.Account", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    simulated = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_at__isnull=False),
                name="exam_published_has_date",
            ),
        ]


class Candidate(models.Model):
    """A person enrolled for an exam, and what the jury decided."""

    class Decision(models.TextChoices):
        NONE = "", "en attente"
        PASSED = "passed", "admis"
        FAILED = "failed", "non admis"
        CANCELLED = "cancelled", "annulé"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    exam = models.ForeignKey(Exam, on_delete=models.CASCADE, related_name="candidates")
    account = models.ForeignKey("people.Account", on_delete=models.PROTECT, related_name="+")
    sitting = models.OneToOneField(
        Sitting, null=True, blank=True, on_delete=models.PROTECT, related_name="candidate"
    )
    extra_percent = models.PositiveSmallIntegerField(default=0)
    accessible_only = models.BooleanField(default=False)
    assistive = models.BooleanField(default=False)  # focus is not watched
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    decision_note = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["exam", "account"], name="candidate_once"),
            models.CheckConstraint(
                condition=Q(decision="") | Q(decided_at__isnull=False),
                name="candidate_decision_has_date",
            ),
        ]


class CutPanel(models.Model):
    """Judges who say, item by item, how many just-competent people would get it right (Angoff)."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    test = models.ForeignKey(Test, on_delete=models.CASCADE, related_name="panels")
    name = models.CharField(max_length=200)
    adopted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()


class CutJudge(models.Model):
    panel = models.ForeignKey(CutPanel, on_delete=models.CASCADE, related_name="judges")
    name = models.CharField(max_length=200)
    rank = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["panel", "rank"], name="cut_judge_once"),
        ]


class CutRating(models.Model):
    """Share (0 … 1) of just-competent people expected to be right on an item."""

    judge = models.ForeignKey(CutJudge, on_delete=models.CASCADE, related_name="ratings")
    version = models.ForeignKey("skills.ItemVersion", on_delete=models.PROTECT, related_name="+")
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["judge", "version"], name="cut_rating_once"),
            models.CheckConstraint(
                condition=Q(value__gte=0, value__lte=1), name="cut_rating_range"
            ),
        ]
