"""The list of participants: designate, retain, wait, outsiders, people known only by number."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.base.text import fold, some
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff
from kalan.people.models import Agent, Cadre
from kalan.training.forms.sessions import AnonymousForm, OutsiderForm
from kalan.training.models import AnonymousCount, Registration, Session
from kalan.training.policy import CAPABILITIES, OPEN_STATES
from kalan.training.selectors.registrations import (
    candidates,
    participants_of,
    places_of,
    waiting_by_rank,
)
from kalan.training.selectors.sessions import abilities
from kalan.training.services import outsiders
from kalan.training.services import registrations as services
from kalan.training.services.outsiders import AnonymousCountData, OutsiderData
from kalan.training.views.common import session_or_404
from kalan.training.views.parts import as_uuid

VIEW = CAPABILITIES["sessions.view"]
DESIGNATE = CAPABILITIES["sessions.designate"]
GUESTS = CAPABILITIES["sessions.participants"]


@staff(DESIGNATE)
def session_designate(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Tick people of one's own structures; each line says how often they were trained."""
    session = session_or_404(request, uid, "sessions.designate")
    if request.method == "POST":
        return _designate(request, session)
    rows = candidates(
        request.actor,
        session,
        search=fold(request.GET.get("q", "")),
        cadre=request.GET.get("cadre", ""),
        never="jamais" in request.GET,
    )
    context = {
        "session": session,
        "page": paginate(rows, request, order=("search", "pk")),
        "places": places_of(session),
        "cadres": Cadre.objects.order_by("rank", "title", "pk"),
        "q": request.GET.get("q", ""),
        "cadre": request.GET.get("cadre", ""),
        "never": "jamais" in request.GET,
        "settled": session.state not in OPEN_STATES,
    }
    return render(request, "training/planning/session_designate.html", context)


def _designate(request: ActorRequest, session: Session) -> HttpResponse:
    wanted = [uid for text in request.POST.getlist("agents") if (uid := as_uuid(text))]
    agents = list(Agent.objects.filter(uid__in=wanted).order_by("search", "pk"))
    try:
        result = services.designate(
            actor=request.actor, now=clock.now(), session=session, agents=agents
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        placed, waiting = len(result.placed), len(result.waiting)
        messages.success(
            request,
            f"{some(placed, 'personne désignée', 'personnes désignées')}"
            + (f", {waiting} en liste d’attente faute de place." if waiting else "."),
        )
    return redirect("session-designate", uid=session.uid)


_Decision = Callable[..., int]
_DECISIONS: dict[str, tuple[_Decision, str]] = {
    "retenir": (services.approve, "retenue"),
    "attente": (services.put_on_waiting_list, "mise en liste d’attente"),
    "refuser": (services.refuse, "écartée"),
    "retirer": (services.withdraw, "retirée"),
}


@staff(VIEW)
def session_participants(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The whole list with its states; who may decide ticks people and chooses what."""
    session = session_or_404(request, uid)
    if request.method == "POST":
        return _decide(request, session)
    if fmt := request.GET.get("format"):
        return _export(session, waiting_by_rank(participants_of(session)), fmt)
    return _list(request, session)


def _list(
    request: ActorRequest, session: Session, *, ticked: frozenset[uuid.UUID] = frozenset()
) -> HttpResponse:
    """The page; ``ticked`` are the lines of a decision that was refused (422)."""
    rows = waiting_by_rank(participants_of(session))
    tick = request.GET.get("cocher", "")
    people = [(line, line.uid in ticked or tick == "tous" or tick == line.state) for line in rows]
    may = abilities(request.actor, session)
    is_open = session.state in OPEN_STATES
    context = {
        "session": session,
        "people": people,
        "designated": sum(line.state == Registration.State.DESIGNATED for line, _ in people),
        "places": places_of(session),
        "may_approve": is_open and "sessions.approve" in may,
        "may_withdraw": is_open and "sessions.designate" in may,
        "may_guests": "sessions.participants" in may,
        "is_open": is_open,
    }
    status = 422 if ticked else 200
    return render(request, "training/planning/session_participants.html", context, status=status)


def _decide(request: ActorRequest, session: Session) -> HttpResponse:
    common: dict[str, Any] = {"actor": request.actor, "now": clock.now(), "session": session}
    action = request.POST.get("action", "")
    if action == "promouvoir":
        return attempt(
            request,
            "La première personne qui attendait a une place.",
            "session-participants",
            lambda: services.promote(**common),
            uid=session.uid,
        )
    if action not in _DECISIONS:
        messages.error(request, "Choisissez une action.")
        return redirect("session-participants", uid=session.uid)
    service, word = _DECISIONS[action]
    head, _, rest = word.partition(" ")
    many = f"{head}s {rest}".strip()
    wanted = [uid for text in request.POST.getlist("lignes") if (uid := as_uuid(text))]
    lines = list(Registration.objects.filter(session=session, uid__in=wanted).order_by("pk"))
    try:
        service(registrations=lines, **common)
    except ObjectDoesNotExist as error:
        raise Http404 from error
    except Refused as refused:
        messages.error(request, str(refused))
        if lines:  # the ticks stay: one is taken away and the rest goes through
            return _list(request, session, ticked=frozenset(line.uid for line in lines))
    else:
        said = some(len(lines), f"personne {word}", f"personnes {many}")
        messages.success(request, f"{said}.")
    return redirect("session-participants", uid=session.uid)


def _export(session: Session, rows: Any, fmt: str) -> HttpResponse:
    headers = [
        "Prénoms et nom",
        "Sexe",
        "Cadre",
        "Structure ou organisme",
        "État",
        "Demi-journées présentes",
        "Demi-journées tenues",
    ]
    lines = (
        [
            line.person,
            (line.agent or line.outsider).sex,
            str(line.agent.cadre or "") if line.agent else "",
            line.came_from,
            line.get_state_display(),
            line.present,
            line.held,
        ]
        for line in rows
    )
    return table_response(f"participants-{session.code}", headers, lines, fmt)


@staff(GUESTS)
@once
def session_outsider(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Add a participant who is not of the register."""
    session = session_or_404(request, uid, "sessions.participants")
    form = OutsiderForm(posted(request), session=session)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        reason = values.pop("reason", "")
        try:
            line = outsiders.add_outsider(
                actor=request.actor,
                now=clock.now(),
                session=session,
                data=OutsiderData(**values),
                reason=reason,
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"{line.person} est sur la liste.")
            return redirect("session-detail", uid=uid)
    context = {"form": form, "session": session, "title": "Ajouter un participant extérieur"}
    return render(request, "training/planning/session_guest.html", context)


@staff(GUESTS)
@once
def session_anonymous(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Add participants known only by number."""
    session = session_or_404(request, uid, "sessions.participants")
    return _anonymous_form(request, session, None)


@staff(GUESTS)
def session_anonymous_edit(
    request: ActorRequest, uid: uuid.UUID, count: uuid.UUID
) -> HttpResponseBase:
    """Change such a number."""
    session = session_or_404(request, uid, "sessions.participants")
    line = get_object_or_404(AnonymousCount, session=session, uid=count)
    return _anonymous_form(request, session, line)


def _anonymous_form(
    request: ActorRequest, session: Session, line: AnonymousCount | None
) -> HttpResponseBase:
    names = list(AnonymousForm.base_fields)
    initial = {name: getattr(line, name) for name in names} if line else {}
    form = AnonymousForm(posted(request), session=session, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        reason = values.pop("reason", "")
        common: dict[str, Any] = {"actor": request.actor, "now": clock.now(), "session": session}
        try:
            if line is not None and "retirer" in request.POST:
                outsiders.remove_anonymous_count(count=line, reason=reason, **common)
            else:
                outsiders.set_anonymous_count(
                    data=AnonymousCountData(**values), count=line, reason=reason, **common
                )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Liste enregistrée.")
            return redirect("session-detail", uid=session.uid)
    context = {
        "form": form,
        "session": session,
        "title": "Participants connus seulement par leur nombre",
        "line": line,
    }
    return render(request, "training/planning/session_guest.html", context)
