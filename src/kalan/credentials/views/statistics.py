"""Acts in figures."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.shortcuts import render

from kalan.base import clock
from kalan.base.exports import Cell, table_response
from kalan.credentials import words
from kalan.credentials.models import CheckCount
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors import statistics
from kalan.people.http import ActorRequest, staff

_HEADERS = ["Regroupement", "Valeur", "Émis", "Révoqués", "Remplacés", "Expirés", "Expirent"]


class PeriodForm(forms.Form):
    """Days of signature, and of checks."""

    since = forms.DateField(
        label="Du", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="Au", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


@staff(CAPABILITIES["acts.statistics"])
def act_statistics(request: ActorRequest) -> HttpResponse:
    form, today = PeriodForm(request.GET or None), clock.today()
    period = form.cleaned_data if form.is_valid() else {}
    since, until = period.get("since"), period.get("until")
    rows = statistics.issued_in(request.actor, since=since, until=until)
    total = statistics.total(rows, today=today)
    tables = statistics.tables(rows, today=today)
    checks = [
        (CheckCount.Way(way).label, words.RESULTS["fr"].get(result, (result,))[0], number)
        for way, result, number in statistics.checks_in(since=since, until=until)
    ]
    if fmt := request.GET.get("format"):
        lines: list[list[Cell]] = [
            [name, line.label, line.issued, line.revoked, line.replaced, line.expired, line.soon]
            for name, table in [("Total", [total]), *tables]
            for line in table
        ]
        lines += [["Vérifications", f"{way}, {said}", number] for way, said, number in checks]
        return table_response("statistiques-actes", _HEADERS, lines, fmt)
    context = {
        "filters": form,
        "total": total,
        "tables": tables,
        "checks": checks,
        "soon": statistics.SOON,
    }
    return render(request, "credentials/life/statistics.html", context)
