"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np

from kalan.engine.psychometrics.csvfiles.banks import read_bank
from kalan.engine.psychometrics.data import Bank

STEEP, FAR, GUESSED = 5.0, 8.0, 0.5  # beyond: hardly ever a real item, more often a slip


def file(parser: argparse.ArgumentParser) -> None:
    """FILE.csv, and the columns that are not items."""
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="une ligne par personne")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="COLONNE", help="laisser cette colonne"
    )


def weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", metavar="COLONNE", help="effectif de chaque ligne")


def bank(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bank", type=Path, required=True, metavar="BANK.csv")
    parser.add_argument(
        "--model",
        choices=("1PL", "2PL", "3PL", "4PL", "GRM", "GPCM"),
        help="modèle de la banque sans colonne « model » (défaut : GRM si b1, b2…)",
    )


def opened(path: Path, model: str | None) -> Bank:
    """The bank; stderr names the items whose values are possible but hardly ever real."""
    found = read_bank(path, model)
    far = np.nanmax(np.abs(found.b), axis=1)
    for values, limit, what in (
        (found.a, STEEP, "pente (a)"),
        (far, FAR, "difficulté (b), en valeur absolue,"),
        (found.c, GUESSED, "réussite au hasard (c)"),
    ):
        odd = [f"« {found.items[i]} »" for i in np.flatnonzero(values > limit)[:5]]
        if odd:
            sys.stderr.write(
                f"{path.name} : {what} au-delà de {limit:g} pour {', '.join(odd)}. "
                "Vérifiez l’étalonnage de ces questions.\n"
            )
    return found


def grid(parser: argparse.ArgumentParser) -> None:
    """``--nodes`` and ``--range``."""
    parser.add_argument("--nodes", type=_nodes, default=61, metavar="N", help="défaut : 61")
    parser.add_argument(
        "--range", type=_limit, default=6.0, metavar="R", dest="limit", help="±R, défaut : 6"
    )


def _nodes(text: str) -> int:
    number = int(text)
    if not 3 <= number <= 10_001:
        raise argparse.ArgumentTypeError("de 3 à 10001 nœuds")
    return number


def _limit(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and 0 < number <= 50):
        raise argparse.ArgumentTypeError("une étendue entre 0 et 50")
    return number


def finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError("un nombre fini")
    return number


def positive(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError("un nombre au-dessus de 0")
    return number
