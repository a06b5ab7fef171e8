"""A plan frozen against a bank of items: stages, quotas, exposure, parallel forms.

In the full form each stage stops by its own answers and by what the other domains will say of it:
the stage's prior has the variance that is left of a domain when the others are known with error
``sd_target``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from kalan.engine.psychometrics.data import Bank, Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.forms import POINTS as FORM_POINTS
from kalan.engine.psychometrics.forms import assemble, equate
from kalan.engine.psychometrics.models import information
from kalan.engine.testing.exposure import Held, hold
from kalan.engine.testing.frozen import Domain, Frozen, Rules, Stage, SumRow
from kalan.engine.testing.items import Item, bank_of
from kalan.engine.testing.plan import TestPlan

POINTS = 61  # grid of the protocol: a step of 1/6, half of the least error that tests reach


def lacking(items: Sequence[Item], plan: TestPlan) -> list[str]:
    """What the bank lacks for the plan, in French, domain by domain; empty when it can be frozen.

    Counts only: whether the test measures well enough is what ``study`` says.
    """
    found = []
    used = [item for item in items if item.domain in {domain.code for domain in plan.domains}]
    copies = plan.forms if plan.purpose == "fixed" else 1
    full = plan.purpose == "positioning_full"
    for domain in plan.domains:
        there = sum(item.domain == domain.code for item in used)
        quota = plan.quotas.get(domain.code)
        need = copies * ((quota.maximum if full else quota.minimum) if quota else 0)
        capped = math.ceil(quota.minimum / plan.cap - 1e-9) if quota and plan.cap else 0
        if there < need:
            found.append(_missing(need - there, domain.name))
        elif there < capped:
            found.append(
                f"{_missing(capped - there, domain.name)} : sans elles, une question serait "
                f"donnée à plus de {_per_cent(cast(float, plan.cap))} des personnes"
            )
    total = plan.longest * copies
    if not found and len(used) < total:
        found.append(
            f"il manque {total - len(used)} question(s) en tout : {total} demandées, "
            f"{len(used)} présentes"
        )
    return found


def _missing(number: int, domain: str) -> str:
    return f"il manque {number} question{'s' * (number > 1)} du domaine « {domain} »"


def _per_cent(share: float) -> str:
    return f"{100 * share:.3g}".replace(".", ",") + " %"


def freeze(items: Sequence[Item], plan: TestPlan, *, fixed: bool = False) -> Frozen:
    """The test as it will be given. Refused (``DataError``) when the bank lacks questions.

    With a cap on exposure, prices and chances are tuned by simulation: seconds, not milliseconds.
    ``fixed``: parallel forms in the place of adaptive stages, as many as the cap asks for and the
    bank allows, for a bank that cannot carry the adaptive test (``study.settle``).
    """
    lacks = lacking(items, plan)
    if lacks:
        raise DataError("La banque ne peut pas porter ce test : " + " ; ".join(lacks) + ".")
    codes = [domain.code for domain in plan.domains]
    used = tuple(
        sorted(
            (x for x in items if x.domain in codes), key=lambda x: (codes.index(x.domain), x.uid)
        )
    )
    stages: tuple[Stage, ...]
    if plan.purpose == "fixed" or fixed:
        stages = _fixed_stages(used, plan)
    elif plan.purpose == "positioning_full":
        stages = tuple(_alone(used, plan, number) for number in range(len(codes)))
    else:
        stages = (_mixed(used, plan),)
    rules = Rules(
        plan.purpose, plan.feedback, plan.minutes, plan.shortest, plan.longest, plan.cap,
        plan.sd_target,
    )  # fmt: skip
    return Frozen(used, stages, plan.domains, plan.levels, plan.mean, plan.covariance, rules)


def _mixed(items: tuple[Item, ...], plan: TestPlan) -> Stage:
    """All domains in one stage, under quotas."""
    weight = np.full(len(plan.domains), 1 / len(plan.domains))
    spread = math.sqrt(float(weight @ np.array(plan.covariance) @ weight))
    held = Held(
        shortest=plan.shortest,
        longest=plan.longest,
        quotas={code: (q.minimum, q.maximum) for code, q in plan.quotas.items()},
        sd_target=plan.sd_target or 0.0,
        mean=float(weight @ np.array(plan.mean)),
        sd=max(spread, 0.9),
        points=POINTS,
    )
    package = hold(bank_of(items), held, plan.cap, seed=plan.seed)
    return Stage("tout", "Questions", "adaptive", tuple(range(len(items))), package)


def _alone(items: tuple[Item, ...], plan: TestPlan, number: int) -> Stage:
    """One domain of the full form."""
    domain, quota = plan.domains[number], plan.quotas[plan.domains[number].code]
    chosen = tuple(n for n, item in enumerate(items) if item.domain == domain.code)
    held = Held(
        shortest=max(quota.minimum, 1),
        longest=quota.maximum,
        quotas={},
        sd_target=plan.sd_target or 0.0,
        mean=plan.mean[number],
        sd=borrowed_sd(np.array(plan.covariance), number, plan.sd_target or 0.0),
        points=POINTS,
    )
    package = hold(bank_of([items[n] for n in chosen]), held, plan.cap, seed=plan.seed + number)
    return Stage(domain.code, domain.name, "adaptive", chosen, package)


def borrowed_sd(covariance: Floats, number: int, error: float) -> float:
    """Standard deviation left of a domain once the others are known with this ``error``."""
    others = np.arange(covariance.shape[0]) != number
    if not others.any() or error <= 0:
        return math.sqrt(float(covariance[number, number]))
    shared = covariance[number, others]
    noisy = covariance[np.ix_(others, others)] + error**2 * np.eye(int(others.sum()))
    left = float(covariance[number, number] - shared @ np.linalg.solve(noisy, shared))
    return math.sqrt(max(left, 1e-4))


def _fixed_stages(items: tuple[Item, ...], plan: TestPlan) -> tuple[Stage, ...]:
    """One stage of parallel forms; in the full form one a domain, as in its adaptive twin."""
    forms = _forms(items, plan)
    if plan.purpose != "positioning_full":
        return (_fixed(items, tuple(range(len(items))), plan, plan.domains, forms),)
    return tuple(
        _fixed(
            items,
            tuple(n for n, item in enumerate(items) if item.domain == domain.code),
            plan,
            (domain,),
            forms,
        )
        for domain in plan.domains
    )


def _forms(items: tuple[Item, ...], plan: TestPlan) -> int:
    """Forms that hold the cap, as far as the bank goes; never fewer than the plan's."""
    wanted = math.ceil(1 / plan.cap - 1e-9) if plan.cap and plan.purpose != "fixed" else 1
    full = plan.purpose == "positioning_full"
    room = [len(items) // plan.longest]
    for code, quota in plan.quotas.items():
        each = quota.maximum if full else quota.minimum
        if each:
            room.append(sum(item.domain == code for item in items) // each)
    return max(plan.forms, min(wanted, *room))


def _fixed(
    items: tuple[Item, ...],
    chosen: tuple[int, ...],
    plan: TestPlan,
    domains: tuple[Domain, ...],
    forms: int,
) -> Stage:
    """Parallel forms of the items ``chosen``; those left over are the reserve."""
    bank = bank_of([items[n] for n in chosen])
    quotas = {
        domain.code: (plan.quotas[domain.code].minimum, plan.quotas[domain.code].maximum)
        for domain in domains
        if domain.code in plan.quotas
    }
    alone = len(domains) == 1 and len(plan.domains) > 1
    length = quotas[domains[0].code][1] if alone else plan.longest
    target = _target(bank, domains, length, forms)
    made = assemble(bank, forms=forms, length=length, quotas=quotas, target=target)
    tables = []
    for form in equate(bank, made):
        rows = zip(form.scores.theta, form.scores.se, form.equivalent, strict=True)
        tables.append(
            tuple(
                SumRow(total, round(float(t), 6), round(float(s), 6),
                       None if np.isnan(e) else round(float(e), 6))
                for total, (t, s, e) in enumerate(rows)
            )
        )  # fmt: skip
    given = tuple(_in_order(items, [chosen[n] for n in form]) for form in made.forms)
    code, title = (domains[0].code, domains[0].name) if alone else ("tout", "Questions")
    return Stage(code, title, "fixed", chosen, None, given, tuple(tables))


def _target(bank: Bank, domains: tuple[Domain, ...], length: int, forms: int) -> Floats:
    """Information wanted of a form: that of the better half of each domain's items (at least as
    many as the forms take), so that a form measures more than one drawn by lot."""
    info = information(bank, np.array(FORM_POINTS))
    area, total = np.array(bank.area), np.zeros(len(FORM_POINTS))
    share = length / len(domains)
    for domain in domains:
        own = info[area == domain.code]
        if not own.size:
            continue
        kept = max(math.ceil(own.shape[0] / 2), min(math.ceil(1.5 * forms * share), len(own)))
        best = np.argsort(-own.mean(axis=1), kind="stable")[:kept]
        total += share * own[best].mean(axis=0)
    return total


def _in_order(items: tuple[Item, ...], form: list[int]) -> tuple[int, ...]:
    """Domains in turn, the easier questions first: nobody meets a wall at the start."""
    rank: dict[int, int] = {}
    for code in {items[n].domain for n in form}:
        own = sorted(
            (n for n in form if items[n].domain == code), key=lambda n: (items[n].place, n)
        )
        rank |= {n: place for place, n in enumerate(own)}
    return tuple(sorted(form, key=lambda n: (rank[n], n)))
