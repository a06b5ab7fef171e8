"""A test tried by its author: nothing is recorded.

The whole state (frozen test, seed, form, log) travels in the page, signed for this account: no
row, no session, no exposure counted, and a reload changes nothing.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from kalan.assessment.models import FrozenTest, Test
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors.frozen import frozen_of, stored_of, version_id
from kalan.assessment.selectors.test_pages import shown_frozen
from kalan.assessment.views.tests import managed_or_404
from kalan.base.text import whole
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.testing.outcome import outcome
from kalan.engine.testing.walk import Ask, Pause, Walk
from kalan.people.http import ActorRequest, staff
from kalan.skills.play import show
from kalan.skills.play.given import Given, UnreadableAnswerError, read
from kalan.skills.play.grade import grade

SALT = "assessment.preview"
HOURS = 12  # after which a page left open begins anew


@dataclass
class _State:
    """Where the author stands."""

    frozen: int
    seed: int
    form: int | None
    log: list[list[Any]] = field(default_factory=list)

    def signed(self, who: int) -> str:
        return signing.dumps([who, self.frozen, self.seed, self.form, self.log], salt=SALT)

    def walk(self) -> Walk:
        return Walk(frozen_of(self.frozen), self.seed, self.log, form=self.form, check=False)


@staff(CAPABILITIES["tests.edit"])
def tests_preview(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Start page, question, pause or end, by what was posted."""
    test = managed_or_404(request, uid, "tests.edit")
    row = shown_frozen(test)
    if row is None:
        messages.info(request, "Essayez d’abord ce brouillon par simulation : il sera prêt alors.")
        return redirect("tests-detail", uid=uid)
    account = request.actor.account
    who = account.pk if account else 0
    if request.method != "POST":
        return _start(request, test, row)
    if "commencer" in request.POST:
        chosen = whole(request.POST.get("forme", ""))
        if chosen is not None and chosen >= _forms(row):
            chosen = None
        state = _State(row.pk, secrets.randbits(32), chosen)
        return _show(request, test, state, who)
    try:
        sent = signing.loads(request.POST.get("etat", ""), salt=SALT, max_age=3600 * HOURS)
        if sent[0] != who or not FrozenTest.objects.filter(pk=sent[1], test=test).exists():
            raise signing.BadSignature("of somebody else, or of another version")
        state = _State(*sent[1:])
        return _next(request, test, state, who)
    except (signing.BadSignature, DataError):
        messages.info(request, "Ce parcours n’existe plus : recommencez-le.")
        return redirect("tests-preview", uid=uid)


def _forms(row: FrozenTest) -> int:
    return max((len(stage.forms) for stage in frozen_of(row.pk).stages), default=0)


def _start(request: ActorRequest, test: Test, row: FrozenTest) -> HttpResponse:
    letters = [(n, chr(ord("A") + n)) for n in range(_forms(row))]
    context = {"test": test, "row": row, "letters": letters}
    return render(request, "assessment/tests/preview_start.html", context)


def _next(request: ActorRequest, test: Test, state: _State, who: int) -> HttpResponse:
    """Take what was posted, then show what comes."""
    walk = state.walk()
    asked = walk.next()
    if isinstance(asked, Pause):
        state.log.append(walk.proceed())
        return _show(request, test, state, who)
    if not isinstance(asked, Ask):
        return _show(request, test, state, who)
    stored = stored_of(version_id(state.frozen, asked.item))
    given = Given()
    if "passer" not in request.POST:
        try:
            given = read(stored.content["kind"], stored.content, request.POST)
        except UnreadableAnswerError as error:
            messages.error(request, str(error) or "Cette réponse ne se lit pas.")
            return _show(request, test, state, who)
    mark = grade(stored, given)
    category = min(mark.category, walk.frozen.items[asked.item].top)
    state.log.append(walk.answer(asked.item, category))
    review = show.review(stored, given, seed=state.seed)
    return _show(request, test, state, who, review=review, right=mark.fraction)


def _show(request: ActorRequest, test: Test, state: _State, who: int, **more: Any) -> HttpResponse:
    walk = state.walk()
    asked = walk.next()
    context: dict[str, Any] = {"test": test, "token": state.signed(who), **more}
    context["progress"] = walk.progress()
    if isinstance(asked, Ask):
        item = walk.frozen.items[asked.item]
        stored = stored_of(version_id(state.frozen, asked.item))
        context |= {"asked": asked, "item": item, "number": len(walk.answers) + 1}
        context["fields"] = show.question(stored.content, seed=state.seed)
    elif isinstance(asked, Pause):
        context["pause"] = asked
    else:
        context["outcome"] = outcome(walk.frozen, state.log)
        context["levels"] = {level.code: level.name for level in walk.frozen.levels}
    return render(request, "assessment/tests/preview.html", context)
