"""Results of other platforms: the list, and those of one agent. Never beside Kalan's levels."""

from __future__ import annotations

import uuid

from django import forms
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render

from kalan.base import clock
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.campaigns.policy import CAPABILITIES
from kalan.campaigns.selectors.outside import outside_visible_to, searched, sources_of
from kalan.people.http import ActorRequest, staff
from kalan.people.selectors.core import agents_visible_to

VIEW = CAPABILITIES["outside.view"]
IMPORT = CAPABILITIES["outside.import"]


class OutsideFilters(forms.Form):
    q = forms.CharField(label="Nom", required=False, max_length=100)
    campaign = forms.CharField(label="Campagne", required=False, max_length=100)
    source = forms.ChoiceField(label="Source", required=False)


@staff(VIEW)
def outside_list(request: ActorRequest) -> HttpResponseBase:
    """What other platforms measured, on their own scales."""
    rows = outside_visible_to(request.actor)
    filters = OutsideFilters(request.GET or None)
    sources = [(name, name) for name in sources_of(rows)]
    filters.fields["source"].choices = [("", "Toutes"), *sources]  # type: ignore[attr-defined]
    if filters.is_valid():
        rows = searched(rows, **filters.cleaned_data)
    order = ("-date", "-pk")
    if fmt := request.GET.get("format"):
        headers = ["Nom", "Prénoms", "Matricule", "Source", "Campagne", "Date", "Maîtrise (%)",
                   "Niveaux"]  # fmt: skip
        lines = [
            [
                r.agent.last_name, r.agent.first_names, r.agent.matricule, r.source, r.campaign,
                r.date, r.mastery, " ; ".join(f"{k} : {v}" for k, v in r.levels.items()),
            ]
            for r in rows.order_by(*order)
        ]  # fmt: skip
        return table_response("resultats-externes", headers, lines, fmt)
    context = {
        "page": paginate(rows, request, order=order),
        "filters": filters,
        "may_import": request.actor.can(IMPORT),
    }
    return render(request, "campaigns/outside_list.html", context)


@staff(VIEW)
def agent_outside(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Those of one agent."""
    agent = get_object_or_404(agents_visible_to(request.actor, today=clock.today()), uid=uid)
    rows = outside_visible_to(request.actor).filter(agent=agent).order_by("-date", "-pk")
    return render(request, "campaigns/agent_outside.html", {"agent": agent, "rows": rows})
