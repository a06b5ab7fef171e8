"""Convoke, postpone, cancel, close, reopen, validate: each asks before it acts."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render

from kalan.base import clock
from kalan.base.dates import week_date
from kalan.base.errors import Refused
from kalan.base.text import some
from kalan.people.double import once
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff
from kalan.training.forms.fields import parse_slot, slot_code
from kalan.training.forms.sessions import (
    CancelForm,
    ChannelsForm,
    PostponeForm,
    ReopenForm,
    day_label,
)
from kalan.training.models import Registration, Session
from kalan.training.policy import CAPABILITIES
from kalan.training.selectors.conflicts import double_presences
from kalan.training.selectors.sessions import half_day_summaries, half_days_of, trainers_of
from kalan.training.services import sessions as services
from kalan.training.services.convocations import CHANNELS, convoke_session, preview
from kalan.training.services.schedule import Slot
from kalan.training.views.common import session_or_404


@staff(CAPABILITIES["sessions.convoke"])
@once
def session_convoke(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Messages and their cost are shown before anything is sent."""
    session = session_or_404(request, uid, "sessions.convoke")
    if request.method == "POST":
        form = ChannelsForm(request.POST)
        channels = form.cleaned_data["channels"] if form.is_valid() else []
        try:
            plan = convoke_session(
                actor=request.actor, now=clock.now(), session=session, channels=channels
            )
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("session-convoke", uid=uid)
        messages.success(
            request,
            f"Session convoquée, {some(len(plan.drafts), 'message', 'messages')} à envoyer.",
        )
        return redirect("session-detail", uid=uid)
    asked = ChannelsForm(request.GET if "voir" in request.GET else None)
    channels = list(CHANNELS)
    if asked.is_bound and asked.is_valid():
        channels = asked.cleaned_data["channels"]
    context = {
        "session": session,
        "form": ChannelsForm(initial={"channels": channels}),
        "channels": channels,
        "plan": preview(
            session=session, template="convocation", channels=channels, now=clock.now()
        ),
        "approved": session.registrations.filter(state=Registration.State.APPROVED).count(),
    }
    return render(request, "training/planning/session_convoke.html", context)


@staff(CAPABILITIES["sessions.plan"])
@once
def session_postpone(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid, "sessions.plan")
    form = PostponeForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.postpone_session(
                actor=request.actor, now=clock.now(), session=session, **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Session reportée.")
            return redirect("session-detail", uid=uid)
    return _ask(
        request,
        session,
        title="Reporter la session",
        message="Les participants déjà convoqués reçoivent l’avis et les nouvelles dates.",
        form=form,
        confirm_label="Reporter",
        danger=False,
    )


@staff(CAPABILITIES["sessions.plan"])
@once
def session_cancel(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid, "sessions.plan")
    form = CancelForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.cancel_session(
                actor=request.actor, now=clock.now(), session=session, **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Session annulée.")
            return redirect("session-detail", uid=uid)
    return _ask(
        request,
        session,
        title="Annuler la session",
        message="Une session annulée ne peut pas être rouverte. Les participants déjà convoqués "
        "reçoivent l’avis.",
        form=form,
        confirm_label="Annuler cette session",
    )


@staff(CAPABILITIES["sessions.reopen"])
def session_reopen(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid, "sessions.reopen")
    form = ReopenForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.reopen_session(
                actor=request.actor, now=clock.now(), session=session, **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Session rouverte : elle ne compte plus dans les chiffres.")
            return redirect("session-detail", uid=uid)
    return _ask(
        request,
        session,
        title="Rouvrir la session",
        message="La session revient au formateur et ne compte plus dans les chiffres, "
        "jusqu’à ce qu’elle soit clôturée de nouveau.",
        form=form,
        confirm_label="Rouvrir",
    )


@staff(CAPABILITIES["sessions.validate"])
def session_validate(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    session = session_or_404(request, uid, "sessions.validate")
    if request.method == "POST":
        return attempt(
            request,
            "Session validée.",
            "session-detail",
            lambda: services.validate_session(
                actor=request.actor, now=clock.now(), session=session
            ),
            uid=uid,
        )
    halves = half_day_summaries(session)
    return _ask(
        request,
        session,
        title="Valider la session",
        message="Après validation, toute correction demande un motif et reste consignée.",
        details=[
            f"{week_date(h.date)}, {h.label} : {some(h.present, 'présent', 'présents')}"
            for h in halves
        ],
        confirm_label="Valider",
        danger=False,
    )


@staff(CAPABILITIES["sessions.close"])
def session_close(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The trainer confirms who led which half-days, then closes."""
    session = session_or_404(request, uid, "sessions.close")
    rows = list(trainers_of(session))
    if request.method == "POST":
        led: dict[int, list[Slot]] = {
            row.pk: [
                slot
                for code in request.POST.getlist(f"demi-{number}")
                if (slot := parse_slot(code)) is not None
            ]
            for number, row in enumerate(rows, start=1)
        }
        try:
            services.close_session(
                actor=request.actor, now=clock.now(), session=session, led=led if rows else None
            )
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("session-close", uid=uid)
        messages.success(request, "Session clôturée : elle compte dans les chiffres.")
        return redirect("session-detail", uid=uid)
    half_days = list(half_days_of(session))
    trainers = []
    for row in rows:
        mine = {h.pk for h in row.half_days.all()}
        boxes = [
            (slot_code(h.date, h.part), day_label(h.date, h.part), h.pk in mine) for h in half_days
        ]
        trainers.append({"trainer": row, "boxes": boxes})
    context = {
        "session": session,
        "half_days": half_day_summaries(session),
        "trainers": trainers,
        "conflicts": double_presences(session),
        "too_early": session.end > clock.today(),
    }
    return render(request, "training/planning/session_close.html", context)


def _ask(request: ActorRequest, session: Session, **context: Any) -> HttpResponseBase:
    context["session"] = session
    context["cancel_url"] = f"/gestion/sessions/{session.uid}/"
    context["message"] = f"{session.code} · {session.title}. {context['message']}"
    return render(request, "web/_confirm.html", context)
