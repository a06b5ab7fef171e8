"""Questions to play with: those of the packs, and one of each kind as a file would bring it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from kalan.skills.play.content import from_own
from kalan.skills.play.shape import Stored

PACKS = Path(__file__).parents[2] / "packs" / "questions"


@cache
def pack() -> dict[str, dict[str, Any]]:
    """Every question of the packs, by code."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(PACKS.glob("*/*.toml")):
        for one in tomllib.loads(path.read_text(encoding="utf-8"))["question"]:
            found[one["code"]] = one
    return found


def stored(code: str) -> Stored:
    return from_own(pack()[code])


def own(kind: str, **more: Any) -> dict[str, Any]:
    """A small question of ``kind``, in the form of our files."""
    base: dict[str, Any] = {"code": "T-1", "type": kind, "competency": "C", "text": "Combien ?"}
    base |= {"explanation": "Parce que.", "source": "Guide"}
    return {**base, **KINDS[kind], **more}


def choice(text: str, right: bool, feedback: str = "") -> dict[str, Any]:
    return {"text": text, "right": right, "feedback": feedback}


_FOUR = [choice("un", True, "Oui."), choice("deux", False, "Non."), choice("trois", False)]
KINDS: dict[str, dict[str, Any]] = {
    "single": {"choices": _FOUR},
    "multiple": {"choices": [choice("un", True), *_FOUR[1:], choice("quatre", True)]},
    "truefalse": {"answer": True},
    "numeric": {"answer": 12.5, "tolerance": 0.5, "unit": "heures"},
    "short": {"answers": ["ordonnance", "prescription"], "typos": True},
    "matching": {
        "pairs": [{"left": "A", "right": "1"}, {"left": "B", "right": "2"}],
        "extra": ["3"],
    },
    "ordering": {"steps": ["un", "deux", "trois", "quatre"]},
    "cloze": {
        "text": "Le {{1}} et le {{2}}.",
        "gaps": [{"choices": [choice("feu", True), choice("bleu", False)]}, {"answers": ["jeu"]}],
    },
}
