"""From paper: keying the sheet, the spreadsheet out and back in, the scan of the sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.files import store
from kalan.base.models import StoredFile
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.training.attendance_xlsx import read_workbook, workbook
from kalan.training.forms.attendance import read_boxes
from kalan.training.forms.paper import ReasonForm, SheetPageForm, WorkbookForm
from kalan.training.models import MarkSource, Session, SessionSheet
from kalan.training.selectors.attendance import Sheet, sheet_of
from kalan.training.services.attendance import set_boxes, set_presences
from kalan.training.services.attendance_paper import attach_sheet, remove_sheet
from kalan.training.views.attendance import MARKERS, said, session_to_mark

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORM_METHODS = ["GET", "HEAD", "POST"]


def _reason_form(request: ActorRequest, session: Session) -> ReasonForm | None:
    if session.state != Session.State.VALIDATED:
        return None
    return ReasonForm(request.POST if request.method == "POST" else None)


@staff(MARKERS)
@require_http_methods(_FORM_METHODS)
def grid(request: ActorRequest, uid: UUID) -> HttpResponse:
    """The whole sheet as a grid, to key in from paper by the keyboard alone."""
    session = session_to_mark(request, uid)
    sheet = sheet_of(session)
    reason = _reason_form(request, session)
    status = 200
    if request.method == "POST" and (reason is None or reason.is_valid()):
        try:
            changed = _save_grid(request, sheet, reason)
        except Refused as refused:
            messages.error(request, str(refused))
            status = 422
        else:
            messages.success(request, said(changed.added, changed.removed))
            return redirect("attendance-grid", uid=uid)
    elif request.method == "POST":
        status = 422
    context = {"session": session, "sheet": sheet, "reason": reason}
    return render(request, "training/attendance/grid.html", context, status=status)


def _save_grid(request: ActorRequest, sheet: Sheet, reason: ReasonForm | None) -> Any:
    boxes, seen = read_boxes(sheet, request.POST)
    # « Tous présents » without script: the button carries the half-day.
    for column in sheet.columns:
        if column.code == request.POST.get("tous"):
            for days in boxes.values():
                days.add(column.half_day.pk)
    return set_presences(
        actor=request.actor,
        now=clock.now(),
        session=sheet.session,
        grid=boxes,
        seen=seen,
        source=MarkSource.PAPER,
        reason=reason.cleaned_data["reason"] if reason else "",
    )


@staff(MARKERS)
@require_safe
def spreadsheet(request: ActorRequest, uid: UUID) -> HttpResponse:
    session = session_to_mark(request, uid)
    response = HttpResponse(workbook(sheet_of(session)), content_type=_XLSX)
    response["Content-Disposition"] = 'attachment; filename="presence.xlsx"'
    return response


@staff(MARKERS)
@require_http_methods(_FORM_METHODS)
def upload(request: ActorRequest, uid: UUID) -> HttpResponse:
    """Take the filled spreadsheet; what it changes is shown before anything is written."""
    session = session_to_mark(request, uid)
    form = WorkbookForm(request.POST or None, request.FILES or None, request=request)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        file = store(
            content=given,
            name=given.name,
            kind="attendance",
            by=request.actor.account,
            now=clock.now(),
        )
        try:
            read_workbook(Path(file.file.path), sheet_of(session))
        except Refused as refused:
            file.file.delete(save=False)
            file.delete()
            show_refusal(form, refused)
        else:
            return redirect("attendance-xlsx-check", uid=uid, file=file.uid)
    context = {"session": session, "form": form}
    status = 422 if form.errors else 200
    return render(request, "training/attendance/upload.html", context, status=status)


@staff(MARKERS)
@require_http_methods(_FORM_METHODS)
def check(request: ActorRequest, uid: UUID, file: UUID) -> HttpResponse:
    """What the spreadsheet would change, row by row; then do it."""
    session = session_to_mark(request, uid)
    mine = StoredFile.objects.filter(kind="attendance", created_by=request.actor.account)
    stored = get_object_or_404(mine, uid=file)
    reading = read_workbook(Path(stored.file.path), sheet_of(session))
    reason = _reason_form(request, session)
    if request.method == "POST" and (reason is None or reason.is_valid()):
        try:
            changed = set_boxes(
                actor=request.actor,
                now=clock.now(),
                session=session,
                present=reading.present,
                absent=reading.absent,
                source=MarkSource.XLSX,
                reason=reason.cleaned_data["reason"] if reason else "",
            )
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("attendance-xlsx-check", uid=uid, file=file)
        messages.success(request, said(changed.added, changed.removed))
        return redirect("attendance-grid", uid=uid)
    context = {"session": session, "reading": reading, "file": stored, "reason": reason}
    return render(request, "training/attendance/check.html", context)


@staff(MARKERS)
@require_http_methods(_FORM_METHODS)
def scans(request: ActorRequest, uid: UUID) -> HttpResponse:
    """The pages of the signed sheet."""
    session = session_to_mark(request, uid)
    form = SheetPageForm(request.POST or None, request.FILES or None, request=request)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            attach_sheet(
                actor=request.actor, now=clock.now(), session=session, file=given, name=given.name
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "La page est jointe à la session.")
            return redirect("attendance-scans", uid=uid)
    pages = session.sheets.select_related("file", "added_by").order_by("pk")
    context = {"session": session, "form": form, "pages": list(pages)}
    status = 422 if form.errors else 200
    return render(request, "training/attendance/scans.html", context, status=status)


def _page_of(request: ActorRequest, uid: UUID, file: UUID) -> SessionSheet:
    session = session_to_mark(request, uid)
    pages = SessionSheet.objects.filter(session=session).select_related("file", "session")
    return get_object_or_404(pages, file__uid=file)


@staff(MARKERS)
@require_safe
def scan(request: ActorRequest, uid: UUID, file: UUID) -> HttpResponseBase:
    return download(_page_of(request, uid, file).file)


@staff(MARKERS)
@require_http_methods(_FORM_METHODS)
def scan_remove(request: ActorRequest, uid: UUID, file: UUID) -> HttpResponse:
    page = _page_of(request, uid, file)
    back = reverse("attendance-scans", kwargs={"uid": uid})
    if request.method == "POST":
        try:
            remove_sheet(actor=request.actor, now=clock.now(), page=page)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "La page est retirée.")
        return redirect(back)
    context = {
        "title": "Retirer cette page ?",
        "message": f"« {page.file.name} » sera effacée. Cela ne se défait pas.",
        "confirm_label": "Retirer la page",
        "cancel_url": back,
    }
    return render(request, "web/_confirm.html", context)


def download(file: StoredFile) -> FileResponse:
    """A stored file, always as a download: nothing that was uploaded runs in our pages."""
    response = FileResponse(
        file.file.open("rb"),
        as_attachment=True,
        filename=file.name,
        content_type=file.content_type,
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response
