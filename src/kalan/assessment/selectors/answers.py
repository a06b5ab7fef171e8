"""Answers to a bank as arrays: millions of rows by one query, 40 bytes a row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from kalan.assessment.models import Answer, Sitting
from kalan.base.errors import Refused
from kalan.skills.models import ItemBank

FIELDS = np.dtype(
    [
        ("version", np.int64),
        ("sitting", np.int64),
        ("person", np.int64),
        ("category", np.int16),
        ("seconds", np.int32),  # −1: not known
        ("fraction", np.float32),
        ("sex", np.int8),  # 1 woman, 0 man, −1 not known
        ("mixed", np.bool_),
    ]
)
SEX = {"F": 1, "M": 0}
TICK = 50_000
Table = NDArray[np.void]


@dataclass(frozen=True)
class Which:
    """Which answers: ``simulated`` or real, never both; ``finished``: of sittings that reached
    their end; ``first_only``: of each person the first answer to a question; dates inclusive."""

    simulated: bool = False
    finished: bool = True
    first_only: bool = True
    since: dt.date | None = None
    until: dt.date | None = None


def rows_of(bank: ItemBank, which: Which) -> QuerySet[Answer]:
    """The answers that ``which`` names, before repeats are left out."""
    states = [Sitting.State.FINISHED] if which.finished else [
        *Sitting.OVER, Sitting.State.RUNNING,
    ]  # fmt: skip
    rows = Answer.objects.filter(
        version__item__bank=bank, simulated=which.simulated, sitting__state__in=states
    )
    if which.since is not None:
        rows = rows.filter(at__date__gte=which.since)
    if which.until is not None:
        rows = rows.filter(at__date__lte=which.until)
    return rows


def load(bank: ItemBank, which: Which, *, told: Callable[[int], None] = lambda done: None) -> Table:
    """The answers as an array of ``FIELDS`` (one query); ``told`` hears how many were read.

    A sitting whose flag differs from its answers' is refused: nobody could say what it is.
    """
    columns = (
        "version_id",
        "sitting_id",
        "sitting__agent_id",
        "sitting__account__agent_id",
        "sitting__account_id",
        "sitting__sex",
        "sitting__simulated",
        "category",
        "seconds",
        "fraction",
    )
    rows = rows_of(bank, which).order_by().values_list(*columns)
    table = np.fromiter(_records(rows.iterator(chunk_size=5000), which.simulated, told), FIELDS)
    if table["mixed"].any():
        raise Refused(
            "Des réponses simulées et des réponses réelles se trouvent dans une même passation : "
            "rien n’est calibré.",
            remedy="Prévenez l’administrateur.",
            code="mixed",
        )
    return _first(table) if which.first_only else table


def _records(
    rows: Iterator[Any], simulated: bool, told: Callable[[int], None]
) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(rows, start=1):
        version, sitting, agent, also, account, sex, flag, category, seconds, fraction = row
        yield (
            version,
            sitting,
            _person(agent or also, account, sitting),
            category,
            -1 if seconds is None else min(seconds, 2**31 - 1),
            fraction,
            SEX.get(sex, -1),
            flag != simulated,
        )
        if number % TICK == 0:
            told(number)


def _person(agent: int | None, account: int | None, sitting: int) -> int:
    """One number a person: the agent, else the account; whoever has neither sat once."""
    if agent is not None:
        return 3 * agent
    return 3 * account + 1 if account is not None else 3 * sitting + 2


def _first(table: Table) -> Table:
    order = np.lexsort((table["sitting"], table["version"], table["person"]))
    sorted_ = table[order]
    again = np.zeros(sorted_.size, bool)
    again[1:] = (sorted_["person"][1:] == sorted_["person"][:-1]) & (
        sorted_["version"][1:] == sorted_["version"][:-1]
    )
    found: Table = sorted_[~again]
    return found
