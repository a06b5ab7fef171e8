"""Programmes, sessions, their one list of participants, and attendance by half-day.

Attendance is an observed-remove set: a *mark* says "present", a *retraction* names the marks it
takes back. The union of what several phones send is therefore the same in any order, and
``Presence`` (one row per person and half-day present) is derived from it in the same transaction.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kalan.base.ids import random_code, uuid7
from kalan.people.models import Employer, Sector, Sex


def short_code() -> str:
    """A code of 7 characters (34 bits) that a trainee types on a phone."""
    return random_code(7)


class Partner(models.Model):
    """A body that funds, implements or organises."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class Theme(models.Model):
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Programme(models.Model):
    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    strategy_axis = models.CharField(max_length=200, blank=True)
    audience = models.TextField(blank=True)
    objectives = models.TextField(blank=True)
    start = models.DateField()
    end = models.DateField()
    # Completion: at least this share of the session's half-days, in per cent.
    completion_percent = models.PositiveSmallIntegerField(default=80)
    public = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    currency = models.CharField(max_length=3, default="XOF")
    per_diem = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    sms_monthly_ceiling = models.DecimalField(max_digits=12, decimal_places=2, default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="programme_order"),
            models.CheckConstraint(
                condition=Q(completion_percent__gte=1) & Q(completion_percent__lte=100),
                name="programme_completion_percent",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProgrammePartner(models.Model):
    class Role(models.TextChoices):
        FUNDER = "funder", "financeur"
        IMPLEMENTER = "implementer", "mise en œuvre"
        TECHNICAL = "technical", "partenaire technique"

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="partners")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=12, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "partner", "role"], name="programme_partner_once"
            ),
        ]


class TargetStructure(models.Model):
    """A structure on the programme's own list (structure bénéficiaire)."""

    programme = models.ForeignKey(
        Programme, on_delete=models.CASCADE, related_name="target_structures"
    )
    structure = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "structure"], name="target_structure_once"
            ),
        ]


class Target(models.Model):
    """A target value for one indicator, for the programme or one territory of it."""

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="targets")
    indicator = models.CharField(max_length=40)
    node = models.ForeignKey(
        "people.OrgNode", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    value = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["programme", "indicator", "node"], name="target_once"),
            # The database holds two empty territories for different ones.
            models.UniqueConstraint(
                fields=["programme", "indicator"],
                condition=Q(node__isnull=True),
                name="target_whole_programme_once",
            ),
        ]


class Mode(models.TextChoices):
    ROOM = "room", "en présence"
    REMOTE = "remote", "à distance"
    MIXED = "mixed", "mixte"


class Session(models.Model):
    """An event of a programme (or of none), with its life from planned to validated."""

    class State(models.TextChoices):
        PLANNED = "planned", "prévue"
        CONVOKED = "convoked", "convoquée"
        CLOSED = "closed", "clôturée par le formateur"
        VALIDATED = "validated", "validée"
        POSTPONED = "postponed", "reportée"
        CANCELLED = "cancelled", "annulée"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    code = models.CharField(max_length=40, unique=True)
    programme = models.ForeignKey(
        Programme, null=True, blank=True, on_delete=models.PROTECT, related_name="sessions"
    )
    theme = models.ForeignKey(Theme, on_delete=models.PROTECT, related_name="sessions")
    title = models.CharField(max_length=200)
    mode = models.CharField(max_length=6, choices=Mode.choices, default=Mode.ROOM)
    language = models.CharField(max_length=20, default="fr")
    # Where it takes place: the node gives scope and territory, the text is for people.
    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    place = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    start = models.DateField()
    end = models.DateField()
    capacity = models.PositiveSmallIntegerField(null=True, blank=True)
    organiser = models.ForeignKey(
        Partner, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    president = models.CharField(max_length=200, blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="cascade"
    )
    public = models.BooleanField(default=False)
    notice = models.TextField(blank=True)  # shown when postponed or cancelled
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    validated_at = models.DateTimeField(null=True, blank=True)
    validated_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The signed sheet, as a scan or a photo; further pages stand in SessionSheet.
    sheet = models.ForeignKey(
        "base.StoredFile", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Opens the satisfaction form and the resources to those who hold the link or the QR code.
    link_code = models.CharField(max_length=10, unique=True, default=short_code, editable=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="session_order"),
            models.CheckConstraint(
                condition=Q(start__year__gte=1960), name="session_year_plausible"
            ),
            models.CheckConstraint(
                condition=~Q(state="validated") | Q(validated_at__isnull=False),
                name="session_validated_has_date",
            ),
        ]
        indexes = [
            models.Index(fields=["start", "id"]),
            models.Index(fields=["programme", "state", "end"]),
        ]

    def __str__(self) -> str:
        return f"{self.code} · {self.title}"

    @property
    def where(self) -> str:
        """The room and the place; the place once only when the room's text names it."""
        if self.node.name in self.place:
            return self.place
        return ", ".join(filter(None, [self.place, self.node.name]))


class HalfDay(models.Model):
    class Part(models.TextChoices):
        MORNING = "am", "matin"
        AFTERNOON = "pm", "après-midi"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="half_days")
    date = models.DateField()
    part = models.CharField(max_length=2, choices=Part.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "date", "part"], name="half_day_once"),
        ]


class SessionSheet(models.Model):
    """One scanned or photographed page of the signed attendance sheet."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="sheets")
    file = models.OneToOneField("base.StoredFile", on_delete=models.CASCADE, related_name="+")
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )


class SessionPlaces(models.Model):
    """Places kept for one structure."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="places")
    structure = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    places = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "structure"], name="session_places_once"),
        ]


class SessionTrainer(models.Model):
    """Who leads: an agent, or somebody from outside, with hours and half-days led."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="trainers")
    agent = models.ForeignKey(
        "people.Agent",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="trainings_led",
    )
    outside_name = models.CharField(max_length=200, blank=True)
    employer = models.CharField(max_length=10, choices=Employer.choices, blank=True)
    hours = models.DecimalField(max_digits=5, decimal_places=1, default=0)
    half_days = models.ManyToManyField(HalfDay, blank=True, related_name="trainers")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "agent"],
                condition=Q(agent__isnull=False),
                name="session_trainer_once",
            ),
            models.CheckConstraint(
                condition=Q(agent__isnull=False) | ~Q(outside_name=""),
                name="session_trainer_named",
            ),
        ]

    @property
    def name(self) -> str:
        return self.agent.full_name if self.agent else self.outside_name


class Level(models.TextChoices):
    NATIONAL = "national", "national"
    REGIONAL = "regional", "régional"
    LOCAL = "local", "local"
    PARTNER = "partner", "partenaire"


class Outsider(models.Model):
    """A named participant who is not of the workforce register (media, partner…)."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    last_name = models.CharField(max_length=100)
    first_names = models.CharField(max_length=100)
    sex = models.CharField(max_length=1, choices=Sex.choices, blank=True)
    body = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)

    @property
    def full_name(self) -> str:
        return f"{self.first_names} {self.last_name.upper()}".strip()


class Registration(models.Model):
    """A person on a session's list: exactly one of agent, outsider."""

    class State(models.TextChoices):
        DESIGNATED = "designated", "désigné"
        WAITING = "waiting", "liste d’attente"
        APPROVED = "approved", "retenu"
        CONVOKED = "convoked", "convoqué"
        REPLACED = "replaced", "remplacé"
        WITHDRAWN = "withdrawn", "désisté"
        REFUSED = "refused", "non retenu"

    # What counts as an inscription (no-shows included): not waiting, refused, or replaced.
    COUNTED = (State.DESIGNATED, State.APPROVED, State.CONVOKED)

    uid = models.UUIDField(default=uuid7, unique=True)  # a phone may create it on the spot
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="registrations")
    agent = models.ForeignKey(
        "people.Agent",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="registrations",
    )
    outsider = models.ForeignKey(
        Outsider, null=True, blank=True, on_delete=models.PROTECT, related_name="registrations"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.DESIGNATED)
    level = models.CharField(max_length=10, choices=Level.choices, blank=True)
    sector = models.CharField(max_length=15, choices=Sector.choices, blank=True)
    mode = models.CharField(max_length=6, choices=Mode.choices, default=Mode.ROOM)
    # The structure the person came from, as said on the day (their post may say otherwise).
    structure = models.ForeignKey(
        "people.OrgNode", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    structure_text = models.CharField(max_length=200, blank=True)  # as typed, when not found
    walk_in = models.BooleanField(default=False)  # added on the spot
    replaces = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by"
    )
    position = models.PositiveIntegerField(default=0)  # rank on the waiting list
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(agent__isnull=False, outsider__isnull=True)
                | Q(agent__isnull=True, outsider__isnull=False),
                name="registration_one_person",
            ),
            models.UniqueConstraint(
                fields=["session", "agent"],
                condition=Q(agent__isnull=False),
                name="registration_agent_once",
            ),
            models.UniqueConstraint(
                fields=["session", "outsider"],
                condition=Q(outsider__isnull=False),
                name="registration_outsider_once",
            ),
        ]
        indexes = [models.Index(fields=["session", "state"])]

    @property
    def person(self) -> str:
        """The participant's name, whichever register they stand in."""
        return str(self.agent or self.outsider)

    @property
    def came_from(self) -> str:
        """The structure as noted for the session, or the body of somebody from outside."""
        if self.structure:
            return self.structure.name
        return self.structure_text or (self.outsider.body if self.outsider else "")


class AnonymousCount(models.Model):
    """Participants known only by number, exact or approximate; never added to named people."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="anonymous_counts")
    label = models.CharField(max_length=200)  # "une vingtaine de relais", as written
    women = models.PositiveIntegerField(default=0)
    men = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    approximate = models.BooleanField(default=False)
    level = models.CharField(max_length=10, choices=Level.choices, blank=True)
    sector = models.CharField(max_length=15, choices=Sector.choices, blank=True)


class MarkSource(models.TextChoices):
    PHONE = "phone", "téléphone"
    SCREEN = "screen", "écran"
    PAPER = "paper", "feuille de présence"
    XLSX = "xlsx", "tableur"
    IMPORT = "import", "reprise"


class AttendanceMark(models.Model):
    """An append-only fact: this person was present on this half-day, says this device."""

    client_id = models.UUIDField(unique=True)
    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="marks")
    half_day = models.ForeignKey(HalfDay, on_delete=models.PROTECT, related_name="marks")
    source = models.CharField(max_length=6, choices=MarkSource.choices)
    device_at = models.DateTimeField(null=True)  # as declared: phone clocks are wrong
    received_at = models.DateTimeField()
    by = models.ForeignKey("people.Account", null=True, on_delete=models.SET_NULL, related_name="+")


class AttendanceRetraction(models.Model):
    """Takes back one mark (a tap on the wrong line), named by its client id.

    Not a foreign key: a retraction may arrive before the mark it names, and must still hold.
    One act of a person (``client_id``) may take back several marks of the same box.
    """

    client_id = models.UUIDField()
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="attendance_retractions"
    )
    mark_client_id = models.UUIDField(db_index=True)
    device_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    by = models.ForeignKey("people.Account", null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client_id", "mark_client_id"], name="attendance_retraction_once"
            ),
        ]


class Presence(models.Model):
    """Derived: present on this half-day (at least one mark not retracted)."""

    registration = models.ForeignKey(
        Registration, on_delete=models.CASCADE, related_name="presences"
    )
    half_day = models.ForeignKey(HalfDay, on_delete=models.CASCADE, related_name="presences")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["registration", "half_day"], name="presence_once"),
        ]


class Correction(models.Model):
    """What was changed on a validated session, by whom and why. Never edited."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="corrections")
    at = models.DateTimeField()
    by = models.ForeignKey("people.Account", null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=300)
    change = models.JSONField()


class DirtySession(models.Model):
    """Sessions whose figures are to be recomputed, written in the transaction that changed them.

    ``indicators`` (a floor above) reads and empties it.
    """

    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="dirty")
    since = models.DateTimeField()


class SatisfactionAnswer(models.Model):
    """An anonymous answer: no link to a person is stored, on purpose."""

    client_id = models.UUIDField(unique=True)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="satisfaction")
    scores = models.JSONField()  # {question code: 1..5}
    comment = models.TextField(blank=True)
    source = models.CharField(max_length=6, choices=MarkSource.choices)
    # The day only: an hour could tell who answered.
    received_on = models.DateField()


class Resource(models.Model):
    """A file or a link on a theme's page, open before and after the session."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    theme = models.ForeignKey(Theme, on_delete=models.CASCADE, related_name="resources")
    title = models.CharField(max_length=200)
    url = models.URLField(blank=True)
    file = models.ForeignKey(
        "base.StoredFile", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rank = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(url="") | Q(file__isnull=False), name="resource_has_content"
            ),
        ]


class CostLine(models.Model):
    class Category(models.TextChoices):
        PER_DIEM = "per_diem", "per diem"
        TRANSPORT = "transport", "transport"
        ROOM = "room", "salle"
        MEALS = "meals", "restauration"
        FUEL = "fuel", "carburant"
        CONNECTION = "connection", "connexion"
        PRINTING = "printing", "impression"
        OTHER = "other", "autre"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="costs")
    category = models.CharField(max_length=12, choices=Category.choices)
    label = models.CharField(max_length=200, blank=True)
    funder = models.ForeignKey(
        Partner, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    planned = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    spent = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, default="XOF")


class TransportRate(models.Model):
    """The programme's transport allowance from one origin (structure or district)."""

    programme = models.ForeignKey(
        Programme, on_delete=models.CASCADE, related_name="transport_rates"
    )
    origin = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["programme", "origin"], name="transport_rate_once"),
        ]


class Platform(models.Model):
    """A learning platform of a programme (a Moodle, Kalan's own lessons)."""

    programme = models.ForeignKey(Programme, on_delete=models.CASCADE, related_name="platforms")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    url = models.URLField(blank=True)

    def __str__(self) -> str:
        return self.name


class PlatformAccount(models.Model):
    """An account on such a platform. Not a Kalan sign-in."""

    platform = models.ForeignKey(Platform, on_delete=models.CASCADE, related_name="accounts")
    username = models.CharField(max_length=150)
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    agent = models.ForeignKey(
        "people.Agent",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="platform_accounts",
    )
    created_on = models.DateField(null=True, blank=True)
    activated_on = models.DateField(null=True, blank=True)
    last_used_on = models.DateField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "username"], name="platform_account_once"),
        ]
