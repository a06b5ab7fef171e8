"""What every source gives: acts to be made, as plain data."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from kalan.base.errors import Refused
from kalan.credentials.models import Office, TemplateVersion
from kalan.people.actor import Actor
from kalan.people.models import Agent, OrgNode


@dataclass(frozen=True)
class Request:
    """What the preparer asked for. ``ref``: the programme, session or exam; ``file``: the stored
    spreadsheet or archive."""

    actor: Actor
    version: TemplateVersion
    office: Office
    ref: Any
    file: Any
    now: dt.datetime
    options: dict[str, Any]

    @property
    def kind(self) -> str:
        return self.version.template.kind


@dataclass(frozen=True)
class Planned:
    """One act to be. ``record`` names what it is about; ``problem``: why it is set aside."""

    record: str
    data: dict[str, Any]
    name: str = ""
    agent_id: int | None = None
    outsider_id: int | None = None
    structure_id: int | None = None
    email: str = ""
    phone: str = ""
    valid_until: dt.date | None = None
    problem: str = ""


@dataclass
class Found:
    """What a source holds: where the batch hangs, its acts, and whether people are invented."""

    node: OrgNode
    acts: list[Planned] = field(default_factory=list)
    simulated: bool = False


def initials(name: str) -> str:
    """« Awa Marie NDIAYE » → « A. M. N. »: all that an open page says of a person."""
    return " ".join(f"{word[0].upper()}." for word in name.replace("-", " ").split())[:20].strip()


def holder(agent: Agent | None, *, name: str, structure: str = "") -> dict[str, str]:
    """A beneficiary as acts print them; what is not known is left out."""
    said = {"name": name, "structure": structure}
    if agent is not None:
        said |= {"cadre": str(agent.cadre or ""), "matricule": agent.matricule or ""}
    return {key: text for key, text in said.items() if text}


def last_valid_day(first: dt.date, months: int) -> dt.date:
    """The eve of the same day ``months`` later; of the last of the month when it is shorter."""
    year, month = divmod(first.month - 1 + months, 12)
    year, month = first.year + year, month + 1
    day = min(first.day, calendar.monthrange(year, month)[1])
    return dt.date(year, month, day) - dt.timedelta(days=1)


def nobody(message: str, remedy: str) -> Refused:
    return Refused(message, remedy=remedy, code="nobody")
