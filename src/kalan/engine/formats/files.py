"""A file of questions: its size, its encoding, its format, and the verdict on each question."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kalan.engine.formats.aiken import read_aiken
from kalan.engine.formats.checks import bounded, checked
from kalan.engine.formats.gift_read import read_gift
from kalan.engine.formats.own import read_own
from kalan.engine.formats.question import BrokenQuestionError, Found, Refusal, UnreadableFileError
from kalan.engine.formats.sanitise import cleaned, legal
from kalan.engine.formats.xml_read import read_xml

LIMIT = 50_000_000  # bytes
READERS: dict[str, Callable[[str], Found]] = {
    "gift": read_gift,
    "moodle-xml": read_xml,
    "aiken": read_aiken,
    "kalan": read_own,
}
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_WESTERN = {"iso-8859-1", "iso8859-1", "latin1", "windows-1252", "cp1252"}
_ANSWER = re.compile(r"^\s*ANSWER:", re.M)
_CHOICE = re.compile(r"^\s*[A-Z][).]", re.M)


def read(path: Path, format_: str | None = None) -> Found:
    """Questions of ``path`` that can be used, safe, and why the others cannot.

    ``format_``: a key of ``READERS``; guessed from the content without it. Raises
    ``UnreadableFileError`` when the file is missing, empty, not text or above ``LIMIT``.
    """
    return judged(raw(path, format_))


def raw(path: Path, format_: str | None = None) -> Found:
    """Questions as the file has them, neither cleaned nor judged: never to be shown.

    Raises as ``read``.
    """
    text = _decoded(_bytes(path))
    return READERS[format_ or guess(path, text)](text)


def guessed(path: Path, name: str) -> str:
    """The format of the file at ``path`` that its owner calls ``name``. Raises as ``read``."""
    return guess(Path(name), _decoded(_bytes(path)))


def judged(found: Found) -> Found:
    """``found`` with every question cleaned, and refused when Moodle would refuse it."""
    kept = []
    for question in found.questions:
        try:
            kept.append(checked(cleaned(bounded(question))))
        except BrokenQuestionError as broken:
            found.refused.append(Refusal(question.line, question.name, str(broken)))
    refused = sorted(
        (replace(one, name=legal(one.name)) for one in found.refused), key=lambda one: one.line
    )
    return replace(found, questions=kept, refused=refused)


def guess(path: Path, text: str) -> str:
    """The format of a text, by its content first."""
    if path.suffix.lower() == ".toml":
        return "kalan"
    if text.lstrip().startswith("<"):
        return "moodle-xml"
    answers = len(_ANSWER.findall(text))
    if answers and _CHOICE.search(text) and not re.search(r"(?<!\\)\{", text):
        return "aiken"
    return "gift"


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as wrong:
        raise UnreadableFileError(
            f"«\u00a0{path}\u00a0» ne se lit pas\u00a0: {wrong.strerror}."
        ) from None
    if len(data) > LIMIT:
        raise UnreadableFileError("Le fichier dépasse 50\u00a0Mo\u00a0: partagez-le.")
    if not data.strip():
        raise UnreadableFileError("Le fichier est vide.")
    return data


def _decoded(data: bytes) -> str:
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return _text(data, name)
    declared = _DECLARED.match(data)
    if declared and declared[1].decode("ascii").lower() in _WESTERN:
        return _text(data, "cp1252")
    try:
        return _text(data, "utf-8-sig")
    except UnreadableFileError:
        return _text(data, "cp1252")


def _text(data: bytes, encoding: str) -> str:
    # A few bytes mean nothing in Windows-1252; they must not stop a whole file.
    errors = "replace" if encoding == "cp1252" else "strict"
    try:
        text = data.decode(encoding, errors)
    except UnicodeDecodeError:
        raise UnreadableFileError("Le fichier n’est pas du texte UTF-8 ou Windows-1252.") from None
    if "\0" in text:
        raise UnreadableFileError(
            "Le fichier n’est pas du texte\u00a0: exportez-le en GIFT, XML ou Aiken."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")
