"""Who may do what in this room: capability → roles, and which changes of state are lawful."""

from __future__ import annotations

from kalan.campaigns.models import Campaign
from kalan.people.models import Role

_READERS = frozenset({Role.STRUCTURE, Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN})

CAPABILITIES: dict[str, frozenset[str]] = {
    "campaigns.view": _READERS,
    "campaigns.edit": _READERS - {Role.AUDITOR},
    "campaigns.export": _READERS,
    "outside.view": _READERS,
    "outside.import": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
}

_S = Campaign.State

# action → {state before: state after}. What is not written here is refused.
TRANSITIONS: dict[str, dict[str, str]] = {
    "open": {_S.DRAFT: _S.OPEN, _S.CLOSED: _S.OPEN},
    "close": {_S.OPEN: _S.CLOSED},
    "archive": {_S.CLOSED: _S.ARCHIVED},
}


def next_state(action: str, state: str) -> str | None:
    """Return the state that ``action`` leads to, or None when it is not lawful."""
    return TRANSITIONS[action].get(state)
