"""The general journal: who changed what, over the reader's whole territory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kalan.base import clock
from kalan.base.exports import Cell, table_response
from kalan.base.lists import paginate
from kalan.indicators.selectors import journal as figures_journal
from kalan.people.http import ActorRequest, staff
from kalan.people.selectors import journal
from kalan.people.selectors.history import HistoryLine
from kalan.skills.selectors import journal as skills_journal
from kalan.training.selectors import journal as training_journal
from kalan.web.forms import HistoryFilters
from kalan.web.nav import HISTORY_READERS

_HEADERS = ["Quand", "Qui", "Acte", "Quoi", "Sur", "Champ", "Avant", "Après", "Motif"]


@staff(HISTORY_READERS)
@require_safe
def history(request: ActorRequest) -> HttpResponseBase:
    """Every change of the reader's territory, filtered, exported."""
    actor = request.actor
    known = [
        *journal.subjects(actor, today=clock.today()),
        *skills_journal.subjects(actor),
        *training_journal.subjects(actor),
        *figures_journal.subjects(actor),
    ]
    filters = HistoryFilters(request.GET, kinds=[(each.code, each.label) for each in known])
    asked = journal.Asked(**filters.cleaned_data) if filters.is_valid() else None
    found = journal.entries(actor, known, asked or journal.Asked())
    if asked is None:
        found = found.none()
    if fmt := request.GET.get("format"):
        return table_response("historique", _HEADERS, _rows(journal.all_lines(found, known)), fmt)
    page = paginate(found, request, order=journal.ORDER)
    context = {"filters": filters, "page": page, "lines": journal.lines(page.rows, known)}
    return render(request, "web/history.html", context)


def _rows(lines: Iterable[HistoryLine]) -> Iterator[list[Cell]]:
    for line in lines:
        head: list[Cell] = [line.at, line.who or "le système", line.act, line.subject, line.name]
        for change in line.changes:
            yield [*head, change.label, change.before, change.after, line.reason]
        if not line.changes:
            yield [*head, line.text, "", "", line.reason]
