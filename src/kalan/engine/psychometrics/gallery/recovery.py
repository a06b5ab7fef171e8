"""What a calibration finds again of the slopes and difficulties that made the answers."""

from __future__ import annotations

import numpy as np

from kalan.engine.psychometrics.calibrate.marginal import calibrate
from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.gallery.french import number, percent
from kalan.engine.psychometrics.gallery.picture import Picture, Size, draw_answers, rmse
from kalan.engine.psychometrics.gallery.plot import BLUE, INK, ORANGE, Axis, Plot, Style

ANSWERS = (100, 500, 2000)
Z95 = 1.959963984540054
NAMES, LEFTS = ("pente a", "difficulté b"), (40.0, 292.0)
AXES = (
    (Axis(0, 2.5, (0, 1, 2), "vraie pente a"), Axis(0, 4, (0, 1, 2, 3, 4))),
    (Axis(-3, 3, (-2, 0, 2), "vraie difficulté b"), Axis(-4, 4, (-4, -2, 0, 2, 4))),
)


def draw(size: Size, seed: int) -> Picture:
    """2PL without priors; the first 100 persons are among the 500, and these among the 2 000."""
    rng = np.random.default_rng(seed)
    true = Bank.logistic(
        np.exp(rng.normal(0.1, 0.3, size.items)), np.clip(rng.normal(0, 1, size.items), -2.2, 2.2)
    )
    answers = draw_answers(true, rng.normal(0, 1, ANSWERS[-1]), rng)
    truth = np.stack([true.a, true.b[:, 0]])
    found = {}
    for number_of in ANSWERS:
        done = calibrate(answers.keep(np.arange(number_of)), "2PL", drop_constant=True)
        kept = np.isin(true.items, done.items)
        value, error = np.full((2, size.items), np.nan), np.full((2, size.items), np.nan)
        value[:, kept] = done.parameters.a, done.parameters.b[:, 0]
        error[:, kept] = done.se[:, :2].T
        found[number_of] = value, error
    figures = _figures(truth, found)
    plot = _plot(truth, found)
    told = " ; ".join(
        f"{number(n, 0)} réponses : {number(figures[f'rmse_a_{n}'])} sur a, "
        f"{number(figures[f'rmse_b_{n}'])} sur b, couverture {percent(figures[f'cover_{n}'])}"
        for n in ANSWERS
    )
    caption = (
        f"Étalonnage 2PL de {size.items} questions, intervalles à {percent(0.95)}. "
        f"RMSE : {told}. Étendue moyenne de l’intervalle de a : "
        + ", ".join(f"{number(figures[f'wide_a_{n}'])} ({number(n, 0)})" for n in ANSWERS)
        + "."
    )
    reading = (
        "À 100 réponses l’intervalle d’une pente contient le simple et le double : choisir des "
        "questions sur ces pentes serait choisir des erreurs ; à 500 elles se distinguent, d’où le "
        "seuil d’emploi."
    )
    return Picture("etalonnage", plot.title, plot.svg(), caption, reading, figures)


def _figures(truth: Floats, found: dict[int, tuple[Floats, Floats]]) -> dict[str, float]:
    out: dict[str, float] = {}
    for answers, (value, error) in found.items():
        gap = value - truth
        known = np.isfinite(gap) & np.isfinite(error)
        out[f"rmse_a_{answers}"] = rmse(gap[0, known[0]])
        out[f"rmse_b_{answers}"] = rmse(gap[1, known[1]])
        out[f"cover_{answers}"] = float((np.abs(gap) <= Z95 * error)[known].mean())
        out[f"wide_a_{answers}"] = float(2 * Z95 * error[0, known[0]].mean())
    return out


def _plot(truth: Floats, found: dict[int, tuple[Floats, Floats]]) -> Plot:
    plot = Plot(
        "Étalonnage : vraies valeurs et valeurs retrouvées",
        "Six cadres : pente a à gauche, difficulté b à droite, pour 100, 500 et 2 000 réponses. "
        "Chaque question est un point avec son intervalle ; la diagonale est l’exactitude.",
        750,
    )
    styles = Style(BLUE, width=1.5, size=3), Style(ORANGE, width=1.5, size=3, shape="square")
    for row, (answers, (value, error)) in enumerate(found.items()):
        top = 62.0 + row * 245
        words = f"{number(answers, 0)} réponses par question"
        plot.text(240, top - 40, words, "middle", bold=True)
        for column, style in enumerate(styles):
            panel = plot.panel((LEFTS[column], top, LEFTS[column] + 178, top + 140), *AXES[column])
            low, high = panel.x.low, panel.x.high
            panel.line([low, high], [low, high], Style(INK, dash="4 4", width=1))
            half = Z95 * error[column]
            panel.intervals(truth[column], value[column] - half, value[column] + half, style)
            panel.points(truth[column], value[column], style)
            plot.text(LEFTS[column], top - 14, f"{NAMES[column]} retrouvée")
    return plot
