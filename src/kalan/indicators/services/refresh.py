"""Keeps the figures in step with the records.

Other rooms list a session as dirty in the transaction that changes it. A refresh takes sessions
from that list, rebuilds their facts and moves the roll-ups, in one transaction of at most
``BATCH`` sessions, so that the write lock is never held for long. A large backlog (a first load, a
past-session import) rebuilds the facts batch by batch, then counts the roll-ups once.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import F

from kalan.indicators.models import (
    Cell,
    FiguresState,
    Participation,
    SessionFact,
    TrainerFact,
)
from kalan.indicators.services import cells, facts
from kalan.indicators.services.follow import follow
from kalan.training.models import DirtySession, Session

log = logging.getLogger(__name__)

BATCH = 100
# Above this many dirty sessions, or this share of all, counting every roll-up once is cheaper
# than moving them batch by batch.
WHOLE, WHOLE_SHARE = 100, 0.1
# A page refreshes by itself up to this many sessions; more is left to the worker.
INLINE = 25


@dataclass(frozen=True)
class Freshness:
    """``stale``: sessions still to be recomputed, whose figures are those of before."""

    version: int
    stale: int


def refresh(*, now: dt.datetime) -> int:
    """Recompute every dirty session; return how many there were. Safe to run again at any time."""
    follow(_state(), now=now)
    done = 0
    if _is_much(DirtySession.objects.count()):
        while taken := _refresh_batch(now=now, move_cells=False):
            done += taken
    while taken := _refresh_batch(now=now, move_cells=_cells_follow()):
        done += taken
    if not _cells_follow():
        recount(now=now)
    return done


def _is_much(dirty: int) -> bool:
    standing = SessionFact.objects.count()
    return dirty > WHOLE or dirty > max(INLINE, WHOLE_SHARE * standing)


def _state() -> FiguresState:
    return FiguresState.objects.get_or_create(pk=1)[0]


def _cells_follow() -> bool:
    state = _state()
    return state.facts_version == state.cells_version


@transaction.atomic
def _refresh_batch(*, now: dt.datetime, move_cells: bool) -> int:
    FiguresState.objects.select_for_update().get(pk=_state().pk)
    dirty = list(
        DirtySession.objects.select_for_update(skip_locked=True).order_by("since", "pk")[:BATCH]
    )
    if not dirty:
        return 0
    ids = [row.session_id for row in dirty]
    DirtySession.objects.filter(pk__in=[row.pk for row in dirty]).delete()
    if move_cells:
        cells.apply_difference(ids, lambda: facts.rebuild(ids))
    else:
        facts.rebuild(ids)
    moved = {"cells_version": F("cells_version") + 1} if move_cells else {}
    FiguresState.objects.filter(pk=1).update(
        facts_version=F("facts_version") + 1, refreshed_at=now, **moved
    )
    return len(ids)


def recount(*, now: dt.datetime) -> None:
    """Count all roll-ups anew; if the facts moved meanwhile, count again (they then move less)."""
    for _ in range(5):
        version = _state().facts_version
        counted = cells.count_all()
        with transaction.atomic():
            state = FiguresState.objects.select_for_update().get(pk=1)
            if state.facts_version != version:
                continue
            cells.replace_all(counted)
            FiguresState.objects.filter(pk=1).update(cells_version=version, refreshed_at=now)
            return
    log.warning("roll-ups not recounted: the facts keep moving")


def ensure_fresh(*, now: dt.datetime) -> Freshness:
    """Refresh before a read when little is dirty; one cheap query when nothing is.

    A long backlog is left to the worker, and a database busy with an import is not waited for:
    the figures of before are then shown, and ``stale`` says how many sessions are missing.
    """
    state = FiguresState.objects.filter(pk=1).first() or FiguresState(pk=1)
    try:
        new = follow(state, now=now) if state.facts_version else 0
        stale = len(DirtySession.objects.order_by("pk").values_list("pk")[: INLINE + 1])
        behind = state.facts_version != state.cells_version
        if stale > INLINE or (behind and not stale):
            from kalan.indicators import tasks  # a service may enqueue a task of its room

            tasks.refresh_soon()
            stale = DirtySession.objects.count()
        elif stale:
            refresh(now=now)
            stale = 0
        if new or stale:
            state.refresh_from_db()
    except OperationalError:
        log.warning("figures not refreshed: the database is busy", exc_info=True)
        stale = DirtySession.objects.count()
    return Freshness(version=state.facts_version, stale=stale)


def mark_all(*, now: dt.datetime) -> int:
    """List every session that counts, or once counted, as dirty (after a change of rules)."""
    ids = set(Session.objects.filter(state__in=facts.COUNTED_STATES).values_list("pk", flat=True))
    ids |= set(SessionFact.objects.values_list("session_id", flat=True))
    existing = set(Session.objects.values_list("pk", flat=True))
    DirtySession.objects.bulk_create(
        [DirtySession(session_id=pk, since=now) for pk in sorted(ids & existing)],
        ignore_conflicts=True,
        batch_size=2000,
    )
    return len(ids & existing)


_FACTS = (Participation, SessionFact, TrainerFact)


def _snapshot(session_ids: Sequence[int]) -> list[Any]:
    return [
        sorted(
            str(sorted((k, str(v)) for k, v in row.items() if k != "id"))
            for row in model.objects.filter(session_id__in=session_ids).values()
        )
        for model in _FACTS
    ]


def check(*, now: dt.datetime, seed: int | None = None) -> str:
    """Recompute a session drawn at random, and all roll-ups, and compare with what stands.

    Returns what differs ("" when nothing does), stores it as the alarm and puts it right.
    """
    refresh(now=now)
    chosen = _draw(seed)
    problems = []
    with transaction.atomic():
        FiguresState.objects.select_for_update().get(pk=_state().pk)
        before = _snapshot(chosen)
        facts.rebuild(chosen)
        if _snapshot(chosen) != before:
            code = Session.objects.values_list("code", flat=True).get(pk=chosen[0])
            problems.append(f"faits de la session {code}")
    standing = {
        cells.key_of(cell): {m: getattr(cell, m) for m in cells.MEASURES}
        for cell in Cell.objects.iterator()
    }
    counted = cells.count_all()
    if standing != counted:
        differing = sum(
            1 for key in standing.keys() | counted if standing.get(key) != counted.get(key)
        )
        problems.append(f"{differing} agrégat(s)")
        with transaction.atomic():
            cells.replace_all(counted)
    alarm = ", ".join(problems)
    if alarm:
        log.error("figures differed from the records: %s", alarm)
    FiguresState.objects.filter(pk=1).update(checked_at=now, alarm=alarm)
    return alarm


def _draw(seed: int | None) -> list[int]:
    ids = list(SessionFact.objects.order_by("session_id").values_list("session_id", flat=True))
    # Not a secret: which session is checked tonight.
    return [random.Random(seed).choice(ids)] if ids else []  # noqa: S311
