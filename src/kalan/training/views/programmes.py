"""Programmes: list, page, form, targets, target structures, transport allowances."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponseBase
from django.shortcuts import redirect, render

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.text import fold
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff
from kalan.people.models import OrgNode
from kalan.training.forms.programmes import FareForm, ProgrammeForm, TargetForm, programme_initial
from kalan.training.models import Programme, ProgrammePartner, TransportRate
from kalan.training.policy import CAPABILITIES
from kalan.training.selectors.programmes import (
    INDICATORS,
    nodes_below,
    programmes_visible_to,
    structures_of,
    target_lines,
    transport_lines,
)
from kalan.training.services import programmes as services
from kalan.training.services.programmes import TargetData
from kalan.training.views.common import programme_or_404

VIEW = CAPABILITIES["programmes.view"]
EDIT = CAPABILITIES["programmes.edit"]


@staff(VIEW)
def programme_list(request: ActorRequest) -> HttpResponseBase:
    """Programmes in scope, newest first."""
    words = request.GET.get("q", "").strip()
    rows = programmes_visible_to(request.actor).annotate(
        number=Count("sessions", distinct=True), listed=Count("target_structures", distinct=True)
    )
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(code__icontains=words))
    if fmt := request.GET.get("format"):
        headers = ["Code", "Nom", "Début", "Fin", "Sessions", "Structures ciblées"]
        columns = ("code", "name", "start", "end", "number", "listed")
        lines = rows.order_by("-start", "pk").values_list(*columns)
        return table_response("programmes", headers, lines, fmt)
    context = {
        "page": paginate(rows, request, order=("-start", "pk")),
        "q": words,
        "may_edit": request.actor.can(EDIT),
    }
    return render(request, "training/planning/programme_list.html", context)


@staff(VIEW)
def programme_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    programme = programme_or_404(request, uid)
    partners: dict[str, list[str]] = {}
    for row in programme.partners.select_related("partner").order_by("pk"):
        label = str(ProgrammePartner.Role(row.role).label).capitalize()
        partners.setdefault(label, []).append(row.partner.name)
    context = {
        "programme": programme,
        "partners": [(label, ", ".join(names)) for label, names in partners.items()],
        "targets": target_lines(programme),
        "structures": structures_of(programme),
        "transport": transport_lines(programme),
        "may_edit": programmes_visible_to(request.actor, "programmes.edit")
        .filter(pk=programme.pk)
        .exists(),
        "may_see_money": request.actor.can(CAPABILITIES["costs.view"]),
    }
    return render(request, "training/planning/programme_detail.html", context)


@staff(EDIT)
@once
def programme_create(request: ActorRequest) -> HttpResponseBase:
    return _programme_form(request, None)


@staff(EDIT)
def programme_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    return _programme_form(request, programme_or_404(request, uid, "programmes.edit"))


def _programme_form(request: ActorRequest, programme: Programme | None) -> HttpResponseBase:
    initial = programme_initial(programme) if programme else {}
    form = ProgrammeForm(posted(request), actor=request.actor, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.data_for(programme)
        common = {"actor": request.actor, "now": clock.now(), "data": data}
        try:
            saved = (
                services.update_programme(programme=programme, **common)  # type: ignore[arg-type]
                if programme
                else services.create_programme(**common)  # type: ignore[arg-type]
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Programme enregistré.")
            return redirect("programme-detail", uid=saved.uid)
    context = {"form": form, "programme": programme}
    return render(request, "training/planning/programme_form.html", context)


@staff(EDIT)
def programme_targets(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Targets: the list, one form to add or change one; a value of zero takes it away."""
    programme = programme_or_404(request, uid, "programmes.edit")
    form = TargetForm(posted(request), programme=programme)
    if request.method == "POST" and form.is_valid():
        values: dict[str, Any] = form.cleaned_data
        new = TargetData(values["indicator"], values["value"], values["node"])
        kept = [
            TargetData(row.indicator, row.value, row.node)
            for row in programme.targets.select_related("node").order_by("pk")
            if (row.indicator, row.node) != (new.indicator, new.node)
        ]
        targets = [*kept, new] if new.value else kept
        return attempt(
            request,
            "Cible enregistrée." if new.value else "Cible retirée.",
            "programme-targets",
            lambda: services.set_targets(
                actor=request.actor, now=clock.now(), programme=programme, targets=targets
            ),
            uid=uid,
        )
    context = {
        "form": form,
        "programme": programme,
        "targets": target_lines(programme),
        "indicators": INDICATORS,
    }
    return render(request, "training/planning/programme_targets.html", context)


@staff(EDIT)
def programme_structures(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The programme's own list of structures: search, add, take away."""
    programme = programme_or_404(request, uid, "programmes.edit")
    listed = structures_of(programme)
    if request.method == "POST":
        remove = {s.pk for s in listed if str(s.uid) == request.POST.get("retirer")}
        wanted = request.POST.getlist("ajouter")
        added = _found_structures(programme, None).filter(uid__in=_uuids(wanted))
        structures = [s for s in listed if s.pk not in remove] + list(added)
        return attempt(
            request,
            "Liste enregistrée.",
            "programme-structures",
            lambda: services.set_target_structures(
                actor=request.actor, now=clock.now(), programme=programme, structures=structures
            ),
            uid=uid,
        )
    words = request.GET.get("q", "").strip()
    found = _found_structures(programme, words).exclude(pk__in=[s.pk for s in listed])
    context = {
        "programme": programme,
        "structures": listed,
        "q": words,
        "found": list(found.order_by("search", "pk")[:50]) if words else [],
    }
    return render(request, "training/planning/programme_structures.html", context)


def _found_structures(programme: Programme, words: str | None) -> Any:
    rows = nodes_below(programme).filter(kind=OrgNode.Kind.STRUCTURE)
    for word in fold(words or "").split():
        rows = rows.filter(search__contains=word)
    return rows


def _uuids(texts: list[str]) -> list[uuid.UUID]:
    found = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found


@staff(EDIT)
def programme_transport(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Transport allowances by origin; zero takes one away."""
    programme = programme_or_404(request, uid, "programmes.edit")
    form = FareForm(posted(request), programme=programme)
    if request.method == "POST" and form.is_valid():
        origin, amount = form.cleaned_data["origin"], form.cleaned_data["amount"]
        rows = TransportRate.objects.filter(programme=programme).select_related("origin")
        rates = [(row.origin, row.amount) for row in rows if row.origin_id != origin.pk]
        return attempt(
            request,
            "Indemnité enregistrée." if amount else "Indemnité retirée.",
            "programme-transport",
            lambda: services.set_transport_rates(
                actor=request.actor,
                now=clock.now(),
                programme=programme,
                rates=[*rates, (origin, amount)],
            ),
            uid=uid,
        )
    context = {"form": form, "programme": programme, "transport": transport_lines(programme)}
    return render(request, "training/planning/programme_transport.html", context)
