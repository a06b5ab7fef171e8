"""Batches of acts, the click that signs them, and where their bytes lie."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7
from kalan.credentials.models.keys import SigningKey
from kalan.credentials.models.offices import Mode, Office, OfficeHolder
from kalan.credentials.models.templates import TemplateVersion


class SigningRun(models.Model):
    """One click: who confirmed which batches, in which capacity, with what. Never edited."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    holder = models.ForeignKey(OfficeHolder, on_delete=models.PROTECT, related_name="runs")
    account = models.ForeignKey("people.Account", on_delete=models.PROTECT, related_name="+")
    # As on the day: the holder's row may be corrected later, an act may not.
    capacity = models.CharField(max_length=10, choices=OfficeHolder.Capacity.choices)
    name = models.CharField(max_length=200)
    title = models.CharField(max_length=200)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    key = models.ForeignKey(
        SigningKey, null=True, blank=True, on_delete=models.PROTECT, related_name="runs"
    )
    level = models.CharField(max_length=12, choices=SigningKey.Level.choices, blank=True)
    factor = models.CharField(max_length=20)  # "totp", "webauthn"
    confirmed_at = models.DateTimeField()
    total = models.PositiveIntegerField()
    # Passphrase of a key that asks for it, sealed; emptied when the run has ended.
    sealed = models.TextField(blank=True)
    job = models.ForeignKey(
        "base.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(capacity__in=["title", "delegate", "interim"]),
                name="signing_run_capacity_known",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["electronic", "hand"]), name="signing_run_mode_known"
            ),
            models.CheckConstraint(
                condition=Q(level__in=["", "trial", "ministry", "accredited"]),
                name="signing_run_level_known",
            ),
            models.CheckConstraint(
                condition=Q(mode="hand") | Q(key__isnull=False), name="signing_run_has_key"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(sealed=""),
                name="signing_run_forgets_passphrase",
            ),
        ]


class Batch(models.Model):
    """Acts of one template version from one source, seen and signed together."""

    class State(models.TextChoices):
        DRAFT = "draft", "en préparation"
        CHECKED = "checked", "à viser"
        APPROVED = "approved", "à signer"
        ORDERED = "ordered", "signature en cours"
        SIGNED = "signed", "signé"
        PRINTED = "printed", "à signer à la main"
        CANCELLED = "cancelled", "abandonné"

    class Source(models.TextChoices):
        PROGRAMME = "programme", "programme"
        SESSION = "session", "session"
        EXAM = "exam", "examen"
        SPREADSHEET = "spreadsheet", "tableau de noms"
        FILES = "files", "documents PDF"
        REPLACEMENT = "replacement", "remplacement d’un acte"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="batches")
    office = models.ForeignKey(Office, on_delete=models.PROTECT, related_name="batches")
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=12, choices=Source.choices)
    programme = models.ForeignKey(
        "training.Programme", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    session = models.ForeignKey(
        "training.Session", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    exam = models.ForeignKey(
        "assessment.Exam", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    file = models.ForeignKey(
        "base.StoredFile", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    title = models.CharField(max_length=200)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.ELECTRONIC)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    options = models.JSONField(default=dict)  # what the preparer chose: columns, themes, notes
    simulated = models.BooleanField(default=False)  # invented people of the demonstration
    prepared_at = models.DateTimeField()
    prepared_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    checked_at = models.DateTimeField(null=True, blank=True)  # handed over for visa
    checked_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    returned_at = models.DateTimeField(null=True, blank=True)
    return_reason = models.CharField(max_length=300, blank=True)
    run = models.ForeignKey(
        SigningRun, null=True, blank=True, on_delete=models.PROTECT, related_name="batches"
    )
    signed_at = models.DateTimeField(null=True, blank=True)  # UTC, the same in each of its acts
    merkle_root = models.CharField(max_length=64, blank=True)
    # Without electronic signature: what was written on paper, entered afterwards.
    hand_signed_on = models.DateField(null=True, blank=True)
    hand_signed_by = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    source__in=[
                        "programme",
                        "session",
                        "exam",
                        "spreadsheet",
                        "files",
                        "replacement",
                    ]
                ),
                name="batch_source_known",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["electronic", "hand"]), name="batch_mode_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "draft",
                        "checked",
                        "approved",
                        "ordered",
                        "signed",
                        "printed",
                        "cancelled",
                    ]
                ),
                name="batch_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "checked", "approved", "cancelled"])
                | Q(run__isnull=False),
                name="batch_signed_has_run",
            ),
            models.CheckConstraint(
                condition=~Q(state="signed") | Q(signed_at__isnull=False) & ~Q(merkle_root=""),
                name="batch_signed_has_root",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "ordered", "signed", "printed"])
                | Q(approved_at__isnull=False),
                name="batch_approved_has_date",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(prepared_by__isnull=True)
                | ~Q(approved_by=models.F("prepared_by")),
                name="batch_two_persons",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(checked_by__isnull=True)
                | ~Q(approved_by=models.F("checked_by")),
                name="batch_visa_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(mode="hand", state="signed") | Q(hand_signed_on__isnull=False),
                name="batch_hand_signed_has_day",
            ),
        ]
        indexes = [models.Index(fields=["state", "prepared_at"])]

    def __str__(self) -> str:
        return self.title


class ActPack(models.Model):
    """A stored ZIP (not compressed) of up to 100 PDFs, written whole before any row names it."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="packs")
    file = models.OneToOneField("base.StoredFile", on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()


class Act(models.Model):
    """One document: a number, a code, a person or none, frozen data, and its bytes in a pack."""

    class State(models.TextChoices):
        DRAFT = "draft", "en préparation"
        EXCLUDED = "excluded", "écarté"
        PLANNED = "planned", "numéroté, à signer"
        FAILED = "failed", "à reprendre"
        SIGNED = "signed", "signé"
        VOID = "void", "non émis"

    class Status(models.TextChoices):
        VALID = "valid", "valable"
        REVOKED = "revoked", "révoqué"
        REPLACED = "replaced", "remplacé"

    class Shown(models.TextChoices):
        MINIMAL = "minimal", "initiales seulement"
        NAME = "name", "nom"
        FULL = "full", "nom et contenu"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="acts")
    rank = models.PositiveIntegerField()  # order in the batch, from 1
    # Given in the transaction of the click.
    number = models.CharField(max_length=30, null=True, blank=True, unique=True)
    code = models.CharField(max_length=24, null=True, blank=True, unique=True)
    # What the act is about, so that the same thing is not certified twice by mistake.
    record = models.CharField(max_length=120)
    # False where a second one for the same record is meant (a replacement, or taken back with a
    # reason), and once its batch is given up: see act_one_for_a_record.
    holds_record = models.BooleanField(default=True)
    agent = models.ForeignKey(
        "people.Agent", null=True, blank=True, on_delete=models.PROTECT, related_name="acts"
    )
    outsider = models.ForeignKey(
        "training.Outsider", null=True, blank=True, on_delete=models.PROTECT, related_name="acts"
    )
    # Where the person worked: whoever manages that structure may print the act for them.
    structure = models.ForeignKey(
        "people.OrgNode", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    name = models.CharField(max_length=250, blank=True)  # as printed
    initials = models.CharField(max_length=20, blank=True)
    email = models.EmailField(blank=True)  # of people who are in no register
    phone = models.CharField(max_length=20, blank=True)
    data = models.JSONField(default=dict)  # credentials.documents.contract
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    problem = models.CharField(max_length=500, blank=True)  # why it failed or was excluded
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.VALID)
    shown = models.CharField(max_length=10, choices=Shown.choices, default=Shown.MINIMAL)
    valid_until = models.DateField(null=True, blank=True)  # included
    # The one before it of the same kind for the same person: it keeps its own last day.
    renews = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="renewals"
    )
    pack = models.ForeignKey(
        ActPack, null=True, blank=True, on_delete=models.PROTECT, related_name="acts"
    )
    start = models.PositiveBigIntegerField(null=True, blank=True)  # of its bytes in the pack
    size = models.PositiveIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, null=True, blank=True, unique=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    # What its file was raised to when it was made ("": B-B, nobody stamped it), by whom and when.
    pades = models.CharField(
        max_length=5, blank=True, choices=[("b-t", "B-T"), ("b-lt", "B-LT"), ("b-lta", "B-LTA")]
    )
    stamped_by = models.CharField(max_length=200, blank=True)
    stamped_at = models.DateTimeField(null=True, blank=True)
    # Its bit in the status list of badges; drawn at random, so that neighbours tell nothing.
    status_index = models.PositiveIntegerField(null=True, blank=True, unique=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "excluded", "planned", "failed", "signed", "void"]),
                name="act_state_known",
            ),
            models.CheckConstraint(
                condition=Q(shown__in=["minimal", "name", "full"]), name="act_shown_known"
            ),
            models.UniqueConstraint(fields=["batch", "rank"], name="act_rank_once"),
            models.UniqueConstraint(fields=["batch", "record"], name="act_record_once"),
            # Two who prepare the same thing at the same moment: one of them gets it.
            models.UniqueConstraint(
                fields=["record"],
                condition=Q(
                    holds_record=True,
                    status="valid",
                    state__in=["draft", "planned", "failed", "signed"],
                ),
                name="act_one_for_a_record",
            ),
            models.CheckConstraint(
                condition=Q(agent__isnull=True) | Q(outsider__isnull=True),
                name="act_one_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "excluded"])
                | Q(number__isnull=False, code__isnull=False),
                name="act_planned_has_number",
            ),
            models.CheckConstraint(
                condition=~Q(state="signed")
                | Q(
                    pack__isnull=False,
                    start__isnull=False,
                    size__isnull=False,
                    sha256__isnull=False,
                    signed_at__isnull=False,
                ),
                name="act_signed_is_stored",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["valid", "revoked", "replaced"]), name="act_status_known"
            ),
            models.CheckConstraint(
                condition=Q(pades="", stamped_at__isnull=True)
                | Q(pades__in=["b-t", "b-lt", "b-lta"], stamped_at__isnull=False),
                name="act_raised_is_stamped",
            ),
            models.CheckConstraint(
                condition=Q(renews__isnull=True) | ~Q(renews=F("pk")), name="act_renews_another"
            ),
        ]
        indexes = [
            models.Index(fields=["batch", "state", "rank"]),
            models.Index(fields=["record"]),
            # What ends, and when: few acts of a register do.
            models.Index(
                fields=["valid_until"], name="act_ends", condition=Q(valid_until__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"acte {self.rank}"
