"""Stored files: kept under a random name, their size and SHA-256 noted."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile, File

from kalan.base.ids import uuid7
from kalan.base.models import StoredFile

if TYPE_CHECKING:
    from kalan.people.models import Account


def store(
    *,
    content: bytes | File[bytes],
    name: str,
    kind: str,
    by: Account | None,
    now: dt.datetime,
    content_type: str = "application/octet-stream",
) -> StoredFile:
    """Write ``content`` under MEDIA_ROOT and return its row. ``name`` is only for display."""
    given: File[bytes] = ContentFile(content) if isinstance(content, bytes) else content
    digest, size = hashlib.sha256(), 0
    for chunk in given.chunks():  # a large upload lies on disk: never all of it in memory
        digest.update(chunk)
        size += len(chunk)
    row = StoredFile(
        kind=kind,
        name=PurePath(name).name[:255],
        content_type=content_type,
        size=size,
        sha256=digest.hexdigest(),
        created_at=now,
        created_by=by,
    )
    suffix = PurePath(name).suffix.lower()[:10]
    row.file.save(f"{uuid7()}{suffix}", given, save=False)
    row.save()
    return row
