"""The visa: a second person reads one whole act and the list, then approves or sends back."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.lists import paginate
from kalan.credentials.forms.batches import ActFilters, ReasonForm
from kalan.credentials.models import Act, Batch
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors.listing import (
    acts_narrowed,
    counts_of,
    readable_acts,
    structures_in,
)
from kalan.credentials.services import visa
from kalan.credentials.views.common import ask, batch_or_404
from kalan.people.http import ActorRequest, posted, show_refusal, staff

APPROVE = CAPABILITIES["acts.approve"]
SEND_BACK = APPROVE | CAPABILITIES["acts.sign"]


@staff(APPROVE)
def batch_visa(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """One whole act, the list, and the two answers."""
    batch = batch_or_404(request, uid, "acts.approve")
    seen = batch.checked_at.isoformat() if batch.checked_at else ""
    if request.method == "POST":
        try:
            if request.POST.get("seen") != seen:
                raise visa.changed_since()
            visa.approve(actor=request.actor, batch=batch, now=clock.now())
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("act-batch-visa", uid=uid)
        messages.success(request, "Lot visé : il attend la signature.")
        return redirect("act-batch", uid=uid)
    acts = readable_acts(request.actor, batch, "acts.approve")
    filters = ActFilters(request.GET, states=["draft", "excluded"], structures=structures_in(acts))
    rows = acts_narrowed(acts, filters.cleaned_data) if filters.is_valid() else acts
    context = {
        "batch": batch,
        "page": paginate(rows.select_related("structure"), request, order=("rank",)),
        "filters": filters,
        "counts": counts_of(acts),
        "sample": acts.filter(state=Act.State.DRAFT).order_by("rank").first(),
        "seen": seen,
        "waits": batch.state == Batch.State.CHECKED,
        "mine": request.actor.account is not None
        and batch.prepared_by_id == request.actor.account.pk,
    }
    return render(request, "credentials/acts/visa.html", context)


@staff(SEND_BACK)
def batch_send_back(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Back to who prepared it, with what is to be corrected."""
    batch = batch_or_404(request, uid)
    form = ReasonForm(posted(request))
    form.fields["reason"].label = "Que faut-il corriger ?"
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            visa.send_back(actor=request.actor, batch=batch, reason=reason, now=clock.now())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Lot renvoyé à qui l’a préparé, avec votre motif.")
            return redirect("act-batch", uid=uid)
    return ask(
        request,
        batch,
        title="Renvoyer le lot",
        message="Il revient en préparation ; il faudra le viser de nouveau.",
        form=form,
        confirm_label="Renvoyer",
    )
