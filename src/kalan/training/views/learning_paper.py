"""Tests taken on paper: the grid keyed by the keyboard, the spreadsheet out and back in."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from kalan.assessment.models import Sitting
from kalan.assessment.services.paper import EXAMPLES
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import name_file
from kalan.base.files import store
from kalan.base.text import some
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.training.forms.learning import PaperForm, answers_typed
from kalan.training.forms.paper import WorkbookForm
from kalan.training.learning_xlsx import read_workbook, workbook
from kalan.training.models import Moment, Registration, Session, SessionTest
from kalan.training.selectors import learning as reads
from kalan.training.services.learning_sittings import Keyed, key_papers, paper_lines
from kalan.training.views.common import session_or_404
from kalan.training.views.learning import RUN, moment_of

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORM_METHODS = ["GET", "HEAD", "POST"]


def _test(request: ActorRequest, uid: UUID, word: str) -> tuple[Session, SessionTest]:
    session = session_or_404(request, uid, "learning.run")
    test = reads.tests_of(session).get(moment_of(word))
    if test is None or session.state == Session.State.CANCELLED:
        raise Http404
    return session, test


def _said(request: ActorRequest, keyed: Keyed) -> None:
    messages.success(request, some(keyed.stored, "test enregistré.", "tests enregistrés."))
    if keyed.already:
        names = ", ".join(keyed.already[:10])
        messages.info(request, f"Déjà enregistrés, laissés tels quels : {names}.")


@staff(RUN)
@require_http_methods(_FORM_METHODS)
def key(request: ActorRequest, uid: UUID, moment: str) -> HttpResponseBase:
    """One row a person, one column a question; who has a test already is not asked again."""
    session, test = _test(request, uid, moment)
    lines = paper_lines(test)
    rows = reads.taken(session)
    free = [row.line for row in rows if _is_free(row, test.moment)]
    day = session.start if test.moment == Moment.BEFORE else session.end
    form = PaperForm(request.POST or None, initial={"taken_on": min(day, clock.today())})
    if request.method == "POST" and form.is_valid():
        try:
            keyed = key_papers(
                actor=request.actor,
                now=clock.now(),
                session=session,
                moment=test.moment,
                taken_on=form.cleaned_data["taken_on"],
                rows=answers_typed(request.POST, [row.line for row in rows], len(lines)),
            )
        except ObjectDoesNotExist as error:
            raise Http404 from error
        except Refused as refused:
            show_refusal(form, refused)
        else:
            _said(request, keyed)
            return redirect("session-test-key", uid=uid, moment=moment)
    context = {
        "session": session,
        "test": test,
        "word": moment,
        "form": form,
        "examples": [(line.number, EXAMPLES[line.stored.content["kind"]]) for line in lines],
        "rows": [(line, _cells(request, line, len(lines))) for line in free],
        "done": len(rows) - len(free),
    }
    status = 422 if form.errors else 200
    return render(request, "training/learning/key.html", context, status=status)


def _is_free(row: reads.Taken, moment: str) -> bool:
    """Whether nobody has begun: a paper may still be keyed in."""
    sitting = row.before if moment == Moment.BEFORE else row.after
    return sitting is None or sitting.state == Sitting.State.READY


def _cells(request: ActorRequest, line: Registration, questions: int) -> list[tuple[str, str]]:
    names = [f"r-{line.pk}-{number}" for number in range(1, questions + 1)]
    return [(name, request.POST.get(name, "")) for name in names]


@staff(RUN)
@require_safe
def spreadsheet(request: ActorRequest, uid: UUID, moment: str) -> HttpResponseBase:
    session, test = _test(request, uid, moment)
    rows = [r.line for r in reads.taken(session) if _is_free(r, test.moment)]
    response = HttpResponse(workbook(rows, len(paper_lines(test))), content_type=_XLSX)
    name_file(response, f"test-{moment}-{session.code}.xlsx")
    return response


@staff(RUN)
@require_http_methods(_FORM_METHODS)
def upload(request: ActorRequest, uid: UUID, moment: str) -> HttpResponseBase:
    """Bring the filled spreadsheet back: all that it holds is stored, or nothing."""
    session, test = _test(request, uid, moment)
    day = session.start if test.moment == Moment.BEFORE else session.end
    form = PaperForm(request.POST or None, initial={"taken_on": min(day, clock.today())})
    file_form = WorkbookForm(request.POST or None, request.FILES or None, request=request)
    file_form.fields["file"].help_text = "Le tableur téléchargé pour ce test, rempli."
    if request.method == "POST" and form.is_valid() and file_form.is_valid():
        try:
            keyed, strangers = _bring(request, session, test, form, file_form)
        except Refused as refused:
            show_refusal(file_form, refused)
        else:
            _said(request, keyed)
            if strangers:
                messages.warning(
                    request,
                    f"Pas sur la liste de la session, laissés de côté : {', '.join(strangers)}.",
                )
            return redirect("session-tests", uid=uid)
    context = {
        "session": session, "test": test, "word": moment, "form": form, "file_form": file_form,
    }  # fmt: skip
    status = 422 if form.errors or file_form.errors else 200
    return render(request, "training/learning/upload.html", context, status=status)


def _bring(
    request: ActorRequest,
    session: Session,
    test: SessionTest,
    form: PaperForm,
    file_form: WorkbookForm,
) -> tuple[Keyed, list[str]]:
    given = file_form.cleaned_data["file"]
    file = store(
        content=given, name=given.name, kind="papers", by=request.actor.account, now=clock.now()
    )
    try:
        people = [row.line for row in reads.taken(session)]
        reading = read_workbook(Path(file.file.path), people, len(paper_lines(test)))
        keyed = key_papers(
            actor=request.actor,
            now=clock.now(),
            session=session,
            moment=test.moment,
            taken_on=form.cleaned_data["taken_on"],
            rows=reading.rows,
        )
    finally:
        file.file.delete(save=False)
        file.delete()
    return keyed, reading.strangers
