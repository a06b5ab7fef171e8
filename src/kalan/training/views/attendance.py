"""The trainer's phone screen, with and without script, online and not."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.training import policy
from kalan.training.forms.attendance import WalkInForm, read_boxes, uid_or_none
from kalan.training.models import MarkSource, Registration, Session
from kalan.training.selectors.attendance import Column, Sheet, markable_sessions, name_of, sheet_of
from kalan.training.services.attendance import set_presences
from kalan.training.services.attendance_sync import MAX_RECORDS, receive
from kalan.training.services.attendance_walkins import add_walk_in, replace_participant
from kalan.training.views import attendance_faults

MARKERS = policy.CAPABILITIES["attendance.mark"]
_MAX_BODY = 512 * 1024


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


def session_to_mark(request: ActorRequest, uid: UUID) -> Session:
    """The session, if this person may mark it; else 404."""
    rows = markable_sessions(request.actor).select_related("programme", "node", "theme", "sheet")
    return get_object_or_404(rows, uid=uid)


@staff(MARKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def attendance(request: ActorRequest, uid: UUID) -> HttpResponse:
    """One tap per person and half-day. Posted without script: the boxes of the page."""
    started = milliseconds()  # before reading: what is stored from now on may be missing below
    session = session_to_mark(request, uid)
    sheet = sheet_of(session)
    if request.method == "POST":
        return _save_boxes(request, session, sheet)
    response = render(request, "training/attendance/phone.html", _context(request, sheet, started))
    # The service worker keeps pages that say so, and no other.
    response["Kalan-Offline"] = "1"
    return response


def _context(
    request: ActorRequest, sheet: Sheet, started: int, form: WalkInForm | None = None
) -> dict[str, Any]:
    account = request.actor.account
    return {
        "session": sheet.session,
        "sheet": sheet,
        "current": _current(sheet),
        "form": form or WalkInForm(sheet=sheet),
        "structures": sorted({row.structure.name for row in sheet.people if row.structure}),
        "who": account.uid if account else "",
        "started": started,
        "open": sheet.session.state not in (Session.State.VALIDATED, Session.State.CANCELLED),
    }


def _current(sheet: Sheet) -> str:
    """The half-day to open: the one going on, else the last one past, else the first."""
    now = timezone.localtime(clock.now())
    here = (now.date(), "am" if now.hour < 13 else "pm")

    def past(column: Column) -> bool:
        return (column.half_day.date, column.half_day.part) <= here

    gone = [column.code for column in sheet.columns if past(column)]
    first = sheet.columns[0].code if sheet.columns else ""
    return gone[-1] if gone else first


def _save_boxes(request: ActorRequest, session: Session, sheet: Sheet) -> HttpResponse:
    grid, seen = read_boxes(sheet, request.POST)
    try:
        changed = set_presences(
            actor=request.actor,
            now=clock.now(),
            session=session,
            grid=grid,
            seen=seen,
            source=MarkSource.SCREEN,
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said(changed.added, changed.removed))
    return redirect("attendance", uid=session.uid)


def said(added: int, removed: int) -> str:
    """What a save did, in a sentence."""
    if not added and not removed:
        return "Rien à changer : tout était déjà enregistré."
    parts = []
    if added:
        parts.append(
            f"{added} présence{'s' if added > 1 else ''} ajoutée{'s' if added > 1 else ''}"
        )
    if removed:
        parts.append(f"{removed} retirée{'s' if removed > 1 else ''}")
    return f"Enregistré : {', '.join(parts)}."


@staff(MARKERS)
@require_POST
def walk_in(request: ActorRequest, uid: UUID) -> HttpResponse:
    """« Ajouter un participant non prévu », « Remplace… », without script."""
    started = milliseconds()
    session = session_to_mark(request, uid)
    sheet = sheet_of(session)
    form = WalkInForm(request.POST, sheet=sheet)
    if form.is_valid():
        try:
            line = _add(request, session, form)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"Ajoutée : {name_of(line)}, à rapprocher du registre.")
            # The browser goes to the person's box, as it would to any part of a page.
            return redirect(f"{reverse('attendance', args=[session.uid])}#p{line.uid}")
    context = _context(request, sheet, started, form)
    return render(request, "training/attendance/phone.html", context, status=422)


def _add(request: ActorRequest, session: Session, form: WalkInForm) -> Registration:
    data, leaving = form.walk_in(), uid_or_none(form.cleaned_data["replaces"])
    common = {"actor": request.actor, "now": clock.now(), "client_uid": form.cleaned_data["uid"]}
    if leaving:
        row = get_object_or_404(Registration, session=session, uid=leaving)
        return replace_participant(registration=row, by=data, **common).registration
    return add_walk_in(session=session, data=data, **common).registration


@csrf_exempt
@require_POST
def sync(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Records that a phone kept; see services.attendance_sync for the format.

    No CSRF token: the page that holds one may have been cached weeks ago, and the service worker
    sends too. Instead (OWASP, CSRF cheat sheet, "custom request headers" and "verifying origin"):
    a JSON body with a header of our own, which another site cannot send without a permission that
    we never give (CORS), and, where the browser names its origin, our own.
    """
    if not _from_our_pages(request):
        return JsonResponse({"error": "origin"}, status=403)
    if fault := attendance_faults.before():
        return fault
    if not request.actor.is_authenticated:
        return JsonResponse({"error": "signin"}, status=401)
    if not request.actor.can(MARKERS):
        return JsonResponse({"error": "scope"}, status=404)
    session = markable_sessions(request.actor).filter(uid=uid).first()
    if session is None:
        return JsonResponse({"error": "scope"}, status=404)
    who, records = _body(request)
    if records is None:
        return JsonResponse({"error": "body"}, status=400)
    account = request.actor.account
    if account is None or who != str(account.uid):
        # Somebody else has signed in on this phone since: never send under another's name.
        return JsonResponse({"error": "person"}, status=409)
    answers = receive(actor=request.actor, now=clock.now(), session=session, records=records)
    body = {
        "t": milliseconds(),  # after the commit
        "answers": [
            {
                "id": answer.id,
                "v": answer.outcome.verdict,
                "c": answer.outcome.code,
                "m": f"{answer.outcome.message} {answer.outcome.remedy}".strip(),
            }
            for answer in answers
        ],
    }
    return attendance_faults.after() or JsonResponse(body)


def _from_our_pages(request: HttpRequest) -> bool:
    origin = request.headers.get("Origin")
    ours = {f"{request.scheme}://{request.get_host()}", settings.KALAN_BASE_URL}
    return (
        request.headers.get("X-Kalan") == "1"
        and request.content_type == "application/json"
        and (origin is None or origin in ours)
        and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    )


def _body(request: HttpRequest) -> tuple[str, list[Any] | None]:
    if int(request.headers.get("Content-Length") or 0) > _MAX_BODY:
        return "", None
    try:
        body = json.loads(request.body)
        who, records = str(body["who"]), body["records"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", None
    if not isinstance(records, list) or len(records) > MAX_RECORDS:
        return who, None
    return who, records
