"""What every room shares: stored files, long jobs, schedules, messages."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from kalan.base.ids import uuid7


class StoredFile(models.Model):
    """A file somebody gave or Kalan made, kept under MEDIA_ROOT by a random name."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=40)  # "import", "scan", "resource", "export", "report"
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100, default="application/octet-stream")
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    file = models.FileField(upload_to="%Y/%m/")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )


class Job(models.Model):
    """Long work that a person started: its progress can be watched and left."""

    class State(models.TextChoices):
        QUEUED = "queued", "en attente"
        RUNNING = "running", "en cours"
        DONE = "done", "terminé"
        FAILED = "failed", "échoué"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=60)
    label = models.CharField(max_length=255)
    task = models.CharField(max_length=200)  # dotted path of the function, marked with @job
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    arguments = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    result_file = models.ForeignKey(
        StoredFile, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    enqueued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    # Which process runs it, and when that process last said so (see base.workers).
    worker = models.CharField(max_length=120, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running", "done", "failed"]),
                name="job_state_known",
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"])]


class Schedule(models.Model):
    """A recurring task, claimed by a conditional update: only "one row changed" is trusted."""

    name = models.CharField(max_length=60, unique=True)
    cron = models.CharField(max_length=60)
    next_run = models.DateTimeField()
    last_run = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)


class Message(models.Model):
    """One message to one person through one channel, with its outcome."""

    class Channel(models.TextChoices):
        EMAIL = "email", "e-mail"
        SMS = "sms", "SMS"
        WHATSAPP = "whatsapp", "texte à copier dans WhatsApp"

    class State(models.TextChoices):
        QUEUED = "queued", "à envoyer"
        SENT = "sent", "envoyé"
        FAILED = "failed", "échoué"
        COPIED = "copied", "à copier"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    template = models.CharField(max_length=60)
    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    parts = models.PositiveSmallIntegerField(default=1)
    cost = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    # What it is about, without a foreign key upwards: "training.session:<uid>".
    subject_ref = models.CharField(max_length=80, blank=True, db_index=True)
    subject_id = models.BigIntegerField(null=True, db_index=True)
    # Whose monthly ceiling it counts against: "training.programme:<pk>".
    budget_ref = models.CharField(max_length=80, blank=True, db_index=True)
    # Whom it concerns, for access, export and erasure: "people.agent:<uid>".
    person_ref = models.CharField(max_length=80, blank=True, db_index=True)
    dedupe_key = models.CharField(max_length=120, null=True, unique=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "next_attempt"])]


class MessageTemplate(models.Model):
    """A wording changed by this installation; without a row the country pack's holds."""

    code = models.CharField(max_length=60)
    channel = models.CharField(max_length=10, choices=Message.Channel.choices)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    updated_at = models.DateTimeField()
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "channel"], name="message_template_once"),
        ]


class ImportRun(models.Model):
    """One file brought in: mapping, dry run, apply, report."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "déposé, colonnes à associer"
        CHECKING = "checking", "vérification en cours"
        CHECKED = "checked", "vérifié, à appliquer"
        APPLYING = "applying", "application en cours"
        APPLIED = "applied", "appliqué"
        FAILED = "failed", "échoué, rien n’est modifié"
        CANCELLED = "cancelled", "abandonné"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UPLOADED)
    file = models.ForeignKey(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")
    country = models.CharField(max_length=2)
    # How to read the file: {"sheet", "header_row", "encoding", "delimiter"}.
    source = models.JSONField(default=dict)
    columns = models.JSONField(default=list)  # the header cells
    mapping = models.JSONField(default=dict)  # {field: column index}
    options = models.JSONField(default=dict)  # what the kind asks: effective date, platform…
    # Names that no record bears exactly: [{field, key, value, rows, candidates}].
    questions = models.JSONField(default=list)
    answers = models.JSONField(default=dict)  # {field: {key: record id, or null for none}}
    counts = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    # Raised at each start: a worker that lost its run (taken for dead) writes nothing more.
    attempt = models.PositiveIntegerField(default=0)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    report = models.ForeignKey(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")
    # The tree paths of the person who started it, copied: an import never writes outside them.
    scope = models.JSONField(default=list)
    scope_path = models.CharField(max_length=255, blank=True)  # their common ancestor
    created_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        "uploaded",
                        "checking",
                        "checked",
                        "applying",
                        "applied",
                        "failed",
                        "cancelled",
                    ]
                ),
                name="import_state_known",
            ),
        ]
        indexes = [models.Index(fields=["kind", "scope_path"])]

    def __str__(self) -> str:
        return f"import du {self.created_at:%d/%m/%Y}"  # not the file's name: it may be erased


class ImportRow(models.Model):
    """A staged row with its verdict. Erased with the run by the retention task."""

    class Verdict(models.TextChoices):
        NEW = "new", "nouveau"
        CHANGED = "changed", "modifié"
        SAME = "same", "inchangé"
        DOUBT = "doubt", "doublon possible"
        REFUSED = "refused", "refusé"

    class Action(models.TextChoices):
        NONE = "", "rien"
        CREATE = "create", "créer"
        UPDATE = "update", "mettre à jour"
        STALE = "stale", "à revoir : changé depuis la vérification"

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()  # the row's number in the file, from 1
    raw = models.JSONField()  # the cells as text, for the report and the file of refused rows
    # Who the row is about (matricule, names), so that access and erasure find it.
    clean = models.JSONField(default=dict)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    # What the merge will do, decided by the check, or by a person for a doubt.
    action = models.CharField(max_length=10, choices=Action.choices, blank=True)
    label = models.CharField(max_length=250, blank=True)
    target_id = models.BigIntegerField(null=True)
    uid = models.UUIDField(default=uuid7)  # given to the record that the row creates
    # What the merge reads: final values, and those found at check time.
    plan = models.JSONField(default=dict)
    # What people read. changed: {"changes": [[label, before, after]]}; refused: {"problems":
    # [{column, value, reason, remedy}]}; doubt: {"candidates": [{id, label, why, changes, plan}]}.
    detail = models.JSONField(default=dict)
    # What a person decided for a doubt: "create", "skip" or "use:<id>".
    decision = models.CharField(max_length=30, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="import_row_once"),
        ]
        indexes = [
            models.Index(fields=["run", "verdict", "number"]),
            models.Index(fields=["run", "action", "number"]),
        ]


class ColumnMapping(models.Model):
    """The mapping last used for a header, remembered by kind of import."""

    kind = models.CharField(max_length=40)
    header_key = models.CharField(max_length=64)  # SHA-256 of the folded header row
    mapping = models.JSONField()
    used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "header_key"], name="mapping_once"),
        ]


class NameMatch(models.Model):
    """A name written in files that a person said to mean one record: not asked again."""

    category = models.CharField(max_length=20)  # "structure", "district", "cadre"…
    country = models.CharField(max_length=2)
    key = models.CharField(max_length=400)  # the folded name, with its folded territory if any
    target_id = models.BigIntegerField()
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    confirmed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["category", "country", "key"], name="name_match_once"),
        ]
