"""``dif``: is an item harder for one group than for another of the same ability?"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.commands import options as shared
from kalan.engine.psychometrics.csvfiles.answers import read_answers
from kalan.engine.psychometrics.data import Responses
from kalan.engine.psychometrics.dif import CONTINUITY, ItemDif, logistic, mantel_haenszel
from kalan.engine.psychometrics.errors import DataError

HELP = (
    "fonctionnement différentiel (Mantel-Haenszel, correction de continuité "
    f"{CONTINUITY:g} ; ou régression logistique)"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--group", required=True, metavar="COLONNE", help="colonne du groupe")
    parser.add_argument("--focal", required=True, metavar="VALEUR", help="valeur du groupe focal")
    parser.add_argument("--method", choices=("mh", "logistic"), default="mh", help="défaut : mh")
    parser.add_argument(
        "--purify", action="store_true", help="mh : retirer du total les questions de classe C"
    )
    shared.weights(parser)
    shared.file(parser)


def answer(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The reference group is everybody else whose group is filled in."""
    read = read_answers(
        options.file, weights=options.weights, ignore=options.ignore, labels=[options.group]
    )
    label = np.array([text.strip() for text in read.labels[options.group]])
    if options.focal not in label:
        known = ", ".join(sorted(set(label) - {""})[:6])
        raise DataError(
            f"Colonne « {options.group} » : aucune ligne ne vaut « {options.focal} ». "
            f"Valeurs lues : {known or 'aucune'}."
        )
    responses = read.responses.keep(label != "")
    focal = label[label != ""] == options.focal
    _say_who_is_left_out(options.group, label, responses)
    if options.method == "mh":
        found = mantel_haenszel(responses, focal, purify=options.purify)
    else:
        found = logistic(responses, focal)
    return [_row(one) for one in found]


def _say_who_is_left_out(group: str, label: NDArray[np.str_], responses: Responses) -> None:
    """On stderr: the result stands on fewer persons, or on other groups, than the file has."""
    empty = int((label == "").sum())
    if empty:
        sys.stderr.write(f"Colonne « {group} » : {empty} case(s) vide(s), ligne(s) ignorée(s).\n")
    if len(set(label) - {""}) > 2:
        sys.stderr.write(
            f"Colonne « {group} » : plus de deux groupes ; tous les autres servent de référence.\n"
        )
    answered = responses.dense() >= 0
    partial = int((~answered.all(axis=1)).sum())
    if partial:
        silent = [f"« {responses.items[i]} »" for i in np.flatnonzero(~answered.any(axis=0))]
        sys.stderr.write(
            f"{partial} personne(s) sans toutes les réponses, ignorée(s) : on compare à total égal."
            + (f" Retirez la question sans réponse {', '.join(silent)}." if silent else "")
            + "\n"
        )


def _row(one: ItemDif) -> dict[str, Any]:
    row = {
        "item": one.item,
        "mh_or": one.mh_or,
        "delta": one.delta,
        "class": one.klass,
        "chi2": one.chi2,
        "p": one.p,
        "p_adjusted": one.p_adjusted,
    }
    return row | ({"r2": one.r2} if one.r2 is not None else {"se_delta": one.se_delta})
