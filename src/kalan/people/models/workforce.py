"""The workforce register: agents, their cadres and posts."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7
from kalan.people.models.org import OrgNode


class Sex(models.TextChoices):
    FEMALE = "F", "femme"
    MALE = "M", "homme"
    UNKNOWN = "", "non renseigné"


class Cadre(models.Model):
    """A national professional title with its ISCO-08 code (ILO)."""

    country = models.CharField(max_length=2)
    code = models.CharField(max_length=40)
    title = models.CharField(max_length=120)
    isco08 = models.CharField(max_length=4, blank=True)
    rank = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["country", "code"], name="cadre_once"),
        ]

    def __str__(self) -> str:
        return self.title


class Agent(models.Model):
    """A person of the workforce. A phone number is never an identity: several may share one."""

    class Status(models.TextChoices):
        ACTIVE = "active", "en activité"
        LEFT = "left", "parti"
        MERGED = "merged", "fusionné"
        ERASED = "erased", "anonymisé"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    country = models.CharField(max_length=2)
    matricule = models.CharField(max_length=40, null=True, blank=True)
    last_name = models.CharField(max_length=100)
    first_names = models.CharField(max_length=100)
    search = models.CharField(max_length=210, db_index=True)  # fold("last first")
    sex = models.CharField(max_length=1, choices=Sex.choices, blank=True)
    birth_year = models.PositiveSmallIntegerField(null=True, blank=True)
    phone = models.CharField(max_length=20, blank=True, db_index=True)  # E.164
    email = models.EmailField(blank=True)
    cadre = models.ForeignKey(Cadre, null=True, blank=True, on_delete=models.PROTECT)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    # Added on the spot by a trainer: a manager still has to match or confirm the person.
    to_reconcile = models.BooleanField(default=False)
    origin = models.CharField(max_length=40, blank=True)  # "import", "terrain", "saisie"
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="absorbed"
    )
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["country", "matricule"],
                condition=Q(matricule__isnull=False),
                name="agent_matricule_once",
            ),
            models.CheckConstraint(
                condition=Q(matricule__isnull=True) | ~Q(matricule=""),
                name="agent_matricule_not_empty",
            ),
            models.CheckConstraint(condition=Q(sex__in=["F", "M", ""]), name="agent_sex_known"),
        ]
        indexes = [models.Index(fields=["status", "search"])]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """First names, then the last name in capitals, as French civil registers print it."""
        return f"{self.first_names} {self.last_name.upper()}".strip()


class Employer(models.TextChoices):
    STATE = "state", "État"
    LOCAL = "local", "collectivité territoriale"
    ASACO = "asaco", "association de santé communautaire (ASACO)"
    HOSPITAL = "hospital", "établissement de santé"
    PROJECT = "project", "projet"
    PRIVATE = "private", "employeur privé"
    NONE = "none", "sans employeur"


class EmploymentStatus(models.TextChoices):
    CIVIL = "civil", "fonctionnaire"
    CONTRACT = "contract", "contractuel"
    COMMUNITY = "community", "agent communautaire"
    VOLUNTEER = "volunteer", "bénévole"
    STUDENT = "student", "stagiaire ou étudiant"
    INDEPENDENT = "independent", "libéral"


class Post(models.Model):
    """A post at a structure from ``start`` to ``end`` (both included; None: until now)."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="posts")
    structure = models.ForeignKey(OrgNode, on_delete=models.PROTECT, related_name="posts")
    cadre = models.ForeignKey(Cadre, null=True, blank=True, on_delete=models.PROTECT)
    title = models.CharField(max_length=120, blank=True)
    employer = models.CharField(max_length=10, choices=Employer.choices, blank=True)
    status = models.CharField(max_length=12, choices=EmploymentStatus.choices, blank=True)
    is_main = models.BooleanField(default=True)
    start = models.DateField()
    end = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")), name="post_order"
            ),
            models.UniqueConstraint(
                fields=["agent"],
                condition=Q(is_main=True, end__isnull=True),
                name="post_one_open_main",
            ),
        ]
        indexes = [
            models.Index(fields=["structure", "start"]),
            models.Index(fields=["agent", "start"]),
        ]
