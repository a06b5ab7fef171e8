"""What happens to an act after it was signed. Rows are only added."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kalan.base.ids import uuid7
from kalan.credentials.models.acts import Act
from kalan.credentials.models.keys import SigningKey


class ActEvent(models.Model):
    class Kind(models.TextChoices):
        REVOKED = "revoked", "révoqué"
        REINSTATED = "reinstated", "révocation annulée"
        REPLACED = "replaced", "remplacé"
        SHARED = "shared", "partage changé"
        DELIVERED = "delivered", "remis"
        NOTICE = "notice", "avis d’échéance"
        OFFERED = "offered", "renouvellement proposé"

    class Reason(models.TextChoices):
        ERROR = "error", "erreur de nom, de date ou de contenu"
        NOT_ENTITLED = "not_entitled", "conditions non remplies"
        FRAUD = "fraud", "fraude établie"
        REQUEST = "request", "à la demande de la personne"
        OTHER = "other", "autre motif"

    uid = models.UUIDField(default=uuid7, unique=True)  # from the page: sent twice, done once
    act = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    reason = models.CharField(max_length=12, choices=Reason.choices, blank=True)
    text = models.CharField(max_length=300, blank=True)
    other = models.ForeignKey(
        Act, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    by = models.ForeignKey("people.Account", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "revoked",
                        "reinstated",
                        "replaced",
                        "shared",
                        "delivered",
                        "notice",
                        "offered",
                    ]
                ),
                name="act_event_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["", "error", "not_entitled", "fraud", "request", "other"]),
                name="act_event_reason_known",
            ),
            models.CheckConstraint(
                condition=~Q(kind="revoked") | ~Q(reason=""), name="act_revoked_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(kind="replaced") | Q(other__isnull=False), name="act_replaced_by_one"
            ),
        ]
        indexes = [models.Index(fields=["act", "at"])]


class CheckCount(models.Model):
    """How many checks were made on a day, in which way, with which answer: nobody is named."""

    class Way(models.TextChoices):
        CODE = "code", "par le code"
        FILE = "file", "par le fichier"

    day = models.DateField()
    way = models.CharField(max_length=5, choices=Way.choices)
    result = models.CharField(max_length=20)
    number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(way__in=["code", "file"]), name="check_count_way_known"
            ),
            models.UniqueConstraint(fields=["day", "way", "result"], name="check_count_once"),
        ]


class Badge(models.Model):
    """The Open Badge of an act as first issued: the same text every time it is asked for."""

    class Form(models.TextChoices):
        VC_JWT = "vc_jwt", "VC-JWT"
        RDFC = "rdfc", "eddsa-rdfc-2022"

    act = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="badges")
    form = models.CharField(max_length=10, choices=Form.choices)
    body = models.TextField()
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(form__in=["vc_jwt", "rdfc"]), name="badge_form_known"
            ),
            models.UniqueConstraint(fields=["act", "form"], name="badge_once"),
        ]
