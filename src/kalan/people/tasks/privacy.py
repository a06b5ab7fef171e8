"""Nightly: what is kept longer than its rule goes."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from kalan.base.packs import read_pack
from kalan.base.schedule import scheduled
from kalan.people.selectors import merging
from kalan.people.services import duplicates, privacy


@scheduled("retention", cron="20 3 * * *")
def retention(*, now: dt.datetime) -> None:
    """Apply the retention rules of the country pack."""
    privacy.apply_retention(now=now, rules=read_pack(settings.KALAN_COUNTRY).retention_months)


@scheduled("duplicates", cron="40 3 * * *")
def likely_duplicates(*, now: dt.datetime) -> None:
    """Look for likely duplicates, country by country."""
    for node in merging.countries():
        duplicates.find_agents(node=node, now=now)
        duplicates.find_structures(node=node, now=now)
