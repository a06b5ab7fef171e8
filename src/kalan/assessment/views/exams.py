"""Exams planned: list, page of one, enrolment, accommodations, papers to print."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from kalan.assessment.documents import papers
from kalan.assessment.forms.exams import (
    AccommodationForm,
    ExamFilters,
    ExamForm,
    MatriculesForm,
    SearchForm,
)
from kalan.assessment.models import Candidate, Exam
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors.exams import (
    candidates_in_rooms_of,
    candidates_of,
    exams_visible_to,
    listed,
    may,
    search_accounts,
    search_exams,
)
from kalan.assessment.selectors.jury import simulated
from kalan.assessment.services import exams as services
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import name_file, table_response
from kalan.base.lists import paginate
from kalan.people.double import once
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.people.models import Account

VIEW = CAPABILITIES["exams.view"]
PLAN = CAPABILITIES["exams.plan"]
_FOUND = 50  # people proposed at once


def exam_or_404(request: ActorRequest, uid: uuid.UUID, capability: str = "exams.view") -> Exam:
    rows = exams_visible_to(request.actor, capability)
    return get_object_or_404(rows.select_related("test", "node", "invigilator"), uid=uid)


def candidate_or_404(
    request: ActorRequest, uid: uuid.UUID, capability: str = "exams.view"
) -> Candidate:
    return get_object_or_404(candidates_in_rooms_of(request.actor, capability), uid=uid)


def pdf_response(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type="application/pdf")
    name_file(response, f"{name}.pdf", attachment=False)
    return response


@staff(VIEW)
def exam_list(request: ActorRequest) -> HttpResponseBase:
    """Exams in scope, latest day first."""
    filters = ExamFilters(request.GET or None)
    rows = listed(exams_visible_to(request.actor))
    if filters.is_valid():
        rows = search_exams(rows, filters.cleaned_data["q"])
        if state := filters.cleaned_data["state"]:
            rows = rows.filter(state=state)
    if fmt := request.GET.get("format"):
        heads = ["Titre", "Test", "Territoire", "Lieu", "Jour", "État", "Candidats"]
        lines = (
            [
                e.title,
                e.test.title,
                e.node.name,
                e.place,
                e.date,
                e.get_state_display(),
                vars(e)["enrolled"],
            ]
            for e in rows.order_by("-date", "-pk")
        )
        return table_response("examens", heads, lines, fmt)
    context = {
        "page": paginate(rows, request, order=("-date", "-pk")),
        "filters": filters,
        "may_plan": request.actor.can(PLAN),
    }
    return render(request, "assessment/exams/list.html", context)


@staff(PLAN)
@once
def exam_new(request: ActorRequest) -> HttpResponseBase:
    """Plan an exam."""
    form = ExamForm(request.POST or None, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.plan(actor=request.actor, now=clock.now(), **form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Examen planifié. Inscrivez les candidats.")
            return redirect("exam-enrol", uid=made.uid)
    return render(request, "assessment/exams/form.html", {"form": form, "exam": None})


@staff(PLAN)
def exam_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Change what was planned."""
    exam = exam_or_404(request, uid, "exams.plan")
    names = ("title", "test", "node", "place", "date", "invigilator", "replacements")
    initial = {name: getattr(exam, name) for name in names}
    form = ExamForm(request.POST or None, actor=request.actor, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.edit(actor=request.actor, exam=exam, now=clock.now(), **form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Examen modifié.")
            return redirect("exam-detail", uid=exam.uid)
    return render(request, "assessment/exams/form.html", {"form": form, "exam": exam})


@staff(PLAN)
def exam_delete(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Give up an exam, once confirmed."""
    exam = exam_or_404(request, uid, "exams.plan")
    if request.method == "POST":
        try:
            services.delete(actor=request.actor, exam=exam, now=clock.now())
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("exam-detail", uid=exam.uid)
        messages.success(request, f"Examen « {exam.title} » supprimé.")
        return redirect("exam-list")
    context = {
        "title": "Supprimer cet examen",
        "message": f"« {exam.title} » du {exam.date:%d/%m/%Y} et sa liste de candidats seront "
        "supprimés.",
        "confirm_label": "Supprimer",
        "cancel_url": f"/gestion/examens/{exam.uid}/",
    }
    return render(request, "web/_confirm.html", context)


@staff(VIEW)
def exam_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """One exam: what is planned, who is enrolled, what comes next."""
    exam = exam_or_404(request, uid)
    context = {
        "exam": exam,
        "candidates": candidates_of(exam),
        "may_plan": may(request.actor, "exams.plan", exam),
        "may_invigilate": may(request.actor, "exams.invigilate", exam),
        "may_judge": may(request.actor, "exams.jury", exam),
        "today": clock.today(),
        "simulated": simulated(exam),
    }
    return render(request, "assessment/exams/detail.html", context)


@staff(PLAN)
@once
def exam_enrol(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Enrol by search, by structure, or by a list of matricules."""
    exam = exam_or_404(request, uid, "exams.plan")
    search = SearchForm(request.GET or None)
    pasted = MatriculesForm(request.POST if "matricules" in request.POST else None)
    said = None
    if request.method == "POST":
        try:
            said = _enrol(request, exam, pasted)
        except Refused as refused:
            if "matricules" in request.POST:
                show_refusal(pasted, refused)
            else:
                messages.error(request, str(refused))
        if said and not (said.waiting or said.unknown or said.without or said.already):
            messages.success(request, f"Candidats inscrits : {len(said.added)}.")
            return redirect("exam-detail", uid=exam.uid)
    found: list[Account] = []
    more = False
    if search.is_valid() and any(search.cleaned_data.values()):
        wanted = search.cleaned_data
        rows = search_accounts(request.actor, exam, text=wanted["q"], structure=wanted["structure"])
        found = list(rows[: _FOUND + 1])
        found, more = found[:_FOUND], len(found) > _FOUND
    context = {
        "exam": exam,
        "search": search,
        "pasted": pasted,
        "said": said,
        "found": found,
        "more": more,
        "searched": bool(request.GET),
    }
    return render(request, "assessment/exams/enrol.html", context)


def _enrol(request: ActorRequest, exam: Exam, pasted: MatriculesForm) -> services.Enrolment | None:
    if "matricules" in request.POST:
        if not pasted.is_valid():
            return None
        return services.enrol_matricules(
            actor=request.actor,
            exam=exam,
            text=pasted.cleaned_data["matricules"],
            despite=pasted.cleaned_data["despite"],
            now=clock.now(),
        )
    uids = []
    for text in request.POST.getlist("account"):
        try:
            uids.append(uuid.UUID(text))
        except ValueError:
            continue
    if not uids:
        raise Refused("Personne n’est coché.", remedy="Cochez au moins une personne.")
    return services.enrol(
        actor=request.actor,
        exam=exam,
        accounts=Account.objects.filter(uid__in=uids),
        despite=request.POST.get("despite", ""),
        now=clock.now(),
    )


@staff(PLAN)
def exam_accommodate(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Extra time, accessible questions, assistive technology of one candidate."""
    row = candidate_or_404(request, uid, "exams.plan")
    initial = {name: getattr(row, name) for name in AccommodationForm.base_fields}
    form = AccommodationForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.accommodate(
                actor=request.actor, candidate=row, now=clock.now(), **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"Aménagements de {row.account} enregistrés.")
            return redirect("exam-detail", uid=row.exam.uid)
    return render(request, "assessment/exams/accommodate.html", {"form": form, "row": row})


@staff(PLAN)
def exam_withdraw(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Take somebody off the list, once confirmed."""
    row = candidate_or_404(request, uid, "exams.plan")
    if request.method == "POST":
        try:
            services.withdraw(actor=request.actor, candidate=row, now=clock.now())
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, f"{row.account} n’est plus sur la liste.")
        return redirect("exam-detail", uid=row.exam.uid)
    context = {
        "title": "Retirer un candidat",
        "message": f"{row.account} ne sera plus inscrit à « {row.exam.title} ».",
        "confirm_label": "Retirer",
        "cancel_url": f"/gestion/examens/{row.exam.uid}/",
    }
    return render(request, "web/_confirm.html", context)


@staff(VIEW)
def exam_sheet(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The attendance sheet to sign."""
    exam = exam_or_404(request, uid)
    return pdf_response(papers.sheet_pdf(exam), f"emargement-{exam.date}")


@staff(CAPABILITIES["exams.invigilate"])
def exam_kit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The invigilator's kit: code, rules, steps, incident form."""
    exam = exam_or_404(request, uid, "exams.invigilate")
    return pdf_response(papers.kit_pdf(exam), f"surveillant-{exam.date}")
