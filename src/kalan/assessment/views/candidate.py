"""What a candidate sees of an exam: the code, the rules, the start, a call, the result."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from kalan.assessment.exam_part import DEVICE
from kalan.assessment.forms.exams import CallForm, CodeForm
from kalan.assessment.models import Candidate, Exam
from kalan.assessment.selectors.exams import (
    coming_exams,
    number_asked,
    own_candidacies,
    stage_of,
)
from kalan.assessment.selectors.jury import cut_of, simulated
from kalan.assessment.selectors.sittings import result_of
from kalan.assessment.services import candidates as services
from kalan.assessment.services.sittings import play_url
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.text import whole
from kalan.engine.testing.outcome import Z95, scaled
from kalan.people.http import ActorRequest, show_refusal, signed_in


def device_of(request: ActorRequest) -> str:
    """A secret of this browser's session: what tells one device from another."""
    if not request.session.get(DEVICE):
        request.session[DEVICE] = secrets.token_urlsafe(24)
    return str(request.session[DEVICE])


def _own(request: ActorRequest, uid: uuid.UUID) -> Candidate:
    return get_object_or_404(own_candidacies(request.actor), uid=uid)


@signed_in
def exam_enter(request: ActorRequest) -> HttpResponseBase:
    """The code that the invigilator shows; the exams for which one is enrolled."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = services.enter(
                actor=request.actor, code=form.cleaned_data["code"], now=clock.now()
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("exam-candidate", uid=row.uid)
    coming = coming_exams(request.actor, today=clock.today())
    return render(request, "assessment/exams/enter.html", {"form": form, "coming": coming})


@signed_in
def exam_candidate(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The candidate's page: rules and start, other device, the end, the published result."""
    row = _own(request, uid)
    if request.method == "POST":
        return _begin(request, row)
    now = clock.now()
    stage = stage_of(row, now)
    test = row.exam.test
    minutes = test.minutes
    context: dict[str, Any] = {
        "row": row,
        "exam": row.exam,
        "stage": stage,
        "open": row.exam.state == Exam.State.OPEN,
        "minutes": None if minutes is None else minutes * (100 + row.extra_percent) // 100,
        "watched": services.watches(row),
        "here": stage == "running" and row.device == device_of(request),
        "published": row.exam.state == Exam.State.PUBLISHED,
    }
    if stage == "running" and row.sitting is not None:
        context["play_url"] = play_url(row.sitting)
    if context["published"]:
        context |= _result(row)
    return render(request, "assessment/exams/candidate.html", context)


def _begin(request: ActorRequest, row: Candidate) -> HttpResponseBase:
    act = services.take_over if request.POST.get("action") == "resume" else services.begin
    try:
        kept = act(actor=request.actor, uid=row.uid, device=device_of(request), now=clock.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("exam-candidate", uid=row.uid)
    assert kept.sitting is not None
    return redirect(play_url(kept.sitting))


def _result(row: Candidate) -> dict[str, Any]:
    shown = row.decision in (Candidate.Decision.PASSED, Candidate.Decision.FAILED)
    result = result_of(row.sitting) if row.sitting is not None and shown else None
    found: dict[str, Any] = {"simulated": simulated(row.exam), "cut": cut_of(row.exam)}
    if result is not None and result.theta is not None and result.se is not None:
        found["score"] = scaled(result.theta)
        found["low"] = scaled(result.theta - Z95 * result.se)
        found["high"] = scaled(result.theta + Z95 * result.se)
    return found


@signed_in
def exam_call(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Call the invigilator about the question on screen, or replace it after three minutes."""
    row = _own(request, uid)
    if stage_of(row, clock.now()) != "running" or row.sitting is None:
        return redirect("exam-candidate", uid=row.uid)
    form = CallForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given: dict[str, Any] = {
            "actor": request.actor,
            "uid": row.uid,
            "device": device_of(request),
            "number": whole(request.POST.get("number", "")) or 0,
            "now": clock.now(),
        }
        try:
            if request.POST.get("action") == "replace":
                services.replace(**given)
                return redirect(play_url(row.sitting))
            services.call(**given, text=form.cleaned_data["text"])
        except Refused as refused:
            messages.error(request, str(refused))
        return redirect("exam-call", uid=row.uid)
    context = {
        "row": row,
        "exam": row.exam,
        "number": number_asked(row.sitting),
        "rule": services.replacement(row, now=clock.now()),
        "play_url": play_url(row.sitting),
        "form": form,
    }
    return render(request, "assessment/exams/call.html", context)
