"""Tests, the staff's side: list, page of one, blueprint, trial, publication."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kalan.assessment.forms.tests import BlueprintForm, NewTestForm, RulesForm, TestFilters
from kalan.assessment.models import Test
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors import test_pages as pages
from kalan.assessment.selectors.tests import visible_tests
from kalan.assessment.services import publishing, trials
from kalan.assessment.services import tests as services
from kalan.assessment.views import test_verdict
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.models import Job
from kalan.people.double import once
from kalan.people.http import ActorRequest, show_refusal, staff

VIEW = CAPABILITIES["tests.view"]
EDIT = CAPABILITIES["tests.edit"]
PUBLISH = CAPABILITIES["tests.publish"]


def managed_or_404(request: ActorRequest, uid: uuid.UUID, capability: str = "tests.view") -> Test:
    """The test, when the actor holds ``capability`` on it."""
    rows = visible_tests(request.actor, capability)
    rows = rows.select_related("bank__framework", "node", "job", "created_by")
    return get_object_or_404(rows, uid=uid)


@staff(VIEW)
def tests_list(request: ActorRequest) -> HttpResponseBase:
    """Tests in scope, by title."""
    scope = visible_tests(request.actor)
    filters = TestFilters(request.GET or None, banks=pages.banks_of(scope))
    rows = pages.listed(scope)
    if filters.is_valid():
        rows = pages.narrowed(rows, filters.cleaned_data)
    if fmt := request.GET.get("format"):
        heads = ["Titre", "Code", "Usage", "État", "Banque", "Territoire", "Publié le", "Passages"]
        lines = (
            [
                test.title,
                test.code,
                test.get_purpose_display(),
                test.get_state_display(),
                test.bank.name,
                test.node.name,
                test.published_at,
                test.taken,  # type: ignore[attr-defined]
            ]
            for test in rows.order_by("title", "pk")
        )
        return table_response("tests", heads, lines, fmt)
    context = {
        "filters": filters,
        "page": paginate(rows, request, order=("title", "pk")),
        "may_edit": request.actor.can(EDIT),
    }
    return render(request, "assessment/tests/list.html", context)


@staff(EDIT)
@once
def tests_new(request: ActorRequest) -> HttpResponseBase:
    """A new draft, with the blueprint that its purpose asks for."""
    form = NewTestForm(request.POST or None, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create(
                actor=request.actor, code=form.code(), now=clock.now(), **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Brouillon créé, avec les règles habituelles de cet usage.")
            return redirect("tests-edit", uid=made.uid)
    return render(request, "assessment/tests/new.html", {"form": form})


@staff(EDIT)
def tests_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The blueprint of a draft; of a published test, what was not frozen. « Vérifier » says what
    the bank lacks without storing anything."""
    test = managed_or_404(request, uid, "tests.edit")
    draft = test.state == Test.State.DRAFT
    domains = services.domains_of(test.bank)
    form: RulesForm
    if draft:
        form = BlueprintForm(request.POST or None, test=test, domains=domains)
    else:
        form = RulesForm(request.POST or None, test=test)
    lacks: list[str] | None = None
    if request.method == "POST" and form.is_valid():
        values = form.values()
        try:
            if "verifier" in request.POST and draft:
                lacks = publishing.lacks_with(test, values)
            else:
                services.edit(actor=request.actor, test=test, now=clock.now(), **values)
                messages.success(request, "Test enregistré.")
                return redirect("tests-detail", uid=uid)
        except Refused as refused:
            show_refusal(form, refused)
    elif draft and request.method != "POST":
        lacks = publishing.missing(test)
    stock = pages.stock_of(test.bank) if draft else []
    context = {"test": test, "form": form, "draft": draft, "lacks": lacks, "stock": stock}
    if isinstance(form, BlueprintForm):
        context["quotas"] = zip(form.quotas(), stock, strict=True)
    return render(request, "assessment/tests/edit.html", context)


@staff(VIEW)
def tests_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The page of a test: what it is, what the simulator says of it, who took it."""
    test = managed_or_404(request, uid)
    actor, path = request.actor, test.node.path
    draft = test.state == Test.State.DRAFT
    job = test.job
    row = pages.shown_frozen(test)
    frozen = pages.frozen_body(row)
    maker = actor.covers(EDIT, path)
    taken, last = pages.taken_of(actor, test)
    context: dict[str, Any] = {
        "test": test,
        "job": job,
        "going": job is not None and job.state in trials.GOING,
        "percent": 100 * job.done // job.total if job is not None and job.total else None,
        "failed": job.error if job is not None and job.state == Job.State.FAILED else "",
        "lacks": publishing.missing(test) if draft and maker else [],
        "frozen": row,
        "forms": frozen is not None and any(stage.forms for stage in frozen.stages),
        "versions": pages.versions_of(test) if maker else [],
        "changes": (
            pages.changes_of(test, frozen)
            if maker and frozen and test.state == Test.State.PUBLISHED
            else None
        ),
        "taken": taken,
        "last": last,
        "domains": test.plan.get("domains", {}).values(),
        "may_edit": maker and test.state != Test.State.CLOSED,
        "may_try": maker,
        "may_publish": actor.covers(PUBLISH, path),
    }
    if test.verdict:
        context["sentences"] = test_verdict.sentences(test.verdict)
        context["charts"] = test_verdict.charts(test.verdict)
        context["by_domain"] = test_verdict.domains(test.verdict)
    return render(request, "assessment/tests/detail.html", context)


def _attempt(
    request: ActorRequest, uid: uuid.UUID, said: str, act: Callable[[], object]
) -> HttpResponse:
    try:
        act()
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)
    return redirect("tests-detail", uid=uid)


@staff(EDIT)
@require_POST
def tests_try(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Simulate the draft in the background."""
    test = managed_or_404(request, uid, "tests.edit")
    return _attempt(
        request,
        uid,
        "L’essai est lancé : 2 000 personnes simulées passent le test.",
        lambda: trials.start_trial(actor=request.actor, test=test, now=clock.now()),
    )


def _confirmed(
    request: ActorRequest,
    test: Test,
    said: str,
    act: Callable[[], object],
    **context: Any,
) -> HttpResponse:
    if request.method == "POST":
        return _attempt(request, test.uid, said, act)
    cancel = reverse("tests-detail", kwargs={"uid": test.uid})
    return render(request, "web/_confirm.html", {"cancel_url": cancel, **context})


@staff(PUBLISH)
def tests_publish(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Publish in the background, once confirmed."""
    test = managed_or_404(request, uid, "tests.publish")
    return _confirmed(
        request,
        test,
        "La publication est lancée.",
        lambda: trials.start_publication(actor=request.actor, test=test, now=clock.now()),
        title=f"Publier « {test.title} » ?",
        message="Ses questions et ses règles seront figées, puis le test pourra être passé. Le "
        "simulateur le vérifie d’abord : s’il ne mesure pas assez bien, rien n’est publié.",
        details=publishing.missing(test) if test.state == Test.State.DRAFT else [],
        confirm_label="Publier",
        danger=False,
    )


@staff(PUBLISH)
def tests_refreeze(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Freeze again in the background, once confirmed."""
    test = managed_or_404(request, uid, "tests.publish")
    frozen = pages.frozen_body(pages.shown_frozen(test))
    changes = pages.changes_of(test, frozen) if frozen else None
    details = []
    if changes:
        details = [
            f"Questions mesurées de nouveau : {changes.measured}",
            f"Questions nouvelles : {changes.added}",
            f"Questions retirées : {changes.gone}",
        ]
    return _confirmed(
        request,
        test,
        "Le nouveau gel est lancé.",
        lambda: trials.start_refreeze(actor=request.actor, test=test, now=clock.now()),
        title="Figer de nouveau ce test ?",
        message="Les prochains passages suivront les questions et les calibrages du jour. Ceux "
        "qui ont commencé finissent avec ce qu’ils avaient.",
        details=details,
        confirm_label="Figer de nouveau",
        danger=False,
    )


@staff(PUBLISH)
def tests_close(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Close for good, once confirmed."""
    test = managed_or_404(request, uid, "tests.publish")
    return _confirmed(
        request,
        test,
        "Le test est fermé.",
        lambda: services.close(actor=request.actor, test=test, now=clock.now()),
        title=f"Fermer « {test.title} » ?",
        message="Personne ne pourra plus le commencer. Les passages en cours peuvent être finis, "
        "et les résultats restent.",
        confirm_label="Fermer le test",
    )


@staff(EDIT)
def tests_delete(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Throw a draft away, once confirmed."""
    test = managed_or_404(request, uid, "tests.edit")
    if request.method == "POST":
        try:
            services.delete(actor=request.actor, test=test, now=clock.now())
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("tests-detail", uid=uid)
        messages.success(request, f"Le brouillon « {test.title} » est supprimé.")
        return redirect("tests-list")
    context = {
        "title": f"Supprimer « {test.title} » ?",
        "message": "Ce brouillon et ses essais seront supprimés. La banque garde ses questions.",
        "confirm_label": "Supprimer",
        "cancel_url": reverse("tests-detail", kwargs={"uid": uid}),
    }
    return render(request, "web/_confirm.html", context)
