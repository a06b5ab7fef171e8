"""Activation slips: one, or those of a whole structure, on a sheet to print.

The answer to the POST is the sheet itself, without a redirect: the codes exist nowhere else.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.qr import qr_svg
from kalan.people import policy
from kalan.people.forms.accounts_manage import SlipForm, StructureSearch
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.people.selectors import accounts as selectors
from kalan.people.services.accounts_slips import (
    MOST_SLIPS_AT_ONCE,
    PrintedSlip,
    open_accounts,
    print_slips,
)
from kalan.people.views.accounts_manage import find

SLIP = policy.CAPABILITIES["accounts.slip"]


def _sheet(request: ActorRequest, slips: list[PrintedSlip], back: str) -> HttpResponse:
    page = {"slips": [(one, qr_svg(one.url)) for one in slips], "back": back}
    return render(request, "people/accounts/slips_sheet.html", page)


@never_cache
@staff(SLIP)
@require_http_methods(["GET", "POST"])
def slip_new(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """One slip, for a person who is here."""
    account = find(request, uid)
    form = SlipForm(request.POST or None, initial={"valid_days": 30})
    back = reverse("account-detail", args=[uid])
    if request.method == "POST" and form.is_valid():
        try:
            slips = print_slips(
                actor=request.actor,
                now=clock.now(),
                accounts=[account],
                valid_days=form.cleaned_data["valid_days"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _sheet(request, slips, back)
    page = {
        "form": form,
        "title": "Imprimer une fiche d’activation",
        "button": "Préparer la fiche",
        "back": back,
        "intro": (
            f"Pour {account.display_name}. Une fiche imprimée plus tôt ne vaudra plus. Remettez "
            "la nouvelle en mains propres : qui a la fiche a l’accès."
        ),
    }
    return render(request, "people/accounts/manage_form.html", page)


@staff(SLIP)
def slip_structures(request: ActorRequest) -> HttpResponseBase:
    """Choose the structure whose slips to print."""
    search = StructureSearch(request.GET or None)
    q = search.cleaned_data["q"] if search.is_valid() else ""
    found = list(selectors.structures_for_slips(request.actor, q)[:31])
    page = {"filters": search, "structures": found[:30], "more": len(found) > 30}
    return render(request, "people/accounts/slip_structures.html", page)


@never_cache
@staff(SLIP)
@require_http_methods(["GET", "POST"])
def slip_structure(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Those of one structure who cannot sign in yet; open their accounts and print."""
    structure = get_object_or_404(selectors.structures_for_slips(request.actor), uid=uid)
    agents, accounts = selectors.slips_wanted(request.actor, structure, today=clock.today())
    form = SlipForm(request.POST or None, initial={"valid_days": 30})
    page: dict[str, Any] = {
        "structure": structure,
        "agents": list(agents[:MOST_SLIPS_AT_ONCE]),
        "accounts": list(accounts[:MOST_SLIPS_AT_ONCE]),
        "form": form,
    }
    page["total"] = len(page["agents"]) + len(page["accounts"])
    if request.method == "POST" and form.is_valid():
        chosen = set(request.POST.getlist("who"))
        try:
            slips = _print(request, page, chosen, form.cleaned_data["valid_days"])
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _sheet(request, slips, request.path)
    return render(request, "people/accounts/slip_structure.html", page)


def _print(
    request: ActorRequest, page: dict[str, Any], chosen: set[str], valid_days: int
) -> list[PrintedSlip]:
    agents = [one for one in page["agents"] if str(one.uid) in chosen]
    accounts = [one for one in page["accounts"] if str(one.uid) in chosen]
    if not agents and not accounts:
        raise Refused("Personne n’est choisi.", remedy="Cochez au moins une personne.")
    now = clock.now()
    made = open_accounts(actor=request.actor, now=now, agents=agents, valid_days=valid_days)
    return made + print_slips(
        actor=request.actor, now=now, accounts=accounts, valid_days=valid_days
    )
