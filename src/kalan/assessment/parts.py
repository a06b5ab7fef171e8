"""What the rooms above say of the sittings they started: where to begin, who may see, what next.

``assessment`` may not import upwards, so a room that starts sittings registers a part here from
its ``AppConfig.ready``, under the context that its sittings carry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q

if TYPE_CHECKING:
    from kalan.assessment.models import Result, Sitting
    from kalan.people.actor import Actor


@dataclass(frozen=True)
class Step:
    """Something to do: a link with its label, and a sentence that says why ("" for none)."""

    label: str
    url: str
    text: str = ""


class SittingPart:
    """A room's share in its sittings. The base says: nothing special; override what differs."""

    context = ""

    def door(self, sitting: Sitting) -> Step | None:
        """Where the sitting begins instead of its own start page (an exam's code), or None."""
        return None

    def only_here(self, session: Mapping[str, Any]) -> Q:
        """Which sittings may be answered in the browser of ``session``; by default all."""
        return Q()

    def help(self, sitting: Sitting) -> Step | None:
        """A link under each question, to say that something is wrong with it."""
        return None

    def after(self, sitting: Sitting) -> Step | None:
        """What the person comes back to at the end."""
        return None

    def may_see(self, actor: Actor, sitting: Sitting) -> bool:
        """Whether somebody else than the person may read the result."""
        return False

    def watches_focus(self, sitting: Sitting) -> bool:
        """Whether leaving the page is noted (never for whoever uses assistive technology)."""
        return sitting.test.watch_focus and not sitting.accessible_only

    def withheld(self, sitting: Sitting) -> str:
        """Why the result is not shown yet, in French; "" to show it."""
        return ""

    def next_steps(self, sitting: Sitting, result: Result) -> list[Step]:
        """Sessions, lessons, a choice to make (sharing): shown under the result."""
        return []

    def retake(self, sitting: Sitting) -> Step | None:
        """How the person may take the test again, where the room decides of that."""
        return None

    def finished(self, sitting: Sitting, result: Result, now: dt.datetime) -> None:
        """Told in the transaction that ends the sitting."""


_parts: dict[str, SittingPart] = {}
_plain = SittingPart()


def register(part: SittingPart) -> None:
    """Add the part of a context (idempotent)."""
    _parts[part.context] = part


def only_here(session: Mapping[str, Any]) -> Q:
    """The condition on sittings that every room sets for the browser of ``session``."""
    condition = Q()
    for part in _parts.values():
        condition &= part.only_here(session)
    return condition


def part_of(sitting: Sitting) -> SittingPart:
    """The part of the room that started ``sitting``."""
    return _parts.get(sitting.context, _plain)
