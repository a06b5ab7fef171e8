"""What assessment holds about a person: merging, own data, erasure (see people.subjects)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from kalan.assessment.models import Result, Sitting, SittingEvent
from kalan.people.subjects import counts


class AssessmentPart:
    """Sittings with their answers and results."""

    name = "assessment"

    def summary(self, agent_ids: list[int]) -> dict[int, dict[str, int]]:
        return counts(agent_ids, {"tests passés": Sitting.objects.all()})

    def merge_agents(self, *, kept_id: int, absorbed_id: int, now: dt.datetime) -> dict[str, Any]:
        rows = Sitting.objects.filter(agent=absorbed_id)
        moved = list(rows.order_by("pk").values_list("pk", flat=True))
        rows.update(agent=kept_id)
        return {"sittings": moved}

    def undo_merge_agents(
        self, *, kept_id: int, absorbed_id: int, moved: Mapping[str, Any], now: dt.datetime
    ) -> None:
        Sitting.objects.filter(pk__in=moved["sittings"], agent=kept_id).update(agent=absorbed_id)

    def after_move(self, *, agent_ids: list[int], node_ids: list[int], now: dt.datetime) -> None:
        """Nothing: structure, cadre and sex of a sitting are those of its day."""

    def own_data(self, agent_id: int) -> dict[str, list[dict[str, Any]]]:
        return _listed(Q(agent=agent_id))

    def account_data(self, account_id: int) -> dict[str, list[dict[str, Any]]]:
        """The same of an account without an agent."""
        return _listed(Q(account=account_id))

    def erase(self, *, agent_id: int, now: dt.datetime) -> dict[str, int]:
        """Answers and results go on being counted; nothing in them says whose they were."""
        rows = Sitting.objects.filter(agent=agent_id)
        events = SittingEvent.objects.filter(sitting__in=rows).exclude(text="")
        cleared = events.update(text="")
        number = rows.count()
        rows.update(agent=None, account=None, by_link=False)
        return {"tests passés": number, "remarques de surveillants": cleared}


def _listed(who: Q) -> dict[str, list[dict[str, Any]]]:
    sittings = Sitting.objects.filter(who).select_related("test", "structure")
    mine = Result.objects.filter(sitting__in=sittings.order_by(), current=True)
    results = {row.sitting_id: row for row in mine}
    rows = sittings.order_by("created_at", "pk")
    return {"Tests passés": [_told(row, results.get(row.pk)) for row in rows]}


def _told(row: Sitting, result: Result | None) -> dict[str, Any]:
    return {
        "test": row.test.title,
        "état": row.get_state_display(),
        "commencé le": row.started_at,
        "terminé le": row.finished_at,
        "structure": row.structure.name if row.structure else "",
        "réponses": result.answers if result else None,
        "niveau": result.level if result else "",
        "mesure": result.theta if result else None,
        "erreur": result.se if result else None,
        "pour cent des points": result.percent if result else None,
    }
