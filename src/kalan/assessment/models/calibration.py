"""Calibration runs: made in the background, looked at, then adopted or left."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.base.ids import uuid7

# Flags with which a line is never adopted; with which it does not pass the gate.
BARRED = frozenset({"collapsed", "unsure"})
GATED = BARRED | {"few", "low_slope", "misfit", "dif"}


class CalibrationRun(models.Model):
    """``report``: warnings, fit, what was left out and why, in JSON."""

    class State(models.TextChoices):
        QUEUED = "queued", "en attente"
        RUNNING = "running", "en cours"
        READY = "ready", "à examiner"
        ADOPTED = "adopted", "adopté"
        DISCARDED = "discarded", "écarté"
        FAILED = "failed", "échoué"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    bank = models.ForeignKey("skills.ItemBank", on_delete=models.PROTECT, related_name="+")
    simulated = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    job = models.ForeignKey("base.Job", null=True, on_delete=models.SET_NULL, related_name="+")
    options = models.JSONField(default=dict)
    answers = models.PositiveIntegerField(default=0)
    persons = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    adopted_at = models.DateTimeField(null=True, blank=True)
    adopted_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="adopted") | Q(adopted_at__isnull=False),
                name="calibration_adopted_has_date",
            ),
        ]


class CalibrationLine(models.Model):
    """What a run found for one version, beside what stands today."""

    run = models.ForeignKey(CalibrationRun, on_delete=models.CASCADE, related_name="lines")
    version = models.ForeignKey("skills.ItemVersion", on_delete=models.CASCADE, related_name="+")
    answers = models.PositiveIntegerField()
    # {"model", "a", "b", "c", "se_a", "se_b", "answers"}; of an expert's guess {"expert": true, …}.
    before = models.JSONField(default=dict)
    # The same without answers, and {"rmsd", "dif", "mapping"}.
    after = models.JSONField(default=dict)
    # Codes of engine.testing.calibration: "few", "low_slope", "misfit", "dif", "moved"…
    flags = models.JSONField(default=list)
    adopted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "version"], name="calibration_line_once"),
        ]

    @property
    def adoptable(self) -> bool:
        """Whether its parameters can serve at all."""
        return not BARRED & set(self.flags)

    @property
    def past_gate(self) -> bool:
        """Whether nothing speaks against them, and enough answers stand behind them."""
        return not GATED & set(self.flags)
