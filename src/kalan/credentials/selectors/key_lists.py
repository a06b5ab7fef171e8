"""Keys as administrators and auditors read them."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db.models import QuerySet

from kalan.credentials.models import SigningKey


def all_keys() -> QuerySet[SigningKey]:
    """Every key with the one that replaced it, by purpose, the newest first."""
    rows = SigningKey.objects.select_related("replaced_by", "created_by")
    return rows.order_by("purpose", "-created_at", "-pk")


def lacking(keys: Iterable[SigningKey]) -> list[str]:
    """Purposes for which no key is in service, in words."""
    held = {key.purpose for key in keys if key.state == SigningKey.State.ACTIVE}
    return [str(label) for code, label in SigningKey.Purpose.choices if code not in held]


def is_locked(key: SigningKey) -> bool:
    """Whether the private part is not where the server looks for it."""
    if key.kind != SigningKey.Kind.FILE or not key.folder:
        return False
    return not (settings.KALAN_HOME / "keys" / key.folder).is_dir()
