"""What groups gained: difference of mean EAPs, and the marginal estimate with its interval."""

from __future__ import annotations

import numpy as np

from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.data import Floats
from kalan.engine.psychometrics.gain import group_gain
from kalan.engine.psychometrics.gallery.french import number, percent
from kalan.engine.psychometrics.gallery.picture import (
    Picture,
    Size,
    responses_from,
    standard_bank,
)
from kalan.engine.psychometrics.gallery.plot import BLUE, INK, ORANGE, Axis, Plot, Style
from kalan.engine.psychometrics.prices import prepare
from kalan.engine.psychometrics.simulate import simulate

LENGTH = 20
SMALLEST, LARGEST = 0.1, 0.8
CORRELATION = 0.8


def draw(size: Size, seed: int) -> Picture:
    """Programmes of growing true gain; each test takes its items from its own half of the bank."""
    bank = standard_bank()
    halves = [bank.take(np.arange(start, bank.n_items, 2)) for start in (0, 1)]
    blueprint = Blueprint(LENGTH, LENGTH)
    plans = [prepare(half, blueprint)[0] for half in halves]
    rng = np.random.default_rng(seed)
    true = np.linspace(SMALLEST, LARGEST, size.programmes)
    rows = []
    for gain in true:
        before = rng.normal(-0.2, 1.0, size.group)
        noise = rng.normal(0.0, np.sqrt(1 - CORRELATION**2), size.group)
        after = -0.2 + gain + CORRELATION * (before + 0.2) + noise
        one, two = (
            simulate(plan, theta, rng) for plan, theta in zip(plans, (before, after), strict=True)
        )
        answers = [responses_from(run, half) for run, half in zip((one, two), halves, strict=True)]
        found = group_gain(halves[0], answers[0], halves[1], answers[1])
        rows.append((found.gain, found.low, found.high, float((two.theta - one.theta).mean())))
    table = np.array(rows).T
    figures = _figures(true, table)
    plot = _plot(true, table)
    caption = (
        f"{size.programmes} programmes simulés de {number(size.group, 0)} personnes, "
        f"{LENGTH} questions avant et {LENGTH} autres après. Pente par rapport au vrai gain : "
        f"{number(figures['slope_eap'])} pour la différence des moyennes EAP, "
        f"{number(figures['slope_marginal'])} pour l’estimation marginale. L’intervalle à "
        f"{percent(0.95)} contient le vrai gain dans {number(figures['covered'], 0)} "
        f"programmes sur {size.programmes} ; demi-étendue moyenne {number(figures['half'], 3)}."
    )
    reading = (
        "La différence des moyennes EAP passe sous la diagonale : elle rabote le gain, car chaque "
        "note est tirée vers la moyenne ; l’estimation marginale rend au programme ce qu’il a fait."
    )
    return Picture("gain", plot.title, plot.svg(), caption, reading, figures)


def _figures(true: Floats, table: Floats) -> dict[str, float]:
    marginal, low, high, eap = table
    return {
        "slope_eap": float(eap.sum() / true.sum()),
        "slope_marginal": float(marginal.sum() / true.sum()),
        "covered": float(((low <= true) & (true <= high)).sum()),
        "half": float((high - low).mean() / 2),
    }


def _plot(true: Floats, table: Floats) -> Plot:
    marginal, low, high, eap = table
    plot = Plot(
        "Gain d’un groupe : vrai et estimé",
        "Vrai gain moyen en abscisse, gain estimé en ordonnée ; estimation marginale avec son "
        "intervalle, différence des moyennes EAP, et la diagonale de l’exactitude.",
        420,
    )
    blue, orange = Style(BLUE, width=1.8), Style(ORANGE, shape="diamond", size=4.2)
    plot.legend(
        20,
        [
            ("estimation marginale, intervalle à 95 %", blue, "points"),
            ("différence des moyennes EAP", orange, "points"),
        ],
    )
    ticks = (0, 0.2, 0.4, 0.6, 0.8, 1.0)
    panel = plot.panel(
        (56, 90, 470, 365), Axis(0, 0.9, ticks[:5], "vrai gain moyen (en écarts types)"),
        Axis(0, 1.0, ticks, "gain estimé"),
    )  # fmt: skip
    panel.line([0, 0.9], [0, 0.9], Style(INK, dash="4 4", width=1.2))
    panel.intervals(true, low, high, blue)
    panel.points(true, marginal, blue)
    panel.points(true, eap, orange)
    return plot
