"""``calibrate``: item parameters from answers, by marginal maximum likelihood."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kalan.engine.psychometrics.calibrate.expectation import collapsed
from kalan.engine.psychometrics.calibrate.kernels import MODELS
from kalan.engine.psychometrics.calibrate.marginal import calibrate
from kalan.engine.psychometrics.calibrate.priors import PRODUCT_PRIORS, Priors
from kalan.engine.psychometrics.calibrate.result import Calibration
from kalan.engine.psychometrics.commands import options as shared
from kalan.engine.psychometrics.csvfiles.answers import Answers, iter_answers, joined
from kalan.engine.psychometrics.csvfiles.banks import read_bank

HELP = "étalonne les questions : {model, n_persons, items, loglik, iterations, converged}"
PRIOR = re.compile(r"(a|b|c)=(lognormal|normal|logit|beta)\(([-\d.]+),([-\d.]+)\)")
PRIOR_FORM = "product, ou par exemple « a=lognormal(0.1,0.5) b=normal(0,1.5) c=beta(5,17) »"
KINDS = {"a": ("lognormal",), "b": ("normal",), "c": ("logit", "beta")}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", choices=MODELS, required=True)
    shared.weights(parser)
    parser.add_argument("--priors", type=_priors, metavar="LOIS", help=PRIOR_FORM)
    parser.add_argument(
        "--anchors", type=Path, metavar="BANK.csv", help="questions dont les paramètres sont fixés"
    )
    parser.add_argument("--group", metavar="COLONNE", help="groupes, chacun sa moyenne de θ")
    parser.add_argument("--reference", metavar="GROUPE", help="celui de N(0, 1) (défaut : premier)")
    parser.add_argument("--tolerance", type=shared.positive, default=1e-8, help="défaut : 1e-8")
    parser.add_argument(
        "--drop-constant", action="store_true", help="laisser de côté les questions constantes"
    )
    parser.add_argument(
        "--recode", action="store_true", help="renuméroter les catégories jamais utilisées"
    )
    parser.add_argument("--no-se", action="store_true", help="sans erreurs types")
    shared.grid(parser)
    shared.file(parser)


def answer(options: argparse.Namespace) -> dict[str, Any]:
    answers, silent = _gathered(options)
    anchors = read_bank(options.anchors, options.model) if options.anchors else None
    found = calibrate(
        answers.responses,
        options.model,
        nodes=options.nodes,
        limit=options.limit,
        priors=options.priors,
        anchors=anchors,
        groups=answers.labels[options.group] if options.group else None,
        reference=options.reference,
        tolerance=options.tolerance,
        standard_errors=not options.no_se,
        drop_constant=options.drop_constant,
        recode=options.recode,
    )
    return _written(found, silent)


def _gathered(options: argparse.Namespace) -> tuple[Answers, list[int]]:
    """The file with equal patterns of each block joined, and the lines without an answer."""
    parts, silent = [], []
    labels = [options.group] if options.group else []
    for block in iter_answers(
        options.file, weights=options.weights, labels=labels, ignore=options.ignore
    ):
        silent += block.lines[np.diff(block.responses.start) == 0].tolist()
        if labels:
            names, group = np.unique(np.array(block.labels[options.group]), return_inverse=True)
        else:
            names, group = np.array([""]), np.zeros(block.lines.size, np.int64)
        responses, group = collapsed(block.responses, group.astype(np.int64))
        kept = {name: tuple(names[group].tolist()) for name in labels}
        parts.append(Answers(replace(responses, ids=()), block.lines[:0], kept))
    return joined(parts), silent


def _written(found: Calibration, silent: list[int]) -> dict[str, Any]:
    warnings = list(found.warnings)
    if silent:
        more = "…" if len(silent) > 10 else "."
        warnings.append(f"Lignes sans réponse : {', '.join(map(str, silent[:10]))}{more}")
    answer: dict[str, Any] = {
        "model": found.model,
        "n_persons": _whole(found.n_persons),
        "items": [_item(found, row) for row in range(len(found.items))],
        "loglik": found.loglik,
        "log_posterior": found.log_posterior,
        "iterations": found.iterations,
        "converged": found.converged,
        "information": found.information,
        "n_without_answer": _whole(found.without_answer),
        "dropped": found.dropped,
        "warnings": warnings,
    }
    free = any(group.se_mean is not None or group.mean or group.sd != 1 for group in found.groups)
    if len(found.groups) > 1 or free:
        answer["groups"] = [
            {
                "group": group.name,
                "n_persons": _whole(group.n_persons),
                "mean": group.mean,
                "sd": group.sd,
                "se": {"mean": group.se_mean, "sd": group.se_sd},
            }
            for group in found.groups
        ]
    return answer


def _item(found: Calibration, row: int) -> dict[str, Any]:
    top, se = int(found.parameters.top[row]), found.se[row]
    b, se_b = found.parameters.b[row, :top], se[1 : 1 + top]
    several = found.model in ("GRM", "GPCM")
    return {
        "item": found.items[row],
        "a": found.parameters.a[row],
        "b": b if several else b[0],
        "c": found.parameters.c[row],
        "se": {
            "a": se[0],
            "b": se_b if several else se_b[0],
            "c": se[-1] if found.model == "3PL" else None,
        },
        "n": _whole(float(found.answers[row])),
    }


def _whole(number: float) -> float | int:
    return int(number) if number == int(number) else number


def _priors(text: str) -> Priors:
    if text == "product":
        return PRODUCT_PRIORS
    found: dict[str, tuple[float, float]] = {}
    for word in text.split():
        match = PRIOR.fullmatch(word)
        if not match or match[2] not in KINDS[match[1]]:
            raise argparse.ArgumentTypeError(f"« {word} » : écrivez {PRIOR_FORM}")
        name = f"{match[2]}_c" if match[1] == "c" else match[1]
        found[name] = (float(match[3]), float(match[4]))
    try:
        return Priors(**found)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"« {text} » : une loi par paramètre, écarts types positifs"
        ) from None
