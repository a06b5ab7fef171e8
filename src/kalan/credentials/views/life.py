"""One act after issue: what happened to it; ending it, undoing that, setting it right; sending."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.models import Job
from kalan.base.notifications.spending import EMAIL
from kalan.credentials import words
from kalan.credentials.forms.life import DeliverForm, ReinstateForm, ReplaceForm, RevokeForm
from kalan.credentials.forms.signing import as_uuids
from kalan.credentials.models import Act, Batch
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors.renewals import renewing
from kalan.credentials.services import (
    delivery,
    issued,
    life,
    replacing,
    second_factor,
    sharing,
    verifying,
)
from kalan.credentials.views.common import batch_or_404, challenge, crumbs_of
from kalan.people.http import ActorRequest, posted, show_refusal, staff

VIEW = CAPABILITIES["acts.view"]
PREPARE = CAPABILITIES["acts.prepare"]
REVOKE = CAPABILITIES["acts.revoke"]
DELIVER = CAPABILITIES["acts.deliver"]


def _act(request: ActorRequest, uid: uuid.UUID, capability: str = "acts.view") -> Act:
    """The act in the actor's scope; what changes an act goes by its batch's territory."""
    try:
        act = life.one(request.actor, uid)
    except Act.DoesNotExist as error:
        raise Http404 from error
    if capability != "acts.view" and not request.actor.covers(
        CAPABILITIES[capability], act.batch.node.path
    ):
        raise Http404
    return act


@staff(VIEW)
def act_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    """Everything about one act: what it is, what the page says of it, what happened since."""
    act, now, actor = _act(request, uid), clock.now(), request.actor
    signed = act.state == Act.State.SIGNED
    valid = signed and act.status == Act.Status.VALID
    in_scope = act.batch.node.path
    answer = verifying.answer_for(act, now=now) if act.state in ("signed", "void") else None
    proof = answer.proof_of_date if answer else None
    context = {
        "act": act,
        "answer": answer,
        "stamp": words.proof_of_date(proof.level, proof.by, proof.at, "fr") if proof else "",
        "events": act.events.select_related("by", "other").order_by("at", "pk"),
        "entries": act.entries.order_by("seq"),
        "batch_entry": act.batch.entries.order_by("seq").first(),
        "badges": act.badges.select_related("key").order_by("pk"),
        "check_url": sharing.check_url(act),
        "replacement": replacing.replacement_of(act) if signed else None,
        "renewed_by": renewing(request.actor, act),
        "may_revoke": valid and actor.covers(REVOKE, in_scope),
        "may_reinstate": actor.covers(REVOKE, in_scope) and life.may_undo(actor, act, now=now),
        "may_replace": signed
        and act.status != Act.Status.REPLACED
        and actor.covers(PREPARE, in_scope),
    }
    return render(request, "credentials/life/detail.html", context)


def _ways(request: ActorRequest) -> second_factor.Ways | None:
    """With what who signs or administers confirms; None for the others."""
    asked = second_factor.asked_of(request.actor)
    return second_factor.ways_of(request.actor) if asked else None


def _defied(request: ActorRequest, act: Act, action: str) -> HttpResponse | None:
    """The challenge that the button of a passkey asks for; None when it is not that."""
    if request.method != "POST" or "defi" not in request.POST:
        return None
    uid = next(iter(as_uuids([request.POST.get("uid", "")])), None)
    if uid is None:
        return HttpResponse(status=400)
    return challenge(request, issued.about(action, act, uid))


def _ask(request: ActorRequest, act: Act, **context: object) -> HttpResponse:
    form = context.get("form")
    here = reverse("act-detail", args=[act.uid])
    context["cancel_url"] = here
    context["crumbs"] = [*crumbs_of(act.batch), (f"Acte {act.number}", here)]
    status = 422 if getattr(form, "errors", None) else 200
    return render(request, "credentials/life/ask.html", context, status=status)


@staff(REVOKE)
def act_revoke(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    act = _act(request, uid, "acts.revoke")
    if (said := _defied(request, act, "revoke")) is not None:
        return said
    form = RevokeForm(posted(request), ways=_ways(request))
    if request.method == "POST" and form.is_valid():
        try:
            life.revoke(
                actor=request.actor, now=clock.now(), act=act, given=form.given(), **form.said()
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"L’acte {act.number} est révoqué.")
            return redirect("act-detail", uid=uid)
    return _ask(
        request,
        act,
        form=form,
        title=f"Révoquer l’acte {act.number}",
        message=f"{act.batch.version.title}, {act.name or act.batch.title}. Qui le vérifie lira "
        "qu’il est révoqué, sur la page comme hors ligne.",
        details=[
            "La révocation est inscrite au registre et n’en sort plus.",
            "Elle s’annule dans les 24 heures, par un administrateur ou par le signataire.",
            "Pour une faute dans le nom, préparez plutôt un remplacement.",
        ],
        confirm_label="Révoquer",
    )


@staff(REVOKE)
def act_reinstate(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    act = _act(request, uid, "acts.revoke")
    if (said := _defied(request, act, "reinstate")) is not None:
        return said
    form = ReinstateForm(posted(request), ways=_ways(request))
    if request.method == "POST" and form.is_valid():
        try:
            life.reinstate(
                actor=request.actor, now=clock.now(), act=act, given=form.given(), **form.said()
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"L’acte {act.number} est de nouveau valable.")
            return redirect("act-detail", uid=uid)
    return _ask(
        request,
        act,
        form=form,
        title=f"Annuler la révocation de {act.number}",
        message="L’acte redevient valable. Le registre garde la révocation et son annulation.",
        confirm_label="Annuler la révocation",
        danger=False,
    )


@staff(PREPARE)
def act_replace(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    act = _act(request, uid, "acts.prepare")
    held = act.data.get("holder") or {}
    initial = {name: held.get(name, "") for name in replacing.CORRECTABLE} | {"name": act.name}
    if (said := _defied(request, act, "replace")) is not None:
        return said
    form = ReplaceForm(posted(request), initial=initial, ways=_ways(request))
    if request.method == "POST" and form.is_valid():
        try:
            batch = replacing.replace(
                actor=request.actor,
                now=clock.now(),
                act=act,
                uid=form.cleaned_data["uid"],
                changes=form.changes(),
                reason=form.cleaned_data["reason"],
                given=form.given(),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Le remplacement est prêt à être remis pour visa.")
            return redirect("act-batch", uid=batch.uid)
    return _ask(
        request,
        act,
        form=form,
        title=f"Remplacer l’acte {act.number}",
        message="Un nouvel acte corrigé suit le même chemin : visa, puis signature. L’ancien reste "
        "valable jusque-là ; ensuite, sa page mène au nouveau.",
        confirm_label="Préparer le remplacement",
        danger=False,
    )


@staff(DELIVER)
def act_deliver(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Send each person of a signed batch the link to their document; the cost shown first."""
    batch = batch_or_404(request, uid, "acts.deliver")
    if not request.actor.covers(DELIVER, batch.node.path):
        raise Http404
    if batch.state != Batch.State.SIGNED:
        messages.info(request, "Ce lot n’est pas encore signé : les liens partent ensuite.")
        return redirect("act-batch", uid=uid)
    now = clock.now()
    given = request.POST if request.method == "POST" else request.GET
    form = DeliverForm(given if "channels" in given or "voir" in given else None)
    if form.is_bound and form.is_valid():
        channels = form.cleaned_data["channels"]
    else:
        channels = [EMAIL]
        form = DeliverForm(initial={"channels": channels}) if not form.is_bound else form
    if request.method == "POST" and form.is_bound and form.is_valid():
        try:
            made = delivery.start(actor=request.actor, now=now, batch=batch, channels=channels)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            said = (
                "Les liens partent : le travail continue si vous quittez cette page."
                if isinstance(made, Job)
                else f"{len(made.drafts)} liens envoyés."
            )
            messages.success(request, said)
            return redirect("act-batch", uid=uid)
    context = {
        "batch": batch,
        "form": form,
        "channels": channels,
        "plan": delivery.preview(batch=batch, channels=channels, now=now),
    }
    return render(request, "credentials/life/deliver.html", context)
