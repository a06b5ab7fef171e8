"""What software fetches to check our acts without asking about any of them."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.credentials.documents.statements import ON_BADGES
from kalan.credentials.models import ActTemplate, TemplateVersion
from kalan.credentials.services import publishing

# An hour: how long a revocation may stay unseen by what keeps copies.
_PUBLIC = f"public, max-age={publishing.HOUR}"


def _open(response: HttpResponse) -> HttpResponse:
    """The same for all, from any site: pages of other people's verifiers fetch it too."""
    response["Cache-Control"] = _PUBLIC
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def authority(request: HttpRequest) -> HttpResponse:
    """The certificates of the authorities, for ``kalan verify --trust`` and other software."""
    return _open(HttpResponse(publishing.authorities(), content_type="application/x-pem-file"))


@require_safe
def status(request: HttpRequest, number: int) -> HttpResponse:
    """A Bitstring status list, as a VC-JWT."""
    if not 1 <= number <= publishing.last_list():
        raise Http404
    try:
        made = publishing.status_list(number, now=clock.now())
    except Refused as error:
        raise Http404 from error
    return _open(HttpResponse(made, content_type="application/vc+jwt"))


@require_safe
def badge_class(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """What a badge says was achieved: the page that badges name."""
    version = get_object_or_404(
        TemplateVersion.objects.select_related("template"),
        uid=uid,
        template__kind__in=ActTemplate.PROOFS,
        batches__state="signed",
    )
    kind = ActTemplate.Kind(version.template.kind)
    context = {
        "version": version,
        "description": ON_BADGES[kind],
    }
    return render(request, "credentials/verify/badge.html", context)
