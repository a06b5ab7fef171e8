"""``kalan psychometrics …``: files in, JSON on stdout, diagnostics on stderr.

Exit codes: 0 done, 1 refused (the message names row, column or item), 2 usage. A command is a
module of this folder with ``HELP``, ``arguments(parser)`` and ``answer(options)``; ``COMMANDS``
names it. ``answer`` returns what is written as JSON; an iterator is written as a list.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from kalan.engine.psychometrics.commands.output import write
from kalan.engine.psychometrics.errors import DataError

PACKAGE = "kalan.engine.psychometrics.commands"
COMMANDS: dict[str, str] = {  # command → module of this folder
    "calibrate": "calibrate",
    "score": "score",
    "fit": "fit",
    "dif": "dif",
    "link": "link",
    "simulate": "simulate",
    "gallery": "gallery",
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="kalan psychometrics", description="Étalonner, noter et contrôler des tests."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMANDE")
    for name, module in COMMANDS.items():
        found = importlib.import_module(f"{PACKAGE}.{module}")
        one = commands.add_parser(name, help=found.HELP, description=found.HELP)
        found.arguments(one)
        one.set_defaults(answer=found.answer)
    return top


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said why on stderr
        return stop.code if isinstance(stop.code, int) else 2
    try:
        write(options.answer(options), sys.stdout)
    except DataError as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    except MemoryError:
        sys.stderr.write(
            "La mémoire ne suffit pas pour ce fichier : partagez-le, ou étalonnez un échantillon.\n"
        )
        return 1
    except BrokenPipeError:  # the reader (head) has left
        return 1
    except KeyboardInterrupt:
        return 1
    return 0
