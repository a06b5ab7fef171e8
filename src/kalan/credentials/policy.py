"""Who may do what in this room, and which changes of state are lawful."""

from __future__ import annotations

from kalan.credentials.models import ActTemplate, Batch
from kalan.people.models import Role

_PREPARERS = frozenset({Role.STRUCTURE, Role.REGION, Role.PROGRAMME, Role.ADMIN})

CAPABILITIES: dict[str, frozenset[str]] = {
    "acts.view": _PREPARERS | {Role.SIGNATORY, Role.AUDITOR},
    "acts.prepare": _PREPARERS,
    "acts.approve": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "acts.sign": frozenset({Role.SIGNATORY}),
    "acts.deliver": _PREPARERS,
    "acts.renew": _PREPARERS,
    "acts.hand": frozenset({Role.PROGRAMME, Role.REGION, Role.ADMIN, Role.SIGNATORY}),
    "acts.revoke": frozenset({Role.PROGRAMME, Role.ADMIN, Role.SIGNATORY}),
    "acts.reinstate": frozenset({Role.ADMIN}),
    "acts.statistics": _PREPARERS | {Role.SIGNATORY, Role.AUDITOR},
    "register.view": frozenset({Role.PROGRAMME, Role.SIGNATORY, Role.AUDITOR, Role.ADMIN}),
    "templates.view": _PREPARERS | {Role.SIGNATORY, Role.AUDITOR},
    "templates.edit": frozenset({Role.ADMIN}),
    "offices.view": frozenset({Role.SIGNATORY, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN}),
    "offices.edit": frozenset({Role.ADMIN}),
    "keys.view": frozenset({Role.AUDITOR, Role.ADMIN}),
}

# Who must have a second factor gives it anew when acts are signed or ended (people's own policy
# says who must; a test holds the two together).
FACTOR_ROLES = frozenset({Role.SIGNATORY, Role.ADMIN})

_S = Batch.State

# action → {state before: state after}. What is not written here is refused.
BATCH_TRANSITIONS: dict[str, dict[str, str]] = {
    "check": {_S.DRAFT: _S.CHECKED},
    "approve": {_S.CHECKED: _S.APPROVED},
    "return": {_S.CHECKED: _S.DRAFT, _S.APPROVED: _S.DRAFT},
    "order": {_S.APPROVED: _S.ORDERED},
    "finish": {_S.ORDERED: _S.SIGNED},
    "print": {_S.ORDERED: _S.PRINTED},
    "hand": {_S.PRINTED: _S.SIGNED},
    "cancel": {_S.DRAFT: _S.CANCELLED, _S.CHECKED: _S.CANCELLED, _S.APPROVED: _S.CANCELLED},
}

_K = ActTemplate.Kind
_R = Batch.Source
_OF_SESSIONS = frozenset(_K.values) - {_K.COMPETENCE, _K.FREE, _K.FILES}

# Which kinds of act each source gives. A proof about a person rests on records, never on a table.
SOURCE_KINDS: dict[str, frozenset[str]] = {
    _R.PROGRAMME: _OF_SESSIONS,
    _R.SESSION: _OF_SESSIONS,
    _R.EXAM: frozenset({_K.COMPETENCE}),
    _R.SPREADSHEET: frozenset({_K.FREE}),
    _R.FILES: frozenset({_K.FILES}),
}
