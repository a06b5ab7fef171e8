"""How often each item is given, before and after exposure control."""

from __future__ import annotations

import numpy as np

from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.gallery.french import number, percent
from kalan.engine.psychometrics.gallery.picture import Picture, Size, rmse, standard_bank
from kalan.engine.psychometrics.gallery.plot import BLUE, INK, ORANGE, Axis, Plot, Style
from kalan.engine.psychometrics.prices import prepare
from kalan.engine.psychometrics.simulate import Sittings, simulate

LENGTH, CAP = 30, 0.20


def draw(size: Size, seed: int) -> Picture:
    """Maximum information alone, then item prices and the live cap, on the same persons."""
    bank = standard_bank()
    theta = np.random.default_rng(seed).normal(0, 1, size.persons)
    plain = Blueprint(LENGTH, LENGTH, spread=1, spread_until=0)
    capped = Blueprint(LENGTH, LENGTH, cap=CAP)
    runs = {}
    for name, blueprint in (("before", plain), ("after", capped)):
        plan, ledger = prepare(
            bank, blueprint, rounds=size.rounds, persons=size.tuning, seed=seed + 1
        )
        runs[name] = simulate(plan, theta, np.random.default_rng(seed + 2), ledger=ledger)
    figures: dict[str, float] = {}
    for name, run in runs.items():
        figures |= {f"{key}_{name}": value for key, value in measures(run, bank.n_items).items()}
    caption = (
        f"Tests de {LENGTH} questions sur {bank.n_items}, {number(size.persons, 0)} personnes "
        f"simulées. Sans contrôle : exposition maximale {number(figures['max_before'])}, "
        f"recouvrement {number(figures['overlap_before'], 3)}, "
        f"{percent(figures['never_before'])} de questions jamais posées, RMSE "
        f"{number(figures['rmse_before'], 3)}. Avec prix et plafond à {number(CAP)} : "
        f"{number(figures['max_after'], 3)}, {number(figures['overlap_after'], 3)}, "
        f"{percent(figures['never_after'])} et {number(figures['rmse_after'], 3)}."
    )
    reading = (
        "Sans contrôle, quelques questions vont à presque tout le monde et fuient ; le plafond "
        "répartit l’usage sur toute la banque, au prix d’un peu de précision."
    )
    picture = _plot({name: np.sort(run.exposure(bank.n_items))[::-1] for name, run in runs.items()})
    return Picture("exposition", picture.title, picture.svg(), caption, reading, figures)


def measures(run: Sittings, items: int) -> dict[str, float]:
    """Largest rate, overlap Σ r²/L (Chen, Ankenmann & Spray 2003), share never used, RMSE."""
    rates = run.exposure(items)
    return {
        "max": float(rates.max()),
        "overlap": float((rates**2).sum() / run.length.mean()),
        "never": float((rates == 0).mean()),
        "rmse": rmse(run.theta - run.truth),
    }


def _plot(rates: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> Plot:
    plot = Plot(
        "Exposition des questions, avant et après contrôle",
        "Part des personnes qui reçoivent chaque question, questions rangées de la plus posée à "
        "la moins posée, sans contrôle et avec prix et plafond.",
        390,
    )
    before, after = Style(ORANGE, dash="9 4"), Style(BLUE)
    plot.legend(
        20,
        [
            ("sans contrôle : la plus informative", before, "line"),
            (f"prix des questions et plafond à {number(CAP)}", after, "line"),
        ],
    )
    many = rates["before"].size
    panel = plot.panel(
        (56, 90, 458, 335),
        Axis(0, many, range(0, many + 1, 100), "rang de la question"),
        Axis(0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1), "taux d’exposition"),
    )
    panel.line([0, many], [CAP, CAP], Style(INK, dash="1 4", width=1.5))
    rank = np.arange(1, many + 1) - 0.5
    panel.line(rank, rates["before"], before)
    panel.line(rank, rates["after"], after)
    return plot
