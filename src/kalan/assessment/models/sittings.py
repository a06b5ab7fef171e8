"""Sittings, answers, what happened meanwhile, results."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.assessment.models.tests import FrozenTest, Test
from kalan.base.ids import uuid7
from kalan.people.models import Sex


class Sitting(models.Model):
    """One person's path through one frozen test: a seed and a log say the rest.

    The person: an account, an agent, both, or neither (somebody from outside, whose name the room
    that started the sitting holds). Structure, cadre and sex are those of the day it began.
    """

    class State(models.TextChoices):
        READY = "ready", "pas commencé"
        RUNNING = "running", "en cours"
        FINISHED = "finished", "terminé"
        EXPIRED = "expired", "temps écoulé"
        STOPPED = "stopped", "arrêté"

    OVER = (State.FINISHED, State.EXPIRED, State.STOPPED)

    class Source(models.TextChoices):
        SCREEN = "screen", "à l’écran"
        PAPER = "paper", "saisi d’après papier"

    uid = models.UUIDField(default=uuid7, unique=True)  # a phone may create it
    test = models.ForeignKey(Test, on_delete=models.PROTECT, related_name="sittings")
    frozen = models.ForeignKey(FrozenTest, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(
        "people.Account", null=True, blank=True, on_delete=models.SET_NULL, related_name="sittings"
    )
    agent = models.ForeignKey(
        "people.Agent", null=True, blank=True, on_delete=models.PROTECT, related_name="sittings"
    )
    structure = models.ForeignKey(
        "people.OrgNode", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    cadre = models.ForeignKey(
        "people.Cadre", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    sex = models.CharField(max_length=1, choices=Sex.choices, blank=True)
    # Who holds the address may answer: for people without an account, never in an exam.
    by_link = models.BooleanField(default=False)
    # What started it: "open", "campaign", "session", "exam"; the room above keeps the link.
    context = models.CharField(max_length=10, default="open")
    source = models.CharField(max_length=6, choices=Source.choices, default=Source.SCREEN)
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY)
    seed = models.PositiveBigIntegerField()
    form = models.PositiveSmallIntegerField(null=True, blank=True)  # of fixed forms, from 0
    # engine.testing.walk: [["a", item, category], ["r", item], ["s"]] as compact JSON text.
    log = models.TextField(default="[]")
    excluded = models.JSONField(default=list, blank=True)  # codes of items seen before
    accessible_only = models.BooleanField(default=False)
    extra_percent = models.PositiveSmallIntegerField(default=0)  # more time, in per cent
    # The item on screen, by its number in the frozen test, and since when.
    asked = models.PositiveSmallIntegerField(null=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    step = models.PositiveSmallIntegerField(default=0)  # length of the log: writes compare it
    simulated = models.BooleanField(default=False)  # invented answers of the demonstration
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    deadline = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["ready", "running", "finished", "expired", "stopped"]),
                name="sitting_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="ready") | Q(started_at__isnull=False),
                name="sitting_started_has_date",
            ),
            # Two tabs, two presses: one sitting of a test is open at a time.
            models.UniqueConstraint(
                fields=["account", "test", "context"],
                condition=Q(state__in=["ready", "running"], account__isnull=False),
                name="sitting_one_open",
            ),
        ]
        indexes = [
            models.Index(fields=["test", "state", "finished_at"]),
            models.Index(fields=["agent", "test"]),
            models.Index(fields=["structure", "finished_at"]),
        ]


class Answer(models.Model):
    """What was answered: a fact, added once and never changed.

    ``uid`` is made by the page that asks, so a second sending is known for what it is.
    """

    uid = models.UUIDField(unique=True)
    sitting = models.ForeignKey(Sitting, on_delete=models.CASCADE, related_name="answers")
    number = models.PositiveSmallIntegerField()  # 1, 2, … in the sitting
    version = models.ForeignKey("skills.ItemVersion", on_delete=models.PROTECT, related_name="+")
    given = models.JSONField(null=True)  # null: left blank
    category = models.PositiveSmallIntegerField()
    fraction = models.FloatField()  # 0 … 1
    seconds = models.PositiveIntegerField(null=True)  # between question and answer, by the server
    simulated = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sitting", "number"], name="answer_number_once"),
            models.UniqueConstraint(fields=["sitting", "version"], name="answer_item_once"),
            models.CheckConstraint(
                condition=Q(fraction__gte=0, fraction__lte=1), name="answer_fraction_range"
            ),
        ]
        indexes = [models.Index(fields=["version", "simulated"])]


class SittingEvent(models.Model):
    """What happened in a sitting: focus lost, question replaced, incident, stop. Never edited."""

    class Kind(models.TextChoices):
        FOCUS = "focus", "page quittée"
        BACK = "back", "retour sur la page"
        REPLACED = "replaced", "question remplacée"
        INCIDENT = "incident", "incident"
        ALERT = "alert", "appel au surveillant"
        HEARD = "heard", "appel traité"
        RESUMED = "resumed", "reprise"
        STOPPED = "stopped", "arrêt par le surveillant"
        LATE = "late", "réponse hors délai"
        REFUSED = "refused", "réponse refusée"

    uid = models.UUIDField(default=uuid7, unique=True)
    sitting = models.ForeignKey(Sitting, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    version = models.ForeignKey(
        "skills.ItemVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    number = models.PositiveSmallIntegerField(null=True)  # the question then on screen
    category = models.CharField(max_length=30, blank=True)  # of an incident
    text = models.TextField(blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Account", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["sitting", "at"])]


class Result(models.Model):
    """What a sitting measures, by one set of parameters; scoring again adds a row."""

    sitting = models.ForeignKey(Sitting, on_delete=models.CASCADE, related_name="results")
    number = models.PositiveSmallIntegerField(default=1)
    current = models.BooleanField(default=True)
    frozen_version = models.CharField(max_length=64)  # whose parameters
    answers = models.PositiveSmallIntegerField()
    theta = models.FloatField(null=True)  # null: nothing was answered
    se = models.FloatField(null=True)
    level = models.CharField(max_length=20, blank=True)
    level_probability = models.FloatField(null=True)
    percent = models.FloatField(null=True)  # of the marks, 0 … 100
    provisional_share = models.FloatField(default=0)
    simulated = models.BooleanField(default=False)
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sitting", "number"], name="result_number_once"),
            models.UniqueConstraint(
                fields=["sitting"], condition=Q(current=True), name="result_one_current"
            ),
        ]


class DomainResult(models.Model):
    """A domain's own measure, scored jointly with the others."""

    result = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="domains")
    domain = models.CharField(max_length=60)  # code in the bank's framework
    answers = models.PositiveSmallIntegerField()
    theta = models.FloatField(null=True)
    sd = models.FloatField(null=True)
    level = models.CharField(max_length=20, blank=True)
    level_probability = models.FloatField(null=True)
    to_confirm = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["result", "domain"], name="domain_result_once"),
        ]
        indexes = [models.Index(fields=["domain", "level"])]
