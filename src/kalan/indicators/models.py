"""Figures: facts frozen by session's date, roll-ups, frozen and declared figures."""

from __future__ import annotations

from django.db import models

from kalan.base.ids import uuid7


class Participation(models.Model):
    """One counted registration of a closed session, with its dimensions as on the session's date.

    Rebuilt whole for a session whenever that session is dirty; never edited.
    """

    session_id = models.BigIntegerField(db_index=True)
    registration_id = models.BigIntegerField(unique=True)
    programme_id = models.BigIntegerField(null=True)
    theme_id = models.BigIntegerField()
    agent_id = models.BigIntegerField(null=True)  # None: outsider
    day = models.DateField()  # the session's last half-day
    sex = models.CharField(max_length=1, blank=True)
    age_band = models.CharField(max_length=10, blank=True)
    cadre_id = models.BigIntegerField(null=True)
    structure_id = models.BigIntegerField(null=True)
    district_id = models.BigIntegerField(null=True)
    region_id = models.BigIntegerField(null=True)
    sector = models.CharField(max_length=15, blank=True)
    half_days = models.PositiveSmallIntegerField()
    present = models.PositiveSmallIntegerField()
    completed = models.BooleanField()

    class Meta:
        indexes = [
            models.Index(fields=["programme_id", "region_id", "day"]),
            models.Index(fields=["agent_id", "day"]),
            models.Index(fields=["structure_id", "day"]),
        ]


class Cell(models.Model):
    """A roll-up: one measured figure for one combination of filters (None: all)."""

    programme_id = models.BigIntegerField(null=True)
    period = models.CharField(max_length=10)  # "all", "2023", "2023-03"
    node_id = models.BigIntegerField(null=True)
    dimension = models.CharField(max_length=20)  # "", "sex", "cadre", "age", "theme"
    value = models.CharField(max_length=40, blank=True)
    measure = models.CharField(max_length=40)
    amount = models.DecimalField(max_digits=16, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["programme_id", "period", "node_id", "dimension", "value", "measure"],
                name="cell_once",
                nulls_distinct=False,
            ),
        ]


class FrozenFigures(models.Model):
    """A period's figures as they stood on a date, with the list behind them (DESIGN §2.1)."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    programme = models.ForeignKey(
        "training.Programme", null=True, on_delete=models.PROTECT, related_name="+"
    )
    label = models.CharField(max_length=200)
    start = models.DateField(null=True)
    end = models.DateField(null=True)
    figures = models.JSONField()
    # {registration id: completed}: what the figures were counted from.
    basis = models.JSONField()
    frozen_at = models.DateTimeField()
    frozen_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )


class DeclaredFigure(models.Model):
    """A total from an old report, with its document; never added to computed figures."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    programme = models.ForeignKey(
        "training.Programme", null=True, on_delete=models.PROTECT, related_name="+"
    )
    label = models.CharField(max_length=200)
    indicator = models.CharField(max_length=40)
    node = models.ForeignKey(
        "people.OrgNode", null=True, on_delete=models.PROTECT, related_name="+"
    )
    value = models.DecimalField(max_digits=16, decimal_places=2)
    period = models.CharField(max_length=100)
    source = models.CharField(max_length=300)
    document = models.ForeignKey(
        "base.StoredFile", null=True, on_delete=models.PROTECT, related_name="+"
    )
    declared_at = models.DateTimeField()
    declared_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )


class Denominator(models.Model):
    """Staff in post by territory, from a named source and date: what coverage divides by."""

    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    cadre = models.ForeignKey(
        "people.Cadre", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    value = models.PositiveIntegerField()
    source = models.CharField(max_length=200)
    as_of = models.DateField()
    includes = models.CharField(max_length=200)  # which statuses the list counts

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["node", "cadre", "as_of"], name="denominator_once", nulls_distinct=False
            ),
        ]
