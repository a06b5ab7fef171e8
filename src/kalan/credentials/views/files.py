"""An act as a download: the same bytes every time."""

from __future__ import annotations

from django.http import HttpResponse

from kalan.base.exports import name_file
from kalan.credentials.models import Act
from kalan.credentials.services.reading import act_bytes


def document(act: Act) -> HttpResponse:
    """The PDF of ``act``. Raises Refused when its bytes are damaged or no longer kept."""
    response = HttpResponse(act_bytes(act), content_type="application/pdf")
    name_file(response, f"{act.batch.version.template.code}-{act.number}.pdf")
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
