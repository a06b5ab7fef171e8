"""One person's profile over five domains, each scored alone and all scored together."""

from __future__ import annotations

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.domains import DomainScores, score_domains
from kalan.engine.psychometrics.gallery.french import number, percent
from kalan.engine.psychometrics.gallery.picture import DOMAINS, Picture, Size, draw_answers, rmse
from kalan.engine.psychometrics.gallery.plot import BLUE, INK, ORANGE, Axis, Plot, Style

ITEMS, CORRELATION = 8, 0.7
PROFILE = (0.9, 0.5, 0.15, -0.2, -0.6)  # 1.5 SD between the first and the last
Z95 = 1.959963984540054


def draw(size: Size, seed: int) -> Picture:
    """Person 0 has PROFILE; the others come from the population and say how large errors are."""
    rng, number_of = np.random.default_rng(seed), len(DOMAINS)
    bank = Bank.logistic(
        np.exp(rng.normal(0.2, 0.25, ITEMS * number_of)),
        np.tile(np.linspace(-1.6, 1.6, ITEMS), number_of),
        area=np.repeat(DOMAINS, ITEMS).tolist(),
    )
    covariance = np.full((number_of, number_of), CORRELATION) + (1 - CORRELATION) * np.eye(
        number_of
    )
    others = rng.multivariate_normal(np.zeros(number_of), covariance, size.group)
    true = np.vstack([PROFILE, others])
    answers = draw_answers(bank, np.repeat(true, ITEMS, axis=1), rng)
    alone = score_domains(bank, answers, np.eye(number_of), domains=DOMAINS, exact=False)
    joint = score_domains(bank, answers, covariance, domains=DOMAINS, exact=False)
    figures: dict[str, float] = {}
    for name, found in (("alone", alone), ("joint", joint)):
        error = found.theta[1:] - true[1:]
        figures |= {
            f"rmse_{name}": rmse(error),
            f"claimed_{name}": rmse(found.sd[1:]),
            f"range_{name}": float(found.theta[0].max() - found.theta[0].min()),
        }
    plot = _plot(alone, joint)
    caption = (
        f"{ITEMS} questions par domaine, corrélation {number(CORRELATION)}, vrais niveaux séparés "
        f"de {number(max(PROFILE) - min(PROFILE), 1)} écart type. Sur {number(size.group, 0)} "
        f"autres personnes, RMSE d’un domaine : {number(figures['rmse_alone'])} noté seul "
        f"(annoncée {number(figures['claimed_alone'])}), {number(figures['rmse_joint'])} noté avec "
        f"les autres (annoncée {number(figures['claimed_joint'])}), soit "
        f"{percent(1 - figures['rmse_joint'] / figures['rmse_alone'])} de moins."
    )
    reading = (
        "Notés ensemble, les domaines s’appuient les uns sur les autres : les erreurs baissent, "
        "mais le profil s’aplatit un peu ; le critère PRMSE dit s’il mérite d’être publié."
    )
    return Picture("domaines", plot.title, plot.svg(), caption, reading, figures)


def _plot(alone: DomainScores, joint: DomainScores) -> Plot:
    plot = Plot(
        "Profil d’une personne par domaine",
        "Pour chacun des cinq domaines : vrai niveau, estimation du domaine seul et estimation "
        "conjointe, avec leurs intervalles à 95 %.",
        480,
    )
    styles = Style(ORANGE, shape="diamond", size=4.2), Style(BLUE, size=4.5)
    truth = Style(INK, shape="bar")
    plot.legend(
        20,
        [
            ("vrai niveau", truth, "points"),
            ("domaine noté seul", styles[0], "points"),
            ("domaines notés ensemble", styles[1], "points"),
        ],
    )
    height = np.arange(len(DOMAINS), dtype=np.float64)[::-1]
    panel = plot.panel(
        (90, 85, 470, 425), Axis(-2.5, 2.5, (-2, -1, 0, 1, 2), "compétence θ (intervalle à 95 %)"),
        Axis(-0.6, len(DOMAINS) - 0.4, height.tolist(), "", DOMAINS),
    )  # fmt: skip
    shifts: tuple[float, float] = (0.18, -0.18)
    for found, style, shift in zip((alone, joint), styles, shifts, strict=True):
        theta: Floats = found.theta[0]
        half: Floats = Z95 * found.sd[0]
        panel.intervals(height + shift, theta - half, theta + half, style, across=True)
        panel.points(theta, height + shift, style)
    panel.points(PROFILE, height, truth)
    return plot
