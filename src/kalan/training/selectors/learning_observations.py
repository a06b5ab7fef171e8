"""Gestures seen at work: the grid of a session, who was observed, who is still to be."""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from kalan.base.small_groups import MIN_GROUP
from kalan.engine.testing.outcome import Z95
from kalan.people.actor import Actor
from kalan.people.models import Role
from kalan.training import policy
from kalan.training.models import Observation, ObservationGrid, Presence, Registration, Session
from kalan.training.selectors.attendance import on_list
from kalan.training.selectors.sessions import sessions_visible_to

# The supervisor observes from three months after the last day; after six it is overdue, after
# twelve the session can no longer be told from what came since, and nobody is asked any more.
FROM, OVERDUE, TOO_LATE = (dt.timedelta(days=days) for days in (91, 183, 365))
END, LATER = Observation.Moment.END, Observation.Moment.LATER


@dataclass(frozen=True)
class Gesture:
    """``held``, ``missed``, ``none``: when to note yes, no, no occasion."""

    code: str
    label: str
    held: str = ""
    missed: str = ""
    none: str = ""


@dataclass(frozen=True)
class Grid:
    """A grid as data: from the database once used, else from the pack."""

    code: str
    version: int
    name: str
    gestures: tuple[Gesture, ...]
    themes: tuple[str, ...] = ()
    pk: int | None = None


@lru_cache(maxsize=8)
def _pack(path: Path) -> tuple[Grid, ...]:
    """Read the grid of one file of ``packs/observation`` (format: decision 0014)."""
    if not path.is_file():
        return ()
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    gestures = tuple(
        Gesture(
            one["code"],
            one["text"],
            one.get("observed", ""),
            one.get("not_observed", ""),
            one.get("applicable", ""),
        )
        for one in content["gesture"]
    )
    return (
        Grid(
            code=content["code"],
            version=int(content["version"]),
            name=content["name"],
            gestures=gestures,
            themes=tuple(content.get("themes", ())),
        ),
    )


def pack_grids() -> tuple[Grid, ...]:
    """The grids that come with the program."""
    return _pack(Path(settings.PACKS_DIR) / "observation" / "fr.toml")


def as_grid(row: ObservationGrid) -> Grid:
    return Grid(
        code=row.code,
        version=row.version,
        name=row.name,
        gestures=tuple(Gesture(**one) for one in row.gestures),
        themes=tuple(row.themes),
        pk=row.pk,
    )


def grid_of(session: Session) -> Grid | None:
    """The grid that a session uses: the one already used in it, else the newest for its theme.

    One query once something was observed, two before.
    """
    used = (
        ObservationGrid.objects.filter(
            pk__in=Observation.objects.filter(registration__session=session).values("grid")
        )
        .order_by("-pk")
        .first()
    )
    if used is not None:
        return as_grid(used)
    stored = [as_grid(row) for row in ObservationGrid.objects.filter(current=True).order_by("pk")]
    by_code = {grid.code: grid for grid in pack_grids()}
    for grid in stored:
        known = by_code.get(grid.code)
        if known is None or known.version <= grid.version:
            by_code[grid.code] = grid
    grids = list(by_code.values())
    theme = session.theme.code
    fitting = [grid for grid in grids if theme in grid.themes]
    return next(iter([*fitting, *(grid for grid in grids if not grid.themes), *grids]), None)


def observable(actor: Actor, moment: str) -> QuerySet[Registration]:
    """The lines of lists that ``actor`` may fill the grid for.

    At the end: of the sessions that they run. Later: of the people of their own structures
    (structure managers), or of their territory and of the sessions held there (region).
    """
    rows = Registration.objects.exclude(session__state=Session.State.CANCELLED)
    if actor.system:
        return rows
    if moment == END:
        mine = sessions_visible_to(actor, "observations.end")
        return rows.filter(session__in=mine.values("pk"))
    roles = policy.CAPABILITIES["observations.later"]
    return rows.filter(
        actor.scope(roles, "structure__") | actor.scope(roles - {Role.STRUCTURE}, "session__node__")
    )


def observable_in(actor: Actor, session: Session, moment: str) -> list[Registration]:
    """People of the session's list whom ``actor`` may observe at ``moment``, by name."""
    mine = observable(actor, moment).filter(session=session)
    return list(on_list(session).filter(pk__in=mine.values("pk")))


def due(actor: Actor, today: dt.date) -> QuerySet[Registration]:
    """People to be seen at work: observed at the end of a session 3 to 12 months ago, not since.

    The same rows stand behind the number on the staff home and the list that it opens.
    """
    ended = Observation.objects.filter(registration=OuterRef("pk"), moment=END, current=True)
    since = Observation.objects.filter(registration=OuterRef("pk"), moment=LATER, current=True)
    return observable(actor, LATER).filter(
        Exists(ended),
        ~Exists(since),
        session__state__in=policy.COUNTABLE_STATES,
        session__end__lte=today - FROM,
        session__end__gt=today - TOO_LATE,
        agent__isnull=False,
    )


def due_list(actor: Actor, today: dt.date) -> QuerySet[Registration]:
    """``due`` for its page: longest waiting first."""
    rows = due(actor, today).select_related("agent", "structure", "session__theme")
    return rows.annotate(session_end=F("session__end")).order_by("session_end", "pk")


def current_of(session: Session) -> dict[tuple[int, str], Observation]:
    """The observations that stand, by (registration, moment). One query."""
    rows = Observation.objects.filter(registration__session=session, current=True)
    return {(row.registration_id, row.moment): row for row in rows.order_by("pk")}


@dataclass(frozen=True)
class Share:
    """Gestures held of those observed, with an interval; ``share`` None: nothing to show.

    ``share``, ``low`` and ``high`` from 0 to 1; ``people`` observed, ``seen`` gestures.
    """

    moment: str
    people: int
    held: int
    seen: int
    share: float | None = None
    low: float | None = None
    high: float | None = None
    simulated: bool = False

    @property
    def percents(self) -> tuple[float, float, float] | None:
        """(share, low, high) in per cent."""
        if self.share is None or self.low is None or self.high is None:
            return None
        return 100 * self.share, 100 * self.low, 100 * self.high


def wilson(share: float, number: float) -> tuple[float, float]:
    """95 % interval of a share seen on ``number`` independent cases (Wilson 1927)."""
    squared = Z95 * Z95
    centre = (share + squared / (2 * number)) / (1 + squared / number)
    half = Z95 * math.sqrt(share * (1 - share) / number + squared / (4 * number * number))
    half /= 1 + squared / number
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_number(pairs: Sequence[tuple[int, int]]) -> float:
    """How many independent gestures (held, seen) by person are worth (Kish 1965).

    The gestures of one person go together: the variance of the share is taken between persons
    (ratio estimator), and p(1 - p) divided by it is the number. Never more than the gestures
    seen, never fewer than the persons.
    """
    seen = sum(n for _, n in pairs)
    share = sum(k for k, _ in pairs) / seen
    people = len(pairs)
    if people < 2 or share in (0.0, 1.0):
        return float(people)
    spread = sum((k - share * n) ** 2 for k, n in pairs)
    variance = people / (people - 1) * spread / seen**2
    if variance <= 0:
        return float(seen)
    return min(float(seen), max(float(people), share * (1 - share) / variance))


def share_of(rows: Iterable[Observation], moment: str, *, least: int = MIN_GROUP) -> Share:
    """The share of gestures held over ``rows``; without share below ``least`` people."""
    mine = [row for row in rows if row.moment == moment and row.seen]
    held, seen = sum(row.held for row in mine), sum(row.seen for row in mine)
    simulated = any(row.simulated for row in mine)
    if len(mine) < least:
        return Share(moment, len(mine), held, seen, simulated=simulated)
    low, high = wilson(held / seen, effective_number([(row.held, row.seen) for row in mine]))
    return Share(moment, len(mine), held, seen, held / seen, low, high, simulated)


@dataclass(frozen=True)
class GestureLine:
    """One gesture over the group: held of seen, at both moments (None: nobody seen)."""

    gesture: Gesture
    end: tuple[int, int]
    later: tuple[int, int]


@dataclass(frozen=True)
class Gestures:
    """What the screens and the report say of a session's gestures."""

    grid: Grid | None
    end: Share
    later: Share
    lines: list[GestureLine]

    @property
    def any(self) -> bool:
        return bool(self.end.people or self.later.people)


def gestures_of(session: Session, grid: Grid | None = None) -> Gestures:
    """Shares at both moments, and by gesture when each moment has enough people (2 queries)."""
    grid = grid or grid_of(session)
    rows = list(current_of(session).values())
    end, later = share_of(rows, END), share_of(rows, LATER)
    lines = []
    if grid and (end.share is not None or later.share is not None):
        for gesture in grid.gestures:
            counts = [
                _count(rows, share.moment, gesture.code) if share.share is not None else (0, 0)
                for share in (end, later)
            ]
            lines.append(GestureLine(gesture, counts[0], counts[1]))
    return Gestures(grid, end, later, lines)


def _count(rows: list[Observation], moment: str, code: str) -> tuple[int, int]:
    marks = [row.marks.get(code) for row in rows if row.moment == moment]
    return marks.count("yes"), marks.count("yes") + marks.count("no")


def observed_lines(actor: Actor) -> set[int]:
    """Registrations of the signed-in agent in which gestures were observed (one query)."""
    if actor.agent_id is None:
        return set()
    rows = Observation.objects.filter(registration__agent_id=actor.agent_id, current=True)
    return set(rows.values_list("registration_id", flat=True))


def own_observations(actor: Actor) -> dict[int, list[Observation]]:
    """What was observed of the signed-in agent, by session's registration."""
    if actor.agent_id is None:
        return {}
    found: dict[int, list[Observation]] = {}
    rows = Observation.objects.filter(registration__agent_id=actor.agent_id, current=True)
    for row in rows.select_related("grid").order_by("date", "pk"):
        found.setdefault(row.registration_id, []).append(row)
    return found


def export_rows(session: Session) -> list[list[Any]]:
    """One line per person and moment: who, when, by whom, one column a gesture."""
    grid = grid_of(session)
    if grid is None:
        return []
    found = current_of(session)
    rows: list[list[Any]] = []
    for line in on_list(session):
        for moment in (END, LATER):
            row = found.get((line.pk, moment))
            if row is None:
                continue
            marks = [Observation.SAID.get(row.marks.get(g.code, ""), "") for g in grid.gestures]
            rows.append(
                [line.person, line.came_from, row.get_moment_display(), row.date,
                 row.observer_name, *marks, row.held, row.seen, row.comment,
                 "simulé" if row.simulated else ""]
            )  # fmt: skip
    return rows


def export_headers(grid: Grid) -> list[str]:
    return [
        "Personne", "Structure", "Moment", "Date", "Observé par",
        *(gesture.label for gesture in grid.gestures),
        "Gestes tenus", "Gestes observés", "Commentaire", "Données",
    ]  # fmt: skip


def came(session: Session) -> QuerySet[Registration]:
    """People of the list who came at least once."""
    present = Presence.objects.filter(registration=OuterRef("pk"))
    return on_list(session).filter(Q(Exists(present)))
