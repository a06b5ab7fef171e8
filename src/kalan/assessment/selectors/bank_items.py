"""The questions of a bank as the engine reads them."""

from __future__ import annotations

from django.conf import settings

from kalan.engine.testing.items import Item, provisional
from kalan.skills.models import ItemBank
from kalan.skills.selectors.items import Measured, TestItem, for_tests

MODELS = {"1PL": "logistic", "2PL": "logistic", "3PL": "logistic", "GRM": "grm", "GPCM": "gpcm"}


def items_of(bank: ItemBank) -> tuple[list[Item], list[TestItem], bool]:
    """(items for the engine, the rows they come from, whether a simulated calibration is used).

    Simulated calibrations count in the demonstration alone: elsewhere the expert's guess does.
    """
    rows = for_tests(bank)
    simulated = False
    items = []
    for row in rows:
        items.append(_item(row))
        found = row.calibration
        if found is not None and found.simulated and items[-1].se_b is not None:
            simulated = True
    return items, rows, simulated


def _item(row: TestItem) -> Item:
    found = row.calibration
    if found is None or not fits(found, row) or (found.simulated and not settings.KALAN_DEMO):
        return by_the_expert(row)
    return as_measured(row, found)


def fits(found: Measured, row: TestItem) -> bool:
    """Whether a calibration is of a model that the engine serves and of as many steps as ``row``
    has today."""
    return len(found.b) == row.top and found.model in MODELS


def by_the_expert(row: TestItem) -> Item:
    """``row`` under expert parameters."""
    return provisional(
        str(row.version_uid),
        row.code,
        row.domain,
        row.kind,
        difficulty=row.difficulty,
        top=row.top,
        options=row.options,
        accessible=row.accessible,
    )


def as_measured(row: TestItem, found: Measured) -> Item:
    """``row`` under the parameters of ``found``, which ``fits`` it."""
    return Item(
        uid=str(row.version_uid),
        code=row.code,
        domain=row.domain,
        kind=row.kind,
        top=row.top,
        model=MODELS[found.model],
        a=found.a,
        b=found.b,
        c=found.c,
        se_a=found.se_a,
        se_b=found.se_b,
        n=found.answers,
        accessible=row.accessible,
    )
