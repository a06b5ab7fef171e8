"""The signatory's tray, the click, and a run as it goes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.lists import paginate
from kalan.credentials.forms.batches import ReasonForm
from kalan.credentials.forms.signing import ConfirmForm, PassphraseForm, TrayFilters, as_uuids
from kalan.credentials.models import Act, Batch, Office, OfficeHolder, SigningRun
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors import keys
from kalan.credentials.selectors.listing import listed
from kalan.credentials.selectors.offices import holder_today, holders_on, offices_of
from kalan.credentials.selectors.signing import (
    awaiting_signature,
    failures,
    progress,
    runs_of,
    runs_visible_to,
)
from kalan.credentials.services import ordering, second_factor, signing
from kalan.credentials.views.common import challenge, may_retry
from kalan.people.http import ActorRequest, posted, show_refusal, staff

SIGN = CAPABILITIES["acts.sign"]
VIEW = CAPABILITIES["acts.view"]
MEND = SIGN | CAPABILITIES["acts.approve"]
_MOST = 200  # batches on one page of the tray


@dataclass(frozen=True)
class Desk:
    """One office that the signatory holds today, and what waits for it."""

    office: Office
    holder: OfficeHolder
    batches: list[Batch]

    @property
    def acts(self) -> int:
        return sum(batch.total for batch in self.batches)  # type: ignore[attr-defined]


@staff(SIGN)
def tray(request: ActorRequest) -> HttpResponseBase:
    """What waits for the signatory, office by office; ticked and signed in one click."""
    today = clock.today()
    rows = _with_sample(listed(awaiting_signature(request.actor, today=today)))
    waiting = list(rows.select_related("office__key", "session__programme")[:_MOST])
    filters = TrayFilters(request.GET or None, batches=waiting)
    shown = _narrowed(waiting, filters)
    offices = list(offices_of(request.actor, today=today).order_by("title", "pk"))
    holders = _best(holders_on(today).filter(account=request.actor.account, office__in=offices))
    runs = list(runs_of(request.actor)[:5])
    context = {
        "desks": [
            Desk(office, holders[office.pk], [b for b in shown if b.office_id == office.pk])
            for office in offices
            if office.pk in holders
        ],
        "filters": filters,
        "waiting": len(waiting),
        "ticked": request.GET.get("cocher") == "1",
        "running": [run for run in runs if run.finished_at is None],
        "done": [run for run in runs if run.finished_at is not None],
        "today": today,
    }
    return render(request, "credentials/signing/tray.html", context)


def _with_sample(rows: QuerySet[Batch]) -> QuerySet[Batch]:
    """With the first act of each, to be looked at whole."""
    first = Act.objects.filter(batch=OuterRef("pk"), state=Act.State.DRAFT).order_by("rank")
    return rows.annotate(sample_uid=Subquery(first.values("uid")[:1]))


def _narrowed(batches: list[Batch], filters: TrayFilters) -> list[Batch]:
    if not filters.is_valid():
        return batches
    wanted = filters.cleaned_data
    kept = batches
    if wanted["kind"]:
        kept = [b for b in kept if b.version.template.kind == wanted["kind"]]
    if wanted["session"]:
        kept = [b for b in kept if b.session and str(b.session.uid) == wanted["session"]]
    if wanted["programme"]:
        kept = [b for b in kept if wanted["programme"] in _programmes(b)]
    for word in wanted["q"].split():
        named = Act.objects.filter(batch__in=kept, name__icontains=word)
        holds = set(named.values_list("batch", flat=True).distinct())
        kept = [b for b in kept if b.pk in holds or word.casefold() in b.title.casefold()]
    return kept


def _programmes(batch: Batch) -> set[str]:
    found = {batch.programme, batch.session.programme if batch.session else None}
    return {str(programme.uid) for programme in found if programme}


def _best(rows: QuerySet[OfficeHolder]) -> dict[int, OfficeHolder]:
    """By office: in title before by interim before by delegation."""
    fullness = {"title": 2, "interim": 1, "delegate": 0}
    ordered = sorted(rows.order_by("-pk"), key=lambda one: fullness[one.capacity])
    return {one.office_id: one for one in ordered}


@staff(SIGN)
def confirm(request: ActorRequest) -> HttpResponseBase:
    """How many acts, in which capacity, with which key; then the second factor, here and now.

    The ticked batches come in ``lot``. A post from the page itself signs; one from the tray shows
    the page.
    """
    today = clock.today()
    asked = as_uuids((request.POST if request.method == "POST" else request.GET).getlist("lot"))
    rows = _with_sample(listed(awaiting_signature(request.actor, today=today)))
    batches = list(rows.filter(uid__in=asked).select_related("office__key", "office__node"))
    sending = request.method == "POST" and "form_uid" in request.POST
    if sending and (run := _sent_before(request)):
        return redirect("signing-run", uid=run.uid)
    if not batches or len(batches) < len(asked):
        lost = (
            "Des lots cochés n’attendent plus de signature." if asked else "Cochez au moins un lot."
        )
        messages.error(request, f"{lost} Relisez la liste ci-dessous.")
        return redirect("signing-tray")
    if len({batch.office_id for batch in batches}) > 1:
        messages.error(request, "Signez pour une fonction à la fois : cochez ses seuls lots.")
        return redirect("signing-tray")
    office = batches[0].office
    key = office.key if office.mode == "electronic" else None
    shown = ordering.mark_of(batches)
    if sending and request.POST.get("seen") != shown:
        messages.error(request, "Des lots ont changé depuis que vous les avez lus. Relisez-les.")
        return redirect(f"{reverse('signing-confirm')}?{urlencode([('lot', u) for u in asked])}")
    if sending and "defi" in request.POST:  # the passkey's button asks for its challenge
        uid = next(iter(as_uuids([request.POST["form_uid"]])), None)
        return challenge(request, ordering.about(batches, uid)) if uid else HttpResponse(status=400)
    form = ConfirmForm(
        request.POST if sending else None,
        ways=second_factor.ways_of(request.actor),
        seen=shown,
        asks_passphrase=key is not None and keys.wants_passphrase(key, now=clock.now()),
    )
    if sending and form.is_valid():
        try:
            run = ordering.confirm(
                actor=request.actor,
                batches=batches,
                given=form.given(),
                form_uid=form.cleaned_data["form_uid"],
                now=clock.now(),
                passphrase=form.cleaned_data.get("passphrase"),
            )
        except Refused as refused:
            show_refusal(form, refused)
            form.renew()
        else:
            return redirect("signing-run", uid=run.uid)
    context = {
        "form": form,
        "batches": batches,
        "office": office,
        "key": key,
        "total": sum(batch.total for batch in batches),  # type: ignore[attr-defined]
        "holder": holder_today(office=office, actor=request.actor, today=today),
    }
    status = 422 if form.errors else 200
    return render(request, "credentials/signing/confirm.html", context, status=status)


def _sent_before(request: ActorRequest) -> SigningRun | None:
    """The run that this very form has already led to (a double click, a reply lost)."""
    uids = as_uuids([request.POST.get("form_uid", "")])
    return runs_of(request.actor).filter(uid__in=uids).first()


def _run(request: ActorRequest, uid: uuid.UUID) -> SigningRun:
    mine = Q(pk__in=runs_visible_to(request.actor).values("pk"))
    if request.actor.account is not None:
        mine |= Q(account=request.actor.account)
    rows = SigningRun.objects.filter(mine).select_related("holder__office__node", "key", "job")
    return get_object_or_404(rows, uid=uid)


@staff(VIEW)
def run_page(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """How far the run is; it goes on without this page. At the end: what comes next."""
    run = _run(request, uid)
    advance = progress(run, now=clock.now())
    failed = paginate(failures(run), request, order=("batch", "rank"))
    context: dict[str, Any] = {
        "run": run,
        "advance": advance,
        "page": failed,
        "batches": list(listed(run.batches.all()).order_by("approved_at", "pk")),
        "going": advance.running and not advance.finished,
        "may_retry": may_retry(request, run),
        "may_deliver": request.actor.can(CAPABILITIES["acts.deliver"]),
    }
    return render(request, "credentials/signing/run.html", context)


def _crumbs(uid: uuid.UUID) -> list[tuple[str, str]]:
    here = reverse("signing-run", kwargs={"uid": uid})
    return [("Parapheur", reverse("signing-tray")), ("Signature", here)]


@staff(MEND)
def retry(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Try again what failed or was left; the page asks for a passphrase when the key does."""
    run = _run(request, uid)
    asks = run.key is not None and keys.wants_passphrase(run.key, now=clock.now())
    form = PassphraseForm(posted(request)) if asks else None
    if request.method == "POST" and (form is None or form.is_valid()):
        passphrase = form.cleaned_data["passphrase"] if form else None
        try:
            signing.retry(actor=request.actor, run=run, now=clock.now(), passphrase=passphrase)
        except Refused as refused:
            if form is not None:
                show_refusal(form, refused)
            else:
                messages.error(request, str(refused))
                return redirect("signing-run", uid=uid)
        else:
            return redirect("signing-run", uid=uid)
    left = progress(run, now=clock.now())
    context = {
        "title": "Reprendre la signature",
        "message": f"{left.total - left.signed - left.void} actes numérotés attendent encore. "
        "Ce qui est déjà signé ne l’est pas deux fois.",
        "form": form,
        "confirm_label": "Reprendre",
        "danger": False,
        "cancel_url": reverse("signing-run", kwargs={"uid": uid}),
        "crumbs": _crumbs(uid),
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "web/_confirm.html", context, status=status)


@staff(MEND)
def give_up(request: ActorRequest, uid: uuid.UUID, act: uuid.UUID) -> HttpResponseBase:
    """Say that a numbered act will not be issued; its number stays taken."""
    run = _run(request, uid)
    row = get_object_or_404(Act.objects.filter(batch__run=run).select_related("batch"), uid=act)
    form = ReasonForm(posted(request))
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            signing.give_up(actor=request.actor, act=row, reason=reason, now=clock.now())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"Acte {row.number} : non émis, le registre le dit.")
            return redirect("signing-run", uid=uid)
    context = {
        "title": f"Ne pas émettre l’acte {row.number or row.rank}",
        "message": f"{row.name} · {row.batch.title}. Son numéro reste pris : le registre dit qu’il "
        "n’a pas été émis. Un autre lot pourra faire l’acte, corrigé.",
        "form": form,
        "confirm_label": "Ne pas émettre",
        "cancel_url": reverse("signing-run", kwargs={"uid": uid}),
        "crumbs": _crumbs(uid),
    }
    status = 422 if form.errors else 200
    return render(request, "web/_confirm.html", context, status=status)
