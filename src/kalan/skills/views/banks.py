"""Banks: list, sheet, form."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, table_response
from kalan.base.figures import Chart, ChartRow, Stack, series_legend, stacked_bars
from kalan.people.double import once
from kalan.people.http import ActorRequest, posted, show_refusal, staff
from kalan.skills.forms.items import BankForm
from kalan.skills.models import Item, ItemBank
from kalan.skills.policy import CAPABILITIES
from kalan.skills.selectors.banks import BankSheet, banks_with_counts, sheet_of
from kalan.skills.services import banks as services
from kalan.skills.views.common import bank_or_404

VIEW = CAPABILITIES["items.view"]
EDIT = CAPABILITIES["banks.edit"]
_STATES = [Item.State.ACTIVE, Item.State.REVIEWED, Item.State.DRAFT, Item.State.RETIRED]


@staff(VIEW)
def bank_list(request: ActorRequest) -> HttpResponseBase:
    rows = banks_with_counts(request.actor).order_by("name", "pk")
    if fmt := request.GET.get("format"):
        headers = ["Code", "Nom", "Référentiel", "Territoire", "Questions", "En service", "≥ 500"]
        columns = ("code", "name", "framework__name", "node__name", "total", "active", "calibrated")
        lines = rows.values_list(*columns)
        return table_response("banques-de-questions", headers, lines, fmt)
    context = {"banks": rows, "may_edit": request.actor.can(EDIT)}
    return render(request, "skills/items/banks.html", context)


@staff(VIEW)
def bank_sheet(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """How many questions by domain, kind and state, and where there are none."""
    bank = bank_or_404(request, uid)
    sheet = sheet_of(bank)
    kinds = Item.Kind.choices
    if fmt := request.GET.get("format"):
        headers = ["Domaine", *(s.label for s in _STATES), *(k for _, k in kinds), "≥ 500 réponses"]
        table: list[list[Cell]] = [
            [
                line.node.name,
                *(line.states[state] for state in _STATES),
                *(line.kinds[kind] for kind, _ in kinds),
                line.calibrated,
            ]
            for line in [*sheet.lines, sheet.total]
        ]
        return table_response(f"banque-{bank.code}", headers, table, fmt)
    edit = CAPABILITIES["items.edit"]
    context = {
        "bank": bank,
        "sheet": sheet,
        "states": _STATES,
        "kinds": kinds,
        "by_state": [(line, [line.states[s] for s in _STATES]) for line in sheet.lines],
        "by_kind": [(line, [line.kinds[kind] for kind, _ in kinds]) for line in sheet.lines],
        "kind_totals": [sheet.total.kinds[kind] for kind, _ in kinds],
        "state_totals": [sheet.total.states[state] for state in _STATES],
        "chart": _chart(bank, sheet),
        "may_edit": request.actor.covers(edit, bank.node.path),
        "may_name": request.actor.covers(EDIT, bank.node.path),
    }
    return render(request, "skills/items/bank.html", context)


def _chart(bank: ItemBank, sheet: BankSheet) -> Chart:
    series = [state.label for state in _STATES[:3]]
    title = "Questions par domaine"
    address = reverse("item-list")
    rows = [
        (
            line.node,
            [line.states[state] for state in _STATES[:3]],
            f"{address}?bank={bank.uid}&domain={line.node.code}",
        )
        for line in sheet.lines
    ]
    svg = stacked_bars(
        [Stack(node.name, values, url) for node, values, url in rows],
        series=series,
        title=title,
        description="Une barre par domaine, partagée selon l’état des questions.",
    )
    return Chart(
        title=title,
        svg=svg,
        headers=["Domaine", *series],
        rows=[ChartRow(node.name, [str(v) for v in values], url) for node, values, url in rows],
        legend=series_legend(series),
    )


@staff(EDIT)
@once
def bank_create(request: ActorRequest) -> HttpResponseBase:
    return _form(request, None)


@staff(EDIT)
def bank_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    return _form(request, bank_or_404(request, uid, "banks.edit"))


def _form(request: ActorRequest, bank: ItemBank | None) -> HttpResponseBase:
    form = BankForm(posted(request), actor=request.actor, bank=bank)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        actor, now = request.actor, clock.now()
        try:
            if bank:
                saved = services.update_bank(actor=actor, now=now, bank=bank, **values)
            else:
                saved = services.create_bank(actor=actor, now=now, **values)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Banque enregistrée.")
            return redirect("item-bank", uid=saved.uid)
    title = f"Modifier {bank.name}" if bank else "Nouvelle banque de questions"
    context = {"form": form, "bank": bank, "title": title}
    return render(request, "skills/items/form.html", context)
