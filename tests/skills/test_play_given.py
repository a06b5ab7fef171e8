"""What a form posts: read, refused, told in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from kalan.skills.play.content import Stored, from_own
from kalan.skills.play.given import Given, UnreadableAnswerError, describe, parts_left, read
from kalan.skills.play.grade import ideal
from tests.skills.play_questions import KINDS, own


def one(kind: str) -> Stored:
    return from_own(own(kind))


def posted(kind: str, query: str) -> Given:
    return read(one(kind).kind, one(kind).content, QueryDict(query))


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("query", ["", "r=", "r=&ra=&rb=&r1=&r2=", "other=1", "r=%20%20"])
def test_blank(kind: str, query: str) -> None:
    if query == "r=%20%20" and kind not in ("numeric", "short", "matching", "ordering", "cloze"):
        with pytest.raises(UnreadableAnswerError):
            posted(kind, query)
        return
    assert posted(kind, query) == {}
    assert describe(one(kind).content, {}) == "Sans réponse"


@pytest.mark.parametrize(
    ("kind", "query", "given"),
    [
        ("single", "r=b", {"choice": "b"}),
        ("multiple", "r=d&r=a", {"choices": ["a", "d"]}),
        ("truefalse", "r=f", {"choice": "f"}),
        ("numeric", "r=+12,5+h+", {"text": "12,5 h"}),
        ("short", "r=une%00+ordonnance", {"text": "une ordonnance"}),
        ("matching", "ra=c&rb=", {"pairs": {"a": "c"}}),
        ("ordering", "ra=4&rc=4", {"ranks": {"a": 4, "c": 4}}),
        ("cloze", "r1=a&r2=jeu", {"gaps": {"1": "a", "2": "jeu"}}),
    ],
)
def test_read(kind: str, query: str, given: dict[str, Any]) -> None:
    assert posted(kind, query) == given


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("single", "r=z"),
        ("single", "r=a&r=b"),
        ("multiple", "r=a&r=a"),
        ("multiple", "r=a&r=e"),
        ("truefalse", "r=vrai"),
        ("numeric", "r=1&r=2"),
        ("short", "r=" + "a" * 501),
        ("matching", "ra=d"),
        ("ordering", "ra=5"),
        ("ordering", "ra=0"),
        ("cloze", "r1=c"),
    ],
)
def test_what_was_never_offered_is_refused(kind: str, query: str) -> None:
    with pytest.raises(UnreadableAnswerError, match=r"rechargez la page|raccourcissez-la"):
        posted(kind, query)


@pytest.mark.parametrize("value", [{"a": 1}, [["a"]], 1.5, True])
def test_a_json_body_of_another_shape_is_refused(value: object) -> None:
    with pytest.raises(UnreadableAnswerError):
        read("single", one("single").content, {"r": value})


def test_a_json_body_reads_as_a_form() -> None:
    assert read("multiple", one("multiple").content, {"r": ["b", "a"]}) == {"choices": ["a", "b"]}
    assert read("ordering", one("ordering").content, {"ra": 2}) == {"ranks": {"a": 2}}


def test_fields_take_the_name_of_the_question() -> None:
    assert read("single", one("single").content, {"q7": "a", "r": "z"}, name="q7") == {
        "choice": "a"
    }


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("single", "un"),
        ("multiple", {"un", "quatre"}),
        ("truefalse", "Vrai"),
        ("numeric", "12.5"),
        ("short", "ordonnance"),
        ("matching", "A → 1\u00a0; B → 2"),
        ("ordering", "1. un\u00a0; 2. deux\u00a0; 3. trois\u00a0; 4. quatre"),
        ("cloze", "1\u00a0: feu\u00a0; 2\u00a0: jeu"),
    ],
)
def test_describe(kind: str, words: str | set[str]) -> None:
    told = describe(one(kind).content, ideal(one(kind)))
    assert (set(told.split("\u00a0; ")) if isinstance(words, set) else told) == words


def test_parts_left() -> None:
    assert parts_left(one("single").content, {}) == "Vous n’avez pas encore répondu."
    assert parts_left(one("single").content, {"choice": "a"}) == ""
    steps = one("ordering").content
    assert parts_left(steps, {"ranks": {"a": 1, "b": 2}}) == "Il reste 2 parties à remplir."
    assert (
        parts_left(steps, {"ranks": {"a": 1, "b": 2, "c": 3}}) == "Il reste une partie à remplir."
    )
    assert parts_left(steps, {"ranks": {"a": 1, "b": 2, "c": 2, "d": 4}}) == (
        "Plusieurs étapes ont le rang 2\u00a0: donnez à chacune le sien."
    )
    assert parts_left(one("matching").content, {"pairs": {"a": "a"}}).startswith("Il reste une")
    assert parts_left(one("cloze").content, {"gaps": {"1": "a", "2": "x"}}) == ""
