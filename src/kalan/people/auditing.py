"""Which models of the room keep a history. Called once, when the application is ready."""

from __future__ import annotations

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.db.models import Model
from django.db.models.signals import pre_save

from kalan.people import models
from kalan.people.services.history import stamp

# Derived columns: they follow another field that is recorded.
_DERIVED: dict[type[Model], list[str]] = {
    models.OrgNode: ["path", "depth", "numchild", "search"],
    models.Agent: ["search"],
}
_PLAIN: list[type[Model]] = [
    models.OrgNodeCode,
    models.OrgNodePeriod,
    models.Post,
    models.RoleGrant,
    models.Merge,
]


def register() -> None:
    """Register the models of the room and the stamp of actor and reason."""
    for model, derived in _DERIVED.items():
        auditlog.register(model, exclude_fields=[*derived, *_reverse(model)])
    for model in _PLAIN:
        auditlog.register(model, exclude_fields=_reverse(model))
    secret = ["password", "last_login", *_reverse(models.Account)]
    auditlog.register(models.Account, exclude_fields=secret)
    pre_save.connect(stamp, sender=LogEntry, dispatch_uid="kalan.people.history")


def _reverse(model: type[Model]) -> list[str]:
    """Names of what points at the model: auditlog would record them as fields of it."""
    return [field.name for field in model._meta.get_fields() if not field.concrete]
