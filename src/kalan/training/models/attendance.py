"""Programmes, sessions, their one list of participants, and attendance by half-day.

Attendance is an observed-remove set: a *mark* says "present", a *retraction* names the marks it
takes back. The union of what several phones send is therefore the same in any order, and
``Presence`` (one row per person and half-day present) is derived from it in the same transaction.
"""

from __future__ import annotations

from django.db import models

from kalan.training.models.participants import Registration
from kalan.training.models.sessions import (
    HalfDay,
    Session,
)


class MarkSource(models.TextChoices):
    PHONE = "phone", "téléphone"
    SCREEN = "screen", "écran"
    PAPER = "paper", "feuille de présence"
    XLSX = "xlsx", "tableur"
    IMPORT = "import", "reprise"


class AttendanceMark(models.Model):
    """An append-only fact: this person was present on this half-day, says this device."""

    client_id = models.UUIDField(unique=True)
    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="marks")
    half_day = models.ForeignKey(HalfDay, on_delete=models.PROTECT, related_name="marks")
    source = models.CharField(max_length=6, choices=MarkSource.choices)
    device_at = models.DateTimeField(null=True)  # as declared: phone clocks are wrong
    received_at = models.DateTimeField()
    by = models.ForeignKey("people.Account", null=True, on_delete=models.SET_NULL, related_name="+")


class AttendanceRetraction(models.Model):
    """Takes back one mark (a tap on the wrong line), named by its client id.

    Not a foreign key: a retraction may arrive before the mark it names, and must still hold.
    One act of a person (``client_id``) may take back several marks of the same box.
    """

    client_id = models.UUIDField()
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="attendance_retractions"
    )
    mark_client_id = models.UUIDField(db_index=True)
    device_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    by = models.ForeignKey("people.Account", null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "mark_client_id"], name="attendance_retraction_once"
            ),
        ]


class Presence(models.Model):
    """Derived: present on this half-day (at least one mark not retracted)."""

    registration = models.ForeignKey(
        Registration, on_delete=models.CASCADE, related_name="presences"
    )
    half_day = models.ForeignKey(HalfDay, on_delete=models.CASCADE, related_name="presences")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["registration", "half_day"], name="presence_once"),
        ]


class Correction(models.Model):
    """What was changed on a validated session, by whom and why. Never edited."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="corrections")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Account", null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=300)
    change = models.JSONField()


class DirtySession(models.Model):
    """Sessions whose figures are to be recomputed, written in the transaction that changed them.

    ``indicators`` (a floor above) reads and empties it.
    """

    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="dirty")
    since = models.DateTimeField()


class SatisfactionAnswer(models.Model):
    """An anonymous answer: no link to a person is stored, on purpose."""

    client_id = models.UUIDField(unique=True)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="satisfaction")
    scores = models.JSONField()  # {question code: 1..5}
    comment = models.TextField(blank=True)
    source = models.CharField(max_length=6, choices=MarkSource.choices)
    # The day only: an hour could tell who answered.
    received_on = models.DateField()
