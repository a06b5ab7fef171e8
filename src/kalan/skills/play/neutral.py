"""Between the neutral question of ``engine.formats`` and what Kalan stores; nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from html import escape
from typing import Any, cast

from kalan.engine.formats import question as neutral
from kalan.engine.formats.question import Answer, Question, Text, made
from kalan.engine.formats.sanitise import cleaned
from kalan.skills.play import markup
from kalan.skills.play.markup import Flavour, Keep, Pictures
from kalan.skills.play.shape import (
    FALSE,
    TRUE,
    Accepted,
    Choice,
    Content,
    Gap,
    GapKey,
    Key,
    Kind,
    Origin,
    PairKey,
    Parts,
    Stored,
    UnitKey,
    UnsupportedQuestionError,
    ids,
    letters,
)

_REFUSED = {
    "essay": "Une réponse rédigée ne se corrige pas toute seule\u00a0: faites-en une question à "
    "réponse courte ou à choix.",
    "description": "Ce texte ne pose pas de question\u00a0: mettez-le dans une leçon.",
}
# Fields of the neutral question that Kalan gives back without using them.
_META = ("mark", "penalty", "hidden", "numbering", "tags")
_DEFAULTS = {one.name: one.default for one in fields(Question)}
_KINDS: dict[str, Kind] = {
    "truefalse": "truefalse",
    "numerical": "numeric",
    "shortanswer": "short",
    "matching": "matching",
    "ordering": "ordering",
    "multianswer": "cloze",
}


@dataclass(slots=True)
class _Desk:
    """Reads texts, keeping aside those that would not come back equal."""

    keep: Keep
    public: Pictures
    private: Pictures
    origins: dict[str, Origin] = field(default_factory=dict)

    def read(self, place: str, text: Text, flavour: Flavour, *, secret: bool = False) -> str:
        shown = markup.shown(text, flavour, self.private if secret else self.public)
        if _back(shown, flavour, text.format) != text:
            self.origins[place] = markup.origin(text, self.keep)
        return shown


def _back(shown: str, flavour: Flavour, form: str = "html") -> Text:
    """The text that ``shown`` stands for when nothing was kept aside: always HTML."""
    if flavour == "plain":
        shown = escape(shown, quote=False)
    return made(shown, "html")


def from_question(question: Question, keep: Keep = markup.by_digest) -> Stored:
    """What is stored of a question of any supported kind.

    ``keep`` stores a picture and gives its uid. Raises ``UnsupportedQuestionError`` for essays and
    descriptions. The author's mistakes are not refused: ``problems`` names them.
    """
    if question.kind in _REFUSED:
        raise UnsupportedQuestionError(_REFUSED[question.kind])
    question = cleaned(question)
    desk = _Desk(keep, Pictures(keep), Pictures(keep))
    kind: Kind = _KINDS.get(question.kind) or ("single" if question.single else "multiple")
    content = Content(kind=kind, text=desk.read("text", question.text, "block"))
    key = Key()
    if explanation := desk.read("explanation", question.general, "block", secret=True):
        key["explanation"] = explanation
    _READERS[question.kind](question, content, key, desk)
    if desk.public.found:
        content["images"] = desk.public.found
    if desk.private.found:
        key["images"] = desk.private.found
    if lost := desk.public.lost + desk.private.lost:
        key["lost"] = lost
    if desk.origins:
        key["origins"] = desk.origins
    if meta := _meta(question):
        key["meta"] = meta
    return Stored(content, key)


def _meta(question: Question) -> dict[str, object]:
    meta: dict[str, object] = {}
    for name in _META:
        value = getattr(question, name)
        if value != _DEFAULTS[name]:
            meta[name] = list(value) if isinstance(value, tuple) else value
    if question.name != question.id_number:
        meta["name"] = question.name
    if not question.shuffle and question.kind != "multichoice":
        meta["shuffle"] = False
    return meta


def _chosen(
    answers: tuple[Answer, ...], salt: str, desk: _Desk, place: str, flavour: Flavour
) -> tuple[list[Choice], Parts]:
    """Choices in the order of their ids, and what is known of each."""
    names = ids([one.text.text for one in answers], salt)
    choices, key = [], Parts(weights={}, order=names)
    said: dict[str, str] = {}
    for name, one in zip(names, answers, strict=True):
        choices.append(Choice(id=name, text=desk.read(f"{place}:{name}", one.text, flavour)))
        key["weights"][name] = one.fraction
        if words := desk.read(f"{place}:{name}:said", one.feedback, "block", secret=True):
            said[name] = words
    if said:
        key["feedback"] = said
    return sorted(choices, key=lambda one: (len(one["id"]), one["id"])), key


def _accepted(answers: tuple[Answer, ...], desk: _Desk, place: str) -> list[Accepted]:
    found = []
    for rank, one in enumerate(answers):
        kept = Accepted(text=one.text.text, weight=one.fraction)
        if words := desk.read(f"{place}:{rank}:said", one.feedback, "block", secret=True):
            kept["feedback"] = words
        if one.tolerance:
            kept["tolerance"] = one.tolerance
        found.append(kept)
    return found


def _choices(question: Question, content: Content, key: Key, desk: _Desk) -> None:
    choices, parts = _chosen(question.answers, question.text.text, desk, "choice", "inline")
    key.update(cast(Key, parts))
    if not question.shuffle:
        by_name = {one["id"]: one for one in choices}
        choices = [by_name[name] for name in parts["order"]]
        content["fixed"] = True
    content["choices"] = choices


def _truth(question: Question, content: Content, key: Key, desk: _Desk) -> None:
    key["answer"] = any(one.fraction > 0 and one.text.text == "true" for one in question.answers)
    said = {
        name: words
        for name, one in zip((TRUE, FALSE), question.answers, strict=False)
        if (words := desk.read(f"choice:{name}:said", one.feedback, "block", secret=True))
    }
    if said:
        key["feedback"] = said


def _numbers(question: Question, content: Content, key: Key, desk: _Desk) -> None:
    key["answers"] = _accepted(question.answers, desk, "answer")
    if question.units:
        content["unit"] = question.units[0].name
        key["units"] = [UnitKey(name=one.name, multiplier=one.multiplier) for one in question.units]


def _shorts(question: Question, content: Content, key: Key, desk: _Desk) -> None:
    key["answers"] = _accepted(question.answers, desk, "answer")
    if question.case:
        key["case"] = True


def _pairs(question: Question, content: Content, key: Key, desk: _Desk) -> None:
    rights = list(dict.fromkeys(one.right for one in question.pairs))
    names = dict(zip(rights, ids(rights, question.text.text), strict=True))
    lefts: list[Choice] = []
    pairs = []
    for one in question.pairs:
        left = None
        if one.left != neutral.EMPTY:
            left = letters(len(lefts))
            lefts.append(Choice(id=left, text=desk.read(f"left:{left}", one.left, "inline")))
        pairs.append(PairKey(left=left, right=names[one.right]))
    content["lefts"] = lefts
    content["rights"] = sorted(
        (Choice(id=name, text=words) for words, name in names.items()),
        key=lambda one: (len(one["id"]), one["id"]),
    )
    key["pairs"] = pairs


def _steps(question: Question, content: Content, key: Key, desk: _Desk) -> None:
    names = ids([one.text for one in question.steps], question.text.text)
    steps = [
        Choice(id=name, text=desk.read(f"step:{name}", one, "inline"))
        for name, one in zip(names, question.steps, strict=True)
    ]
    content["steps"] = sorted(steps, key=lambda one: (len(one["id"]), one["id"]))
    key["steps"] = names


def _gaps(question: Question, content: Content, key: Key, desk: _Desk) -> None:
    content["gaps"], key["gaps"] = [], []
    for rank, gap in enumerate(question.gaps, start=1):
        place = f"gap:{rank}"
        kept = GapKey(type=gap.type, mark=gap.weight)
        shown: Gap
        if gap.type.startswith("MULTI"):
            salt = f"{rank} {question.text.text}"
            choices, parts = _chosen(gap.answers, salt, desk, place, "plain")
            kept.update(cast(GapKey, parts))
            several = gap.type.startswith("MULTIRESPONSE")
            shown = Gap(kind="several" if several else "choice", choices=choices)
        else:
            kept["answers"] = _accepted(gap.answers, desk, place)
            shown = Gap(kind="number" if gap.type == "NUMERICAL" else "text")
            if gap.type == "SHORTANSWER_C":
                kept["case"] = True
        content["gaps"].append(shown)
        key["gaps"].append(kept)


_READERS: dict[str, Callable[[Question, Content, Key, _Desk], None]] = {
    "multichoice": _choices,
    "truefalse": _truth,
    "numerical": _numbers,
    "shortanswer": _shorts,
    "matching": _pairs,
    "ordering": _steps,
    "multianswer": _gaps,
}


# --- and back --------------------------------------------------------------------------------


def _no_picture(uid: str) -> str:
    raise LookupError(f"L’image {uid} n’est pas donnée.")


@dataclass(frozen=True, slots=True)
class _Pen:
    stored: Stored
    fetch: Callable[[str], str]

    def text(self, place: str, shown: str, flavour: Flavour) -> Text:
        kept = self.stored.key.get("origins", {}).get(place)
        if kept is None:
            return _back(shown, flavour)
        words, files = markup.original(kept, self.fetch)
        return Text(words, cast(neutral.Format, kept["format"]), files)

    def chosen(
        self, choices: list[Choice], key: Parts, place: str, flavour: Flavour
    ) -> tuple[Answer, ...]:
        words = {one["id"]: one["text"] for one in choices}
        said = key.get("feedback", {})
        return tuple(
            Answer(
                self.text(f"{place}:{name}", words[name], flavour),
                key["weights"][name],
                self.text(f"{place}:{name}:said", said.get(name, ""), "block"),
            )
            for name in key["order"]
        )

    def accepted(self, answers: list[Accepted], place: str) -> tuple[Answer, ...]:
        return tuple(
            Answer(
                made(one["text"], "plain"),
                one["weight"],
                self.text(f"{place}:{rank}:said", one.get("feedback", ""), "block"),
                one.get("tolerance", 0.0),
            )
            for rank, one in enumerate(answers)
        )


def to_question(
    stored: Stored, code: str, category: str, fetch: Callable[[str], str] = _no_picture
) -> Question:
    """The neutral question, for export. ``fetch`` gives the base64 of a picture from its uid.

    Raises what ``fetch`` raises (``LookupError`` when there is a picture and no ``fetch``).
    """
    content, key, pen = stored.content, stored.key, _Pen(stored, fetch)
    meta = dict(key.get("meta", {}))
    if "tags" in meta:
        meta["tags"] = tuple(cast(list[str], meta["tags"]))
    found: dict[str, Any] = {
        "name": code,
        "text": pen.text("text", content["text"], "block"),
        "general": pen.text("explanation", key.get("explanation", ""), "block"),
        "category": category,
        "id_number": code,
        **meta,
        **_WRITERS[stored.kind](stored, pen),
    }
    return Question(**found)


def _write_choices(stored: Stored, pen: _Pen) -> dict[str, Any]:
    return {
        "kind": "multichoice",
        "single": stored.kind == "single",
        "shuffle": not stored.content.get("fixed", False),
        "answers": pen.chosen(stored.content["choices"], stored.key, "choice", "inline"),
    }


def _write_truth(stored: Stored, pen: _Pen) -> dict[str, Any]:
    true = stored.key["answer"]
    said = stored.key.get("feedback", {})

    def one(name: str, word: str, right: bool) -> Answer:
        feedback = pen.text(f"choice:{name}:said", said.get(name, ""), "block")
        return Answer(made(word, "plain"), 100.0 if right else 0.0, feedback)

    return {
        "kind": "truefalse",
        "answers": (one(TRUE, "true", true), one(FALSE, "false", not true)),
    }


def _write_numbers(stored: Stored, pen: _Pen) -> dict[str, Any]:
    units = stored.key.get("units", [])
    return {
        "kind": "numerical",
        "answers": pen.accepted(stored.key["answers"], "answer"),
        "units": tuple(neutral.Unit(one["name"], one["multiplier"]) for one in units),
    }


def _write_shorts(stored: Stored, pen: _Pen) -> dict[str, Any]:
    return {
        "kind": "shortanswer",
        "answers": pen.accepted(stored.key["answers"], "answer"),
        "case": stored.key.get("case", False),
    }


def _write_pairs(stored: Stored, pen: _Pen) -> dict[str, Any]:
    lefts = {one["id"]: one["text"] for one in stored.content["lefts"]}
    rights = {one["id"]: one["text"] for one in stored.content["rights"]}
    pairs = []
    for one in stored.key["pairs"]:
        left = one["left"]
        words = neutral.EMPTY if left is None else pen.text(f"left:{left}", lefts[left], "inline")
        pairs.append(neutral.Pair(words, rights[one["right"]]))
    return {"kind": "matching", "pairs": tuple(pairs)}


def _write_steps(stored: Stored, pen: _Pen) -> dict[str, Any]:
    words = {one["id"]: one["text"] for one in stored.content["steps"]}
    steps = tuple(pen.text(f"step:{name}", words[name], "inline") for name in stored.key["steps"])
    return {"kind": "ordering", "steps": steps}


def _write_gaps(stored: Stored, pen: _Pen) -> dict[str, Any]:
    gaps = []
    both = zip(stored.content["gaps"], stored.key["gaps"], strict=True)
    for rank, (shown, kept) in enumerate(both, start=1):
        if "choices" in shown:
            answers = pen.chosen(shown["choices"], kept, f"gap:{rank}", "plain")
        else:
            answers = pen.accepted(kept["answers"], f"gap:{rank}")
        gaps.append(neutral.Gap(kept["type"], answers, kept["mark"]))
    return {"kind": "multianswer", "gaps": tuple(gaps)}


_WRITERS: dict[Kind, Callable[[Stored, _Pen], dict[str, Any]]] = {
    "single": _write_choices,
    "multiple": _write_choices,
    "truefalse": _write_truth,
    "numeric": _write_numbers,
    "short": _write_shorts,
    "matching": _write_pairs,
    "ordering": _write_steps,
    "cloze": _write_gaps,
}
