"""What may be done next with a session, by its state and by who looks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from kalan.training import policy
from kalan.training.models import Registration, Session


@dataclass(frozen=True)
class Step:
    """A button: its words, the screen it opens, and whether it is the usual next step."""

    label: str
    url_name: str
    main: bool = False
    danger: bool = False


def steps_for(
    session: Session, may: frozenset[str], *, today: dt.date, states: frozenset[str] = frozenset()
) -> list[Step]:
    """Return the buttons, the usual next step first, given the ``states`` found on its list."""
    lawful = {
        action
        for action in policy.SESSION_TRANSITIONS
        if policy.next_state(policy.SESSION_TRANSITIONS, action, session.state)
    }
    is_open = session.state in policy.OPEN_STATES
    over = session.end <= today
    started = session.start <= today
    to_decide = not started and Registration.State.DESIGNATED in states
    to_convoke = not started and Registration.State.APPROVED in states
    wanted: list[tuple[bool, str, Step]] = [
        ("validate" in lawful, "sessions.validate", Step("Valider", "session-validate", main=True)),
        (
            started and session.state != Session.State.CANCELLED,
            "attendance.mark",
            Step("Noter les présences", "attendance", main=is_open),
        ),
        (
            started and session.state != Session.State.CANCELLED,
            "attendance.mark",
            Step("Saisir la feuille papier", "attendance-grid"),
        ),
        (
            started and session.state != Session.State.CANCELLED,
            "satisfaction.view",
            Step("Satisfaction", "satisfaction-results"),
        ),
        (
            session.state != Session.State.CANCELLED,
            "learning.run",
            Step("Tests avant / après", "session-tests"),
        ),
        (
            "close" in lawful and over,
            "sessions.close",
            Step("Clôturer", "session-close", main=True),
        ),
        (
            is_open,
            "sessions.designate",
            Step("Désigner des agents", "session-designate", main=not started),
        ),
        (
            is_open,
            "sessions.approve",
            Step("Retenir, liste d’attente", "session-participants", main=to_decide),
        ),
        (
            "convoke" in lawful and not over,
            "sessions.convoke",
            Step("Convoquer", "session-convoke", main=to_convoke),
        ),
        ("postpone" in lawful, "sessions.plan", Step("Reporter", "session-postpone")),
        ("cancel" in lawful, "sessions.plan", Step("Annuler", "session-cancel", danger=True)),
        ("reopen" in lawful, "sessions.reopen", Step("Rouvrir", "session-reopen")),
    ]
    steps = [step for possible, capability, step in wanted if possible and capability in may]
    for waits, screen in ((to_convoke, "session-convoke"), (to_decide, "session-participants")):
        if waits:  # what someone waits for comes before designating more people
            steps.sort(key=lambda step, screen=screen: step.url_name != screen)  # type: ignore[misc]
    return steps
