"""Who may do what in this room: capability → roles. Never imported by another room."""

from __future__ import annotations

from kalan.people.models import Role

CAPABILITIES: dict[str, frozenset[str]] = {
    "indicators.view": frozenset(
        {Role.STRUCTURE, Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN}
    ),
    # A freeze or a declared figure speaks for a programme.
    "indicators.freeze": frozenset({Role.PROGRAMME, Role.ADMIN}),
    "indicators.declare": frozenset({Role.PROGRAMME, Role.ADMIN}),
    "indicators.denominators": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "indicators.money": frozenset({Role.PROGRAMME, Role.AUDITOR, Role.ADMIN}),
}
