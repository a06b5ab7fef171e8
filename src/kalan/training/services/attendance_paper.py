"""The signed sheet itself: its scan or photo, attached to the session."""

from __future__ import annotations

import datetime as dt

from django.core.files import File
from django.db import transaction

from kalan.base.errors import Refused
from kalan.base.files import store
from kalan.base.models import StoredFile
from kalan.people.actor import Actor
from kalan.training.models import Session, SessionSheet
from kalan.training.services.attendance_batch import locked
from kalan.training.services.dirty import mark_dirty
from kalan.training.services.history import note

MAX_BYTES = 15 * 1024 * 1024
MAX_PAGES = 20
# First bytes → type, as the file says itself: a name or a browser may be wrong.
_TYPES = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)


def attach_sheet(
    *, actor: Actor, now: dt.datetime, session: Session, file: File[bytes], name: str
) -> StoredFile:
    """Attach one page (PDF, JPEG, PNG; at most 15 MB). The same page twice is kept once.

    Raises Refused for another type, an empty or too large file, more than 20 pages.
    """
    if file.size > MAX_BYTES:
        raise Refused(
            f"Ce fichier pèse {file.size // 1_000_000} Mo ; la limite est de 15 Mo.",
            field="file",
            remedy="Photographiez la feuille en qualité moyenne, page par page.",
        )
    kind = _type_of(file)
    with transaction.atomic():
        fresh = locked(actor, session)
        pages = list(fresh.sheets.select_related("file").order_by("pk"))
        if len(pages) >= MAX_PAGES:
            raise Refused(
                f"La session a déjà {MAX_PAGES} pages.",
                field="file",
                remedy="Retirez les pages en trop, ou réunissez-les dans un seul PDF.",
            )
        stored = store(
            content=file, name=name, kind="scan", by=actor.account, now=now, content_type=kind
        )
        twin = next((page.file for page in pages if page.file.sha256 == stored.sha256), None)
        if twin:
            _drop(stored)
            return twin
        SessionSheet.objects.create(
            session=fresh, file=stored, added_at=now, added_by=actor.account
        )
        note(fresh, actor=actor, changes={"feuille signée": ["", stored.name]})
        if fresh.sheet_id is None:
            fresh.sheet = stored
            fresh.save(update_fields=["sheet"])
            mark_dirty([fresh.pk], now)
    return stored


def remove_sheet(*, actor: Actor, now: dt.datetime, page: SessionSheet) -> None:
    """Take a page off (a wrong photo); the file goes with it."""
    with transaction.atomic():
        session = locked(actor, page.session)
        if session.state == Session.State.VALIDATED:
            raise Refused(
                "La session est validée : sa feuille ne se retire plus.",
                remedy="Ajoutez la bonne page à côté.",
            )
        file = page.file
        note(session, actor=actor, changes={"feuille signée": [file.name, ""]})
        page.delete()
        if session.sheet_id == file.pk:
            left = session.sheets.select_related("file").order_by("pk").first()
            session.sheet = left.file if left else None
            session.save(update_fields=["sheet"])
            mark_dirty([session.pk], now)
        _drop(file)


def _drop(file: StoredFile) -> None:
    storage, name = file.file.storage, str(file.file.name)
    file.delete()
    transaction.on_commit(lambda: storage.delete(name))


def _type_of(file: File[bytes]) -> str:
    head = file.read(16)
    file.seek(0)
    for magic, kind in _TYPES:
        if head.startswith(magic):
            return kind
    raise Refused(
        "Ce fichier n’est ni un PDF, ni une photo JPEG ou PNG.",
        field="file",
        remedy="Photographiez la feuille, ou numérisez-la en PDF.",
    )
