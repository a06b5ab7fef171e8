"""Writing a question: form, preview, what it resembles, saving."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpResponseBase
from django.shortcuts import redirect, render

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.base.uploads import explain_size
from kalan.people.double import once
from kalan.people.http import ActorRequest, posted, show_refusal, staff
from kalan.skills.forms.authoring import ROWS, ItemForm, initial_of, own_of, rows_of
from kalan.skills.models import Item, ItemBank
from kalan.skills.play import show
from kalan.skills.play.content import from_own, nearest, words
from kalan.skills.play.shape import Key, Picture, Stored
from kalan.skills.policy import CAPABILITIES
from kalan.skills.selectors.item_page import stored_of
from kalan.skills.selectors.items import alike_of
from kalan.skills.services import items as services
from kalan.skills.services.items import ItemData
from kalan.skills.services.media import Pictures
from kalan.skills.views.common import bank_or_404, item_or_404

EDIT = CAPABILITIES["items.edit"]
_UNSEEN = ("meta", "images")  # of a key
_PLACE = re.compile(r"\{img:([0-9]+)\}")


@dataclass
class _Draft:
    """A form as it was sent: what it makes, and what to show with it again."""

    form: ItemForm
    rows: Any
    stored: Stored | None = None
    pictures: Pictures | None = None
    alike: list[tuple[int, Item]] = field(default_factory=list)


@staff(EDIT)
@once
def item_create(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """First the type, then its form."""
    bank = bank_or_404(request, uid, "items.edit")
    kind = request.GET.get("type", "")
    if not kind:
        context = {
            "bank": bank,
            "kinds": Item.Kind.choices,
            "competency": request.GET.get("competence", ""),
        }
        return render(request, "skills/items/kinds.html", context)
    if kind not in Item.Kind.values:
        raise Http404
    initial: dict[str, Any] = {}
    if code := request.GET.get("competence"):
        node = bank.framework.nodes.filter(kind="competency", code=code).first()
        if node:
            initial["competency"] = node.pk
            while node.parent:
                node = node.parent
            initial["domain"] = node.pk
    draft = _Draft(
        ItemForm(posted(request), _files(request), bank=bank, kind=kind, initial=initial),
        rows_of(kind, posted(request), []),
    )
    saved = _handle(request, draft, bank, None)
    return saved or _page(request, draft, bank, None)


@staff(EDIT)
def item_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    item = item_or_404(request, uid, "items.edit")
    assert item.current is not None
    stored = stored_of(item.current)
    values, rows = initial_of(item, stored)
    values["seen"] = item.current.number
    draft = _Draft(
        ItemForm(
            posted(request),
            _files(request),
            bank=item.bank,
            kind=item.kind,
            version=item.current,
            initial=values,
        ),
        rows_of(item.kind, posted(request), rows),
    )
    saved = _handle(request, draft, item.bank, item)
    return saved or _page(request, draft, item.bank, item)


def _files(request: ActorRequest) -> Any:
    return request.FILES if request.method == "POST" else None


def _handle(
    request: ActorRequest, draft: _Draft, bank: ItemBank, item: Item | None
) -> HttpResponseBase | None:
    """Save, unless the person asked for more lines or a preview, or must be told something."""
    if request.method != "POST":
        return None
    explain_size(request, draft.form, "picture")
    fine = draft.form.is_valid() and (draft.rows is None or draft.rows.is_valid())
    if "ajouter" in request.POST or not fine:
        return None
    try:
        _make(draft, bank, item)
        assert draft.stored is not None
        data = _data(draft.form, draft.stored, item)
        services.check(bank, data)
        if "apercu" in request.POST:
            return None
        draft.alike = _alike(draft.stored, bank, item)
        if draft.alike and "meme-si" not in request.POST:
            return None
        actor, now = request.actor, clock.now()
        if item is None:
            saved = services.create_item(
                actor=actor, bank=bank, data=data, now=now, pictures=draft.pictures
            )
        else:
            saved = services.revise_item(
                actor=actor,
                item=item,
                data=data,
                seen=draft.form.cleaned_data["seen"],
                now=now,
                pictures=draft.pictures,
            )
    except Refused as refused:
        show_refusal(draft.form, refused)
        return None
    messages.success(request, "Question enregistrée.")
    return redirect("item-detail", uid=saved.uid)


def _make(draft: _Draft, bank: ItemBank, item: Item | None) -> None:
    """Fill ``draft.stored``: what was typed, with the pictures that were there and the new one."""
    form, values = draft.form, draft.form.cleaned_data
    rows = [row for row in draft.rows.cleaned_data if row] if draft.rows is not None else []
    code = item.code if item else values["code"]
    pictures = Pictures(f"{bank.code}/{code}")
    kept: list[Picture] = []
    text = values["text"]
    for rank, picture in enumerate(form.pictures, start=1):
        if values.get(f"drop_{rank}"):
            text = text.replace(f"{{img:{rank}}}", "")
        else:
            kept.append(picture)
            text = text.replace(f"{{img:{rank}}}", f"{{img!{len(kept)}}}")
    if values.get("picture"):
        upload = values["picture"]
        uid = pictures.add(upload.read(), upload.name)
        kept.append(Picture(uid=uid, alt=values["alt"].strip()))
        here = f"{{img!{len(kept)}}}"
        text = _PLACE.sub(here, text, count=1) if _PLACE.search(text) else f"{text}\n{here}"
    text = _PLACE.sub("", text).replace("{img!", "{img:")
    stored = from_own({**own_of(form.kind, {**values, "text": text}, rows), "code": code})
    if kept:
        stored.content["images"] = kept
    if item and item.current:
        # What the form does not show is not lost.
        shown = {name: value for name, value in stored.key.items() if name not in _UNSEEN}
        unseen = {name: item.current.key[name] for name in _UNSEEN if name in item.current.key}
        stored = Stored(stored.content, cast("Key", {**shown, **unseen}))
    else:
        stored.key.pop("meta", None)
    pictures.measure(stored)
    draft.stored, draft.pictures = stored, pictures


def _data(form: ItemForm, stored: Stored, item: Item | None) -> ItemData:
    values = form.cleaned_data
    return ItemData(
        code=item.code if item else values["code"],
        domain=values["domain"],
        competency=values["competency"],
        difficulty=values["difficulty"],
        stored=stored,
        audience=values["audience"],
        countries=values["countries"],
        accessible=values["accessible"],
        source=values["source"],
        note=values.get("note", ""),
    )


def _alike(stored: Stored, bank: ItemBank, item: Item | None) -> list[tuple[int, Item]]:
    others = alike_of(bank, but=item)
    found = nearest(fold(words(stored)), [(one, text) for one, text in others])
    return [(round(100 * likeness), one) for likeness, one in found]


def _page(
    request: ActorRequest, draft: _Draft, bank: ItemBank, item: Item | None
) -> HttpResponseBase:
    kind = draft.form.kind
    label = Item.Kind(kind).label
    lossy = False
    if item and item.current:
        gaps = item.current.content.get("gaps", [])
        lossy = any(gap["kind"] in ("several", "number") for gap in gaps) or (
            kind == "numeric" and len(item.current.key["answers"]) > 1
        )
    context = {
        "form": draft.form,
        "rows": draft.rows,
        "rows_label": ROWS[kind][2] if kind in ROWS else "",
        "bank": bank,
        "item": item,
        "kind_label": label,
        "title": f"Modifier {item.code}" if item else f"Nouvelle question : {label}",
        "preview": show.question(draft.stored.content, seed=0, name="apercu", address=_shown(draft))
        if draft.stored and "apercu" in request.POST
        else None,
        "alike": draft.alike,
        "fixed": bool(item and item.current and services.fixed(item.current)),
        "lossy": lossy,
    }
    wrong = draft.form.errors or (draft.rows is not None and draft.rows.total_error_count())
    status = 422 if request.method == "POST" and wrong and "ajouter" not in request.POST else 200
    return render(request, "skills/items/author.html", context, status=status)


def _shown(draft: _Draft) -> Any:
    """A picture that is not stored yet has no address: the preview carries its bytes."""
    fresh = draft.pictures.found if draft.pictures else {}
    return lambda uid: fresh[uid][0].inline if uid in fresh else show.address_of(uid)
