"""How a version of a question is stored: two JSON objects.

``content`` is all that may reach the browser before the answer, ``key`` all that may not. Texts are
HTML that is safe to show as it stands, but for right sides, options of gaps, units and accepted
answers, which are plain. ``{img:1}`` stands for the first picture of the object that holds the
text (``content["images"]`` or ``key["images"]``), ``{#1}`` for the first gap.

Ids of choices, right sides and steps follow the hash of their words: neither an id nor the order
in which ``content`` lists them says anything of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, NotRequired, TypedDict

Kind = Literal[
    "single", "multiple", "truefalse", "numeric", "short", "matching", "ordering", "cloze"
]
KINDS: tuple[Kind, ...] = (
    "single",
    "multiple",
    "truefalse",
    "numeric",
    "short",
    "matching",
    "ordering",
    "cloze",
)
TRUE, FALSE = "v", "f"


class Choice(TypedDict):
    """A choice, a left side, a step (HTML), a right side or an option of a gap (plain)."""

    id: str
    text: str


class Picture(TypedDict):
    uid: str
    alt: str
    width: NotRequired[int]
    height: NotRequired[int]


class Gap(TypedDict):
    kind: Literal["choice", "several", "text", "number"]
    choices: NotRequired[list[Choice]]


class Content(TypedDict):
    """What the browser may know. ``fixed``: the author wants the choices in this order."""

    kind: Kind
    text: str
    images: NotRequired[list[Picture]]
    choices: NotRequired[list[Choice]]
    fixed: NotRequired[bool]
    lefts: NotRequired[list[Choice]]
    rights: NotRequired[list[Choice]]
    steps: NotRequired[list[Choice]]
    gaps: NotRequired[list[Gap]]
    unit: NotRequired[str]


class Accepted(TypedDict):
    """An accepted answer, plain (``*`` as in Moodle); ``weight`` in per cent of the mark."""

    text: str
    weight: float
    feedback: NotRequired[str]
    tolerance: NotRequired[float]


class PairKey(TypedDict):
    left: str | None
    right: str


class UnitKey(TypedDict):
    """``multiplier``: how many of this unit make one of the first (as in Moodle)."""

    name: str
    multiplier: float


class Spelling(TypedDict):
    """``case`` and ``accents``: they count; ``typos``: small ones are forgiven."""

    case: NotRequired[bool]
    accents: NotRequired[bool]
    typos: NotRequired[bool]


class Parts(Spelling):
    """What choices and accepted answers have in common, in a question or a gap."""

    weights: NotRequired[dict[str, float]]
    feedback: NotRequired[dict[str, str]]
    order: NotRequired[list[str]]
    answers: NotRequired[list[Accepted]]


class GapKey(Parts):
    """``type``: Moodle's long name; ``mark``: its weight beside the other gaps."""

    type: str
    mark: int


class Origin(TypedDict):
    """A text as its file had it, where what is shown differs. ``files``: (name, path, uid)."""

    format: str
    text: str
    files: NotRequired[list[list[str]]]


class Key(Parts):
    """What must not reach the browser before the answer.

    ``lost``: what the text named and the file did not hold; ``meta``: fields of the neutral
    question that Kalan does not use and gives back; ``origins``: by place of the text.
    """

    answer: NotRequired[bool]
    pairs: NotRequired[list[PairKey]]
    steps: NotRequired[list[str]]
    gaps: NotRequired[list[GapKey]]
    units: NotRequired[list[UnitKey]]
    explanation: NotRequired[str]
    source: NotRequired[str]
    images: NotRequired[list[Picture]]
    lost: NotRequired[list[str]]
    meta: NotRequired[dict[str, object]]
    origins: NotRequired[dict[str, Origin]]


@dataclass(frozen=True, slots=True)
class Stored:
    """A version of a question; both parts can be written as JSON."""

    content: Content
    key: Key

    @property
    def kind(self) -> Kind:
        return self.content["kind"]


@dataclass(frozen=True, slots=True)
class Problem:
    """``field``: ``text``, ``choices``, ``images``, ``answers``, ``gap 2``…; French message."""

    field: str
    message: str


class UnsupportedQuestionError(ValueError):
    """Kalan does not ask such questions; the message says why and what to do, in French."""


def letters(rank: int) -> str:
    """a … z, then aa …"""
    name = ""
    rank += 1
    while rank:
        rank, left = divmod(rank - 1, 26)
        name = chr(ord("a") + left) + name
    return name


def ids(texts: Sequence[str], salt: str) -> list[str]:
    """An id for each text, given in the order of their hashes with ``salt``."""

    def place(rank: int) -> tuple[bytes, int]:
        words = f"{salt}\0{texts[rank]}".encode("utf-8", "surrogatepass")
        return sha256(words).digest(), rank

    named = [""] * len(texts)
    for rank, which in enumerate(sorted(range(len(texts)), key=place)):
        named[which] = letters(rank)
    return named
