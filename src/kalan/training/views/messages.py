"""The log of messages, and their wording."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, table_response
from kalan.base.lists import paginate
from kalan.base.models import Message
from kalan.base.notifications import gsm, templates
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff
from kalan.training.forms.messages import MessageFilters, WordingForm
from kalan.training.policy import CAPABILITIES
from kalan.training.selectors.messages import messages_visible_to
from kalan.training.services import messages as services

VIEW = CAPABILITIES["messages.view"]
RESEND = CAPABILITIES["messages.resend"]
WORDING = CAPABILITIES["messages.templates"]


@staff(VIEW)
def message_list(request: ActorRequest) -> HttpResponseBase:
    """Messages about the sessions in scope, latest first."""
    filters = MessageFilters(request.GET or None)
    rows = messages_visible_to(request.actor)
    if filters.is_valid():
        wanted = filters.cleaned_data
        if wanted["q"]:
            rows = rows.filter(Q(recipient__icontains=wanted["q"]) | Q(body__icontains=wanted["q"]))
        for name in ("channel", "state"):
            if wanted[name]:
                rows = rows.filter(**{name: wanted[name]})
    if fmt := request.GET.get("format"):
        headers = ["Date", "Moyen", "Destinataire", "Objet", "État", "Parties", "Coût", "Erreur"]
        lines: list[list[Cell]] = [
            [
                m.created_at.date(),
                m.get_channel_display(),
                m.recipient,
                m.subject,
                m.get_state_display(),
                m.parts,
                m.cost,
                m.error,
            ]
            for m in rows.order_by("-created_at", "-pk")
        ]
        return table_response("messages", headers, lines, fmt)
    context = {
        "page": paginate(rows, request, order=("-created_at", "-pk")),
        "filters": filters,
        "may_resend": request.actor.can(RESEND),
        "may_word": request.actor.can(WORDING),
    }
    return render(request, "training/planning/message_list.html", context)


@require_POST
@staff(RESEND)
@once
def message_resend(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    message = get_object_or_404(messages_visible_to(request.actor, "messages.resend"), uid=uid)
    return attempt(
        request,
        "Le message va être renvoyé.",
        "message-list",
        lambda: services.resend_message(actor=request.actor, now=clock.now(), message=message),
    )


@staff(WORDING)
def wording_list(request: ActorRequest) -> HttpResponseBase:
    """Every message that Kalan sends, by channel, and whether its wording was changed."""
    rows = [
        (kind, channel, templates.channel_label(channel), templates.wording(kind.code, channel))
        for kind in templates.kinds()
        for channel in kind.channels
    ]
    return render(request, "training/planning/wording_list.html", {"rows": rows})


@staff(WORDING)
def wording_edit(request: ActorRequest, code: str, channel: str) -> HttpResponseBase:
    kind = next((kind for kind in templates.kinds() if kind.code == code), None)
    if kind is None or channel not in kind.channels:
        raise Http404
    now = templates.wording(code, channel)
    form = WordingForm(posted(request), initial={"subject": now.subject, "body": now.body})
    if channel != Message.Channel.EMAIL:
        del form.fields["subject"]
    common = {"code": code, "channel": channel}
    if request.method == "POST" and "reprendre" in request.POST:
        services.reset_wording(actor=request.actor, now=clock.now(), **common)
        messages.success(request, "Texte d’origine repris.")
        return redirect("wording-list")
    if request.method == "POST" and form.is_valid():
        values = {"subject": "", **form.cleaned_data}
        try:
            services.save_wording(actor=request.actor, now=clock.now(), **common, **values)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Texte enregistré.")
            return redirect("wording-list")
    context = {
        "form": form,
        "kind": kind,
        "variables": [f"{{{name}}}" for name in kind.variables],
        "channel_label": templates.channel_label(channel),
        "own": now.own,
        "size": gsm.size(gsm.cheap(now.body)) if channel == Message.Channel.SMS else None,
    }
    return render(request, "training/planning/wording_form.html", context)
