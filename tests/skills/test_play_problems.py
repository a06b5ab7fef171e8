"""What an author got wrong is named, with its place; search words and questions alike."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kalan.engine.formats.question import Question, Text
from kalan.skills.play.content import (
    ALIKE,
    Stored,
    from_own,
    from_question,
    nearest,
    problems,
    similar,
    words,
)
from tests.skills.play_questions import KINDS, choice, own, pack, stored

GAPS = KINDS["cloze"]["gaps"]


def test_nothing_to_say() -> None:
    assert [problems(from_own(own(kind))) for kind in KINDS] == [[]] * len(KINDS)


@pytest.mark.parametrize(
    ("kind", "change", "found"),
    [
        ("single", {"text": " "}, [("text", "pas de texte")]),
        ("single", {"choices": [choice("a", False), choice("b", False)]}, [("choices", "Aucune")]),
        ("single", {"choices": [choice("a", True), choice("b", True)]}, [("choices", "2 bonnes")]),
        ("single", {"choices": [choice("a", True)]}, [("choices", "au moins deux")]),
        (
            "single",
            {"choices": [choice("A ", True), choice("a", False)]},
            [("choices", "deux fois")],
        ),
        (
            "single",
            {"choices": [choice("a", True), choice(" ", False), choice("c", False)]},
            [("choices", "La réponse 2 est vide")],
        ),
        (
            "multiple",
            {"choices": [choice("a", False), choice("b", False)]},
            [("choices", "Aucune")],
        ),
        ("multiple", {"choices": [choice("a", True), choice("b", True)]}, [("choices", "Toutes")]),
        (
            "multiple",
            {"choices": [{**choice("a", True), "weight": 50.0}, choice("b", False)]},
            [("choices", "valent ensemble 50")],
        ),
        ("numeric", {"tolerance": -1}, [("answers", "tolérance")]),
        ("short", {"answers": []}, [("answers", "vide")]),
        ("short", {"answers": ["a", " "]}, [("answers", "vide")]),
        ("short", {"answers": ["*"]}, [("answers", "Toute réponse serait juste")]),
        ("short", {"answers": [{"text": "a", "weight": 50.0}]}, [("answers", "tous les points")]),
        (
            "short",
            {"answers": ["été", {"text": "Ete", "weight": 50.0}]},
            [("answers", "deux fois")],
        ),
        ("matching", {"pairs": [{"left": "A", "right": "1"}]}, [("pairs", "au moins deux")]),
        (
            "matching",
            {"pairs": [{"left": "A", "right": "1"}, {"left": "a", "right": "2"}]},
            [("pairs", "deux fois")],
        ),
        ("ordering", {"steps": ["a"]}, [("steps", "au moins deux étapes")]),
        ("ordering", {"steps": ["a", "A"]}, [("steps", "deux fois")]),
        ("cloze", {"text": "Le {{1}}."}, [("text", "chacun des 2 trous")]),
        ("cloze", {"gaps": []}, [("gaps", "pas de trou")]),
        ("cloze", {"gaps": [GAPS[0], {"answers": []}]}, [("gap 2", "Trou 2")]),
        (
            "cloze",
            {"gaps": [{"choices": [choice("a", False), choice("b", False)]}, GAPS[1]]},
            [("gap 1", "Trou 1\u00a0: aucune bonne réponse")],
        ),
    ],
)
def test_problem(kind: str, change: dict[str, Any], found: list[tuple[str, str]]) -> None:
    said = problems(from_own(own(kind, **change)))
    assert [one.field for one in said] == [field for field, _ in found]
    for one, (_, part) in zip(said, found, strict=True):
        assert part in one.message


def test_pictures() -> None:
    kept = from_own(own("truefalse"))
    content = {**kept.content, "images": [{"uid": "u", "alt": ""}]}
    (said,) = problems(Stored(content, kept.key))  # type: ignore[arg-type]
    assert said.field == "images"
    assert said.message.startswith("L’image 1 n’a pas de texte de remplacement")


def test_a_picture_from_elsewhere_is_not_shown() -> None:
    text = '<p>Voir <img src="https://example.org/a.png" alt="Un plan"></p>'
    kept = from_question(
        Question("ordering", "n", Text(text), steps=(Text("a"), Text("b")), id_number="n")
    )
    assert kept.content["text"] == "Voir Un plan"
    assert [one.field for one in problems(kept)] == ["images"]


def test_words_hold_what_people_search() -> None:
    assert words(from_own(own("single"))) in {
        f"Combien ? {a} {b} {c}"
        for a, b, c in [
            ("un", "deux", "trois"),
            ("un", "trois", "deux"),
            ("deux", "un", "trois"),
            ("deux", "trois", "un"),
            ("trois", "un", "deux"),
            ("trois", "deux", "un"),
        ]
    }
    assert words(from_own(own("cloze", html=True, text="<b>Le {{1}}</b> et le {{2}}"))).startswith(
        "Le et le"
    )


def test_questions_of_the_packs_are_not_alike_and_rewordings_are() -> None:
    texts = {code: words(stored(code)) for code in pack()}
    for code, text in texts.items():
        assert [name for _, name in nearest(text, texts.items())] == [code]
    text = texts["COM-001"]
    reworded = text.replace("Awa, sage-femme", "Fanta, infirmière").replace("patiente", "femme")
    assert similar(text, reworded.upper()) > ALIKE
    assert nearest(reworded, texts.items())[0][1] == "COM-001"


def test_one_question_beside_five_thousand() -> None:
    texts = [words(stored(code)) for code in pack()]
    many = [(n, f"{texts[n % len(texts)]} variante {n}") for n in range(5000)]
    start = time.process_time()
    nearest(texts[0], many)
    assert time.process_time() - start < 20  # 0.7 s: not one comparison of letters for each
