"""French typography: a no-break space before « : ; ? ! % » and inside guillemets.

Of Python, reads string literals only, and of f-strings only what stands outside the braces (or in
a string inside them); of templates, what stands outside tags and the strings in them. Left alone:
docstrings, log messages, raw strings (patterns), SQL.

``python -m tests.house.typography FILE…`` mends files in place.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

NO_BREAK = "\u00a0"
# Before a sign that closes a word, not before "%s", "!important" or "?x=1".
_BEFORE = re.compile(
    r" (?=[:;?!](?:[\s)»\".,…]|$)|»|%(?![A-Za-z(0-9.\-])|\?(?=\\n)|:(?=\\n))|(?<=«) "
)
# What a file must hold for ``_BEFORE`` to match in one of its literals: most need no reading.
_ANYWHERE = re.compile(r" (?:[:;?!](?!=)|»|%)|« ")
_SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|VALUES|FROM|SET)\b")
_PREFIX = re.compile(r"[A-Za-z]*")


# Words that run on into a tag are typeset too; "a != b" and "%}" are not words.
_BETWEEN = re.compile(
    r"(?:(?<=\S)|\A) (?=[:;?!](?:[\s)»\"'<.,…]|\{|$)|»|%(?![}A-Za-z(0-9\-=]))|(?<=«) ", re.M
)
_TAG = re.compile(
    r"(\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<style.*?</style>|<script.*?</script>)", re.DOTALL
)
_STRING = re.compile(r'"[^"\n]*"')


def page_mended(source: str) -> str:
    """A Django template with its French typeset."""
    parts = _TAG.split(source)
    for rank, part in enumerate(parts):
        if rank % 2 == 0:
            parts[rank] = _BETWEEN.sub(NO_BREAK, part)
        elif not part.startswith(("{#", "<s")):
            parts[rank] = _STRING.sub(lambda found: _BETWEEN.sub(NO_BREAK, found[0]), part)
    return "".join(parts)


def paper_mended(source: str) -> str:
    """A Typst document with its French typeset, comments left alone."""
    return "\n".join(
        line if line.lstrip().startswith("//") else _BETWEEN.sub(NO_BREAK, line)
        for line in source.split("\n")
    )


def mender(path: Path) -> Callable[[str], str]:
    """What mends a file of this kind."""
    return {".html": page_mended, ".typ": paper_mended}.get(path.suffix, mended)


def mended(source: str) -> str:
    """``source`` with its French literals typeset."""
    lines = source.splitlines(keepends=True)
    for start, end, old in reversed(list(_literals(source))):
        new = _typeset(old)
        if new != old:
            (row, column), (last, stop) = start, end
            whole = "".join(lines[row - 1 : last])
            tail = len(lines[last - 1]) - stop
            lines[row - 1 : last] = [whole[:column] + new + whole[len(whole) - tail :]]
            lines = "".join(lines).splitlines(keepends=True)
    return "".join(lines)


def plain_spaces(source: str) -> list[tuple[int, str]]:
    """Literals that still hold a plain space: (line, literal)."""
    if not _ANYWHERE.search(source):
        return []
    return [(start[0], old) for start, _, old in _literals(source) if _typeset(old) != old]


def _literals(source: str) -> Iterator[tuple[tuple[int, int], tuple[int, int], str]]:
    """(start, end, text) of string tokens that people may read; an f-string is one."""
    lines = source.splitlines(keepends=True)
    skipped = _skipped(ast.parse(source))
    begun: list[tuple[int, int]] = []  # f-strings are several tokens from Python 3.12 on
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "FSTRING_START":
            begun.append(token.start)
        if kind == "FSTRING_END":
            start = begun.pop()
            if not begun:
                yield from _kept(start, token.end, lines, skipped)
        if kind == "STRING" and not begun:
            yield from _kept(token.start, token.end, lines, skipped)


def _kept(
    start: tuple[int, int], end: tuple[int, int], lines: list[str], skipped: set[int]
) -> Iterator[tuple[tuple[int, int], tuple[int, int], str]]:
    whole = "".join(lines[start[0] - 1 : end[0]])
    text = whole[start[1] : len(whole) - (len(lines[end[0] - 1]) - end[1])]
    prefix = _PREFIX.match(text)
    raw = prefix is not None and set(prefix[0].lower()) & set("rb")
    if start[0] not in skipped and not raw and not _SQL.search(text):
        yield start, end, text


def _skipped(tree: ast.AST) -> set[int]:
    """Lines of docstrings and of log messages."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "logger"
        ):
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def _typeset(literal: str) -> str:
    prefix = _PREFIX.match(literal)
    head = prefix[0] if prefix else ""
    body = literal[len(head) :]
    quote = body[:3] if body[:3] in ('"""', "'''") else body[:1]
    inside = body[len(quote) : len(body) - len(quote)]
    if "f" not in head.lower():
        return head + quote + _BEFORE.sub(NO_BREAK, inside) + quote
    parts = [
        _code(part) if rank % 2 else _BEFORE.sub(NO_BREAK, part)
        for rank, part in enumerate(_cut(inside))
    ]
    return head + quote + "".join(parts) + quote


def _cut(inside: str) -> list[str]:
    """Text and code of an f-string in turn: text, {code}, text…"""
    parts, depth, at = [""], 0, 0
    while at < len(inside):
        two = inside[at : at + 2]
        if depth == 0 and two in ("{{", "}}"):
            parts[-1] += two
            at += 2
            continue
        if inside[at] == "{":
            if depth == 0:
                parts.append("")
            depth += 1
        parts[-1] += inside[at]
        if inside[at] == "}":
            depth -= 1
            if depth == 0:
                parts.append("")
        at += 1
    return parts


def _code(part: str) -> str:
    """Strings inside the code of an f-string are text again."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", lambda found: _BEFORE.sub(NO_BREAK, found[0]), part)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(mender(path)(path.read_text()))
