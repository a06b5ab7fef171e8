"""What a picture of the gallery is, and the bank that most of them show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.simulate import Sittings

SEED = 20261121  # of the standard bank; the pictures' own draws come from children of it
DOMAINS = ("Données", "Outils", "Échanges", "Sécurité", "Conduite")
SHARES = (0.42, 0.25, 0.13, 0.12, 0.08)  # of the bank, by domain


@dataclass(frozen=True)
class Size:
    """How much is simulated: ``persons`` a sitting; ``programmes`` of ``group`` persons; ``items``
    whose calibration is shown; ``bank`` items calibrated, then tested with; ``rounds`` of
    ``tuning`` persons for prices."""

    persons: int = 5000
    programmes: int = 16
    group: int = 400
    items: int = 30
    bank: int = 200
    rounds: int = 32
    tuning: int = 2000


@dataclass(frozen=True)
class Picture:
    """``name`` of the file without .svg; ``figures``: the numbers that ``caption`` tells or that
    the picture shows; ``verdicts``: what it shows in words."""

    name: str
    title: str
    svg: str
    caption: str
    reading: str
    figures: Mapping[str, float]
    verdicts: Mapping[str, str] = field(default_factory=dict)


def standard_bank(size: int = 500, *, guessing: bool = True) -> Bank:
    """The bank that every accuracy and exposure figure of the engine uses, with uneven areas."""
    rng = np.random.default_rng(SEED)
    a = np.exp(rng.normal(0.2, 0.3, size))
    b = rng.normal(0.0, 1.2, size)
    c = rng.uniform(0.10, 0.25, size) if guessing else np.zeros(size)
    ends = np.round(np.cumsum(SHARES) * size).astype(int)
    area = [DOMAINS[int(np.searchsorted(ends, i, side="right"))] for i in range(size)]
    return Bank.logistic(a, b, c, area=area)


def draw_answers(bank: Bank, theta: Floats, rng: np.random.Generator) -> Responses:
    """Everybody answers everything: θ (P), or (P, n) with an ability an item."""
    table = np.empty((theta.shape[0], bank.n_items), np.int16)
    for item in range(bank.n_items):
        own = theta if theta.ndim == 1 else theta[:, item]
        below = probabilities(bank.take([item]), own)[0].cumsum(axis=0)[:-1]
        table[:, item] = (rng.random(own.size) > below).sum(axis=0)
    return Responses.from_dense(table, items=bank.items)


def responses_from(sittings: Sittings, bank: Bank) -> Responses:
    """The answers of simulated sittings."""
    person, place = np.nonzero(sittings.item >= 0)
    return Responses.from_triples(
        person,
        sittings.item[person, place],
        sittings.category[person, place],
        items=bank.items,
        persons=sittings.truth.size,
    )


def rmse(error: Floats) -> float:
    return float(np.sqrt((error**2).mean()))
