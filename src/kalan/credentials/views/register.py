"""The register of acts: read, searched, exported, and its chain checked."""

from __future__ import annotations

from django import forms
from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST

from kalan.base import clock
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.credentials.models import RegisterEntry
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors import register_lists
from kalan.credentials.services import register as services
from kalan.people.http import ActorRequest, staff

VIEW = CAPABILITIES["register.view"]


class RegisterFilters(forms.Form):
    q = forms.CharField(label="Numéro, code ou nom", required=False, max_length=100)
    kind = forms.ChoiceField(
        label="Inscription", required=False, choices=[("", "Toutes"), *RegisterEntry.Kind.choices]
    )


@staff(VIEW)
def register(request: ActorRequest) -> HttpResponseBase:
    """Entries in scope, the last first."""
    return _page(request)


@require_POST
@staff(VIEW)
def register_check(request: ActorRequest) -> HttpResponseBase:
    """The whole chain, roots and numbers computed again, and a sample of the files read back;
    the answer stands above the list."""
    return _page(request, findings=services.verify(), checked_at=clock.now())


def _page(request: ActorRequest, **more: object) -> HttpResponseBase:
    filters = RegisterFilters(request.GET or None)
    rows = register_lists.entries_visible_to(request.actor)
    if filters.is_valid():
        wanted = filters.cleaned_data
        rows = register_lists.searched(rows, wanted["q"], wanted["kind"])
    if fmt := request.GET.get("format"):
        table = register_lists.lines(rows.order_by("-seq"))
        return table_response("registre-des-actes", register_lists.HEADERS, table, fmt)
    page = paginate(register_lists.with_subjects(rows), request, order=("-seq",))
    context = {"page": page, "filters": filters, **more}
    return render(request, "credentials/keys/register.html", context)
