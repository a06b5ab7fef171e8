"""What a bank knows at each ability: test information and standard error, by domain."""

from __future__ import annotations

import numpy as np

from kalan.engine.psychometrics.data import Floats
from kalan.engine.psychometrics.gallery.french import number, percent
from kalan.engine.psychometrics.gallery.picture import DOMAINS, SHARES, Picture, Size, standard_bank
from kalan.engine.psychometrics.gallery.plot import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    Axis,
    Plot,
    Style,
)
from kalan.engine.psychometrics.models import information

LINES = (
    Style(BLUE),
    Style(ORANGE, dash="9 4"),
    Style(GREEN, dash="2 3"),
    Style(PURPLE, dash="12 3 2 3"),
    Style(INK, dash="5 2"),
)
TARGET = 0.40  # standard error of a competence level
REACH = 3.0


def draw(size: Size, seed: int) -> Picture:
    """Information Σ I_i(θ) and 1/√(Σ I_i + 1): EAP with the prior N(0, 1)."""
    bank, theta = standard_bank(), np.linspace(-REACH, REACH, 121)
    info = information(bank, theta)
    area = np.array(bank.area)
    by_domain = {name: info[area == name].sum(axis=0) for name in DOMAINS}
    figures = _figures(by_domain, theta)
    plot = Plot(
        "Information et erreur type de la banque, par domaine",
        "En haut, l’information du test selon la compétence θ, une courbe par domaine ; "
        "en bas, l’erreur type qui en découle et la cible de 0,40.",
        660,
    )
    plot.legend(
        20,
        [
            (f"{name} ({percent(share)} des questions)", style, "line")
            for name, share, style in zip(DOMAINS, SHARES, LINES, strict=True)
        ],
    )
    _panels(plot, theta, by_domain)
    first, last = DOMAINS[0], DOMAINS[-1]
    caption = (
        f"Banque type de {bank.n_items} questions (3PL). Si toutes les questions d’un domaine "
        f"étaient posées, l’information à θ = 0 serait de {number(figures['top'], 1)} "
        f"({first}) à {number(figures['least'], 1)} ({last}), soit une erreur type de "
        f"{number(figures['se_top'])} à {number(figures['se_least'])} ; à θ = −2, "
        f"l’erreur du domaine {last} est de {number(figures['se_low'])}."
    )
    reading = (
        "Là où la courbe d’erreur passe au-dessus de la cible, aucun test ne peut l’atteindre : "
        "il faut d’autres questions de ce niveau, pas un test plus habile."
    )
    return Picture("information", plot.title, plot.svg(), caption, reading, figures)


def _figures(by_domain: dict[str, Floats], theta: Floats) -> dict[str, float]:
    middle, low = int(np.abs(theta).argmin()), int(np.abs(theta + 2).argmin())
    first, last = by_domain[DOMAINS[0]], by_domain[DOMAINS[-1]]
    return {
        "top": float(first[middle]),
        "least": float(last[middle]),
        "se_top": float(1 / np.sqrt(first[middle] + 1)),
        "se_least": float(1 / np.sqrt(last[middle] + 1)),
        "se_low": float(1 / np.sqrt(last[low] + 1)),
    }


def _panels(plot: Plot, theta: Floats, by_domain: dict[str, Floats]) -> None:
    x = Axis(-REACH, REACH, range(-3, 4), "compétence θ")
    most = max(float(info.max()) for info in by_domain.values())
    step = 20 if most > 60 else 10
    ticks = np.arange(0, most + step, step)
    upper = plot.panel((56, 150, 470, 340), x, Axis(0, ticks[-1], ticks.tolist(), "information"))
    ticks = np.arange(0, 1.01, 0.2)
    lower = plot.panel((56, 430, 470, 610), x, Axis(0, 0.8, ticks[:5].tolist(), "erreur type"))
    lower.line([-REACH, REACH], [TARGET, TARGET], Style(INK, dash="1 4", width=1.5))
    lower.word(0, TARGET + 0.03, f"cible {number(TARGET)}")
    for info, style in zip(by_domain.values(), LINES, strict=True):
        upper.line(theta, info, style)
        lower.line(theta, 1 / np.sqrt(info + 1), style)
