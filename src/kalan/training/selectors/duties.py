"""What waits for somebody: the same querysets give the number on the staff home and the list
that it opens, so that the two cannot disagree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db.models import Exists, OuterRef, QuerySet

from kalan.people.actor import Actor
from kalan.training.models import HalfDay, Registration, Session
from kalan.training.selectors.attendance import markable_sessions
from kalan.training.selectors.registrations import registrations_visible_to
from kalan.training.selectors.sessions import sessions_visible_to

SOON = dt.timedelta(days=14)
_S = Session.State
OPEN = (_S.PLANNED, _S.CONVOKED, _S.POSTPONED)


def today_s(actor: Actor, today: dt.date) -> QuerySet[Session]:
    """Sessions with a half-day today whose attendance the actor may write."""
    held = HalfDay.objects.filter(session=OuterRef("pk"), date=today)
    return markable_sessions(actor).filter(Exists(held), state__in=OPEN)


def to_close(actor: Actor, today: dt.date) -> QuerySet[Session]:
    rows = sessions_visible_to(actor, "sessions.close")
    return rows.filter(end__lt=today, state__in=(_S.PLANNED, _S.CONVOKED))


def to_validate(actor: Actor, today: dt.date) -> QuerySet[Session]:
    return sessions_visible_to(actor, "sessions.validate").filter(state=_S.CLOSED)


def designations(actor: Actor, today: dt.date) -> QuerySet[Registration]:
    """People designated to sessions not yet over, on whom nobody has decided."""
    return registrations_visible_to(actor, "sessions.approve").filter(
        state=Registration.State.DESIGNATED, session__end__gte=today, session__state__in=OPEN
    )


def to_decide(actor: Actor, today: dt.date) -> QuerySet[Session]:
    """The sessions of those designations."""
    return Session.objects.filter(pk__in=designations(actor, today).values("session"))


def coming(actor: Actor, today: dt.date) -> QuerySet[Session]:
    """Sessions that begin within SOON."""
    rows = sessions_visible_to(actor)
    return rows.filter(start__gt=today, start__lte=today + SOON, state__in=OPEN)


# code of the list's filter → its label, and the sessions it keeps
SESSION_DUTIES: dict[str, tuple[str, Callable[[Actor, dt.date], QuerySet[Session]]]] = {
    "aujourdhui": ("Aujourd’hui", today_s),
    "cloturer": ("À clôturer", to_close),
    "valider": ("À valider", to_validate),
    "decider": ("Désignations à décider", to_decide),
    "bientot": ("Dans les 14 jours", coming),
}
