"""Stored files: kept under a random name, their size and SHA-256 noted."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile

from kalan.base.ids import uuid7
from kalan.base.models import StoredFile

if TYPE_CHECKING:
    from kalan.people.models import Account


def store(
    *,
    content: bytes | UploadedFile[bytes],
    name: str,
    kind: str,
    by: Account | None,
    now: dt.datetime,
    content_type: str = "application/octet-stream",
) -> StoredFile:
    """Write ``content`` under MEDIA_ROOT and return its row. ``name`` is only for display."""
    digest, size = hashlib.sha256(), 0
    chunks = [content] if isinstance(content, bytes) else content.chunks()
    parts: list[bytes] = []
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        parts.append(chunk)
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
    row.file.save(f"{uuid7()}{suffix}", ContentFile(b"".join(parts)), save=False)
    row.save()
    return row
