"""One question, whatever file it came from. Texts are trimmed; empty ones equal ``EMPTY``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Format = Literal["html", "markdown", "plain", "moodle"]
Kind = Literal[
    "multichoice",
    "truefalse",
    "shortanswer",
    "matching",
    "numerical",
    "multianswer",
    "ordering",
    "essay",
    "description",
]
FORMATS: tuple[Format, ...] = ("html", "markdown", "plain", "moodle")
KINDS: tuple[Kind, ...] = (
    "multichoice",
    "truefalse",
    "shortanswer",
    "matching",
    "numerical",
    "multianswer",
    "ordering",
    "essay",
    "description",
)
# What Moodle trims; a no-break space at the end is the author's.
BLANKS = " \t\n\r\0\x0b"
NAME_LENGTH = 80
# Above these a file is no work of a person: they bound the memory that reading takes.
QUESTIONS = 50_000
ANSWERS = 1000
_MARK = re.compile(r"\{#([0-9]+)\}")


@dataclass(frozen=True, slots=True)
class File:
    """A file inside a text, which names it ``@@PLUGINFILE@@`` + path + name. ``data``: base64."""

    name: str
    data: str
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Text:
    text: str = ""
    format: Format = "html"
    files: tuple[File, ...] = ()


EMPTY = Text()


def made(text: str, format_: Format = "html", files: tuple[File, ...] = ()) -> Text:
    """A trimmed text; without words and files it is ``EMPTY``, whatever its format."""
    text = text.strip(BLANKS)
    return Text(text, format_, files) if text or files else EMPTY


@dataclass(frozen=True, slots=True)
class Answer:
    """``fraction`` in per cent of the mark; ``tolerance`` for numbers only.

    ``text`` is plain for short answers and numbers (``*``: anything else), ``true`` or ``false``
    for true/false, whose two answers stand in that order.
    """

    text: Text
    fraction: float = 0.0
    feedback: Text = EMPTY
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Pair:
    """``left`` is empty for a right side that matches nothing."""

    left: Text
    right: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap of a cloze question; ``type``: Moodle's long name (MULTICHOICE_VS, SHORTANSWER_C…)."""

    type: str
    answers: tuple[Answer, ...]
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Unit:
    name: str
    multiplier: float = 1.0


@dataclass(frozen=True, slots=True)
class Question:
    """``text`` of a cloze question holds ``{#1}``, ``{#2}``… where ``gaps`` stand."""

    kind: Kind
    name: str
    text: Text
    general: Text = EMPTY
    category: str = ""
    answers: tuple[Answer, ...] = ()
    pairs: tuple[Pair, ...] = ()
    steps: tuple[Text, ...] = ()
    gaps: tuple[Gap, ...] = ()
    units: tuple[Unit, ...] = ()
    single: bool = True
    shuffle: bool = True
    numbering: str = "abc"
    case: bool = False
    mark: float = 1.0
    penalty: float | None = None
    hidden: bool = False
    tags: tuple[str, ...] = ()
    id_number: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A question that was not read, or (``reason`` says so) not written."""

    line: int
    name: str
    reason: str


class BrokenQuestionError(ValueError):
    """This question cannot be read; the message is the reason, in French."""


class UnreadableFileError(ValueError):
    """The file cannot be read at all; the message says why, in French."""


@dataclass(slots=True)
class Found:
    """What a file held. ``categories``: the paths it names, in order, each once;
    ``current``: the one where the questions that follow go."""

    questions: list[Question] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    current: str = ""

    def add(self, one: Question | Refusal) -> None:
        """Keep a question or a refusal. Raises ``UnreadableFileError`` past ``QUESTIONS``."""
        if len(self.questions) + len(self.refused) >= QUESTIONS:
            raise UnreadableFileError(
                f"Le fichier a plus de {QUESTIONS} questions\u00a0: partagez-le."
            )
        if isinstance(one, Question):
            self.questions.append(one)
        else:
            self.refused.append(one)

    def category(self, path: str) -> None:
        self.current = path
        if path and path not in self.categories:
            self.categories.append(path)


def few(count: int) -> None:
    """Raises ``BrokenQuestionError`` when a question has too many answers or gaps."""
    if count > ANSWERS:
        raise BrokenQuestionError(f"La question a plus de {ANSWERS} réponses.")


def default_name(text: str) -> str:
    """The name of a question that has none: the beginning of its text."""
    plain = " ".join(re.sub(r"<[^>]*>", " ", text[:5000]).split())
    if len(plain) <= NAME_LENGTH:
        return plain or "Question"
    return plain[: NAME_LENGTH - 1].rsplit(" ", 1)[0] + "…"


def gap_marks(text: str) -> list[int]:
    """Numbers of the gaps as they stand in the text of a cloze question."""
    return [int(mark) for mark in _MARK.findall(text)]
