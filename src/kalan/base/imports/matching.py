"""From a name written in a file to a record: exact names pass, near ones are proposed and asked.

Nothing but an equal name (up to the form of spaces and apostrophes), a code, or a confirmation by
a person makes a match: "Taoudénit" is proposed as "Taoudéni", never taken for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz, process

from kalan.base.imports.values import plain
from kalan.base.models import NameMatch
from kalan.base.text import fold

MAX_QUESTIONS = 500
_CUTOFF = 62.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that may be named. ``within``: ids of the territories that hold it."""

    id: int
    name: str
    label: str = ""  # how it is shown, with its territory
    within: frozenset[int] = frozenset()


@dataclass
class Question:
    value: str
    rows: int = 0
    candidates: list[dict[str, Any]] = field(default_factory=list)


class Resolver:
    """Resolves the names of one column; each distinct value is looked up once.

    ``strict``: only equal names pass; otherwise equality of folded names (case, accents) passes.
    ``expand`` turns a folded name into another with acronyms written out, for comparing.
    """

    def __init__(
        self,
        *,
        field: str,
        category: str,
        country: str,
        entries: Iterable[Entry],
        codes: Mapping[str, int] | None = None,
        answers: Mapping[str, int | None] | None = None,
        strict: bool = True,
        acronyms: Mapping[str, str] | None = None,
        merged: Mapping[int, int] | None = None,
    ) -> None:
        self.field = field
        self.category = category
        self.entries = {entry.id: entry for entry in entries}
        self._codes = {fold(code): id_ for code, id_ in (codes or {}).items()}
        self._answers = dict(answers or {})
        self._acronyms = acronyms or {}
        self._merged = merged or {}
        self._key = plain if strict else fold
        self._by_name: dict[str, list[int]] = {}
        for entry in self.entries.values():
            self._by_name.setdefault(self._key(entry.name), []).append(entry.id)
        self._known = {
            row.key: row.target_id
            for row in NameMatch.objects.filter(category=category, country=country)
        }
        self._expanded: dict[int, str] | None = None
        self._cache: dict[tuple[str, int | None], int | None] = {}
        self._questions: dict[str, Question] = {}

    def resolve(self, value: str, *, within: int | None = None) -> int | None:
        """Return the record's id; None leaves a question (or a person said "none of them").

        ``within``: the id of a territory that must hold the record.
        """
        cached = (value, within)
        if cached in self._cache:
            found = self._cache[cached]
        else:
            found = self._cache[cached] = self._find(value, within)
        if found is None:
            self._ask(value, within)
        return found

    def key_of(self, value: str, within: int | None) -> str:
        return f"{fold(value)}|{within}"[:400] if within else fold(value)[:400]

    def _find(self, value: str, within: int | None) -> int | None:
        key = self.key_of(value, within)
        if key in self._answers:
            return self._current(self._answers[key])
        found = self._codes.get(fold(value))
        if found is None:
            same = [id_ for id_ in self._by_name.get(self._key(value), []) if self._in(id_, within)]
            found = same[0] if len(same) == 1 else None
        return self._current(found if found is not None else self._known.get(key))

    def _current(self, id_: int | None) -> int | None:
        if id_ is None:
            return None
        id_ = self._merged.get(id_, id_)
        return id_ if id_ in self.entries else None

    def _in(self, id_: int, within: int | None) -> bool:
        return within is None or within in self.entries[id_].within

    def _ask(self, value: str, within: int | None) -> None:
        key = self.key_of(value, within)
        if key not in self._questions:
            if len(self._questions) >= MAX_QUESTIONS:
                return
            self._questions[key] = Question(value, candidates=self._nearest(value, within))
        self._questions[key].rows += 1

    def _expand(self, value: str) -> str:
        words = (self._acronyms.get(word, word) for word in fold(value).split())
        return " ".join(word for word in words if word not in ("de", "du", "d", "la", "le", "l"))

    def _nearest(self, value: str, within: int | None) -> list[dict[str, Any]]:
        if self._expanded is None:
            self._expanded = {id_: self._expand(e.name) for id_, e in self.entries.items()}
        choices: Mapping[int, str] = self._expanded
        if within is not None:
            choices = {id_: name for id_, name in choices.items() if self._in(id_, within)}
        near = process.extract(
            self._expand(value),
            choices,
            scorer=fuzz.token_sort_ratio,
            limit=5,
            score_cutoff=_CUTOFF,
        )
        return [
            {"id": id_, "label": self.entries[id_].label or self.entries[id_].name,
             "score": round(points)}
            for _, points, id_ in near
        ]  # fmt: skip

    def was_refused(self, value: str, *, within: int | None = None) -> bool:
        """Whether a person said that the name means none of the records."""
        key = self.key_of(value, within)
        return key in self._answers and self._answers[key] is None

    def nearest_label(self, value: str, *, within: int | None = None) -> str:
        """The best proposal for a name that was asked about, or ""."""
        question = self._questions.get(self.key_of(value, within))
        return question.candidates[0]["label"] if question and question.candidates else ""

    def questions(self) -> list[dict[str, Any]]:
        """The names to ask about, most frequent first; those answered "none" are not asked."""
        found = [
            {
                "field": self.field,
                "category": self.category,
                "key": key,
                "value": question.value,
                "rows": question.rows,
                "candidates": question.candidates,
            }
            for key, question in self._questions.items()
            if key not in self._answers
        ]
        return sorted(found, key=lambda q: (-q["rows"], q["value"]))
