"""Certification: the exam session, its candidates, the panel that sets the cut, the jury."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.assessment.models.sittings import Sitting
from kalan.assessment.models.tests import FrozenTest, Test
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
    # How many questions a candidate may have replaced without the invigilator's answer.
    replacements = models.PositiveSmallIntegerField(default=3)
    invigilator = models.ForeignKey(
        "people.Account", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    simulated = models.BooleanField(default=False)  # invented people of the demonstration
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    # The test's cut as it stood when results were published: what was decided by.
    cut = models.FloatField(null=True, blank=True)
    cut_se = models.FloatField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_at__isnull=False),
                name="exam_published_has_date",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "open", "closed", "published"]),
                name="exam_state_known",
            ),
            # Codes are read out in rooms: two rooms of one day have two codes.
            models.UniqueConstraint(fields=["code", "date"], name="exam_code_once_a_day"),
        ]

    def __str__(self) -> str:
        return self.title


class Candidate(models.Model):
    """A person enrolled for an exam, and what the jury decided."""

    class Decision(models.TextChoices):
        NONE = "", "en attente"
        PASSED = "passed", "admis"
        FAILED = "failed", "non admis"
        CANCELLED = "cancelled", "annulé"
        REJECTED = "rejected", "rejeté"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    exam = models.ForeignKey(Exam, on_delete=models.CASCADE, related_name="candidates")
    account = models.ForeignKey("people.Account", on_delete=models.PROTECT, related_name="+")
    sitting = models.OneToOneField(
        Sitting, null=True, blank=True, on_delete=models.PROTECT, related_name="candidate"
    )
    extra_percent = models.PositiveSmallIntegerField(default=0)
    accessible_only = models.BooleanField(default=False)
    assistive = models.BooleanField(default=False)  # focus is not watched
    # In the room: code entered, identity checked, start allowed.
    entered_at = models.DateTimeField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    allowed_at = models.DateTimeField(null=True, blank=True)
    # The browser that answers; another one must be allowed to take over.
    device = models.CharField(max_length=64, blank=True)
    resume_allowed = models.BooleanField(default=False)
    # A call for help that nobody has answered yet, on the question then on screen.
    alert_at = models.DateTimeField(null=True, blank=True)
    alert_number = models.PositiveSmallIntegerField(null=True, blank=True)
    alert_text = models.CharField(max_length=300, blank=True)
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
            models.CheckConstraint(
                condition=Q(decision__in=["", "passed", "failed", "cancelled", "rejected"]),
                name="candidate_decision_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.account)


class CutPanel(models.Model):
    """Judges who say, item by item, how many just-competent people would get it right (Angoff)."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    test = models.ForeignKey(Test, on_delete=models.CASCADE, related_name="panels")
    name = models.CharField(max_length=200)
    frozen = models.ForeignKey(FrozenTest, on_delete=models.PROTECT, related_name="+")
    numbers = models.JSONField(default=list)  # items of ``frozen`` that are rated, in sheet order
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # What was adopted: on the scale of θ, and as a sum of points over the rated items.
    theta = models.FloatField(null=True, blank=True)
    theta_se = models.FloatField(null=True, blank=True)
    raw = models.FloatField(null=True, blank=True)
    raw_se = models.FloatField(null=True, blank=True)
    adopted_at = models.DateTimeField(null=True, blank=True)
    adopted_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(adopted_at__isnull=True) | Q(theta__isnull=False),
                name="cut_panel_adopted_has_cut",
            ),
        ]

    def __str__(self) -> str:
        return self.name


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
