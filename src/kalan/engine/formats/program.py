"""``kalan questions …``: the result on stdout, diagnostics on stderr.

Exit codes: 0 every question was read, 1 one was refused or nothing could be written, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kalan.engine.formats.aiken import write_aiken
from kalan.engine.formats.files import READERS, read
from kalan.engine.formats.gift_write import holds, write_gift
from kalan.engine.formats.question import KINDS, Found, Question, Refusal, UnreadableFileError
from kalan.engine.formats.xml_write import write_xml

Writer = Callable[[Iterable[Question], Callable[[Refusal], None]], Iterator[str]]
WRITERS: dict[str, Writer] = {"moodle-xml": write_xml, "gift": write_gift, "aiken": write_aiken}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="kalan questions", description="Vérifier et convertir des questions."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMANDE")
    check = commands.add_parser("check", help="lit un fichier et juge chaque question")
    check.add_argument("--json", action="store_true", help="le verdict en JSON")
    convert = commands.add_parser("convert", help="écrit les questions dans un autre format")
    convert.add_argument("--to", required=True, choices=WRITERS, help="le format à écrire")
    for one in (check, convert):
        one.add_argument("file", type=Path, metavar="FICHIER")
        one.add_argument("--from", dest="from_", choices=READERS, help="le format lu, sinon deviné")
    return top


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said why on stderr
        return stop.code if isinstance(stop.code, int) else 2
    try:
        found = read(options.file, options.from_)
        return (
            _check(found, options.json)
            if options.command == "check"
            else _convert(found, options.to)
        )
    except UnreadableFileError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        return 1


def verdict(found: Found) -> dict[str, Any]:
    """What ``check --json`` writes. ``total`` and ``counts``: questions that can be used."""
    counts = Counter(question.kind for question in found.questions)
    return {
        "total": len(found.questions),
        "counts": {kind: counts[kind] for kind in KINDS},
        "categories": len(found.categories),
        "refused": [asdict(one) for one in found.refused],
    }


def _check(found: Found, as_json: bool) -> int:
    said = verdict(found)
    if as_json:
        sys.stdout.write(json.dumps(said, ensure_ascii=False, indent=2) + "\n")
    else:
        kinds = ", ".join(f"{kind} {count}" for kind, count in said["counts"].items() if count)
        sys.stdout.write(f"{said['total']} questions lues ({kinds or 'aucune'})\n")
        for one in found.refused:
            sys.stdout.write(_line(one))
    return 1 if found.refused else 0


def _line(one: Refusal) -> str:
    name = f" «\u00a0{one.name}\u00a0»" if one.name else ""
    return f"Ligne {one.line}{name}\u00a0: {one.reason}\n"


def _convert(found: Found, to: str) -> int:
    for one in found.refused:
        sys.stderr.write(_line(one))
    left_out: list[Refusal] = []
    for piece in WRITERS[to](found.questions, left_out.append):
        sys.stdout.write(piece)
    for one in left_out:
        sys.stderr.write(_line(one))
    if left_out:
        sys.stderr.write(f"{len(left_out)} questions laissées de côté.\n")
    if said := lost(found.questions, to):
        sys.stderr.write(said)
    return 1 if found.refused or len(left_out) == len(found.questions) else 0


def lost(questions: list[Question], to: str) -> str:
    """What the format drops from questions it holds, said once."""
    if to == "moodle-xml":
        return ""
    if to == "aiken":
        return "Aiken ne garde ni catégories, ni commentaires, ni étiquettes.\n"
    plain = all(
        not (one.units or one.hidden)
        and all(holds(label) for label in (*one.tags, one.id_number))
        and one.penalty is None
        and one.mark == 1
        for one in questions
    )
    return (
        ""
        if plain
        else "GIFT ne garde ni unités, ni barème, ni pénalité, ni étiquette entre crochets.\n"
    )
