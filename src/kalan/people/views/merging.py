"""Likely duplicates, merging side by side, merges done and undone."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.people.forms.merging import AGENT_LABELS, NODE_LABELS, MergeForm, shown
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.people.models import Agent, OrgNode
from kalan.people.policy import CAPABILITIES
from kalan.people.selectors import merging as selectors
from kalan.people.services import duplicates, merging

MERGERS = CAPABILITIES["people.merge"]
KINDS = {"agents": "agent", "structures": "structure"}


@staff(MERGERS)
def duplicate_list(request: ActorRequest, kind: str) -> HttpResponseBase:
    """Open pairs of the actor's territory, the likeliest first."""
    singular = _kind(kind)
    pairs = selectors.pairs_visible_to(request.actor, singular, today=clock.today())
    if fmt := request.GET.get("format"):
        rows = selectors.described(pairs.order_by("-score", "pk"), singular)
        headers = ["Fiche 1", "Fiche 2", "Ressemblance (%)", "Raisons"]
        return table_response(
            f"doublons-{kind}",
            headers,
            ((r.first, r.second, r.pair.score, ", ".join(r.pair.reasons)) for r in rows),
            fmt,
        )
    page = paginate(pairs, request, order=("-score", "pk"))
    context = {"page": page, "rows": selectors.described(page.rows, singular), "kind": kind}
    return render(request, "people/merging/duplicates.html", context)


@require_POST
@staff(MERGERS)
def duplicate_search(request: ActorRequest, kind: str) -> HttpResponseBase:
    """Look again for likely duplicates in the actor's territory."""
    singular = _kind(kind)
    found = 0
    for path in request.actor.paths(MERGERS):
        node = OrgNode.objects.get(path=path)
        search = duplicates.find_agents if singular == "agent" else duplicates.find_structures
        found += search(node=node, now=clock.now())
    pairs = "1 paire" if found == 1 else f"{found or 'aucune'} paire{'s' if found else ''}"
    messages.success(request, f"Recherche terminée : {pairs} à examiner.")
    return redirect("duplicates", kind=kind)


@require_POST
@staff(MERGERS)
def duplicate_distinct(request: ActorRequest, kind: str, pk: int) -> HttpResponseBase:
    """Say that a pair is two different rows."""
    pairs = selectors.pairs_visible_to(request.actor, _kind(kind), today=clock.today())
    pair = get_object_or_404(pairs, pk=pk)
    merging.set_distinct(actor=request.actor, now=clock.now(), pair=pair)
    messages.success(request, "Noté : ce sont deux fiches distinctes.")
    return redirect("duplicates", kind=kind)


@staff(MERGERS)
def agent_merge(request: ActorRequest) -> HttpResponseBase:
    """Two agents side by side."""
    return _merge_page(request, "agents")


@staff(MERGERS)
def structure_merge(request: ActorRequest) -> HttpResponseBase:
    """Two structures side by side."""
    return _merge_page(request, "structures")


def _merge_page(request: ActorRequest, kind: str) -> HttpResponse:
    agents = kind == "agents"
    labels = AGENT_LABELS if agents else NODE_LABELS
    left, right = (_side(request, agents, name) for name in ("a", "b"))
    form = MergeForm(request.POST or None, left=left, right=right, labels=labels)
    if request.method == "POST" and form.is_valid():
        kept, absorbed = (left, right) if form.cleaned_data["keep"] == "left" else (right, left)
        merge = merging.merge_agents if agents else merging.merge_structures
        try:
            merge(
                actor=request.actor,
                now=clock.now(),
                kept=kept,  # type: ignore[arg-type]
                absorbed=absorbed,  # type: ignore[arg-type]
                reason=form.cleaned_data["reason"],
                take=form.taken(),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Fusion faite. Elle peut être annulée ci-dessous.")
            return redirect("merges")
    same = [
        (label, shown(left, name)) for name, label in labels.items() if name not in form.differing
    ]
    follows = selectors.what_follows(left, right) if agents else []
    context = {"form": form, "left": left, "right": right, "same": same, "kind": kind}
    return render(request, "people/merging/merge.html", {**context, "follows": follows})


def _side(request: ActorRequest, agents: bool, name: str) -> Agent | OrgNode:
    rows = (
        selectors.agents_mergeable_by(request.actor, today=clock.today()).select_related("cadre")
        if agents
        else selectors.structures_mergeable_by(request.actor).select_related("type")
    )
    try:
        uid = UUID(request.GET.get(name, ""))
    except ValueError as error:
        raise Http404 from error
    found = rows.filter(uid=uid).first()
    if found is None:
        raise Http404
    return found


@staff(MERGERS)
def merge_list(request: ActorRequest) -> HttpResponseBase:
    """Merges done, the latest first."""
    page = paginate(
        selectors.merges_visible_to(request.actor).select_related("merged_by", "undone_by"),
        request,
        order=("-merged_at", "-pk"),
    )
    rows = selectors.described_merges(page.rows)
    return render(request, "people/merging/merges.html", {"page": page, "rows": rows})


@staff(MERGERS)
def merge_undo(request: ActorRequest, uid: str) -> HttpResponseBase:
    """Confirm, then take a merge back."""
    merge = get_object_or_404(selectors.merges_visible_to(request.actor), uid=uid)
    if request.method == "POST":
        try:
            merging.undo(actor=request.actor, now=clock.now(), merge=merge)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "Fusion annulée : les deux fiches existent à nouveau.")
        return redirect("merges")
    row = selectors.described_merges([merge])[0]
    return render(request, "people/merging/undo.html", {"row": row})


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise Http404
    return KINDS[kind]
