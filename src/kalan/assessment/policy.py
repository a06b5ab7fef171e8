"""Who may do what in this room: capability → roles. Never imported by another room."""

from __future__ import annotations

from kalan.people.models import Role

_MANAGERS = frozenset({Role.STRUCTURE, Role.REGION, Role.PROGRAMME, Role.AUDITOR, Role.ADMIN})
_MAKERS = frozenset({Role.AUTHOR, Role.PROGRAMME, Role.ADMIN})

CAPABILITIES: dict[str, frozenset[str]] = {
    "tests.view": _MANAGERS | {Role.AUTHOR, Role.TRAINER},
    "tests.edit": _MAKERS,
    "tests.publish": frozenset({Role.PROGRAMME, Role.ADMIN}),
    "exams.view": _MANAGERS - {Role.STRUCTURE} | {Role.TRAINER},
    "exams.plan": frozenset({Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "exams.invigilate": frozenset({Role.TRAINER, Role.REGION, Role.PROGRAMME, Role.ADMIN}),
    "exams.jury": frozenset({Role.PROGRAMME, Role.ADMIN}),
    "panels.edit": _MAKERS,
    "calibration.view": _MAKERS | {Role.AUDITOR},
    "calibration.run": _MAKERS,
    "calibration.adopt": frozenset({Role.PROGRAMME, Role.ADMIN}),
}
