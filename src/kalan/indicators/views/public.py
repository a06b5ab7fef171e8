"""/chiffres/ and /chiffres.json: public figures, by programme and territory."""

from __future__ import annotations

import hashlib
import json

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from kalan.base import clock
from kalan.base.figures import Chart, ChartRow, MapValue, map_legend, number, region_map
from kalan.indicators.selectors.public import ProgrammeFigures
from kalan.indicators.services.public import current_public_figures


@require_safe
def figures_page(request: HttpRequest) -> HttpResponse:
    figures = current_public_figures(now=clock.now())
    programmes = [(programme, _map(programme)) for programme in figures]
    return render(request, "indicators/public.html", {"programmes": programmes})


def _map(programme: ProgrammeFigures) -> Chart | None:
    """The regions shaded by people trained; hidden cells stay grey."""
    if not programme.territoires:
        return None
    title = f"{programme.nom} : agents formés par région"
    description = "Personnes, à la date de chaque session. Gris : aucune donnée, ou non publié."
    values = {
        row.code: MapValue(
            row.agents_formes,
            "non publié" if row.agents_formes is None else f"{number(row.agents_formes)} formés",
        )
        for row in programme.territoires
    }
    try:
        svg = region_map(programme.country, values, title=title, description=description)
    except (FileNotFoundError, LookupError):
        return None
    return Chart(
        title=title,
        svg=svg,
        headers=("Région", "Agents formés"),
        rows=[
            ChartRow(row.nom, ("n.p." if row.agents_formes is None else number(row.agents_formes),))
            for row in programme.territoires
        ],
        description=description,
        legend=map_legend(values),
    )


@require_safe
def figures_json(request: HttpRequest) -> HttpResponseBase:
    """The published contract. Open to scripts of any site; revalidated by its content."""
    figures = current_public_figures(now=clock.now())
    body = json.dumps(
        {"programmes": [programme.as_json() for programme in figures]},
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response = HttpResponse(body, content_type="application/json; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=0, must-revalidate"
    response["Access-Control-Allow-Origin"] = "*"
    answer = get_conditional_response(request, etag=etag, response=response)
    assert answer is not None
    return answer
