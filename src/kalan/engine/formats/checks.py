"""What Moodle would refuse when it stores a question, said beforehand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

from kalan.engine.formats.question import (
    EMPTY,
    Answer,
    BrokenQuestionError,
    Gap,
    Question,
    gap_marks,
)

# Moodle takes no other share of a mark (question bank, list of grades), in per cent.
SHARES = (
    *(100, 90, 83.33333, 80, 75, 70, 66.66667, 60, 50, 40, 33.33333, 30, 25, 20),
    *(16.66667, 14.28571, 12.5, 11.11111, 10, 5, 0),
)
_NEAR = 0.00101
TAGS = 5000
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def share(fraction: float) -> float:
    """The share Moodle knows for ``fraction`` per cent (33.333 → 33.33333).

    Raises ``BrokenQuestionError`` when there is none, naming the nearest.
    """
    size = abs(fraction)
    nearest = min(SHARES, key=lambda known: abs(known - size)) if math.isfinite(size) else 100
    if abs(nearest - size) > _NEAR:
        raise BrokenQuestionError(
            f"Le poids {fraction:g}\u00a0% n’existe pas dans Moodle\u00a0: le plus proche est "
            f"{math.copysign(nearest, fraction):g}\u00a0%."
        )
    return math.copysign(nearest, fraction) if nearest else 0.0


def number(text: str) -> float:
    """``text`` as a number, decimal point or comma. Raises ``BrokenQuestionError``."""
    plain = text.strip().replace(",", ".")
    if not _NUMBER.fullmatch(plain) or not math.isfinite(float(plain)):
        raise BrokenQuestionError(f"«\u00a0{text.strip()[:40]}\u00a0» n’est pas un nombre.")
    return float(plain)


def checked(question: Question) -> Question:
    """``question`` with shares as Moodle names them. Raises ``BrokenQuestionError``."""
    if question.kind in ("multichoice", "shortanswer", "numerical"):
        question = replace(
            question,
            answers=tuple(replace(one, fraction=share(one.fraction)) for one in _full(question)),
        )
    for reason in _faults(question):
        raise BrokenQuestionError(reason)
    return question


def _texts(question: Question) -> Iterator[str]:
    yield question.text.text
    yield question.general.text
    yield from (one.text for one in question.steps)
    yield from (one.left.text for one in question.pairs)
    for answers in (question.answers, *(gap.answers for gap in question.gaps)):
        for one in answers:
            yield one.text.text
            yield one.feedback.text


def bounded(question: Question) -> Question:
    """``question`` itself. Raises ``BrokenQuestionError`` when a text has too many tags.

    A browser's parser spends the square of their number on tags that are never closed.
    """
    if any(text.count("<") > TAGS for text in _texts(question)):
        raise BrokenQuestionError(f"Un texte a plus de {TAGS} balises.")
    return question


def _full(question: Question) -> Iterator[Answer]:
    return (one for one in question.answers if one.text != EMPTY)


def _faults(question: Question) -> Iterator[str]:
    if question.kind == "multichoice":
        yield from _choice_faults(question)
    elif question.kind == "truefalse":
        if sorted(one.fraction for one in question.answers) != [0.0, 100.0]:
            yield "Il faut exactement une bonne réponse, «\u00a0vrai\u00a0» ou «\u00a0faux\u00a0»."
    elif question.kind == "shortanswer":
        yield from _short_faults(question.answers)
    elif question.kind == "numerical":
        yield from _number_faults(question.answers)
    elif question.kind == "matching":
        yield from _pair_faults(question)
    elif question.kind == "ordering" and len(question.steps) < 2:
        yield "Il faut au moins deux étapes à remettre dans l’ordre."
    elif question.kind == "multianswer":
        yield from _cloze_faults(question)


def _choice_faults(question: Question) -> Iterator[str]:
    if len(question.answers) < 2:
        yield "Il faut au moins deux réponses proposées."
    shares = [one.fraction for one in question.answers]
    if question.single and max(shares, default=0) < 100:
        yield "Aucune bonne réponse\u00a0: une réponse doit valoir 100\u00a0%."
    total = sum(value for value in shares if value > 0)
    if not question.single and abs(total - 100) > 0.5:
        yield (
            f"Les bonnes réponses font ensemble {total:g}\u00a0%\u00a0: "
            "leur somme doit faire 100\u00a0%."
        )


def _short_faults(answers: tuple[Answer, ...]) -> Iterator[str]:
    if not answers:
        yield "Aucune réponse."
    elif max(one.fraction for one in answers) < 100:
        yield "Aucune bonne réponse\u00a0: une réponse doit valoir 100\u00a0%."


def _number_faults(answers: tuple[Answer, ...]) -> Iterator[str]:
    if not answers:
        yield "Aucune réponse."
    for one in answers:
        if one.text.text != "*":
            number(one.text.text)
        if not math.isfinite(one.tolerance) or one.tolerance < 0:
            yield "La tolérance est un nombre positif ou nul."


def _pair_faults(question: Question) -> Iterator[str]:
    pairs = [one for one in question.pairs if one.left != EMPTY]
    if not pairs or len(question.pairs) < 2:
        yield "Il faut au moins deux paires à associer."
    if any(not one.right for one in question.pairs):
        yield "Une proposition n’a pas de réponse à associer."


def _cloze_faults(question: Question) -> Iterator[str]:
    if not question.gaps:
        yield "Aucun trou lisible\u00a0: un trou s’écrit {1:SHORTANSWER:=réponse}."
    elif sorted(gap_marks(question.text.text)) != list(range(1, len(question.gaps) + 1)):
        yield "Le texte ne montre pas chaque trou une fois."
    for rank, gap in enumerate(question.gaps, start=1):
        for reason in _gap_faults(gap):
            yield f"Trou {rank}\u00a0: {reason}"


def _gap_faults(gap: Gap) -> Iterator[str]:
    shares = [one.fraction for one in gap.answers if one.text != EMPTY]
    if gap.type == "NUMERICAL":
        for one in gap.answers:
            if one.text.text != "*":
                number(one.text.text)
    if len(shares) < len(gap.answers) or not shares:
        yield "une réponse est vide."
    elif gap.type.startswith("MULTI") and len(shares) < 2:
        yield "il faut au moins deux réponses proposées."
    elif gap.type.startswith("MULTIRESPONSE"):
        if max(shares) <= 0:
            yield "aucune bonne réponse."
    elif abs(max(shares) - 100) > 1e-6:
        yield "aucune réponse ne vaut 100\u00a0%."
