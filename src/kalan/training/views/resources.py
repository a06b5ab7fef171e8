"""The resource page of a theme, for participants and for those who fill it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.http import ActorRequest, show_refusal, signed_in, staff
from kalan.training import policy
from kalan.training.forms.resources import ResourceForm
from kalan.training.models import Theme
from kalan.training.selectors.resources import may_edit, resources_of, themes_visible_to
from kalan.training.services.resources import add_resource, remove_resource
from kalan.training.views.attendance_paper import download

EDITORS = policy.CAPABILITIES["resources.edit"]
_FORM_METHODS = ["GET", "HEAD", "POST"]


@signed_in
@require_safe
def resource_list(request: ActorRequest) -> HttpResponse:
    themes = themes_visible_to(request.actor).order_by("name", "pk")
    return render(request, "training/attendance/resource_list.html", {"themes": themes})


def _theme(request: ActorRequest, code: str) -> Theme | None:
    """The theme; None when one must sign in first (or come by the session's link)."""
    link = request.GET.get("s", "")
    themes = themes_visible_to(request.actor, link)
    if not request.actor.is_authenticated and not themes.filter(code=code).exists():
        return None
    return get_object_or_404(themes, code=code)


@require_safe
def resources(request: ActorRequest, code: str) -> HttpResponse:
    """Open to whoever is signed in, and to holders of a session's link (``?s=``)."""
    theme = _theme(request, code)
    if theme is None:
        return redirect_to_login(request.get_full_path())
    context = {
        "theme": theme,
        "resources": resources_of(theme),
        "link": "" if request.actor.is_authenticated else request.GET.get("s", ""),
        "may_edit": may_edit(request.actor),
    }
    return render(request, "training/attendance/resources.html", context)


@require_safe
def resource_file(request: ActorRequest, code: str, file: UUID) -> HttpResponseBase:
    theme = _theme(request, code)
    if theme is None:
        return redirect_to_login(request.get_full_path())
    row = get_object_or_404(resources_of(theme), file__uid=file)
    assert row.file is not None  # asked for above
    return download(row.file)


@staff(EDITORS)
@require_http_methods(_FORM_METHODS)
def edit(request: ActorRequest, code: str) -> HttpResponse:
    theme = get_object_or_404(Theme, code=code)
    form = ResourceForm(request.POST or None, request.FILES or None, request=request)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data.get("file")
        try:
            add_resource(
                actor=request.actor,
                now=clock.now(),
                theme=theme,
                title=form.cleaned_data["title"],
                url=form.cleaned_data["url"],
                file=given,
                name=given.name if given else "",
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "La ressource est sur la page du thème.")
            return redirect("resource-edit", code=code)
    context = {"theme": theme, "form": form, "resources": resources_of(theme)}
    status = 422 if form.errors else 200
    return render(request, "training/attendance/resource_edit.html", context, status=status)


@staff(EDITORS)
@require_http_methods(_FORM_METHODS)
def remove(request: ActorRequest, code: str, uid: UUID) -> HttpResponse:
    theme = get_object_or_404(Theme, code=code)
    row = get_object_or_404(resources_of(theme), uid=uid)
    back = reverse("resource-edit", kwargs={"code": code})
    if request.method == "POST":
        remove_resource(actor=request.actor, now=clock.now(), resource=row)
        messages.success(request, "La ressource est retirée.")
        return redirect(back)
    context = {
        "title": "Retirer cette ressource ?",
        "message": f"« {row.title} » ne sera plus proposée aux participants.",
        "confirm_label": "Retirer",
        "cancel_url": back,
    }
    return render(request, "web/_confirm.html", context)
