"""Keeping a funder's layout, and filling it with figures of the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile

from kalan.base import files
from kalan.base.errors import Refused
from kalan.base.models import StoredFile
from kalan.indicators import policy
from kalan.indicators.definitions import BY_CODE
from kalan.indicators.funder import MAX_BYTES, Achieved, Layout, fill, look
from kalan.indicators.selectors.board import board, may_see_money
from kalan.indicators.selectors.counts import Counts
from kalan.indicators.selectors.scope import Filters, reach_of
from kalan.indicators.selectors.values import values
from kalan.indicators.services.refresh import ensure_fresh
from kalan.people.actor import Actor

KIND = "funder-layout"
# Indicators of people, that can be given by sex.
_BY_SEX = {"agents_formes", "part_femmes"}


def keep_layout(*, actor: Actor, now: dt.datetime, file: UploadedFile[bytes]) -> StoredFile:
    """Store a funder's XLSX once it has been recognised; else Refused and nothing is stored."""
    if not actor.can(policy.CAPABILITIES["indicators.view"]):
        raise Refused("Vous n’avez pas le droit de faire cela.", code="forbidden")
    if (file.size or 0) > MAX_BYTES:
        raise Refused("Le modèle dépasse 2 Mo.", field="file", remedy="Retirez les images.")
    row = files.store(
        content=file,
        name=file.name or "modele.xlsx",
        kind=KIND,
        by=actor.account,
        now=now,
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    try:
        look(Path(row.file.path))
    except Refused:
        row.file.delete(save=False)
        row.delete()
        raise
    return row


def layouts_of(actor: Actor) -> list[StoredFile]:
    """Layouts that the actor's account brought, the latest first."""
    rows = StoredFile.objects.filter(kind=KIND, created_by=actor.account)
    return list(rows.order_by("-created_at", "-pk")[:20])


def layout(*, actor: Actor, uid: object) -> tuple[StoredFile, Layout]:
    """One of the actor's layouts; another's: DoesNotExist."""
    row = StoredFile.objects.get(kind=KIND, created_by=actor.account, uid=str(uid))
    return row, look(Path(row.file.path))


def filled(
    *,
    actor: Actor,
    now: dt.datetime,
    file: StoredFile,
    filters: Filters,
    columns: Mapping[str, int],
    lines: Mapping[int, str],
) -> bytes:
    """The layout with figures of ``filters`` within the actor's reach."""
    ensure_fresh(now=now)
    reach = reach_of(actor, filters)
    found = board(reach, day=min(filters.end or now.date(), now.date()))
    exact = values(found)
    money = may_see_money(actor)
    given = {
        code: _line(code, exact[code], found.targets.get(code), found.people.total, now)
        for code, definition in BY_CODE.items()
        if money or not definition.money
    }
    return fill(Path(file.file.path), columns, lines, given)


def _line(
    code: str, value: Decimal | None, target: Decimal | None, people: Counts, now: dt.datetime
) -> Achieved:
    by_sex = code in _BY_SEX
    return Achieved(
        achieved=None if value is None else _plain(value),
        target=None if target is None else _plain(target),
        women=people.women if by_sex else None,
        men=people.men if by_sex else None,
        unknown=people.unknown if by_sex else None,
        source=f"Kalan, compté sur les registres ({BY_CODE[code].counts})",
        date=now.date(),
    )


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
