"""Sessions: the list, the page of one, planning and its parts."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponseBase
from django.shortcuts import redirect, render

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.text import fold
from kalan.people.actor import path_range
from kalan.people.double import once
from kalan.people.http import ActorRequest, posted, show_refusal, staff
from kalan.training.forms.fields import slot_code
from kalan.training.forms.sessions import (
    LANGUAGES,
    HalfDaysForm,
    SessionFilters,
    SessionForm,
    session_data,
    session_initial,
)
from kalan.training.models import AnonymousCount, Mode, Session
from kalan.training.policy import CAPABILITIES
from kalan.training.selectors.conflicts import double_presences
from kalan.training.selectors.duties import SESSION_DUTIES
from kalan.training.selectors.programmes import programmes_visible_to
from kalan.training.selectors.registrations import by_name, participants_of, places_of
from kalan.training.selectors.sessions import (
    abilities,
    corrections_of,
    half_day_summaries,
    half_days_of,
    regions_of,
    sessions_visible_to,
    trainers_of,
    with_numbers,
)
from kalan.training.services import planning
from kalan.training.services import sessions as services
from kalan.training.views.actions import steps_for
from kalan.training.views.common import session_or_404

VIEW = CAPABILITIES["sessions.view"]
PLAN = CAPABILITIES["sessions.plan"]

_EXPORT = {
    "Code": "code",
    "Titre": "title",
    "Programme": "programme__name",
    "Thème": "theme__name",
    "Lieu": "node__name",
    "Début": "start",
    "Fin": "end",
    "Mode": "mode",
    "État": "state",
    "Inscriptions": "inscriptions",
}


@staff(VIEW)
def session_list(request: ActorRequest) -> HttpResponseBase:
    """Sessions in scope by date: the coming ones first when asked, else the latest first."""
    filters = SessionFilters(
        request.GET or None, actor=request.actor, regions=regions_of(request.actor)
    )
    rows = with_numbers(sessions_visible_to(request.actor))
    coming = request.GET.get("quand") == "a-venir"
    if filters.is_valid():
        rows = _filtered(rows, filters.cleaned_data)
        if code := filters.cleaned_data["a_faire"]:
            waiting = SESSION_DUTIES[code][1](request.actor, clock.today())
            rows = rows.filter(pk__in=waiting.values("pk"))
    order = ("start", "pk") if coming else ("-start", "-pk")
    if fmt := request.GET.get("format"):
        lines = rows.order_by(*order).values_list(*_EXPORT.values())
        return table_response("sessions", list(_EXPORT), _readable(lines), fmt)
    context = {
        "page": paginate(rows, request, order=order),
        "filters": filters,
        "coming": coming,
        "today": clock.today(),
        "may_plan": request.actor.can(PLAN),
    }
    return render(request, "training/planning/session_list.html", context)


def _filtered(rows: QuerySet[Session], wanted: dict[str, Any]) -> QuerySet[Session]:
    for word in wanted["q"].split():
        rows = rows.filter(
            Q(title__icontains=word)
            | Q(code__icontains=word)
            | Q(place__icontains=word)
            | Q(node__search__contains=fold(word))
        )
    for name in ("programme", "theme", "state", "mode"):
        if wanted[name]:
            rows = rows.filter(**{name: wanted[name]})
    if wanted["region"]:
        low, high = path_range(wanted["region"])
        rows = rows.filter(node__path__gte=low, node__path__lt=high)
    if wanted["quand"] == "a-venir":
        rows = rows.filter(end__gte=clock.today())
    if wanted["du"]:
        rows = rows.filter(end__gte=wanted["du"])
    if wanted["au"]:
        rows = rows.filter(start__lte=wanted["au"])
    return rows


def _readable(lines: Any) -> Any:
    for line in lines:
        *head, mode, state, number = line
        yield [*head, Mode(mode).label, Session.State(state).label, number]


@staff(VIEW)
def session_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Everything about one session, and what this person may do next."""
    session = session_or_404(request, uid)
    may = abilities(request.actor, session)
    people = list(by_name(participants_of(session)))
    states = frozenset(line.state for line in people)
    context = {
        "session": session,
        "may": {name.replace(".", "_") for name in may},
        "steps": steps_for(session, may, today=clock.today(), states=states),
        "people": people,
        "listed": [line for line in people if line.state in line.COUNTED],
        "waiting": [line for line in people if line.state == line.State.WAITING],
        "aside": [
            line
            for line in people
            if line.state not in line.COUNTED and line.state != line.State.WAITING
        ],
        "half_days": half_day_summaries(session),
        "trainers": trainers_of(session),
        "places": places_of(session),
        "anonymous": AnonymousCount.objects.filter(session=session).order_by("pk"),
        "conflicts": double_presences(session),
        "corrections": session.corrections.count(),
        "language": dict(LANGUAGES).get(session.language, session.language),
        "programme_open": programmes_visible_to(request.actor)
        .filter(pk=session.programme_id or 0)
        .exists(),
        "cascade": sessions_visible_to(request.actor)
        .filter(parent=session)
        .order_by("start", "pk"),
    }
    return render(request, "training/planning/session_detail.html", context)


@staff(PLAN)
@once
def session_plan(request: ActorRequest) -> HttpResponseBase:
    """Plan a session. ``?programme=code`` chooses the programme beforehand."""
    form = SessionForm(posted(request), actor=request.actor, initial=_beforehand(request))
    if request.method == "POST" and form.is_valid():
        try:
            session = services.plan_session(
                actor=request.actor, now=clock.now(), data=session_data(form, None)
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(
                request, f"Session {session.code} prévue. Choisissez maintenant ses formateurs."
            )
            return redirect("session-trainers", uid=session.uid)
    context = {"form": form, "session": None}
    return render(request, "training/planning/session_form.html", context)


def _beforehand(request: ActorRequest) -> dict[str, Any]:
    code = request.GET.get("programme", "")
    programme = programmes_visible_to(request.actor).filter(code=code).first() if code else None
    title = request.GET.get("titre", "")[:200]  # proposed by a campaign's needs
    return {"programme": programme, "title": title} if programme else {"title": title}


@staff(PLAN)
def session_edit(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid, "sessions.plan")
    form = SessionForm(
        posted(request),
        actor=request.actor,
        session=session,
        initial=session_initial(session),
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.update_session(
                actor=request.actor,
                now=clock.now(),
                session=session,
                data=session_data(form, planning.data_of(session)),
                reason=form.cleaned_data.get("reason", ""),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Session enregistrée.")
            return redirect("session-detail", uid=uid)
    context = {"form": form, "session": session}
    return render(request, "training/planning/session_form.html", context)


@staff(PLAN)
def session_half_days(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Tick the half-days that are held."""
    session = session_or_404(request, uid, "sessions.plan")
    held = [slot_code(h.date, h.part) for h in half_days_of(session)]
    form = HalfDaysForm(posted(request), session=session, initial={"half_days": held})
    if request.method == "POST" and form.is_valid():
        try:
            planning.set_half_days(
                actor=request.actor,
                now=clock.now(),
                session=session,
                half_days=form.slots(),
                reason=form.cleaned_data.get("reason", ""),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Demi-journées enregistrées.")
            return redirect("session-detail", uid=uid)
    context = {"form": form, "session": session}
    return render(request, "training/planning/session_half_days.html", context)


@staff(VIEW)
def session_history(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Corrections made after validation: when, who, why, what."""
    session = session_or_404(request, uid)
    context = {"session": session, "corrections": corrections_of(session)}
    return render(request, "training/planning/session_history.html", context)
