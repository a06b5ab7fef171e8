"""/chiffres/ and /chiffres.json: public figures, by programme and territory."""

from __future__ import annotations

import hashlib
import json

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from kalan.base import clock
from kalan.indicators.services.public import current_public_figures


@require_safe
def figures_page(request: HttpRequest) -> HttpResponse:
    figures = current_public_figures(now=clock.now())
    return render(request, "indicators/public.html", {"programmes": figures})


@require_safe
def figures_json(request: HttpRequest) -> HttpResponseBase:
    """The contract of DESIGN §4. Open to scripts of any site; revalidated by its content."""
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
