"""The questionnaire on the trainee's phone, keyed from paper, and its results."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.qr import qr_svg
from kalan.base.small_groups import MIN_REPLIES
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.training import policy
from kalan.training.forms.satisfaction import SatisfactionForm
from kalan.training.models import MarkSource
from kalan.training.selectors.attendance import markable_sessions
from kalan.training.selectors.satisfaction import (
    expected_answers,
    is_open,
    results_of,
    session_of_code,
    sessions_with_results,
)
from kalan.training.services.satisfaction import record_satisfaction
from kalan.training.views.attendance import MARKERS, session_to_mark

_DONE = "avis"  # cookie: codes answered on this device
_FORM_METHODS = ["GET", "HEAD", "POST"]


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """Type the code that the trainer shows."""
    typed = request.GET.get("code", "")
    session = session_of_code(typed) if typed else None
    if session:
        return redirect("satisfaction", code=session.link_code)
    context = {"typed": typed}
    status = 404 if typed else 200
    return render(request, "training/attendance/opinion_code.html", context, status=status)


@require_http_methods(_FORM_METHODS)
def questionnaire(request: HttpRequest, code: str) -> HttpResponse:
    """No sign-in, no script; sent twice it counts once."""
    session = session_of_code(code)
    if session is None:
        raise Http404
    done = request.COOKIES.get(_DONE, "").split(".")
    form = SatisfactionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            record_satisfaction(
                now=clock.now(),
                session=session,
                client_id=form.cleaned_data["client_id"],
                scores=form.scores(),
                comment=form.cleaned_data["comment"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            response = redirect("satisfaction", code=session.link_code)
            kept = ".".join([*[c for c in done if c][-9:], session.link_code])
            response.set_cookie(_DONE, kept, max_age=90 * 86400, httponly=True, samesite="Lax")
            return response
    context = {
        "session": session,
        "form": form,
        "open": is_open(session, clock.today()),
        "closed": clock.today() > session.end,
        "done": session.link_code in done and "autre" not in request.GET and not form.is_bound,
    }
    status = 422 if form.errors else 200
    return render(request, "training/attendance/opinion.html", context, status=status)


@staff(policy.CAPABILITIES["satisfaction.view"])
@require_safe
def results(request: ActorRequest, uid: UUID) -> HttpResponse:
    session = get_object_or_404(sessions_with_results(request.actor), uid=uid)
    path = reverse("satisfaction", kwargs={"code": session.link_code})
    context = {
        "session": session,
        "results": results_of(session),
        "min_group": MIN_REPLIES,
        "expected": expected_answers(session),
        "address": f"{settings.KALAN_BASE_URL}{path}",
        "qr": qr_svg(f"{settings.KALAN_BASE_URL}{path}"),
        "may_key": markable_sessions(request.actor).filter(pk=session.pk).exists(),
    }
    return render(request, "training/attendance/opinion_results.html", context)


@staff(MARKERS)
@require_http_methods(_FORM_METHODS)
def key_in(request: ActorRequest, uid: UUID) -> HttpResponse:
    """One paper questionnaire after another."""
    session = session_to_mark(request, uid)
    form = SatisfactionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            stored = record_satisfaction(
                actor=request.actor,
                now=clock.now(),
                session=session,
                client_id=form.cleaned_data["client_id"],
                scores=form.scores(),
                comment=form.cleaned_data["comment"],
                source=MarkSource.PAPER,
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            said = "Réponse enregistrée. Au suivant." if stored else "Déjà enregistrée."
            messages.success(request, said)
            return redirect("satisfaction-key", uid=uid)
    context = {"session": session, "form": form}
    status = 422 if form.errors else 200
    return render(request, "training/attendance/opinion_key.html", context, status=status)
