"""Limits on failed attempts: per account, per identifier, and generously per address.

Only failures are counted, so that sixty people behind one hotspot all get in.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.db.models import F

from kalan.base.errors import Refused
from kalan.people.models import AttemptWindow
from kalan.people.vault import fingerprint

WINDOW = dt.timedelta(minutes=15)


@dataclass(frozen=True)
class Limit:
    """At most ``allowed`` failures in ``window`` for what ``key`` stands for."""

    key: str
    allowed: int
    window: dt.timedelta = WINDOW


def limit(kind: str, value: object, allowed: int, *, window: dt.timedelta = WINDOW) -> Limit:
    """Return the limit on one ``value`` (an address, an account) of a ``kind``."""
    return Limit(key=fingerprint(f"attempts.{kind}", str(value)), allowed=allowed, window=window)


def check(limits: Iterable[Limit], *, now: dt.datetime, what: str = "essais") -> set[str]:
    """Raise Refused while one of ``limits`` is reached, saying how long to wait.

    Returns the keys that have failures (one query).
    """
    allowed = {one.key: one.allowed for one in limits}
    rows = list(
        AttemptWindow.objects.filter(key__in=allowed, until__gt=now).values_list(
            "key", "count", "until"
        )
    )
    ends = [until for key, count, until in rows if count >= allowed[key]]
    if ends:
        raise Refused(
            f"Trop d’{what}.",
            remedy=f"Réessayez dans {how_long(max(ends) - now)}.",
            code="wait",
        )
    return {key for key, _, _ in rows}


def how_long(left: dt.timedelta) -> str:
    """« 1 minute », « 3 heures », « 12 jours »: rounded up."""
    for name, unit in (("jour", 86_400), ("heure", 3600), ("minute", 60)):
        number = math.ceil(left.total_seconds() / unit)
        if number > 1 or name == "minute":
            return f"{max(1, number)} {name}{'s' if number > 1 else ''}"
    raise AssertionError


def miss(limits: Iterable[Limit], *, now: dt.datetime) -> None:
    """Count one failure on each of ``limits``; the window opens at the first."""
    for one in limits:
        rows = AttemptWindow.objects.filter(key=one.key)
        if rows.filter(until__gt=now).update(count=F("count") + 1):
            continue
        if rows.filter(until__lte=now).update(count=1, until=now + one.window):
            continue
        try:
            with transaction.atomic():
                AttemptWindow.objects.create(key=one.key, count=1, until=now + one.window)
        except IntegrityError:  # another request opened the window meanwhile
            rows.update(count=F("count") + 1)


def attempt(limits: Iterable[Limit], *, now: dt.datetime, what: str = "essais") -> None:
    """Count a failure beforehand, so that no more than are allowed are tried at once.

    Raises Refused as ``check``. ``take_back`` when it was none after all.
    """
    held = list(limits)
    miss(held, now=now)
    check([replace(one, allowed=one.allowed + 1) for one in held], now=now, what=what)


def take_back(limits: Iterable[Limit]) -> None:
    """Uncount one failure on each of ``limits``."""
    rows = AttemptWindow.objects.filter(key__in=[one.key for one in limits], count__gt=0)
    rows.update(count=F("count") - 1)


def forgive(limits: Iterable[Limit]) -> None:
    """Forget the failures on ``limits``."""
    AttemptWindow.objects.filter(key__in=[one.key for one in limits]).delete()


def purge(*, now: dt.datetime) -> int:
    """Delete the windows that are over; returns how many."""
    return AttemptWindow.objects.filter(until__lte=now).delete()[0]
