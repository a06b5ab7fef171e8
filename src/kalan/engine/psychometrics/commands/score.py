"""``score``: the ability of each person, from a bank."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from kalan.engine.psychometrics.commands import options as shared
from kalan.engine.psychometrics.csvfiles.answers import iter_answers
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.scoring import METHODS, Prior, score

HELP = "note chaque personne : [{id, theta, se}]"


def arguments(parser: argparse.ArgumentParser) -> None:
    shared.bank(parser)
    parser.add_argument("--method", choices=METHODS, default="EAP", help="défaut : EAP")
    parser.add_argument(
        "--mean", type=shared.finite, default=0.0, help="moyenne de la loi a priori"
    )
    parser.add_argument("--sd", type=shared.positive, default=1.0, help="son écart type")
    shared.grid(parser)
    shared.weights(parser)
    shared.file(parser)


def answer(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object a person, in the order of the file; a file of any length is read in blocks."""
    bank = shared.opened(options.bank, options.model)
    prior = Prior(options.mean, options.sd)
    grid = normal_grid(options.nodes, options.limit, mean=prior.mean, sd=prior.sd)
    for block in iter_answers(options.file, weights=options.weights, ignore=options.ignore):
        found = score(bank, block.responses, options.method, grid=grid, prior=prior)
        rows = zip(block.responses.ids, found.theta.tolist(), found.se.tolist(), strict=True)
        for name, theta, se in rows:
            yield {"id": name, "theta": theta, "se": se}
