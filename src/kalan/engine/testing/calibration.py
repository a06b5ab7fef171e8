"""From answers to parameters that may be adopted: calibrated, put on the scale, looked at.

**Model.** One run over all items: a partial-credit item of two categories is a 2PL item, so GPCM
for all is 2PL for yes/no questions. With ``guessing`` the choices with enough answers are then
estimated in 3PL, the other yes/no questions held fixed.

``calibration_scale`` says where the run stands, ``calibration_review`` what to think of each item.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.calibrate.marginal import calibrate
from kalan.engine.psychometrics.calibrate.priors import PRODUCT_PRIORS
from kalan.engine.psychometrics.calibrate.result import Calibration
from kalan.engine.psychometrics.data import Responses
from kalan.engine.testing.calibration_prepare import prepare
from kalan.engine.testing.calibration_records import (
    GUESSING,
    LIMIT,
    NODES,
    Answers,
    Line,
    Prepared,
    Progress,
    Study,
    Subject,
    known,
)
from kalan.engine.testing.calibration_review import review
from kalan.engine.testing.calibration_scale import moved_to, place_on_scale
from kalan.engine.testing.items import GUESSED, bank_of


def study(
    subjects: Sequence[Subject],
    answers: Answers,
    *,
    guessing: bool = False,
    progress: Progress = lambda share: None,
) -> Study:
    """Calibrate ``subjects``; ``progress`` is told per cents and may raise to stop.

    Raises DataError when nothing can be calibrated.
    """
    prepared, left_out = prepare(subjects, answers)
    progress(5)
    found, warnings = _free(prepared)
    progress(55)
    if guessing:
        found, more = _with_guessing(prepared, found)
        warnings += more
    progress(70)
    scale, more = place_on_scale(prepared, [one.item for one in found])
    lines = [moved_to(one, scale) for one in found]
    progress(75)
    lines = review(prepared, lines, scale, progress)
    return Study(
        tuple(lines),
        tuple(left_out),
        scale,
        tuple(warnings + more),
        prepared.responses.n_persons,
        int(prepared.responses.item.size),
    )


# --- Parameters -------------------------------------------------------------------------------


def _free(prepared: Prepared) -> tuple[list[Line], list[str]]:
    model = "GPCM" if int(prepared.responses.category.max()) > 1 else "2PL"
    found = calibrate(prepared.responses, model, nodes=NODES, limit=LIMIT, priors=PRODUCT_PRIORS)
    lines = [
        _line(one, found, row, prepared.mapping[row]) for row, one in enumerate(prepared.subjects)
    ]
    warnings = []
    if not found.converged:
        warnings.append("Le calcul n’a pas convergé : ne l’adoptez pas, prévenez l’administrateur.")
    return lines, warnings


def _line(
    one: Subject, found: Calibration, row: int, mapping: Mapping[int, int], model: str = ""
) -> Line:
    top = int(found.parameters.top[row])
    se = found.se[row]
    # The place of an item is the mean of its steps; so is what is not known of it.
    place = found.covariance[row, 1 : 1 + top, 1 : 1 + top].mean()
    se_a, se_b = known(se[0]), known(math.sqrt(place) if place >= 0 else math.nan)
    item = replace(
        one.expert,
        top=top,
        model="gpcm" if top > 1 else "logistic",
        a=float(found.parameters.a[row]),
        b=tuple(float(b) for b in found.parameters.b[row, :top]),
        c=float(found.parameters.c[row]),
        se_a=se_a,
        se_b=se_b,
        n=int(found.answers[row]),
    )
    flags = []
    if mapping:
        flags.append("collapsed")
    if se_a is None or se_b is None or item.a <= 0:
        flags.append("unsure")
    named = model or ("GPCM" if top > 1 else "2PL")
    steps = tuple(known(value) for value in se[1 : 1 + top])
    return Line(item, named, tuple(flags), mapping=dict(mapping), steps=steps)


def _with_guessing(prepared: Prepared, lines: list[Line]) -> tuple[list[Line], list[str]]:
    """Choices with enough answers in 3PL, on the scale that the other yes/no questions hold."""
    wanted = {
        line.item.uid
        for line in lines
        if line.item.kind in GUESSED and line.item.top == 1 and line.item.n >= GUESSING
    }
    if not wanted:
        return lines, [
            f"Aucune question à choix n’a {GUESSING} réponses : le modèle 3PL n’a servi à aucune."
        ]
    dichotomous = np.array([line.item.top == 1 for line in lines])
    responses = _only(prepared.responses, dichotomous)
    held = [line.item for line in lines if line.item.top == 1 and line.item.uid not in wanted]
    # c of 1e-6 and not 0, whose logit no prior can weigh.
    anchors = bank_of([replace(one, c=1e-6) for one in held if one.a > 0], prudent=False)
    # A step of the search may try c = 0, where the prior has no density: it is turned back.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = calibrate(
            responses,
            "3PL",
            nodes=NODES,
            limit=LIMIT,
            priors=PRODUCT_PRIORS,
            anchors=anchors if held else None,
        )
    place = {uid: row for row, uid in enumerate(found.items)}
    out = [
        _line(one, found, place[one.uid], {}, "3PL") if one.uid in wanted else line
        for one, line in zip(prepared.subjects, lines, strict=True)
    ]
    return out, []


def _only(responses: Responses, kept: NDArray[np.bool_]) -> Responses:
    there = kept[responses.item]
    number = np.cumsum(kept) - 1
    person = responses.person[there]
    return Responses.from_triples(
        person,
        number[responses.item[there]],
        responses.category[there],
        items=[name for name, one in zip(responses.items, kept, strict=True) if one],
        persons=responses.n_persons,
    )
