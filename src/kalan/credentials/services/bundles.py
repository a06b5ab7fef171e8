"""Acts handed out together: a ZIP of the signed files, or a print run.

A print run is one PDF to send to a printer. Merging rewrites the pages, so that no signature
holds any more: its first page says that it is a copy for printing (of acts signed by hand: the
very sheets to be signed).
"""

from __future__ import annotations

import datetime as dt
import io
import re
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

from django.core.files import File
from django.db.models import QuerySet
from django.utils import timezone

from kalan.base import clock, files
from kalan.base.documents import compiler
from kalan.base.errors import Refused
from kalan.base.jobs import job as background
from kalan.base.jobs import progress, start_job
from kalan.base.models import Job
from kalan.base.text import some
from kalan.credentials.models import Act, Batch
from kalan.credentials.models.offices import Mode
from kalan.credentials.selectors.listing import readable_acts, readable_batches
from kalan.credentials.services import reading
from kalan.credentials.services.retention import BUNDLE
from kalan.people.actor import Actor
from kalan.people.selectors.core import actor_for
from kalan.people.services.history import act as in_one_transaction
from kalan.people.services.history import note

Form = Literal["zip", "print"]
KIND = "acts.bundle"
AT_ONCE = 200  # acts that a page hands out while one waits; more is background work
MOST_PRINTED = 1000  # acts in one print run: what a person carries to the printer
_UNFIT = re.compile(r"[^\w .-]+")
_EVERY = 20  # acts between two signs of progress
_SLIP = Path(__file__).parents[1] / "documents" / "print_slip.typ"
_TYPES = {"zip": "application/zip", "print": "application/pdf"}


def acts_to_hand(actor: Actor, batch: Batch, structure: uuid.UUID | None = None) -> QuerySet[Act]:
    """Stored acts of the batch that the actor may hand out, valid ones only, structure by
    structure, each by rank."""
    rows = readable_acts(actor, batch, "acts.deliver")
    rows = rows.filter(state=Act.State.SIGNED, status=Act.Status.VALID)
    if structure is not None:
        rows = rows.filter(structure__uid=structure)
    return rows.select_related("structure", "pack__file").order_by(
        "structure__search", "structure", "rank"
    )


@in_one_transaction
def ask(
    *,
    actor: Actor,
    batch: Batch,
    form: Form,
    now: dt.datetime,
    structure: uuid.UUID | None = None,
) -> Job | int:
    """Note who takes which acts out. Returns how many when they may be made at once, else the
    job that makes them. Raises Refused when there is none, or too many to print."""
    count = acts_to_hand(actor, batch, structure).count()
    if not count:
        raise Refused("Aucun acte valable à remettre ici.", code="nobody")
    if form == "print" and count > MOST_PRINTED:
        raise Refused(
            f"Un tirage tient {MOST_PRINTED} actes au plus ; il y en a {count}.",
            remedy="Choisissez une structure.",
            field="structure",
        )
    what = "Archive" if form == "zip" else "Tirage"
    note(actor=actor, subject=batch, text=f"{what} de {some(count, 'acte', 'actes')}")
    if count <= AT_ONCE:
        return count
    return start_job(
        kind=KIND,
        label=f"{what} de {count} actes",
        task=make_bundle,
        actor_account=actor.account,
        now=now,
        arguments={
            "batch": str(batch.uid),
            "form": form,
            "structure": str(structure) if structure else "",
        },
    )


def name_of(batch: Batch, form: Form) -> str:
    """The file's name, without what file systems refuse."""
    title = _UNFIT.sub("-", batch.title)[:80].strip(" .-") or "actes"
    return f"{title}.zip" if form == "zip" else f"tirage-{title}.pdf"


def write(
    out: BinaryIO, rows: QuerySet[Act], batch: Batch, form: Form, tick: Any = lambda done: None
) -> None:
    """Write the bundle to ``out``; ``tick(done)`` is told now and then."""
    if form == "zip":
        _write_zip(out, rows, tick)
    else:
        _write_print(out, rows, batch, tick)


def _write_zip(out: BinaryIO, rows: QuerySet[Act], tick: Any) -> None:
    """A folder for each structure; files are named by number and name."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for done, (row, content) in enumerate(_contents(rows), start=1):
            folder = _plain(row.structure.name if row.structure else "Sans structure")
            named = _plain(f"{row.number} {row.name}")
            archive.writestr(f"{folder}/{named}.pdf", content)
            if done % _EVERY == 0:
                tick(done)


def _write_print(out: BinaryIO, rows: QuerySet[Act], batch: Batch, tick: Any) -> None:
    import pikepdf  # late: 30 ms that only a print run needs

    with pikepdf.Pdf.new() as whole:
        sources = [pikepdf.open(io.BytesIO(_slip(batch, rows.count())))]
        whole.pages.extend(sources[0].pages)
        for done, (_, content) in enumerate(_contents(rows), start=1):
            source = pikepdf.open(io.BytesIO(content))
            sources.append(source)  # pages are copied when the whole is written
            for page in source.pages:
                # The widget of a signature that no longer holds would only alarm.
                if "/Annots" in page:
                    del page["/Annots"]
            whole.pages.extend(source.pages)
            if done % _EVERY == 0:
                tick(done)
        whole.save(out)
        for source in sources:
            source.close()


def _slip(batch: Batch, count: int) -> bytes:
    """The first page: what this is and what it is worth."""
    hand = batch.mode == Mode.HAND
    data = {
        "title": "Tirage à signer" if hand else "Copie pour impression",
        "batch": batch.title,
        "count": some(count, "acte", "actes"),
        "office": batch.office.title,
        "hand": hand,
        "made": f"{timezone.localtime():%d/%m/%Y à %H:%M}",
    }
    return compiler.pdf(_SLIP, data)


def _contents(rows: QuerySet[Act]) -> Iterator[tuple[Act, bytes]]:
    for row in rows.iterator(chunk_size=100):
        yield row, reading.act_bytes(row)


def _plain(text: str) -> str:
    return _UNFIT.sub("-", text)[:100].strip(" .-") or "acte"


@background()
def make_bundle(*, job: Job, batch: str, form: Form, structure: str) -> dict[str, Any]:
    """Write the file under the rights of who asked for it; begun again after a crash."""
    actor = actor_for(job.created_by, today=clock.today())
    found = readable_batches(actor, "acts.deliver").select_related("node", "office")
    wanted = found.filter(uid=batch).first()
    if wanted is None:
        raise Refused("Ce lot n’est plus dans votre territoire.")
    rows = acts_to_hand(actor, wanted, uuid.UUID(structure) if structure else None)
    total = rows.count()
    with tempfile.TemporaryFile() as out:
        write(out, rows, wanted, form, lambda done: progress(job.pk, done, total))
        out.seek(0)
        stored = files.store(
            content=File(out),
            name=name_of(wanted, form),
            kind=BUNDLE,
            by=job.created_by,
            now=clock.now(),
            content_type=_TYPES[form],
        )
    Job.objects.filter(pk=job.pk).update(result_file=stored, done=total, total=total)
    return {"acts": total}


def bundles_of(actor: Actor, batch: Batch) -> QuerySet[Job]:
    """Bundles of the batch that this person asked for, the last first."""
    if actor.account is None:
        return Job.objects.none()
    rows = Job.objects.filter(kind=KIND, created_by=actor.account, arguments__batch=str(batch.uid))
    return rows.select_related("result_file").order_by("-created_at", "-pk")
