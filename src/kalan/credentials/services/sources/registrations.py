"""People of a session, as its acts take them from their registrations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kalan.credentials.services.sources.common import Planned, holder
from kalan.training.models import Registration
from kalan.training.selectors.registrations import by_name

# Who is on the list of a session that has not taken place.
EXPECTED = (
    Registration.State.DESIGNATED,
    Registration.State.APPROVED,
    Registration.State.CONVOKED,
)


def named(rows: Any) -> Iterable[Any]:
    """Registrations with their people, in the order of a printed list."""
    return by_name(rows.select_related("agent__cadre", "outsider", "structure", "session__theme"))


def record_key(kind: str, about: str, row: Any) -> str:
    """Names one proof about one person, so that it is not given twice by mistake."""
    who = f"agent:{row.agent.uid}" if row.agent else f"outsider:{row.outsider.uid}"
    return f"{kind}:{about}:{who}"


def about_person(kind: str, about: str, row: Any, data: dict[str, Any]) -> Planned:
    """One act about the person of a registration."""
    who = row.agent or row.outsider
    name = who.full_name
    return Planned(
        record=record_key(kind, about, row),
        name=name,
        agent_id=row.agent_id,
        outsider_id=row.outsider_id,
        structure_id=row.structure_id,
        email=row.agent.email if row.agent else "",
        phone=who.phone,
        data={
            "kind": kind,
            "holder": holder(row.agent, name=name, structure=row.came_from),
            **data,
        },
    )
