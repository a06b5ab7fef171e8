"""Corrections of the register that move figures: a sex, a post, a structure's parent.

``people`` stands below and knows nothing of figures. But every change leaves a history entry; so
the history is read from where it was last read, and the sessions of whom it names are listed as
dirty. One query by primary key when nothing is new.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F, Q

from kalan.indicators.models import FiguresState, Participation, SessionFact
from kalan.indicators.places import batched
from kalan.people.models import Agent, OrgNode, OrgNodePeriod, Post
from kalan.training.models import DirtySession, Registration, SessionTrainer

# What facts take from each; other changes (a phone, a name) move no figure.
_FIELDS: dict[type[Any], set[str]] = {
    Agent: {"sex", "birth_year", "cadre", "merged_into"},
    Post: {"agent", "structure", "cadre", "employer", "is_main", "start", "end"},
    OrgNode: {"kind", "sector", "merged_into"},
    OrgNodePeriod: {"node", "parent", "sector", "start", "end"},
}


def follow(state: FiguresState, *, now: dt.datetime) -> int:
    """List as dirty the sessions that new history entries touch; return how many entries are new.

    ``state`` is the row as just read.
    """
    last = LogEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if last <= state.history_seen:
        return 0
    types = ContentType.objects.get_for_models(*_FIELDS)
    models = {kind.pk: model for model, kind in types.items()}
    named = LogEntry.objects.filter(
        pk__gt=state.history_seen, pk__lte=last, content_type_id__in=models
    )
    raised = int(named.exists())
    entries = named.exclude(content_type=types[Agent], action=LogEntry.Action.CREATE)
    found: dict[type[Any], set[int]] = {model: set() for model in _FIELDS}
    moved: set[int] = set()  # agents named by a post that may be gone
    rows = entries.order_by("pk").values_list("content_type_id", "object_id", "changes")
    for kind, pk, changes in rows.iterator():
        changes = changes if isinstance(changes, dict) else {}
        if pk is None or not _FIELDS[models[kind]] & changes.keys():
            continue
        found[models[kind]].add(pk)
        moved |= _keys(changes.get("agent"))
        if models[kind] is OrgNodePeriod:
            found[OrgNode] |= _keys(changes.get("node"))
    with transaction.atomic():
        _list(_sessions(found, moved), now)
        FiguresState.objects.filter(pk=state.pk, history_seen__lt=last).update(
            history_seen=last, register_version=F("register_version") + raised
        )
    return last - state.history_seen


def _keys(change: Any) -> set[int]:
    """Keys in a change of a foreign key: ["12", "None"]."""
    values = change if isinstance(change, list) else []
    return {int(value) for value in values if str(value).isdigit()}


def _sessions(found: dict[type[Any], set[int]], moved: set[int]) -> set[int]:
    agents = found[Agent] | moved
    for part in batched(found[Post]):
        agents |= set(Post.objects.filter(pk__in=part).values_list("agent_id", flat=True))
    nodes = set(found[OrgNode])
    for part in batched(found[OrgNodePeriod]):
        nodes |= set(OrgNodePeriod.objects.filter(pk__in=part).values_list("node_id", flat=True))
    sessions: set[int | None] = set()
    for part in batched(agents):
        for rows in (Registration.objects, SessionTrainer.objects):
            sessions |= set(rows.filter(agent_id__in=part).values_list("session_id", flat=True))
    for part in batched(nodes):
        there = Q(pk__in=[])
        for column in ("structure_id", "district_id", "region_id", "country_id"):
            there |= Q(**{f"{column}__in": part})
        for facts in (Participation.objects, SessionFact.objects):
            sessions |= set(facts.filter(there).values_list("session_id", flat=True).distinct())
    return {pk for pk in sessions if pk is not None}


def _list(sessions: set[int], now: dt.datetime) -> None:
    """Only sessions that have figures; others are listed when they are closed."""
    for part in batched(sessions):
        counted = SessionFact.objects.filter(session_id__in=part).order_by("session_id")
        DirtySession.objects.bulk_create(
            [
                DirtySession(session_id=pk, since=now)
                for pk in counted.values_list("session_id", flat=True)
            ],
            ignore_conflicts=True,
        )
