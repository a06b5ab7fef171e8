"""The register of acts as it is read: entries and search."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q, QuerySet

from kalan.base.exports import Cell
from kalan.base.text import whole
from kalan.credentials import policy
from kalan.credentials.models import Act, RegisterEntry
from kalan.credentials.selectors.listing import bare_code, named
from kalan.people.actor import Actor

HEADERS = ("N°", "Inscription", "Date", "Par", "Lot", "Acte", "Empreinte", "Empreinte précédente")


def entries_visible_to(actor: Actor) -> QuerySet[RegisterEntry]:
    """Entries about acts of the actor's territory, and those about keys, which have none."""
    if actor.system:
        return RegisterEntry.objects.all()
    roles = policy.CAPABILITIES["register.view"]
    if not actor.can(roles):
        return RegisterEntry.objects.none()
    scope = actor.scope(roles, "batch__node__") | actor.scope(roles, "act__batch__node__")
    return RegisterEntry.objects.filter(scope | Q(batch__isnull=True, act__isnull=True))


def searched(rows: QuerySet[RegisterEntry], words: str, kind: str) -> QuerySet[RegisterEntry]:
    """By number of entry, and by number, code or name of an act that the entry is about."""
    if kind:
        rows = rows.filter(kind=kind)
    words = words.strip()
    if not words:
        return rows
    acts = Act.objects.filter(Q(code=bare_code(words)) | named_all(words))
    found = Q(act__in=acts.values("pk")) | Q(batch__in=acts.values("batch"))
    found |= Q(batch__title__icontains=words)
    seq = whole(words, digits=12)
    return rows.filter(found | Q(seq=seq) if seq is not None else found)


def named_all(words: str) -> Q:
    """Acts of which every word is in the name or the number."""
    wanted = Q()
    for word in words.split():
        wanted &= named(word)
    return wanted


def with_subjects(rows: QuerySet[RegisterEntry]) -> QuerySet[RegisterEntry]:
    return rows.select_related("by", "batch", "act__batch").defer("act__data")


def lines(rows: QuerySet[RegisterEntry]) -> Iterator[list[Cell]]:
    """Lines of the export, in the order of HEADERS."""
    for entry in with_subjects(rows).iterator(chunk_size=1000):
        batch = entry.batch or (entry.act.batch if entry.act else None)
        yield [
            entry.seq,
            entry.get_kind_display(),
            entry.at,
            entry.by.display_name if entry.by else "",
            batch.title if batch else "",
            (entry.act.number or "") if entry.act else "",
            entry.hash,
            entry.previous,
        ]
