"""The public home, the homes of learners and staff, and the reader's settings."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from kalan.base import clock
from kalan.people.http import ActorRequest, signed_in, staff
from kalan.web import home as homes
from kalan.web import text_size
from kalan.web.nav import ALL


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "web/home.html", {"home": homes.public_home(now=clock.now())})


@signed_in
def my_space(request: ActorRequest) -> HttpResponse:
    space = homes.my_space(request.actor, today=clock.today(), now=clock.now())
    return render(request, "web/my_space.html", {"space": space})


@staff(ALL)
def staff_home(request: ActorRequest) -> HttpResponse:
    todos = homes.todos(request.actor, today=clock.today())
    return render(request, "web/staff_home.html", {"todos": todos})


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


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What the service worker shows when neither network nor cache has the page."""
    return render(request, "web/offline.html")
