"""What the page of a question shows beside its text: versions, measures, what was answered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from kalan.engine.testing.outcome import Z95
from kalan.people.selectors.history import HistoryLine, line_of, names_of_linked
from kalan.skills.models import Item, ItemCalibration, ItemStatistics, ItemVersion
from kalan.skills.play import markup
from kalan.skills.play.content import words
from kalan.skills.play.grade import ideal
from kalan.skills.play.shape import FALSE, TRUE, Stored
from kalan.skills.selectors.items import points

GRID = [step / 2 for step in range(-8, 9)]  # θ from -4 to 4


def stored_of(version: ItemVersion) -> Stored:
    """The version as ``play`` takes it."""
    return Stored(version.content, version.key)


@dataclass(frozen=True)
class Piece:
    """A run of words: ``kind`` is "same", "ins" or "del"."""

    kind: str
    text: str


@dataclass(frozen=True)
class VersionLine:
    version: ItemVersion
    changes: list[Piece]


def versions_of(item: Item) -> list[VersionLine]:
    """Versions, newest first, each with the words that differ from the one before."""
    rows = list(item.versions.select_related("created_by").order_by("number"))
    lines, before = [], ""
    for version in rows:
        now = words(stored_of(version))
        lines.append(VersionLine(version, difference(before, now) if before else []))
        before = now
    return lines[::-1]


def difference(before: str, now: str) -> list[Piece]:
    """Words taken away, added, or the same; nothing when both are equal."""
    old, new = before.split(), now.split()
    pieces = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", " ".join(old[a:b])))
            continue
        if b > a:
            pieces.append(Piece("del", " ".join(old[a:b])))
        if d > c:
            pieces.append(Piece("ins", " ".join(new[c:d])))
    return pieces if any(piece.kind != "same" for piece in pieces) else []


def history_of(item: Item) -> list[HistoryLine]:
    """What was done to the question, latest first (at most 50 acts)."""
    kind = ContentType.objects.get_for_model(Item)
    entries = list(
        LogEntry.objects.filter(content_type=kind, object_id=item.pk)
        .select_related("actor")
        .order_by("-timestamp", "-pk")[:50]
    )
    names = names_of_linked(entries, {kind.pk: Item})
    return [line_of(entry, Item, names) for entry in entries]


@dataclass(frozen=True)
class Interval:
    """A value with its bounds at 95 %; no bounds where the error is not known."""

    value: float
    low: float | None = None
    high: float | None = None


def around(value: float, error: float | None) -> Interval:
    """The interval at 95 % of a value with its standard error."""
    if error is None:
        return Interval(value)
    return Interval(value, value - Z95 * error, value + Z95 * error)


def share(right: float, answers: int) -> Interval | None:
    """A share with Wilson's interval (Wilson 1927); None without answers."""
    if not answers:
        return None
    p, z2 = right / answers, Z95**2
    middle = (p + z2 / (2 * answers)) / (1 + z2 / answers)
    half = Z95 * math.sqrt(p * (1 - p) / answers + z2 / (4 * answers**2)) / (1 + z2 / answers)
    return Interval(p, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True)
class Parameters:
    """Of a curve, in the logistic metric (D = 1); ``b``: the steps of a partial-credit item."""

    a: float
    b: Sequence[float]
    c: float = 0.0


def parameters(item: Item, calibration: ItemCalibration | None, stored: Stored) -> Parameters:
    """Measured, else those that a test takes from the expert's guess (decision 0013)."""
    if calibration:
        return Parameters(calibration.a, calibration.b, calibration.c)
    options = points(stored)[1]
    return Parameters(1.0, [item.difficulty], 1 / options if stored.kind == "single" else 0.0)


def curve(of: Parameters) -> tuple[list[float], list[float]]:
    """(expected share of the mark, information) over ``GRID``.

    Three-parameter logistic (Birnbaum 1968); generalised partial credit (Muraki 1992), whose
    information is a² times the variance of the category.
    """
    expected, information = [], []
    for theta in GRID:
        if len(of.b) == 1:
            p = of.c + (1 - of.c) / (1 + math.exp(-of.a * (theta - of.b[0])))
            expected.append(p)
            information.append(of.a**2 * ((p - of.c) / (1 - of.c)) ** 2 * (1 - p) / p)
            continue
        sums = [0.0]
        for step in of.b:
            sums.append(sums[-1] + of.a * (theta - step))
        top = max(sums)
        weights = [math.exp(one - top) for one in sums]
        total = sum(weights)
        mean = sum(k * w for k, w in enumerate(weights)) / total
        square = sum(k * k * w for k, w in enumerate(weights)) / total
        expected.append(mean / len(of.b))
        information.append(of.a**2 * (square - mean**2))
    return expected, information


@dataclass(frozen=True)
class ChoiceLine:
    """A choice with what the author says of it, and how often it was taken."""

    text: str
    right: bool
    weight: float
    feedback: str
    times: int | None
    share: float | None


def choices_of(stored: Stored, statistics: ItemStatistics | None) -> list[ChoiceLine]:
    """Choices in the author's order, for questions that offer some."""
    chosen = statistics.rest.get("chosen", {}) if statistics else {}
    answers = statistics.answers if statistics else 0
    said = stored.key.get("feedback", {})
    if stored.kind == "truefalse":
        good = ideal(stored)["choice"]
        listed = [(TRUE, "Vrai"), (FALSE, "Faux")]
        weights = {name: 100.0 if name == good else 0.0 for name, _ in listed}
    elif stored.kind in ("single", "multiple"):
        texts = {one["id"]: markup.plain(one["text"]) for one in stored.content["choices"]}
        weights = stored.key["weights"]
        listed = [(name, texts[name]) for name in stored.key["order"]]
    else:
        return []
    return [
        ChoiceLine(
            text=text,
            right=weights[name] > 0,
            weight=weights[name],
            feedback=markup.plain(said.get(name, "")),
            times=int(chosen.get(name, 0)) if chosen else None,
            share=100 * chosen.get(name, 0) / answers if chosen and answers else None,
        )
        for name, text in listed
    ]
