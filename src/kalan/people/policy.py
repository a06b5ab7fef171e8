"""Who may do what in this room: capability → roles. Never imported by another room."""

from __future__ import annotations

from kalan.people.models import Role

_STAFF = frozenset({Role.STRUCTURE, Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN})

CAPABILITIES: dict[str, frozenset[str]] = {
    "people.view": _STAFF,
    "people.edit": frozenset({Role.STRUCTURE, Role.REGION, Role.ADMIN}),
    # Adding somebody met on the spot: whoever may run a session.
    "people.field": frozenset(
        {Role.TRAINER, Role.STRUCTURE, Role.REGION, Role.PROGRAMME, Role.ADMIN}
    ),
    "people.merge": frozenset({Role.REGION, Role.ADMIN}),
    "structures.view": _STAFF | {Role.TRAINER},
    "structures.edit": frozenset({Role.REGION, Role.ADMIN}),
    "accounts.view": frozenset({Role.STRUCTURE, Role.REGION, Role.ADMIN}),
    "accounts.create": frozenset({Role.STRUCTURE, Role.REGION, Role.ADMIN}),
    "accounts.slip": frozenset({Role.STRUCTURE, Role.REGION, Role.ADMIN}),
    "accounts.admin": frozenset({Role.ADMIN}),
    "roles.grant": frozenset({Role.REGION, Role.ADMIN}),
    "imports.people": frozenset({Role.REGION, Role.ADMIN}),
    "history.view": frozenset({Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN}),
    "history.accounts": frozenset({Role.REGION, Role.ADMIN}),
    "privacy.manage": frozenset({Role.ADMIN}),
}

# Holders of these must have a second factor; without one these grants give nothing.
SECOND_FACTOR_ROLES = frozenset({Role.SIGNATORY, Role.ADMIN})

# Who grants and withdraws which roles, on their own node and below: never above one's own.
GRANTABLE: dict[str, frozenset[str]] = {
    Role.REGION: frozenset({Role.TRAINER, Role.STRUCTURE, Role.REGION}),
    Role.ADMIN: frozenset(Role.values),
}

# Whose access one may restore (slip, phone, deactivation): every role that the person holds must
# be among these, on one's own node or below. Else a slip would be a way to a higher role.
RESTORABLE: dict[str, frozenset[str]] = {
    Role.STRUCTURE: frozenset({Role.TRAINER, Role.STRUCTURE}),
    Role.REGION: frozenset({Role.TRAINER, Role.STRUCTURE, Role.REGION, Role.AUTHOR}),
    Role.ADMIN: frozenset(Role.values),
}
