"""Offices that sign acts: create, edit, who holds them by dates, retire."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.credentials.forms.offices import EndForm, HolderForm, OfficeForm
from kalan.credentials.models import Office, OfficeHolder
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors.office_lists import holders_of, with_holders
from kalan.credentials.selectors.offices import offices_visible_to
from kalan.credentials.services import offices as services
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff

VIEW = CAPABILITIES["offices.view"]
EDIT = CAPABILITIES["offices.edit"]


@staff(VIEW)
def office_list(request: ActorRequest) -> HttpResponseBase:
    """Offices of the territory, by title; closed ones only when asked for."""
    words = request.GET.get("q", "").strip()
    rows = offices_visible_to(request.actor)
    if request.GET.get("fermees") != "1":
        rows = rows.filter(retired_at__isnull=True)
    for word in words.split():
        rows = rows.filter(title__icontains=word)
    rows = with_holders(rows, clock.today())
    if fmt := request.GET.get("format"):
        headers = ["Fonction", "Direction", "Territoire", "Lieu", "Mode", "Clé", "Signent ce jour"]
        table = (
            [
                office.title,
                office.body,
                office.node.name,
                office.place,
                office.get_mode_display(),
                office.key.name if office.key else "",
                " ; ".join(f"{h.name} ({h.get_capacity_display()})" for h in _today(office)),
            ]
            for office in rows.order_by("title", "pk")
        )
        return table_response("fonctions-signature", headers, table, fmt)
    context = {
        "page": paginate(rows, request, order=("title", "pk")),
        "q": words,
        "may_edit": request.actor.can(EDIT),
    }
    return render(request, "credentials/offices/list.html", context)


def _today(office: Office) -> list[OfficeHolder]:
    return office.today_holders  # type: ignore[attr-defined,no-any-return]


def _office(request: ActorRequest, uid: uuid.UUID, capability: str = "offices.view") -> Office:
    rows = offices_visible_to(request.actor, capability).select_related("node", "key")
    return get_object_or_404(rows, uid=uid)


@staff(VIEW)
def office_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    office = _office(request, uid)
    covered = request.actor.covers(EDIT, office.node.path)
    context = {
        "office": office,
        "holders": holders_of(office),
        "today": clock.today(),
        "may_edit": covered and office.retired_at is None,
    }
    return render(request, "credentials/offices/detail.html", context)


@staff(EDIT)
@once
def office_new(request: ActorRequest) -> HttpResponseBase:
    form = OfficeForm(posted(request), actor=request.actor)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.open_office(actor=request.actor, now=clock.now(), **form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Fonction créée. Dites maintenant qui l’exerce.")
            return redirect("office-holder-new", uid=made.uid)
    return _form(request, form, title="Nouvelle fonction", cancel_url=reverse("office-list"))


@staff(EDIT)
def office_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    office = _office(request, uid, "offices.edit")
    form = OfficeForm(posted(request), actor=request.actor, office=office)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_office(
                actor=request.actor, office=office, now=clock.now(), **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(
                request, "Fonction enregistrée. Les actes déjà signés ne changent pas."
            )
            return redirect("office-detail", uid=uid)
    return _form(request, form, title="Modifier la fonction", office=office)


@staff(EDIT)
def office_retire(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    office = _office(request, uid, "offices.edit")
    if request.method == "POST":
        return attempt(
            request,
            "Fonction fermée.",
            "office-detail",
            lambda: services.retire_office(actor=request.actor, office=office, now=clock.now()),
            uid=uid,
        )
    context = {
        "title": "Fermer la fonction",
        "message": f"« {office.title} ». Plus aucun lot ne lui sera adressé et personne ne "
        "signera plus pour elle. Les actes signés gardent leur valeur.",
        "confirm_label": "Fermer la fonction",
        "cancel_url": reverse("office-detail", kwargs={"uid": uid}),
        "crumbs": [
            ("Fonctions qui signent", reverse("office-list")),
            (office.title, reverse("office-detail", kwargs={"uid": uid})),
        ],
    }
    return render(request, "web/_confirm.html", context)


@staff(EDIT)
@once
def holder_new(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    office = _office(request, uid, "offices.edit")
    form = HolderForm(posted(request), office=office, today=clock.today())
    if request.method == "POST" and form.is_valid():
        try:
            services.appoint(
                actor=request.actor, office=office, now=clock.now(), **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{form.cleaned_data['name']} peut signer à ces dates.")
            return redirect("office-detail", uid=uid)
    return _form(request, form, title="Qui signe, de quand à quand", office=office)


@staff(EDIT)
def holder_end(request: ActorRequest, uid: uuid.UUID, holder: uuid.UUID) -> HttpResponseBase:
    office = _office(request, uid, "offices.edit")
    row = get_object_or_404(office.holders.select_related("office__node"), uid=holder)
    form = EndForm(posted(request), initial={"end": row.end or clock.today()})
    if request.method == "POST" and form.is_valid():
        end = form.cleaned_data["end"]
        try:
            services.end_holder(actor=request.actor, holder=row, end=end, now=clock.now())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{row.name} signe jusqu’au {end:%d/%m/%Y} compris.")
            return redirect("office-detail", uid=uid)
    return _form(request, form, title=f"Fin de période : {row.name}", office=office)


def _form(
    request: ActorRequest, form: Any, *, title: str, office: Office | None = None,
    cancel_url: str = "",
) -> HttpResponseBase:  # fmt: skip
    if office is not None:
        cancel_url = reverse("office-detail", kwargs={"uid": office.uid})
    context = {"form": form, "title": title, "office": office, "cancel_url": cancel_url}
    status = 422 if form.errors else 200
    return render(request, "credentials/offices/form.html", context, status=status)
