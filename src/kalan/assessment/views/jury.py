"""The jury's screen: the list, decisions for one or many, publication, exports, minutes."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render

from kalan.assessment.documents import papers
from kalan.assessment.forms.exams import ReasonForm
from kalan.assessment.models import Candidate, Exam
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors.jury import Line, cut_of, lines, simulated
from kalan.assessment.services import jury as services
from kalan.assessment.views.exams import exam_or_404, pdf_response
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.people.http import ActorRequest, staff

JURY = CAPABILITIES["exams.jury"]


@staff(JURY)
def exam_jury(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Candidates with measure, proposal, risk and what happened; decisions are posted here."""
    exam = exam_or_404(request, uid, "exams.jury")
    if request.method == "POST":
        _decide(request, exam)
        return redirect("exam-jury", uid=exam.uid)
    rows = lines(exam, now=clock.now())
    context = {
        "exam": exam,
        "lines": [(line, services.stamp(line.candidate)) for line in rows],
        "cut": cut_of(exam),
        "choices": [choice for choice in Candidate.Decision.choices if choice[0]],
        "missing": services.missing(exam, rows),
        "simulated": simulated(exam),
        "near": sum(1 for line in rows if line.proposal and line.proposal.near),
        "sat": sum(1 for line in rows if line.sat),
        "decided": sum(1 for line in rows if line.candidate.decision),
        "closed": exam.state == Exam.State.CLOSED,
        "published": exam.state == Exam.State.PUBLISHED,
    }
    return render(request, "assessment/exams/jury.html", context)


def _decide(request: ActorRequest, exam: Exam) -> None:
    decision = request.POST.get("decision", "")
    ticked = request.POST.getlist("candidate")
    if decision == "none":
        decision = ""
    elif not decision:
        messages.error(request, "Choisissez une décision.")
        return
    if not ticked:
        messages.error(request, "Aucun candidat coché. Cochez-en au moins un.")
        return
    try:
        said = services.decide(
            actor=request.actor,
            exam=exam,
            wanted=dict.fromkeys(ticked, decision),
            seen={uid: request.POST.get(f"seen-{uid}", "") for uid in ticked},
            note=request.POST.get("note", ""),
            now=clock.now(),
        )
    except Refused as refused:
        messages.error(request, str(refused))
        return
    if said.changed:
        messages.success(request, f"Décisions enregistrées : {len(said.changed)}.")
    if said.conflicts:
        messages.error(
            request,
            "Un autre membre du jury a décidé entre-temps, rien n’a changé pour : "
            + ", ".join(said.conflicts)
            + ". Relisez la liste, puis décidez de nouveau.",
        )
    if said.lacking:
        messages.error(request, "Non décidé : " + ", ".join(said.lacking) + ".")
    if not (said.changed or said.conflicts or said.lacking):
        messages.info(request, "Ces décisions étaient déjà prises.")


@staff(JURY)
def exam_publish(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Publish the results, once confirmed."""
    exam = exam_or_404(request, uid, "exams.jury")
    if request.method == "POST":
        try:
            services.publish(actor=request.actor, exam=exam, now=clock.now())
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "Résultats publiés : chaque candidat voit le sien.")
        return redirect("exam-jury", uid=exam.uid)
    rows = lines(exam, now=clock.now())
    lacks = services.missing(exam, rows)
    counted = {
        label: sum(1 for line in rows if line.candidate.decision == code)
        for code, label in Candidate.Decision.choices
        if code
    }
    context: dict[str, Any] = {
        "title": "Publier les résultats",
        "message": "Chaque candidat verra son résultat dans son espace."
        if not lacks
        else "Publication impossible pour l’instant : " + " ; ".join(lacks) + ".",
        "details": [f"{label} : {number}" for label, number in counted.items()],
        "confirm_label": "Publier",
        "cancel_url": f"/gestion/examens/{exam.uid}/jury/",
        "danger": False,
    }
    if simulated(exam):
        context["details"].append("Calibrage simulé : la démonstration seule les publie.")
    return render(request, "web/_confirm.html", context)


@staff(JURY)
def exam_unpublish(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Take the publication back, with a reason."""
    exam = exam_or_404(request, uid, "exams.jury")
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.unpublish(actor=request.actor, exam=exam, now=clock.now(), **form.cleaned_data)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "Publication retirée : les candidats ne voient plus rien.")
        return redirect("exam-jury", uid=exam.uid)
    context = {
        "title": "Retirer la publication",
        "message": "Les candidats ne verront plus leur résultat. Le motif reste dans l’historique.",
        "form": form,
        "confirm_label": "Retirer la publication",
        "cancel_url": f"/gestion/examens/{exam.uid}/jury/",
    }
    return render(request, "web/_confirm.html", context)


_HEADS = [
    "Nom", "Matricule", "Décision", "Motif", "Score", "Score bas (95 %)", "Score haut (95 %)",
    "Proposition", "Risque d’erreur (%)", "Proche du seuil", "Réponses", "Minutes",
    "Page quittée", "Questions remplacées", "Incidents", "Temps en plus (%)", "Calibrage",
]  # fmt: skip


@staff(JURY)
def exam_results(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Results as XLSX or CSV."""
    exam = exam_or_404(request, uid, "exams.jury")
    label = "calibrage simulé" if simulated(exam) else "calibré"
    rows = (_cells(line, label) for line in lines(exam, now=clock.now()))
    return table_response(f"resultats-{exam.date}", _HEADS, rows, request.GET.get("format", "xlsx"))


def _cells(line: Line, label: str) -> list[Any]:
    row, found = line.candidate, line.proposal
    return [
        str(row.account),
        row.account.agent.matricule if row.account.agent else "",
        row.get_decision_display() if line.sat else "absent",
        row.decision_note,
        line.score,
        line.low,
        line.high,
        Candidate.Decision(found.verdict).label if found else "",
        found.percent if found else None,
        found.near if found else None,
        line.result.answers if line.result else 0,
        line.minutes,
        line.lost,
        line.replaced,
        line.incidents,
        row.extra_percent,
        label,
    ]


@staff(JURY)
def exam_minutes(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The jury's minutes, to sign."""
    exam = exam_or_404(request, uid, "exams.jury")
    return pdf_response(papers.minutes_pdf(exam, now=clock.now()), f"proces-verbal-{exam.date}")
