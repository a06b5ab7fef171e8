"""Who works where: accounts, the organisation tree, the workforce register, roles and merges.

Words: an *agent* is a person of the workforce; an *account* signs in; either may exist without
the other. A *node* is a place of the organisation tree (country, region, district, structure).
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
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


class Sex(models.TextChoices):
    FEMALE = "F", "femme"
    MALE = "M", "homme"
    UNKNOWN = "", "non renseigné"


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
        return f"{self.system} : {self.value}"


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


class AccountManager(BaseUserManager["Account"]):
    """Django's manager contract; people write through services."""

    def create_user(self, *, password: str | None = None, **fields: Any) -> Account:
        account = self.model(**fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(uid=username or "")


class Account(AbstractBaseUser):
    """Someone who signs in, by e-mail, matricule of the linked agent, or verified phone.

    ``email`` is held to be verified: a manager entered it, or the person confirmed it by a link.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField(null=True, blank=True, unique=True)  # stored in lower case
    phone = models.CharField(max_length=20, blank=True, db_index=True)  # E.164
    phone_verified_at = models.DateTimeField(null=True, blank=True)
    display_name = models.CharField(max_length=200)
    agent = models.OneToOneField(
        Agent, null=True, blank=True, on_delete=models.SET_NULL, related_name="account"
    )
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    # Signatories and administrators must have one; set by the service that grants such a role.
    second_factor_required = models.BooleanField(default=False)
    notice_seen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "uid"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = AccountManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(email__isnull=True) | ~Q(email=""), name="account_email_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name


class ActivationSlip(models.Model):
    """A printed code that opens an account for the first time, or anew when access is lost.

    Only a hash is kept (HMAC-SHA-256 with the server's key). Printing a new slip ends the old one.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="slips")
    code_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class Role(models.TextChoices):
    TRAINER = "trainer", "formateur"
    STRUCTURE = "structure", "responsable de structure"
    REGION = "region", "responsable régional"
    PROGRAMME = "programme", "responsable de programme"
    AUTHOR = "author", "auteur"
    SIGNATORY = "signatory", "signataire"
    AUDITOR = "auditor", "auditeur"
    ADMIN = "admin", "administrateur"


class RoleGrant(models.Model):
    """A role on a node and all below it, from ``start`` to ``end`` (both included).

    A grant tied to a post ends when that post ends. A withdrawn grant (``revoked_at``) gives
    nothing from that instant on.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=10, choices=Role.choices)
    node = models.ForeignKey(OrgNode, on_delete=models.PROTECT, related_name="grants")
    post = models.ForeignKey(Post, null=True, blank=True, on_delete=models.SET_NULL)
    start = models.DateField()
    end = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    granted_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    revoke_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")), name="grant_order"
            ),
            models.CheckConstraint(
                condition=Q(role__in=[value for value, _ in Role.choices]), name="grant_role_known"
            ),
            models.UniqueConstraint(
                fields=["account", "role", "node", "start"],
                condition=Q(revoked_at__isnull=True),
                name="grant_once",
            ),
        ]


class DuplicatePair(models.Model):
    """Two agents or two structures that may be the same. ``first_id`` < ``second_id``."""

    class State(models.TextChoices):
        OPEN = "open", "à examiner"
        MERGED = "merged", "fusionnés"
        DISTINCT = "distinct", "personnes distinctes"

    kind = models.CharField(max_length=10)  # "agent", "structure"
    first_id = models.BigIntegerField()
    second_id = models.BigIntegerField()
    node = models.ForeignKey(OrgNode, null=True, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    reasons = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    decided_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "first_id", "second_id"], name="duplicate_pair_once"
            ),
            models.CheckConstraint(
                condition=Q(first_id__lt=F("second_id")), name="duplicate_pair_order"
            ),
        ]
        indexes = [models.Index(fields=["kind", "state", "score"])]


class Merge(models.Model):
    """An act: ``absorbed`` became ``kept``. ``moved`` holds what undoing needs."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10)  # "agent", "structure"
    kept_id = models.BigIntegerField()
    absorbed_id = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    moved = models.JSONField()
    merged_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    merged_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")


class DataRequest(models.Model):
    """A person's request about their own data, with its deadline (DESIGN, domain §8)."""

    class Kind(models.TextChoices):
        ACCESS = "access", "accès"
        RECTIFY = "rectify", "rectification"
        EXPORT = "export", "copie des données"
        ERASE = "erase", "effacement"
        OPPOSE = "oppose", "opposition"

    class State(models.TextChoices):
        OPEN = "open", "à traiter"
        DONE = "done", "satisfaite"
        REFUSED = "refused", "refusée, avec motif"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    account = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField()
    due_on = models.DateField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.TextField(blank=True)


class ProcessingActivity(models.Model):
    """A line of the processing register, with the fields of the authority's form."""

    country = models.CharField(max_length=2)
    code = models.CharField(max_length=40)
    purpose = models.TextField()
    legal_basis = models.TextField()
    people = models.TextField()
    categories = models.TextField()
    recipients = models.TextField()
    retention = models.TextField()
    transfers = models.TextField()
    security = models.TextField()
    receipt_number = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["country", "code"], name="processing_once"),
        ]


class SignInEvent(models.Model):
    """Acts around access (sign-in refused, second factor reset, slip printed): never edited."""

    account = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=40)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(db_index=True)


class Device(models.Model):
    """A session of an account, for its list of devices. Rows of ended sessions go at sign-in."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="devices")
    session_key = models.CharField(max_length=40, unique=True)
    user_agent = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    created_at = models.DateTimeField()


class AttemptWindow(models.Model):
    """Failed attempts on one thing (an account, an identifier, an address) until ``until``.

    A table and not the cache: the count is raised by one UPDATE, so attempts made at the same
    instant on several servers are all counted. ``key`` is an HMAC: no identifier is kept here.
    """

    key = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(db_index=True)
