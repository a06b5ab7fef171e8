"""When a domain score may be reported at all: PRMSE, the share of its true variance that an
estimate predicts.

Haberman 2008 (observed sums, classical theory): a subscore adds value when it predicts the true
subscore better than the total does. Haberman & Sinharay 2010: the same question put to the
estimates of a multidimensional model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.domains import check_covariance, score_domains
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import probabilities
from kalan.engine.psychometrics.reliability import cronbach_alpha
from kalan.engine.psychometrics.scoring import score


@dataclass(frozen=True)
class Prmse:
    """Shares in 0 … 1 of the variance of the true score of ``domain`` predicted by its own items
    (``own``), by the total (``total``) and by all domains scored together (``joint``, else None).

    ``reportable``: the best estimate that speaks of this domain predicts it better than the total.
    """

    domain: str
    own: float
    total: float
    joint: float | None
    reportable: bool


LEAST_ADDED = 0.01  # a joint estimate must add this much to the total's share


def haberman(responses: Responses, domain_of: dict[str, str]) -> list[Prmse]:
    """From observed sums of the persons who answered every item; ``domain_of`` item → domain."""
    lost = [item for item in responses.items if item not in domain_of]
    if lost:
        raise DataError(f"Question « {lost[0]} » : son domaine n’est pas déclaré.")
    domains = tuple(dict.fromkeys(domain_of[item] for item in responses.items))
    table = responses.dense()
    whole = (table >= 0).all(axis=1)
    weight = responses.weight[whole]
    if weight.sum() < 30:
        raise DataError(
            "Sous-scores : au moins 30 personnes ayant répondu à tout sont nécessaires."
        )
    of_item = np.array([domains.index(domain_of[item]) for item in responses.items])
    part = [table[whole][:, of_item == d] for d in range(len(domains))]
    sums = np.stack([columns.sum(axis=1) for columns in part], axis=1).astype(np.float64)
    alpha = np.array(
        [_alpha(name, columns, weight) for name, columns in zip(domains, part, strict=True)]
    )
    cov = np.cov(sums.T, bias=True, aweights=weight).reshape(len(domains), len(domains))
    variance = np.diag(cov)
    total = float(cov.sum())
    true_total = total - float(((1 - alpha) * variance).sum())
    out = []
    for d, name in enumerate(domains):
        shared = float(cov[d].sum() - variance[d] + alpha[d] * variance[d])
        true = alpha[d] * variance[d]
        by_total = 0.0
        if true > 0 and true_total > 0:
            by_total = min(shared**2 / (true * true_total), 1.0) * true_total / total
        out.append(Prmse(name, float(alpha[d]), by_total, None, bool(alpha[d] > by_total)))
    return out


def _alpha(domain: str, columns: NDArray[np.int16], weight: Floats) -> float:
    try:
        return max(cronbach_alpha(Responses.from_dense(columns, weight=weight)), 0.0)
    except DataError as error:
        raise DataError(f"Domaine « {domain} » : {error}") from error


def simulated_prmse(
    bank: Bank, correlation: Floats, *, persons: int = 2000, seed: int = 1, exact: bool = False
) -> list[Prmse]:
    """The same question for a form before anyone sits it: all items of ``bank`` are answered by
    simulated persons whose domains correlate as declared."""
    domains = tuple(sorted(set(bank.area)))
    correlation = check_covariance(correlation, len(domains))
    rng = np.random.default_rng(seed)
    true = rng.multivariate_normal(np.zeros(len(domains)), correlation, size=persons)
    of_item = np.array([domains.index(area) for area in bank.area])
    table = np.empty((persons, bank.n_items), np.int16)
    for i in range(bank.n_items):
        p = probabilities(bank.take([i]), true[:, of_item[i]])[0]  # (K, P)
        table[:, i] = np.minimum((rng.random(persons) > p.cumsum(axis=0)).sum(axis=0), bank.top[i])
    responses = Responses.from_dense(table, items=bank.items)
    joint = score_domains(bank, responses, correlation, exact=exact).theta
    own = score_domains(bank, responses, np.eye(len(domains)), exact=exact).theta
    total = score(bank, responses, "EAP").theta  # one ability for all items
    out = []
    for d, name in enumerate(domains):
        share = [_predicted(true[:, d], estimate) for estimate in (own[:, d], total, joint[:, d])]
        reportable = max(share[0], share[2] - LEAST_ADDED) > share[1]
        out.append(Prmse(name, share[0], share[1], share[2], reportable))
    return out


def _predicted(true: Floats, estimate: Floats) -> float:
    if estimate.std() == 0:
        return 0.0
    return float(np.corrcoef(true, estimate)[0, 1] ** 2)
