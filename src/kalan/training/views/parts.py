"""Trainers and places of a session: screens that work without script."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.people.http import ActorRequest, staff
from kalan.people.models import Agent, Employer, OrgNode
from kalan.training.forms.fields import parse_slot, slot_code
from kalan.training.forms.sessions import OutsideTrainerForm, day_label, hours_of
from kalan.training.models import Session
from kalan.training.policy import CAPABILITIES
from kalan.training.selectors.programmes import structures_of, territories_for
from kalan.training.selectors.registrations import places_of, trainer_candidates
from kalan.training.selectors.sessions import half_days_of, trainers_of
from kalan.training.services import planning
from kalan.training.services.schedule import TrainerData, trainers_as_data
from kalan.training.views.common import session_or_404

PLAN = CAPABILITIES["sessions.plan"]
FOUND = 30


@staff(PLAN)
def session_trainers(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Who leads which half-days; search the register, or name somebody from outside."""
    session = session_or_404(request, uid, "sessions.plan")
    outside = OutsideTrainerForm(request.POST if "outside_name" in request.POST else None)
    if request.method == "POST":
        if "outside_name" not in request.POST:
            return _save_trainers(request, session)
        if outside.is_valid():
            new = TrainerData(**outside.cleaned_data)
            return _store(request, session, [*_as_they_stand(session), new], "Formateur ajouté.")
    words = fold(request.GET.get("q", ""))
    context = {
        "session": session,
        "rows": _rows(session),
        "employers": Employer.choices,
        "q": request.GET.get("q", ""),
        "found": _found(request, session, words),
        "outside": outside,
        "needs_reason": session.state == Session.State.VALIDATED,
    }
    return render(request, "training/planning/session_trainers.html", context)


def _rows(session: Session) -> list[dict[str, object]]:
    half_days = list(half_days_of(session))
    rows: list[dict[str, object]] = []
    for trainer in trainers_of(session):
        led = {h.pk for h in trainer.half_days.all()}
        boxes = [
            (slot_code(h.date, h.part), day_label(h.date, h.part), h.pk in led) for h in half_days
        ]
        rows.append({"trainer": trainer, "boxes": boxes})
    return rows


def _found(request: ActorRequest, session: Session, words: str) -> list[Agent]:
    if not words:
        return []
    rows = trainer_candidates(request.actor, session, today=clock.today())
    for word in words.split():
        rows = rows.filter(search__contains=word)
    return list(rows.select_related("cadre").order_by("search", "pk")[:FOUND])


def _as_they_stand(session: Session) -> list[TrainerData]:
    slots = [(h.date, h.part) for h in half_days_of(session)]
    return trainers_as_data(session, keep=slots)


def _save_trainers(request: ActorRequest, session: Session) -> HttpResponse:
    """One form for the table: half-days, hours, employer, who is taken away or added."""
    posted = request.POST
    if posted.get("ajouter"):
        chosen = as_uuid(posted["ajouter"])
        agents = trainer_candidates(request.actor, session, today=clock.today())
        agent = agents.filter(uid=chosen).first() if chosen else None
        if agent is None:
            messages.error(request, "Cette personne n’est pas dans votre territoire.")
            return redirect("session-trainers", uid=session.uid)
        data = [*_as_they_stand(session), TrainerData(agent=agent)]
        return _store(request, session, data, f"{agent} est formateur de cette session.")
    wanted = []
    for number, trainer in enumerate(trainers_of(session), start=1):
        if posted.get("retirer") == str(number):
            continue
        slots = [parse_slot(code) for code in posted.getlist(f"demi-{number}")]
        hours = hours_of(posted.get(f"heures-{number}", ""))
        employer = posted.get(f"employeur-{number}", "")
        wanted.append(
            TrainerData(
                agent=trainer.agent,
                outside_name=trainer.outside_name,
                employer=employer if employer in Employer.values else "",
                hours=Decimal(trainer.hours) if hours is None else hours,
                half_days=[slot for slot in slots if slot is not None],
            )
        )
    return _store(request, session, wanted, "Formateurs enregistrés.")


def _store(
    request: ActorRequest, session: Session, trainers: list[TrainerData], said: str
) -> HttpResponse:
    try:
        planning.correct_trainers(
            actor=request.actor,
            now=clock.now(),
            session=session,
            trainers=trainers,
            reason=request.POST.get("reason", ""),
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)
    return redirect("session-trainers", uid=session.uid)


def as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@staff(PLAN)
def session_places(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Places kept for each structure: those of the programme, and others by search."""
    session = session_or_404(request, uid, "sessions.plan")
    kept = {row.node.pk: row for row in places_of(session)}
    nodes = [row.node for row in kept.values()]
    if session.programme:
        nodes += [node for node in structures_of(session.programme) if node.pk not in kept]
    if request.method == "POST":
        return _save_places(request, session, nodes)
    words = fold(request.GET.get("q", ""))
    context = {
        "session": session,
        "rows": [(node, kept.get(node.pk)) for node in nodes],
        "q": request.GET.get("q", ""),
        "found": _found_nodes(request, words, nodes),
    }
    return render(request, "training/planning/session_places.html", context)


def _found_nodes(request: ActorRequest, words: str, listed: list[OrgNode]) -> list[OrgNode]:
    if not words:
        return []
    rows = territories_for(request.actor, "sessions.plan").filter(kind=OrgNode.Kind.STRUCTURE)
    for word in words.split():
        rows = rows.filter(search__contains=word)
    return list(rows.exclude(pk__in=[n.pk for n in listed]).order_by("search", "pk")[:FOUND])


def _save_places(request: ActorRequest, session: Session, nodes: list[OrgNode]) -> HttpResponse:
    asked = [uid for key in request.POST if (uid := as_uuid(key.removeprefix("places-")))]
    known = {node.uid: node for node in nodes}
    others = territories_for(request.actor, "sessions.plan").filter(
        uid__in=[uid for uid in asked if uid not in known]
    )
    known |= {node.uid: node for node in others}
    places = []
    for node in known.values():
        text = request.POST.get(f"places-{node.uid}", "").strip() or "0"
        if not text.isdecimal() or len(text) > 5 or int(text) > 10000:
            messages.error(request, f"{node} : écrivez un nombre de places, par exemple 5.")
            return redirect("session-places", uid=session.uid)
        places.append((node, int(text)))
    try:
        planning.set_places(actor=request.actor, now=clock.now(), session=session, places=places)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Places enregistrées.")
    return redirect("session-places", uid=session.uid)
