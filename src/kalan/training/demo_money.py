"""Invented costs of the demonstration sessions, and the programme's transport rates."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from kalan.people.actor import SYSTEM
from kalan.people.demo import World
from kalan.training.models import Programme, Session
from kalan.training.services import costs, programmes
from kalan.training.services.costs import CostData

# FCFA: category → (for each person and day, for each day).
RATES = {
    "per_diem": (10000, 0),
    "transport": (2500, 0),
    "meals": (3500, 0),
    "room": (0, 50000),
    "fuel": (0, 20000),
    "connection": (0, 10000),
    "printing": (0, 7500),
}


def build_money(world: World, programme: Programme, *, now: dt.datetime) -> None:
    """Cost lines of every session held, funded by the programme's first funder."""
    programmes.set_transport_rates(
        actor=SYSTEM,
        now=now,
        programme=programme,
        rates=[(node, Decimal(2500)) for node in world.structures],
    )
    funder = programme.partners.select_related("partner").filter(role="funder").order_by("pk")[0]
    held = Session.objects.filter(programme=programme, validated_at__isnull=False).order_by("pk")
    for session in held:
        days = (session.end - session.start).days + 1
        people = session.registrations.count()
        for category, (by_person, by_day) in RATES.items():
            planned = Decimal(days * (people * by_person + by_day))
            share = Decimal(world.random.choice([90, 95, 98, 100, 100, 104])) / 100
            costs.add_cost(
                actor=SYSTEM,
                now=now,
                session=session,
                data=CostData(
                    category=category,
                    funder=funder.partner,
                    planned=planned,
                    spent=(planned * share).quantize(Decimal(1)),
                ),
            )
