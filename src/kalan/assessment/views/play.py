"""A learner's tests: one address from the start page to the result.

A POST answers 200 with the next question itself. A reload sends the same answer again, under the
same uid: nothing is stored twice, and the same page comes back.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kalan.assessment import parts
from kalan.assessment.models import Sitting, SittingEvent, Test
from kalan.assessment.selectors.mine import own_tests
from kalan.assessment.selectors.reports import report_of
from kalan.assessment.selectors.screens import (
    Feedback,
    Over,
    Pause,
    Question,
    Screen,
    Start,
    current,
    last_feedback,
)
from kalan.assessment.selectors.sittings import person, playable, readable, retake
from kalan.assessment.services import answering, endings, events, sittings
from kalan.assessment.services.answering import Answered
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.base.text import whole
from kalan.people.http import ActorRequest, signed_in
from kalan.skills.play.show import question, review

UNREADABLE = "Cette réponse est arrivée abîmée : elle n’est pas gardée. Répondez de nouveau."


@signed_in
@require_safe
def mine(request: ActorRequest) -> HttpResponse:
    """What I can take, what I took."""
    found = own_tests(request.actor, now=clock.now())
    return render(request, "assessment/play_list.html", {"tests": found})


@signed_in
@require_POST
def start(request: ActorRequest, code: str) -> HttpResponse:
    test = get_object_or_404(Test, code=code)
    try:
        sitting = sittings.start(actor=request.actor, test=test, now=clock.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("test-list")
    return redirect("test-play", uid=sitting.uid)


@require_http_methods(["GET", "HEAD", "POST"])
def play(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Everything of one sitting; who holds a link needs no account."""
    if request.actor.is_authenticated:
        return _signed_in(request, uid)
    if Sitting.objects.filter(uid=uid, by_link=True).exists():
        return _play(request, uid)
    return redirect_to_login(request.get_full_path())


def _mine(request: ActorRequest) -> QuerySet[Sitting]:
    """What this person may answer, in this browser."""
    return playable(request.actor).filter(parts.only_here(request.session))


def _play(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    try:
        if request.method == "POST":
            return _post(request, uid)
        sitting = _mine(request).get(uid=uid)
    except Sitting.DoesNotExist:
        return _read_only(request, uid)
    screen = _settled(sitting)
    feedback = last_feedback(sitting) if isinstance(screen, Question | Pause) else None
    return _show(request, sitting, screen, feedback=feedback, stop="terminer" in request.GET)


_signed_in = signed_in(_play)


def _read_only(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    """The result, for those whom the room that started the sitting lets read it.

    One's own sitting that goes on in another browser is left to the room that started it.
    """
    own = playable(request.actor).filter(uid=uid).first()
    if own is not None and own.state not in Sitting.OVER:
        door = parts.part_of(own).door(own)
        if door is not None:
            return redirect(door.url)
    try:
        sitting = readable(request.actor, uid)
    except Sitting.DoesNotExist:
        raise Http404 from None
    if sitting.state not in Sitting.OVER or request.method == "POST":
        raise Http404
    return _result(request, sitting, mine=False)


def _settled(sitting: Sitting) -> Screen:
    now = clock.now()
    screen = current(sitting=sitting, now=now)
    if isinstance(screen, Over) and screen.expired:
        endings.expire(sitting=sitting, now=now)
    return screen


# --- What is posted ---------------------------------------------------------------------------


def _post(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    data = request.POST
    if "commencer" in data:
        return _begin(request, uid)
    if "terminer" in data:
        sitting = _mine(request).get(uid=uid)
        endings.finish(sitting=sitting, now=clock.now())
        return redirect("test-play", uid=uid)
    if "suite" in data:
        step = whole(data["suite"])
        said = answering.proceed(
            sitting_uid=uid, step=-1 if step is None else step, now=clock.now(),
            among=_mine(request),
        )  # fmt: skip
        return _show(request, said.sitting, said.screen)
    return _answer(request, uid)


def _begin(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    sitting = _mine(request).get(uid=uid)
    if parts.part_of(sitting).door(sitting) is not None:
        return redirect("test-play", uid=uid)
    try:
        sitting = sittings.begin(sitting=sitting, now=clock.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("test-list" if request.actor.is_authenticated else "home")
    sitting = _mine(request).get(uid=uid)
    return _show(request, sitting, _settled(sitting))


def _answer(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    data, among = request.POST, _mine(request)
    try:
        answer_uid, number = uuid.UUID(data.get("u", "")), int(data.get("n", ""))
    except ValueError:
        sitting = among.get(uid=uid)
        shown = Answered("refused", sitting, _settled(sitting), message=UNREADABLE)
        return _show_answered(request, shown, status=400)
    skipped = "passer" in data
    said = answering.answer(
        sitting_uid=uid,
        answer_uid=answer_uid,
        number=number,
        data={} if skipped else data,
        now=clock.now(),
        among=among,
        remind=not skipped and "sur" not in data,
    )
    return _show_answered(request, said, status=409 if said.outcome == "refused" else 200)


def _show_answered(request: ActorRequest, said: Answered, *, status: int = 200) -> HttpResponse:
    return _show(
        request,
        said.sitting,
        said.screen,
        feedback=said.feedback,
        message=said.message,
        given=said.given,
        status=status,
    )


# --- What is shown ----------------------------------------------------------------------------


def _show(
    request: ActorRequest,
    sitting: Sitting,
    screen: Screen,
    *,
    feedback: Feedback | None = None,
    message: str = "",
    given: Any = None,
    stop: bool = False,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "sitting": sitting,
        "screen": screen,
        "message": message,
        "feedback": feedback and review(feedback.stored, feedback.given, text=False),
    }
    if isinstance(screen, Over):
        return _result(request, sitting, mine=True, context=context, status=status)
    if isinstance(screen, Start):
        context["door"] = parts.part_of(sitting).door(sitting)
        context["test"] = Test.objects.select_related("bank").get(pk=sitting.test_id)
        context["rules"] = sittings.rules_of(sitting)
        return render(request, "assessment/play_start.html", context, status=status)
    if stop:
        return render(request, "assessment/play_stop.html", context)
    if isinstance(screen, Question):
        context["fields"] = question(screen.stored.content, seed=sitting.seed, given=given)
        context["uid"] = uuid7().hex
        context["sure"] = given is not None
        context["help"] = parts.part_of(sitting).help(sitting)
        context["focus"] = parts.part_of(sitting).watches_focus(sitting)
        context["warn_only"] = message and given is None
        page = "assessment/play_question.html"
    else:
        page = "assessment/play_pause.html"
    return _light(request, render(request, page, context, status=status))


# On 2G each byte of a header costs as much as one of the question: what the site's own policy
# forbids stays forbidden, in fewer words (frame-ancestors stands for X-Frame-Options).
_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def _light(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Headers of a question: short once the sheet is a file (inlined, it needs a nonce).

    No "no-store": the back button then shows the earlier question, whose form does no harm, and
    not the browser's own page on forms sent twice.
    """
    response["Cache-Control"] = "private, no-cache"
    if not getattr(request, "sheet_inlined", False):
        response["Content-Security-Policy"] = _POLICY
        response["Permissions-Policy"] = "camera=(), microphone=()"
        response.xframe_options_exempt = True
    return response


def _result(
    request: ActorRequest,
    sitting: Sitting,
    *,
    mine: bool,
    context: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    sitting = Sitting.objects.select_related(
        "test__bank", "agent", "account", "frozen"
    ).defer("frozen__body").get(pk=sitting.pk)  # fmt: skip
    part = parts.part_of(sitting)
    withheld = part.withheld(sitting)
    report = None if withheld else report_of(sitting)
    rule = None
    if mine and sitting.context == "open":
        who = person(sitting.account, sitting.agent_id)
        rule = retake(sitting.test, who, now=clock.now())
    more = {
        "sitting": sitting,
        "mine": mine,
        "withheld": withheld,
        "report": report,
        "after": part.after(sitting),
        "steps": part.next_steps(sitting, report.result) if report and mine else [],
        "again": part.retake(sitting) if mine else None,
        "rule": rule,
    }
    return render(
        request, "assessment/play_result.html", {**(context or {}), **more}, status=status
    )


# --- Beside the pages -------------------------------------------------------------------------

_KINDS = {"focus": SittingEvent.Kind.FOCUS, "back": SittingEvent.Kind.BACK}


@require_POST
def focus(request: ActorRequest, uid: uuid.UUID) -> HttpResponse:
    """The page was left, or seen again: noted where the test watches that, never punished."""
    sitting = get_object_or_404(_mine(request), uid=uid)
    kind = _KINDS.get(request.POST.get("k", ""))
    number = whole(request.POST.get("n", ""))
    watched = parts.part_of(sitting).watches_focus(sitting)
    if kind and watched and sitting.state == Sitting.State.RUNNING:
        events.note(
            sitting=sitting,
            kind=kind,
            now=clock.now(),
            number=number,
        )
    return HttpResponse(status=204)
