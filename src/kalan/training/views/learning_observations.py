"""Gestures at work: the session's page, one person's grid, everyone's grid, who is to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, name_file, table_response
from kalan.base.lists import paginate
from kalan.base.small_groups import MIN_GROUP
from kalan.base.text import some
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.training import policy
from kalan.training.documents.learning import gestures_pdf
from kalan.training.forms.learning_observations import GridForm, ObservationForm, letters, shown
from kalan.training.models import Observation, Registration, Session
from kalan.training.selectors import learning_observations as reads
from kalan.training.selectors.attendance import on_list
from kalan.training.selectors.sessions import abilities
from kalan.training.services.learning_observations import record_grid, record_observation
from kalan.training.views.common import session_or_404

END, LATER = Observation.Moment.END, Observation.Moment.LATER
MOMENTS = {"fin": END, "poste": LATER}
WORDS = {END: "fin", LATER: "poste"}
VIEW = policy.CAPABILITIES["learning.view"] | policy.CAPABILITIES["observations.later"]
OBSERVERS = policy.CAPABILITIES["observations.end"] | policy.CAPABILITIES["observations.later"]
_FORM_METHODS = ["GET", "HEAD", "POST"]


def _moment(word: str) -> str:
    if word not in MOMENTS:
        raise Http404
    return MOMENTS[word]


def _session(request: ActorRequest, uid: UUID) -> Session:
    return session_or_404(request, uid)


@staff(VIEW)
@require_safe
def gestures(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Shares of gestures held at both moments, and who was observed."""
    session = _session(request, uid)
    grid = reads.grid_of(session)
    may = abilities(request.actor, session)
    theirs = {m: {r.pk for r in reads.observable_in(request.actor, session, m)} for m in WORDS}
    standing = reads.current_of(session)
    whole = bool(may & {"learning.people", "learning.view"})
    if fmt := request.GET.get("format"):
        if "learning.people" not in may or grid is None:
            raise Http404
        rows = reads.export_rows(session)
        return table_response(f"gestes-{session.code}", reads.export_headers(grid), rows, fmt)
    seen = on_list(session)
    everyone = "learning.people" in may
    lines = [
        {
            "line": line,
            "end": standing.get((line.pk, END)) if everyone or line.pk in theirs[LATER] else None,
            "later": standing.get((line.pk, LATER))
            if everyone or line.pk in theirs[LATER]
            else None,
            "may_end": line.pk in theirs[END],
            "may_later": line.pk in theirs[LATER],
        }
        for line in seen
        if everyone or line.pk in theirs[LATER]
    ]
    today = clock.today()
    context = {
        "session": session,
        "grid": grid,
        "found": reads.gestures_of(session, grid) if whole else None,
        "lines": lines,
        "least": MIN_GROUP,
        "may_end": bool(theirs[END]) and session.start <= today,
        "may_later": bool(theirs[LATER]) and today >= session.end + reads.FROM,
        "later_from": session.end + reads.FROM,
        "may_export": everyone,
    }
    return render(request, "training/learning/gestures.html", context)


@staff(OBSERVERS)
@require_http_methods(_FORM_METHODS)
def observe(request: ActorRequest, uid: UUID, moment: str, line: UUID) -> HttpResponseBase:
    """One person's grid, on a phone; then the next person."""
    when = _moment(moment)
    rows = reads.observable(request.actor, when).filter(session__uid=uid)
    related = ("session__theme", "session__node", "agent", "outsider", "structure")
    person = get_object_or_404(rows.select_related(*related), uid=line)
    session = person.session
    grid = reads.grid_of(session)
    if grid is None:
        raise Http404
    standing = Observation.objects.filter(registration=person, moment=when, current=True).first()
    form = ObservationForm(request.POST or None, grid=grid, standing=standing, today=clock.today())
    if request.method == "POST" and form.is_valid():
        try:
            stored = record_observation(
                actor=request.actor,
                now=clock.now(),
                registration=person,
                moment=when,
                observation_uid=form.cleaned_data["uid"],
                date=form.cleaned_data["date"],
                marks=form.marks(),
                comment=form.cleaned_data["comment"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            said = "observation enregistrée." if stored else "déjà enregistrée."
            messages.success(request, f"{person.person} : {said}")
            return _onward(request, session, when, moment)
    context = {
        "session": session,
        "line": person,
        "grid": grid,
        "form": form,
        "moment": when,
        "word": moment,
        "standing": standing,
        "early": when == LATER and clock.today() < session.end + reads.FROM,
        "later_from": session.end + reads.FROM,
    }
    status = 422 if form.errors else 200
    return render(request, "training/learning/observe.html", context, status=status)


def _onward(request: ActorRequest, session: Session, when: str, word: str) -> HttpResponse:
    """To the next person nobody has observed yet, when that was asked, else to the list."""
    if "suivant" in request.POST:
        standing = reads.current_of(session)
        for other in reads.observable_in(request.actor, session, when):
            if (other.pk, when) not in standing:
                return redirect("observe", uid=session.uid, moment=word, line=other.uid)
    return redirect("session-gestures", uid=session.uid)


@staff(OBSERVERS)
@require_http_methods(_FORM_METHODS)
def grid_key(request: ActorRequest, uid: UUID, moment: str) -> HttpResponseBase:
    """Everyone's grid on one page, keyed from paper by the keyboard: one letter a gesture."""
    when = _moment(moment)
    session = _session(request, uid)
    people = reads.observable_in(request.actor, session, when)
    grid = reads.grid_of(session)
    if grid is None or not people:
        raise Http404
    account = request.actor.account
    initial = {
        "date": min(clock.today(), session.end) if when == END else clock.today(),
        "observer_name": account.display_name if account else "",
    }
    form = GridForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            keyed = record_grid(
                actor=request.actor,
                now=clock.now(),
                session=session,
                moment=when,
                date=form.cleaned_data["date"],
                rows=letters(request.POST, people, grid),
                observer_name=form.cleaned_data["observer_name"],
            )
        except ObjectDoesNotExist as error:
            raise Http404 from error
        except Refused as refused:
            show_refusal(form, refused)
        else:
            said = some(keyed.stored, "observation enregistrée", "observations enregistrées")
            messages.success(request, f"{said}, {keyed.unchanged} sans changement.")
            return redirect("observe-grid", uid=uid, moment=moment)
    context = {
        "session": session,
        "grid": grid,
        "form": form,
        "word": moment,
        "moment": Observation.Moment(when),
        "rows": _cells(request, people, grid, reads.current_of(session), when),
    }
    status = 422 if form.errors else 200
    return render(request, "training/learning/observe_grid.html", context, status=status)


def _cells(
    request: ActorRequest, people: list[Registration], grid: reads.Grid, standing: Any, when: str
) -> list[tuple[Registration, list[tuple[str, str, reads.Gesture]]]]:
    """(person, [(name of the field, letter shown, gesture)]); as typed after a refusal."""
    typed = request.POST if request.method == "POST" else None
    rows = []
    for line in people:
        cells = []
        for number, gesture in enumerate(grid.gestures):
            name = f"g-{line.pk}-{number}"
            kept = shown(standing.get((line.pk, when)), gesture.code)
            cells.append((name, typed.get(name, "")[:12] if typed else kept, gesture))
        rows.append((line, cells))
    return rows


@staff(OBSERVERS)
@require_safe
def paper(request: ActorRequest, uid: UUID, moment: str) -> HttpResponseBase:
    """The grid to print: one line a person, one column a gesture."""
    when = _moment(moment)
    session = _session(request, uid)
    people = reads.observable_in(request.actor, session, when)
    grid = reads.grid_of(session)
    if grid is None or not people:
        raise Http404
    content = gestures_pdf(session, grid, people, when)
    response = HttpResponse(content, content_type="application/pdf")
    name_file(response, f"gestes-{session.code}.pdf", attachment=False)
    return response


@staff(policy.CAPABILITIES["observations.later"])
@require_safe
def due(request: ActorRequest) -> HttpResponseBase:
    """Who is to be seen at work, longest waiting first."""
    today = clock.today()
    rows = reads.due_list(request.actor, today)
    if fmt := request.GET.get("format"):
        table: Iterator[list[Cell]] = (
            [line.person, line.came_from, line.session.code, line.session.title, line.session.end,
             line.session.end + reads.FROM, line.session.end + reads.OVERDUE]
            for line in rows.iterator(chunk_size=500)
        )  # fmt: skip
        headers = [
            "Personne",
            "Structure",
            "Session",
            "Formation",
            "Fin",
            "À partir du",
            "Avant le",
        ]
        return table_response("observations-a-faire", headers, table, fmt)
    context = {
        "page": paginate(rows, request, order=("session_end", "pk")),
        "overdue_before": today - reads.OVERDUE,
    }
    return render(request, "training/learning/due.html", context)
