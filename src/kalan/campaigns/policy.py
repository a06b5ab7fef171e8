"""Who may do what in this room: capability → roles. Never imported by another room."""

from __future__ import annotations

from kalan.people.models import Role

_READERS = frozenset({Role.STRUCTURE, Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN})

CAPABILITIES: dict[str, frozenset[str]] = {
    "campaigns.view": _READERS,
    "campaigns.edit": _READERS - {Role.AUDITOR},
    "campaigns.export": _READERS,
    "outside.import": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
}
