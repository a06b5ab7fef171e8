"""Devices where an account is signed in (django-allauth's usersessions keeps the list)."""

from __future__ import annotations

from importlib import import_module

from allauth.usersessions.models import UserSession
from django.conf import settings

from kalan.people.models import Account


def end_sessions(*, account: Account, but: str | None = None) -> int:
    """End every session of ``account`` except the key ``but``; returns how many."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    rows = UserSession.objects.filter(user=account).exclude(session_key=but or "")
    keys = list(rows.order_by("pk").values_list("session_key", flat=True))
    for key in keys:
        store.delete(key)
    rows.delete()
    return len(keys)


def forget_session(key: str | None) -> None:
    """Take a session that has just ended off the list of devices."""
    if key:
        UserSession.objects.filter(session_key=key).delete()
