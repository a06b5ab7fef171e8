"""Batches and their acts as the screens list them: scoped, counted, narrowed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from kalan.base.exports import Cell
from kalan.base.text import fold
from kalan.credentials import policy
from kalan.credentials.models import Act, Batch
from kalan.credentials.selectors.batches import acts_visible_to
from kalan.credentials.selectors.signing import awaiting_signature
from kalan.people.actor import Actor
from kalan.people.models import OrgNode

_ISSUED = (Batch.State.SIGNED, Batch.State.PRINTED)
_COUNTED = Q(acts__state__in=["draft", "planned", "failed", "signed", "void"])


def readable_batches(actor: Actor, capability: str = "acts.view") -> QuerySet[Batch]:
    """Batches for which ``actor`` has ``capability``, by the node on which they hang.

    For reading and handing over also by the people in it: a structure's manager prints the acts
    of their people in the batch of the region, once it is signed.
    """
    if actor.system:
        return Batch.objects.all()
    roles = policy.CAPABILITIES[capability]
    scope = actor.scope(roles, "node__")
    if capability in ("acts.view", "acts.deliver"):
        mine = Act.objects.filter(actor.scope(roles, "structure__"), batch=OuterRef("pk"))
        scope |= Q(Exists(mine), state__in=_ISSUED)
    return Batch.objects.filter(scope)


def readable_acts(actor: Actor, batch: Batch, capability: str = "acts.view") -> QuerySet[Act]:
    """All acts of a batch of the actor's territory; of another, those of their structures."""
    rows = Act.objects.filter(batch=batch).defer("data")
    roles = policy.CAPABILITIES[capability]
    if actor.covers(roles, batch.node.path):
        return rows
    return rows.filter(actor.scope(roles, "structure__"), state=Act.State.SIGNED)


def listed(rows: QuerySet[Batch]) -> QuerySet[Batch]:
    """With what a line shows: template, office, territory, numbers of acts (one query)."""
    return (
        rows.select_related("version__template", "office", "node", "prepared_by", "session", "exam")
        .select_related("programme")
        .annotate(
            total=Count("acts", filter=_COUNTED),
            failed=Count("acts", filter=Q(acts__state="failed")),
            excluded=Count("acts", filter=Q(acts__state="excluded")),
        )
    )


def narrowed(actor: Actor, rows: QuerySet[Batch], wanted: dict[str, Any]) -> QuerySet[Batch]:
    """``wanted``: cleaned values of the list's filters; what is empty narrows nothing.

    Words are looked for in the acts that ``actor`` may read: a batch that comes or not would tell
    whose acts are in the rest of it.
    """
    for word in str(wanted.get("q") or "").split():
        acts = acts_visible_to(actor).filter(batch=OuterRef("pk"))
        rows = rows.filter(Q(title__icontains=word) | Exists(acts.filter(named(word))))
    for field, lookup in (
        ("state", "state"),
        ("kind", "version__template__kind"),
        ("programme", "programme"),
        ("session", "session"),
        ("exam", "exam"),
        ("office", "office"),
    ):
        if wanted.get(field):
            rows = rows.filter(**{lookup: wanted[field]})
    if wanted.get("since"):
        rows = rows.filter(prepared_at__date__gte=wanted["since"])
    if wanted.get("until"):
        rows = rows.filter(prepared_at__date__lte=wanted["until"])
    return rows


def named(word: str) -> Q:
    """Acts of which ``word`` is in the name or the number, or is the code.

    Names of no register are in capitals, and SQLite knows no capital beyond ASCII.
    """
    by_name = Q(name__icontains=word) | Q(name__contains=word.upper())
    by_name |= Q(agent__search__contains=fold(word))
    return by_name | Q(number__icontains=word) | Q(code=bare_code(word))


def bare_code(text: str) -> str:
    """A code as stored: capitals, without the spaces and hyphens it is printed with."""
    return text.replace("-", "").replace(" ", "").upper()[:24]


BATCH_HEADERS = (
    "Lot", "Type d’acte", "État", "Fonction signataire", "Territoire", "Programme", "Session",
    "Préparé le", "Préparé par", "Visé le", "Signé le", "Actes", "En échec", "Écartés",
)  # fmt: skip


def batch_lines(rows: QuerySet[Batch]) -> Iterator[list[Cell]]:
    """Lines of the export, in the order of BATCH_HEADERS; ``rows`` as ``listed`` gives them."""
    for batch in rows.iterator(chunk_size=500):
        yield [
            batch.title,
            batch.version.template.get_kind_display(),
            batch.get_state_display(),
            batch.office.title,
            batch.node.name,
            batch.programme.name if batch.programme else "",
            batch.session.code if batch.session else "",
            batch.prepared_at,
            batch.prepared_by.display_name if batch.prepared_by else "",
            batch.approved_at,
            batch.signed_at,
            batch.total,  # type: ignore[attr-defined]
            batch.failed,  # type: ignore[attr-defined]
            batch.excluded,  # type: ignore[attr-defined]
        ]


def acts_narrowed(rows: QuerySet[Act], wanted: dict[str, Any]) -> QuerySet[Act]:
    """By name (accents or not), number, code, state or status."""
    for word in str(wanted.get("q") or "").split():
        rows = rows.filter(named(word))
    if wanted.get("state"):
        rows = rows.filter(state=wanted["state"])
    if wanted.get("status"):
        rows = rows.filter(status=wanted["status"], state=Act.State.SIGNED)
    if wanted.get("structure"):
        rows = rows.filter(structure__uid=wanted["structure"])
    return rows


ACT_HEADERS = (
    "Rang", "Numéro", "Code", "Nom", "Structure", "État", "Validité", "Valable jusqu’au",
    "Signé le", "Remarque",
)  # fmt: skip


def act_lines(rows: QuerySet[Act]) -> Iterator[list[Cell]]:
    """Lines of the export, in the order of ACT_HEADERS."""
    for act in rows.select_related("structure").iterator(chunk_size=1000):
        yield [
            act.rank,
            act.number or "",
            act.code or "",
            act.name,
            act.structure.name if act.structure else "",
            act.get_state_display(),
            act.get_status_display() if act.state == Act.State.SIGNED else "",
            act.valid_until,
            act.signed_at,
            act.problem,
        ]


@dataclass(frozen=True)
class Counts:
    """Acts of a batch by state."""

    draft: int = 0
    excluded: int = 0
    planned: int = 0
    failed: int = 0
    signed: int = 0
    void: int = 0
    revoked: int = 0

    @property
    def kept(self) -> int:
        """All but those set aside."""
        return self.draft + self.planned + self.failed + self.signed + self.void


def counts_of(rows: QuerySet[Act]) -> Counts:
    """How many acts in each state (one query)."""
    wanted = {state: Count("pk", filter=Q(state=state)) for state in Act.State.values}
    wanted["revoked"] = Count("pk", filter=Q(state="signed") & ~Q(status="valid"))
    return Counts(**rows.aggregate(**wanted))


def structures_in(rows: QuerySet[Act]) -> list[OrgNode]:
    """Structures that the acts name, by name (one query)."""
    named = rows.filter(structure__isnull=False).order_by().values("structure")
    return list(OrgNode.objects.filter(pk__in=named).order_by("search", "pk"))


def in_tray(actor: Actor, *, today: dt.date) -> int:
    """Batches that wait for the actor's signature, and those of their clicks not finished (one
    query)."""
    if actor.account is None or actor.system:
        return 0
    asked = Q(pk__in=awaiting_signature(actor, today=today).order_by().values("pk"))
    asked |= Q(run__account=actor.account, state=Batch.State.ORDERED)
    return Batch.objects.filter(asked).count()
