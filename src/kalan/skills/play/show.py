"""A question as the fields of a form, and as what is shown after the answer: plain HTML.

Built as strings: a template costs three times the time (39 µs against 13 for a single choice).
Everything in ``content`` and ``key`` is safe HTML already, but for the plain words that are escaped
here. ``question`` is given ``content`` alone: it cannot show what it does not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from random import Random

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from kalan.skills.play import markup, reviewing
from kalan.skills.play.given import Given
from kalan.skills.play.shape import FALSE, TRUE, Choice, Content, Picture, Stored

Address = Callable[[str], str]
_PARTS = " class=parts"
_MULTIPLE_HELP = "Plusieurs réponses sont possibles."


def address_of(uid: str) -> str:
    """Where a page finds a picture (the view "item-media"), unless told otherwise."""
    return f"/test/image/{uid}/"


def question(
    content: Content,
    *,
    seed: int | str,
    given: Given | None = None,
    name: str = "r",
    address: Address = address_of,
) -> SafeString:
    """The fields of the question, without form nor button.

    ``seed`` draws the order of the choices (the same for a whole sitting); ``given`` fills the
    fields again; ``name`` begins the names of the fields and the ids, so that one page may hold
    several questions; ``address`` gives that of a picture.
    """
    html = _FIELDS[content["kind"]](content, seed, given or Given(), name)
    return mark_safe(with_pictures(html, content.get("images", []), address))  # noqa: S308


def review(
    stored: Stored,
    given: Given,
    *,
    seed: int | str | None = None,
    text: bool = True,
    address: Address = address_of,
) -> SafeString:
    """After the answer: what was given, what was right, feedback, explanation and source.

    ``seed``: as given to ``question``, so that choices keep their places; ``text``: with the
    question itself above.
    """
    content, private = stored.content, stored.key.get("images", [])

    def placed(words: str) -> str:
        return with_pictures(words, private, address)

    if seed is not None and "choices" in content and not content.get("fixed"):
        stored = Stored({**content, "choices": drawn(content["choices"], seed)}, stored.key)
    asked = f"<div>{_asked(stored)}</div>" if text else ""
    shown = asked + reviewing.answers(stored, given, placed)
    shown = with_pictures(shown, content.get("images", []), address)
    return mark_safe(shown + placed(reviewing.explained(stored)))  # noqa: S308


def with_pictures(html: str, pictures: Sequence[Picture], address: Address) -> str:
    """``html`` with its pictures; small and lazy: the page never waits for them."""
    if not pictures or "{img:" not in html:
        return html

    def one(found: re.Match[str]) -> str:
        rank = int(found[1])
        if not 1 <= rank <= len(pictures):
            return found[0]
        picture = pictures[rank - 1]
        size = ""
        if "width" in picture and "height" in picture:
            size = f" width={picture['width']} height={picture['height']}"
        source = escape(address(picture["uid"]))
        return f'<img loading=lazy src="{source}" alt="{escape(picture["alt"])}"{size}>'

    return markup.PICTURE.sub(one, html)


def drawn(items: Sequence[Choice], seed: int | str) -> list[Choice]:
    """``items`` in the order that ``seed`` draws, the same at every display."""
    order = list(items)
    Random(f"{seed}").shuffle(order)  # noqa: S311 - an order, not a secret
    return order


def _framed(text: str, fields: str, name: str, more: str = "", kind: str = "") -> str:
    """A group of fields named by the question; a legend holds no paragraphs nor lists."""
    if markup.IS_BLOCK.search(text):
        group = f"<fieldset{kind} aria-labelledby={name}q>{fields}</fieldset>"
        return f"<div id={name}q>{text}{more}</div>{group}"
    return f"<fieldset{kind}><legend>{text}{more}</legend>{fields}</fieldset>"


def _ticks(kind: str, choices: Iterable[Choice], chosen: Sequence[str], name: str) -> str:
    return "".join(
        f"<label><input type={kind} name={name} value={one['id']}"
        f"{' checked' if one['id'] in chosen else ''}> <span>{one['text']}</span></label>"
        for one in choices
    )


def _single(content: Content, seed: int | str, given: Given, name: str) -> str:
    choices = content["choices"] if content.get("fixed") else drawn(content["choices"], seed)
    return _framed(content["text"], _ticks("radio", choices, [given.get("choice", "")], name), name)


def _multiple(content: Content, seed: int | str, given: Given, name: str) -> str:
    choices = content["choices"] if content.get("fixed") else drawn(content["choices"], seed)
    boxes = _ticks("checkbox", choices, given.get("choices", []), name)
    return _framed(content["text"], boxes, name, f"<br><small>{gettext(_MULTIPLE_HELP)}</small>")


def _truth(content: Content, seed: int | str, given: Given, name: str) -> str:
    both = [Choice(id=TRUE, text=gettext("Vrai")), Choice(id=FALSE, text=gettext("Faux"))]
    return _framed(content["text"], _ticks("radio", both, [given.get("choice", "")], name), name)


def _typed(content: Content, seed: int | str, given: Given, name: str) -> str:
    label, kind = gettext("Votre réponse"), "autocapitalize=off spellcheck=false"
    if content["kind"] == "numeric":
        kind = "inputmode=decimal"
        if unit := content.get("unit"):
            label = f"{label} ({escape(unit)})"
    value = f' value="{escape(given["text"])}"' if "text" in given else ""
    return (
        f"<div id={name}q>{content['text']}</div><div class=field><label for={name}>{label}</label>"
        f"<input id={name} name={name}{value} {kind} autocomplete=off maxlength=200"
        f" aria-describedby={name}q></div>"
    )


def _select(
    name: str, options: Iterable[tuple[str, str]], chosen: str, head: str, more: str
) -> str:
    """``options``: (value, plain words)."""
    listed = "".join(
        f"<option value={value}{' selected' if value == chosen else ''}>{escape(words)}</option>"
        for value, words in options
    )
    return f'<select name={name} {more}><option value="">{head}</option>{listed}</select>'


def _rows(items: Iterable[Choice], field: Callable[[str], str], name: str) -> str:
    return "".join(
        f"<div class=field><label for={name}{one['id']}>{one['text']}</label>"
        f"{field(one['id'])}</div>"
        for one in items
    )


def _matching(content: Content, seed: int | str, given: Given, name: str) -> str:
    options = [(one["id"], one["text"]) for one in drawn(content["rights"], seed)]
    pairs, head = given.get("pairs", {}), gettext("Choisissez")

    def field(left: str) -> str:
        return _select(name + left, options, pairs.get(left, ""), head, f"id={name}{left}")

    return _framed(content["text"], _rows(content["lefts"], field, name), name, kind=_PARTS)


def _ordering(content: Content, seed: int | str, given: Given, name: str) -> str:
    steps = drawn(content["steps"], seed)
    options = [(str(rank), str(rank)) for rank in range(1, len(steps) + 1)]
    ranks, head = given.get("ranks", {}), gettext("Rang")

    def field(step: str) -> str:
        return _select(name + step, options, str(ranks.get(step, "")), head, f"id={name}{step}")

    return _framed(content["text"], _rows(steps, field, name), name, kind=_PARTS)


def _cloze(content: Content, seed: int | str, given: Given, name: str) -> str:
    filled = given.get("gaps", {})

    def one(rank: int) -> str:
        gap, field, label = content["gaps"][rank - 1], f"{name}{rank}", gettext("Trou")
        label = f'aria-label="{label} {rank}"'
        value = filled.get(str(rank), "")
        choices = drawn(gap.get("choices", []), f"{seed}{rank}")
        if isinstance(value, list) or gap["kind"] == "several":
            safe = [Choice(id=each["id"], text=escape(each["text"])) for each in choices]
            return f"<span role=group {label}>{_ticks('checkbox', safe, list(value), field)}</span>"
        if gap["kind"] == "choice":
            return _select(
                field, [(each["id"], each["text"]) for each in choices], value, "…", label
            )
        kind = "inputmode=decimal" if gap["kind"] == "number" else "autocapitalize=off"
        return (
            f'<input name={field} value="{escape(value)}" {kind} autocomplete=off maxlength=200'
            f" {label}>"
        )

    return f"<div class=gaps>{with_gaps(content, one)}</div>"


def with_gaps(content: Content, fill: Callable[[int], str]) -> str:
    """The text with ``fill(1)`` for its first gap …; a mark inside a tag stays what it is."""
    count = len(content["gaps"])

    def one(found: re.Match[str]) -> str:
        if found[0].startswith("<"):
            return found[0]
        rank = int(found[1])
        return fill(rank) if 1 <= rank <= count else found[0]

    return markup.TAG_OR_GAP.sub(one, content["text"])


def _asked(stored: Stored) -> str:
    if stored.kind != "cloze":
        return stored.content["text"]
    return with_gaps(stored.content, lambda rank: f"<b>({rank})</b>")


_FIELDS: dict[str, Callable[[Content, int | str, Given, str], str]] = {
    "single": _single,
    "multiple": _multiple,
    "truefalse": _truth,
    "numeric": _typed,
    "short": _typed,
    "matching": _matching,
    "ordering": _ordering,
    "cloze": _cloze,
}
