"""Is the standard error that a test claims the error that it makes?"""

from __future__ import annotations

import numpy as np

from kalan.engine.psychometrics.blueprint import Blueprint
from kalan.engine.psychometrics.calibrate.marginal import calibrate
from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.gallery.french import number
from kalan.engine.psychometrics.gallery.picture import (
    Picture,
    Size,
    draw_answers,
    rmse,
    standard_bank,
)
from kalan.engine.psychometrics.gallery.plot import BLUE, GREEN, INK, ORANGE, Axis, Plot, Style
from kalan.engine.psychometrics.prices import prepare
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.select import Plan, Tables
from kalan.engine.psychometrics.simulate import Sittings, simulate
from kalan.engine.psychometrics.uncertain import expected_tables

LENGTH = 30
FEW = 100  # persons of a level below which it is not drawn
ANSWERS = (100, 200, 500, 1000, 2000)
EDGES = np.array([-2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5])


def draw(size: Size, seed: int) -> Picture:
    """Known parameters by level of the estimate; then parameters calibrated on few answers."""
    blueprint = Blueprint(LENGTH, LENGTH)
    theta = np.random.default_rng(seed).normal(0, 1, size.persons)
    known = simulate(prepare(standard_bank(), blueprint)[0], theta, np.random.default_rng(seed + 1))
    levels = by_level(known)
    pairs = [_ratios(n, size.bank, blueprint, theta, seed) for n in ANSWERS]
    ratios, carried = ([pair[k] for pair in pairs] for k in (0, 1))
    figures: dict[str, float] = {"ratio_known": claimed_over_real(known)}
    figures |= {f"ratio_{n}": value for n, value in zip(ANSWERS, ratios, strict=True)}
    figures |= {f"carried_{n}": value for n, value in zip(ANSWERS, carried, strict=True)}
    plot = _plot(levels, ratios, carried)
    mended = ", ".join(number(value) for value in carried)
    told = ", ".join(f"{number(figures[f'ratio_{n}'])} à {number(n, 0)}" for n in ANSWERS)
    caption = (
        f"Tests adaptatifs de {LENGTH} questions, {number(size.persons, 0)} personnes simulées. "
        f"Paramètres connus : l’erreur annoncée vaut {number(figures['ratio_known'])} fois "
        f"l’erreur réelle. Paramètres étalonnés (2PL, {size.bank} questions) : {told} réponses par "
        f"question ; l’erreur des paramètres comptée : {mended}."
    )
    reading = (
        "Une annonce honnête reste sur 1 : sous 500 réponses, le test choisit les questions dont "
        "la pente a été surestimée et se croit plus précis qu’il n’est ; "
        "compter leur erreur le corrige en partie."
    )
    return Picture("erreur-annoncee", plot.title, plot.svg(), caption, reading, figures)


def claimed_over_real(run: Sittings) -> float:
    """Root mean square of the claimed standard errors over the RMSE."""
    return rmse(run.se) / rmse(run.theta - run.truth)


def by_level(run: Sittings) -> Floats:
    """(3, levels) middle, claimed and real error by level of the estimate; few persons: NaN."""
    place = np.digitize(run.theta, EDGES) - 1
    out = np.full((3, EDGES.size - 1), np.nan)
    out[0] = (EDGES[:-1] + EDGES[1:]) / 2
    for level in range(EDGES.size - 1):
        who = place == level
        if who.sum() >= FEW:
            out[1, level] = rmse(run.se[who])
            out[2, level] = rmse((run.theta - run.truth)[who])
    return out


def _ratios(
    answers: int, size: int, blueprint: Blueprint, theta: Floats, seed: int
) -> tuple[float, float]:
    """Calibrate the bank on so many answers an item and test with it: claimed over real, with the
    parameters taken as exact, then with their error carried into the tables."""
    true = standard_bank(size, guessing=False)
    rng = np.random.default_rng([seed, answers])
    responses = draw_answers(true, rng.normal(0, 1, answers), rng)
    bank, covariance = _usable(responses)
    grid, out = normal_grid(61, 5.0), []
    for tables in (Tables(bank, grid), expected_tables(bank, covariance, grid)):
        run = simulate(Plan(tables, blueprint), theta, rng, truth=true.aligned(bank.items))
        out.append(claimed_over_real(run))
    return out[0], out[1]


def _usable(responses: Responses) -> tuple[Bank, Floats]:
    """Items whose estimate a reviewer would let through: slope in 0.2 … 5, |b| at most 5, errors
    known; with the covariance of (a, b)."""
    found = calibrate(responses, "2PL", drop_constant=True, tolerance=1e-3, nodes=41, cycles=20)
    a, b, errors = found.parameters.a, found.parameters.b[:, 0], found.covariance[:, :2, :2]
    good = (a > 0.2) & (a < 5) & (np.abs(b) < 5) & np.isfinite(errors).all(axis=(1, 2))
    good[good] = np.linalg.eigvalsh(errors[good])[:, 0] > 0
    names = [name for name, one in zip(found.items, good, strict=True) if one]
    return Bank.logistic(a[good], b[good], items=names), errors[good]


def _plot(levels: Floats, ratios: list[float], carried: list[float]) -> Plot:
    plot = Plot(
        "Erreur annoncée et erreur réelle",
        "En haut, erreur annoncée et erreur réelle selon l’estimation ; en bas, rapport des deux "
        "selon le nombre de réponses qui ont servi à étalonner.",
        715,
    )
    line, point = Style(BLUE), Style(ORANGE, shape="ring", size=5)
    plot.legend(20, [("erreur annoncée", line, "line"), ("erreur réelle (RMSE)", point, "points")])
    ticks = (0, 0.1, 0.2, 0.3, 0.4)
    upper = plot.panel(
        (56, 90, 470, 300), Axis(-2.5, 2.5, (-2, -1, 0, 1, 2), "compétence estimée"),
        Axis(0, 0.4, ticks, "erreur type"),
    )  # fmt: skip
    upper.line(levels[0], levels[1], line)
    upper.points(levels[0], levels[2], point)
    place = np.arange(len(ANSWERS), dtype=np.float64)
    lower = plot.panel(
        (56, 455, 470, 655),
        Axis(-0.5, len(ANSWERS) - 0.5, place.tolist(), "réponses par question",
             [number(n, 0) for n in ANSWERS]),
        Axis(0.4, 1.2, (0.4, 0.6, 0.8, 1.0, 1.2), "annoncée ÷ réelle"),
    )  # fmt: skip
    steady = Style(GREEN, dash="9 4", width=1.8)
    plot.legend(
        378,
        [
            ("paramètres pris pour exacts", Style(BLUE, width=1.5), "line"),
            ("erreur des paramètres comptée", steady, "line"),
        ],
    )
    lower.line([-0.5, len(ANSWERS) - 0.5], [1, 1], Style(INK, dash="4 4", width=1.2))
    lower.line(place, carried, steady)
    lower.points(place, carried, Style(GREEN, shape="square", size=4))
    lower.line(place, ratios, Style(BLUE, width=1.5))
    lower.points(place, ratios, Style(BLUE, size=5))
    for x, value in zip(place, ratios, strict=True):
        lower.word(float(x) + 0.09, value - 0.075, number(value), "start")
    return plot
