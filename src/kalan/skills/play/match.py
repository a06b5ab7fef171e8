"""Typed answers against accepted ones: words with their accents, case and typos, and numbers."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from kalan.base.text import fold
from kalan.skills.play.shape import Accepted, Spelling, UnitKey

# Letters a word must have before one, then two, slips of the finger are forgiven.
ONE_SLIP, TWO_SLIPS = 4, 8
# A slip must not turn a word into its contrary: « hypotension » is no « hypertension ».
_CONTRARIES = (
    ("hyper", "hypo"),
    ("anti", "ante"),
    ("intra", "inter", "extra"),
    ("macro", "micro"),
    ("pre", "pro", "post"),
    ("endo", "exo"),
    ("sous", "sur"),
    ("sub", "sup"),
    ("im", "em"),
    ("tachy", "brady"),
)
_QUOTES = str.maketrans(
    {"’": "'", "ʼ": "'", "`": "'", "‘": "'", "–": "-", "—": "-", "‑": "-", "−": "-"}
    | dict.fromkeys('«»“”"\u200b\u2060\ufeff')
)
_HYPHEN = re.compile(r"(?<=\w)-(?=\w)")
_NUMBER = re.compile(
    r"([+-]?)\s*([0-9]{1,30}(?:\s[0-9]{3})*|)(?:[.,]([0-9]{1,30}))?(?:[eE]([+-]?[0-9]{1,2}))?\s*(.*)",
    re.S,
)


# --- words -----------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def normal(words: str, case: bool = False, accents: bool = False) -> str:
    """``words`` without what never counts (spaces, quotation marks, a final point), nor case or
    accents unless they count."""
    words = unicodedata.normalize("NFKC", words).translate(_QUOTES)
    words = words.replace("œ", "oe").replace("Œ", "Oe").replace("æ", "ae").replace("Æ", "Ae")
    if not accents:
        bare = unicodedata.normalize("NFD", words)
        words = "".join(sign for sign in bare if not unicodedata.combining(sign))
        words = unicodedata.normalize("NFC", words)
    if not case:
        words = words.casefold()
    words = " ".join(_HYPHEN.sub(" ", words).split())
    return words.rstrip(" .;:,!?…") or words


def best(answers: list[Accepted], typed: str, how: Spelling) -> int | None:
    """Rank of the accepted answer that ``typed`` gives: the first that it equals, else (where
    typos are forgiven) the first that it nearly equals."""
    case, accents = how.get("case", False), how.get("accents", False)
    said = normal(typed, case, accents)
    for rank, one in enumerate(answers):
        if _equals(one["text"], said, case, accents):
            return rank
    if how.get("typos"):
        for rank, one in enumerate(answers):
            wanted = normal(one["text"], case, accents)
            if "*" not in wanted and nearly(wanted, said):
                return rank
    return None


def _equals(accepted: str, said: str, case: bool, accents: bool) -> bool:
    if "*" not in accepted:
        return normal(accepted, case, accents) == said
    pieces = _pieces(accepted, case, accents)
    if len(pieces) == 1:
        return pieces[0] == said
    first, *middle, last = pieces
    if not said.startswith(first) or not said.endswith(last):
        return False
    here, end = len(first), len(said) - len(last)
    for piece in middle:
        found = said.find(piece, here)
        if found < 0:
            return False
        here = found + len(piece)
    return here <= end


@lru_cache(maxsize=1024)
def _pieces(accepted: str, case: bool, accents: bool) -> list[str]:
    """What stands between the ``*``, which are anything; ``\\*`` is itself (Moodle's
    qtype_shortanswer). Found one after the other: no pattern to run wild on a hostile text."""
    parts = accepted.replace("\\*", "\0").split("*")
    return [
        normal(part.replace("\0", "*"), case, accents) if part.strip() else "" for part in parts
    ]


def nearly(wanted: str, said: str) -> bool:
    """Whether ``said`` is ``wanted`` but for small slips: words of 4 to 7 letters may have one,
    longer ones two, at most two in all; never a number, nor a prefix that says the contrary.

    A slip: a letter too many, missing, another, or two neighbours swapped (Damerau 1964).
    """
    if any(sign.isdigit() for sign in wanted + said):
        return wanted == said
    if wanted.replace(" ", "") == said.replace(" ", ""):
        return len(wanted) >= ONE_SLIP
    expected, typed = wanted.split(), said.split()
    if len(expected) != len(typed):
        return False
    slips = 0
    for word, other in zip(expected, typed, strict=True):
        if word == other:
            continue
        allowed = (len(word) >= ONE_SLIP) + (len(word) >= TWO_SLIPS)
        found = distance(word, other, allowed)
        if found > allowed or _contrary(word, other):
            return False
        slips += found
    return slips <= 2


def _contrary(word: str, other: str) -> bool:
    return any(
        word.startswith(one) and other.startswith(two)
        for group in _CONTRARIES
        for one in group
        for two in group
        if one != two
    )


def distance(one: str, two: str, limit: int) -> int:
    """Slips between two words (optimal string alignment), ``limit + 1`` when there are more."""
    if abs(len(one) - len(two)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, sign in enumerate(one, start=1):
        older, before, row = before, row, [i]
        for j, other in enumerate(two, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (sign != other))
            if i > 1 and j > 1 and sign == two[j - 2] and one[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


# --- numbers ---------------------------------------------------------------------------------


def read_number(typed: str) -> tuple[Decimal, str] | None:
    """(value, what follows it) of ``1 234,5 heures``: point or comma, spaces between thousands."""
    words = unicodedata.normalize("NFKC", typed).replace("−", "-").strip()
    found = _NUMBER.fullmatch(words)
    if not found or not (found[2] or found[3]):
        return None
    sign, whole, part, power, unit = found.groups()
    try:
        value = Decimal(f"{sign}{''.join(whole.split()) or 0}.{part or 0}E{power or 0}")
    except InvalidOperation:  # pragma: no cover - the pattern leaves nothing else
        return None
    return (value, unit.strip()) if not any(one.isdigit() for one in unit) else None


def number_rank(
    answers: list[Accepted], typed: str, units: list[UnitKey], context: str = ""
) -> int | None:
    """Rank of the accepted answer in whose tolerance (bounds included) ``typed`` lies.

    A unit may follow: one of ``units``, shortened or in the plural, or words of ``context`` (the
    plain text of the question) when there are none; another unit makes the answer wrong.
    """
    found = read_number(typed)
    value = None
    if found is not None and (factor := _factor(found[1], units, context)) is not None:
        value = found[0] / factor
    for rank, one in enumerate(answers):
        if one["text"] == "*":
            return rank
        if value is not None:
            gap = abs(value - Decimal(one["text"]))
            if gap <= Decimal(repr(one.get("tolerance", 0.0))):
                return rank
    return None


def _factor(unit: str, units: list[UnitKey], context: str) -> Decimal | None:
    """What to divide by; none when the unit is not one of the question."""
    if not unit or (unit == "%" and not units):
        return Decimal(1)
    said = fold(unit)
    for one in units:
        if unit == one["name"]:
            return _multiplier(one)
    for one in units:
        name = fold(one["name"])
        if said and name and (name.startswith(said) or said in (name + "s", name + "x")):
            return _multiplier(one)
    if said and not units and set(said.split()) <= set(fold(context).split()):
        return Decimal(1)
    return None


def _multiplier(unit: UnitKey) -> Decimal:
    return Decimal(repr(unit["multiplier"])) or Decimal(1)
