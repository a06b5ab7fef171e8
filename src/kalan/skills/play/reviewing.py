"""What is shown after the answer, part by part. ``show.review`` puts the pictures in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from django.utils.translation import gettext

from kalan.skills.play.given import Given
from kalan.skills.play.grade import gap_fraction, gap_rank, grade, ideal, typed_rank
from kalan.skills.play.shape import FALSE, TRUE, Choice, GapKey, Stored


def html(stored: Stored, given: Given) -> str:
    """The author's words of the answer, then explanation and source (pictures of ``key``)."""
    key = stored.key
    parts = [f"<div>{words}</div>" for words in _said(stored, given)]
    if explanation := key.get("explanation"):
        parts.append(f"<div class=notice>{explanation}</div>")
    if source := key.get("source"):
        parts.append(f"<p><small>{gettext('Source')}\u00a0: {escape(source)}</small></p>")
    return "".join(parts)


def answers(stored: Stored, given: Given) -> str:
    """The verdict, what was given and what was right (pictures of ``content``)."""
    return _verdict(stored, given) + "".join(_BODIES[stored.kind](stored, given))


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


def _said(stored: Stored, given: Given) -> Iterator[str]:
    """Feedback of what was chosen or typed."""
    key, said = stored.key, stored.key.get("feedback", {})
    if "choice" in given:
        yield from filter(None, [said.get(given["choice"])])
    for one in given.get("choices", []):
        yield from filter(None, [said.get(one)])
    if "text" in given:
        rank = typed_rank(stored, given["text"])
        if rank is not None and (words := key["answers"][rank].get("feedback")):
            yield words
    for number, value in given.get("gaps", {}).items():
        yield from _gap_said(key["gaps"][int(number) - 1], value, stored.content["text"])


def _gap_said(gap: GapKey, value: str | list[str], text: str) -> Iterator[str]:
    said = gap.get("feedback", {})
    if "weights" in gap:
        for one in value if isinstance(value, list) else [value]:
            yield from filter(None, [said.get(one)])
    elif isinstance(value, str) and (rank := gap_rank(gap, value, text)) is not None:
        yield from filter(None, [gap["answers"][rank].get("feedback")])


def _badge(tone: str, words: str) -> str:
    return f'<span class="badge badge-{tone}">{words}</span>'


def _marked(choices: Iterable[Choice], chosen: list[str], right: list[str]) -> Iterator[str]:
    """Every choice, with what was ticked and what should have been."""
    yield "<ul class=rows>"
    for one in choices:
        badges = ""
        if one["id"] in chosen:
            tone = "ok" if one["id"] in right else "bad"
            badges += _badge(tone, gettext("Votre réponse"))
        if one["id"] in right:
            badges += _badge("ok", "✓ " + gettext("Juste"))
        mark = f"<span class=cluster>{badges}</span>" if badges else ""
        yield f"<li><span>{one['text']}</span>{mark}</li>"
    yield "</ul>"


def _choices(stored: Stored, given: Given) -> Iterator[str]:
    chosen = given.get("choices", [given["choice"]] if "choice" in given else [])
    weights = stored.key["weights"]
    if stored.kind == "single":
        right = [ideal(stored)["choice"]]
    else:
        right = [name for name, weight in weights.items() if weight > 0]
    return _marked(stored.content["choices"], chosen, right)


def _truth(stored: Stored, given: Given) -> Iterator[str]:
    both = [Choice(id=TRUE, text=gettext("Vrai")), Choice(id=FALSE, text=gettext("Faux"))]
    chosen = [given["choice"]] if given else []
    return _marked(both, chosen, [ideal(stored)["choice"]])


def _row(head: str, mine: str, wanted: str, right: bool) -> str:
    """A part: its name (HTML), what was given and, when wrong, what was right (HTML)."""
    tone, sign = ("ok", "✓ " + gettext("Juste")) if right else ("bad", "✗ " + gettext("Faux"))
    lines = f"{gettext('Votre réponse')}\u00a0: {mine or '–'} {_badge(tone, sign)}"
    if not right:
        lines += f"<br>{gettext('Attendu')}\u00a0: <b>{wanted}</b>"
    head = f"<b>{head}</b><br>" if head else ""
    return f"<li><span>{head}{lines}</span></li>"


def _typed(stored: Stored, given: Given) -> Iterator[str]:
    unit = stored.content.get("unit", "")
    wanted = ideal(stored)["text"]
    if stored.kind == "numeric":
        wanted = " ".join([wanted.replace(".", ","), unit]).strip()
    mine = escape(given.get("text", ""))
    yield f"<ul class=rows>{_row('', mine, escape(wanted), grade(stored, given).right)}</ul>"


def _matching(stored: Stored, given: Given) -> Iterator[str]:
    rights = {one["id"]: escape(one["text"]) for one in stored.content["rights"]}
    pairs, wanted = given.get("pairs", {}), ideal(stored)["pairs"]
    yield "<ul class=rows>"
    for left in stored.content["lefts"]:
        mine, right = pairs.get(left["id"], ""), wanted[left["id"]]
        yield _row(left["text"], rights.get(mine, ""), rights[right], mine == right)
    yield "</ul>"


def _ordering(stored: Stored, given: Given) -> Iterator[str]:
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


def _cloze(stored: Stored, given: Given) -> Iterator[str]:
    filled, wanted = given.get("gaps", {}), ideal(stored)["gaps"]
    text = stored.content["text"]
    yield "<ul class=rows>"
    both = zip(stored.content["gaps"], stored.key["gaps"], strict=True)
    for rank, (shown, gap) in enumerate(both, start=1):
        offered = {one["id"]: one["text"] for one in shown.get("choices", [])}
        mine = filled.get(str(rank), "")
        right = gap_fraction(gap, mine, text) > 1 - 1e-9
        head = f"{gettext('Trou')} {rank}"
        yield _row(head, _told(mine, offered), _told(wanted[str(rank)], offered), right)
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
