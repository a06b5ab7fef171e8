"""What the SMS of one sending would cost, beside what is left of the month's ceiling."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.base.notifications.outbox import Draft, cost_of, spent_this_month

EMAIL, SMS = Message.Channel.EMAIL.value, Message.Channel.SMS.value


@dataclass(frozen=True)
class Spending:
    """The SMS of one sending. Amounts are in ``currency``; ``spent`` and ``ceiling`` are the
    month's; ``priced``: whether the installation says what an SMS costs."""

    number: int
    parts: int
    cost: Decimal
    spent: Decimal
    ceiling: Decimal
    currency: str
    priced: bool

    @property
    def over(self) -> bool:
        """Whether sending would pass the month's ceiling."""
        return self.cost > 0 and self.spent + self.cost > self.ceiling

    def refuse_over(self, remedy: str) -> None:
        """Raise Refused (``ceiling``) when sending would pass the month's ceiling."""
        if self.over:
            left = max(self.ceiling - self.spent, Decimal(0))
            raise Refused(
                f"Les SMS coûteraient {self.cost:.0f} {self.currency} ; il reste {left:.0f} "
                f"{self.currency} sur le plafond du mois.",
                field="channels",
                remedy=remedy,
                code="ceiling",
            )


def spending_of(
    drafts: Iterable[Draft],
    *,
    budget: str,
    now: dt.datetime,
    ceiling: Decimal | None = None,
    currency: str = "XOF",
) -> Spending:
    """What ``drafts`` would cost ``budget`` this month (one query); without a ``ceiling`` of its
    own, that of the installation."""
    sms = [cost_of(draft.channel, draft.body) for draft in drafts if draft.channel == SMS]
    return Spending(
        number=len(sms),
        parts=sum(parts for parts, _ in sms),
        cost=sum((cost for _, cost in sms), Decimal(0)),
        spent=spent_this_month(budget, now),
        ceiling=Decimal(settings.KALAN_SMS_MONTHLY_CEILING) if ceiling is None else ceiling,
        currency=currency,
        priced=settings.KALAN_SMS_PART_COST > 0,
    )


def way_to(channels: Collection[str], *, email: str, phone: str) -> tuple[str, str] | None:
    """(channel, recipient): by mail when it is among ``channels`` and there is an address, else by
    SMS likewise; None when neither reaches."""
    for channel, recipient in ((EMAIL, email), (SMS, phone)):
        if channel in channels and recipient:
            return channel, recipient
    return None
