"""When a test may end. Every rule waits for the minimum length and for the quotas' minima.

Rules: standard error at its target; standard error no longer falling; information of the best item
left below a floor; posterior P(θ ≥ cut) outside [α, 1 − α]; sequential probability ratio test of
cut + δ against cut − δ (Wald 1947; Eggen 1999). The result names the rule that ended the test.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from kalan.engine.psychometrics.blueprint import Blueprint

REASONS = ("maximum", "precision", "plateau", "decision", "sprt", "information")


class State(NamedTuple):
    """Of one person (floats) or of many (arrays of one length)."""

    se: Any  # standard error now
    earlier: Any  # standard error some answers ago (the window), ∞ before
    above: Any  # posterior probability of θ ≥ cut
    ratio: Any  # ln L(cut + δ) − ln L(cut − δ)


class Stops:
    """A blueprint's stop rules, made ready."""

    def __init__(self, blueprint: Blueprint) -> None:
        rules = blueprint.stop
        self.rule_set = rules
        self.information = rules.information
        self.any = any(x is not None for x in (rules.se, rules.flat, rules.decision, rules.sprt))
        if rules.sprt is not None:
            self._upper = log((1 - rules.sprt.beta) / rules.sprt.alpha)
            self._lower = log(rules.sprt.beta / (1 - rules.sprt.alpha))

    def rules(self, state: State) -> list[tuple[str, Any]]:
        """(rule, does it hold) in the order in which they are named; arrays come back as arrays."""
        of, found = self.rule_set, list[tuple[str, Any]]()
        if of.decision is not None:
            alpha = of.decision.alpha
            found.append(("decision", (state.above <= alpha) | (state.above >= 1 - alpha)))
        if of.sprt is not None:
            found.append(("sprt", (state.ratio >= self._upper) | (state.ratio <= self._lower)))
        if of.se is not None:
            found.append(("precision", state.se <= of.se))
        if of.flat is not None:
            found.append(("plateau", state.earlier - state.se < of.flat))
        return found
