"""Pages for what went wrong: what happened, and what to do. They read nothing from the database,
so that they show even when it is the database that failed."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

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
    try:
        return _page(request, "500.html", 500)
    except Exception:
        logger.exception("the error page itself failed")
        return HttpResponse(_LAST_RESORT, status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form is too old, or cookies are refused; nothing was stored."""
    return _page(request, "403_csrf.html", 403)
