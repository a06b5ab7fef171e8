"""Who may do what in this room: capability → roles. Never imported by another room."""

from __future__ import annotations

from kalan.people.models import Role

_STAFF = frozenset(Role.values) - {Role.SIGNATORY}
_MAKERS = frozenset({Role.AUTHOR, Role.PROGRAMME, Role.ADMIN})

CAPABILITIES: dict[str, frozenset[str]] = {
    "frameworks.view": _STAFF,
    "frameworks.edit": frozenset({Role.PROGRAMME, Role.ADMIN}),
    # Keys stand in items: who sees them could pass them on.
    "items.view": _MAKERS,
    "items.edit": frozenset({Role.AUTHOR, Role.ADMIN}),
    "items.review": _MAKERS,
    "items.activate": _MAKERS,
    "banks.edit": _MAKERS,
    "calibrations.adopt": frozenset({Role.PROGRAMME, Role.ADMIN}),
}
