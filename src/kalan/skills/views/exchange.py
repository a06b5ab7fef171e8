"""Questions in from a file, with a verdict on each, and out to other programs."""

from __future__ import annotations

import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import name_file
from kalan.base.files import store
from kalan.base.models import StoredFile
from kalan.base.uploads import explain_size
from kalan.engine.formats.question import Refusal
from kalan.people.double import once
from kalan.people.http import ActorRequest, posted, show_refusal, staff
from kalan.skills.forms.imports import FileForm
from kalan.skills.models import FrameworkNode, ItemBank
from kalan.skills.play import show
from kalan.skills.policy import CAPABILITIES
from kalan.skills.services.exports import FORMATS, SUFFIXES, write_items
from kalan.skills.services.imports import Verdict, apply_file, check_file
from kalan.skills.views.common import bank_or_404
from kalan.skills.views.items import listed

EDIT = CAPABILITIES["items.edit"]
_KIND = "questions"
_LIMIT = 10_000_000  # bytes: a few thousand questions, with their pictures


@staff(EDIT)
@once
def item_import(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Take a file; nothing is brought in yet."""
    bank = bank_or_404(request, uid, "items.edit")
    form = FileForm(posted(request), request.FILES or None)
    if request.method == "POST":
        explain_size(request, form, "file")
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            if upload.size > _LIMIT:
                raise Refused("Ce fichier dépasse 10 Mo.", field="file", remedy="Partagez-le.")
            stored = store(
                content=upload,
                name=upload.name,
                kind=_KIND,
                by=request.actor.account,
                now=clock.now(),
            )
            check_file(bank=bank, path=Path(stored.file.path), name=stored.name)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("item-import-check", uid=uid, file=stored.uid)
    title = f"Importer des questions dans {bank.name}"
    context = {"form": form, "bank": bank, "title": title, "submit_label": "Vérifier"}
    status = 422 if form.errors else 200
    return render(request, "skills/items/form.html", context, status=status)


@staff(EDIT)
@once
def item_import_check(request: ActorRequest, uid: uuid.UUID, file: uuid.UUID) -> HttpResponseBase:
    """The verdicts; the questions that are ticked come in."""
    bank = bank_or_404(request, uid, "items.edit")
    mine = StoredFile.objects.filter(kind=_KIND, created_by=request.actor.account)
    stored = get_object_or_404(mine, uid=file)
    path = Path(stored.file.path)
    if request.method == "POST":
        _apply(request, bank, path, stored.name)
        return redirect("item-import-check", uid=uid, file=file)
    verdicts = check_file(bank=bank, path=path, name=stored.name)
    context = {
        "bank": bank,
        "file": stored,
        "verdicts": [(one, _preview(one)) for one in verdicts],
        "counts": Counter(one.state for one in verdicts),
        "usable": any(one.usable for one in verdicts),
        "domains": bank.framework.nodes.filter(kind="domain").order_by("rank", "pk"),
    }
    return render(request, "skills/items/import.html", context)


def _preview(verdict: Verdict) -> Any:
    if verdict.stored is None or not verdict.usable:
        return None
    found = verdict.pictures.found if verdict.pictures else {}
    return show.question(
        verdict.stored.content,
        seed=0,
        name=f"q{verdict.number}",
        address=lambda uid: found[uid][0].inline if uid in found else show.address_of(uid),
    )


def _apply(request: ActorRequest, bank: ItemBank, path: Path, name: str) -> None:
    domains = {
        str(node.uid): node
        for node in FrameworkNode.objects.filter(framework=bank.framework_id, kind="domain")
    }
    chosen = {
        int(number): domains.get(request.POST.get(f"domaine-{number}", ""))
        for number in request.POST.getlist("choix")
        if number.isascii() and number.isdigit() and len(number) < 5
    }
    try:
        done = apply_file(
            actor=request.actor, bank=bank, path=path, name=name, chosen=chosen, now=clock.now()
        )
    except Refused as refused:
        messages.error(request, f"{refused} Rien n’a été importé.")
        return
    if not done.added and not done.changed:
        messages.info(request, "Aucune question choisie : la banque n’a pas changé.")
        return
    messages.success(
        request,
        f"Questions ajoutées : {done.added} ; nouvelles versions : {done.changed}. Ce sont des "
        "brouillons, à relire.",
    )


@staff(CAPABILITIES["items.view"])
def item_export(request: ActorRequest) -> HttpResponseBase:
    """What a format holds of the filtered list, then (``fichier``) the file itself."""
    format_ = request.GET.get("vers", "")
    format_ = format_ if format_ in FORMATS else "moodle-xml"
    _, rows = listed(request)
    items = rows.select_related("current", "domain").order_by("bank__code", "code", "pk")
    done = write_items(items, format_)
    if "fichier" in request.GET:
        response = HttpResponse(done.text, content_type="text/plain; charset=utf-8")
        if format_ == "moodle-xml":
            response["Content-Type"] = "application/xml; charset=utf-8"
        name_file(response, f"questions.{SUFFIXES[format_]}")
        return response
    kept = {name: str(value) for name, value in request.GET.items() if name != "vers"}
    context = {
        "done": done,
        "left_out": _by_reason(done.left_out),
        "label": FORMATS[format_],
        "query": urlencode({**kept, "vers": format_, "fichier": "1"}),
        "others": [
            (label, urlencode({**kept, "vers": code}))
            for code, label in FORMATS.items()
            if code != format_
        ],
    }
    return render(request, "skills/items/export.html", context)


def _by_reason(refusals: list[Refusal]) -> list[tuple[str, list[str]]]:
    """Reasons, the most frequent first, each with the codes it is said of."""
    found: dict[str, list[str]] = {}
    for one in refusals:
        found.setdefault(one.reason, []).append(one.name)
    return sorted(found.items(), key=lambda pair: -len(pair[1]))
