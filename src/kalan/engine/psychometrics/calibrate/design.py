"""From answers to a problem that can be solved: what is refused or left out, where to start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.calibrate.expectation import Data, collapsed
from kalan.engine.psychometrics.calibrate.priors import Priors
from kalan.engine.psychometrics.calibrate.problem import Problem
from kalan.engine.psychometrics.data import (
    GRADED,
    LOGISTIC,
    PARTIAL_CREDIT,
    Bank,
    Floats,
    Ints,
    Responses,
)
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.likelihood import blocks, check_categories

FAMILY = {
    "1PL": LOGISTIC,
    "2PL": LOGISTIC,
    "3PL": LOGISTIC,
    "GRM": GRADED,
    "GPCM": PARTIAL_CREDIT,
}
START_C = 0.15


@dataclass(frozen=True, eq=False)
class Prepared:
    """Answers of the items kept; ``counts`` (n, K) weighted answers; ``anchor`` (n) row of the
    anchor bank or −1; ``top`` (n)."""

    responses: Responses
    counts: Floats
    top: Ints
    anchor: NDArray[np.int64]
    dropped: tuple[str, ...]
    recoded: tuple[str, ...]


def prepare(
    responses: Responses, model: str, anchors: Bank | None, drop_constant: bool, recode: bool
) -> Prepared:
    """Check every item; leave out the constant ones where that is asked."""
    place = {name: row for row, name in enumerate(anchors.items)} if anchors else {}
    anchor = np.array([place.get(name, -1) for name in responses.items], np.int64)
    if anchors:
        _check_anchors(anchors, responses, model, anchor)
    counts = weighted_counts(responses)
    used = counts > 0
    constant = (used.sum(axis=1) <= 1) & (anchor < 0)
    dropped = tuple(name for name, out in zip(responses.items, constant, strict=True) if out)
    if dropped and not drop_constant:
        _refuse_constant(responses.items, counts, int(np.argmax(constant)))
    if dropped:
        responses, counts, anchor = (
            _without(responses, constant),
            counts[~constant],
            anchor[~constant],
        )
    if not responses.items:
        raise DataError("Il ne reste aucune question : toutes sont constantes ou sans réponse.")
    if FAMILY[model] == LOGISTIC:
        _check_dichotomous(responses.items, counts, model)
        recoded: tuple[str, ...] = ()
    else:
        responses, counts, recoded = _categories(responses, counts, anchor, recode)
    last = counts.shape[1] - 1 - np.argmax(counts[:, ::-1] > 0, axis=1)
    top = np.maximum(last, 1).astype(np.int64)
    if anchors:
        top[anchor >= 0] = anchors.top[anchor[anchor >= 0]]
    return Prepared(responses, counts, top, anchor, dropped, recoded)


def weighted_counts(responses: Responses) -> Floats:
    """(n, m + 1) as ``Responses.counts``, block by block: memory does not grow with the file."""
    width = int(responses.category.max(initial=0)) + 1
    found = np.zeros(responses.n_items * width)
    for low, high in blocks(responses):
        answers = slice(responses.start[low], responses.start[high])
        code = responses.item[answers].astype(np.int64) * width + responses.category[answers]
        weight = np.repeat(responses.weight[low:high], np.diff(responses.start[low : high + 1]))
        found += np.bincount(code, weights=weight, minlength=found.size)
    return found.reshape(responses.n_items, width)


def _check_anchors(
    anchors: Bank, responses: Responses, model: str, anchor: NDArray[np.int64]
) -> None:
    rows = anchor[anchor >= 0]
    if not rows.size:
        raise DataError(
            "Aucune question du fichier n’est dans la banque d’ancrage. Vérifiez les noms."
        )
    for row in rows.tolist():
        name = anchors.items[row]
        if anchors.family[row] != FAMILY[model]:
            raise DataError(f"Ancre « {name} » : d’un autre modèle que {model}. Retirez-la.")
        if anchors.d[row] != 1 or (anchors.c[row] > 0 and model != "3PL"):
            raise DataError(
                f"Ancre « {name} » : asymptote (c ou d) que {model} n’a pas. Retirez-la"
                + (" ou étalonnez en 3PL." if anchors.d[row] == 1 else ".")
            )
    held = np.flatnonzero(anchor >= 0)
    kept = _without(responses, anchor < 0)
    check_categories(anchors.take(anchor[held]), kept)


def _refuse_constant(items: Sequence[str], counts: Floats, row: int) -> None:
    used = np.flatnonzero(counts[row] > 0)
    what = (
        f"réponse {used[0]} partout (constante), rien ne s’y mesure"
        if used.size
        else "aucune réponse"
    )
    raise DataError(
        f"Question « {items[row]} » : {what}. Retirez la colonne, ou laissez-la de côté avec "
        "--drop-constant."
    )


def _check_dichotomous(items: Sequence[str], counts: Floats, model: str) -> None:
    beyond = (counts[:, 2:] > 0).any(axis=1)
    if beyond.any():
        row = int(np.argmax(beyond))
        value = 2 + int(np.argmax(counts[row, 2:] > 0))
        raise DataError(
            f"Question « {items[row]} » : réponse {value}, alors que {model} attend 0 ou 1. "
            "Choisissez GRM ou GPCM, ou recodez."
        )


def _without(responses: Responses, out: NDArray[np.bool_]) -> Responses:
    """The answers without some items; persons stay, even if nothing of theirs does."""
    kept = ~out[responses.item]
    number = np.cumsum(~out) - 1
    total = np.concatenate(([0], np.cumsum(kept)))
    return replace(
        responses,
        items=tuple(name for name, gone in zip(responses.items, out, strict=True) if not gone),
        start=total[responses.start],
        item=number[responses.item[kept]].astype(np.int32),
        category=responses.category[kept],
    )


def _categories(
    responses: Responses, counts: Floats, anchor: NDArray[np.int64], recode: bool
) -> tuple[Responses, Floats, tuple[str, ...]]:
    """Every category below the highest must be used; ``recode`` renumbers those that are."""
    used = counts > 0
    highest = counts.shape[1] - 1 - np.argmax(used[:, ::-1], axis=1)
    below = np.arange(counts.shape[1])[None, :] < highest[:, None]
    gap = (below & ~used).any(axis=1) & (anchor < 0)
    if not gap.any():
        return responses, counts, ()
    if not recode:
        row = int(np.argmax(gap))
        empty = int(np.argmax(below[row] & ~used[row]))
        raise DataError(
            f"Question « {responses.items[row]} » : la catégorie {empty} n’est jamais utilisée "
            f"(la plus haute est {highest[row]}). Renumérotez les catégories à partir de 0, ou "
            "laissez faire --recode."
        )
    number = np.where(gap[:, None], np.cumsum(used, axis=1) - 1, np.arange(counts.shape[1]))
    category = number[responses.item, responses.category].astype(np.int16)
    recoded = replace(responses, category=category)
    names = tuple(name for name, one in zip(responses.items, gap, strict=True) if one)
    return recoded, weighted_counts(recoded), names


def start_values(prepared: Prepared, model: str, anchors: Bank | None) -> Floats:
    """(n, p) phi: a = 1 and intercepts from the shares of each category; anchors as they are."""
    counts, top = prepared.counts, prepared.top
    width = 2 if FAMILY[model] == LOGISTIC else int(top.max()) + 1
    n = top.size
    phi = np.zeros((n, width + (model == "3PL")))
    phi[:, 0] = 1.0
    share = np.zeros((n, width))
    share[:, : counts.shape[1]] = counts[:, :width]
    share += 0.5 * (np.arange(width)[None, :] <= top[:, None])  # no logarithm of nothing
    share /= share.sum(axis=1, keepdims=True)
    if model == "GPCM":
        with np.errstate(divide="ignore"):
            phi[:, 1:width] = np.log(share[:, 1:]) - np.log(share[:, :1])
    else:
        above = np.cumsum(share[:, ::-1], axis=1)[:, ::-1][:, 1:]
        if model == "3PL":
            above = np.clip((above - START_C) / (1 - START_C), 0.02, 0.98)
            phi[:, 2] = START_C
        with np.errstate(divide="ignore"):
            phi[:, 1:width] = 1.2 * (np.log(above) - np.log1p(-above))  # 1.2: flattened by θ's SD
    phi[~np.isfinite(phi)] = 0.0
    if anchors is not None:
        held = np.flatnonzero(prepared.anchor >= 0)
        phi[held] = _anchor_values(anchors.take(prepared.anchor[held]), model, phi.shape[1])
    return phi


def _anchor_values(bank: Bank, model: str, width: int) -> Floats:
    phi = np.zeros((bank.n_items, width))
    phi[:, 0] = bank.a
    d = np.nan_to_num(-bank.a[:, None] * bank.b)
    if model == "GPCM":
        d = np.cumsum(d, axis=1)
    steps = min(d.shape[1], width - 1)
    phi[:, 1 : 1 + steps] = d[:, :steps]
    if model == "3PL":
        phi[:, 2] = bank.c
    return phi


def free_entries(prepared: Prepared, model: str, width: int) -> NDArray[np.int64]:
    """(n, p) place of each entry of phi in x; the slope of 1PL has one place for all."""
    column = np.arange(width)
    steps = 1 if FAMILY[model] == LOGISTIC else prepared.top[:, None]
    free = (column[None, :] <= steps) | ((model == "3PL") & (column[None, :] == 2))
    free = np.broadcast_to(free, (prepared.top.size, width)) & (prepared.anchor < 0)[:, None]
    index = np.full(free.shape, -1, np.int64)
    if model != "1PL":
        index[free] = np.arange(free.sum())
        return index
    index[free[:, 0], 0] = 0
    index[free[:, 1], 1] = 1 + np.arange(free[:, 1].sum())
    return index


def build(
    prepared: Prepared,
    model: str,
    anchors: Bank | None,
    priors: Priors,
    group: NDArray[np.int64],
    groups: int,
    theta: Floats,
) -> Problem:
    """The problem: groups after the first, or all of them with anchors, have a free mean and SD."""
    responses = prepared.responses
    there = (np.diff(responses.start) > 0) & (responses.weight > 0)
    if not there.all():
        responses, group = responses.keep(there), group[there]
    responses, group = collapsed(responses, group)
    phi = start_values(prepared, model, anchors)
    index = free_entries(prepared, model, phi.shape[1])
    latent_index = np.full((groups, 2), -1, np.int64)
    first = int(index.max(initial=-1)) + 1
    free = np.arange(groups) >= (0 if anchors is not None else 1)
    latent_index[free] = first + np.arange(2 * free.sum()).reshape(-1, 2)
    once = (index[:, 0] >= 0).astype(np.float64)
    if model == "1PL":
        once = (np.cumsum(once) == 1) * once
    categories = int(prepared.top.max()) + 1
    data = Data(responses, group, categories, groups)
    return Problem(
        model,
        data,
        theta,
        prepared.top,
        phi,
        index,
        np.zeros((groups, 2)),
        latent_index,
        priors,
        once,
    )
