"""Putting files and links on a theme's page, and taking them off."""

from __future__ import annotations

import datetime as dt
from pathlib import PurePath

from django.core.files import File
from django.db import transaction
from django.db.models import Max

from kalan.base.errors import Refused
from kalan.base.files import store
from kalan.people.actor import Actor
from kalan.training.models import Resource, Theme
from kalan.training.selectors.resources import may_edit
from kalan.training.services.history import note

# Served as downloads only; nothing that a browser would run (HTML, SVG).
TYPES = {
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".zip": "application/zip",
    ".epub": "application/epub+zip",
}


def add_resource(
    *,
    actor: Actor,
    now: dt.datetime,
    theme: Theme,
    title: str,
    url: str = "",
    file: File[bytes] | None = None,
    name: str = "",
) -> Resource:
    """Put a link or a file at the end of the theme's page. Raises Refused for neither or both,
    an unknown type of file, or somebody who may not."""
    _require(actor)
    if bool(url) == (file is not None):
        raise Refused(
            "Donnez un fichier ou un lien.", field="file", remedy="L’un des deux, pas les deux."
        )
    suffix = PurePath(name).suffix.lower()
    if file is not None and suffix not in TYPES:
        raise Refused(
            f"Un fichier « {suffix or 'sans extension'} » ne se dépose pas ici.",
            field="file",
            remedy="Enregistrez-le en PDF, ou dans une archive .zip.",
        )
    with transaction.atomic():
        last = Resource.objects.filter(theme=theme).aggregate(last=Max("rank"))["last"]
        stored = file and store(
            content=file,
            name=name,
            kind="resource",
            by=actor.account,
            now=now,
            content_type=TYPES[suffix],
        )
        resource = Resource.objects.create(
            theme=theme, title=title, url=url, file=stored or None, rank=(last or 0) + 1
        )
        note(theme, actor=actor, changes={"ressource": ["", title]})
    return resource


def remove_resource(*, actor: Actor, now: dt.datetime, resource: Resource) -> None:
    """Take it off, with its file."""
    _require(actor)
    with transaction.atomic():
        file = resource.file
        note(resource.theme, actor=actor, changes={"ressource": [resource.title, ""]})
        resource.delete()
        if file:
            storage, stored = file.file.storage, str(file.file.name)
            file.delete()
            transaction.on_commit(lambda: storage.delete(stored))


def _require(actor: Actor) -> None:
    if not may_edit(actor):
        raise Refused("Vous ne pouvez pas modifier les ressources.", code="forbidden")
