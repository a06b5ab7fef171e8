"""Who may do what in this room, and which changes of state are lawful."""

from __future__ import annotations

from kalan.people.models import Role
from kalan.training.models import Registration, Session

_READERS = frozenset(
    {Role.STRUCTURE, Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN, Role.TRAINER}
)

CAPABILITIES: dict[str, frozenset[str]] = {
    "programmes.view": _READERS - {Role.TRAINER},
    "programmes.edit": frozenset({Role.PROGRAMME, Role.ADMIN}),
    "sessions.view": _READERS,
    "sessions.plan": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "sessions.designate": frozenset({Role.STRUCTURE, Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "sessions.approve": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "sessions.convoke": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "sessions.participants": frozenset({Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "sessions.close": frozenset({Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "sessions.reopen": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "sessions.validate": frozenset({Role.REGION, Role.ADMIN}),
    "sessions.correct": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "attendance.mark": frozenset({Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "satisfaction.view": frozenset(
        {Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN}
    ),
    # Tests before and after: the group; who got what; opening, closing, keying in.
    "learning.view": frozenset(
        {Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN}
    ),
    "learning.people": frozenset({Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "learning.run": frozenset({Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    # Gestures: by who leads at the end, by who supervises some months later.
    "observations.end": frozenset({Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "observations.later": frozenset({Role.STRUCTURE, Role.REGION, Role.ADMIN}),
    "resources.edit": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "costs.view": frozenset({Role.PROGRAMME, Role.AUDITOR, Role.ADMIN}),
    "costs.edit": frozenset({Role.PROGRAMME, Role.ADMIN}),
    "payments.view": frozenset({Role.PROGRAMME, Role.AUDITOR}),
    "history.view": frozenset({Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN}),
    "messages.view": frozenset({Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN}),
    "messages.resend": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "messages.templates": frozenset({Role.PROGRAMME, Role.ADMIN}),
}

# Roles that follow the programme's node too, not only the place of the session.
PROGRAMME_ROLES = frozenset({Role.PROGRAMME, Role.AUDITOR, Role.ADMIN})

_S = Session.State

# action → {state before: state after}. What is not written here is refused.
SESSION_TRANSITIONS: dict[str, dict[str, str]] = {
    "convoke": {_S.PLANNED: _S.CONVOKED, _S.POSTPONED: _S.CONVOKED, _S.CONVOKED: _S.CONVOKED},
    "postpone": {
        _S.PLANNED: _S.POSTPONED,
        _S.CONVOKED: _S.POSTPONED,
        _S.POSTPONED: _S.POSTPONED,
    },
    "cancel": {
        _S.PLANNED: _S.CANCELLED,
        _S.CONVOKED: _S.CANCELLED,
        _S.POSTPONED: _S.CANCELLED,
    },
    "close": {_S.PLANNED: _S.CLOSED, _S.CONVOKED: _S.CLOSED, _S.POSTPONED: _S.CLOSED},
    "reopen": {_S.CLOSED: _S.PLANNED},
    "validate": {_S.CLOSED: _S.VALIDATED},
}
# Before it is held: the list of participants may still be made.
OPEN_STATES = frozenset({_S.PLANNED, _S.CONVOKED, _S.POSTPONED})
# Held and closed: what is counted (domain, counting rules).
COUNTABLE_STATES = frozenset({_S.CLOSED, _S.VALIDATED})

_R = Registration.State

REGISTRATION_TRANSITIONS: dict[str, dict[str, str]] = {
    "approve": {_R.DESIGNATED: _R.APPROVED, _R.WAITING: _R.APPROVED, _R.REFUSED: _R.APPROVED},
    "refuse": {_R.DESIGNATED: _R.REFUSED, _R.WAITING: _R.REFUSED, _R.APPROVED: _R.REFUSED},
    "wait": {_R.DESIGNATED: _R.WAITING},
    "promote": {_R.WAITING: _R.DESIGNATED},
    "convoke": {_R.APPROVED: _R.CONVOKED, _R.CONVOKED: _R.CONVOKED},
    "withdraw": {
        _R.DESIGNATED: _R.WITHDRAWN,
        _R.WAITING: _R.WITHDRAWN,
        _R.APPROVED: _R.WITHDRAWN,
        _R.CONVOKED: _R.WITHDRAWN,
    },
    "designate": {_R.WITHDRAWN: _R.DESIGNATED, _R.REFUSED: _R.DESIGNATED},
    "replace": {
        _R.DESIGNATED: _R.REPLACED,
        _R.APPROVED: _R.REPLACED,
        _R.CONVOKED: _R.REPLACED,
    },
}


def next_state(table: dict[str, dict[str, str]], action: str, state: str) -> str | None:
    """Return the state that ``action`` leads to, or None when it is not lawful."""
    return table[action].get(state)
