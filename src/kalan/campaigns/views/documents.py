"""Documents of a campaign to print."""

from __future__ import annotations

import uuid

from django.http import HttpResponse, HttpResponseBase

from kalan.base import clock
from kalan.base.exports import name_file
from kalan.campaigns.documents.kit import MOST_SLIPS, SLIPS_A_PAGE, kit_pdf, slips_pdf
from kalan.campaigns.policy import CAPABILITIES
from kalan.campaigns.views.common import campaign_or_404
from kalan.people.http import ActorRequest, staff

VIEW = CAPABILITIES["campaigns.view"]


def _file(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    name_file(response, name, attachment=False)
    return response


@staff(VIEW)
def kit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Poster and instructions for the local manager."""
    campaign = campaign_or_404(request, uid)
    return _file(kit_pdf(campaign, now=clock.now()), f"kit-{campaign.code}.pdf")


@staff(VIEW)
def slips(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """``?nombre=`` slips, ``?par-page=`` on a sheet; without them one sheet of eight."""
    campaign = campaign_or_404(request, uid)
    a_page = _number(request.GET.get("par-page", ""), 8)
    if a_page not in SLIPS_A_PAGE:
        a_page = 8
    number = min(MOST_SLIPS, max(1, _number(request.GET.get("nombre", ""), a_page)))
    content = slips_pdf(campaign, number=number, a_page=a_page)
    return _file(content, f"fiches-{campaign.code}.pdf")


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else default
