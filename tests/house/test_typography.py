"""Messages in Python code, templates and papers are typeset alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.typography import mended, mender, page_mended, paper_mended, plain_spaces

SOURCE = Path(__file__).parents[2] / "src" / "kalan"


def test_no_message_has_a_plain_space_before_a_sign() -> None:
    """To mend: python -m tests.house.typography FILE…"""
    found = [
        f"{path.relative_to(SOURCE)}:{line} {text}"
        for path in sorted(SOURCE.rglob("*.py"))
        if "migrations" not in path.parts
        for line, text in plain_spaces(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('x = "Ligne 3 : « Awa » ; 58,73 % !"', 'x = "Ligne 3~: «~Awa~»~; 58,73~%~!"'),
        ('f"{n} % de {a!r:>5} : {b}"', 'f"{n}~% de {a!r:>5}~: {b}"'),
        ("f\"{', ou ' if a else ' : '}\"", "f\"{', ou ' if a else '~: '}\""),
        ('f"{{a : b}} {c}"', 'f"{{a~: b}} {c}"'),
        ('"%d %s %(n)s" % x', '"%d %s %(n)s" % x'),
        ('"?a=1 ?b=2 a !important"', '"?a=1 ?b=2 a !important"'),
        ('r"\\s :"', 'r"\\s :"'),
        ('logger.info("vu : %s", x)', 'logger.info("vu : %s", x)'),
        ('"SELECT a FROM b WHERE c = %s ;"', '"SELECT a FROM b WHERE c = %s ;"'),
        ('x = {"a" : 1}[a : b]', 'x = {"a" : 1}[a : b]'),
        ('def f() -> None:\n    """What : for."""', 'def f() -> None:\n    """What : for."""'),
    ],
)
def test_only_french_text_is_typeset(before: str, after: str) -> None:
    assert mended(before) == after.replace("~", "\u00a0")


def test_no_page_and_no_paper_has_a_plain_space_before_a_sign() -> None:
    """To mend: python -m tests.house.typography FILE…"""
    found = [
        str(path.relative_to(SOURCE))
        for kind in ("*.html", "*.typ")
        for path in sorted(SOURCE.rglob(kind))
        if mender(path)(path.read_text()) != path.read_text()
    ]
    assert found == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>Quoi ? « Oui » ; 95 %.</p>", "<p>Quoi~? «~Oui~»~; 95~%.</p>"),
        ("Mesure : {{ a }} ;<br>{{ b }} %", "Mesure~: {{ a }}~;<br>{{ b }}~%"),
        ("{% if a %} % {% endif %}", "{% if a %}~% {% endif %}"),
        ('{% include "x" with m="Rien : vide." %}', '{% include "x" with m="Rien~: vide." %}'),
        ("{{ a|yesno:'x : y' }}", "{{ a|yesno:'x : y' }}"),
        ("<style>a :hover { b : c }</style>", "<style>a :hover { b : c }</style>"),
    ],
)
def test_of_pages_only_the_words_are_typeset(before: str, after: str) -> None:
    assert page_mended(before) == after.replace("~", "\u00a0")


def test_of_papers_code_and_comments_are_left() -> None:
    paper = '// Note : rien\n#if a != "" [Code : #a]'
    assert paper_mended(paper) == '// Note : rien\n#if a != "" [Code\u00a0: #a]'
