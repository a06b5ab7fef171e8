"""Templates of acts: list, page, wording, preview with an invented person."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.contrib import messages
from django.db.models import Count, F
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, table_response
from kalan.credentials import policy
from kalan.credentials.documents import contract
from kalan.credentials.documents.preview import BLOCK_LABELS, BLOCKS, examples
from kalan.credentials.documents.statements import TITLES
from kalan.credentials.forms.templates import NewTemplateForm, VersionForm
from kalan.credentials.models import ActTemplate, TemplateVersion
from kalan.credentials.selectors.templates import (
    current_version,
    national_nodes,
    templates_visible_to,
    versions_of,
)
from kalan.credentials.services import templates as services
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff

VIEW = policy.CAPABILITIES["templates.view"]
EDIT = policy.CAPABILITIES["templates.edit"]
_FORM_METHODS = ["GET", "HEAD", "POST"]


@staff(VIEW)
@require_safe
def template_index(request: ActorRequest) -> HttpResponseBase:
    rows = (
        templates_visible_to(request.actor)
        .annotate(version_count=Count("versions"))
        .order_by("country", F("retired_at").asc(nulls_first=True), "name", "pk")
    )
    if fmt := request.GET.get("format"):
        headers = ["Nom", "Sorte", "Territoire", "Versions", "En service"]
        lines: Iterator[list[Cell]] = (
            [
                t.name,
                str(t.get_kind_display()),
                t.node.name,
                t.version_count,
                "oui" if t.retired_at is None else "non",
            ]
            for t in rows
        )
        return table_response("modeles-actes", headers, lines, fmt)
    context = {"templates": rows, "may_edit": national_nodes(request.actor).exists()}
    return render(request, "credentials/templates/list.html", context)


@staff(EDIT)
@once
@require_http_methods(_FORM_METHODS)
def template_create(request: ActorRequest) -> HttpResponseBase:
    """Another template; whoever is at the head of the country makes it."""
    node = national_nodes(request.actor).first()
    if node is None:
        raise Http404
    form = NewTemplateForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_template(
                actor=request.actor,
                now=clock.now(),
                node=node,
                country=node.country,
                **form.cleaned_data,
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Modèle créé : écrivez maintenant son texte.")
            return redirect("act-template-edit", uid=made.uid)
    return render(
        request,
        "credentials/templates/create.html",
        {"form": form},
        status=422 if form.errors else 200,
    )


def _template(request: ActorRequest, uid: uuid.UUID, capability: str) -> ActTemplate:
    return get_object_or_404(templates_visible_to(request.actor, capability), uid=uid)


@staff(VIEW)
@require_safe
def template_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    template = _template(request, uid, "templates.view")
    version = current_version(template)
    blocks = BLOCKS.get(template.kind, ())
    context = {
        "template": template,
        "version": version,
        "texts": [(BLOCK_LABELS[b], version.wording.get(b, "")) for b in blocks] if version else [],
        "logos": version.logos.order_by("rank") if version else [],
        "versions": versions_of(template),
        "printed": template.kind in contract.KINDS,
        "lasting": template.kind in services.LASTING,
        "may_edit": templates_visible_to(request.actor, "templates.edit")
        .filter(pk=template.pk)
        .exists(),
    }
    return render(request, "credentials/templates/detail.html", context)


@staff(EDIT)
@once
@require_http_methods(_FORM_METHODS)
def template_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Edit the current version (or, by ``?version=``, take up an older one).

    The button « Aperçu » answers with the PDF of what is typed, and stores nothing.
    """
    template = _template(request, uid, "templates.edit")
    from_version = _starting_version(request, template)
    form = VersionForm(
        posted(request),
        request.FILES or None,
        template=template,
        draft=services.draft_of(from_version) if from_version else services.Draft(),
    )
    if request.method == "POST" and form.is_valid():
        try:
            if "preview" in request.POST:
                long = request.POST["preview"] == "long"
                return _pdf(services.preview_pdf(template, form.data_for(), long=long))
            saved = services.save_version(
                actor=request.actor, now=clock.now(), template=template, draft=form.data_for()
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"Version {saved.number} enregistrée et en service.")
            return redirect("act-template", uid=template.uid)
    columns = from_version.options.get("columns", []) if from_version else []
    known = template.kind in contract.KINDS
    context = {
        "template": template,
        "form": form,
        "lasting": template.kind in services.LASTING,
        "fixed_title": TITLES.get(template.kind, ""),
        "fields": examples(template.kind, template.country, columns) if known else [],
        "printed": known,
    }
    return render(
        request, "credentials/templates/edit.html", context, status=422 if form.errors else 200
    )


def _starting_version(request: ActorRequest, template: ActTemplate) -> TemplateVersion | None:
    wanted = request.GET.get("version", "")
    if not wanted:
        return current_version(template)
    if not wanted.isdigit() or len(wanted) > 4:
        raise Http404
    return get_object_or_404(versions_of(template), number=int(wanted))


@staff(VIEW)
@require_safe
def template_preview(request: ActorRequest, uid: uuid.UUID, number: int) -> HttpResponseBase:
    """An invented act of a stored version; ``?long=1``: one as long as acts may be; ``?image=1``:
    its first page as a picture.
    """
    template = _template(request, uid, "templates.view")
    version = get_object_or_404(versions_of(template), number=number)
    if template.kind not in contract.KINDS:
        raise Http404
    if request.GET.get("image"):
        return HttpResponse(services.version_picture(version), content_type="image/png")
    try:
        made = services.version_pdf(version, long=bool(request.GET.get("long")))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("act-template", uid=template.uid)
    return _pdf(made)


@staff(EDIT)
@require_http_methods(_FORM_METHODS)
def template_retire(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Out of use, or back into it."""
    template = _template(request, uid, "templates.edit")
    retire = template.retired_at is None
    if request.method == "POST":
        return attempt(
            request,
            "Modèle retiré." if retire else "Modèle remis en service.",
            "act-template",
            lambda: services.set_retired(
                actor=request.actor, template=template, retired=retire, now=clock.now()
            ),
            uid=template.uid,
        )
    context = {
        "title": f"Retirer « {template.name} » ?" if retire else f"Remettre « {template.name} » ?",
        "message": "On ne préparera plus d’actes avec ce modèle. Ceux qui existent ne changent pas."
        if retire
        else "On pourra de nouveau préparer des actes avec ce modèle.",
        "confirm_label": "Retirer" if retire else "Remettre en service",
        "cancel_url": reverse("act-template", kwargs={"uid": template.uid}),
        "crumbs": [
            ("Modèles d’actes", reverse("act-template-list")),
            (template.name, reverse("act-template", kwargs={"uid": template.uid})),
        ],
        "danger": retire,
    }
    return render(request, "web/_confirm.html", context)


def _pdf(content: bytes) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="apercu.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
