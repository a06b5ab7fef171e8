"""Taking over the parameters that a calibration run found."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.services import history
from kalan.skills.models import ItemBank, ItemCalibration, ItemVersion
from kalan.skills.services.writing import act, require


@dataclass(frozen=True)
class CalibrationRow:
    """What a run found for one version, in the logistic metric (D = 1).

    ``b``: one difficulty, or the steps of a partial-credit item. ``answers``: how many it rests on.
    """

    version_uid: uuid.UUID
    model: str
    a: float
    b: Sequence[float]
    answers: int
    c: float = 0.0
    se_a: float | None = None
    se_b: float | None = None


@act
def adopt(
    *,
    actor: Actor,
    bank: ItemBank,
    run_uid: uuid.UUID,
    rows: Sequence[CalibrationRow],
    simulated: bool,
    now: dt.datetime,
) -> int:
    """Make the parameters of run ``run_uid`` current; return how many versions carry them now.

    Adopting a run twice changes nothing; adopting an old run again makes its rows current. A
    simulated run never takes the place of a real one. Raises Refused for a version of another
    bank, a slope that is not positive, or simulated answers outside the demonstration.
    """
    require(actor, "calibrations.adopt", bank.node)
    if simulated and not settings.KALAN_DEMO:
        raise Refused(
            "Un calibrage simulé ne s’adopte pas hors de la démonstration.",
            remedy="Calibrez sur les réponses reçues.",
        )
    versions = {
        version.uid: version
        for version in ItemVersion.objects.filter(
            uid__in=[row.version_uid for row in rows], item__bank=bank
        )
    }
    _check(rows, versions)
    real = set(
        ItemCalibration.objects.filter(
            version__in=versions.values(), current=True, simulated=False
        ).values_list("version_id", flat=True)
    )
    kept = [row for row in rows if not (simulated and versions[row.version_uid].pk in real)]
    mine = [versions[row.version_uid].pk for row in kept]
    ItemCalibration.objects.filter(version__in=mine, current=True).exclude(run_uid=run_uid).update(
        current=False
    )
    known = ItemCalibration.objects.filter(version__in=mine, run_uid=run_uid)
    there = set(known.values_list("version_id", flat=True))
    known.update(current=True)
    ItemCalibration.objects.bulk_create(
        _made(row, versions[row.version_uid].pk, run_uid, simulated, now)
        for row in kept
        if versions[row.version_uid].pk not in there
    )
    if len(there) < len(kept):
        text = f"Calibrage adopté pour {len(kept)} questions."
        history.note(actor=actor, subject=bank, text=text, data={"run": str(run_uid)})
    return len(kept)


def _check(rows: Sequence[CalibrationRow], versions: dict[uuid.UUID, ItemVersion]) -> None:
    for row in rows:
        if row.version_uid not in versions:
            raise Refused(
                "Ce calibrage porte sur des questions d’une autre banque.",
                remedy="Calibrez chaque banque à part.",
            )
        if row.a <= 0 or not row.b:
            raise Refused(
                f"La version {row.version_uid} n’a pas de paramètres utilisables.",
                remedy="Écartez cette question du calibrage et recommencez.",
            )


def _made(
    row: CalibrationRow, version_id: int, run_uid: uuid.UUID, simulated: bool, now: dt.datetime
) -> ItemCalibration:
    return ItemCalibration(
        version_id=version_id,
        run_uid=run_uid,
        model=row.model,
        a=row.a,
        b=list(row.b),
        c=row.c,
        se_a=row.se_a,
        se_b=row.se_b,
        answers=row.answers,
        simulated=simulated,
        adopted_at=now,
    )
