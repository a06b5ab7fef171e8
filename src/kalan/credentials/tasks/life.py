"""What acts ask for by themselves once issued."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from kalan.base.schedule import scheduled
from kalan.credentials.services import delivery, retention


@scheduled("acts-expiring", cron="40 6 * * *")
def tell_expiring(*, now: dt.datetime) -> None:
    """Tell holders that the validity of an act ends in 60 days, then in 15."""
    delivery.tell_expiring(now=now, today=timezone.localdate(now))


@scheduled("acts-retention", cron="10 4 2 * *")
def forget(*, now: dt.datetime) -> None:
    """Once a month: remove the documents whose retention is over."""
    retention.forget_old(now=now)


@scheduled("acts-bundles", cron="25 4 * * *")
def forget_bundles(*, now: dt.datetime) -> None:
    """Once a day: remove archives and print runs that nobody fetches any more."""
    retention.forget_bundles(now=now)
