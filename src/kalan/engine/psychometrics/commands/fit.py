"""``fit``: do items and persons answer as the bank says?"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from kalan.engine.psychometrics.commands import options as shared
from kalan.engine.psychometrics.csvfiles.answers import read_answers
from kalan.engine.psychometrics.fit import item_fit, person_fit
from kalan.engine.psychometrics.quadrature import normal_grid
from kalan.engine.psychometrics.scoring import METHODS, score

HELP = "ajustement : S-X2, infit, outfit des questions ; lz, lz* des personnes"


def arguments(parser: argparse.ArgumentParser) -> None:
    shared.bank(parser)
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="WLE",
        help="estimation à laquelle infit, outfit, lz et lz* sont pris ; défaut : WLE",
    )
    shared.grid(parser)
    shared.weights(parser)
    shared.file(parser)


def answer(options: argparse.Namespace) -> dict[str, Any]:
    bank = shared.opened(options.bank, options.model)
    read = read_answers(options.file, weights=options.weights, ignore=options.ignore)
    responses = read.responses
    grid = normal_grid(options.nodes, options.limit)
    scores = score(bank, responses, options.method, grid=grid)
    items = item_fit(bank, responses, grid=grid, scores=scores)
    if all(one.sx2 is None for one in items):
        sys.stderr.write("S-X2 : personne n’a répondu à toutes les questions, ou trop peu.\n")
    persons = person_fit(bank, responses, options.method, scores=scores)
    columns = (persons.lz, persons.lz_star, persons.infit, persons.outfit)
    rows = zip(responses.ids, *(column.tolist() for column in columns), strict=True)
    return {
        "method": options.method,
        "items": [
            {
                "item": one.item,
                "sx2": one.sx2,
                "df": one.df,
                "p": one.p,
                "infit": one.infit,
                "outfit": one.outfit,
            }
            for one in items
        ],
        "persons": [
            {"id": name, "lz": lz, "lz_star": star, "infit": infit, "outfit": outfit}
            for name, lz, star, infit, outfit in rows
        ],
    }
