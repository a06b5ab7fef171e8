"""Pages for what went wrong: what happened, and what to do. They read nothing from the database,
so that they show even when it is the database that failed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from kalan.web.text_size import size_of


def _page(request: HttpRequest, name: str, status: int) -> HttpResponse:
    context = {"request": request, "text_size": size_of(request).css}
    return HttpResponse(render_to_string(name, context), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "400.html", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "403.html", 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, "404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _page(request, "500.html", 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form is too old, or cookies are refused; nothing was stored."""
    return _page(request, "403_csrf.html", 403)
