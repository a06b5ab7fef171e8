"""What the data of an act holds, kind by kind.

An act is told by a *record*, frozen when it is prepared (``Act.data``), and by an *envelope*, added
by the click that signs it; ``completeness`` says what must not be missing from them. No Django
here: the processes that render have no database. Dates are ISO 8601 (``2026-11-03``), durations
are hours, texts are as printed.
"""

from __future__ import annotations

from typing import TypedDict

ATTENDANCE, TRAINING, COMPETENCE, TRAINER = "attendance", "training", "competence", "trainer"
SHEET, REPORT, CONVOCATION, MISSION = "sheet", "report", "convocation", "mission"
DECISION, FREE = "decision", "free"
KINDS = (
    ATTENDANCE,
    TRAINING,
    COMPETENCE,
    TRAINER,
    SHEET,
    REPORT,
    CONVOCATION,
    MISSION,
    DECISION,
    FREE,
)
PROOFS = (ATTENDANCE, TRAINING, COMPETENCE, TRAINER)


class Holder(TypedDict, total=False):
    name: str  # as printed: "Fatou NDIAYE"
    cadre: str
    structure: str
    employer: str
    matricule: str
    born_on: str


class Training(TypedDict, total=False):
    title: str
    programme: str
    code: str  # of the session or the programme
    nature: str  # "action de formation"
    mode: str  # "en présence"
    starts_on: str
    ends_on: str
    place: str
    half_days: int  # planned
    hours: float  # planned
    objectives: str
    organiser: str


class Attended(TypedDict):
    half_days: int
    of: int  # half-days held
    hours: float


class Exam(TypedDict, total=False):
    title: str
    held_on: str
    place: str
    framework: str  # with its edition
    supervised: bool  # a certificate exists only after a supervised exam


class Level(TypedDict, total=False):
    domain: str
    level: int
    of: int  # highest of the scale
    label: str  # "Intermédiaire"
    confidence: str  # "8 chances sur 10, à confirmer"


class Led(TypedDict):
    half_days: int
    hours: float
    sessions: list[dict[str, str]]  # title, dates, place, half_days, hours: as printed


class HalfDayColumn(TypedDict):
    day: str  # "lun. 13 mars"
    part: str  # "matin"


class SheetLine(TypedDict, total=False):
    name: str
    cadre: str
    structure: str
    marks: list[str]  # one a half-day: "P" present, "A" absent, "E" excused, "" not noted


class Person(TypedDict, total=False):
    name: str
    matricule: str
    cadre: str
    structure: str


class Section(TypedDict, total=False):
    """A part of a report: paragraphs, then a table whose first row holds its headings."""

    heading: str
    text: list[str]
    table: list[list[str]]
    align: str  # one letter a column: "l" or "r"


class Record(TypedDict, total=False):
    """What is frozen when the act is prepared. ``REQUIRED`` says what each kind needs."""

    kind: str
    holder: Holder
    training: Training
    attended: Attended
    rule: str  # the programme's rule, in words: "au moins 80 % des demi-journées"
    themes: list[str]
    result: str  # of the assessment, when one was planned (France)
    exam: Exam
    levels: list[Level]
    led: Led
    columns: list[HalfDayColumn]
    lines: list[SheetLine]
    trainers: list[dict[str, str]]  # of a sheet: name, half_days (as printed)
    closed_on: str
    sections: list[Section]
    facts: list[list[str]]  # label and value, at the head of a report, a convocation or an order
    mission: dict[str, str]  # purpose, destination, departs_on, returns_on, transport, funding
    meeting: dict[str, str]  # starts ("lundi 13 mars à 8 h 30"), place, contact
    people: list[Person]  # in annex of a decision
    fields: dict[str, str]  # columns of the spreadsheet of a free act


class Signatory(TypedDict, total=False):
    name: str
    title: str  # the person's own title, as on the day
    office: str  # whose office: "Le Directeur de la formation"
    capacity: str  # title, delegate, interim
    reference: str  # of the act that names or delegates


class Envelope(TypedDict, total=False):
    """What the click adds. ``address`` is what the QR code holds, credential included."""

    number: str
    code: str  # 24 characters
    address: str
    issued_on: str
    place: str
    ministry: str
    body: str  # the directorate
    signatory: Signatory
    mode: str  # electronic, hand
    level: str  # trial, ministry, accredited; "" in hand mode
    valid_until: str | None
    demo: bool
