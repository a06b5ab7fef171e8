"""Documents to print or to keep."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from kalan.base import clock
from kalan.base.exports import name_file
from kalan.people.http import ActorRequest, signed_in, staff
from kalan.training.documents.calendar import session_ics
from kalan.training.documents.papers import convocations_pdf, payments_pdf, sheet_pdf
from kalan.training.documents.report import report_pdf
from kalan.training.models import Registration, Session
from kalan.training.policy import CAPABILITIES
from kalan.training.selectors.costs import payment_list
from kalan.training.selectors.registrations import by_name, my_registrations, participants_of
from kalan.training.selectors.sessions import abilities
from kalan.training.views.common import session_or_404

VIEW = CAPABILITIES["sessions.view"]
_CONVOKED = (Registration.State.APPROVED, Registration.State.CONVOKED)


def file_response(content: bytes, name: str, kind: str = "application/pdf") -> HttpResponse:
    """``content`` shown by the browser if it can, saved as ``name`` otherwise."""
    response = HttpResponse(content, content_type=kind)
    name_file(response, name, attachment=False)
    return response


@staff(VIEW)
def sheet(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid)
    return file_response(sheet_pdf(session), f"feuille-{session.code}.pdf")


@staff(CAPABILITIES["sessions.convoke"])
def convocations(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """One page per retained or convoked person."""
    session = session_or_404(request, uid, "sessions.convoke")
    rows = participants_of(session).filter(state__in=_CONVOKED)
    people = list(by_name(rows))
    if not people:
        messages.error(request, "Personne n’est encore retenu : rien à imprimer.")
        return redirect("session-detail", uid=uid)
    content = convocations_pdf(session, people, now=clock.now())
    return file_response(content, f"convocations-{session.code}.pdf")


@staff(VIEW)
def report(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid)
    may = abilities(request.actor, session)
    content = report_pdf(
        session,
        with_costs="costs.view" in may,
        with_satisfaction="satisfaction.view" in may,
        with_learning="learning.view" in may,
        now=clock.now(),
    )
    return file_response(content, f"rapport-{session.code}.pdf")


@staff(CAPABILITIES["payments.view"])
def payments(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid, "payments.view")
    if session.state != Session.State.VALIDATED:
        return redirect("session-payments", uid=uid)
    content = payments_pdf(payment_list(session))
    return file_response(content, f"paiement-{session.code}.pdf")


@staff(VIEW)
def calendar(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid)
    content = session_ics(session, now=clock.now())
    return file_response(content, f"{session.code}.ics", "text/calendar; charset=utf-8")


@signed_in
def my_calendar(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The dates of a session that the signed-in agent follows."""
    line = get_object_or_404(my_registrations(request.actor), session__uid=uid)
    content = session_ics(line.session, now=clock.now())
    return file_response(content, f"{line.session.code}.ics", "text/calendar; charset=utf-8")


@signed_in
def my_convocation(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The signed-in agent's own convocation, once the session is convoked."""
    mine = my_registrations(request.actor).filter(state=Registration.State.CONVOKED)
    line = get_object_or_404(mine.select_related("agent__cadre", "structure"), session__uid=uid)
    session = Session.objects.select_related("theme", "programme", "node", "organiser").get(
        pk=line.session_id
    )
    content = convocations_pdf(session, [line], now=clock.now())
    return file_response(content, f"convocation-{session.code}.pdf")
