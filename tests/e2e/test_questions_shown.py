"""Every kind of question, before and after the answer: accessible, valid, no wider than a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kalan.skills.play.content import Stored, from_own
from kalan.skills.play.given import Given
from kalan.skills.play.grade import ideal
from kalan.skills.play.shape import GapKey
from kalan.skills.play.show import question, review
from tests.e2e.conftest import LAPTOP, PHONE, OpenPage
from tests.skills.play_questions import KINDS, own, pack, stored
from tests.support.html import Nu, sound

CSS = Path(__file__).parents[2] / "src/kalan/web/static/web/kalan.css"
RICH = "<p>Voyez.</p><table><tr><td>a</td></tr></table><ul><li>un</li></ul><h2>Titre</h2>"


def shown_page(body: str) -> str:
    return (
        "<!DOCTYPE html><html lang=fr><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'><title>Essai</title>"
        f"<style>{CSS.read_text()}</style></head>"
        f"<body><main><div class=stack><h1>Essai</h1>{body}</div></main></body></html>"
    )


def some() -> list[Stored]:
    """The first of each kind in the packs, and one with paragraphs, a table and a heading."""
    codes = {one["type"]: code for code, one in sorted(pack().items(), reverse=True)}
    return [*map(stored, codes.values()), from_own(own("single", html=True, text=RICH))]


def wrong(one: Stored) -> Given:
    """An answer with every part filled and hardly any right."""
    right, names = ideal(one), [each["id"] for each in one.content.get("rights", [])]
    match one.kind:
        case "single":
            return {"choice": min(set(one.key["weights"]) - {right["choice"]})}
        case "multiple":
            return {"choices": sorted(one.key["weights"])}
        case "truefalse":
            return {"choice": ({"v", "f"} - {right["choice"]}).pop()}
        case "matching":
            return {"pairs": dict.fromkeys(right["pairs"], names[0])}
        case "ordering":
            return {"ranks": {step: 9 - rank for step, rank in right["ranks"].items()}}
        case "cloze":
            return {"gaps": {str(n + 1): _wrong_gap(g) for n, g in enumerate(one.key["gaps"])}}
        case _:
            return {"text": "<b>&\"'"}


def _wrong_gap(gap: GapKey) -> str:
    return min(gap["weights"], key=lambda name: gap["weights"][name]) if "weights" in gap else "?"


def test_there_is_one_of_each_kind() -> None:
    assert {one.kind for one in some()} == set(KINDS)


@pytest.mark.parametrize("width", [PHONE, LAPTOP])
def test_questions_can_be_read_by_everyone(open_page: OpenPage, nu: Nu, width: int) -> None:
    fields = "".join(
        f"<form class=card>{question(one.content, seed=rank, name=f'q{rank}')}"
        "<button class='btn btn-primary'>Valider</button></form>"
        for rank, one in enumerate(some())
    )
    page = open_page(width)
    page.set_content(shown_page(fields))
    assert nu.errors(shown_page(fields)) == []
    assert sound(page) == []


@pytest.mark.parametrize("answer", [ideal, wrong])
def test_reviews_can_be_read_by_everyone(
    open_page: OpenPage, nu: Nu, answer: Callable[[Stored], Given]
) -> None:
    told = "".join(
        f"<section class='card stack'><h2>{one.kind}</h2>"
        f"{review(one, answer(one), seed=1)}</section>"
        for one in some()
    )
    page = open_page(PHONE)
    page.set_content(shown_page(told))
    assert nu.errors(shown_page(told)) == []
    assert sound(page) == []
