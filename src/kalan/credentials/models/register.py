"""The register: numbers given, and a chain of entries that cannot be edited unnoticed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.credentials.models.acts import Act, Batch


class RegisterCounter(models.Model):
    """The last number given to an act, by country and year."""

    country = models.CharField(max_length=2)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["country", "year"], name="register_counter_once"),
        ]


class RegisterEntry(models.Model):
    """An entry: its hash covers its body and the hash of the entry before. Never edited."""

    class Kind(models.TextChoices):
        SIGNED = "signed", "lot signé"
        HAND_SIGNED = "hand_signed", "lot signé à la main"
        VOID = "void", "numéro non émis"
        REVOKED = "revoked", "acte révoqué"
        REINSTATED = "reinstated", "révocation annulée"
        REPLACED = "replaced", "acte remplacé"
        KEY = "key", "clé"

    seq = models.PositiveBigIntegerField(unique=True)  # 1, 2, 3…
    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField()
    by = models.ForeignKey("people.Account", null=True, on_delete=models.SET_NULL, related_name="+")
    batch = models.ForeignKey(
        Batch, null=True, blank=True, on_delete=models.PROTECT, related_name="entries"
    )
    act = models.ForeignKey(
        Act, null=True, blank=True, on_delete=models.PROTECT, related_name="entries"
    )
    body = models.JSONField()  # all that the hash covers, in plain values
    previous = models.CharField(max_length=64)  # zeros for the first
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "signed",
                        "hand_signed",
                        "void",
                        "revoked",
                        "reinstated",
                        "replaced",
                        "key",
                    ]
                ),
                name="register_kind_known",
            ),
            # One chain: two entries cannot follow the same one.
            models.UniqueConstraint(fields=["previous"], name="register_one_chain"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="register_seq_from_one"),
        ]
