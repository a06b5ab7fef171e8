"""A campaign as it goes: follow-up, people, results, who needs what."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.small_groups import MIN_GROUP
from kalan.base.text import some
from kalan.campaigns.forms.campaigns import ChannelsForm, PeopleFilters, ResultFilters
from kalan.campaigns.models import Campaign, CampaignStep, Participant
from kalan.campaigns.policy import CAPABILITIES
from kalan.campaigns.selectors import people as reads
from kalan.campaigns.selectors.campaigns import participants_visible_to, steps_of
from kalan.campaigns.selectors.choices import cadres_in, structures_in
from kalan.campaigns.selectors.follow import follow_up
from kalan.campaigns.selectors.results import (
    Results,
    domain_names,
    level_at,
    levels_of,
    results,
    test_steps,
)
from kalan.campaigns.services import groups
from kalan.campaigns.services import messages as mails
from kalan.campaigns.views.charts import days_chart, levels_chart, structures_chart
from kalan.campaigns.views.common import about, campaign_or_404
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, staff

VIEW = CAPABILITIES["campaigns.view"]
EDIT = CAPABILITIES["campaigns.edit"]


@staff(VIEW)
def campaign_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """How many, where, when; and what to do next."""
    campaign = campaign_or_404(request, uid)
    follow = follow_up(request.actor, campaign)
    context = about(request, campaign, "follow") | {
        "follow": follow,
        "steps": steps_of(campaign),
        "structures": structures_chart(follow) if follow.structures else None,
        "days": days_chart(follow) if len(follow.days) > 1 else None,
        "link": mails.join_url(campaign),
        "today": clock.today(),
        "uninvited": _uninvited(campaign),
    }
    return render(request, "campaigns/detail.html", context)


def _uninvited(campaign: Campaign) -> int:
    if campaign.state != Campaign.State.OPEN:
        return 0
    return Participant.objects.filter(
        campaign=campaign,
        invited_at__isnull=True,
        joined=Participant.Joined.LIST,
        state__in=[Participant.State.INVITED, Participant.State.STARTED],
    ).count()


@staff(VIEW)
def campaign_people(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The list, with the results that may be shown."""
    campaign = campaign_or_404(request, uid)
    filters = PeopleFilters(
        request.GET or None,
        structures=structures_in(request.actor, campaign),
        cadres=cadres_in(request.actor, campaign),
    )
    tests = test_steps(campaign)
    wanted = _wanted(filters, tests) if filters.is_valid() else {}
    rows = reads.for_list(request.actor, campaign, **wanted)
    if fmt := request.GET.get("format"):
        made = reads.export(campaign, rows.select_related(None))
        return table_response(f"campagne-{campaign.code}", made.headers, made.rows, fmt)
    page = paginate(rows, request, order=("search", "pk"))
    step = tests[0] if tests else None
    context = about(request, campaign, "people") | {
        "page": page,
        "rows": reads.with_results(page.rows, step),
        "filters": filters,
        "levels": {level.code: level.name for level in levels_of(step)} if step else {},
        "narrowed": _narrowed(wanted, step),
    }
    return render(request, "campaigns/people.html", context)


def _wanted(filters: PeopleFilters, tests: list[CampaignStep]) -> dict[str, Any]:
    data = filters.cleaned_data
    return {
        "q": data["q"],
        "state": data["state"],
        "structure": data["structure"],
        "cadre": data["cadre"],
        "domain": data["domaine"],
        "level": data["niveau"],
        "step": tests[0] if tests else None,
    }


def _narrowed(wanted: dict[str, Any], step: CampaignStep | None) -> str:
    """« Cybersécurité : Découverte » when the list is narrowed by a level."""
    if step is None or not wanted.get("level"):
        return ""
    level = {one.code: one.name for one in levels_of(step)}.get(wanted["level"], wanted["level"])
    domain = domain_names(step).get(wanted["domain"], "")
    return f"{domain} : {level}" if domain else level


@staff(VIEW)
def campaign_results(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Levels by domain as distributions, with the mean and its interval."""
    campaign = campaign_or_404(request, uid)
    tests = test_steps(campaign)
    filters = ResultFilters(
        request.GET or None,
        structures=structures_in(request.actor, campaign),
        cadres=cadres_in(request.actor, campaign),
        tests=[(str(step.rank), step.title) for step in tests],
    )
    wanted = filters.cleaned_data if filters.is_valid() else {}
    step = _chosen(tests, wanted.get("test", ""))
    found = _results(request, campaign, step, wanted) if step else None
    context = about(request, campaign, "results") | {
        "filters": filters,
        "found": found,
        "least": MIN_GROUP,
        "chart": None,
    }
    if found is not None and found.overall is not None:
        rows = [found.overall, *found.domains]
        context["chart"] = levels_chart(rows, found.levels, "Niveaux par domaine")
        context["means"] = [
            (one, level_at(found.levels, one.mean.mean)) for one in rows if one.mean is not None
        ]
    return render(request, "campaigns/results.html", context)


def _chosen(tests: list[CampaignStep], rank: str) -> CampaignStep | None:
    return next((step for step in tests if str(step.rank) == rank), tests[0] if tests else None)


def _results(
    request: ActorRequest, campaign: Campaign, step: CampaignStep, wanted: dict[str, Any]
) -> Results:
    return results(
        request.actor,
        campaign,
        step,
        structure=wanted.get("structure", ""),
        cadre=wanted.get("cadre", ""),
        sex=wanted.get("sex", ""),
    )


@staff(VIEW)
def campaign_needs(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """« Qui a besoin de quoi » : people at each level of each domain, and a session to propose."""
    campaign = campaign_or_404(request, uid)
    tests = test_steps(campaign)
    found = results(request.actor, campaign, tests[0]) if tests else None
    lines = []
    people_url = reverse("campaign-people", args=[uid])
    for one in found.domains if found else []:
        cells = [
            (level, count, f"{people_url}?domaine={one.code}&niveau={level.code}")
            for level, count in zip(found.levels if found else [], one.counts, strict=True)
        ]
        lines.append((one, cells))
    context = about(request, campaign, "needs") | {
        "found": found,
        "lines": lines,
        "least": MIN_GROUP,
        "may_plan": request.actor.can(_PLANNERS),
    }
    return render(request, "campaigns/needs.html", context)


_PLANNERS = frozenset({"region", "programme", "admin"})  # who plans sessions


@staff(EDIT)
@once
def campaign_invite(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    return _write(request, uid, mails.INVITATION)


@staff(EDIT)
@once
def campaign_remind(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    return _write(request, uid, mails.REMINDER)


def _write(request: ActorRequest, uid: uuid.UUID, template: str) -> HttpResponseBase:
    """Messages and their cost are shown before anything is sent."""
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    reminding = template == mails.REMINDER
    if request.method == "POST":
        form = ChannelsForm(request.POST)
        channels = form.cleaned_data["channels"] if form.is_valid() else []
        service = mails.remind if reminding else mails.invite
        try:
            plan = service(
                actor=request.actor, now=clock.now(), campaign=campaign, channels=channels
            )
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect(request.path)
        said = some(len(plan.drafts), "message va partir", "messages vont partir")
        messages.success(request, f"{said}.")
        return redirect("campaign-detail", uid=uid)
    asked = ChannelsForm(request.GET if "voir" in request.GET else None)
    channels = list(mails.CHANNELS)
    if asked.is_bound and asked.is_valid():
        channels = asked.cleaned_data["channels"]
    plan = mails.preview(campaign=campaign, template=template, channels=channels, now=clock.now())
    context = about(request, campaign, "people") | {
        "form": ChannelsForm(initial={"channels": channels}),
        "channels": channels,
        "plan": plan,
        "reminding": reminding,
        "is_open": campaign.state == Campaign.State.OPEN,
    }
    return render(request, "campaigns/write.html", context)


@require_POST
@staff(EDIT)
@once
def participant_remind(
    request: ActorRequest, uid: uuid.UUID, participant: uuid.UUID
) -> HttpResponseBase:
    """Remind one person."""
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    person = _participant(request, campaign, participant)
    try:
        plan = mails.remind(actor=request.actor, now=clock.now(), campaign=campaign, only=person)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        if plan.drafts:
            messages.success(request, "Le rappel va partir.")
        else:
            messages.error(
                request, "Aucun rappel n’est parti : ni adresse ni téléphone, ou déjà terminé."
            )
    return redirect("campaign-people", uid=uid)


@staff(EDIT)
def participant_remove(
    request: ActorRequest, uid: uuid.UUID, participant: uuid.UUID
) -> HttpResponseBase:
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    person = _participant(request, campaign, participant)
    if request.method == "POST":
        return attempt(
            request,
            "Personne retirée de la liste.",
            "campaign-people",
            lambda: groups.remove_participant(
                actor=request.actor, now=clock.now(), campaign=campaign, participant=person
            ),
            uid=uid,
        )
    begun = person.started_at is not None
    context = {
        "title": "Retirer de la liste",
        "message": f"{person.person} ne recevra plus de message de cette campagne."
        + (" Ses réponses restent à elle ; elles ne comptent plus ici." if begun else ""),
        "confirm_label": "Retirer",
        "cancel_url": reverse("campaign-people", args=[uid]),
    }
    return render(request, "web/_confirm.html", context)


def _participant(request: ActorRequest, campaign: Campaign, participant: uuid.UUID) -> Participant:
    rows = participants_visible_to(request.actor, campaign).select_related("agent", "account")
    found: Participant = get_object_or_404(rows, uid=participant)
    if found.state == Participant.State.WITHDRAWN:
        raise Http404
    return found
