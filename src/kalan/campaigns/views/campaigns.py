"""The list of campaigns, and preparing one: what, who, when and how, then open."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.text import some
from kalan.campaigns.forms.campaigns import (
    BasicsForm,
    CampaignFilters,
    GroupForm,
    RulesForm,
    basics_initial,
    group_initial,
)
from kalan.campaigns.models import Campaign
from kalan.campaigns.policy import CAPABILITIES
from kalan.campaigns.selectors.campaigns import (
    campaigns_visible_to,
    export_lines,
    rules_of,
    steps_of,
    with_counts,
)
from kalan.campaigns.services import campaigns as services
from kalan.campaigns.services import groups
from kalan.campaigns.services.campaigns import CampaignData
from kalan.campaigns.views.common import about, campaign_or_404
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff

VIEW = CAPABILITIES["campaigns.view"]
EDIT = CAPABILITIES["campaigns.edit"]
_A_MONTH = dt.timedelta(days=30)


@staff(VIEW)
def campaign_list(request: ActorRequest) -> HttpResponseBase:
    """Campaigns in scope, the last to begin first."""
    filters = CampaignFilters(request.GET or None)
    rows = campaigns_visible_to(request.actor)
    if filters.is_valid():
        rows = _filtered(rows, filters.cleaned_data)
    else:
        rows = rows.exclude(state=Campaign.State.ARCHIVED)
    rows = with_counts(rows, request.actor)
    order = ("-opens_on", "-pk")
    if fmt := request.GET.get("format"):
        headers = ["Nom", "Code", "Territoire", "État", "Du", "Au", "Invités", "Ont commencé",
                   "Ont terminé"]  # fmt: skip
        return table_response("campagnes", headers, export_lines(rows.order_by(*order)), fmt)
    context = {
        "page": paginate(rows, request, order=order),
        "filters": filters,
        "may_make": request.actor.can(EDIT),
        "today": clock.today(),
    }
    return render(request, "campaigns/list.html", context)


def _filtered(rows: QuerySet[Campaign], wanted: dict[str, Any]) -> QuerySet[Campaign]:
    for word in wanted["q"].split():
        rows = rows.filter(Q(name__icontains=word) | Q(code__istartswith=word))
    for name in ("state", "kind"):
        if wanted[name]:
            rows = rows.filter(**{name: wanted[name]})
    return rows


@staff(EDIT)
@once
def campaign_new(request: ActorRequest) -> HttpResponseBase:
    """First step: a draft is kept from here on, and can be left and taken up again."""
    form = BasicsForm(posted(request), actor=request.actor)
    if request.method == "POST" and form.is_valid():
        today = clock.today()
        data = CampaignData(
            name=form.cleaned_data["name"],
            node=form.cleaned_data["node"],
            steps=form.steps(),
            opens_on=today,
            closes_on=today + _A_MONTH,
        )
        try:
            made = services.create_campaign(actor=request.actor, now=clock.now(), data=data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("campaign-group", uid=made.uid)
    return render(request, "campaigns/basics.html", {"form": form, "campaign": None})


@staff(EDIT)
def campaign_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """What is asked."""
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    initial = basics_initial(campaign, steps_of(campaign))
    form = BasicsForm(posted(request), actor=request.actor, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = replace(
            data_of(campaign),
            name=form.cleaned_data["name"],
            node=form.cleaned_data["node"],
            steps=form.steps(),
        )
        if _updated(request, campaign, data, form):
            return _onward(campaign, "campaign-group")
    return render(request, "campaigns/basics.html", {"form": form, "campaign": campaign})


def data_of(campaign: Campaign) -> CampaignData:
    """What the campaign says today, to change a part of it."""
    steps = [row.test or row.session or row.theme for row in steps_of(campaign)]
    return CampaignData(
        name=campaign.name,
        node=campaign.node,
        opens_on=campaign.opens_on,
        closes_on=campaign.closes_on,
        steps=[step for step in steps if step is not None],
        message=campaign.message,
        history=campaign.history,
        anyone=campaign.anyone,
        sharing=campaign.sharing,
    )


def _updated(request: ActorRequest, campaign: Campaign, data: CampaignData, form: Any) -> bool:
    try:
        services.update_campaign(actor=request.actor, now=clock.now(), campaign=campaign, data=data)
    except Refused as refused:
        show_refusal(form, refused)
        return False
    return True


def _onward(campaign: Campaign, step: str) -> HttpResponseBase:
    """The next step of a draft; of a campaign that runs, back to its page."""
    if campaign.state == Campaign.State.DRAFT:
        return redirect(step, uid=campaign.uid)
    return redirect("campaign-detail", uid=campaign.uid)


@staff(EDIT)
def campaign_group(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Who is asked. « Compter » says how many without keeping anything."""
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    now = clock.now()
    form = GroupForm(
        posted(request),
        actor=request.actor,
        country=campaign.node.country,
        now=now,
        initial=group_initial(rules_of(campaign)) or {"node": campaign.node},
    )
    counted = None
    if request.method == "POST" and form.is_valid():
        rules = form.rules()
        counted = groups.preview(rules=rules, now=now, campaign=campaign)
        if "compter" not in request.POST and _kept(request, campaign, rules, form):
            return _onward(campaign, "campaign-rules")
    context = about(request, campaign, "group") | {"form": form, "counted": counted}
    return render(request, "campaigns/group.html", context)


def _kept(request: ActorRequest, campaign: Campaign, rules: list[groups.Rule], form: Any) -> bool:
    now = clock.now()
    try:
        groups.set_group(actor=request.actor, now=now, campaign=campaign, rules=rules)
        if rules:
            added = groups.refresh_group(actor=request.actor, now=now, campaign=campaign)
            if campaign.state != Campaign.State.DRAFT:
                said = some(added, "personne ajoutée", "personnes ajoutées")
                messages.success(request, f"Groupe enregistré, {said}.")
    except Refused as refused:
        show_refusal(form, refused)
        return False
    return True


@staff(EDIT)
def campaign_rules(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Dates, message, who sees what."""
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    names = ("opens_on", "closes_on", "message", "sharing", "anyone", "history")
    form = RulesForm(posted(request), initial={name: getattr(campaign, name) for name in names})
    if request.method == "POST" and form.is_valid():
        data = replace(data_of(campaign), **form.cleaned_data)
        if _updated(request, campaign, data, form):
            return _onward(campaign, "campaign-open")
    return render(
        request, "campaigns/rules.html", about(request, campaign, "rules") | {"form": form}
    )


@staff(EDIT)
def campaign_open(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Read everything again, then open."""
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    if request.method == "POST":
        try:
            services.open_campaign(actor=request.actor, now=clock.now(), campaign=campaign)
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("campaign-open", uid=uid)
        messages.success(request, "La campagne est ouverte. Invitez maintenant les personnes.")
        return redirect("campaign-detail", uid=uid)
    context = about(request, campaign, "open") | {
        "steps": steps_of(campaign),
        "rules": rules_of(campaign),
        "people": campaign.participants.count(),
    }
    return render(request, "campaigns/review.html", context)


@staff(EDIT)
def campaign_close(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    if request.method == "POST":
        return attempt(
            request,
            "Campagne terminée : plus personne ne peut entrer ni commencer.",
            "campaign-detail",
            lambda: services.close_campaign(
                actor=request.actor, now=clock.now(), campaign=campaign
            ),
            uid=uid,
        )
    left = campaign.participants.filter(state__in=["invited", "started"]).count()
    return _ask(
        request,
        campaign,
        title="Terminer la campagne",
        message="Plus personne ne pourra entrer par le code ni commencer. Les résultats restent.",
        details=[some(left, "personne n’a", "personnes n’ont") + " pas terminé"],
        confirm_label="Terminer la campagne",
    )


@staff(EDIT)
def campaign_archive(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    if request.method == "POST":
        return attempt(
            request,
            "Campagne archivée.",
            "campaign-detail",
            lambda: services.archive_campaign(
                actor=request.actor, now=clock.now(), campaign=campaign
            ),
            uid=uid,
        )
    return _ask(
        request,
        campaign,
        title="Archiver la campagne",
        message="Elle ne s’affiche plus dans la liste sans le demander, et ne se rouvre plus. Les "
        "résultats restent.",
        confirm_label="Archiver",
    )


@staff(EDIT)
def campaign_delete(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Only a draft: nobody was told of it."""
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    if request.method == "POST":
        try:
            services.delete_draft(actor=request.actor, now=clock.now(), campaign=campaign)
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("campaign-detail", uid=uid)
        messages.success(request, "Brouillon supprimé.")
        return redirect("campaign-list")
    return _ask(
        request,
        campaign,
        title="Supprimer ce brouillon",
        message="Cette campagne n’a jamais été ouverte : elle disparaît avec sa liste.",
        confirm_label="Supprimer",
    )


@require_POST
@staff(EDIT)
@once
def campaign_refresh(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Bring in the newcomers of the group."""
    campaign = campaign_or_404(request, uid, "campaigns.edit")
    try:
        added = groups.refresh_group(actor=request.actor, now=clock.now(), campaign=campaign)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        said = some(added, "personne ajoutée", "personnes ajoutées")
        messages.success(request, f"Groupe actualisé : {said}.")
    return redirect("campaign-people", uid=uid)


def _ask(request: ActorRequest, campaign: Campaign, **context: Any) -> HttpResponseBase:
    context["cancel_url"] = f"/gestion/campagnes/{campaign.uid}/"
    context["message"] = f"« {campaign.name} ». {context['message']}"
    return render(request, "web/_confirm.html", context)
