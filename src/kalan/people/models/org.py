"""The organisation tree: countries, regions, districts, structures, and what they were when."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from treebeard.mp_tree import MP_Node

from kalan.base.ids import uuid7


class Sector(models.TextChoices):
    PUBLIC = "public", "public"
    PRIVATE = "private", "privé"
    CONFESSIONAL = "confessional", "confessionnel"
    COMMUNITY = "community", "communautaire"
    LOCAL = "local", "collectivité territoriale"


class StructureType(models.Model):
    """A type of structure as one country names it (EPS 1, poste de santé, CSCom…)."""

    country = models.CharField(max_length=2)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    short_name = models.CharField(max_length=30, blank=True)
    rank = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["country", "code"], name="structure_type_once"),
        ]

    def __str__(self) -> str:
        return self.name


class OrgNode(MP_Node):  # type: ignore[misc] # treebeard has no types
    """A node of the tree. Type, parent and sector on a past date stand in OrgNodePeriod."""

    class Kind(models.TextChoices):
        COUNTRY = "country", "pays"
        REGION = "region", "région"
        DISTRICT = "district", "district"
        STRUCTURE = "structure", "structure"

    node_order_by: ClassVar[list[str]] = []

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    country = models.CharField(max_length=2)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=200)
    search = models.CharField(max_length=200, db_index=True)  # base.text.fold(name)
    type = models.ForeignKey(
        StructureType, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    sector = models.CharField(max_length=15, choices=Sector.choices, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    connectivity = models.CharField(max_length=40, blank=True)  # "aucune", "2G", "4G", "fibre"
    opened_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="absorbed"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_on__isnull=True)
                | Q(opened_on__isnull=True)
                | Q(closed_on__gte=F("opened_on")),
                name="node_closes_after_opening",
            ),
        ]
        indexes = [models.Index(fields=["kind", "path"])]

    def __str__(self) -> str:
        return self.name


class OrgNodeCode(models.Model):
    """A code of a node in one source: ISO 3166-2, INSEE, DHIS2, national list, OSM…"""

    node = models.ForeignKey(OrgNode, on_delete=models.CASCADE, related_name="codes")
    system = models.CharField(max_length=40)
    value = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "value"], name="node_code_once"),
        ]

    def __str__(self) -> str:
        return f"{self.system} : {self.value}"


class OrgNodePeriod(models.Model):
    """What a node was from ``start`` (included) to ``end`` (excluded; None: until now).

    A centre de santé that became EPS 1 has two rows. Periods of one node do not overlap (held by
    the service that writes them, and by the unique start).
    """

    node = models.ForeignKey(OrgNode, on_delete=models.CASCADE, related_name="periods")
    start = models.DateField()
    end = models.DateField(null=True, blank=True)
    parent = models.ForeignKey(
        OrgNode, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    type = models.ForeignKey(
        StructureType, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    sector = models.CharField(max_length=15, choices=Sector.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "start"], name="node_period_start_once"),
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gt=F("start")), name="node_period_order"
            ),
        ]

    @property
    def last_day(self) -> dt.date | None:
        """The last day of the period, as people say it (``end`` is the day after)."""
        return self.end - dt.timedelta(days=1) if self.end else None
