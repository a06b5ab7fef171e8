"""``gallery``: pictures of what the engine does, computed by the engine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kalan.engine.psychometrics.gallery.index import pictures, write
from kalan.engine.psychometrics.gallery.picture import SEED

HELP = "dessine la galerie : information, exposition, étalonnage, erreurs, gain, domaines, capacité"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="où écrire SVG et README.md")
    parser.add_argument("--seed", type=int, default=SEED, help=f"graine ; défaut : {SEED}")


def answer(options: argparse.Namespace) -> dict[str, Any]:
    found = pictures(seed=options.seed)
    return {
        "folder": str(options.folder),
        "files": write(options.folder, found),
        "seed": options.seed,
        "figures": {one.name: {**one.figures, **one.verdicts} for one in found},
    }
