"""``simulate``: what a bank can carry, before a test is published."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from kalan.engine.psychometrics.blueprint import read_blueprint
from kalan.engine.psychometrics.commands import options as shared
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.feasibility import refuse
from kalan.engine.psychometrics.report import Group, report, study

HELP = "simule un test : précision, exposition, recouvrement, par niveau et par domaine"


def arguments(parser: argparse.ArgumentParser) -> None:
    shared.bank(parser)
    parser.add_argument("--blueprint", type=Path, required=True, metavar="B.json")
    parser.add_argument("--n", type=_persons, default=5000, metavar="N", help="défaut : 5000")
    parser.add_argument("--seed", type=_seed, default=None, help="défaut : celle du plan")
    parser.add_argument(
        "--groups",
        metavar="JSON",
        help='groupes simulés, par exemple {"F": {"mean": -0.2, "sd": 1, "share": 0.6}, …}',
    )


def answer(options: argparse.Namespace) -> dict[str, Any]:
    bank = shared.opened(options.bank, options.model)
    blueprint = read_blueprint(options.blueprint)
    refuse(bank, blueprint)
    seed = blueprint.seed if options.seed is None else options.seed
    done = study(bank, blueprint, options.n, seed=seed, groups=_groups(options.groups))
    return {"seed": seed, **report(done)}


def _persons(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10_000_000:
        raise argparse.ArgumentTypeError("de 1 à 10 000 000 personnes")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("une graine est un entier positif ou nul")
    return number


def _groups(text: str | None) -> dict[str, Group] | None:
    if text is None:
        return None
    remedy = '--groups : écrivez {"NOM": {"mean": 0, "sd": 1, "share": 1}, …}.'
    try:
        found = {str(name): Group(**part) for name, part in json.loads(text).items()}
        good = all(
            isinstance(x, int | float) for part in found.values() for x in vars(part).values()
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(remedy) from error
    if not found or not good or any(part.sd <= 0 or part.share <= 0 for part in found.values()):
        raise DataError(remedy)
    return found
