"""What an act says: a Typst file of the packs, and versions of its wording."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.base.ids import uuid7


class ActTemplate(models.Model):
    class Kind(models.TextChoices):
        ATTENDANCE = "attendance", "attestation de présence"
        TRAINING = "training", "attestation de formation"
        COMPETENCE = "competence", "certificat de compétences"
        TRAINER = "trainer", "attestation de formateur"
        SHEET = "sheet", "feuille d’émargement"
        REPORT = "report", "rapport de session"
        CONVOCATION = "convocation", "convocation"
        MISSION = "mission", "ordre de mission"
        DECISION = "decision", "décision de mise en formation"
        FREE = "free", "acte libre (modèle et tableau de noms)"
        FILES = "files", "documents PDF faits ailleurs"

    # Proofs about a person, with a title that nobody changes.
    PROOFS = (Kind.ATTENDANCE, Kind.TRAINING, Kind.COMPETENCE, Kind.TRAINER)

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    country = models.CharField(max_length=2)
    code = models.SlugField(max_length=60)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    name = models.CharField(max_length=200)
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "attendance",
                        "training",
                        "competence",
                        "trainer",
                        "sheet",
                        "report",
                        "convocation",
                        "mission",
                        "decision",
                        "free",
                        "files",
                    ]
                ),
                name="act_template_kind_known",
            ),
            models.UniqueConstraint(fields=["country", "code"], name="act_template_once"),
        ]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """A wording as it stood. Once a batch uses it, an edit makes the next version."""

    template = models.ForeignKey(ActTemplate, on_delete=models.CASCADE, related_name="versions")
    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    number = models.PositiveSmallIntegerField()
    current = models.BooleanField(default=False)  # what new batches take
    file = models.CharField(max_length=200, blank=True)  # under packs/: "actes/presence.typ"
    title = models.CharField(max_length=200)
    wording = models.JSONField(default=dict)  # {block: text with {fields}}
    options = models.JSONField(default=dict)
    # "Reconnu par l’État" and "certification" are printed only with these three.
    legal_number = models.CharField(max_length=100, blank=True)
    legal_date = models.DateField(null=True, blank=True)
    legal_authority = models.CharField(max_length=200, blank=True)
    validity_months = models.PositiveSmallIntegerField(null=True, blank=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="template_version_once"),
            models.UniqueConstraint(
                fields=["template"], condition=Q(current=True), name="template_one_current"
            ),
            models.CheckConstraint(
                condition=Q(legal_number="", legal_date__isnull=True, legal_authority="")
                | (~Q(legal_number="") & Q(legal_date__isnull=False) & ~Q(legal_authority="")),
                name="template_legal_reference_whole",
            ),
            models.CheckConstraint(
                condition=Q(validity_months__isnull=True) | Q(validity_months__gte=1),
                name="template_validity_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} · version {self.number}"


class TemplateLogo(models.Model):
    """Arms or a partner's logo, in the order they are printed."""

    version = models.ForeignKey(TemplateVersion, on_delete=models.CASCADE, related_name="logos")
    rank = models.PositiveSmallIntegerField()
    file = models.ForeignKey("base.StoredFile", on_delete=models.PROTECT, related_name="+")
    alt = models.CharField(max_length=200)  # PDF/UA: what it shows, in words

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "rank"], name="template_logo_once"),
            models.CheckConstraint(condition=~Q(alt=""), name="template_logo_has_words"),
        ]
