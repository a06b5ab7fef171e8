"""Writing what was observed: facts, each with a number of its own; a correction adds one."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from kalan.base.dates import long_date
from kalan.base.errors import Refused
from kalan.base.ids import uuid7
from kalan.people.actor import Actor
from kalan.training.models import Observation, ObservationGrid, Registration, Session
from kalan.training.selectors.learning_observations import (
    END,
    FROM,
    Gesture,
    Grid,
    current_of,
    grid_of,
    observable,
    observable_in,
)
from kalan.training.services.history import act, note

MAX_COMMENT = 1000
_MARKS = {"yes", "no", "na"}


def ensure_grid(grid: Grid, *, now: dt.datetime) -> int:
    """The stored row of ``grid``, made at its first use; a new version takes the place over."""
    if grid.pk is not None:
        return grid.pk
    known = ObservationGrid.objects.filter(code=grid.code, version=grid.version).first()
    if known is not None:
        return known.pk
    ObservationGrid.objects.filter(code=grid.code, current=True).update(current=False)
    made = ObservationGrid.objects.create(
        code=grid.code,
        version=grid.version,
        name=grid.name,
        themes=list(grid.themes),
        gestures=[vars(gesture) for gesture in grid.gestures],
        created_at=now,
    )
    return made.pk


def _checked_date(session: Session, moment: str, date: dt.date, now: dt.datetime) -> None:
    if date > timezone.localdate(now):
        raise Refused(
            f"Le {long_date(date)} n’est pas encore passé.",
            field="date",
            remedy="Donnez le jour où vous avez observé la personne.",
            code="future",
        )
    if moment == END and date < session.start:
        raise Refused(
            f"La session a commencé le {long_date(session.start)} : on ne peut pas avoir observé "
            "avant.",
            field="date",
            remedy="Vérifiez la date.",
            code="before",
        )
    first = session.end + FROM
    if moment != END and date < first:
        raise Refused(
            "L’observation au poste se fait au moins trois mois après la formation.",
            field="date",
            remedy=f"Observez à partir du {long_date(first)}.",
            code="early",
        )


def _checked_marks(grid: Grid, marks: Mapping[str, str], who: str = "") -> dict[str, str]:
    known: dict[str, Gesture] = {gesture.code: gesture for gesture in grid.gestures}
    at = f"{who} : " if who else ""
    for code, mark in marks.items():
        if code not in known:
            raise Refused(
                f"{at}le geste « {code[:40]} » n’est pas dans la grille.",
                remedy="Rechargez la page : la grille a peut-être changé.",
                code="gesture",
            )
        if mark not in _MARKS:
            raise Refused(
                f"{at}« {mark[:20]} » n’est pas une réponse pour « {known[code].label} ».",
                field=code,
                remedy="Choisissez observé, non observé ou pas d’occasion.",
                code="mark",
            )
    clean = {code: marks[code] for code in known if code in marks}
    if not clean:
        raise Refused(
            f"{at}aucun geste n’est noté." if who else "Aucun geste n’est noté.",
            remedy="Notez au moins un geste : observé, non observé ou pas d’occasion.",
            code="empty",
        )
    return clean


@act
def record_observation(
    *,
    actor: Actor,
    now: dt.datetime,
    registration: Registration,
    moment: str,
    observation_uid: uuid.UUID,
    date: dt.date,
    marks: Mapping[str, str],
    comment: str = "",
    observer_name: str = "",
    source: str = Observation.Source.SCREEN,
) -> bool:
    """Store what was seen of one person; False when it was there already.

    ``marks``: {code of gesture: "yes", "no" or "na"}. The newest of a person and moment counts;
    earlier ones stay. Registration.DoesNotExist out of scope. Raises Refused on a date that cannot
    be, a gesture or a mark that the grid does not have, an empty grid.
    """
    rows = observable(actor, moment).select_for_update(of=("self",), no_key=True)
    line = rows.select_related("session__theme").get(pk=registration.pk)
    if Observation.objects.filter(uid=observation_uid).exists():
        return False
    grid = grid_of(line.session)
    if grid is None:
        raise Refused("Aucune grille d’observation n’est installée.", code="grid")
    _checked_date(line.session, moment, date, now)
    clean = _checked_marks(grid, marks)
    _write(
        line, moment, grid, clean, actor=actor, now=now, uid=observation_uid, date=date,
        comment=comment, observer_name=observer_name, source=source,
    )  # fmt: skip
    note(line, actor=actor, changes={"observation": ["", Observation.Moment(moment).label]})
    return True


def _write(
    line: Registration,
    moment: str,
    grid: Grid,
    marks: Mapping[str, str],
    *,
    actor: Actor,
    now: dt.datetime,
    uid: uuid.UUID,
    date: dt.date,
    comment: str,
    observer_name: str,
    source: str,
) -> None:
    Observation.objects.filter(registration=line, moment=moment, current=True).update(current=False)
    account = actor.account
    name = observer_name.strip() or (account.display_name if account else "")
    Observation.objects.create(
        uid=uid,
        registration=line,
        grid_id=ensure_grid(grid, now=now),
        moment=moment,
        observer=account,
        observer_name=(name or "non précisé")[:200],
        date=date,
        marks=dict(marks),
        held=sum(mark == "yes" for mark in marks.values()),
        seen=sum(mark != "na" for mark in marks.values()),
        comment=comment.strip()[:MAX_COMMENT],
        source=source,
        at=now,
    )


@dataclass
class Keyed:
    """What keying a whole grid did."""

    stored: int = 0
    unchanged: int = 0
    names: list[str] = field(default_factory=list)


def record_grid(
    *,
    actor: Actor,
    now: dt.datetime,
    session: Session,
    moment: str,
    date: dt.date,
    rows: Mapping[int, Mapping[str, str]],
    observer_name: str = "",
    source: str = Observation.Source.PAPER,
) -> Keyed:
    """Key in the grid of several people at once: all of it or nothing.

    ``rows``: registration → marks; a person without marks is left as they are, and so is one whose
    marks are what already stands, so sending twice adds nothing. Registration.DoesNotExist when a
    line is not of this session or out of scope.
    """
    keyed = Keyed()
    with transaction.atomic():
        people = {line.pk: line for line in observable_in(actor, session, moment)}
        strangers = set(rows) - set(people)
        if strangers:
            raise Registration.DoesNotExist
        list(Registration.objects.select_for_update(no_key=True).filter(pk__in=rows).order_by("pk"))
        grid = grid_of(session)
        if grid is None:
            raise Refused("Aucune grille d’observation n’est installée.", code="grid")
        _checked_date(session, moment, date, now)
        standing = current_of(session)
        for pk, marks in rows.items():
            given = {code: mark for code, mark in marks.items() if mark}
            if not given:
                continue
            line = people[pk]
            clean = _checked_marks(grid, given, line.person)
            before = standing.get((pk, moment))
            if before is not None and before.marks == clean:
                keyed.unchanged += 1
                continue
            _write(
                line, moment, grid, clean, actor=actor, now=now, uid=uuid7(), date=date,
                comment=before.comment if before else "", observer_name=observer_name,
                source=source,
            )  # fmt: skip
            keyed.stored += 1
            keyed.names.append(line.person)
        if keyed.stored:
            label = Observation.Moment(moment).label
            note(session, actor=actor, changes={f"observations {label}": ["", keyed.stored]})
    return keyed
