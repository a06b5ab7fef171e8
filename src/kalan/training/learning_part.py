"""What a session says of the sittings that it started (assessment.parts)."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse

from kalan.assessment.models import Result, Sitting
from kalan.assessment.parts import SittingPart, Step
from kalan.people.actor import Actor
from kalan.training.models import SessionSitting, SessionTest
from kalan.training.selectors.sessions import sessions_visible_to
from kalan.training.services.learning_gain import ask_gain
from kalan.training.services.learning_sittings import CONTEXT


def _link(sitting: Sitting) -> SessionSitting | None:
    return (
        SessionSitting.objects.select_related("registration__session").filter(sitting=sitting)
    ).first()


class SessionPart(SittingPart):
    """Tests before and after: back to the session; read by who leads or supervises it."""

    context = CONTEXT

    def door(self, sitting: Sitting) -> Step | None:
        """A sitting not begun waits for its moment to be open."""
        link = _link(sitting)
        if link is None or sitting.state != Sitting.State.READY:
            return None
        session = link.registration.session
        test = SessionTest.objects.filter(session=session, moment=link.moment).first()
        if test is not None and test.is_open:
            return None
        url = reverse("session-test-join", kwargs={"code": session.link_code})
        return Step("Revenir à la session", url, "Ce test n’est pas ouvert en ce moment.")

    def after(self, sitting: Sitting) -> Step | None:
        link = _link(sitting)
        if link is None:
            return None
        session = link.registration.session
        if sitting.by_link:
            url = reverse("session-test-join", kwargs={"code": session.link_code})
        else:
            url = reverse("my-learning", kwargs={"uid": session.uid})
        return Step("Revenir à la formation", url, f"Merci ! {session.title}")

    def may_see(self, actor: Actor, sitting: Sitting) -> bool:
        link = _link(sitting)
        if link is None:
            return False
        rows = sessions_visible_to(actor, "learning.people")
        return rows.filter(pk=link.registration.session_id).exists()

    def finished(self, sitting: Sitting, result: Result, now: dt.datetime) -> None:
        link = _link(sitting)
        if link is not None:
            ask_gain(link.registration.session_id)
