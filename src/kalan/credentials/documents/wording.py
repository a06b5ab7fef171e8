"""The words an administrator writes: plain text with a few signs, read here and nowhere else.

``{nom}`` is a field; ``[, en service à {structure}]`` is left out when one of its fields is empty;
``*gras*`` is bold; an empty line begins a paragraph. A sign doubled (``{{``, ``[[``, ``**``) is
itself. Nothing of it is ever read as Typst.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from kalan.credentials.documents import french
from kalan.credentials.documents.errors import Problem

Run = tuple[str, bool]  # text, bold
Paragraph = list[Run]

MAX_LENGTH = 4000  # characters of one block: two pages, more than any act says in a row

_TOKEN = re.compile(
    r"\{\{|\}\}|\[\[|\]\]|\*\*|\{([^{}\n]*)\}|[\[\]*{}]|\n[ \t]*\n\s*|[^{}\[\]*\n]+|\n"
)
_DOUBLED = {"{{": "{", "}}": "}", "[[": "[", "]]": "]", "**": "*"}


@dataclass(frozen=True)
class _Token:
    kind: str  # text, field, open, close, bold, paragraph, stray
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(text):
        word = match[0]
        if word in _DOUBLED:
            found.append(_Token("text", _DOUBLED[word], match.start()))
        elif match[1] is not None:
            found.append(_Token("field", match[1].strip(), match.start()))
        elif word == "[":
            found.append(_Token("open", word, match.start()))
        elif word == "]":
            found.append(_Token("close", word, match.start()))
        elif word == "*":
            found.append(_Token("bold", word, match.start()))
        elif word in "{}":
            found.append(_Token("stray", word, match.start()))
        elif word.startswith("\n") and word.count("\n") > 1:
            found.append(_Token("paragraph", word, match.start()))
        else:
            found.append(_Token("text", word, match.start()))
    return found


def typeset(text: str) -> str:
    """The same words with the no-break spaces of French: « ainsi » : oui ; non ? 95 %."""
    spaced = re.sub(r" (?=[:;?!»%])", "\u00a0", text.replace("\u202f", "\u00a0"))
    return re.sub(r"« ", "«\u00a0", spaced.replace("\r\n", "\n").replace("'", "’"))


def used(text: str) -> set[str]:
    """The names of the fields in ``text``."""
    return {token.text for token in _tokens(text) if token.kind == "field"}


def faults(text: str, known: Collection[str], *, block: str) -> list[Problem]:
    """What keeps ``text`` from being used, each with its line and character."""
    said: list[tuple[int, str, str]] = []
    if len(text) > MAX_LENGTH:
        said.append((MAX_LENGTH, "le texte est trop long", f"Restez sous {MAX_LENGTH} caractères."))
    opened: int | None = None
    bold: int | None = None
    for token in _tokens(text):
        if token.kind == "stray":
            remedy = "Écrivez le champ entre deux accolades, {nom}, ou doublez l’accolade."
            said.append((token.at, f"l’accolade « {token.text} » est seule", remedy))
        elif token.kind == "field" and token.text not in known:
            said.append(
                (token.at, f"le champ {{{token.text}}} n’existe pas", _nearest(token, known))
            )
        elif token.kind == "open":
            if opened is not None:
                remedy = "Fermez le premier crochet avant d’en ouvrir un autre."
                said.append((token.at, "un crochet s’ouvre dans un crochet", remedy))
            opened = token.at
        elif token.kind == "close":
            if opened is None:
                said.append((token.at, "le crochet « ] » ne ferme rien", "Ôtez-le ou doublez-le."))
            opened = None
        elif token.kind == "bold":
            bold = token.at if bold is None else None
    if opened is not None:
        said.append((opened, "le crochet « [ » n’est pas fermé", "Ajoutez « ] » ou doublez-le."))
    if bold is not None:
        said.append((bold, "le gras « * » n’est pas fermé", "Ajoutez « * » ou doublez l’étoile."))
    return [_problem(text, at, message, remedy, block) for at, message, remedy in sorted(said)]


def _problem(text: str, at: int, message: str, remedy: str, block: str) -> Problem:
    before = text[:at]
    line, character = before.count("\n") + 1, at - before.rfind("\n")
    place = f"ligne {line}, caractère {character}"
    return Problem("wording", block, f"{place}\u00a0: {message}.", remedy)


def _nearest(token: _Token, known: Collection[str]) -> str:
    near = difflib.get_close_matches(token.text, sorted(known), n=1)
    if near:
        return f"Vouliez-vous {{{near[0]}}}\u00a0?"
    return "Champs connus\u00a0: " + ", ".join(f"{{{name}}}" for name in sorted(known)) + "."


def expand(text: str, values: Mapping[str, str]) -> list[Paragraph]:
    """The paragraphs of ``text`` with its fields filled. A field without value is empty."""
    paragraphs: list[Paragraph] = [[]]
    bold = False
    kept: list[Run] | None = None  # inside brackets: what to print if no field is empty
    whole = True
    for token in _tokens(text):
        target = paragraphs[-1] if kept is None else kept
        if token.kind == "field":
            value = values.get(token.text, "")
            if token.text == "fonction" and target:  # « …, le Directeur de la formation, atteste »
                value = french.lowered(value)
            whole = whole and bool(value)
            target.append((value, bold))
        elif token.kind == "open":
            kept, whole = [], True
        elif token.kind == "close":
            if kept is not None and whole:
                paragraphs[-1].extend(kept)
            kept = None
        elif token.kind == "bold":
            bold = not bold
        elif token.kind == "paragraph":
            paragraphs.append([])
        else:
            target.append((token.text, bold))
    return [merged for merged in map(_merge, paragraphs) if merged]


def _merge(runs: Paragraph) -> Paragraph:
    """Neighbours of one weight in one run; no empty run; no space at either end."""
    made: Paragraph = []
    for text, bold in runs:
        if made and made[-1][1] == bold:
            made[-1] = (made[-1][0] + text, bold)
        elif text:
            made.append((text, bold))
    if made:
        made[0] = (made[0][0].lstrip(), made[0][1])
        made[-1] = (made[-1][0].rstrip(), made[-1][1])
    return [run for run in made if run[0]]


def listed(text: str) -> str:
    """A text whose lines are each a paragraph, without what a list is punctuated with: visas of
    law, « Vu la loi n° 2008-08 ; »."""
    lines = (line.strip().rstrip(";, \u00a0") for line in text.splitlines())
    return "\n\n".join(line for line in lines if line)


def plain(paragraphs: list[Paragraph]) -> str:
    """The same words without weight, a paragraph a line."""
    return "\n".join("".join(text for text, _ in paragraph) for paragraph in paragraphs)
