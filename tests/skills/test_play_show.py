"""The form of a question: small, whole, and silent on the answer."""

from __future__ import annotations

import re

import brotli
import pytest

from kalan.skills.play.content import from_own
from kalan.skills.play.show import question, review
from tests.skills.play_questions import KINDS, own, pack, stored

SECRETS = {"feedback": "SECRETF", "explanation": "SECRETE", "source": "SECRETS"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_of_the_key_is_shown_before_the_answer(kind: str) -> None:
    one = own(kind, explanation="SECRETE", source="SECRETS")
    if "choices" in one:
        one["choices"] = [{**each, "feedback": "SECRETF"} for each in one["choices"]]
    if kind == "short":
        one["answers"] = ["SECRETA"]
    if kind == "numeric":
        one["answer"], one["tolerance"] = 987654, 0.125
    if kind == "cloze":
        one["gaps"] = [one["gaps"][0], {"answers": ["SECRETA"]}]
    kept = from_own(one)
    for shown in (question(kept.content, seed=3), repr(kept.content)):
        assert "SECRET" not in shown
        assert not re.search(r"987654|0\.125|100|33\.3|-50", shown)
    assert "SECRETE" in review(kept, {})


@pytest.mark.parametrize("kind", ["single", "multiple", "matching", "ordering"])
def test_neither_ids_nor_order_tell_the_answer(kind: str) -> None:
    """Over many questions written right-first, the right one is everywhere."""
    places, names = set(), set()
    for number in range(60):
        one = from_own(own(kind, text=f"Question {number}"))
        items = one.content.get("choices") or one.content.get("rights") or one.content["steps"]
        if kind in ("single", "multiple"):
            right = one.key["order"][0]
        else:
            right = one.key["pairs"][0]["right"] if kind == "matching" else one.key["steps"][0]
        names.add(right)
        places.add([each["id"] for each in items].index(right))
    assert len(names) == len(places) == len(items)


def test_the_order_follows_the_seed() -> None:
    content = stored("COM-001").content
    assert question(content, seed="s") == question(content, seed="s")
    assert len({question(content, seed=seed) for seed in range(40)}) > 10


def test_the_order_of_the_author_is_kept_when_asked() -> None:
    one = from_own(own("single", fixed=True))
    shown = [re.findall(r"<span>(.*?)</span>", question(one.content, seed=s)) for s in range(9)]
    assert shown == [["un", "deux", "trois"]] * 9


def test_single_choice() -> None:
    one = from_own(own("single", text="A &amp; < B"))
    assert question(one.content, seed=0, given={"choice": one.key["order"][0]}, name="x") == (
        "<fieldset><legend>A &amp;amp; &lt; B</legend>"
        + "".join(
            f"<label><input type=radio name=x value={name}{' checked' if text == 'un' else ''}>"
            f" <span>{text}</span></label>"
            for text, name in _shown(question(one.content, seed=0, name="x"))
        )
        + "</fieldset>"
    )


def _shown(html: str) -> list[tuple[str, str]]:
    return [(text, name) for name, text in re.findall(r"value=(\w)> <span>(.*?)</span>", html)]


def test_weight_of_single_choices() -> None:
    """Compressed alone, which is dearer than in a page."""
    sizes = [
        len(brotli.compress(question(stored(code).content, seed=1).encode(), quality=5))
        for code, one in pack().items()
        if one["type"] == "single"
    ]
    assert sum(sizes) / len(sizes) <= 480
    assert max(sizes) <= 640
