"""Structures: browse the tree, search, read, create, change, move, close."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, table_response
from kalan.base.lists import paginate
from kalan.people import drawing
from kalan.people.double import once
from kalan.people.forms import registry as forms
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.people.models import OrgNode, OrgNodeCode
from kalan.people.policy import CAPABILITIES
from kalan.people.selectors import history
from kalan.people.selectors import registry as selectors
from kalan.people.selectors.core import nodes_visible_to
from kalan.people.services import registry_structures as services

READERS = CAPABILITIES["structures.view"]
EDITORS = CAPABILITIES["structures.edit"]
HISTORIANS = CAPABILITIES["history.view"]
EXPORT_HEADERS = [
    "Structure",
    "Type",
    "Secteur",
    "District",
    "Région",
    "Agents en poste",
    "Ouverte le",
    "Fermée le",
    "Latitude",
    "Longitude",
]


@staff(READERS)
def structure_list(request: ActorRequest) -> HttpResponseBase:
    """The tree to browse, and the structures that the filters keep."""
    actor, today = request.actor, clock.today()
    countries = selectors.countries_of(actor)
    filters = forms.StructureFilters(request.GET, actor=actor, countries=countries)
    nodes, place = _filtered(filters, selectors.structures(actor), today)
    if fmt := request.GET.get("format"):
        return table_response("structures", EXPORT_HEADERS, _export_rows(nodes, today), fmt)
    page = paginate(nodes, request, order=("search", "pk"))
    text = filters.cleaned_data.get("q", "") if filters.is_valid() else ""
    likely = []
    if text and not page.rows:
        near = selectors.likely_structures(selectors.structures(actor), text)
        likely = selectors.structure_rows([node for node, _ in near], today)
    context = {
        "filters": filters,
        "page": page,
        "rows": selectors.structure_rows(page.rows, today),
        "likely": likely,
        "place": place,
        "trail": selectors.chain(place) if place else [],
        "children": selectors.children_with_counts(actor, place),
        "can_create": actor.can(EDITORS),
    }
    return render(request, "people/registry/structures.html", context)


def _filtered(
    filters: forms.StructureFilters, nodes: QuerySet[OrgNode], today: dt.date
) -> tuple[QuerySet[OrgNode], OrgNode | None]:
    """Narrow by what was asked; a filter that cannot be read keeps nothing."""
    if not filters.is_valid():
        return nodes.none(), None
    asked = filters.cleaned_data
    if place := asked["lieu"]:
        nodes = nodes.filter(selectors.below(place))
    if asked["type"]:
        nodes = nodes.filter(type=asked["type"])
    if asked["secteur"]:
        nodes = nodes.filter(sector=asked["secteur"])
    closed = Q(closed_on__isnull=False, closed_on__lt=today)
    if asked["etat"] == "fermees":
        nodes = nodes.filter(closed)
    elif not asked["etat"]:
        nodes = nodes.exclude(closed)
    return selectors.search_structures(nodes, asked["q"]), place


def _export_rows(nodes: QuerySet[OrgNode], today: dt.date) -> Iterator[list[Cell]]:
    for row in selectors.structure_rows(nodes.order_by("search", "pk"), today):
        node = row.node
        yield [
            node.name,
            node.type.name if node.type else "",
            node.get_sector_display(),
            row.district.name if row.district else "",
            row.region.name if row.region else "",
            row.staff,
            node.opened_on,
            node.closed_on,
            node.latitude,
            node.longitude,
        ]


@staff(READERS)
def structure_detail(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """A structure (or a region or district) with its codes, past situations and staff."""
    actor, today = request.actor, clock.today()
    node = get_object_or_404(nodes_visible_to(actor).select_related("type"), uid=uid)
    row = selectors.structure_rows([node], today)[0]
    sees_people = actor.can(CAPABILITIES["people.view"])
    staff_page = None
    if sees_people:
        posts = selectors.staff_of(actor, node, today)
        staff_page = paginate(posts, request, order=("agent__search", "pk"))
    context = {
        "node": node,
        "row": row,
        "trail": selectors.chain(node),
        "codes": node.codes.order_by("system", "value"),
        "periods": selectors.periods_of(node),
        "page": staff_page,
        "map": drawing.dot_map(node, row.region),
        "can_edit": selectors.may_edit_structure(actor, node),
        "is_structure": node.kind == OrgNode.Kind.STRUCTURE,
        "can_add_staff": actor.covers(CAPABILITIES["people.edit"], node.path),
        "sees_slips": actor.covers(CAPABILITIES["accounts.slip"], node.path),
        "sees_history": actor.covers(HISTORIANS, node.path),
    }
    return render(request, "people/registry/structure.html", context)


@staff(HISTORIANS)
def structure_history(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Who changed what, and when."""
    node = get_object_or_404(nodes_visible_to(request.actor, "history.view"), uid=uid)
    context = {
        "node": node,
        "lines": history.structure_history(node),
        "trail": selectors.chain(node),
    }
    return render(request, "people/registry/structure_history.html", context)


@staff(EDITORS)
@once
def structure_new(request: ActorRequest) -> HttpResponseBase:
    """Create a structure in the actor's territory."""
    country = (selectors.countries_of(request.actor) or [""])[0]
    form = forms.NewStructureForm(
        request.POST or None,
        actor=request.actor,
        country=country,
        initial={"parent": request.GET.get("dans", "")},
    )
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        code = (values.pop("code_system"), values.pop("code_value"))
        try:
            node = services.create_structure(
                actor=request.actor, now=clock.now(), codes=[code] if any(code) else [], **values
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"« {node.name} » est créée.")
            return redirect("structure-detail", uid=node.uid)
    return render(request, "people/registry/structure_new.html", {"form": form})


@staff(EDITORS)
def structure_edit(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Correct the name, position, connection or opening of a structure."""
    node = _editable(request, uid)
    names = ("name", "latitude", "longitude", "connectivity", "opened_on")
    initial = {name: getattr(node, name) for name in names}
    form = forms.StructureForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_structure(
                actor=request.actor, now=clock.now(), node=node, **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "La fiche est à jour.")
            return redirect("structure-detail", uid=node.uid)
    return _form_page(request, node, form, "Corriger la fiche", "Enregistrer")


@staff(EDITORS)
def structure_situation(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Change type, sector or parent from a day on: shown first, done once confirmed."""
    node = _editable(request, uid)
    parent = OrgNode.objects.get_parent(node)
    initial = {
        "type": node.type.code if node.type else "",
        "sector": node.sector,
        "parent": parent.uid if parent else "",
    }
    form = forms.SituationForm(
        request.POST or None, actor=request.actor, node=node, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        asked = dict(form.cleaned_data)
        confirmed = asked.pop("confirmed")
        changes = _differences(node, parent, asked)
        if not changes:
            messages.info(request, "Rien ne change : la situation est déjà celle-là.")
            return redirect("structure-detail", uid=node.uid)
        if not confirmed:
            return _confirm_situation(request, node, form, changes)
        try:
            services.change_structure(actor=request.actor, now=clock.now(), node=node, **asked)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "La nouvelle situation est enregistrée.")
            return redirect("structure-detail", uid=node.uid)
    return _form_page(request, node, form, "Changer de type, de secteur ou de lieu", "Continuer")


def _differences(node: OrgNode, parent: OrgNode | None, asked: dict[str, Any]) -> list[str]:
    """What would change, as sentences."""
    sectors = dict(OrgNode._meta.get_field("sector").flatchoices)
    pairs = [
        ("Type", node.type, asked["type"]),
        ("Secteur", sectors.get(node.sector, ""), sectors.get(asked["sector"], "")),
        ("Rattachement", parent, asked["parent"]),
    ]
    return [
        f"{label} : {before or 'non renseigné'} → {after}"
        for label, before, after in pairs
        if before != after
    ]


def _confirm_situation(
    request: ActorRequest, node: OrgNode, form: forms.SituationForm, changes: list[str]
) -> HttpResponse:
    day = form.cleaned_data["effective_on"]
    hidden = [
        (name, request.POST.get(name, ""))
        for name in ("type", "sector", "parent", "effective_on", "reason")
    ]
    context = {
        "node": node,
        "changes": changes,
        "day": day,
        "hidden": hidden,
        "trail": selectors.chain(node),
    }
    return render(request, "people/registry/structure_confirm.html", context)


@staff(EDITORS)
def structure_close(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Close a structure, after asking."""
    node = _editable(request, uid)
    form = forms.CloseForm(request.POST or None, initial={"on": clock.today()})
    if request.method == "POST" and form.is_valid():
        try:
            services.close_structure(
                actor=request.actor, now=clock.now(), node=node, **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"« {node.name} » est fermée. Ses chiffres passés restent.")
            return redirect("structure-detail", uid=node.uid)
    number = selectors.staff_of(request.actor, node, clock.today()).count()
    context = {
        "title": f"Fermer « {node.name} » ?",
        "message": "La structure ne recevra plus d’agents ni de sessions. Rien n’est effacé, "
        "et elle peut être rouverte.",
        "details": [f"Agents en poste aujourd’hui : {number}"],
        "form": form,
        "confirm_label": "Fermer la structure",
        "cancel_url": f"/gestion/structures/{node.uid}/",
    }
    return render(request, "web/_confirm.html", context)


@require_http_methods(["POST"])
@staff(EDITORS)
def structure_reopen(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Take back a closing."""
    node = _editable(request, uid)
    services.reopen_structure(actor=request.actor, now=clock.now(), node=node)
    messages.success(request, f"« {node.name} » est rouverte.")
    return redirect("structure-detail", uid=node.uid)


@staff(EDITORS)
def structure_code_add(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Give a structure one more code."""
    node = _editable(request, uid)
    form = forms.CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.add_code(actor=request.actor, now=clock.now(), node=node, **form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Le code est ajouté.")
            return redirect("structure-detail", uid=node.uid)
    return _form_page(request, node, form, "Ajouter un code", "Ajouter")


@staff(EDITORS)
def structure_code_remove(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Take a code away, after asking. The code is named by ?source= and ?code=."""
    node = _editable(request, uid)
    code = get_object_or_404(
        OrgNodeCode,
        node=node,
        system=request.GET.get("source", ""),
        value=request.GET.get("code", ""),
    )
    if request.method == "POST":
        services.remove_code(actor=request.actor, now=clock.now(), code=code)
        messages.success(request, "Le code est retiré.")
        return redirect("structure-detail", uid=node.uid)
    context = {
        "title": "Retirer ce code ?",
        "message": f"{code} ne désignera plus « {node.name} ». Un import qui l’emploie ne la "
        "reconnaîtra plus.",
        "confirm_label": "Retirer le code",
        "cancel_url": f"/gestion/structures/{node.uid}/",
    }
    return render(request, "web/_confirm.html", context)


def _editable(request: ActorRequest, uid: UUID) -> OrgNode:
    nodes = selectors.structures(request.actor, "structures.edit")
    return get_object_or_404(nodes, uid=uid)


def _form_page(
    request: ActorRequest, node: OrgNode, form: Any, title: str, button: str
) -> HttpResponse:
    context = {
        "node": node,
        "form": form,
        "title": title,
        "button": button,
        "trail": selectors.chain(node),
    }
    return render(request, "people/registry/structure_form.html", context)
