"""Pages for what went wrong: what happened, and what to do. They read nothing from the database,
so that they show even when it is the database that failed."""

from __future__ import annotations

import logging
import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from kalan.base.busy import RETRY_AFTER, is_busy
from kalan.web.text_size import size_of

logger = logging.getLogger(__name__)


def _page(request: HttpRequest, name: str, status: int) -> HttpResponse:
    context = {"request": request, "text_size": size_of(request).css}
    return HttpResponse(render_to_string(name, context), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "400.html", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "403.html", 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "404.html", 404)


# For the case that templates or static files are themselves what is broken.
_LAST_RESORT = """<!doctype html><html lang="fr"><meta charset="utf-8">
<title>Erreur du serveur · Kalan</title><h1>Le serveur a rencontré une erreur</h1>
<p>Attendez une minute et recommencez. Si l’erreur revient, prévenez la cellule informatique.</p>
</html>"""


def server_error(request: HttpRequest) -> HttpResponse:
    if is_busy(sys.exception()):  # Django calls this while it handles what a view raised
        return _busy(request)
    try:
        return _page(request, "500.html", 500)
    except Exception:
        logger.exception("the error page itself failed")
        return HttpResponse(_LAST_RESORT, status=500)


def _busy(request: HttpRequest) -> HttpResponse:
    """Somebody else holds the database: services write all or nothing, so nothing was stored.

    Phones keep what they hold and send it again, as after any answer from 500 on.
    """
    response: HttpResponse
    if request.content_type == "application/json":
        response = JsonResponse({"error": "busy"}, status=503)
    else:
        response = _page(request, "503.html", 503)
    response["Retry-After"] = str(RETRY_AFTER)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form is too old, or cookies are refused; nothing was stored."""
    return _page(request, "403_csrf.html", 403)
