"""Keys: their public part here, the private one encrypted under KALAN_HOME/keys or in a token."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7


class SigningKey(models.Model):
    """One key pair and what it may be used for. The private part is never in the database."""

    class Purpose(models.TextChoices):
        DOCUMENT = "document", "signer des actes"
        QR = "qr", "signer les QR codes"
        BADGE = "badge", "signer les badges"

    class Kind(models.TextChoices):
        FILE = "file", "fichier chiffré sur ce serveur"
        TOKEN = "token", "module cryptographique (PKCS#11)"

    class Algorithm(models.TextChoices):
        RSA = "rsa", "RSA"
        P256 = "p-256", "ECDSA P-256"
        ED25519 = "ed25519", "Ed25519"

    class Level(models.TextChoices):
        TRIAL = "trial", "autorité interne, essai ou usage interne"
        MINISTRY = "ministry", "autorité interne du ministère"
        ACCREDITED = "accredited", "prestataire accrédité"

    class Unlock(models.TextChoices):
        SERVER = "server", "phrase secrète scellée sur ce serveur"
        ASKED = "asked", "phrase secrète demandée à chaque signature"

    class State(models.TextChoices):
        ACTIVE = "active", "en service"
        RETIRED = "retired", "remplacée"
        REVOKED = "revoked", "révoquée"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    name = models.CharField(max_length=200)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.FILE)
    algorithm = models.CharField(max_length=10, choices=Algorithm.choices)
    level = models.CharField(max_length=12, choices=Level.choices, default=Level.TRIAL)
    unlock = models.CharField(max_length=10, choices=Unlock.choices, default=Unlock.SERVER)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    # base64url of the SHA-256 of the SubjectPublicKeyInfo: names the key outside Kalan.
    kid = models.CharField(max_length=43, unique=True)
    public_key = models.TextField()  # PEM
    certificate = models.TextField(blank=True)  # PEM; keys of QR codes and badges have none
    chain = models.TextField(blank=True)  # PEM, the issuer first, the root last
    folder = models.CharField(max_length=60, blank=True)  # under KALAN_HOME/keys
    token_module = models.CharField(max_length=300, blank=True)
    token_label = models.CharField(max_length=60, blank=True)
    token_key = models.CharField(max_length=100, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    not_after = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=300, blank=True)
    replaced_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaces"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=["document", "qr", "badge"]),
                name="signing_key_purpose_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["file", "token"]), name="signing_key_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(algorithm__in=["rsa", "p-256", "ed25519"]),
                name="signing_key_algorithm_known",
            ),
            models.CheckConstraint(
                condition=Q(level__in=["trial", "ministry", "accredited"]),
                name="signing_key_level_known",
            ),
            models.CheckConstraint(
                condition=Q(unlock__in=["server", "asked"]), name="signing_key_unlock_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["active", "retired", "revoked"]),
                name="signing_key_state_known",
            ),
            models.UniqueConstraint(
                fields=["purpose"],
                condition=Q(state="active", purpose__in=["qr", "badge"]),
                name="signing_key_one_active",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="document") | ~Q(certificate=""),
                name="signing_key_document_has_certificate",
            ),
            models.CheckConstraint(
                condition=Q(kind="file") | ~Q(token_module="", token_label=""),
                name="signing_key_token_named",
            ),
            models.CheckConstraint(
                condition=Q(state="active") | Q(ended_at__isnull=False),
                name="signing_key_end_has_date",
            ),
            models.CheckConstraint(
                condition=Q(not_after__isnull=True) | Q(not_after__gt=F("not_before")),
                name="signing_key_validity_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name
