"""After signature: one file, a ZIP, a print run, and the signature by hand entered afterwards."""

from __future__ import annotations

import io
import uuid

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import name_file
from kalan.base.models import Job
from kalan.credentials.forms.signing import HandForm
from kalan.credentials.models import Act, Batch
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors.listing import structures_in
from kalan.credentials.services import bundles, reading, signing
from kalan.credentials.views.common import act_or_404, ask, batch_or_404, pdf
from kalan.people.http import ActorRequest, posted, show_refusal, staff

VIEW = CAPABILITIES["acts.view"]
DELIVER = CAPABILITIES["acts.deliver"]
HAND = CAPABILITIES["acts.hand"]
_ISSUED = (Batch.State.SIGNED, Batch.State.PRINTED, Batch.State.ORDERED)


class BundleForm(forms.Form):
    """What to take out, and of which structure."""

    form = forms.ChoiceField(
        label="Quoi ?",
        choices=[
            ("zip", "Archive ZIP : les fichiers signés, un dossier par structure"),
            ("print", "Tirage à imprimer : un seul PDF"),
        ],
        widget=forms.RadioSelect,
        initial="zip",
    )
    structure = forms.ChoiceField(label="De quelle structure ?", required=False)

    def __init__(self, *args: object, choices: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["structure"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Toutes"), *choices]


@staff(VIEW)
def act_file(request: ActorRequest, uid: uuid.UUID, act: uuid.UUID) -> HttpResponseBase:
    """The stored file of one act: the same bytes every time."""
    _, row = act_or_404(request, uid, act)
    if row.state != Act.State.SIGNED:
        raise Http404
    try:
        content = reading.act_bytes(row)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("act-batch", uid=uid)
    return pdf(content, f"{row.number}.pdf", attachment=False)


@staff(DELIVER)
def batch_bundles(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Take acts out: at once when they are few, else by background work."""
    batch = batch_or_404(request, uid, "acts.deliver")
    if batch.state not in _ISSUED:
        messages.info(request, "Ce lot n’est pas encore signé : il n’y a rien à remettre.")
        return redirect("act-batch", uid=uid)
    rows = bundles.acts_to_hand(request.actor, batch)
    names = [(str(node.uid), node.name) for node in structures_in(rows)]
    form = BundleForm(posted(request), choices=names)
    if request.method == "POST" and form.is_valid():
        try:
            return _made(request, batch, form)
        except Refused as refused:
            show_refusal(form, refused)
    context = {
        "batch": batch,
        "form": form,
        "count": rows.count(),
        "jobs": list(bundles.bundles_of(request.actor, batch)[:5]),
    }
    status = 422 if form.errors else 200
    return render(request, "credentials/acts/bundles.html", context, status=status)


def _made(request: ActorRequest, batch: Batch, form: BundleForm) -> HttpResponseBase:
    wanted: bundles.Form = "print" if form.cleaned_data["form"] == "print" else "zip"
    asked = form.cleaned_data["structure"]
    structure = uuid.UUID(asked) if asked else None
    made = bundles.ask(
        actor=request.actor, batch=batch, form=wanted, now=clock.now(), structure=structure
    )
    if isinstance(made, Job):
        return redirect("act-bundle", uid=batch.uid, job=made.uid)
    out = io.BytesIO()
    rows = bundles.acts_to_hand(request.actor, batch, structure)
    bundles.write(out, rows, batch, wanted)
    kind = "application/zip" if wanted == "zip" else "application/pdf"
    response = HttpResponse(out.getvalue(), content_type=kind)
    name_file(response, bundles.name_of(batch, wanted))
    return response


def _job(request: ActorRequest, batch: Batch, uid: uuid.UUID) -> Job:
    return get_object_or_404(bundles.bundles_of(request.actor, batch), uid=uid)


@staff(DELIVER)
def bundle_progress(request: ActorRequest, uid: uuid.UUID, job: uuid.UUID) -> HttpResponseBase:
    batch = batch_or_404(request, uid, "acts.deliver")
    row = _job(request, batch, job)
    context = {
        "batch": batch,
        "job": row,
        "percent": min(100, row.done * 100 // max(row.total, 1)),
        "going": row.state in (Job.State.QUEUED, Job.State.RUNNING),
        "days": settings.KALAN_ACTS_BUNDLE_DAYS,
        "again": {name: row.arguments.get(name, "") for name in ("form", "structure")},
    }
    return render(request, "credentials/acts/bundle.html", context)


@staff(DELIVER)
def bundle_file(request: ActorRequest, uid: uuid.UUID, job: uuid.UUID) -> HttpResponseBase:
    """The file made, for who asked for it and still has the right."""
    batch = batch_or_404(request, uid, "acts.deliver")
    stored = _job(request, batch, job).result_file
    if stored is None:  # not ready, or no longer kept: its page says which
        return redirect("act-bundle", uid=uid, job=job)
    return FileResponse(
        stored.file.open("rb"),
        as_attachment=True,
        filename=stored.name,
        content_type=stored.content_type,
    )


@staff(HAND)
def batch_hand_signed(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Without electronic signature: what was written on paper, entered afterwards."""
    batch = batch_or_404(request, uid, "acts.hand")
    initial: dict[str, object] = {"signed_on": clock.today()}
    if batch.run:
        initial["signed_by"] = f"{batch.run.name}, {batch.run.title}"
    form = HandForm(posted(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            signing.enter_hand_signature(
                actor=request.actor,
                batch=batch,
                on=values["signed_on"],
                by=values["signed_by"],
                now=clock.now(),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Signature inscrite au registre : les actes sont valables.")
            return redirect("act-batch", uid=uid)
    return ask(
        request,
        batch,
        title="Inscrire la signature à la main",
        message="Quand toutes les feuilles du lot sont signées. La page de vérification dira "
        "« signé à la main, inscrit au registre ».",
        form=form,
        confirm_label="Inscrire au registre",
        danger=False,
    )
