"""Figures: facts dated by their session, roll-ups, frozen and declared figures.

Facts and roll-ups are derived: they can be thrown away and rebuilt from the records. They hold
plain numbers, not foreign keys, so that a rebuild never meets a constraint of another room.
"""

from __future__ import annotations

from django.db import models

from kalan.base.ids import uuid7


class Participation(models.Model):
    """One counted registration of a closed session, with its dimensions as on the session's date.

    Rebuilt whole for a session whenever that session is dirty; never edited.
    """

    session_id = models.BigIntegerField(db_index=True)
    registration_id = models.BigIntegerField(unique=True)
    programme_id = models.BigIntegerField(null=True)
    theme_id = models.BigIntegerField()
    agent_id = models.BigIntegerField(null=True)  # None: outsider
    outsider_id = models.BigIntegerField(null=True)  # None: agent
    day = models.DateField()  # the session's last half-day
    sex = models.CharField(max_length=1, blank=True)
    age_band = models.CharField(max_length=10, blank=True)
    cadre_id = models.BigIntegerField(null=True)
    structure_id = models.BigIntegerField(null=True)
    district_id = models.BigIntegerField(null=True)
    region_id = models.BigIntegerField(null=True)
    country_id = models.BigIntegerField(null=True)
    sector = models.CharField(max_length=15, blank=True)
    half_days = models.PositiveSmallIntegerField()
    present = models.PositiveSmallIntegerField()
    completed = models.BooleanField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(agent_id__isnull=False, outsider_id__isnull=True)
                | models.Q(agent_id__isnull=True, outsider_id__isnull=False),
                name="participation_one_person",
            ),
        ]
        indexes = [
            models.Index(fields=["programme_id", "region_id", "day"]),
            models.Index(fields=["region_id", "day"]),
            models.Index(fields=["district_id", "day"]),
            models.Index(fields=["theme_id", "region_id", "day"]),
            models.Index(fields=["agent_id", "day"]),
            models.Index(fields=["structure_id", "day"]),
            models.Index(fields=["day"]),
            # Coverage asks of each person in post whether they were trained, from this alone.
            models.Index(
                fields=["agent_id", "day", "programme_id", "theme_id"],
                condition=models.Q(completed=True, agent_id__isnull=False),
                name="participation_trained",
            ),
        ]


class SessionFact(models.Model):
    """One closed session, with its territory as on its date and what is not counted by person."""

    session_id = models.BigIntegerField(unique=True)
    programme_id = models.BigIntegerField(null=True)
    theme_id = models.BigIntegerField()
    day = models.DateField()
    country_id = models.BigIntegerField(null=True)
    region_id = models.BigIntegerField(null=True)
    district_id = models.BigIntegerField(null=True)
    structure_id = models.BigIntegerField(null=True)
    half_days = models.PositiveSmallIntegerField()
    validated = models.BooleanField()
    has_sheet = models.BooleanField()
    anonymous_women = models.PositiveIntegerField(default=0)
    anonymous_men = models.PositiveIntegerField(default=0)
    anonymous_unknown = models.PositiveIntegerField(default=0)
    anonymous_approximate = models.BooleanField(default=False)
    currency = models.CharField(max_length=3, default="XOF")
    planned = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    spent = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    # Lines in another currency are never added up; the page says that there are some.
    other_currency = models.BooleanField(default=False)
    satisfaction_answers = models.PositiveIntegerField(default=0)
    # Sum over answers of each answer's mean score, in hundredths (1.00 to 5.00 → 100 to 500).
    satisfaction_total = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["programme_id", "day"]),
            models.Index(fields=["region_id", "day"]),
            models.Index(fields=["day"]),
        ]


class TrainerFact(models.Model):
    """A person who led at least one half-day of a closed session."""

    session_id = models.BigIntegerField(db_index=True)
    programme_id = models.BigIntegerField(null=True)
    theme_id = models.BigIntegerField()
    day = models.DateField()
    country_id = models.BigIntegerField(null=True)
    region_id = models.BigIntegerField(null=True)
    district_id = models.BigIntegerField(null=True)
    structure_id = models.BigIntegerField(null=True)
    # "a:12" for an agent, "o:fall moussa" for a name from outside: what distinct counts use.
    person = models.CharField(max_length=220)
    agent_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=220)
    employer = models.CharField(max_length=10, blank=True)
    half_days = models.PositiveSmallIntegerField()
    hours = models.DecimalField(max_digits=6, decimal_places=1, default=0)

    class Meta:
        indexes = [models.Index(fields=["programme_id", "person"])]


class Cell(models.Model):
    """A roll-up: the counts of people for one combination of the dashboard's usual filters.

    ``programme_id`` 0: all programmes; ``node_id`` 0: everywhere, else a region or a district.
    Distinct people are counted within the cell: never add cells up.
    """

    programme_id = models.BigIntegerField()
    period = models.CharField(max_length=10)  # "all", "2023", "2023-03"
    node_id = models.BigIntegerField()
    # Who is counted: "" all, else one theme ("theme:3") or one sex ("sex:F"), and then only
    # everywhere and by region: a district holds few facts.
    part = models.CharField(max_length=25, blank=True)
    # "", "sex", "cadre", "age", "theme", or "place": the territories just below the node.
    dimension = models.CharField(max_length=10, blank=True)
    value = models.CharField(max_length=20, blank=True)
    registrations = models.PositiveIntegerField(default=0)  # agents and outsiders
    attended = models.PositiveIntegerField(default=0)  # registrations present at least once
    completions = models.PositiveIntegerField(default=0)  # registrations that met the rule
    half_days = models.PositiveIntegerField(default=0)  # half-days present
    trained = models.PositiveIntegerField(default=0)  # distinct agents
    women = models.PositiveIntegerField(default=0)
    men = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    others = models.PositiveIntegerField(default=0)  # distinct outsiders who met the rule
    structures = models.PositiveIntegerField(default=0)  # only where dimension is ""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["programme_id", "node_id", "part", "period", "dimension", "value"],
                name="cell_once",
            ),
        ]


class FiguresState(models.Model):
    """One row: the version of the facts, and whether the roll-ups follow them.

    Locked by whoever refreshes, so that refreshes take turns.
    """

    facts_version = models.BigIntegerField(default=0)
    cells_version = models.BigIntegerField(default=0)
    # The last history entry looked at (services.follow).
    history_seen = models.BigIntegerField(default=0)
    # Raised when the history names an agent, a post or a node: what coverage is cached by.
    register_version = models.BigIntegerField(default=0)
    # Tells this database from another one behind the same cache.
    epoch = models.UUIDField(default=uuid7, editable=False)
    refreshed_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    # What the nightly check found different; empty when all is well.
    alarm = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="figures_state_one_row"),
        ]


class FrozenFigures(models.Model):
    """A period's figures as they stood on a date, with the list behind them."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    programme = models.ForeignKey(
        "training.Programme", null=True, on_delete=models.PROTECT, related_name="+"
    )
    label = models.CharField(max_length=200)
    start = models.DateField(null=True)
    end = models.DateField(null=True)
    # {"sessions": 19, "agents_formes": 521, …}: what was shown that day.
    figures = models.JSONField()
    # {"people": {agent id: {"sex": "F", "completed": true}}}: what they were counted from.
    basis = models.JSONField()
    # Shown on /chiffres/ instead of the live figures, with the date; as suppressed that day.
    public = models.BooleanField(default=False)
    published = models.JSONField(default=dict)
    frozen_at = models.DateTimeField()
    frozen_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return self.label


class DeclaredFigure(models.Model):
    """A total from an old report, with its document; never added to computed figures."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    programme = models.ForeignKey(
        "training.Programme", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    label = models.CharField(max_length=200)
    indicator = models.CharField(max_length=40)
    node = models.ForeignKey(
        "people.OrgNode", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    value = models.DecimalField(max_digits=16, decimal_places=2)
    period = models.CharField(max_length=100)
    source = models.CharField(max_length=300)
    document = models.ForeignKey(
        "base.StoredFile", null=True, on_delete=models.PROTECT, related_name="+"
    )
    declared_at = models.DateTimeField()
    declared_by = models.ForeignKey(
        "people.Account", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return self.label


class Denominator(models.Model):
    """Staff in post by territory, from a named source and date: what coverage divides by."""

    node = models.ForeignKey("people.OrgNode", on_delete=models.PROTECT, related_name="+")
    cadre = models.ForeignKey(
        "people.Cadre", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    value = models.PositiveIntegerField()
    source = models.CharField(max_length=200)
    as_of = models.DateField()
    includes = models.CharField(max_length=200)  # which statuses the list counts

    class Meta:
        constraints = [
            # Two constraints: SQLite knows no "nulls not distinct".
            models.UniqueConstraint(fields=["node", "cadre", "as_of"], name="denominator_once"),
            models.UniqueConstraint(
                fields=["node", "as_of"],
                condition=models.Q(cadre__isnull=True),
                name="denominator_all_cadres_once",
            ),
        ]

    def __str__(self) -> str:
        return self.source
