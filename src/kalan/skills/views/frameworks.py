"""Frameworks: list, tree, forms, and what in one answers to what in another."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.contrib import messages
from django.db.models import Count, Q, Sum
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, table_response
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff
from kalan.skills.forms.frameworks import (
    CorrespondenceForm,
    FrameworkForm,
    NodeForm,
    VersionForm,
    levels_data,
    levels_formset,
)
from kalan.skills.models import Framework, FrameworkNode
from kalan.skills.policy import CAPABILITIES
from kalan.skills.selectors.frameworks import (
    Branch,
    crosswalk,
    frameworks_visible_to,
    joinable_nodes,
    levels_of,
    tree_of,
)
from kalan.skills.services import frameworks as services
from kalan.skills.views.common import framework_or_404

VIEW = CAPABILITIES["frameworks.view"]
EDIT = CAPABILITIES["frameworks.edit"]
_KINDS = {None: "domain", "domain": "competency", "competency": "capacity"}


@staff(VIEW)
def framework_list(request: ActorRequest) -> HttpResponseBase:
    """Every version, those in force first."""
    domains = Q(nodes__kind=FrameworkNode.Kind.DOMAIN)
    rows = (
        frameworks_visible_to(request.actor)
        .annotate(
            domains=Count("nodes", filter=domains),
            competencies=Count("nodes", filter=Q(nodes__kind=FrameworkNode.Kind.COMPETENCY)),
            hours=Sum("nodes__hours", filter=domains),
        )
        .order_by("code", "-created_at", "-pk")
    )
    if fmt := request.GET.get("format"):
        headers = ["Code", "Version", "Nom", "État", "Domaines", "Compétences", "Heures"]
        lines = (
            [f.code, f.version, f.name, f.get_state_display(), f.domains, f.competencies, f.hours]
            for f in rows
        )
        return table_response("referentiels", headers, lines, fmt)
    rank = {Framework.State.ACTIVE: 0, Framework.State.DRAFT: 1, Framework.State.ARCHIVED: 2}
    frameworks = sorted(rows, key=lambda one: rank[Framework.State(one.state)])
    context = {"frameworks": frameworks, "may_edit": request.actor.can(EDIT)}
    return render(request, "skills/frameworks/list.html", context)


@staff(VIEW)
def framework_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    framework = framework_or_404(request, uid)
    tree = tree_of(framework)
    if fmt := request.GET.get("format"):
        headers = ["Nature", "Code", "Intitulé", "Heures", "Questions en service", "Remarque"]
        return table_response(f"referentiel-{framework.code}", headers, _lines(tree), fmt)
    others = frameworks_visible_to(request.actor).exclude(code=framework.code)
    context = {
        "framework": framework,
        "tree": tree,
        "levels": levels_of(framework),
        "hours": sum((branch.hours for branch in tree if branch.hours is not None), 0),
        "items": sum(branch.total for branch in tree),
        "others": others.exclude(state=Framework.State.ARCHIVED).order_by("code", "pk"),
        "versions": frameworks_visible_to(request.actor)
        .filter(code=framework.code)
        .exclude(pk=framework.pk)
        .order_by("-created_at", "-pk"),
        "may_edit": request.actor.can(EDIT),
        "draft": framework.state == Framework.State.DRAFT,
    }
    return render(request, "skills/frameworks/detail.html", context)


def _lines(tree: list[Branch]) -> Iterator[list[Cell]]:
    for branch in tree:
        node = branch.node
        total = "" if node.kind == FrameworkNode.Kind.CAPACITY else branch.total
        yield [node.get_kind_display(), node.code, node.name, branch.hours, total, node.note]
        yield from _lines(branch.children)


@staff(EDIT)
@once
def framework_create(request: ActorRequest) -> HttpResponseBase:
    return _framework_form(request, None)


@staff(EDIT)
def framework_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    return _framework_form(request, framework_or_404(request, uid, "frameworks.edit"))


def _framework_form(request: ActorRequest, framework: Framework | None) -> HttpResponseBase:
    form = FrameworkForm(posted(request), framework=framework)
    if request.method == "POST" and form.is_valid():
        actor, now, data = request.actor, clock.now(), form.data_for()
        try:
            if framework:
                saved = services.update_framework(
                    actor=actor, now=now, framework=framework, data=data
                )
            else:
                saved = services.create_framework(actor=actor, now=now, data=data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Référentiel enregistré.")
            return redirect("framework-detail", uid=saved.uid)
    return render(
        request,
        "skills/frameworks/form.html",
        {
            "form": form,
            "framework": framework,
            "title": f"Modifier {framework.name}" if framework else "Nouveau référentiel",
        },
    )


@staff(EDIT)
@once
def framework_version(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    framework = framework_or_404(request, uid, "frameworks.edit")
    form = VersionForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.new_version(
                actor=request.actor,
                now=clock.now(),
                framework=framework,
                version=form.cleaned_data["version"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "La nouvelle version est en préparation.")
            return redirect("framework-detail", uid=made.uid)
    title = f"Nouvelle version de {framework.name}"
    context = {"form": form, "framework": framework, "title": title}
    return render(request, "skills/frameworks/form.html", context)


@staff(EDIT)
def framework_activate(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    framework = framework_or_404(request, uid, "frameworks.edit")
    before = Framework.objects.filter(code=framework.code, state=Framework.State.ACTIVE).first()
    message = "Ses éléments, leurs codes et leurs heures ne changeront plus."
    if before and before != framework:
        message += f" La version {before.version} sera archivée ; ses résultats restent lisibles."
    return _state_page(
        request, framework, services.activate, "Mettre en vigueur", message, danger=False
    )


@staff(EDIT)
def framework_archive(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    framework = framework_or_404(request, uid, "frameworks.edit")
    message = "Il ne sera plus proposé. Les banques et les résultats qui le citent restent."
    return _state_page(request, framework, services.archive, "Archiver", message, danger=True)


def _state_page(
    request: ActorRequest,
    framework: Framework,
    act: services.Change,
    label: str,
    message: str,
    *,
    danger: bool,
) -> HttpResponseBase:
    if request.method == "POST":
        return attempt(
            request,
            "C’est fait.",
            "framework-detail",
            lambda: act(actor=request.actor, framework=framework, now=clock.now()),
            uid=framework.uid,
        )
    context = {
        "title": f"{label} : {framework}",
        "message": message,
        "confirm_label": label,
        "danger": danger,
        "cancel_url": reverse("framework-detail", kwargs={"uid": framework.uid}),
    }
    return render(request, "web/_confirm.html", context)


def _node_or_404(framework: Framework, node: uuid.UUID) -> FrameworkNode:
    rows = framework.nodes.select_related("framework", "parent")
    return get_object_or_404(rows, uid=node)


@staff(EDIT)
@once
def node_create(
    request: ActorRequest, uid: uuid.UUID, parent: uuid.UUID | None = None
) -> HttpResponseBase:
    """A domain, or what stands under ``parent``; ``?sous-competence`` under a competency."""
    framework = framework_or_404(request, uid, "frameworks.edit")
    under = _node_or_404(framework, parent) if parent else None
    kind = _KINDS.get(under.kind if under else None)
    if kind is None:
        raise Http404
    if under and under.kind == FrameworkNode.Kind.COMPETENCY and "sous-competence" in request.GET:
        kind = "competency"
    form = NodeForm(posted(request), kind=kind, levels=levels_of(framework))
    label = FrameworkNode.Kind(kind).label
    if request.method == "POST" and form.is_valid():
        try:
            services.add_node(
                actor=request.actor,
                now=clock.now(),
                framework=framework,
                parent=under,
                kind=kind,
                data=form.data_for(),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Élément ajouté.")
            return redirect("framework-detail", uid=uid)
    title = f"Ajouter : {label}" + (f" sous « {under.name} »" if under else "")
    context = {"form": form, "framework": framework, "title": title}
    return render(request, "skills/frameworks/form.html", context)


@staff(EDIT)
def node_edit(request: ActorRequest, uid: uuid.UUID, node: uuid.UUID) -> HttpResponseBase:
    framework = framework_or_404(request, uid, "frameworks.edit")
    found = _node_or_404(framework, node)
    form = NodeForm(posted(request), kind=found.kind, levels=levels_of(framework), node=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_node(
                actor=request.actor, now=clock.now(), node=found, data=form.data_for()
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Élément enregistré.")
            return redirect("framework-detail", uid=uid)
    context = {
        "form": form,
        "framework": framework,
        "node": found if framework.state == Framework.State.DRAFT else None,
        "title": f"Modifier {found.code}",
    }
    return render(request, "skills/frameworks/form.html", context)


@staff(EDIT)
def node_remove(request: ActorRequest, uid: uuid.UUID, node: uuid.UUID) -> HttpResponseBase:
    framework = framework_or_404(request, uid, "frameworks.edit")
    found = _node_or_404(framework, node)
    if request.method == "POST":
        return attempt(
            request,
            "Élément retiré.",
            "framework-detail",
            lambda: services.remove_node(actor=request.actor, node=found, now=clock.now()),
            uid=uid,
        )
    context = {
        "title": f"Retirer {found.code} ?",
        "message": f"« {found.name} » et tout ce qui se place dessous disparaîtront.",
        "confirm_label": "Retirer",
        "cancel_url": reverse("framework-node", kwargs={"uid": uid, "node": node}),
    }
    return render(request, "web/_confirm.html", context)


@staff(EDIT)
def framework_levels(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    framework = framework_or_404(request, uid, "frameworks.edit")
    formset = levels_formset(posted(request), levels_of(framework))
    refusal = ""
    if request.method == "POST" and formset.is_valid():
        try:
            services.set_levels(
                actor=request.actor,
                now=clock.now(),
                framework=framework,
                levels=levels_data(formset),
            )
        except Refused as refused:
            refusal = str(refused)
        else:
            messages.success(request, "Niveaux enregistrés.")
            return redirect("framework-detail", uid=uid)
    context = {"formset": formset, "framework": framework, "refusal": refusal}
    return render(request, "skills/frameworks/levels.html", context)


@staff(VIEW)
def framework_crosswalk(
    request: ActorRequest, uid: uuid.UUID, other: uuid.UUID
) -> HttpResponseBase:
    """The matrix in both directions; who may edits one line at a time."""
    left, right = framework_or_404(request, uid), framework_or_404(request, other)
    if left.pk == right.pk:
        raise Http404
    may_edit = request.actor.can(EDIT)
    form = None
    if may_edit:
        nodes = [*joinable_nodes(left), *joinable_nodes(right)]
        initial = {name: request.GET.get(name, "") for name in ("source", "target")}
        form = CorrespondenceForm(posted(request), nodes=nodes, initial=initial)
        if request.method == "POST" and form.is_valid():
            return _link(request, form, left, right)
    elif request.method == "POST":
        raise Http404
    found = crosswalk(left, right)
    if fmt := request.GET.get("format"):
        headers = ["De", "Code", "Intitulé", "Vers", "Code", "Intitulé", "Force", "Remarque"]
        lines = (
            [
                *(link.source.framework.code, link.source.code, link.source.name),
                *(link.target.framework.code, link.target.code, link.target.name),
                *(link.get_strength_display(), link.note),
            ]
            for link in found.links
        )
        return table_response(f"correspondances-{left.code}-{right.code}", headers, lines, fmt)
    context = {"left": left, "right": right, "walk": found, "form": form, "may_edit": may_edit}
    return render(request, "skills/frameworks/crosswalk.html", context)


def _link(
    request: ActorRequest, form: CorrespondenceForm, left: Framework, right: Framework
) -> HttpResponseBase:
    values = form.cleaned_data
    return attempt(
        request,
        "Correspondance enregistrée." if values["strength"] else "Correspondance retirée.",
        "framework-crosswalk",
        lambda: services.set_correspondence(
            actor=request.actor,
            now=clock.now(),
            source=form.nodes[values["source"]],
            target=form.nodes[values["target"]],
            strength=values["strength"],
            note=values["note"],
        ),
        uid=left.uid,
        other=right.uid,
    )
