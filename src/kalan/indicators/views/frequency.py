"""Who was never trained, who came several times."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kalan.base import clock, figures
from kalan.base.exports import table_response
from kalan.base.figures import Bar, Chart, ChartRow
from kalan.base.lists import paginate
from kalan.indicators.forms import FrequencyForm
from kalan.indicators.selectors.frequency import at_least, distribution
from kalan.indicators.selectors.records_people import in_post_records
from kalan.indicators.services.refresh import ensure_fresh
from kalan.indicators.views.board import READERS, coverage_day, first_link, reach_or_404
from kalan.people.http import ActorRequest, staff


@require_safe
@staff(READERS)
def frequency(request: ActorRequest) -> HttpResponse:
    fresh = ensure_fresh(now=clock.now())
    form = FrequencyForm(request.GET, actor=request.actor)
    filters = form.filters()
    reach = reach_or_404(request.actor, filters)
    day = coverage_day(filters)
    found = in_post_records(at_least(reach, day, str(form.data.get("fois", ""))), day)
    wanted = request.GET.get("format", "")
    if wanted in ("xlsx", "csv"):
        rows = (line.cells for line in found.all_lines())
        return table_response("frequence", found.headers, rows, wanted)
    page = paginate(found.rows, request, order=found.order)
    return render(
        request,
        "indicators/frequency.html",
        {
            "filters": form,
            "fresh": fresh,
            "chart": _chart(distribution(reach, day), form),
            "headers": found.headers,
            "lines": [(first_link(line), line) for line in found.lines(page.rows)],
            "page": page,
            "count": found.rows.count(),
            "query": form.query(),
            "day": day,
        },
    )


def _chart(counted: dict[str, int], form: FrequencyForm) -> Chart:
    title = "Agents en poste, par nombre de sessions suivies"
    labels = dict(form.TIMES)
    urls = {key: f"?{form.query(fois=key)}" for key in counted}
    return Chart(
        title=title,
        svg=figures.bar_chart(
            [Bar(labels[key], n, urls[key]) for key, n in counted.items()],
            title=title,
            description="Personnes en poste ce jour-là.",
        ),
        headers=("Sessions suivies", "Agents"),
        rows=[ChartRow(labels[key], (figures.number(n),), urls[key]) for key, n in counted.items()],
    )
