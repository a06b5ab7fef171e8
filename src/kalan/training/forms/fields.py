"""Fields that the planning screens share: amounts, half-days."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms


class MoneyField(forms.DecimalField):
    """An amount: spaces between thousands and a decimal comma are read."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal"}))
        super().__init__(max_digits=12, decimal_places=2, **kwargs)
        self.error_messages["invalid"] = "Écrivez un montant, par exemple 12 500."

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = "".join(value.split()).replace(",", ".")
        return super().to_python(value)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Decimal) and value == value.to_integral_value():
            return f"{value:.0f}"
        return value


def parse_slot(code: str) -> tuple[dt.date, str] | None:
    """``2023-03-13-am`` → (date, "am"); None when it is not that."""
    day, _, part = code.rpartition("-")
    try:
        return dt.date.fromisoformat(day), part
    except ValueError:
        return None


def slot_code(day: dt.date, part: str) -> str:
    return f"{day.isoformat()}-{part}"
