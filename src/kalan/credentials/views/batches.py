"""Batches of acts: the list, preparing one, its page."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kalan.base import clock, files
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.text import some
from kalan.base.uploads import explain_size
from kalan.credentials.documents.statements import IN_SHORT
from kalan.credentials.forms.batches import ActFilters, BatchFilters, NewBatchForm, ReasonForm
from kalan.credentials.models import Act, ActTemplate, Batch
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors.choices import templates_usable_by
from kalan.credentials.selectors.listing import (
    ACT_HEADERS,
    BATCH_HEADERS,
    act_lines,
    acts_narrowed,
    batch_lines,
    counts_of,
    listed,
    narrowed,
    readable_acts,
    readable_batches,
    structures_in,
)
from kalan.credentials.selectors.signing import runs_visible_to, stopped_by
from kalan.credentials.services import checking, preparing, showing, visa
from kalan.credentials.views.common import act_or_404, ask, batch_or_404, may_retry, pdf
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff

VIEW = CAPABILITIES["acts.view"]
PREPARE = CAPABILITIES["acts.prepare"]
_SHOWN = 20  # problems named on the page of a draft
_LOOKED_AT = 600  # acts that every view of the page looks through; more when one asks
# Where the acts of each kind come from, in a few words.
_SOURCES: dict[str, str] = {
    ActTemplate.Kind.COMPETENCE: "depuis un examen publié",
    ActTemplate.Kind.FREE: "depuis un tableau de noms",
    ActTemplate.Kind.FILES: "depuis une archive de PDF",
}
_FROM_RECORDS = "depuis une session ou un programme"


@staff(VIEW)
def batch_list(request: ActorRequest) -> HttpResponseBase:
    """Batches in scope, the last prepared first."""
    filters = BatchFilters(request.GET or None, actor=request.actor)
    rows = listed(readable_batches(request.actor))
    if filters.is_valid():
        rows = narrowed(request.actor, rows, filters.cleaned_data)
    order = ("-prepared_at", "-pk")
    if fmt := request.GET.get("format"):
        return table_response("actes", BATCH_HEADERS, batch_lines(rows.order_by(*order)), fmt)
    context = {
        "page": paginate(rows, request, order=order),
        "filters": filters,
        "may_make": request.actor.can(PREPARE),
        "may_sign": request.actor.can(CAPABILITIES["acts.sign"]),
        "about": _about_query(request),
    }
    return render(request, "credentials/acts/list.html", context)


def _about(request: ActorRequest) -> dict[str, str]:
    """What the batch is about, when one comes from the page of a session, programme or exam."""
    names = ("session", "programme", "exam")
    return {name: request.GET[name] for name in names if request.GET.get(name)}


def _about_query(request: ActorRequest) -> str:
    about = _about(request)
    return "?" + urlencode(about) if about else ""


@staff(PREPARE)
def batch_new(request: ActorRequest) -> HttpResponseBase:
    """First step: the kind of act, with what it proves and what it does not."""
    about = _about(request)
    rows = templates_usable_by(request.actor)
    if "exam" in about:
        rows = rows.filter(kind=ActTemplate.Kind.COMPETENCE)
    elif about:
        rows = rows.exclude(kind__in=list(_SOURCES))
    ranks = {kind: rank for rank, kind in enumerate(ActTemplate.Kind.values)}
    templates = sorted(rows.order_by("name", "pk"), key=lambda row: ranks[row.kind])
    cards = [
        {
            "template": template,
            "proves": IN_SHORT[template.kind][0],
            "not": IN_SHORT[template.kind][1],
            "source": _SOURCES.get(template.kind, _FROM_RECORDS),
        }
        for template in templates
    ]
    context = {"cards": cards, "about": _about_query(request)}
    return render(request, "credentials/acts/new.html", context)


@staff(PREPARE)
@once
def batch_create(request: ActorRequest, template: uuid.UUID) -> HttpResponseBase:
    """Second step: where the acts come from and who signs them."""
    model = get_object_or_404(templates_usable_by(request.actor), uid=template)
    uploads = request.FILES  # read first: the handlers mark the request while it arrives
    form = NewBatchForm(
        posted(request),
        uploads if request.method == "POST" else None,
        actor=request.actor,
        kind=model.kind,
        about=_about(request),
    )
    if "file" in form.fields:
        explain_size(request, form, "file")
    if request.method == "POST" and form.is_valid():
        try:
            batch = _prepare(request, model, form)
        except Refused as refused:
            if refused.field in ("ref", "version"):
                refused.field = None
            show_refusal(form, refused)
        else:
            messages.success(request, "Lot préparé. Relisez la liste, puis remettez-le pour visa.")
            return redirect("act-batch", uid=batch.uid)
    proves, does_not = IN_SHORT[model.kind]
    context = {"form": form, "template": model, "proves": proves, "not": does_not}
    status = 422 if form.errors else 200
    return render(request, "credentials/acts/create.html", context, status=status)


def _prepare(request: ActorRequest, template: ActTemplate, form: NewBatchForm) -> Batch:
    now = clock.now()
    source, about = form.source()
    upload, stored = form.cleaned_data.get("file"), None
    if upload is not None:
        stored = files.store(
            content=upload,
            name=upload.name,
            kind="acts_source",
            by=request.actor.account,
            now=now,
            content_type=upload.content_type or "application/octet-stream",
        )
    return preparing.prepare(
        actor=request.actor,
        version=template.versions.get(current=True),
        office=form.cleaned_data["office"],
        source=source,
        now=now,
        ref=about,
        file=stored,
        title=form.cleaned_data["title"],
        options=form.options(),
    )


@staff(VIEW)
def batch_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """One batch: what is in it, how far it is, what comes next."""
    batch = batch_or_404(request, uid)
    acts = readable_acts(request.actor, batch)
    filters = _act_filters(request, acts)
    rows = acts_narrowed(acts, filters.cleaned_data) if filters.is_valid() else acts
    if fmt := request.GET.get("format"):
        return table_response(
            f"actes-{batch.title[:60]}", ACT_HEADERS, act_lines(rows.order_by("rank")), fmt
        )
    page = paginate(rows.select_related("structure", "renews"), request, order=("rank",))
    context: dict[str, Any] = _rights(request, batch) | {
        "batch": batch,
        "page": page,
        "filters": filters,
        "counts": counts_of(acts),
        "entry": batch.entries.order_by("seq").first() if batch.merkle_root else None,
        "may_register": request.actor.can(CAPABILITIES["register.view"]),
        "may_follow": batch.state == Batch.State.ORDERED and _sees_run(request, batch),
    }
    if batch.run is not None and batch.state == Batch.State.ORDERED:
        context["stopped"] = stopped_by(batch.run, batch.run.job)
        context["may_retry"] = may_retry(request, batch.run)
    asked = "verifier" in request.GET
    few = not request.GET and context["counts"].draft <= _LOOKED_AT
    if context["may_prepare"] and (asked or few):
        found = checking.check(batch)
        context |= {
            "looked_at": True,
            "problems": found[:_SHOWN],
            "more_problems": len(found) - _SHOWN,
        }
    return render(request, "credentials/acts/detail.html", context)


def _sees_run(request: ActorRequest, batch: Batch) -> bool:
    if batch.run is None:
        return False
    account = request.actor.account
    mine = account is not None and batch.run.account_id == account.pk
    return mine or runs_visible_to(request.actor).filter(pk=batch.run.pk).exists()


def _act_filters(request: ActorRequest, acts: Any) -> ActFilters:
    states = list(acts.order_by().values_list("state", flat=True).distinct())
    return ActFilters(request.GET, states=states, structures=structures_in(acts))


def _rights(request: ActorRequest, batch: Batch) -> dict[str, bool]:
    """What this person may do with the batch as it stands."""
    actor, path, state = request.actor, batch.node.path, batch.state
    desks = (batch.prepared_by_id, batch.checked_by_id)
    mine = actor.account is not None and actor.account.pk in desks
    waits = state in (Batch.State.CHECKED, Batch.State.APPROVED)
    return {
        "may_prepare": actor.covers(PREPARE, path) and state == Batch.State.DRAFT,
        "may_cancel": actor.covers(PREPARE, path) and (waits or state == Batch.State.DRAFT),
        "may_visa": actor.covers(CAPABILITIES["acts.approve"], path)
        and state == Batch.State.CHECKED
        and not mine,
        "must_be_other": actor.covers(CAPABILITIES["acts.approve"], path)
        and state == Batch.State.CHECKED
        and mine,
        "may_sign": actor.covers(CAPABILITIES["acts.sign"], path) and state == Batch.State.APPROVED,
        "may_enter_hand": actor.covers(CAPABILITIES["acts.hand"], path)
        and state == Batch.State.PRINTED,
        "may_deliver": actor.can(CAPABILITIES["acts.deliver"])
        and state in (Batch.State.SIGNED, Batch.State.PRINTED),
        "may_send": actor.covers(CAPABILITIES["acts.deliver"], path)
        and state == Batch.State.SIGNED
        and batch.version.template.kind in ActTemplate.PROOFS,
    }


@require_POST
@staff(PREPARE)
def batch_refresh(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Bring the draft up to what the records say now."""
    batch = batch_or_404(request, uid, "acts.prepare")
    try:
        seen = preparing.refresh(actor=request.actor, batch=batch, now=clock.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        parts = [
            some(len(seen.added), "acte ajouté", "actes ajoutés"),
            some(len(seen.removed), "retiré", "retirés"),
            some(len(seen.changed), "changé", "changés"),
        ]
        said = ", ".join(parts) if seen else "rien n’a changé"
        messages.success(request, f"Repris des données : {said}.")
    return redirect("act-batch", uid=uid)


@require_POST
@staff(PREPARE)
def batch_hand_over(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    batch = batch_or_404(request, uid, "acts.prepare")
    return attempt(
        request,
        "Lot remis pour visa : une autre personne le relit avant la signature.",
        "act-batch",
        lambda: visa.hand_over(actor=request.actor, batch=batch, now=clock.now()),
        uid=uid,
    )


@staff(PREPARE)
def batch_cancel(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    batch = batch_or_404(request, uid, "acts.prepare")
    if request.method == "POST":
        return attempt(
            request,
            "Lot abandonné : rien n’a été signé.",
            "act-batch",
            lambda: visa.cancel(actor=request.actor, batch=batch, now=clock.now()),
            uid=uid,
        )
    return ask(
        request,
        batch,
        title="Abandonner le lot",
        message="Aucun de ses actes n’est signé ni numéroté. Le lot reste dans la liste, "
        "abandonné ; les mêmes actes pourront être préparés de nouveau.",
        confirm_label="Abandonner le lot",
    )


@staff(PREPARE)
def act_exclude(request: ActorRequest, uid: uuid.UUID, act: uuid.UUID) -> HttpResponseBase:
    """Set one act aside, with the reason."""
    batch, row = act_or_404(request, uid, act, "acts.prepare")
    return _with_reason(
        request,
        batch,
        row,
        ReasonForm(posted(request)),
        preparing.exclude,
        done="Écarté",
        label="Écarter",
        message="Cet acte ne sera ni signé ni numéroté. Le motif reste avec le lot ; qui vise le "
        "lit.",
    )


@staff(PREPARE)
def act_include(request: ActorRequest, uid: uuid.UUID, act: uuid.UUID) -> HttpResponseBase:
    """Take back an act that was set aside; a second one for the same thing asks why."""
    batch, row = act_or_404(request, uid, act, "acts.prepare")
    form = ReasonForm(posted(request))
    form.fields["reason"].required = False
    return _with_reason(
        request,
        batch,
        row,
        form,
        preparing.include,
        done="Remis dans le lot",
        label="Remettre dans le lot",
        message=f"Il était écarté : {row.problem or 'sans motif'}",
        danger=False,
    )


def _with_reason(
    request: ActorRequest,
    batch: Batch,
    row: Act,
    form: ReasonForm,
    service: Callable[..., object],
    *,
    done: str,
    label: str,
    **page: Any,
) -> HttpResponseBase:
    """Ask for the reason, then do ``service`` to the act; ask again when it is refused."""
    name = row.name or f"acte {row.rank}"
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            service(actor=request.actor, act=row, reason=reason, now=clock.now())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{done} : {name}.")
            return redirect("act-batch", uid=batch.uid)
    title = f"{label} : {name}"
    return ask(request, batch, title=title, form=form, confirm_label=label, **page)


@staff(VIEW)
def act_preview(request: ActorRequest, uid: uuid.UUID, act: uuid.UUID) -> HttpResponseBase:
    """The act as it will be, marked « Aperçu »: no number, no code, no signature."""
    batch, row = act_or_404(request, uid, act)
    try:
        content = showing.preview(actor=request.actor, act=row, now=clock.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(reverse("act-batch", kwargs={"uid": batch.uid}))
    return pdf(content, f"apercu-{row.rank}.pdf", attachment=False)


@staff(VIEW)
def act_picture(request: ActorRequest, uid: uuid.UUID, act: uuid.UUID) -> HttpResponseBase:
    """The first page of the preview, to be seen inside a page."""
    _, row = act_or_404(request, uid, act)
    try:
        content = showing.picture(actor=request.actor, act=row, now=clock.now())
    except Refused as refused:
        raise Http404(str(refused)) from refused
    return HttpResponse(content, content_type="image/png")
