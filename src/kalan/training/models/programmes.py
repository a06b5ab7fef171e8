"""Programmes, who funds them, what they aim at."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7


class Partner(models.Model):
    """A body that funds, implements or organises."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class Theme(models.Model):
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Programme(models.Model):
    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    strategy_axis = models.CharField(max_length=200, blank=True)
    audience = models.TextField(blank=True)
    objectives = models.TextField(blank=True)
    start = models.DateField()
    end = models.DateField()
    # Completion: at least this share of the session's half-days, in per cent.
    completion_percent = models.PositiveSmallIntegerField(default=80)
    public = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    currency = models.CharField(max_length=3, default="XOF")
    per_diem = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    sms_monthly_ceiling = models.DecimalField(max_digits=12, decimal_places=2, default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="programme_order"),
            models.CheckConstraint(
                condition=Q(completion_percent__gte=1) & Q(completion_percent__lte=100),
                name="programme_completion_percent",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProgrammePartner(models.Model):
    class Role(models.TextChoices):
        FUNDER = "funder", "financeur"
        IMPLEMENTER = "implementer", "mise en œuvre"
        TECHNICAL = "technical", "partenaire technique"

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="partners")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=12, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "partner", "role"], name="programme_partner_once"
            ),
        ]


class TargetStructure(models.Model):
    """A structure on the programme's own list (structure bénéficiaire)."""

    programme = models.ForeignKey(
        Programme, on_delete=models.CASCADE, related_name="target_structures"
    )
    structure = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "structure"], name="target_structure_once"
            ),
        ]


class Target(models.Model):
    """A target value for one indicator, for the programme or one territory of it."""

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="targets")
    indicator = models.CharField(max_length=40)
    node = models.ForeignKey(
        "people.OrgNode", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    value = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["programme", "indicator", "node"], name="target_once"),
            # The database holds two empty territories for different ones.
            models.UniqueConstraint(
                fields=["programme", "indicator"],
                condition=Q(node__isnull=True),
                name="target_whole_programme_once",
            ),
        ]


class TransportRate(models.Model):
    """The programme's transport allowance from one origin (structure or district)."""

    programme = models.ForeignKey(
        Programme, on_delete=models.CASCADE, related_name="transport_rates"
    )
    origin = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["programme", "origin"], name="transport_rate_once"),
        ]
