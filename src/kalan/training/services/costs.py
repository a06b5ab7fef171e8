"""Cost lines of a session: planned and spent, by category and funder. Kalan never pays."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.training.models import CostLine, Partner, Session
from kalan.training.selectors.costs import WITHOUT_DECIMALS
from kalan.training.services.dirty import mark_dirty
from kalan.training.services.history import act
from kalan.training.services.locking import locked


@dataclass(frozen=True)
class CostData:
    """Amounts are in ``currency`` (ISO 4217)."""

    category: str
    label: str = ""
    funder: Partner | None = None
    planned: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    currency: str = "XOF"


@act
def add_cost(*, actor: Actor, now: dt.datetime, session: Session, data: CostData) -> CostLine:
    """Add a cost line to a session."""
    row = locked(actor, "costs.edit", session)
    _check(data)
    line = CostLine.objects.create(session=row, **vars(data))
    mark_dirty([row.pk], now)
    return line


@act
def update_cost(*, actor: Actor, now: dt.datetime, line: CostLine, data: CostData) -> CostLine:
    """Change a cost line."""
    row = locked(actor, "costs.edit", line.session)
    _check(data)
    for name, value in vars(data).items():
        setattr(line, name, value)
    line.save()
    mark_dirty([row.pk], now)
    return line


@act
def remove_cost(*, actor: Actor, now: dt.datetime, line: CostLine) -> None:
    """Take a cost line away (its history stays)."""
    row = locked(actor, "costs.edit", line.session)
    line.delete()
    mark_dirty([row.pk], now)


def _check(data: CostData) -> None:
    if data.category not in CostLine.Category.values:
        raise Refused("Choisissez une catégorie de dépense.", field="category")
    for field, amount in (("planned", data.planned), ("spent", data.spent)):
        if amount < 0:
            raise Refused("Un montant ne peut pas être négatif.", field=field)
        if data.currency in WITHOUT_DECIMALS and amount != amount.to_integral_value():
            raise Refused(
                "Le franc CFA n’a pas de centimes.",
                field=field,
                remedy="Écrivez un montant entier.",
            )
    if not data.planned and not data.spent:
        raise Refused("Écrivez un montant prévu ou dépensé.", field="planned")
