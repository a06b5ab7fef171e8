"""What a bank can carry, said before publication from simulated tests.

Precision and honesty of the standard error, exposure, overlap, items never used, lengths and stop
rules; by level, by area and by group. Overlap, the mean share of items that two persons have in
common, comes from the rates alone: Σ r_i² / mean length (Chen, Ankenmann & Spray 2003).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.blueprint import Blueprint, Quota
from kalan.engine.psychometrics.data import Bank, Floats, Ints, Responses
from kalan.engine.psychometrics.models import information
from kalan.engine.psychometrics.prices import prepare
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.scoring import Prior, score
from kalan.engine.psychometrics.select import Plan
from kalan.engine.psychometrics.simulate import Sittings, simulate
from kalan.engine.psychometrics.stop import REASONS

LEVELS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # ends of the levels, in standard deviations
RATES = (0.0, 0.005, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 1.0)
RELIABLE = 0.80  # marginal reliability asked of a competence level
HELD = 0.01  # how far above r_max a simulated rate may be


@dataclass(frozen=True)
class Group:
    """A group of the population: N(mean, sd²), ``share`` of the persons."""

    mean: float = 0.0
    sd: float = 1.0
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class Study:
    """Simulated sittings with what they were made from; ``theta``, ``se`` by the blueprint's
    estimator, ``group`` (P) numbers into ``groups``."""

    plan: Plan
    sittings: Sittings
    theta: Floats
    se: Floats
    group: Ints
    groups: tuple[str, ...]


def study(
    bank: Bank,
    blueprint: Blueprint,
    persons: int,
    *,
    seed: int | None = None,
    groups: Mapping[str, Group] | None = None,
    truth: Bank | None = None,
) -> Study:
    """Simulate ``persons`` sittings, with prices tuned first when the blueprint has a cap.

    Tuning and evaluation draw from different streams of the seed.
    """
    start = blueprint.seed if seed is None else seed
    streams = np.random.SeedSequence(start).spawn(2)
    rng = np.random.default_rng(streams[1])
    plan, ledger = prepare(bank, blueprint, seed=int(streams[0].generate_state(1)[0]))
    parts = dict(groups or {"": Group(blueprint.mean, blueprint.sd)})
    share = np.array([part.share for part in parts.values()])
    group = rng.choice(len(parts), persons, p=share / share.sum())
    mean = np.array([part.mean for part in parts.values()])[group]
    sd = np.array([part.sd for part in parts.values()])[group]
    sittings = simulate(plan, rng.normal(mean, sd), rng, truth=truth, ledger=ledger)
    theta, se = _estimates(bank, blueprint, sittings)
    return Study(plan, sittings, theta, se, group, tuple(parts))


def _estimates(bank: Bank, blueprint: Blueprint, sittings: Sittings) -> tuple[Floats, Floats]:
    if blueprint.estimator == "EAP":
        return sittings.theta, sittings.se
    person, place = np.nonzero(sittings.item >= 0)
    responses = Responses.from_triples(
        person,
        sittings.item[person, place],
        sittings.category[person, place],
        items=bank.items,
        persons=sittings.truth.size,
    )
    prior = Prior(blueprint.mean, blueprint.sd)
    found = score(bank, responses, blueprint.estimator, prior=prior)
    return found.theta, found.se


def report(of: Study) -> dict[str, Any]:
    """The whole report, ready for JSON."""
    bank, blueprint = of.plan.tables.bank, of.plan.blueprint
    everyone = np.ones(of.theta.size, np.bool_)
    found = {
        "n": int(of.theta.size),
        "items": bank.n_items,
        "estimator": blueprint.estimator,
        **_accuracy(of, everyone),
        "length": _lengths(of.sittings.length),
        "reasons": _reasons(of.sittings),
        "exposure": exposure(of),
        "levels": _levels(of),
        "areas": _areas(of),
        "groups": _groups(of),
    }
    found["overlap"] = found["exposure"]["overlap"]
    if blueprint.stop.decision is not None:
        cut = blueprint.stop.decision.cut
        right = (of.sittings.above >= 0.5) == (of.sittings.truth >= cut)
        found["decision"] = {"cut": cut, "accuracy": float(right.mean())}
    found["verdict"] = verdict(of, found)
    return found


def _accuracy(of: Study, who: NDArray[np.bool_]) -> dict[str, Any]:
    """RMSE, bias, and whether the claimed error is honest; infinite estimates are counted apart."""
    finite = who & np.isfinite(of.theta) & np.isfinite(of.se)
    if not finite.any():
        return {"persons": int(who.sum()), "infinite": int(who.sum())}
    truth, theta, se = of.sittings.truth[finite], of.theta[finite], of.se[finite]
    error = theta - truth
    rmse = float(np.sqrt((error**2).mean()))
    spread = float(truth.var()) if truth.size > 1 else 0.0
    return {
        "persons": int(who.sum()),
        "infinite": int(who.sum() - finite.sum()),
        "rmse": rmse,
        "bias": float(error.mean()),
        "mean_se": float(se.mean()),
        "se_over_rmse": float(np.sqrt((se**2).mean())) / rmse if rmse else None,
        "coverage": float((np.abs(error) <= 1.96 * se).mean()),
        "reliability": 1 - rmse**2 / spread if spread else None,
    }


def _lengths(length: Ints) -> dict[str, Any]:
    return {
        "mean": float(length.mean()),
        "median": float(np.median(length)),
        "min": int(length.min()),
        "max": int(length.max()),
    }


def _reasons(sittings: Sittings) -> dict[str, float]:
    """Share of the tests that each rule ended."""
    count = np.bincount(sittings.reason, minlength=len(REASONS)) / sittings.reason.size
    return {name: float(x) for name, x in zip(REASONS, count, strict=True) if x > 0}


def exposure(of: Study) -> dict[str, Any]:
    """Rates of the items: largest, distribution, never used, overlap."""
    bank, cap = of.plan.tables.bank, of.plan.blueprint.cap
    rates = of.sittings.exposure(bank.n_items)
    count, _ = np.histogram(rates[rates > 0], RATES)
    never = [bank.items[i] for i in np.flatnonzero(rates == 0)]
    return {
        "r_max": cap,
        "max": float(rates.max()),
        "item": bank.items[int(rates.argmax())],
        "mean": float(rates.mean()),
        "over_r_max": int((rates > cap + 1e-12).sum()) if cap is not None else None,
        "distribution": [
            {"from": low, "to": high, "items": int(number)}
            for (low, high), number in zip(pairwise(RATES), count, strict=True)
        ],
        "never_used": len(never),
        "never_used_share": len(never) / bank.n_items,
        "never_used_items": never,
        "overlap": float((rates**2).sum() / of.sittings.length.mean()),
        "passed_over_cap": of.sittings.relaxed,
    }


def _levels(of: Study) -> list[dict[str, Any]]:
    blueprint, truth = of.plan.blueprint, of.sittings.truth
    ends = [-np.inf, *(blueprint.mean + blueprint.sd * x for x in LEVELS), np.inf]
    rows = []
    for low, high in pairwise(ends):
        who = (truth >= low) & (truth < high)
        row = {"from": low, "to": high, **_accuracy(of, who)} if who.any() else None
        if row:
            rows.append({**row, "mean_length": float(of.sittings.length[who].mean())})
    return rows


def _areas(of: Study) -> list[dict[str, Any]]:
    tables, sittings = of.plan.tables, of.sittings
    rates, rows = sittings.exposure(tables.n_items), []
    area = np.where(sittings.item >= 0, tables.area[sittings.item], -1)
    for number, name in enumerate(tables.areas):
        mine, got = tables.area == number, (area == number).sum(axis=1)
        rows.append(
            {
                "area": name,
                "items": int(mine.sum()),
                "per_test": {**_lengths(got)},
                "max_exposure": float(rates[mine].max()),
                "never_used": int((rates[mine] == 0).sum()),
                "overlap": float((rates[mine] ** 2).sum() / got.mean()) if got.any() else None,
            }
        )
    return rows


def _groups(of: Study) -> list[dict[str, Any]]:
    if of.groups == ("",):
        return []
    rows = []
    for number, name in enumerate(of.groups):
        who = of.group == number
        if who.any():
            length = float(of.sittings.length[who].mean())
            rows.append({"group": name, **_accuracy(of, who), "mean_length": length})
    return rows


def fixed_form_reliability(bank: Bank, blueprint: Blueprint) -> tuple[float, int]:
    """Marginal reliability of the best single form under the quotas, and how many forms of that
    length and those minima the bank holds without common items."""
    grid = normal_grid(41, 4.0)
    info = information(bank, blueprint.mean + blueprint.sd * grid.theta)
    order = np.argsort(-(info @ grid.weight), kind="stable")
    area, chosen, got = np.array(bank.area), list[int](), dict[str, int]()
    least = {name: quota.minimum for name, quota in blueprint.quotas.items()}
    for wanted in (True, False):  # minima first, then the best of what the maxima allow
        for item in order.tolist():
            name = str(area[item])
            quota = blueprint.quotas.get(name, Quota(0, blueprint.maximum))
            limit = least.get(name, 0) if wanted else quota.maximum
            if len(chosen) < blueprint.maximum and got.get(name, 0) < limit and item not in chosen:
                chosen.append(item)
                got[name] = got.get(name, 0) + 1
    error = grid.weight @ (1 / (info[chosen].sum(axis=0) + blueprint.sd**-2))
    forms = [bank.n_items // blueprint.maximum]
    forms += [int((area == name).sum()) // need for name, need in least.items() if need]
    return float(1 - error / blueprint.sd**2), min(forms)


def verdict(of: Study, found: Mapping[str, Any]) -> dict[str, Any]:
    """``adaptive``, ``fixed forms`` or ``neither``, with the reasons (French)."""
    bank, blueprint = of.plan.tables.bank, of.plan.blueprint
    against = _against_adaptive(blueprint, found)
    fixed, forms = fixed_form_reliability(bank, blueprint)
    detail = {"fixed_reliability": fixed, "fixed_forms": forms}
    if not against:
        return {"carries": "adaptive", "reasons": [], **detail}
    if fixed >= RELIABLE and forms >= 2:
        return {"carries": "fixed forms", "reasons": against, **detail}
    if fixed < RELIABLE:
        against.append(
            f"la meilleure forme fixe de {blueprint.maximum} questions n’atteint qu’une fidélité "
            f"de {fixed:.2f} ({RELIABLE:.2f} demandée)."
        )
    if forms < 2:
        against.append("la banque ne contient pas deux formes fixes sans question commune.")
    return {"carries": "neither", "reasons": against, **detail}


def _against_adaptive(blueprint: Blueprint, found: Mapping[str, Any]) -> list[str]:
    reasons, rates = [], found["exposure"]
    reliability, honesty = found.get("reliability"), found.get("se_over_rmse")
    if reliability is not None and reliability < RELIABLE and blueprint.stop.decision is None:
        reasons.append(f"fidélité simulée de {reliability:.2f} ({RELIABLE:.2f} demandée).")
    if honesty is not None and not 0.9 <= honesty <= 1.1:
        reasons.append(f"l’erreur annoncée vaut {honesty:.2f} fois l’erreur réelle.")
    if blueprint.cap is not None and rates["max"] > blueprint.cap + HELD:
        reasons.append(
            f"la question « {rates['item']} » irait à {rates['max']:.3f} des personnes, "
            f"{blueprint.cap:g} au plus est demandé."
        )
    if rates["passed_over_cap"]:
        reasons.append(f"{rates['passed_over_cap']} fois, il ne restait plus de question permise.")
    target = blueprint.stop.se
    if target is not None and found["reasons"].get("precision", 0.0) < 0.9:
        share = found["reasons"].get("precision", 0.0)
        reasons.append(
            f"l’erreur type de {target:g} n’est atteinte que dans {share:.0%} des tests."
        )
    return reasons
