"""The public home, the homes of learners and staff, and the reader's settings."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from kalan.people.http import ActorRequest, signed_in, staff
from kalan.web import text_size
from kalan.web.nav import ALL


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "web/home.html")


@signed_in
def my_space(request: ActorRequest) -> HttpResponse:
    return render(request, "web/my_space.html")


@staff(ALL)
def staff_home(request: ActorRequest) -> HttpResponse:
    return render(request, "web/staff_home.html")


@require_safe
def display(request: HttpRequest) -> HttpResponse:
    """Keep the chosen text size for a year and go back to the page the reader came from."""
    back = request.GET.get("retour", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    size = text_size.size_named(request.GET.get("taille", ""))
    response = HttpResponseRedirect(back)
    response.set_cookie(
        text_size.COOKIE, size.code, max_age=365 * 24 * 3600, httponly=True, samesite="Lax"
    )
    return response
