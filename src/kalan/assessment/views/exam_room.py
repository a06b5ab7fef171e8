"""The invigilator's screen: who is there, who is where, who calls; one button for each act."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from kalan.assessment.forms.exams import IncidentForm, ReasonForm
from kalan.assessment.models import Candidate, Exam
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors.exams import (
    events_of,
    may,
    places,
    stage_of,
)
from kalan.assessment.services import exam_room as services
from kalan.assessment.views.exams import candidate_or_404, exam_or_404
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.text import whole
from kalan.people.double import once
from kalan.people.http import ActorRequest, show_refusal, staff

INVIGILATE = CAPABILITIES["exams.invigilate"]


def _context(exam: Exam) -> dict[str, Any]:
    now = clock.now()
    rows = places(exam, now=now)
    return {
        "exam": exam,
        "places": rows,
        "now": now,
        "today": clock.today(),
        "address": _address(),
        "calls": sum(1 for row in rows if row.candidate.alert_at),
        "running": sum(1 for row in rows if row.running),
        "waiting": sum(1 for row in rows if row.stage == "arrived"),
    }


def _address() -> str:
    """Where candidates type the code of the room, as one says it aloud: without the scheme."""
    return settings.KALAN_BASE_URL.rstrip("/").split("://")[-1] + reverse("exam-enter")


@staff(INVIGILATE)
def exam_room(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The room; its buttons post back here."""
    exam = exam_or_404(request, uid, "exams.invigilate")
    if request.method == "POST":
        _room_act(request, exam)
        return redirect("exam-room", uid=exam.uid)
    return render(request, "assessment/exams/room.html", _context(exam))


@staff(INVIGILATE)
def exam_room_state(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The part of the room's page that changes, asked again by a script."""
    exam = exam_or_404(request, uid, "exams.invigilate")
    return render(request, "assessment/exams/_room.html", _context(exam))


def _room_act(request: ActorRequest, exam: Exam) -> None:
    acts: dict[str, tuple[Callable[..., Any], str]] = {
        "open": (services.open_room, "La salle est ouverte : le code fonctionne."),
        "renew": (services.renew_code, "Nouveau code. L’ancien n’ouvre plus rien."),
        "allow": (services.allow_all, "Départ autorisé à toutes les personnes présentes."),
    }
    known = acts.get(request.POST.get("action", ""))
    if known is None:
        messages.error(request, "Action inconnue : rechargez la page.")
        return
    act, said = known
    try:
        act(actor=request.actor, exam=exam, now=clock.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)


@staff(INVIGILATE)
def exam_end(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """End the exam, once confirmed."""
    exam = exam_or_404(request, uid, "exams.invigilate")
    if request.method == "POST":
        try:
            services.end_exam(actor=request.actor, exam=exam, now=clock.now())
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "Examen terminé. Le jury prend la suite.")
        return redirect("exam-room", uid=exam.uid)
    running = _context(exam)["running"]
    context = {
        "title": "Terminer l’examen",
        "message": f"{running} candidat(s) répondent encore : leurs réponses sont gardées et leur "
        "passation s’arrête là."
        if running
        else "Plus personne ne répond. La salle sera fermée.",
        "confirm_label": "Terminer l’examen",
        "cancel_url": f"/gestion/examens/{exam.uid}/salle/",
    }
    return render(request, "web/_confirm.html", context)


@staff(CAPABILITIES["exams.view"])
@once
def exam_candidate_file(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """One candidate: what happened so far, and what the invigilator may do."""
    row = candidate_or_404(request, uid)
    incident, stopping = IncidentForm(), ReasonForm(prefix="stop")
    if request.method == "POST":
        candidate_or_404(request, uid, "exams.invigilate")
        action = request.POST.get("action", "")
        if action == "incident":
            incident = IncidentForm(request.POST)
        if action == "stop":
            stopping = ReasonForm(request.POST, prefix="stop")
        if _candidate_act(request, row, action, incident, stopping):
            if request.POST.get("back") == "room":
                return redirect("exam-room", uid=row.exam.uid)
            return redirect("exam-candidate-file", uid=row.uid)
    now = clock.now()
    context = {
        "row": row,
        "exam": row.exam,
        "place": next(p for p in places(row.exam, now=now) if p.candidate.pk == row.pk),
        "events": events_of(row),
        "categories": services.INCIDENTS,
        "incident": incident,
        "stopping": stopping,
        "stage": stage_of(row, now),
        "may_invigilate": may(request.actor, "exams.invigilate", row.exam),
    }
    return render(request, "assessment/exams/candidate_file.html", context)


def _candidate_act(
    request: ActorRequest,
    row: Candidate,
    action: str,
    incident: IncidentForm,
    stopping: ReasonForm,
) -> bool:
    """Do what a button asks; False to show a form again."""
    given: dict[str, Any] = {"actor": request.actor, "candidate": row, "now": clock.now()}
    try:
        match action:
            case "arrive":
                services.mark_arrived(**given, arrived=True)
                said = f"{row.account} : présent, identité vérifiée."
            case "absent":
                services.mark_arrived(**given, arrived=False)
                said = f"{row.account} : noté absent."
            case "allow":
                services.allow_start(**given)
                said = f"{row.account} peut commencer."
            case "resume":
                services.allow_resume(**given)
                said = f"{row.account} peut reprendre sur un autre appareil."
            case "replace":
                number = whole(request.POST.get("number", "")) or 0
                services.replace(**given, number=number)
                said = f"Question {number} de {row.account} remplacée."
            case "dismiss":
                services.dismiss_alert(**given)
                said = f"Appel de {row.account} traité."
            case "incident":
                if not incident.is_valid():
                    return False
                services.incident(**given, **incident.cleaned_data)
                said = "Incident noté."
            case "stop":
                if not stopping.is_valid():
                    return False
                services.stop(**given, reason=stopping.cleaned_data["reason"])
                said = f"Passation de {row.account} arrêtée."
            case _:
                raise Refused("Action inconnue.", remedy="Rechargez la page.")
    except Refused as refused:
        if action == "incident":
            show_refusal(incident, refused)
            return False
        messages.error(request, str(refused))
        return True
    messages.success(request, said)
    return True
