"""The session's tests: chosen, opened, taken on phones, closed; what they show."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kalan.assessment.services.sittings import play_url
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import name_file, table_response
from kalan.base.qr import qr_svg
from kalan.base.small_groups import MIN_GROUP
from kalan.people.http import ActorRequest, attempt, show_refusal, signed_in, staff
from kalan.people.services.accounts_door import address_of
from kalan.training import policy
from kalan.training.documents.learning import slips_pdf, test_pdf
from kalan.training.forms.learning import ChooseForm, CodeForm
from kalan.training.models import Moment, Registration, Session
from kalan.training.selectors import learning as reads
from kalan.training.selectors import learning_gain as gains
from kalan.training.selectors.learning_observations import gestures_of, own_observations
from kalan.training.selectors.registrations import my_registrations
from kalan.training.selectors.satisfaction import session_of_code
from kalan.training.selectors.sessions import abilities
from kalan.training.services import learning as services
from kalan.training.services.learning_gain import compute_gain
from kalan.training.services.learning_sittings import (
    find_person,
    paper_lines,
    start_by_code,
    start_mine,
)
from kalan.training.views.common import session_or_404

VIEW = policy.CAPABILITIES["learning.view"]
RUN = policy.CAPABILITIES["learning.run"]
MOMENTS = {"avant": Moment.BEFORE, "apres": Moment.AFTER}
WORDS = {moment: word for word, moment in MOMENTS.items()}
_FORM_METHODS = ["GET", "HEAD", "POST"]


def moment_of(word: str) -> str:
    if word not in MOMENTS:
        raise Http404
    return MOMENTS[word]


def join_address(session: Session) -> str:
    """What the QR code holds."""
    path = reverse("session-test-join", kwargs={"code": session.link_code})
    return f"{settings.KALAN_BASE_URL}{path}"


@staff(VIEW)
@require_safe
def session_tests(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Both moments: open, closed, who has taken them, how to get in."""
    session = session_or_404(request, uid, "learning.view")
    may = abilities(request.actor, session)
    found = reads.tests_of(session)
    rows = reads.taken(session)
    counts = reads.counts(rows)
    parts = [
        {"test": found[moment], "word": WORDS[moment], "counts": counts[moment.value]}
        for moment in (Moment.BEFORE, Moment.AFTER)
        if moment in found
    ]
    address = join_address(session)
    context = {
        "session": session,
        "parts": parts,
        "rows": rows if "learning.people" in may else [],
        "people": len(rows),
        "may_run": "learning.run" in may and session.state != Session.State.CANCELLED,
        "begun": any(row.before or row.after for row in rows),
        "address": address,
        "qr": qr_svg(address) if any(test.is_open for test in found.values()) else "",
        "gain": gains.gain_page(session, people=False),
    }
    return render(request, "training/learning/tests.html", context)


@staff(RUN)
@require_http_methods(_FORM_METHODS)
def choose(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Which test the session gives; what the programme's other sessions gave is proposed."""
    session = session_or_404(request, uid, "learning.run")
    found = reads.tests_of(session).get(Moment.BEFORE)
    if found is not None:
        initial: dict[str, Any] = {"test": found.test_id, "first": found.form}
    else:
        proposed = services.proposal(request.actor, session)
        initial = {"test": proposed.test, "first": proposed.first}
    form = ChooseForm(request.POST or None, actor=request.actor, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.choose_tests(
                actor=request.actor, now=clock.now(), session=session, **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("session-tests", uid=uid)
    status = 422 if form.errors else 200
    context = {"session": session, "form": form}
    return render(request, "training/learning/choose.html", context, status=status)


@staff(RUN)
@require_POST
def switch(request: ActorRequest, uid: UUID, moment: str, act: str) -> HttpResponseBase:
    """Open or close a moment's test."""
    session = session_or_404(request, uid, "learning.run")
    when = moment_of(moment)
    services_by_word = {"ouvrir": services.open_test, "fermer": services.close_test}
    if act not in services_by_word:
        raise Http404
    label = Moment(when).label
    said = f"Test {label} ouvert." if act == "ouvrir" else f"Test {label} fermé."
    return attempt(
        request,
        said,
        "session-tests",
        lambda: services_by_word[act](
            actor=request.actor, now=clock.now(), session=session, moment=when
        ),
        uid=uid,
    )


def _pdf(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    name_file(response, name, attachment=False)
    return response


@staff(RUN)
@require_safe
def slips(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    session = session_or_404(request, uid, "learning.run")
    people = [row.line for row in reads.taken(session)]
    return _pdf(slips_pdf(session, people, join_address(session)), f"bulletins-{session.code}.pdf")


@staff(RUN)
@require_safe
def paper(request: ActorRequest, uid: UUID, moment: str) -> HttpResponseBase:
    """The form on paper."""
    session = session_or_404(request, uid, "learning.run")
    test = reads.tests_of(session).get(moment_of(moment))
    if test is None:
        raise Http404
    return _pdf(test_pdf(session, test, paper_lines(test)), f"test-{moment}-{session.code}.pdf")


@staff(RUN)
@require_POST
def gain_recount(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Count the gain now rather than in the minutes to come."""
    compute_gain(session=session_or_404(request, uid, "learning.run"), now=clock.now())
    return redirect("session-gain", uid=uid)


@staff(VIEW)
@require_safe
def gain(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """What the group gained, and each person for those who may know."""
    session = session_or_404(request, uid, "learning.view")
    may = abilities(request.actor, session)
    people = "learning.people" in may
    found = gains.gain_page(session, people=people)
    if fmt := request.GET.get("format"):
        if not people:
            raise Http404
        return table_response(
            f"progres-{session.code}", gains.HEADERS, gains.export_rows(found), fmt
        )
    context = {
        "session": session,
        "gain": found,
        "chart": gains.chart(found),
        "people": people,
        "may_recount": "learning.run" in may,
        "gestures": gestures_of(session),
        "least": MIN_GROUP,
    }
    return render(request, "training/learning/gain.html", context)


# --- Participants -----------------------------------------------------------------------------


@require_http_methods(_FORM_METHODS)
def join(request: ActorRequest, code: str) -> HttpResponseBase:
    """Where the QR code leads: no list of names stands here, each has a code of their own."""
    session = session_of_code(code)
    if session is None:
        raise Http404
    opened = reads.open_tests(session)
    mine = reads.my_line(request.actor, session) if request.actor.is_authenticated else None
    form = CodeForm(request.POST or None)
    person: Registration | None = None
    status = 200
    if request.method == "POST" and form.is_valid():
        typed, address = form.cleaned_data["code"], address_of(request)
        try:
            person = find_person(session=session, typed=typed, address=address, now=clock.now())
            if "oui" in request.POST:
                moment = moment_of(request.POST.get("moment", ""))
                sitting = start_by_code(
                    now=clock.now(),
                    session=session,
                    typed=typed,
                    moment=moment,
                    address=address,
                )
                return redirect(play_url(sitting))
        except Refused as refused:
            person = None
            show_refusal(form, refused)
    if form.errors:
        status = 422
    context = {
        "session": session,
        "opened": [(WORDS[Moment(row.moment)], row) for row in opened],
        "mine": mine,
        "form": form,
        "person": person,
        "typed": form.cleaned_data.get("code", "") if person else "",
    }
    return render(request, "training/learning/join.html", context, status=status)


@signed_in
@require_POST
def start(request: ActorRequest, uid: UUID, moment: str) -> HttpResponseBase:
    """Begin, or go on with, one's own test."""
    line = my_registrations(request.actor).filter(session__uid=uid).first()
    if line is None:
        raise Http404
    try:
        sitting = start_mine(
            actor=request.actor, now=clock.now(), session=line.session, moment=moment_of(moment)
        )
    except ObjectDoesNotExist as error:
        raise Http404 from error
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("my-learning", uid=uid)
    return redirect(play_url(sitting))


@signed_in
@require_safe
def mine(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """One's own tests and observations in a session."""
    line = my_registrations(request.actor).filter(session__uid=uid).first()
    if line is None:
        raise Http404
    tests = reads.my_tests([line])[line.pk]
    results = reads.own_results(request.actor).get(line.pk, {})
    stored = reads.gain_of(line.session)
    body = (stored.body.get("people", {}) if stored else {}).get(str(line.pk), {})
    context = {
        "line": line,
        "session": line.session,
        "open": [(WORDS[Moment(m)], Moment(m).label) for m in tests.open],
        "results": [
            (Moment(m).label, results[m]) for m in (Moment.BEFORE, Moment.AFTER) if m in results
        ],
        "change": body if body.get("change") is not None else None,
        "observations": own_observations(request.actor).get(line.pk, []),
    }
    return render(request, "training/learning/mine.html", context)
