"""What a bank can carry: an adaptive test, fixed forms, or neither, by its size and the length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.data import Bank
from kalan.engine.psychometrics.feasibility import check
from kalan.engine.psychometrics.gallery.french import NBSP, number
from kalan.engine.psychometrics.gallery.picture import Picture, Size, standard_bank
from kalan.engine.psychometrics.gallery.plot import BLUE, GREEN, ORANGE, Axis, Plot, Style
from kalan.engine.psychometrics.prices import prepare
from kalan.engine.psychometrics.report import RELIABLE, Study, report
from kalan.engine.psychometrics.simulate import simulate

BANKS, LENGTHS = (50, 100, 200, 400), (10, 15, 20, 30)
CAP = 0.25
STYLES = {
    "adaptive": Style(BLUE, size=8),
    "fixed forms": Style(GREEN, shape="square", size=7),
    "neither": Style(ORANGE, shape="cross", size=7),
}
FRENCH = {
    "adaptive": "test adaptatif",
    "fixed forms": "formes fixes parallèles",
    "neither": "ni l’un ni l’autre",
}


@dataclass(frozen=True)
class Cell:
    carries: str
    reliability: float  # of the adaptive test; of the best fixed form where there is none


def draw(size: Size, seed: int) -> Picture:
    cells = {
        (items, length): _cell(standard_bank(items), length, size, seed)
        for items in BANKS
        for length in LENGTHS
    }
    figures: dict[str, float] = {}
    verdicts: dict[str, str] = {}
    for (items, length), cell in cells.items():
        verdicts[f"{items}_{length}"] = cell.carries
        figures[f"reliability_{items}_{length}"] = cell.reliability
    told = []
    for length in LENGTHS:
        able = [n for n in BANKS if cells[n, length].carries == "adaptive"]
        told.append(
            f"{length} questions : dès {able[0]}" if able else f"{length} questions : aucune"
        )
    plot, apart = _plot(cells), f"{NBSP}; "
    caption = (
        f"Plafond d’exposition {number(CAP)}, fidélité demandée {number(RELIABLE)}. Taille "
        f"de banque à partir de laquelle un test adaptatif est porté, "
        f"selon sa longueur : {apart.join(told)}. "
        f"Fidélité de {number(min(c.reliability for c in cells.values()))} à "
        f"{number(max(c.reliability for c in cells.values()))}."
    )
    reading = (
        "Une banque trop jeune pour un test adaptatif porte souvent des formes fixes : le "
        "simulateur dit laquelle des deux voies est ouverte avant toute publication."
    )
    return Picture("capacite", plot.title, plot.svg(), caption, reading, figures, verdicts)


def _cell(bank: Bank, length: int, size: Size, seed: int) -> Cell:
    """A bank that the plan is refused for is judged without its cap: forms know none."""
    blueprint = Blueprint(length, length, cap=CAP)
    lacking = bool(check(bank, blueprint))
    if lacking:
        blueprint = Blueprint(length, length)
    plan, ledger = prepare(
        bank, blueprint, rounds=max(size.rounds // 3, 2), persons=size.tuning // 2, seed=seed
    )
    rng = np.random.default_rng([seed, bank.n_items, length])
    persons = max(size.persons // 2, 100)
    run = simulate(plan, rng.normal(0, 1, persons), rng, ledger=ledger)
    study = Study(plan, run, run.theta, run.se, np.zeros(persons, np.int64), ("",))
    found = report(study)
    verdict = found["verdict"]
    carries = str(verdict["carries"])
    if lacking and carries == "adaptive":
        good = verdict["fixed_reliability"] >= RELIABLE and verdict["fixed_forms"] >= 2
        carries = "fixed forms" if good else "neither"
    reliability = found["reliability"] if carries == "adaptive" else verdict["fixed_reliability"]
    return Cell(carries, float(reliability))


def _plot(cells: dict[tuple[int, int], Cell]) -> Plot:
    plot = Plot(
        "Ce qu’une banque peut porter",
        "Pour chaque taille de banque et chaque longueur de test : test adaptatif, formes fixes ou "
        "ni l’un ni l’autre, avec la fidélité attendue.",
        460,
    )
    plot.legend(20, [(FRENCH[name], style, "points") for name, style in STYLES.items()])
    across = np.arange(len(BANKS), dtype=np.float64)
    panel = plot.panel(
        (56, 115, 470, 405),
        Axis(-0.5, len(BANKS) - 0.5, across.tolist(), "questions dans la banque",
             [number(n, 0) for n in BANKS]),
        Axis(-0.5, len(LENGTHS) - 0.5, across.tolist(), "questions par test",
             [str(n) for n in LENGTHS]),
    )  # fmt: skip
    for (items, length), cell in cells.items():
        x, y = BANKS.index(items), LENGTHS.index(length)
        panel.points(x, y + 0.12, STYLES[cell.carries])
        panel.word(x, y - 0.32, number(cell.reliability))
    return plot
