"""One's own data; requests about personal data; the processing register."""

from __future__ import annotations

import json
from decimal import Decimal

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.text import fold
from kalan.people.forms.privacy import AnswerForm, EraseForm, ReceiptForm, RequestForm
from kalan.people.http import ActorRequest, show_refusal, signed_in, staff
from kalan.people.models import Agent, DataRequest
from kalan.people.policy import CAPABILITIES
from kalan.people.selectors import privacy as selectors
from kalan.people.services import privacy

MANAGERS = CAPABILITIES["privacy.manage"]
REGISTER_HEADERS = {
    "purpose": "Finalité",
    "legal_basis": "Base légale",
    "people": "Personnes concernées",
    "categories": "Catégories de données",
    "recipients": "Destinataires",
    "retention": "Durée de conservation",
    "transfers": "Transferts",
    "security": "Mesures de sécurité",
    "receipt_number": "Numéro du récépissé",
}


def _own(request: ActorRequest) -> dict[str, privacy.Rows]:
    agent = Agent.objects.filter(pk=request.actor.agent_id or 0).select_related("cadre").first()
    return privacy.own_data(agent, request.actor.account)


def _cell(name: str, value: object) -> object:
    """A year is written whole (1992, not 1 992); hours without idle decimals."""
    if name == "année de naissance" and value:
        return str(value)
    if name == "heures" and isinstance(value, Decimal | float) and value == int(value):
        return int(value)
    return value


@signed_in
def my_data(request: ActorRequest) -> HttpResponseBase:
    """All that Kalan knows about the person who is signed in."""
    tables = [
        (
            title,
            list(rows[0]),
            [[_cell(name, value) for name, value in row.items()] for row in rows],
        )
        for title, rows in _own(request).items()
        if rows
    ]
    mine = DataRequest.objects.filter(account=request.actor.account).order_by("-opened_at", "-pk")
    context = {"tables": tables, "form": RequestForm(), "requests": mine[:20]}
    return render(request, "people/privacy/my_data.html", context)


@signed_in
def my_data_copy(request: ActorRequest) -> HttpResponseBase:
    """A copy to keep, readable by a program (GDPR article 20): JSON, UTF-8."""
    text = json.dumps(_own(request), ensure_ascii=False, indent=1, default=str)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="mes-donnees-kalan.json"'
    return response


@require_POST
@signed_in
def my_request(request: ActorRequest) -> HttpResponseBase:
    """Note a request."""
    form = RequestForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choisissez ce que vous demandez.")
        return redirect("my-data")
    made = privacy.open_request(actor=request.actor, now=clock.now(), **form.cleaned_data)
    messages.success(
        request, f"Demande enregistrée. Réponse au plus tard le {made.due_on:%d/%m/%Y}."
    )
    return redirect("my-data")


@staff(MANAGERS)
def request_list(request: ActorRequest) -> HttpResponseBase:
    """Requests, the most urgent first."""
    rows = selectors.requests_visible_to(request.actor).select_related("account", "agent")
    state = request.GET.get("etat", "open")
    if state in DataRequest.State.values:
        rows = rows.filter(state=state)
    if fmt := request.GET.get("format"):
        headers = ["Demande", "Personne", "Reçue le", "Échéance", "État", "Réponse"]
        cells = (
            (
                r.get_kind_display(),
                str(r.account or r.agent or ""),
                r.opened_at.date(),
                r.due_on,
                r.get_state_display(),
                r.outcome,
            )
            for r in rows.order_by("due_on", "pk")
        )
        return table_response("demandes-donnees-personnelles", headers, cells, fmt)
    page = paginate(rows, request, order=("due_on", "pk"))
    context = {
        "page": page,
        "state": state,
        "states": DataRequest.State.choices,
        "today": clock.today(),
    }
    return render(request, "people/privacy/requests.html", context)


@staff(MANAGERS)
def request_answer(request: ActorRequest, uid: str) -> HttpResponseBase:
    """One request and its answer."""
    row = get_object_or_404(
        selectors.requests_visible_to(request.actor).select_related("account", "agent"), uid=uid
    )
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            privacy.close_request(
                actor=request.actor,
                now=clock.now(),
                request=row,
                granted=form.cleaned_data["granted"] == "oui",
                outcome=form.cleaned_data["outcome"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Réponse enregistrée.")
            return redirect("data-requests")
    return render(request, "people/privacy/request.html", {"row": row, "form": form})


@staff(MANAGERS)
def agent_erase(request: ActorRequest, uid: str) -> HttpResponseBase:
    """Confirm by writing the name, then anonymise."""
    agent = get_object_or_404(selectors.agents_erasable_by(request.actor), uid=uid)
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if fold(form.cleaned_data["name"]) != fold(agent.full_name):
            form.add_error("name", f"Ce n’est pas « {agent.full_name} ». Recopiez le nom exact.")
        else:
            try:
                cleared = privacy.erase_agent(
                    actor=request.actor,
                    now=clock.now(),
                    agent=agent,
                    reason=form.cleaned_data["reason"],
                )
            except Refused as refused:
                show_refusal(form, refused)
            else:
                details = ", ".join(f"{label} : {number}" for label, number in cleared.items())
                messages.success(request, f"Agent anonymisé. Effacé : {details or 'la fiche'}.")
                return redirect("data-requests")
    return render(request, "people/privacy/erase.html", {"agent": agent, "form": form})


@staff(MANAGERS)
def register(request: ActorRequest) -> HttpResponseBase:
    """The processing register, with the fields of the authority's form."""
    rows = selectors.register_visible_to(request.actor).order_by("country", "code", "pk")
    if fmt := request.GET.get("format"):
        cells = (
            [row.country, row.code, *(getattr(row, n) for n in REGISTER_HEADERS)] for row in rows
        )
        return table_response(
            "registre-des-traitements", ["Pays", "Code", *REGISTER_HEADERS.values()], cells, fmt
        )
    lines = [
        (row, [(label, getattr(row, name)) for name, label in REGISTER_HEADERS.items()])
        for row in rows
    ]
    return render(request, "people/privacy/register.html", {"lines": lines})


@staff(MANAGERS)
def register_receipt(request: ActorRequest, pk: int) -> HttpResponseBase:
    """Note the authority's receipt number."""
    row = get_object_or_404(selectors.register_visible_to(request.actor), pk=pk)
    form = ReceiptForm(request.POST or None, initial={"receipt_number": row.receipt_number})
    if request.method == "POST" and form.is_valid():
        privacy.set_receipt(
            actor=request.actor,
            now=clock.now(),
            activity=row,
            number=form.cleaned_data["receipt_number"],
        )
        messages.success(request, "Récépissé noté.")
        return redirect("processing-register")
    return render(request, "people/privacy/receipt.html", {"row": row, "form": form})
