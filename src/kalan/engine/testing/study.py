"""What a frozen test can carry, said before publication from simulated sittings.

Simulated persons have an ability a domain, drawn from the population declared, and answer by *true*
parameters drawn about those frozen, with their standard errors: a bank of experts' guesses is
judged as one. Sittings run by the integer protocol itself, scores come from joint scoring: the
precision, the honesty of the claimed error and the exposure are those that people will meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.domains import POINTS, score_likelihoods
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import log_probabilities
from kalan.engine.psychometrics.protocol.batch import play
from kalan.engine.testing.exposure import rates
from kalan.engine.testing.freezing import freeze
from kalan.engine.testing.frozen import Frozen, Stage
from kalan.engine.testing.items import EXPERT_SE_B, EXPERT_SE_LN_A, Item, bank_of
from kalan.engine.testing.levels import level_probabilities
from kalan.engine.testing.outcome import TO_CONFIRM
from kalan.engine.testing.plan import TestPlan

# Marginal reliability asked (common practice: 0.80 of a level, 0.90 of a certificate). The
# short form only points the way and fixed forms are read by group: 0.70, this project's choice. A
# certification between 0.80 and 0.90 is let through with a warning: its decisions carry their error
# and a jury looks at those near the cut.
RELIABLE = {
    "positioning_short": 0.70,
    "positioning_full": 0.80,
    "certification": 0.80,
    "fixed": 0.70,
}
CERTIFIED = 0.90
DRAWN = 10_000  # sittings from which exposure is judged
HELD = 0.01  # how far above the cap a simulated rate may be
WORLDS = 20  # draws of the true parameters
FEW = 20  # simulated persons of a level: with fewer its error is not told
REACHED = 0.80  # share of persons who must reach the precision asked in a domain
HONEST = (0.9, 1.1)  # claimed error over true error


def study(frozen: Frozen, persons: int = 2000, seed: int = 1) -> dict[str, Any]:
    """The simulator's verdict, ready for JSON.

    ``{"persons", "items", "provisional", "overall": {…}, "by_level": [{…}], "domains": [{…}],
    "length", "exposure", "carries", "use": "adaptive" | "fixed", "reasons", "warnings",
    "advice"}``; accuracy is ``rmse``, ``claimed`` (root mean square SD), ``ratio`` of the two,
    ``reliability``, ``coverage``, ``bias``. ``reasons`` speak against the test; ``warnings`` only
    say what it will not do. Exposure is that of the protocol in the population declared;
    ``exposure.drawn``: the largest rate when the parameters are as wrong as they may be.
    """
    rng = np.random.default_rng(seed)
    size = max(persons // WORLDS, 1)
    parts = [_world(frozen, size, rng, seed * 97 + world * size) for world in range(WORLDS)]
    truth, item, theta, sd, total, error = (
        np.concatenate([part[k] for part in parts]) for k in range(6)
    )
    weight = np.full(len(frozen.domains), 1 / len(frozen.domains))
    length = (item >= 0).sum(axis=1)
    found: dict[str, Any] = {
        "persons": int(truth.shape[0]),
        "items": len(frozen.items),
        "provisional": sum(x.provisional for x in frozen.items) / len(frozen.items),
        "overall": _accuracy(truth @ weight, total, error),
        "by_level": _by_level(frozen, truth @ weight, total, error, length),
        "domains": [
            _domain(frozen, d, truth[:, d], theta[:, d], sd[:, d], item)
            for d in range(len(frozen.domains))
        ],
        "length": {
            "mean": float(length.mean()),
            "min": int(length.min()),
            "max": int(length.max()),
            "counts": [
                [int(n), int(count)]
                for n, count in zip(*np.unique(length, return_counts=True), strict=True)
            ],
        },
        "exposure": _exposure(frozen, item, length, seed),
    }
    reasons = _reasons(frozen, found)
    found["warnings"] = _warnings(frozen, found)
    fixed = all(stage.mode == "fixed" for stage in frozen.stages)
    found["carries"] = not reasons
    found["use"] = "fixed" if fixed or reasons else "adaptive"
    found["reasons"] = reasons
    found["advice"] = _advice(fixed, reasons)
    return found


def _advice(fixed: bool, reasons: list[str]) -> str:
    if not reasons:
        return "La banque porte ce test."
    if fixed:
        return "Allongez les formes, ou étalonnez la banque avec des réponses réelles."
    return (
        "Utilisez des formes fixes parallèles, ou allongez le test, ajoutez des questions ou "
        "étalonnez la banque avec des réponses réelles."
    )


def true_bank(frozen: Frozen, rng: np.random.Generator) -> Bank:
    """Parameters that the frozen ones may be estimates of."""
    return bank_of([perturbed(item, rng) for item in frozen.items], prudent=False)


def perturbed(item: Item, rng: np.random.Generator) -> Item:
    """What an item may really be, its parameters being known with an error."""
    known = item.se_b is not None
    se_b = item.se_b if item.se_b is not None else EXPERT_SE_B
    se_a = (item.se_a or 0.0) / item.a if known else EXPERT_SE_LN_A
    shift = se_b * rng.standard_normal()
    slope = item.a * float(np.exp(np.clip(se_a * rng.standard_normal(), -1.5, 1.5)))
    return replace(item, a=slope, b=tuple(b + shift for b in item.b))


def _world(
    frozen: Frozen, persons: int, rng: np.random.Generator, seed: int
) -> tuple[Floats, NDArray[np.int64], Floats, Floats, Floats, Floats]:
    """Truth (P, D), items given (P, L), θ and SD (P, D), overall θ and its SD (P)."""
    mean, covariance = frozen.prior
    truth = rng.multivariate_normal(mean, covariance, persons)
    bank = true_bank(frozen, rng)
    item, category = _sittings(frozen, bank, truth, rng, seed)
    log_l = np.zeros((persons, len(frozen.domains), POINTS.size))
    domain = np.array(frozen.domain_of)
    for turn in range(item.shape[1]):
        who = np.flatnonzero(item[:, turn] >= 0)
        given = item[who, turn]
        log_l[who, domain[given]] += frozen.log_p[given, category[who, turn]]
    names = tuple(one.code for one in frozen.domains)
    scores = score_likelihoods(log_l, covariance, mean, names, exact=False)
    weight = np.full(len(names), 1 / len(names))
    error = np.sqrt(np.einsum("d,pde,e->p", weight, scores.covariance, weight))
    return truth, item, scores.theta, scores.sd, scores.theta @ weight, error


def _sittings(
    frozen: Frozen, bank: Bank, truth: Floats, rng: np.random.Generator, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(P, L) items (numbers in the frozen test) and categories, stage after stage; −1: none."""
    persons = truth.shape[0]
    domain = np.array(frozen.domain_of)

    def answered(given: NDArray[np.int64]) -> NDArray[np.int64]:
        asked = np.maximum(given, 0)
        theta = truth[np.arange(persons), domain[asked]]
        log_p = log_probabilities(bank.at(asked), theta[:, None])
        p: Floats = np.exp(log_p[..., 0])
        steps = np.cumsum(p, axis=1)[:, :-1]
        found = (rng.random((persons, 1)) > steps).sum(axis=1)
        return np.asarray(np.minimum(found, bank.top[asked]), np.int64)

    items, categories = [], []
    for number, stage in enumerate(frozen.stages):
        if stage.package is None:
            one = _forms(stage, persons)
            two = np.stack([answered(column) for column in one.T], axis=1)
        else:
            place = np.array(stage.items)
            batch = play(
                stage.package,
                persons,
                lambda asked, place=place: answered(place[asked]),  # type: ignore[misc]
                seed=seed + 7919 * number,
            )
            one = np.where(batch.path >= 0, place[batch.path], -1).astype(np.int64)
            two = batch.answers.astype(np.int64)
        items.append(one)
        categories.append(np.where(one >= 0, two, -1))
    return np.concatenate(items, axis=1), np.concatenate(categories, axis=1)


def _forms(stage: Stage, persons: int) -> NDArray[np.int64]:
    """Each person's form, one after the other."""
    out = np.full((persons, stage.longest), -1, np.int64)
    for number, form in enumerate(stage.forms):
        out[number :: len(stage.forms), : len(form)] = form
    return out


def _accuracy(truth: Floats, theta: Floats, sd: Floats) -> dict[str, Any]:
    away = theta - truth
    rmse, claimed = float(np.sqrt((away**2).mean())), float(np.sqrt((sd**2).mean()))
    return {
        "rmse": rmse,
        "claimed": claimed,
        "ratio": claimed / rmse if rmse else None,
        "reliability": 1 - rmse**2 / float(truth.var()) if truth.var() else None,
        "coverage": float((np.abs(away) <= 1.96 * sd).mean()),
        "bias": float(away.mean()),
    }


def _by_level(
    frozen: Frozen, truth: Floats, theta: Floats, sd: Floats, length: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """What awaits the persons of each level: true error, error claimed, questions asked (None
    where too few of them were simulated)."""
    place = np.searchsorted([level.floor for level in frozen.levels[1:]], truth, side="right")
    found = []
    for number, level in enumerate(frozen.levels):
        own = place == number
        line: dict[str, Any] = {"code": level.code, "name": level.name, "persons": int(own.sum())}
        told = line["persons"] >= FEW
        away = theta[own] - truth[own]
        line["rmse"] = float(np.sqrt((away**2).mean())) if told else None
        line["claimed"] = float(np.sqrt((sd[own] ** 2).mean())) if told else None
        line["length"] = float(length[own].mean()) if told else None
        found.append(line)
    return found


def _domain(
    frozen: Frozen, number: int, truth: Floats, theta: Floats, sd: Floats, item: NDArray[np.int64]
) -> dict[str, Any]:
    own = np.append(np.array(frozen.domain_of) == number, False)[item]
    floors = np.array([level.floor for level in frozen.levels[1:]])
    told = np.array(
        [
            int(np.argmax(level_probabilities(frozen.levels, float(t), float(s))))
            for t, s in zip(theta, sd, strict=True)
        ]
    )
    right = np.searchsorted(floors, truth, side="right")
    target = frozen.rules.sd_target
    return {
        "code": frozen.domains[number].code,
        "name": frozen.domains[number].name,
        "items": int(sum(d == number for d in frozen.domain_of)),
        **_accuracy(truth, theta, sd),
        "length": float(own.sum(axis=1).mean()),
        "to_confirm": float((sd > TO_CONFIRM).mean()),
        "reached": float((sd <= target + 0.005).mean()) if target else None,
        "level_right": float((told == right).mean()),
        "level_near": float((np.abs(told - right) <= 1).mean()),
    }


def _exposure(
    frozen: Frozen, item: NDArray[np.int64], length: NDArray[np.int64], seed: int
) -> dict[str, Any]:
    count = np.bincount(item[item >= 0], minlength=len(frozen.items))
    drawn = count / item.shape[0]
    rate = drawn.copy()
    for stage in frozen.stages:
        if stage.package is not None:
            rate[list(stage.items)] = rates(stage.package, DRAWN, seed + 1)
    # Items never given, then by tenths: (0, 0.1], (0.1, 0.2] …
    tenths = np.ceil(rate * 10 - 1e-9).astype(int)
    return {
        "cap": frozen.rules.cap,
        "tenths": np.bincount(tenths, minlength=11).tolist(),
        "max": float(rate.max()),
        "drawn": float(drawn.max()),
        "item": frozen.items[int(rate.argmax())].code,
        "never": int((rate == 0).sum()),
        "overlap": float((rate**2).sum() / length.mean()),
    }


def _reasons(frozen: Frozen, found: Mapping[str, Any]) -> list[str]:
    rules, reasons = frozen.rules, []
    reliability, ratio = found["overall"]["reliability"], found["overall"]["ratio"]
    asked = RELIABLE.get(rules.purpose, 0.0)
    if reliability is not None and reliability < asked:
        reasons.append(
            f"fidélité simulée de {_fr(reliability)} pour l’ensemble ({_fr(asked)} demandée)."
        )
    if ratio is not None and not HONEST[0] <= ratio <= HONEST[1]:
        reasons.append(f"l’erreur annoncée vaut {_fr(ratio)} fois l’erreur réelle.")
    exposure = found["exposure"]
    adaptive = any(stage.mode == "adaptive" for stage in frozen.stages)
    if adaptive and rules.cap is not None and exposure["max"] > rules.cap + HELD:
        reasons.append(
            f"la question « {exposure['item']} » irait à {_fr(exposure['max'])} des "
            f"personnes ({_fr(rules.cap)} au plus est demandé)."
        )
    return reasons


def _warnings(frozen: Frozen, found: Mapping[str, Any]) -> list[str]:
    rules, warnings = frozen.rules, []
    reliability = found["overall"]["reliability"]
    if rules.purpose == "certification" and (reliability or 0.0) < CERTIFIED:
        warnings.append(
            f"fidélité simulée de {_fr(reliability or 0.0)} ({_fr(CERTIFIED)} conseillée pour un "
            "certificat) : le jury doit regarder chaque résultat proche du seuil."
        )
    for domain in found["domains"]:
        if domain["reached"] is not None and domain["reached"] < REACHED:
            warnings.append(
                f"domaine « {domain['name']} » : l’écart-type de "
                f"{_fr(rules.sd_target or 0)} n’est atteint que par {100 * domain['reached']:.0f}"
                " % des personnes."
            )
    loose = found["provisional"]
    if loose:
        warnings.append(f"{100 * loose:.0f} % des questions sont provisoires.")
    return warnings


def _fr(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


def settle(
    items: Sequence[Item],
    plan: TestPlan,
    *,
    persons: int = 2000,
    seed: int = 1,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Frozen, dict[str, Any]]:
    """The test to publish and its verdict: adaptive when the simulator says that the bank carries
    it, else fixed parallel forms of the same quotas and length, with ``verdict["instead"]`` the
    reasons against the adaptive test.

    When the bank holds no forms either, the adaptive test comes back with its reasons, which
    ``publishable`` refuses. Raises DataError when questions lack. Takes some ten seconds;
    ``told(done, of)`` hears how far it is.
    """
    told(0, 4)
    made = freeze(items, plan)
    told(1, 4)
    verdict = study(made, persons, seed)
    told(2, 4)
    if verdict["carries"] or plan.purpose in ("fixed", "practice"):
        return made, verdict
    try:
        forms = freeze(items, plan, fixed=True)
    except DataError:
        return made, verdict
    told(3, 4)
    return forms, study(forms, persons, seed) | {"instead": verdict["reasons"]}


def publishable(frozen: Frozen, verdict: Mapping[str, Any], *, demo: bool = False) -> list[str]:
    """Why the test may not be published, in French; empty: it may.

    A certification never stands on provisional items, but in the demonstration under its banner. An
    adaptive test that the bank does not carry is refused; fixed forms are let through with their
    measured precision, since they are what remains.
    """
    reasons = []
    certifies = frozen.rules.purpose == "certification"
    loose = sum(item.provisional for item in frozen.items)
    if certifies and loose and not demo:
        reasons.append(
            f"{loose} question(s) provisoire(s) : un examen de certification n’emploie que "
            "des questions étalonnées."
        )
    adaptive = any(stage.mode == "adaptive" for stage in frozen.stages)
    if adaptive and frozen.rules.purpose != "practice":
        reasons += list(verdict["reasons"])
    return reasons
