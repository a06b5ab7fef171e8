"""Which models of the room keep a history. Called once, when the application is ready."""

from __future__ import annotations

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.db.models.signals import pre_save

from kalan.people import models
from kalan.people.services.history import stamp

# Derived columns: they follow another field that is recorded.
_DERIVED = {
    models.OrgNode: ["path", "depth", "numchild", "search"],
    models.Agent: ["search"],
}
_PLAIN = [models.OrgNodeCode, models.OrgNodePeriod, models.Post, models.RoleGrant, models.Merge]


def register() -> None:
    """Register the models of the room and the stamp of actor and reason."""
    for model, derived in _DERIVED.items():
        auditlog.register(model, exclude_fields=derived)
    for model in _PLAIN:
        auditlog.register(model)
    auditlog.register(models.Account, exclude_fields=["password", "last_login"])
    pre_save.connect(stamp, sender=LogEntry, dispatch_uid="kalan.people.history")
