"""Money of a session: cost lines for programme and auditor, and the payment list."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.db.models import QuerySet

from kalan.people.actor import Actor
from kalan.training import policy
from kalan.training.models import CostLine, HalfDay, Presence, Registration, Session, TransportRate
from kalan.training.selectors.registrations import by_name
from kalan.training.selectors.sessions import sessions_visible_to

# ISO 4217 currencies without a minor unit that are used where Kalan is.
WITHOUT_DECIMALS = frozenset({"XOF", "XAF", "GNF"})
CURRENCIES = [
    ("XOF", "FCFA (Afrique de l’Ouest)"),
    ("EUR", "euro"),
    ("XAF", "FCFA (Afrique centrale)"),
    ("GNF", "franc guinéen"),
    ("USD", "dollar des États-Unis"),
]


@dataclass(frozen=True)
class Total:
    """A sum of cost lines in one currency; ``label`` is the category, "Total" for all."""

    label: str
    currency: str
    planned: Decimal
    spent: Decimal


def costs_visible_to(actor: Actor, capability: str = "costs.view") -> QuerySet[CostLine]:
    return CostLine.objects.filter(
        session__in=sessions_visible_to(actor, capability).values("pk")
    ).select_related("funder", "session")


def totals(lines: Iterable[CostLine]) -> list[Total]:
    """Totals by category, then in all, one line for each currency: they are never added up."""
    planned: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    spent: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        for category in (line.category, ""):
            planned[category, line.currency] += line.planned
            spent[category, line.currency] += line.spent
    order = [*CostLine.Category.values, ""]
    return [
        Total(
            label=CostLine.Category(category).label if category else "Total",
            currency=currency,
            planned=planned[category, currency],
            spent=spent[category, currency],
        )
        for category, currency in sorted(planned, key=lambda key: (order.index(key[0]), key[1]))
    ]


@dataclass(frozen=True)
class Payment:
    """What one participant is due: ``days`` × rate, and transport from where they came."""

    registration_id: int
    name: str
    structure: str
    days: Decimal
    per_diem: Decimal
    transport: Decimal
    transport_from: str
    twice: str  # the other session that pays the same day, "" if none

    @property
    def total(self) -> Decimal:
        return self.per_diem + self.transport


@dataclass(frozen=True)
class PaymentList:
    session: Session
    currency: str
    rate: Decimal
    rows: list[Payment]

    @property
    def per_diem(self) -> Decimal:
        return sum((row.per_diem for row in self.rows), Decimal(0))

    @property
    def transport(self) -> Decimal:
        return sum((row.transport for row in self.rows), Decimal(0))

    @property
    def total(self) -> Decimal:
        return self.per_diem + self.transport

    @property
    def warnings(self) -> list[Payment]:
        return [row for row in self.rows if row.twice]


def payment_list(session: Session) -> PaymentList:
    """What the attendance of ``session`` comes to, in six queries.

    A day on which a person attended all of the session's half-days is one day, one of two
    half-days is half a day. Transport is paid once, at the rate of the nearest origin known to
    the programme: the structure, else its district, else its region. Not scoped: the caller got
    ``session`` from ``sessions_visible_to(actor, "payments.view")``.
    """
    programme = session.programme
    rate = programme.per_diem if programme else Decimal(0)
    held = Counter(HalfDay.objects.filter(session=session).values_list("date", flat=True))
    attended: dict[int, Counter[dt.date]] = defaultdict(Counter)
    for line_id, day in Presence.objects.filter(registration__session=session).values_list(
        "registration", "half_day__date"
    ):
        attended[line_id][day] += 1
    people = Registration.objects.filter(pk__in=attended)
    lines = list(by_name(people.select_related("agent", "outsider", "structure")))
    fares = _fares(session)
    twice = _paid_twice(session, lines, held.keys())
    rows = []
    for line in lines:
        days = sum(
            (Fraction(n, held[day]) for day, n in attended[line.pk].items()), start=Fraction()
        )
        origin, fare = _fare(fares, line)
        rows.append(
            Payment(
                registration_id=line.pk,
                name=line.person,
                structure=line.came_from,
                days=_decimal(days, "0.01"),
                per_diem=_decimal(days * Fraction(rate), _unit(session)),
                transport=fare,
                transport_from=origin,
                twice=twice.get((line.agent_id or 0), ""),
            )
        )
    return PaymentList(
        session=session, currency=programme.currency if programme else "XOF", rate=rate, rows=rows
    )


def _unit(session: Session) -> str:
    currency = session.programme.currency if session.programme else "XOF"
    return "1" if currency in WITHOUT_DECIMALS else "0.01"


def _decimal(value: Fraction, unit: str) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(unit))


def _fares(session: Session) -> dict[str, tuple[str, Decimal]]:
    rates = TransportRate.objects.filter(programme=session.programme_id).select_related("origin")
    return {rate.origin.path: (rate.origin.name, rate.amount) for rate in rates}


def _fare(fares: dict[str, tuple[str, Decimal]], line: Registration) -> tuple[str, Decimal]:
    path = line.structure.path if line.structure else ""
    nearest = max((p for p in fares if path.startswith(p)), key=len, default=None)
    return fares[nearest] if nearest else ("", Decimal(0))


def _paid_twice(
    session: Session, lines: list[Registration], days: Iterable[dt.date]
) -> dict[int, str]:
    """Agents also present on one of these days at another session that pays a per diem."""
    elsewhere = (
        Presence.objects.filter(
            registration__agent__in=[line.agent_id for line in lines if line.agent_id],
            half_day__date__in=list(days),
            registration__session__state__in=policy.COUNTABLE_STATES,
            registration__session__programme__per_diem__gt=0,
        )
        .exclude(registration__session=session)
        .order_by("half_day__date", "pk")
        .values_list("registration__agent", "half_day__date", "registration__session__code")
    )
    mine = set(
        Presence.objects.filter(registration__session=session).values_list(
            "registration__agent", "half_day__date"
        )
    )
    found: dict[int, str] = {}
    for agent_id, day, code in elsewhere:
        if agent_id and (agent_id, day) in mine:
            found.setdefault(agent_id, f"{code}, le {day:%d/%m/%Y}")
    return found
