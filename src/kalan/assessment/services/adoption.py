"""Lines of a calibration adopted: parameters written to items, tests told to follow."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Literal

from kalan.assessment.models import CalibrationLine, CalibrationRun
from kalan.assessment.services.counting import queue_count
from kalan.assessment.services.writing import act, require
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.skills.models import ItemBank
from kalan.skills.services.calibrations import CalibrationRow
from kalan.skills.services.calibrations import adopt as adopt_rows

Choice = Literal["all", "gate"]
State = CalibrationRun.State


@act
def adopt(
    *,
    actor: Actor,
    run: CalibrationRun,
    now: dt.datetime,
    choice: Choice | Collection[uuid.UUID],
) -> int:
    """Take over parameters of a run: "all" that may be, those past the "gate", or the versions
    named by uid. Returns how many; of two adoptions at once one wins.

    Raises Refused for a run not ready, one made before another was adopted, or nothing to adopt.
    """
    row = CalibrationRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    require(actor, "calibration.adopt", row.bank.node)
    ItemBank.objects.select_for_update().get(pk=row.bank_id)
    _refuse_unfit(row)
    lines = [line for line in _chosen(row, choice) if _current(line)]
    if not lines:
        raise Refused(
            "Aucune question de ce choix ne peut être adoptée.",
            remedy="Choisissez d’autres questions, ou attendez plus de réponses.",
        )
    number = adopt_rows(
        actor=actor,
        bank=row.bank,
        run_uid=row.uid,
        rows=[_row(line) for line in lines],
        simulated=row.simulated,
        now=now,
    )
    CalibrationLine.objects.filter(pk__in=[line.pk for line in lines]).update(adopted=True)
    row.state, row.adopted_at, row.adopted_by = State.ADOPTED, now, actor.account
    row.save(update_fields=["state", "adopted_at", "adopted_by"])
    queue_count(bank=row.bank, actor=actor, now=now)
    return number


def _refuse_unfit(row: CalibrationRun) -> None:
    if row.state == State.ADOPTED:
        raise Refused("Ce calibrage est déjà adopté.", code="already")
    if row.state != State.READY:
        raise Refused("Ce calibrage n’est pas prêt.", remedy="Attendez la fin du calcul.")
    since = CalibrationRun.objects.filter(
        bank=row.bank_id, simulated=row.simulated, adopted_at__gt=row.created_at
    )
    if since.exists():
        raise Refused(
            "Un autre calibrage de cette banque a été adopté depuis.",
            remedy="Relancez le calcul : il partira de ce qui a été adopté.",
            code="stale",
        )


def _chosen(run: CalibrationRun, choice: Choice | Collection[uuid.UUID]) -> list[CalibrationLine]:
    rows = run.lines.select_related("version__item").order_by("pk")
    if choice == "all":
        return [line for line in rows if line.adoptable]
    if choice == "gate":
        return [line for line in rows if line.past_gate]
    named = set(choice)
    return [line for line in rows if line.version.uid in named and line.adoptable]


def _current(line: CalibrationLine) -> bool:
    """A question rewritten since is another question."""
    return line.version.item.current_id == line.version_id


def _row(line: CalibrationLine) -> CalibrationRow:
    after = line.after
    return CalibrationRow(
        version_uid=line.version.uid,
        model=after["model"],
        a=after["a"],
        b=after["b"],
        c=after["c"],
        se_a=after["se_a"],
        se_b=after["se_b"],
        answers=line.answers,
    )
