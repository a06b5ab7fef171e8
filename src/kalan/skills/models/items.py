"""The item bank: items, what each version says, who reviewed it, what was measured on it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.base.ids import uuid7
from kalan.skills.models.frameworks import Framework, FrameworkNode


class ItemBank(models.Model):
    """Items on one framework, held by a node of the organisation tree."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    framework = models.ForeignKey(Framework, on_delete=models.PROTECT, related_name="banks")
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    language = models.CharField(max_length=5, default="fr")
    licence = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """A question through its versions. What is asked is ``current``."""

    class Kind(models.TextChoices):
        SINGLE = "single", "choix unique"
        MULTIPLE = "multiple", "choix multiples"
        TRUEFALSE = "truefalse", "vrai ou faux"
        NUMERIC = "numeric", "nombre"
        SHORT = "short", "réponse courte"
        MATCHING = "matching", "association"
        ORDERING = "ordering", "mise en ordre"
        CLOZE = "cloze", "texte à trous"

    class State(models.TextChoices):
        DRAFT = "draft", "brouillon"
        REVIEWED = "reviewed", "relue"
        ACTIVE = "active", "en service"
        RETIRED = "retired", "retirée"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    bank = models.ForeignKey(ItemBank, on_delete=models.PROTECT, related_name="items")
    code = models.CharField(max_length=60)
    domain = models.ForeignKey(FrameworkNode, on_delete=models.PROTECT, related_name="+")
    competency = models.ForeignKey(
        FrameworkNode, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    # The newest version; draft changes make a new one, so what was asked stays as it was asked.
    current = models.OneToOneField(
        "ItemVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    difficulty = models.FloatField()  # an expert's guess on the θ scale
    audience = models.JSONField(default=list, blank=True)  # cadre families of decision 0012
    countries = models.JSONField(default=list, blank=True)
    accessible = models.BooleanField(default=True)  # can be answered with a screen reader
    retired_reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bank", "code"], name="item_code_once"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "single",
                        "multiple",
                        "truefalse",
                        "numeric",
                        "short",
                        "matching",
                        "ordering",
                        "cloze",
                    ]
                ),
                name="item_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "reviewed", "active", "retired"]),
                name="item_state_known",
            ),
        ]
        indexes = [models.Index(fields=["bank", "state", "domain"])]

    def __str__(self) -> str:
        return self.code


class ItemVersion(models.Model):
    """What an item says: ``content`` may reach a browser before the answer, ``key`` never does.

    Shapes: ``kalan.skills.play.content``. Never edited once an answer was given to it.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveSmallIntegerField()
    content = models.JSONField()
    key = models.JSONField()
    words = models.TextField(blank=True)  # plain text, folded, for search and likeness
    language = models.CharField(max_length=5, default="fr")
    source = models.TextField(blank=True)
    note = models.CharField(max_length=300, blank=True)  # what changed, and why
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="item_version_once"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class ItemMedia(models.Model):
    """A picture of an item, small, with the text that stands for it."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="media")
    file = models.ForeignKey("base.StoredFile", on_delete=models.PROTECT, related_name="+")
    alt = models.CharField(max_length=300)
    width = models.PositiveSmallIntegerField(default=0)
    height = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(alt=""), name="item_media_has_alt"),
        ]


class ItemReview(models.Model):
    """A second person's verdict on a version: never edited, a change of mind is a further row."""

    class Verdict(models.TextChoices):
        ACCEPT = "accept", "accepter"
        CHANGE = "change", "à corriger"

    version = models.ForeignKey(ItemVersion, on_delete=models.CASCADE, related_name="reviews")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    comment = models.TextField(blank=True)
    reviewer = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reviewer_name = models.CharField(max_length=200)
    at = models.DateTimeField()


class ItemCalibration(models.Model):
    """Parameters of a version in the logistic metric (D = 1), with errors and answers behind them.

    ``b`` holds one difficulty, or the steps of a partial-credit item.
    """

    GATE = 500  # answers from which a calibration is no longer provisional

    version = models.ForeignKey(ItemVersion, on_delete=models.CASCADE, related_name="calibrations")
    run_uid = models.UUIDField()
    model = models.CharField(max_length=10)  # 1PL, 2PL, 3PL, GPCM
    a = models.FloatField()
    b = models.JSONField()
    c = models.FloatField(default=0)
    se_a = models.FloatField(null=True)
    se_b = models.FloatField(null=True)
    answers = models.PositiveIntegerField()
    simulated = models.BooleanField(default=False)
    adopted_at = models.DateTimeField()
    current = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=Q(current=True), name="calibration_one_current"
            ),
            models.UniqueConstraint(fields=["version", "run_uid"], name="calibration_once_a_run"),
            models.CheckConstraint(condition=Q(a__gt=0), name="calibration_slope_positive"),
        ]

    @property
    def provisional(self) -> bool:
        """Whether too few answers stand behind it."""
        return self.answers < self.GATE


class ItemStatistics(models.Model):
    """What was seen of a version, counted anew by a task: shown in lists and on the item's page."""

    version = models.OneToOneField(ItemVersion, on_delete=models.CASCADE, related_name="statistics")
    simulated = models.BooleanField(default=False)
    shown = models.PositiveIntegerField(default=0)  # times asked
    answers = models.PositiveIntegerField(default=0)
    right = models.FloatField(default=0)  # sum of fractions, so right / answers = facility
    point_biserial = models.FloatField(null=True)
    rest = models.JSONField(default=dict)  # {"chosen": {…}, "dif": {…}, "seconds": …, "fit": {…}}
    counted_at = models.DateTimeField()
