"""The register: a chain of entries that can only grow, and what shows that nobody edited it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from kalan.credentials.models import Act, Batch, RegisterCounter, RegisterEntry
from kalan.credentials.models.offices import Mode
from kalan.credentials.services.reading import ActDamaged, act_bytes
from kalan.engine.signing import chain, merkle
from kalan.people.models import Account

_K = RegisterEntry.Kind
_TRIES = 20


@transaction.atomic
def append(
    *,
    kind: str,
    by: Account | None,
    now: dt.datetime,
    body: dict[str, Any],
    batch: Batch | None = None,
    act: Act | None = None,
) -> RegisterEntry:
    """Add an entry. ``body``: plain values without fractions; who, when and what kind are added.

    In the caller's transaction. Of two that race one waits, or sees its place taken and takes the
    next: the database bears no second entry after the same one.
    """
    for _ in range(_TRIES):
        seq, previous = _next_place()
        full = {
            **body,
            "seq": seq,
            "kind": kind,
            "at": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "by": str(by.uid) if by else None,
        }
        try:
            with transaction.atomic():
                return RegisterEntry.objects.create(
                    seq=seq,
                    kind=kind,
                    at=now,
                    by=by,
                    batch=batch,
                    act=act,
                    body=full,
                    previous=previous.hex(),
                    hash=chain.entry_hash(previous, full).hex(),
                )
        except IntegrityError:
            continue
    raise RuntimeError("the register's last entry could not be had")


def _next_place() -> tuple[int, bytes]:
    """The number of the next entry, and the hash of the one that it follows."""
    last = RegisterEntry.objects.select_for_update().order_by("-seq").first()
    return (last.seq + 1, bytes.fromhex(last.hash)) if last else (1, chain.START)


def root_of(batch: Batch) -> tuple[str, int]:
    """The Merkle root (hexadecimal) over the SHA-256 of a batch's files in the order of their
    numbers, and how many there are."""
    rows = (
        Act.objects.filter(batch=batch, state=Act.State.SIGNED)
        .order_by("rank")
        .values_list("sha256", flat=True)
    )
    leaves = [merkle.leaf_hash(bytes.fromhex(found)) for found in rows.iterator() if found]
    return merkle.root(leaves).hex(), len(leaves)


def facts_of(batch: Batch) -> tuple[str, str]:
    """Two Merkle roots (hexadecimal) over what the check page says of each signed act: number,
    code, dates and place in the status list; then name and printed data, which go once the legal
    term is over."""
    rows = Act.objects.filter(batch=batch, state=Act.State.SIGNED).order_by("rank")
    dates, persons = [], []
    for row in rows.iterator(chunk_size=500):
        said = [row.number, row.code, row.status_index, row.sha256, _day(row.valid_until)]
        dates.append(_leaf([*said, int(row.signed_at.timestamp()) if row.signed_at else None]))
        persons.append(_leaf([row.number, row.name, row.initials, row.data]))
    return merkle.root(dates).hex(), merkle.root(persons).hex()


def _day(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


def _leaf(said: list[Any]) -> bytes:
    # Not the chain's canonical form: printed data may hold fractions, and no one else reads this.
    return merkle.leaf_hash(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())


@dataclass
class Findings:
    """What ``verify`` saw. ``problems`` empty: the register and the files it names are whole.
    ``last``: hash of the last entry, to be noted outside the server."""

    entries: int = 0
    acts: int = 0
    files: int = 0
    last: str = ""
    problems: list[str] = field(default_factory=list)


def verify(*, files: bool = True) -> Findings:
    """Walk the chain, recompute every root, look for numbers missing, and read every act back
    unless told not to look at ``files``."""
    found = Findings()
    _walk(found)
    _roots(found)
    _statuses(found)
    _numbers(found)
    if files:
        _files(found)
    return found


def _walk(found: Findings) -> None:
    def entries() -> Iterator[chain.Entry]:
        rows = RegisterEntry.objects.order_by("seq")
        for row in rows.iterator(chunk_size=500):
            found.entries += 1
            found.last = row.hash
            try:
                yield chain.Entry(
                    row.seq, row.body, bytes.fromhex(row.previous), bytes.fromhex(row.hash)
                )
            except ValueError:
                yield chain.Entry(row.seq, row.body, b"", b"")

    broken = chain.verify_chain(entries())
    if broken is not None:
        found.problems.append(
            f"Registre : l’entrée {broken} a été changée, retirée ou ajoutée après coup."
        )


def _roots(found: Findings) -> None:
    said: dict[int, dict[str, Any]] = {}
    for row in RegisterEntry.objects.filter(kind__in=[_K.SIGNED, _K.HAND_SIGNED]).order_by("seq"):
        if row.body.get("kind") != row.kind or row.batch_id is None:
            found.problems.append(f"Registre : l’entrée {row.seq} ne dit plus son objet.")
            continue
        said[row.batch_id] = row.body
    batches = Batch.objects.filter(state=Batch.State.SIGNED).order_by("pk")
    for batch in batches.iterator(chunk_size=100):
        root, number = root_of(batch)
        found.acts += number
        body = said.pop(batch.pk, None)
        name = f"Lot « {batch.title} » ({batch.uid})"
        if body is None:
            found.problems.append(f"{name} : signé, mais absent du registre.")
        elif body.get("batch") != str(batch.uid):
            found.problems.append(f"{name} : le registre parle d’un autre lot.")
        elif body.get("root") != root or body.get("acts") != number:
            found.problems.append(f"{name} : ses actes ne sont plus ceux qui ont été signés.")
        elif batch.merkle_root != root:
            found.problems.append(f"{name} : sa racine n’est plus celle de ses actes.")
        else:
            found.problems += [f"{name} : {one}" for one in _facts_changed(batch, body)]
    found.problems += [
        f"Registre : le lot {body.get('batch')} y est signé, il ne l’est plus dans la base."
        for body in said.values()
    ]


def _facts_changed(batch: Batch, body: dict[str, Any]) -> list[str]:
    """What the rows no longer say as on the day of signature; entries from before hold no facts."""
    if "facts" not in body:
        return []
    dates, persons = facts_of(batch)
    said = []
    if dates != body["facts"]:
        said.append("un numéro, un code ou une date de ses actes a été changé.")
    forgotten = batch.packs.filter(file__size=0).exists()
    if persons != body.get("persons") and not forgotten:
        said.append("un nom ou des données imprimées de ses actes ont été changés.")
    return said


_STATUS = {
    _K.REVOKED: Act.Status.REVOKED,
    _K.REINSTATED: Act.Status.VALID,
    _K.REPLACED: Act.Status.REPLACED,
}


def _statuses(found: Findings) -> None:
    """An act stands, or not, by the last entry about it: a status set in the table is seen."""
    said: dict[str, str] = {}
    for row in RegisterEntry.objects.order_by("seq").iterator(chunk_size=500):
        kind = row.body.get("kind")
        if kind in _STATUS:
            said[str(row.body.get("act"))] = _STATUS[_K(kind)]
    ended = {number: status for number, status in said.items() if status != Act.Status.VALID}
    rows = Act.objects.exclude(status=Act.Status.VALID).order_by("pk")
    numbered = rows.exclude(number=None).values_list("number", "status")
    now = {str(number): status for number, status in numbered}
    for number in sorted({*ended, *now}):
        register, table = ended.get(number, "valid"), now.get(number, "valid")
        if register != table:
            found.problems.append(
                f"Acte {number} : {Act.Status(table).label} dans la base, "
                f"{Act.Status(register).label} au registre."
            )


def _numbers(found: Findings) -> None:
    for counter in RegisterCounter.objects.order_by("country", "year"):
        start = f"{counter.country.upper()}-{counter.year}-"
        rows = Act.objects.filter(number__startswith=start)
        given = set()
        for number in rows.values_list("number", flat=True).iterator(chunk_size=2000):
            given.add(int((number or "").removeprefix(start)))
        missing = sorted(set(range(1, counter.last + 1)) - given)
        if missing:
            found.problems.append(
                f"Numéros {start}… : {len(missing)} manquants, à partir de {missing[0]}."
            )
        if given and max(given) > counter.last:
            found.problems.append(f"Numéros {start}… : {max(given)} dépasse le compteur.")
    void = Act.objects.filter(state=Act.State.VOID).exclude(entries__kind=_K.VOID)
    found.problems += [
        f"Acte {number} : non émis, mais absent du registre."
        for number in void.order_by("number").values_list("number", flat=True)
    ]


def _files(found: Findings) -> None:
    rows = Act.objects.filter(state=Act.State.SIGNED, pack__file__size__gt=0)  # not yet forgotten
    rows = rows.select_related("pack__file").defer("data").order_by("pk")
    for row in rows.iterator(chunk_size=200):
        found.files += 1
        try:
            act_bytes(row)
        except ActDamaged as error:
            found.problems.append(str(error))


def body_of(batch: Batch, root: str, acts: int) -> dict[str, Any]:
    """What the register says of a signed batch; only plain values."""
    run = batch.run
    facts, persons = facts_of(batch)
    numbers = list(
        Act.objects.filter(batch=batch, number__isnull=False)
        .order_by("rank")
        .values_list("number", "state")
    )
    return {
        "batch": str(batch.uid),
        "title": batch.title,
        "template": batch.version.template.code,
        "version": batch.version.number,
        "wording": hashlib.sha256(chain.canonical(batch.version.wording)).hexdigest(),
        "run": str(run.uid) if run else None,
        "signatory": run.name if run else "",
        "signatory_title": run.title if run else "",
        "capacity": run.capacity if run else "",
        "mode": batch.mode,
        "key": run.key.kid if run and run.key else None,
        "level": run.level if run else "",
        "prepared_by": str(batch.prepared_by.uid) if batch.prepared_by else None,
        "checked_by": str(batch.checked_by.uid) if batch.checked_by else None,
        "approved_by": str(batch.approved_by.uid) if batch.approved_by else None,
        "acts": acts,
        "first": numbers[0][0] if numbers else None,
        "last": numbers[-1][0] if numbers else None,
        "void": [number for number, state in numbers if state == Act.State.VOID],
        "root": root,
        "facts": facts,
        "persons": persons,
        "hand_signed_on": batch.hand_signed_on.isoformat() if batch.hand_signed_on else None,
        "hand_signed_by": batch.hand_signed_by if batch.mode == Mode.HAND else "",
    }
