"""What the views of this room share."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import name_file
from kalan.credentials.models import Act, Batch, SigningRun
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors.listing import readable_acts, readable_batches
from kalan.people.http import ActorRequest
from kalan.people.services import passkeys


def batch_or_404(request: ActorRequest, uid: uuid.UUID, capability: str = "acts.view") -> Batch:
    rows = readable_batches(request.actor, capability).select_related(
        "version__template", "office__key", "node", "prepared_by", "approved_by", "run__key",
        "run__job", "run__holder__office__node",
        "programme", "session", "exam",
    )  # fmt: skip
    return get_object_or_404(rows, uid=uid)


def may_retry(request: ActorRequest, run: SigningRun) -> bool:
    """Whether this person may try again what a click left: who clicked, or who gives the visa."""
    account = request.actor.account
    if account is not None and run.account_id == account.pk:
        return True
    return request.actor.covers(CAPABILITIES["acts.approve"], run.holder.office.node.path)


def act_or_404(
    request: ActorRequest, uid: uuid.UUID, act: uuid.UUID, capability: str = "acts.view"
) -> tuple[Batch, Act]:
    batch = batch_or_404(request, uid, capability)
    rows = readable_acts(request.actor, batch, capability).select_related("pack__file")
    return batch, get_object_or_404(rows, uid=act)


def pdf(content: bytes, name: str, *, attachment: bool) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    name_file(response, name, attachment=attachment)
    return response


def crumbs_of(batch: Batch) -> list[tuple[str, str]]:
    """Where a page that asks something of a batch stands: label and address of each step."""
    here = reverse("act-batch", kwargs={"uid": batch.uid})
    return [("Attestations et actes", reverse("act-batch-list")), (batch.title, here)]


def ask(request: ActorRequest, batch: Batch, **context: Any) -> HttpResponse:
    """A page that asks before something is done to the batch."""
    context["crumbs"] = crumbs_of(batch)
    context.setdefault("cancel_url", reverse("act-batch", kwargs={"uid": batch.uid}))
    context["message"] = f"« {batch.title} ». {context['message']}"
    form = context.get("form")
    status = 422 if form is not None and form.errors else 200
    return render(request, "web/_confirm.html", context, status=status)


def challenge(request: ActorRequest, about: str) -> HttpResponse:
    """What the script of a page needs to ask for a passkey that confirms ``about``."""
    account = request.actor.account
    assert account is not None
    try:
        asked = passkeys.ask(account=account, about=about, now=clock.now())
    except Refused as refused:
        return JsonResponse({"error": str(refused)}, status=422)
    return JsonResponse({"options": asked.options, "challenge": asked.challenge})
