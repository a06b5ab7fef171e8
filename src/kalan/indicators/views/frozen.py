"""Frozen and declared figures, outside denominators, and a funder's own layout."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.models import StoredFile
from kalan.base.uploads import explain_size
from kalan.indicators import policy
from kalan.indicators.definitions import BY_CODE
from kalan.indicators.forms import (
    DeclareForm,
    DenominatorForm,
    FreezeForm,
    FunderForm,
    LayoutForm,
    WithdrawForm,
)
from kalan.indicators.selectors import frozen as reads
from kalan.indicators.selectors.board import board, may_see_money
from kalan.indicators.selectors.values import values
from kalan.indicators.services import frozen as services
from kalan.indicators.services import funder
from kalan.indicators.services.refresh import ensure_fresh
from kalan.indicators.views.board import READERS, reach_or_404
from kalan.people.double import once
from kalan.people.http import ActorRequest, show_refusal, staff

FREEZERS = policy.CAPABILITIES["indicators.freeze"]
DECLARERS = policy.CAPABILITIES["indicators.declare"]
COUNTERS = policy.CAPABILITIES["indicators.denominators"]


@require_safe
@staff(READERS)
def freeze_list(request: ActorRequest) -> HttpResponse:
    page = paginate(reads.freezes_visible_to(request.actor), request, order=("-frozen_at", "pk"))
    return render(
        request,
        "indicators/freezes.html",
        {"page": page, "may_freeze": request.actor.can(FREEZERS)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff(FREEZERS)
@once
def freeze_new(request: ActorRequest) -> HttpResponse:
    form = FreezeForm(request.POST or None, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        try:
            row = services.freeze(actor=request.actor, now=clock.now(), **form.values())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Les chiffres sont arrêtés, avec leur liste.")
            return redirect("indicator-freeze", row.uid)
    return render(
        request,
        "indicators/form.html",
        {
            "form": form,
            "title": "Arrêter des chiffres",
            "intro": "Les chiffres et la liste dont ils sont comptés sont gardés tels quels. "
            "Les corrections faites ensuite apparaîtront comme des écarts, avec les personnes.",
            "button": "Arrêter les chiffres",
            "back": "indicator-freezes",
            "back_label": "Chiffres arrêtés",
        },
    )


@require_safe
@staff(READERS)
def freeze_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    row = get_object_or_404(reads.freezes_visible_to(request.actor), uid=uid)
    ensure_fresh(now=clock.now())
    reach = reads.reach_of_freeze(row.programme, row.start, row.end)
    now = values(board(reach, day=row.end or clock.today()))
    money = may_see_money(request.actor)
    rows = [
        (BY_CODE[code], value, None if now[code] is None else str(now[code]))
        for code, value in row.figures.items()
        if code in BY_CODE and (money or not BY_CODE[code].money)
    ]
    changes = reads.changes_since(row)
    if (wanted := request.GET.get("format", "")) in ("xlsx", "csv"):
        lines: list[Any] = [
            (change.label, sign, name)
            for change in changes
            for sign, names in (("entré", change.added), ("sorti", change.removed))
            for name in names
        ]
        headers = ("Chiffre", "Depuis l’arrêté", "Qui ou quoi")
        return table_response("ecarts", headers, lines, wanted)
    return render(
        request,
        "indicators/freeze.html",
        {
            "frozen": row,
            "rows": rows,
            "changes": changes,
            "may_publish": bool(row.published)
            and reads.freezes_visible_to(request.actor, "indicators.freeze")
            .filter(pk=row.pk)
            .exists(),
        },
    )


@require_POST
@staff(FREEZERS)
def freeze_publish(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    visible = reads.freezes_visible_to(request.actor, "indicators.freeze")
    row = get_object_or_404(visible, uid=uid)
    shown = request.POST.get("shown") == "1"
    try:
        services.set_public(actor=request.actor, now=clock.now(), frozen=row, shown=shown)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        said = "L’arrêté est publié." if shown else "La page publique montre les chiffres du jour."
        messages.success(request, said)
    return redirect("indicator-freeze", uid)


@require_safe
@staff(READERS)
def declared_list(request: ActorRequest) -> HttpResponse:
    rows = reads.declared_visible_to(request.actor)
    if (wanted := request.GET.get("format", "")) in ("xlsx", "csv"):
        headers = ("Indicateur", "Valeur déclarée", "Période", "Source", "Programme", "Territoire")
        lines = [
            (
                row.label,
                row.value,
                row.period,
                row.source,
                row.programme.name if row.programme else "",
                row.node.name if row.node else "",
            )
            for row in rows.order_by("-declared_at", "pk")
        ]
        return table_response("chiffres-declares", headers, lines, wanted)
    page = paginate(rows, request, order=("-declared_at", "pk"))
    return render(
        request,
        "indicators/declared.html",
        {"page": page, "may_declare": request.actor.can(DECLARERS)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff(DECLARERS)
@once
def declared_new(request: ActorRequest) -> HttpResponse:
    form = DeclareForm(request.POST or None, request.FILES or None, actor=request.actor)
    explain_size(request, form, "document")
    if request.method == "POST" and form.is_valid():
        try:
            services.declare(actor=request.actor, now=clock.now(), **form.values())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Le chiffre déclaré est noté avec son document.")
            return redirect("indicator-declared")
    return render(
        request,
        "indicators/form.html",
        {
            "form": form,
            "title": "Déclarer un chiffre",
            "intro": "Un total repris d’un ancien rapport, montré à part et jamais additionné.",
            "button": "Enregistrer",
            "back": "indicator-declared",
            "back_label": "Chiffres déclarés",
            "files": True,
        },
    )


@require_safe
@staff(READERS)
def declared_document(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    row = get_object_or_404(reads.declared_visible_to(request.actor), uid=uid)
    if row.document is None:
        raise Http404
    return FileResponse(
        row.document.file.open("rb"), as_attachment=True, filename=row.document.name
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff(DECLARERS)
def declared_withdraw(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    visible = reads.declared_visible_to(request.actor, "indicators.declare")
    row = get_object_or_404(visible, uid=uid)
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.withdraw(
                actor=request.actor,
                now=clock.now(),
                declared=row,
                reason=form.cleaned_data["reason"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Le chiffre déclaré est retiré ; l’historique le garde.")
            return redirect("indicator-declared")
    return render(
        request,
        "indicators/form.html",
        {
            "form": form,
            "title": "Retirer un chiffre déclaré",
            "intro": f"{row.label} : {row.value}, {row.period} ({row.source}).",
            "button": "Retirer",
            "danger": True,
            "back": "indicator-declared",
            "back_label": "Chiffres déclarés",
        },
    )


@require_safe
@staff(READERS)
def denominator_list(request: ActorRequest) -> HttpResponse:
    page = paginate(reads.denominators_visible_to(request.actor), request, order=("-as_of", "pk"))
    return render(
        request,
        "indicators/denominators.html",
        {"page": page, "may_edit": request.actor.can(COUNTERS)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff(COUNTERS)
@once
def denominator_new(request: ActorRequest) -> HttpResponse:
    form = DenominatorForm(request.POST or None, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_denominator(actor=request.actor, now=clock.now(), **form.values())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "L’effectif de référence est enregistré.")
            return redirect("indicator-denominators")
    return render(
        request,
        "indicators/form.html",
        {
            "form": form,
            "title": "Ajouter un effectif de référence",
            "intro": "Combien d’agents une source extérieure compte, à une date. Montré à côté "
            "de la couverture calculée sur le registre, jamais mélangé à elle.",
            "button": "Enregistrer",
            "back": "indicator-denominators",
            "back_label": "Effectifs de référence",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff(READERS)
@once
def funder_new(request: ActorRequest) -> HttpResponse:
    form = LayoutForm(request.POST or None, request.FILES or None)
    explain_size(request, form, "file")
    if request.method == "POST" and form.is_valid():
        try:
            row = funder.keep_layout(
                actor=request.actor, now=clock.now(), file=form.cleaned_data["file"]
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("indicator-funder-fill", row.uid)
    return render(
        request,
        "indicators/funder.html",
        {"form": form, "layouts": funder.layouts_of(request.actor)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff(READERS)
def funder_fill(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    try:
        file, layout = funder.layout(actor=request.actor, uid=uid)
    except StoredFile.DoesNotExist:
        raise Http404 from None
    form = FunderForm(request.POST or None, layout=layout, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        filters = form.filters()
        reach_or_404(request.actor, filters)
        content = funder.filled(
            actor=request.actor,
            now=clock.now(),
            file=file,
            filters=filters,
            columns=form.columns(),
            lines=form.lines(),
        )
        response = HttpResponse(content, content_type=file.content_type)
        response["Content-Disposition"] = f'attachment; filename="rempli-{file.uid}.xlsx"'
        return response
    return render(
        request,
        "indicators/form.html",
        {
            "form": form,
            "title": f"Remplir « {file.name} »",
            "intro": "Vérifiez les colonnes et les lignes proposées. Le fichier garde sa forme ; "
            "seules les cases choisies sont écrites, avec les chiffres de votre territoire.",
            "button": "Télécharger le fichier rempli",
            "back": "indicator-funder",
            "back_label": "Modèle d’un bailleur",
        },
    )
