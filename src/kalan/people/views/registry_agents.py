"""Agents: list, read, create, correct; their posts; who is to be reconciled; cadres."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, table_response
from kalan.base.lists import paginate
from kalan.people.double import once
from kalan.people.forms import registry as forms
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.people.models import Agent, OrgNode, Post
from kalan.people.policy import CAPABILITIES
from kalan.people.selectors import history
from kalan.people.selectors import registry as selectors
from kalan.people.services import registry_agents, registry_posts

READERS = CAPABILITIES["people.view"]
EDITORS = CAPABILITIES["people.edit"]
MERGERS = CAPABILITIES["people.merge"]
HISTORIANS = CAPABILITIES["history.view"]
STRUCTURE_READERS = CAPABILITIES["structures.view"]
EXPORT_HEADERS = [
    "Nom",
    "Prénoms",
    "Sexe",
    "Matricule",
    "Cadre",
    "Code CITP-08",
    "Structure",
    "District",
    "Région",
    "Téléphone",
    "E-mail",
    "Statut",
    "À rapprocher",
]
_ORDERS = {"": ("search", "pk"), "recents": ("-created_at", "-pk")}


@staff(READERS)
def agent_list(request: ActorRequest) -> HttpResponseBase:
    """Agents of the actor's territory, searched, filtered, sorted, exported."""
    actor, today = request.actor, clock.today()
    countries = selectors.countries_of(actor)
    filters = forms.AgentFilters(request.GET, actor=actor, countries=countries)
    found = _filtered(filters, selectors.agents(actor, today=today), today)
    if fmt := request.GET.get("format"):
        return table_response("agents", EXPORT_HEADERS, _export_rows(found, today), fmt)
    order = _ORDERS.get(request.GET.get("tri", ""), _ORDERS[""])
    page = paginate(found, request, order=order)
    context = {
        "filters": filters,
        "page": page,
        "rows": selectors.agent_rows(page.rows, today),
        "can_create": actor.can(EDITORS),
    }
    return render(request, "people/registry/agents.html", context)


def _filtered(
    filters: forms.AgentFilters, found: QuerySet[Agent], today: dt.date
) -> QuerySet[Agent]:
    """Narrow by what was asked; a filter that cannot be read keeps nothing."""
    if not filters.is_valid():
        return found.none()
    asked = filters.cleaned_data
    if not asked["statut"]:
        found = found.filter(status=Agent.Status.ACTIVE)
    elif asked["statut"] == "parti":
        found = found.filter(status=Agent.Status.LEFT)
    if asked["cadre"]:
        found = found.filter(cadre=asked["cadre"])
    if asked["sexe"]:
        found = found.filter(sex="" if asked["sexe"] == "inconnu" else asked["sexe"])
    if asked["rapprocher"]:
        found = found.filter(to_reconcile=True)
    if asked["lieu"]:
        found = selectors.working_in(found, asked["lieu"], today)
    if asked["structure"]:
        found = selectors.working_at(found, asked["structure"], today)
    return selectors.search_agents(found, asked["q"])


def _export_rows(found: QuerySet[Agent], today: dt.date) -> Iterator[list[Cell]]:
    for row in selectors.agent_rows(list(found.order_by("search", "pk")), today):
        agent = row.agent
        yield [
            agent.last_name,
            agent.first_names,
            agent.sex,
            agent.matricule,
            agent.cadre.title if agent.cadre else "",
            agent.cadre.isco08 if agent.cadre else "",
            row.structure.name if row.structure else "",
            row.district.name if row.district else "",
            row.region.name if row.region else "",
            agent.phone,
            agent.email,
            agent.get_status_display(),
            agent.to_reconcile,
        ]


@staff(READERS)
def reconcile_list(request: ActorRequest) -> HttpResponseBase:
    """People added on the spot, oldest first: new, or already known?"""
    actor, today = request.actor, clock.today()
    waiting = selectors.agents(actor, today=today).filter(to_reconcile=True)
    page = paginate(waiting, request, order=("created_at", "pk"))
    rows = selectors.agent_rows(page.rows, today)
    context = {
        "page": page,
        "rows": selectors.with_namesakes(actor, rows, today),
        "can_edit": actor.can(EDITORS),
        "can_merge": actor.can(MERGERS),
    }
    return render(request, "people/registry/reconcile.html", context)


@staff(EDITORS)
def agent_confirm(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Say that a person added on the spot is a new agent; asked first."""
    agent = _editable(request, uid)
    if request.method == "POST":
        registry_agents.confirm_agent(actor=request.actor, now=clock.now(), agent=agent)
        messages.success(request, f"{agent.full_name} est confirmé(e) comme nouvel agent.")
        return redirect("agent-reconcile-list")
    context = {
        "title": f"{agent.full_name} est-il un nouvel agent ?",
        "message": "Confirmez seulement si cette personne n’a pas déjà une fiche. "
        "Sinon, fusionnez les deux fiches.",
        "confirm_label": "Oui, c’est un nouvel agent",
        "cancel_url": "/gestion/agents/a-rapprocher/",
        "danger": False,
    }
    return render(request, "web/_confirm.html", context)


@staff(READERS)
def agent_detail(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Who the agent is, their posts, their account."""
    agent = _visible(request, uid)
    today = clock.today()
    context = {
        "agent": agent,
        "phone": selectors.AgentRow(agent, None, None, None).phone,
        "posts": list(selectors.posts_of(agent)),
        "editable": selectors.editable_structures_of(request.actor, agent),
        "sees_accounts": request.actor.can(CAPABILITIES["accounts.view"]),
        "account": getattr(agent, "account", None),
        "today": today,
        "can_edit": _may(request, agent, "people.edit"),
        "can_merge": request.actor.can(MERGERS),
        "sees_history": _may(request, agent, "history.view"),
    }
    return render(request, "people/registry/agent.html", context)


@staff(HISTORIANS)
def agent_history(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Who changed what on this agent, and when."""
    agent = _visible(request, uid, "history.view")
    context = {"agent": agent, "lines": history.agent_history(agent)}
    return render(request, "people/registry/agent_history.html", context)


@staff(EDITORS)
@once
def agent_new(request: ActorRequest) -> HttpResponseBase:
    """Register an agent with their main post."""
    actor = request.actor
    nodes = selectors.structures(actor, "people.edit").filter(closed_on=None)
    country = (selectors.countries_of(actor) or [""])[0]
    initial = _structure_initial(nodes, request.GET.get("structure", ""))
    form = forms.NewAgentForm(request.POST or None, nodes=nodes, country=country, initial=initial)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        data = registry_agents.AgentData(
            **{name: asked[name] for name in forms.AgentForm.base_fields},
            country=country,
            structure=asked["structure"],
            post_start=asked["start"],
            employer=asked["employer"],
            employment_status=asked["status"],
        )
        try:
            agent = registry_agents.create_agent(actor=actor, now=clock.now(), data=data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{agent.full_name} est enregistré(e).")
            return redirect("agent-detail", uid=agent.uid)
    return render(request, "people/registry/agent_new.html", {"form": form})


@staff(EDITORS)
def agent_edit(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Correct who the agent is."""
    agent = _editable(request, uid)
    initial: dict[str, Any] = {
        name: getattr(agent, name) for name in forms.EditAgentForm.base_fields if name != "reason"
    }
    initial["cadre"] = agent.cadre.code if agent.cadre else ""
    form = forms.EditAgentForm(request.POST or None, country=agent.country, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            registry_agents.update_agent(
                actor=request.actor, now=clock.now(), agent=agent, **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "La fiche est à jour.")
            return redirect("agent-detail", uid=agent.uid)
    return _form_page(request, agent, form, "Corriger la fiche", "Enregistrer")


@staff(EDITORS)
@once
def post_new(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Give the agent one more post."""
    agent = _editable(request, uid)
    nodes = selectors.structures(request.actor, "people.edit").filter(closed_on=None)
    initial = {"cadre": agent.cadre.code if agent.cadre else "", "is_main": True}
    form = forms.NewPostForm(
        request.POST or None, nodes=nodes, country=agent.country, initial=initial
    )
    if request.method == "POST" and form.is_valid():
        try:
            registry_posts.add_post(
                actor=request.actor,
                now=clock.now(),
                agent=agent,
                end_previous=form.cleaned_data["end_previous"],
                **_post_values(form),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Le poste est ajouté.")
            return redirect("agent-detail", uid=agent.uid)
    return _form_page(request, agent, form, "Ajouter un poste", "Ajouter le poste")


@staff(EDITORS)
def post_edit(request: ActorRequest, uid: UUID, post_uid: UUID) -> HttpResponseBase:
    """Correct a post."""
    agent, post = _post(request, uid, post_uid)
    nodes = selectors.structures(request.actor, "people.edit")
    form = forms.PostForm(
        request.POST or None,
        nodes=nodes,
        country=agent.country,
        initial=forms.PostForm.initial_of(post),
    )
    if request.method == "POST" and form.is_valid():
        try:
            registry_posts.change_post(
                actor=request.actor, now=clock.now(), post=post, **_post_values(form)
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Le poste est à jour.")
            return redirect("agent-detail", uid=agent.uid)
    return _form_page(request, agent, form, "Corriger le poste", "Enregistrer")


@staff(EDITORS)
def post_end(request: ActorRequest, uid: UUID, post_uid: UUID) -> HttpResponseBase:
    """End a post, after asking."""
    agent, post = _post(request, uid, post_uid)
    form = forms.EndPostForm(request.POST or None, initial={"end": clock.today()})
    if request.method == "POST" and form.is_valid():
        try:
            registry_posts.end_post(
                actor=request.actor,
                now=clock.now(),
                post=post,
                end=form.cleaned_data["end"],
                agent_leaves=form.cleaned_data["left"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Le poste est terminé.")
            return redirect("agent-detail", uid=agent.uid)
    context = {
        "title": f"Terminer le poste de {agent.full_name} ?",
        "message": f"À « {post.structure.name} », depuis le {post.start:%d/%m/%Y}. "
        "Les droits liés à ce poste prennent fin le même jour.",
        "form": form,
        "confirm_label": "Terminer le poste",
        "cancel_url": f"/gestion/agents/{agent.uid}/",
    }
    return render(request, "web/_confirm.html", context)


@staff(STRUCTURE_READERS)
def cadre_list(request: ActorRequest) -> HttpResponseBase:
    """The cadres of the country with their ISCO-08 code (they come with the country pack)."""
    country = (selectors.countries_of(request.actor) or [""])[0]
    cadres = selectors.cadres(country)
    if fmt := request.GET.get("format"):
        rows = ([c.code, c.title, c.isco08] for c in cadres)
        return table_response("cadres", ["Code", "Cadre", "Code CITP-08"], rows, fmt)
    return render(request, "people/registry/cadres.html", {"cadres": cadres})


def _visible(request: ActorRequest, uid: UUID, capability: str = "people.view") -> Agent:
    found = selectors.agents(request.actor, today=clock.today(), capability=capability)
    return get_object_or_404(found.select_related("cadre", "account"), uid=uid)


def _editable(request: ActorRequest, uid: UUID) -> Agent:
    return _visible(request, uid, "people.edit")


def _may(request: ActorRequest, agent: Agent, capability: str) -> bool:
    if not request.actor.can(CAPABILITIES[capability]):
        return False
    found = selectors.agents(request.actor, today=clock.today(), capability=capability)
    return found.filter(pk=agent.pk).exists()


def _post(request: ActorRequest, uid: UUID, post_uid: UUID) -> tuple[Agent, Post]:
    """A post of the agent at a structure that the actor may edit."""
    agent = _editable(request, uid)
    nodes = selectors.structures(request.actor, "people.edit")
    posts = selectors.posts_of(agent).filter(structure__in=nodes)
    return agent, get_object_or_404(posts, uid=post_uid)


def _post_values(form: forms.PostForm) -> dict[str, Any]:
    names = ("structure", "start", "end", "cadre", "title", "employer", "status", "is_main")
    return {name: form.cleaned_data[name] for name in names}


def _structure_initial(nodes: QuerySet[OrgNode], uid: str) -> dict[str, str]:
    """The structure named in the address, or the only one there is."""
    try:
        asked = nodes.filter(uid=UUID(uid)).first() if uid else None
    except ValueError:
        asked = None
    if asked is None:
        first_two = list(nodes[:2])
        asked = first_two[0] if len(first_two) == 1 else None
    if asked is None:
        return {}
    return {
        "structure": asked.name,
        "structure_asked": asked.name,
        "structure_pick": str(asked.uid),
    }


def _form_page(
    request: ActorRequest, agent: Agent, form: Any, title: str, button: str
) -> HttpResponse:
    context = {"agent": agent, "form": form, "title": title, "button": button}
    return render(request, "people/registry/agent_form.html", context)
