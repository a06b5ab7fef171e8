"""Aiken: one question a line, choices « A. » or « A) », then « ANSWER: X ». No feedback."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from html import escape, unescape

from kalan.engine.formats.question import (
    ANSWERS,
    BLANKS,
    Answer,
    BrokenQuestionError,
    Found,
    Question,
    Refusal,
    Text,
    default_name,
    few,
    made,
)

_CHOICE = re.compile(r"[A-Z][).][ \t]?")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Open:
    """The question being read."""

    def __init__(self, text: str, line: int) -> None:
        self.text, self.line, self.choices = text, line, list[str]()

    @property
    def name(self) -> str:
        return default_name(self.text)

    def refusal(self, reason: str) -> Refusal:
        return Refusal(self.line, self.name, reason)

    def done(self, letter: str) -> Question:
        few(len(self.choices))
        if len([one for one in self.choices if one]) < 2:
            raise BrokenQuestionError("Il faut au moins deux réponses proposées avant ANSWER.")
        if letter not in LETTERS[: len(self.choices)] or len(letter) != 1:
            raise BrokenQuestionError(
                f"ANSWER: {letter[:10]} ne désigne aucune réponse\u00a0: écrivez une lettre de A à "
                f"{LETTERS[min(len(self.choices), 26) - 1]}."
            )
        right = LETTERS.index(letter)
        answers = tuple(
            Answer(_html(one), 100.0 if rank == right else 0.0)
            for rank, one in enumerate(self.choices)
        )
        return Question("multichoice", self.name, _html(self.text), answers=answers, line=self.line)


def _html(words: str) -> Text:
    return made(escape(words, quote=False), "html")


def read_aiken(text: str) -> Found:
    """Every question of an Aiken text, with a reason for each it cannot read."""
    found = Found()
    now: _Open | None = None
    for rank, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(BLANKS)
        if len(line) < 2:
            continue
        choice = _CHOICE.match(line)
        if (choice or line.startswith("ANSWER:")) and now is None:
            reason = (
                "Une réponse sans question avant elle\u00a0: mettez l’énoncé sur une seule ligne."
            )
            found.add(Refusal(rank, line[:80], reason))
        elif choice and now:
            if len(now.choices) <= ANSWERS:
                now.choices.append(line[2:].strip(BLANKS))
        elif line.startswith("ANSWER:") and now:
            try:
                found.add(now.done(line[7:].strip(BLANKS)[:1]))
            except BrokenQuestionError as broken:
                found.add(now.refusal(str(broken)))
            now = None
        else:
            if now:
                found.add(now.refusal(_UNDONE))
            now = _Open(line, rank)
    if now:
        found.add(now.refusal(_UNDONE))
    return found


_UNDONE = (
    "La question n’a pas de ligne ANSWER\u00a0: l’énoncé tient sur une seule ligne, "
    "puis viennent les réponses, puis ANSWER."
)


def write_aiken(
    questions: Iterable[Question], left_out: Callable[[Refusal], None]
) -> Iterator[str]:
    """Pieces of the file; what Aiken cannot hold goes to ``left_out``."""
    for question in questions:
        try:
            yield _written(question)
        except BrokenQuestionError as broken:
            left_out(Refusal(question.line, question.name, str(broken)))


def _written(question: Question) -> str:
    if question.kind != "multichoice" or not question.single:
        raise BrokenQuestionError("Aiken ne contient que des questions à une seule bonne réponse.")
    shares = [one.fraction for one in question.answers]
    if sorted(shares)[:-1] != [0.0] * (len(shares) - 1) or len(shares) > 26:
        raise BrokenQuestionError("Aiken ne garde ni poids partiels, ni plus de 26 réponses.")
    stem = _line(question.text)
    if len(stem) < 2 or _CHOICE.match(stem) or stem.startswith("ANSWER:"):
        raise BrokenQuestionError("Aiken prendrait cet énoncé pour une réponse.")
    lines = [stem]
    lines += [f"{LETTERS[rank]}) {_line(one.text)}" for rank, one in enumerate(question.answers)]
    return "\n".join([*lines, f"ANSWER: {LETTERS[shares.index(100.0)]}"]) + "\n\n"


def _line(text: Text) -> str:
    if text.files or "<img" in text.text:
        raise BrokenQuestionError("Aiken ne peut pas contenir d’image.")
    words = text.text
    if text.format != "plain":
        words = unescape(re.sub(r"<[a-zA-Z/!][^>]*>", " ", words))
    words = re.sub(r"[ \t\n]+", " ", words).strip(BLANKS)
    if not words:
        raise BrokenQuestionError("Aiken ne peut pas contenir de texte vide.")
    return words
