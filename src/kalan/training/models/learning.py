"""What a session changes: tests before and after, and gestures seen at work.

The sittings themselves stand in ``assessment``; here is only which session and which line of its
list they belong to. Observations are facts: a correction adds a row, the earlier one stays.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7
from kalan.training.models.participants import Registration
from kalan.training.models.sessions import Session


class Moment(models.TextChoices):
    BEFORE = "before", "avant"
    AFTER = "after", "après"


class SessionTest(models.Model):
    """One of the two parallel forms of a session's test, and whether it may be taken now."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="tests")
    moment = models.CharField(max_length=6, choices=Moment.choices)
    test = models.ForeignKey("assessment.Test", on_delete=models.PROTECT, related_name="+")
    form = models.CharField(max_length=10)  # "A", "B": a form of the frozen test
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "moment"], name="session_test_once"),
            models.CheckConstraint(
                condition=Q(moment__in=["before", "after"]), name="session_test_moment_known"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True)
                | Q(opened_at__isnull=False, closed_at__gte=F("opened_at")),
                name="session_test_closed_after_opened",
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None and self.closed_at is None


class SessionSitting(models.Model):
    """A participant's sitting before or after the session."""

    registration = models.ForeignKey(
        Registration, on_delete=models.CASCADE, related_name="sittings"
    )
    moment = models.CharField(max_length=6, choices=Moment.choices)
    sitting = models.OneToOneField(
        "assessment.Sitting", on_delete=models.PROTECT, related_name="session_sitting"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["registration", "moment"], name="session_sitting_once"),
            models.CheckConstraint(
                condition=Q(moment__in=["before", "after"]), name="session_sitting_moment_known"
            ),
        ]


class SessionGain(models.Model):
    """Derived: what the group and each person gained, computed by a task, read by every screen.

    ``seen`` says which results it rests on: (how many, the newest one). When the session's
    results say otherwise the row is out of date.
    """

    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="gain")
    results = models.PositiveIntegerField(default=0)
    newest = models.PositiveBigIntegerField(default=0)
    body = models.JSONField(default=dict)
    computed_at = models.DateTimeField()


class ObservationGrid(models.Model):
    """Gestures to look for at work: 5 to 12, as a pack of data gave them. Versions stay."""

    code = models.SlugField(max_length=40)
    version = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=200)
    themes = models.JSONField(default=list, blank=True)  # codes of themes; empty: any
    gestures = models.JSONField()  # [{"code", "label", "held", "missed", "none"}]
    current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="observation_grid_once"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(current=True), name="observation_grid_one_current"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Observation(models.Model):
    """Which gestures somebody was seen to hold, at the end or some months later.

    ``uid`` is made by the page or the phone, so a second sending is known for what it is.
    """

    class Moment(models.TextChoices):
        END = "end", "en fin de formation"
        LATER = "later", "au poste, 3 à 6 mois après"

    class Source(models.TextChoices):
        SCREEN = "screen", "à l’écran"
        PAPER = "paper", "saisi d’après papier"

    SAID = {"yes": "observé", "no": "non observé", "na": "pas d’occasion"}

    uid = models.UUIDField(unique=True)
    registration = models.ForeignKey(
        Registration, on_delete=models.CASCADE, related_name="observations"
    )
    grid = models.ForeignKey(ObservationGrid, on_delete=models.PROTECT, related_name="+")
    moment = models.CharField(max_length=5, choices=Moment.choices)
    observer = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    observer_name = models.CharField(max_length=200)
    date = models.DateField()
    marks = models.JSONField()  # {code of gesture: "yes" | "no" | "na"}
    held = models.PositiveSmallIntegerField()  # number of "yes"
    seen = models.PositiveSmallIntegerField()  # number of "yes" and "no"
    comment = models.TextField(blank=True)
    source = models.CharField(max_length=6, choices=Source.choices, default=Source.SCREEN)
    simulated = models.BooleanField(default=False)
    # The newest of this person at this moment; a correction adds a row and takes this mark over.
    current = models.BooleanField(default=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "moment"],
                condition=Q(current=True),
                name="observation_one_current",
            ),
            models.CheckConstraint(
                condition=Q(moment__in=["end", "later"]), name="observation_moment_known"
            ),
            models.CheckConstraint(
                condition=Q(source__in=["screen", "paper"]), name="observation_source_known"
            ),
            models.CheckConstraint(condition=~Q(observer_name=""), name="observation_has_observer"),
            models.CheckConstraint(condition=Q(held__lte=F("seen")), name="observation_held_seen"),
        ]

    @property
    def by_gesture(self) -> list[tuple[str, str]]:
        """(gesture, what was noted) in the order of the grid."""
        return [
            (one["label"], self.SAID[self.marks[one["code"]]])
            for one in self.grid.gestures
            if one["code"] in self.marks
        ]
