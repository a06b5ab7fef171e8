"""The general journal: every change of the reader's territory, latest first.

Each room names its subjects: what is recorded, and which of it the reader may see. The journal
is the union of these; a thing that is gone has no territory left, so its deletion is read by
those who hold the whole country.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from kalan.base.text import fold
from kalan.people import policy
from kalan.people.actor import Actor
from kalan.people.models import (
    Account,
    Agent,
    OrgNode,
    OrgNodeCode,
    OrgNodePeriod,
    Post,
    RoleGrant,
)
from kalan.people.selectors.accounts import accounts_visible_to
from kalan.people.selectors.core import agents_visible_to, nodes_visible_to
from kalan.people.selectors.history import HistoryLine, line_of, names_of_linked
from kalan.people.selectors.imports import runs_visible_to

ORDER = ("-timestamp", "-pk")
_CHUNK = 500
_OF_NODE = ("node__uid", "structure-detail")
_OF_ACCOUNT = ("account__uid", "account-detail")


@dataclass(frozen=True)
class Subject:
    """One kind of thing with a history: ``visible`` is what the reader may see of it.

    ``name`` and ``uid`` are lookups from the thing: what it is called, what its page is about.
    Without ``uid`` the page is one for all of the kind.
    """

    code: str
    label: str
    visible: QuerySet[Any]
    name: tuple[str, ...]
    uid: str
    url_name: str

    @property
    def model(self) -> type[Model]:
        return self.visible.model


@dataclass(frozen=True)
class Asked:
    """What the reader filters by; days are both included."""

    kind: str = ""
    who: str = ""
    what: str = ""
    since: dt.date | None = None
    until: dt.date | None = None


def subjects(actor: Actor, *, today: dt.date) -> list[Subject]:
    """What this room records."""
    agents = agents_visible_to(actor, "history.view", today=today)
    nodes = nodes_visible_to(actor, "history.view")
    person = ("agent__first_names", "agent__last_name")
    found = [
        Subject("agent", "agent", agents, ("first_names", "last_name"), "uid", "agent-detail"),
        Subject(
            "poste",
            "poste",
            Post.objects.filter(agent__in=agents),
            person,
            "agent__uid",
            "agent-detail",
        ),
        Subject("structure", "structure", nodes, ("name",), "uid", "structure-detail"),
        *(
            Subject(code, code, model.objects.filter(node__in=nodes), ("node__name",), *_OF_NODE)
            for code, model in (("situation", OrgNodePeriod), ("code", OrgNodeCode))
        ),
        # Its file may be erased: then the entry's own words name it.
        Subject(
            "import", "import", runs_visible_to(actor), ("file__name",), "uid", "import-detail"
        ),
    ]
    if actor.can(policy.CAPABILITIES["history.accounts"]):
        accounts = accounts_visible_to(actor, "history.accounts", today=today)
        held = nodes_visible_to(actor, "history.accounts")
        grants = RoleGrant.objects.filter(node__in=held)
        found += [
            Subject("compte", "compte", accounts, ("display_name",), "uid", "account-detail"),
            Subject("role", "rôle", grants, ("account__display_name",), *_OF_ACCOUNT),
        ]
    return found


def reads_all(actor: Actor) -> bool:
    """Whether the reader holds every country: then the journal is not narrowed, and tells
    of what was deleted too."""
    roots = OrgNode.objects.filter(depth=1).values_list("path", flat=True)
    roles = policy.CAPABILITIES["history.accounts"]
    return actor.system or all(actor.covers(roles, path) for path in roots)


def entries(actor: Actor, known: Sequence[Subject], asked: Asked) -> QuerySet[LogEntry]:
    """Entries on what the reader may see among ``known``, narrowed by what was asked."""
    whole = reads_all(actor)
    wanted = Q(pk__in=[])
    for subject in known:
        if asked.kind not in ("", subject.code):
            continue
        of_kind = Q(content_type=ContentType.objects.get_for_model(subject.model))
        wanted |= of_kind if whole else of_kind & Q(object_id__in=subject.visible.values("pk"))
    found: QuerySet[LogEntry] = LogEntry.objects.filter(wanted).select_related("actor")
    if asked.who:
        agents = Agent.objects.filter(search__contains=fold(asked.who)).values("pk")
        accounts = Account.objects.filter(
            Q(display_name__icontains=asked.who) | Q(email=asked.who.lower()) | Q(agent__in=agents)
        )
        found = found.filter(actor__in=accounts.values("pk"))
    if asked.what:
        found = found.filter(object_repr__icontains=asked.what)
    if asked.since:
        found = found.filter(timestamp__gte=_midnight(asked.since))
    if asked.until:
        found = found.filter(timestamp__lt=_midnight(asked.until + dt.timedelta(days=1)))
    return found.order_by(*ORDER)


def lines(rows: Iterable[LogEntry], known: Sequence[Subject]) -> list[HistoryLine]:
    """Entries as people read them: a few queries for each kind of thing among them."""
    rows = list(rows)
    by_type = {ContentType.objects.get_for_model(each.model).pk: each for each in known}
    models = {pk: each.model for pk, each in by_type.items()}
    linked = names_of_linked(rows, models)
    things = {pk: _things(each, rows, pk) for pk, each in by_type.items()}
    return [
        line_of(row, models[row.content_type_id], linked, **_shown(row, by_type, things))
        for row in rows
    ]


def all_lines(found: QuerySet[LogEntry], known: Sequence[Subject]) -> Iterator[HistoryLine]:
    """Every line, for an export, without holding them all."""
    rows = found.iterator(_CHUNK)
    while chunk := list(islice(rows, _CHUNK)):
        yield from lines(chunk, known)


def _things(subject: Subject, rows: list[LogEntry], kind: int) -> dict[int, tuple[str, str]]:
    """Name and address of the things of one kind that ``rows`` tell of: one query at most.

    A thing out of the reader's sight keeps the name it had in the entry, and no link.
    """
    keys = {row.object_id for row in rows if row.content_type_id == kind}
    if not keys:
        return {}
    about = subject.uid or "pk"
    values = subject.visible.filter(pk__in=keys).values_list("pk", about, *subject.name)
    return {
        pk: (" ".join(str(part) for part in parts if part), _address(subject, uid))
        for pk, uid, *parts in values
    }


def _address(subject: Subject, uid: object) -> str:
    if not subject.uid:
        return reverse(subject.url_name)
    return reverse(subject.url_name, args=[uid]) if uid else ""


def _shown(
    row: LogEntry, by_type: dict[int, Subject], things: dict[int, dict[int, tuple[str, str]]]
) -> dict[str, str]:
    kind = row.content_type_id
    name, url = things[kind].get(row.object_id or 0, ("", ""))
    return {"subject": by_type[kind].label, "name": name or row.object_repr, "url": url}


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
