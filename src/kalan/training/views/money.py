"""Costs and the payment list: programme manager and auditor only."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, table_response
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff
from kalan.training.forms.costs import CostForm, cost_initial
from kalan.training.models import CostLine, Session
from kalan.training.policy import CAPABILITIES
from kalan.training.selectors.costs import costs_visible_to, payment_list, totals
from kalan.training.selectors.sessions import abilities
from kalan.training.services import costs as services
from kalan.training.views.common import session_or_404

VIEW = CAPABILITIES["costs.view"]
EDIT = CAPABILITIES["costs.edit"]
PAY = CAPABILITIES["payments.view"]

_PAYMENT = ("Nom", "Structure", "Jours", "Per diem", "Transport", "Depuis", "Total", "Alerte")


@staff(VIEW)
@once
def session_costs(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Cost lines of a session, their totals, and a form to add one."""
    session = session_or_404(request, uid, "costs.view")
    may = abilities(request.actor, session)
    form = CostForm(posted(request), session=session)
    if request.method == "POST":
        if "costs.edit" not in may:
            raise Http404
        if form.is_valid() and _save(request, session, None, form):
            return redirect("session-costs", uid=uid)
    lines = list(costs_visible_to(request.actor).filter(session=session).order_by("category", "pk"))
    if fmt := request.GET.get("format"):
        return _export(session, lines, fmt)
    context = {
        "session": session,
        "lines": lines,
        "totals": totals(lines),
        "form": form,
        "may_edit": "costs.edit" in may,
        "may_pay": "payments.view" in may,
    }
    return render(request, "training/planning/session_costs.html", context)


def _save(request: ActorRequest, session: Session, line: CostLine | None, form: CostForm) -> bool:
    try:
        if line is None:
            services.add_cost(
                actor=request.actor, now=clock.now(), session=session, data=form.cost()
            )
        else:
            services.update_cost(actor=request.actor, now=clock.now(), line=line, data=form.cost())
    except Refused as refused:
        show_refusal(form, refused)
        return False
    messages.success(request, "Dépense enregistrée.")
    return True


def _export(session: Session, lines: list[CostLine], fmt: str) -> HttpResponseBase:
    headers = ["Catégorie", "Détail", "Financeur", "Prévu", "Dépensé", "Monnaie"]
    rows: list[list[Cell]] = [
        [
            line.get_category_display(),
            line.label,
            line.funder.name if line.funder else "",
            line.planned,
            line.spent,
            line.currency,
        ]
        for line in lines
    ]
    return table_response(f"depenses-{session.code}", headers, rows, fmt)


@staff(EDIT)
def cost_edit(request: ActorRequest, uid: uuid.UUID, line: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid, "costs.edit")
    rows = costs_visible_to(request.actor, "costs.edit").filter(session=session)
    row = get_object_or_404(rows, uid=line)
    form = CostForm(posted(request), session=session, initial=cost_initial(row))
    if request.method == "POST" and form.is_valid() and _save(request, session, row, form):
        return redirect("session-costs", uid=uid)
    context = {"form": form, "session": session, "line": row}
    return render(request, "training/planning/cost_form.html", context)


@staff(EDIT)
def cost_remove(request: ActorRequest, uid: uuid.UUID, line: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid, "costs.edit")
    rows = costs_visible_to(request.actor, "costs.edit").filter(session=session)
    row = get_object_or_404(rows, uid=line)
    if request.method == "POST":
        return attempt(
            request,
            "Dépense retirée.",
            "session-costs",
            lambda: services.remove_cost(actor=request.actor, now=clock.now(), line=row),
            uid=uid,
        )
    context = {
        "title": "Retirer cette dépense",
        "message": f"{row.get_category_display()} {row.label}".strip(),
        "confirm_label": "Retirer",
        "cancel_url": f"/gestion/sessions/{session.uid}/depenses/",
    }
    return render(request, "web/_confirm.html", context)


@staff(PAY)
def session_payments(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The payment list from validated attendance: shown, as a table file, or to print."""
    session = session_or_404(request, uid, "payments.view")
    ready = session.state == Session.State.VALIDATED
    payments = payment_list(session) if ready else None
    if payments is not None and (fmt := request.GET.get("format")):
        headers = list(_PAYMENT)
        rows: list[list[Cell]] = [
            [
                r.name,
                r.structure,
                r.days,
                r.per_diem,
                r.transport,
                r.transport_from,
                r.total,
                f"payé aussi par {r.twice}" if r.twice else "",
            ]
            for r in payments.rows
        ]
        return table_response(f"paiement-{session.code}", headers, rows, fmt)
    context = {"session": session, "payments": payments, "ready": ready}
    return render(request, "training/planning/session_payments.html", context)
