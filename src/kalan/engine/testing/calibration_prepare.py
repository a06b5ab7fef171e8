"""Which items have answers enough to be calibrated, and those answers recoded without gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.calibration_records import (
    LEAST,
    Answers,
    LeftOut,
    Prepared,
    Subject,
)


def prepare(subjects: Sequence[Subject], answers: Answers) -> tuple[Prepared, list[LeftOut]]:
    width = max((one.expert.top for one in subjects), default=1) + 1
    category = np.minimum(answers.category, width - 1)
    counts = np.bincount(answers.item * width + category, minlength=len(subjects) * width)
    counts = counts.reshape(-1, width)
    kept, left_out, mappings = [], [], []
    for row, one in enumerate(subjects):
        used = np.flatnonzero(counts[row])
        number = int(counts[row].sum())
        reason = _why_left_out(number, used)
        if reason:
            left_out.append(LeftOut(one.code, number, reason))
            continue
        kept.append(row)
        whole = used.size == one.expert.top + 1
        mappings.append({} if whole else {int(old): new for new, old in enumerate(used.tolist())})
    if not kept:
        raise DataError(
            f"Aucune question n’a {LEAST} réponses qui diffèrent entre elles : rien ne peut être "
            "calibré. Attendez d’autres passations."
        )
    chosen = tuple(subjects[row] for row in kept)
    responses, who = _recoded(subjects, answers, kept, mappings, category)
    return Prepared(responses, chosen, tuple(mappings), answers.focal[who]), left_out


def _why_left_out(number: int, used: NDArray[np.int64]) -> str:
    """``number`` of answers, ``used`` categories; "" for an item that can be calibrated."""
    if number == 0:
        return "aucune réponse"
    if number < LEAST:
        return f"moins de {LEAST} réponses"
    if used.size < 2:
        return "toutes les réponses ont la même note : rien ne s’y mesure"
    return ""


def _recoded(
    subjects: Sequence[Subject],
    answers: Answers,
    kept: Sequence[int],
    mappings: Sequence[Mapping[int, int]],
    category: NDArray[np.int64],
) -> tuple[Responses, NDArray[np.int64]]:
    """Answers to the items ``kept``, categories without gaps; and which sittings they are of."""
    width = max(one.expert.top for one in subjects) + 1
    place = np.full(len(subjects), -1)
    place[kept] = np.arange(len(kept))
    recode = np.tile(np.arange(width), (len(subjects), 1))
    for row, mapping in zip(kept, mappings, strict=True):
        for old, new in mapping.items():
            recode[row, old] = new
    there = place[answers.item] >= 0
    who, sitting = np.unique(answers.sitting[there], return_inverse=True)
    responses = Responses.from_triples(
        sitting,
        place[answers.item[there]],
        recode[answers.item[there], category[there]],
        items=[subjects[row].uid for row in kept],
        persons=int(who.size),
    )
    return responses, who
