"""The Angoff sheet as it stands: ratings, how judges agree, the cut they make, what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet

from kalan.assessment.models import CutJudge, CutPanel, CutRating, Test
from kalan.assessment.selectors.frozen import frozen_of, stored_of, version_ids
from kalan.engine.psychometrics.data import Floats
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.standard import AngoffCut, angoff, decision_error
from kalan.engine.testing.items import bank_of
from kalan.engine.testing.outcome import Z95, scaled
from kalan.skills.play.shape import Stored

LEAST_JUDGES = 3
WIDEST = 4.0  # a cut further than 4 standard deviations from the mean measures nobody


@dataclass(frozen=True)
class Row:
    """One item of the sheet: ``rank`` from 1; ratings in per cent by judge (None: not yet);
    ``mean``, ``sd`` in per cent."""

    rank: int
    version: int
    code: str
    domain: str
    top: int
    stored: Stored
    ratings: tuple[float | None, ...]
    mean: float | None
    sd: float | None


@dataclass(frozen=True)
class Column:
    """One judge: how many items are rated, mean rating in per cent, sum of points."""

    judge: CutJudge
    rated: int
    mean: float | None
    total: float | None


@dataclass(frozen=True)
class Sheet:
    """``cut`` None while the sheet is not complete (``missing`` says why); ``error``: the cut
    cannot be put on the scale; ``points`` the most that the rated items give; ``agreement``:
    ICC(2,1), two-way random, absolute (Shrout & Fleiss 1979), None when it cannot be computed;
    ``error_near``: SE of "above the cut" near it, were the rated items the test."""

    panel: CutPanel
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    cut: AngoffCut | None
    missing: tuple[str, ...]
    error: str
    points: int
    agreement: float | None
    error_near: float | None

    @property
    def score(self) -> int | None:
        return None if self.cut is None else scaled(self.cut.theta)

    @property
    def interval(self) -> tuple[int, int] | None:
        if self.cut is None:
            return None
        low, high = (scaled(self.cut.theta + s * Z95 * self.cut.theta_se) for s in (-1, 1))
        return low, high

    @property
    def ready(self) -> bool:
        return self.cut is not None and not self.missing


def panels_of(test: Test) -> QuerySet[CutPanel]:
    """The panels of a test, latest first."""
    rows = CutPanel.objects.filter(test=test).select_related("adopted_by")
    return rows.order_by("-created_at", "-pk")


def sheet(panel: CutPanel) -> Sheet:
    """The sheet with all that is computed from it (two queries and the frozen test)."""
    judges = list(CutJudge.objects.filter(panel=panel).order_by("rank"))
    place = {judge.pk: column for column, judge in enumerate(judges)}
    frozen, versions = frozen_of(panel.frozen_id), version_ids(panel.frozen_id)
    line = {versions[number]: row for row, number in enumerate(panel.numbers)}
    table = np.full((len(judges), len(panel.numbers)), np.nan)
    found = CutRating.objects.filter(judge__panel=panel).values_list("judge", "version", "value")
    for judge, version, value in found:
        if version in line:
            table[place[judge], line[version]] = value
    items = [frozen.items[number] for number in panel.numbers]
    rows = tuple(
        _row(rank, versions[number], item.code, item.domain, item.top, table[:, rank - 1])
        for rank, (number, item) in enumerate(zip(panel.numbers, items, strict=True), start=1)
    )
    tops = np.array([item.top for item in items], np.float64)
    missing = _missing(judges, table)
    cut: AngoffCut | None = None
    error, near = "", None
    if len(judges) >= 2 and not np.isnan(table).any():
        bank = bank_of(items)
        try:
            cut = angoff(bank, table, judges=tuple(judge.name for judge in judges))
            near = decision_error(bank, cut)
        except DataError as wrong:
            error = str(wrong)
        if cut is not None and abs(cut.theta) > WIDEST:
            error = (
                f"Seuil à {scaled(cut.theta)} points : hors de l’échelle "
                f"({scaled(-WIDEST)} à {scaled(WIDEST)}). Revoyez les avis."
            )
            cut = None
    return Sheet(
        panel=panel,
        rows=rows,
        columns=tuple(_column(judge, table[n], tops) for n, judge in enumerate(judges)),
        cut=cut,
        missing=tuple(missing),
        error=error,
        points=int(tops.sum()),
        agreement=agreement(table),
        error_near=near,
    )


def _row(rank: int, version: int, code: str, domain: str, top: int, given: Floats) -> Row:
    kept = given[~np.isnan(given)] * 100
    return Row(
        rank=rank,
        version=version,
        code=code,
        domain=domain,
        top=top,
        stored=stored_of(version),
        ratings=tuple(None if np.isnan(one) else float(one) * 100 for one in given),
        mean=float(kept.mean()) if kept.size else None,
        sd=float(kept.std(ddof=1)) if kept.size > 1 else None,
    )


def _column(judge: CutJudge, given: Floats, tops: Floats) -> Column:
    kept = ~np.isnan(given)
    rated = int(kept.sum())
    full = rated == given.size and rated > 0
    return Column(
        judge=judge,
        rated=rated,
        mean=float(given[kept].mean()) * 100 if rated else None,
        total=float(given @ tops) if full else None,
    )


def _missing(judges: list[CutJudge], table: Floats) -> list[str]:
    found = []
    if len(judges) < LEAST_JUDGES:
        found.append(f"{len(judges)} juge(s), il en faut au moins {LEAST_JUDGES}")
    for judge, row in zip(judges, table, strict=True):
        blank = [n for n, value in enumerate(row, start=1) if np.isnan(value)]
        if len(blank) == row.size:
            found.append(f"{judge.name} : aucun avis")
        elif blank:
            some = ", ".join(map(str, blank[:5])) + ("…" if len(blank) > 5 else "")
            found.append(f"{judge.name} : {len(blank)} avis manquant(s) (questions {some})")
    return found


def agreement(table: Floats) -> float | None:
    """ICC(2,1) of complete ratings (J, n): Shrout & Fleiss 1979, formula for case 2, single."""
    judges, items = table.shape
    if judges < 2 or items < 2 or np.isnan(table).any():
        return None
    grand = table.mean()
    between = judges * ((table.mean(axis=0) - grand) ** 2).sum() / (items - 1)
    raters = items * ((table.mean(axis=1) - grand) ** 2).sum() / (judges - 1)
    rest = table - table.mean(axis=0) - table.mean(axis=1)[:, None] + grand
    error = (rest**2).sum() / ((items - 1) * (judges - 1))
    below = between + (judges - 1) * error + judges * (raters - error) / items
    return float((between - error) / below) if below > 0 else None
