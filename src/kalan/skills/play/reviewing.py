"""What is shown after the answer, part by part. ``show.review`` puts the pictures in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape

from django.utils.translation import gettext

from kalan.skills.play.given import Given
from kalan.skills.play.grade import gap_fraction, gap_rank, grade, ideal, typed_rank
from kalan.skills.play.shape import FALSE, TRUE, Choice, GapKey, Stored

Placed = Callable[[str], str]


def explained(stored: Stored) -> str:
    """Explanation and source (pictures of ``key``)."""
    key, parts = stored.key, ""
    if explanation := key.get("explanation"):
        parts = f"<div class=notice>{explanation}</div>"
    if source := key.get("source"):
        parts += f"<p><small>{gettext('Source')}\u00a0: {escape(source)}</small></p>"
    return parts


def answers(stored: Stored, given: Given, placed: Placed) -> str:
    """The verdict, then what was given, what was right and what the author says of it.

    Pictures are those of ``content``; ``placed`` puts those of ``key`` in the author's words.
    """
    parts = _BODIES[stored.kind](stored, given, placed)
    return _verdict(stored, given) + "".join(parts)


def _verdict(stored: Stored, given: Given) -> str:
    found = grade(stored, given)
    if not given:
        tone, words = "warn", gettext("Sans réponse")
    elif found.right:
        tone, words = "ok", gettext("Bonne réponse")
    elif found.fraction:
        share = round(found.fraction * 100)
        tone, words = "warn", f"{gettext('En partie juste')}\u00a0: {share}\u00a0%"
    else:
        tone, words = "bad", gettext("Ce n’est pas la bonne réponse")
    return f'<p class="notice notice-{tone}"><b>{words}</b></p>'


def _typed_said(stored: Stored, given: Given) -> str:
    rank = typed_rank(stored, given["text"]) if given else None
    return "" if rank is None else stored.key["answers"][rank].get("feedback", "")


def _gap_said(gap: GapKey, value: str | list[str], text: str) -> str:
    said = gap.get("feedback", {})
    if "weights" in gap:
        chosen = value if isinstance(value, list) else [value]
        return "<br>".join(filter(None, (said.get(one) for one in chosen)))
    if not value or isinstance(value, list) or (rank := gap_rank(gap, value, text)) is None:
        return ""
    return gap["answers"][rank].get("feedback", "")


def _badge(tone: str, words: str) -> str:
    return f'<span class="badge badge-{tone}">{words}</span>'


def _marked(
    choices: Iterable[Choice], chosen: list[str], right: list[str], said: dict[str, str]
) -> Iterator[str]:
    """Every choice, with what was ticked, what should have been and, if ticked, what is said."""
    yield "<ul class=rows>"
    for one in choices:
        badges = ""
        if one["id"] in chosen:
            tone = "ok" if one["id"] in right else "bad"
            badges += _badge(tone, gettext("Votre réponse"))
        if one["id"] in right:
            badges += _badge("ok", "✓ " + gettext("Juste"))
        mark = f"<span class=cluster>{badges}</span>" if badges else ""
        words = said.get(one["id"], "") if one["id"] in chosen else ""
        note = f"<div class=muted>{words}</div>" if words else ""
        yield f"<li><div>{one['text']}{note}</div>{mark}</li>"
    yield "</ul>"


def _feedback(stored: Stored, placed: Placed) -> dict[str, str]:
    return {name: placed(words) for name, words in stored.key.get("feedback", {}).items()}


def _choices(stored: Stored, given: Given, placed: Placed) -> Iterator[str]:
    chosen = given.get("choices", [given["choice"]] if "choice" in given else [])
    weights = stored.key["weights"]
    if stored.kind == "single":
        right = [ideal(stored)["choice"]]
    else:
        right = [name for name, weight in weights.items() if weight > 0]
    return _marked(stored.content["choices"], chosen, right, _feedback(stored, placed))


def _truth(stored: Stored, given: Given, placed: Placed) -> Iterator[str]:
    both = [Choice(id=TRUE, text=gettext("Vrai")), Choice(id=FALSE, text=gettext("Faux"))]
    chosen = [given["choice"]] if given else []
    return _marked(both, chosen, [ideal(stored)["choice"]], _feedback(stored, placed))


def _row(head: str, mine: str, wanted: str, right: bool, said: str = "") -> str:
    """A part: its name, what was given, when wrong what was right, what is said (all HTML)."""
    tone, sign = ("ok", "✓ " + gettext("Juste")) if right else ("bad", "✗ " + gettext("Faux"))
    lines = f"{gettext('Votre réponse')}\u00a0: {mine or '–'} {_badge(tone, sign)}"
    if not right:
        lines += f"<br>{gettext('Attendu')}\u00a0: <b>{wanted}</b>"
    head = f"<b>{head}</b><br>" if head else ""
    note = f"<div class=muted>{said}</div>" if said else ""
    return f"<li><div>{head}{lines}{note}</div></li>"


def _typed(stored: Stored, given: Given, placed: Placed) -> Iterator[str]:
    unit = stored.content.get("unit", "")
    wanted = ideal(stored)["text"]
    if stored.kind == "numeric":
        wanted = " ".join([wanted.replace(".", ","), unit]).strip()
    mine = escape(given.get("text", ""))
    said = placed(_typed_said(stored, given))
    yield f"<ul class=rows>{_row('', mine, escape(wanted), grade(stored, given).right, said)}</ul>"


def _matching(stored: Stored, given: Given, placed: Placed) -> Iterator[str]:
    rights = {one["id"]: escape(one["text"]) for one in stored.content["rights"]}
    pairs, wanted = given.get("pairs", {}), ideal(stored)["pairs"]
    yield "<ul class=rows>"
    for left in stored.content["lefts"]:
        mine, right = pairs.get(left["id"], ""), wanted[left["id"]]
        yield _row(left["text"], rights.get(mine, ""), rights[right], mine == right)
    yield "</ul>"


def _ordering(stored: Stored, given: Given, placed: Placed) -> Iterator[str]:
    words = {one["id"]: one["text"] for one in stored.content["steps"]}
    ranks = given.get("ranks", {})
    yield "<ol class=rows>"
    for rank, step in enumerate(stored.key["steps"], start=1):
        mine = ranks.get(step)
        note = _badge("ok", "✓ " + gettext("Juste"))
        if mine != rank:
            said = gettext("sans rang") if mine is None else f"{gettext('vous')}\u00a0: {mine}"
            note = _badge("bad", said)
        yield f"<li><span>{rank}. {words[step]}</span>{note}</li>"
    yield "</ol>"
    found = grade(stored, given)
    if found.fraction and not found.right:
        told = gettext("Une étape compte quand elle suit tout de suite celle qu’elle doit suivre.")
        yield f"<p><small>{told}</small></p>"


def _cloze(stored: Stored, given: Given, placed: Placed) -> Iterator[str]:
    filled, wanted = given.get("gaps", {}), ideal(stored)["gaps"]
    text = stored.content["text"]
    yield "<ul class=rows>"
    both = zip(stored.content["gaps"], stored.key["gaps"], strict=True)
    for rank, (shown, gap) in enumerate(both, start=1):
        offered = {one["id"]: one["text"] for one in shown.get("choices", [])}
        mine = filled.get(str(rank), "")
        right = gap_fraction(gap, mine, text) > 1 - 1e-9
        head = f"{gettext('Trou')} {rank}"
        said = placed(_gap_said(gap, mine, text))
        yield _row(head, _told(mine, offered), _told(wanted[str(rank)], offered), right, said)
    yield "</ul>"


def _told(value: str | list[str], offered: dict[str, str]) -> str:
    listed = value if isinstance(value, list) else [value]
    return escape(", ".join(offered.get(one, one) for one in listed if one))


_BODIES = {
    "single": _choices,
    "multiple": _choices,
    "truefalse": _truth,
    "numeric": _typed,
    "short": _typed,
    "matching": _matching,
    "ordering": _ordering,
    "cloze": _cloze,
}
