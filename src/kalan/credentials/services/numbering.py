"""Numbers, codes and places in the status list: given in the transaction of the click."""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction
from django.db.models import F

from kalan.credentials.models import Act, RegisterCounter

# As in the status list of badges: a power of two, and never more than half full, so that a place
# tells nothing about when its act was made.
STATUS_LIST = 131_072
_CHUNK = 500


def next_numbers(*, country: str, year: int, count: int) -> list[str]:
    """Take ``count`` numbers of a country and year: ``SN-2026-000123``. None twice, none missing:
    the row stays locked until the transaction ends."""
    rows = RegisterCounter.objects.filter(country=country, year=year)
    if not rows.update(last=F("last") + count):
        try:
            with transaction.atomic():
                RegisterCounter.objects.create(country=country, year=year, last=count)
        except IntegrityError:  # another click has just opened the year
            rows.update(last=F("last") + count)
    last = rows.values_list("last", flat=True).get()
    return [f"{country.upper()}-{year}-{n:06d}" for n in range(last - count + 1, last + 1)]


def status_places(count: int) -> list[int]:
    """``count`` free places, drawn at random."""
    used = Act.objects.filter(status_index__isnull=False).count()
    size = STATUS_LIST
    while (used + count) * 2 > size:
        size += STATUS_LIST
    found: dict[int, None] = {}
    while len(found) < count:
        wanted = {secrets.randbelow(size) for _ in range(count - len(found))} - found.keys()
        drawn = sorted(wanted)
        for start in range(0, len(drawn), _CHUNK):
            part = drawn[start : start + _CHUNK]
            taken = set(
                Act.objects.filter(status_index__in=part).values_list("status_index", flat=True)
            )
            found.update(dict.fromkeys(place for place in part if place not in taken))
    places = list(found)
    secrets.SystemRandom().shuffle(places)
    return places
