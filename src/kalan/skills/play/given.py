"""What a person answered: read from a form, kept as JSON, told in words.

A field left empty is not in it; an answer with nothing in it is blank (``{}``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypedDict

from kalan.engine.formats.sanitise import legal
from kalan.skills.play import markup
from kalan.skills.play.shape import FALSE, TRUE, Choice, Content, Gap, Kind

LENGTH = 500  # characters of a typed answer


class Given(TypedDict, total=False):
    """``choice``: single, truefalse; ``choices``: multiple; ``text``: numeric, short;
    ``pairs``: left → right; ``ranks``: step → 1…; ``gaps``: number of the gap → id, ids or text."""

    choice: str
    choices: list[str]
    text: str
    pairs: dict[str, str]
    ranks: dict[str, int]
    gaps: dict[str, str | list[str]]


class Posted(Protocol):
    """A ``QueryDict``, or a plain mapping of names to a string or a list of strings."""

    def get(self, key: str, /) -> object: ...


class UnreadableAnswerError(ValueError):
    """The form holds what it never offered; the message is in French."""

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or "Cette réponse ne correspond pas à la question affichée\u00a0: rechargez la page, "
            "puis répondez de nouveau."
        )


Unreadable = UnreadableAnswerError


def _values(data: Posted, name: str) -> list[str]:
    """What was posted under ``name``, without empty values."""
    getlist = getattr(data, "getlist", None)
    found = getlist(name) if getlist else data.get(name)
    listed = found if isinstance(found, list | tuple) else [found]
    if any(not isinstance(one, str | int | None) or isinstance(one, bool) for one in listed):
        raise UnreadableAnswerError
    return [str(one) for one in listed if one is not None and one != ""]


def _one(data: Posted, name: str, offered: Iterable[str]) -> str | None:
    """The id chosen under ``name``, or none."""
    values = _values(data, name)
    if len(values) > 1 or any(one not in offered for one in values):
        raise UnreadableAnswerError
    return values[0] if values else None


def _several(data: Posted, name: str, offered: Iterable[str]) -> list[str]:
    values = _values(data, name)
    if len(set(values)) < len(values) or any(one not in offered for one in values):
        raise UnreadableAnswerError
    return sorted(values)


def _typed(data: Posted, name: str) -> str | None:
    values = _values(data, name)
    if len(values) > 1:
        raise UnreadableAnswerError
    words = " ".join(legal(values[0]).split()) if values else ""
    if len(words) > LENGTH:
        raise UnreadableAnswerError(
            f"La réponse a plus de {LENGTH} caractères\u00a0: raccourcissez-la."
        )
    return words or None


def read(kind: Kind, content: Content, data: Posted, *, name: str = "r") -> Given:
    """The answer that a form of ``show.question`` posted; ``{}`` when it is blank.

    ``name``: as given to ``show.question``. Raises ``UnreadableAnswerError`` on an id that was
    not offered, a value given twice, a text that is too long.
    """
    given = Given()
    match kind:
        case "single" | "truefalse":
            offered = [TRUE, FALSE] if kind == "truefalse" else _ids(content["choices"])
            if choice := _one(data, name, offered):
                given["choice"] = choice
        case "multiple":
            if choices := _several(data, name, _ids(content["choices"])):
                given["choices"] = choices
        case "numeric" | "short":
            if words := _typed(data, name):
                given["text"] = words
        case "matching":
            rights = _ids(content["rights"])
            if pairs := _by_field(data, name, _ids(content["lefts"]), rights):
                given["pairs"] = pairs
        case "ordering":
            steps = _ids(content["steps"])
            ranks = _by_field(data, name, steps, [str(n + 1) for n in range(len(steps))])
            if ranks:
                given["ranks"] = {step: int(rank) for step, rank in ranks.items()}
        case "cloze":
            if gaps := _gaps(content["gaps"], data, name):
                given["gaps"] = gaps
    return given


def _ids(choices: Iterable[Choice]) -> list[str]:
    return [one["id"] for one in choices]


def _by_field(data: Posted, name: str, fields: list[str], offered: list[str]) -> dict[str, str]:
    found = ((field, _one(data, name + field, offered)) for field in fields)
    return {field: value for field, value in found if value is not None}


def _gaps(gaps: list[Gap], data: Posted, name: str) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for rank, gap in enumerate(gaps, start=1):
        field = f"{name}{rank}"
        value: str | list[str] | None
        if gap["kind"] == "several":
            value = _several(data, field, _ids(gap["choices"]))
        elif gap["kind"] == "choice":
            value = _one(data, field, _ids(gap["choices"]))
        else:
            value = _typed(data, field)
        if value:
            found[str(rank)] = value
    return found


def parts_left(content: Content, given: Given) -> str:
    """What remains to be filled, as a French sentence; empty when the answer is whole.

    Forms may show it once, before the answer is stored; an answer may always be left incomplete.
    """
    if not given:
        return "Vous n’avez pas encore répondu."
    if "ranks" in given:
        ranks = list(given["ranks"].values())
        if twice := sorted({rank for rank in ranks if ranks.count(rank) > 1}):
            return f"Plusieurs étapes ont le rang {twice[0]}\u00a0: donnez à chacune le sien."
        left = len(content["steps"]) - len(ranks)
    elif "pairs" in given:
        left = len(content["lefts"]) - len(given["pairs"])
    elif "gaps" in given:
        left = len(content["gaps"]) - len(given["gaps"])
    else:
        left = 0
    if not left:
        return ""
    return "Il reste une partie à remplir." if left == 1 else f"Il reste {left} parties à remplir."


def describe(content: Content, given: Given) -> str:
    """What was answered, in plain words on one line."""
    if not given:
        return "Sans réponse"
    words = _named(content)
    match content["kind"]:
        case "single" | "truefalse":
            return words[given["choice"]]
        case "multiple":
            return _joined(words[one] for one in given["choices"])
        case "numeric" | "short":
            return given["text"]
        case "matching":
            rights = {one["id"]: one["text"] for one in content["rights"]}
            pairs = given["pairs"]
            return _joined(f"{words[left]} → {rights[right]}" for left, right in pairs.items())
        case "ordering":
            ranks = sorted(given["ranks"].items(), key=lambda one: (one[1], one[0]))
            return _joined(f"{rank}. {words[step]}" for step, rank in ranks)
        case "cloze":
            return _joined(_gap_words(content, given))


def _joined(parts: Iterable[str]) -> str:
    return "\u00a0; ".join(parts)


def _gap_words(content: Content, given: Given) -> Iterable[str]:
    for number, value in given["gaps"].items():
        gap = content["gaps"][int(number) - 1]
        offered = {one["id"]: one["text"] for one in gap.get("choices", [])}
        listed = value if isinstance(value, list) else [value]
        yield f"{number}\u00a0: " + ", ".join(offered.get(one, one) for one in listed)


def _named(content: Content) -> dict[str, str]:
    if content["kind"] == "truefalse":
        return {TRUE: "Vrai", FALSE: "Faux"}
    choices = content.get("choices") or content.get("lefts") or content.get("steps") or []
    pictures = content.get("images", [])
    return {one["id"]: markup.plain(one["text"], pictures) for one in choices}
