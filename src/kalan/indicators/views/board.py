"""/gestion/indicateurs/: the dashboard, and the records behind each figure."""

from __future__ import annotations

import datetime as dt

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from kalan.base import clock
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.indicators import policy
from kalan.indicators.definitions import BY_CODE, DEFINITIONS
from kalan.indicators.forms import FiltersForm
from kalan.indicators.selectors.board import board, may_see_money
from kalan.indicators.selectors.record_lines import Line
from kalan.indicators.selectors.records import records
from kalan.indicators.selectors.scope import Filters, Reach, reach_of
from kalan.indicators.selectors.values import values
from kalan.indicators.services.refresh import ensure_fresh
from kalan.indicators.views.charts import charts
from kalan.indicators.views.tiles import tiles
from kalan.people.actor import Actor
from kalan.people.http import ActorRequest, staff
from kalan.people.models import OrgNode

READERS = policy.CAPABILITIES["indicators.view"]

# The page that opens a record, by name; the first that exists.
_PAGES = {
    "agent": ("agent-detail", "agent"),
    "session": ("session-detail", "session"),
    "structure": ("structure-detail", "structure"),
}


def reach_or_404(actor: Actor, filters: Filters) -> Reach:
    try:
        return reach_of(actor, filters)
    except OrgNode.DoesNotExist:
        raise Http404 from None


def coverage_day(filters: Filters) -> dt.date:
    """Coverage is of the period's last day, never of a day to come."""
    return min(filters.end or clock.today(), clock.today())


@require_safe
@staff(READERS)
def dashboard(request: ActorRequest) -> HttpResponse:
    fresh = ensure_fresh(now=clock.now())
    form = FiltersForm(request.GET, actor=request.actor)
    filters = form.filters()
    reach = reach_or_404(request.actor, filters)
    found = board(reach, day=coverage_day(filters))
    money = may_see_money(request.actor)
    wanted = request.GET.get("format", "")
    if wanted in ("xlsx", "csv"):
        exact = values(found)
        rows = [
            (d.label, exact[d.code], d.counts, found.targets.get(d.code), d.rule, d.caveat)
            for d in DEFINITIONS
            if money or not d.money
        ]
        headers = ("Indicateur", "Valeur", "Ce qui est compté", "Cible", "Règle", "Limite")
        return table_response("indicateurs", headers, rows, wanted)
    return render(
        request,
        "indicators/dashboard.html",
        {
            "filters": form,
            "fresh": fresh,
            "board": found,
            "tiles": tiles(found, form, money=money),
            "charts": charts(found, form),
            "query": form.query(),
        },
    )


@require_safe
@staff(READERS)
def record_list(request: ActorRequest, code: str) -> HttpResponse:
    definition = BY_CODE.get(code)
    if definition is None or (definition.money and not may_see_money(request.actor)):
        raise Http404
    fresh = ensure_fresh(now=clock.now())
    form = FiltersForm(request.GET, actor=request.actor)
    filters = form.filters()
    reach = reach_or_404(request.actor, filters)
    found = records(definition, reach, day=coverage_day(filters))
    wanted = request.GET.get("format", "")
    if wanted in ("xlsx", "csv"):
        rows = (line.cells for line in found.all_lines())
        return table_response(f"indicateur-{code}", found.headers, rows, wanted)
    page = paginate(found.rows, request, order=found.order)
    return render(
        request,
        "indicators/records.html",
        {
            "definition": definition,
            "filters": form,
            "fresh": fresh,
            "headers": found.headers,
            "lines": [(first_link(line), line) for line in found.lines(page.rows)],
            "page": page,
            "count": found.rows.count(),
            "query": form.query(),
        },
    )


def first_link(line: Line) -> str:
    """The address of the record a line stands for, if it has a page."""
    if line.subject is None:
        return ""
    kind, uid = line.subject
    for name in _PAGES[kind]:
        try:
            return reverse(name, args=[uid])
        except NoReverseMatch:
            continue
    return ""
