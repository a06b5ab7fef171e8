"""``link``: put one calibration on the scale of another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from kalan.engine.psychometrics.commands import options as shared
from kalan.engine.psychometrics.link import METHODS, link
from kalan.engine.psychometrics.quadrature import normal_grid

HELP = "relie deux échelles : θ_to = A·θ_from + B, par les questions communes"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", type=Path, required=True, metavar="A.csv", dest="source")
    parser.add_argument("--to", type=Path, required=True, metavar="B.csv", dest="target")
    parser.add_argument("--method", choices=METHODS, default="stocking-lord")
    parser.add_argument(
        "--model",
        choices=("1PL", "2PL", "3PL", "4PL", "GRM", "GPCM"),
        help="modèle des banques sans colonne « model » (défaut : GRM si b1, b2…)",
    )
    shared.grid(parser)


def answer(options: argparse.Namespace) -> dict[str, Any]:
    """The criteria of Haebara and Stocking–Lord are weighted by N(0, 1) on the scale of B.csv."""
    source = shared.opened(options.source, options.model)
    target = shared.opened(options.target, options.model)
    grid = normal_grid(options.nodes, options.limit)
    found = link(source, target, options.method, grid=grid)
    for warning in found.warnings:
        sys.stderr.write(f"{warning}\n")
    return {
        "A": found.slope,
        "B": found.intercept,
        "method": options.method,
        "common": len(found.common),
        "warnings": list(found.warnings),
    }
