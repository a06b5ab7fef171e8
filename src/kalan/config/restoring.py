"""A restoration under way: its mark in KALAN_HOME, and how files change places.

The database changes in one instant and the files in another. Killed between the two, a house would
hold one day's rows and another day's files: so a mark is on the disk before the first changes and
goes after the last. While it stands nothing starts but ``kalan restore``, which begins again.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from django.conf import settings

from kalan.base.errors import Refused
from kalan.engine.signing import keyfiles

MARK = "restoring"
# In MEDIA_ROOT itself, which may be a mounted volume: to move within it cannot run out of room.
COMING, GOING = ".restored", ".replaced"


def _mark() -> Path:
    return Path(settings.KALAN_HOME) / MARK


def begin(before: Path | None) -> None:
    """Note on the disk that what is here may be mixed, and where what was here is saved."""
    keyfiles.write(_mark(), str(before or "").encode())


def end() -> None:
    """All is in its place, and on the disk."""
    os.sync()
    _mark().unlink()


def is_under_way() -> bool:
    return _mark().exists()


def saved_before() -> Path | None:
    """The backup of what the interrupted restoration was replacing."""
    name = _mark().read_text().strip()
    return Path(name) if name else None


def refuse() -> None:
    """Refused while a restoration is under way, or was cut short."""
    if not is_under_way():
        return
    before = saved_before()
    back = f" Pour revenir à ce qui était là : kalan restore {before}." if before else ""
    raise Refused(
        "Une restauration est en cours ou a été interrompue : la base et les fichiers ne vont "
        "peut-être plus ensemble.",
        remedy=f"Relancez kalan restore avec la même archive.{back}",
    )


def kept_files(media: Path) -> list[Path]:
    """What lies in ``media`` but for what a restoration left there."""
    if not media.exists():
        return []
    return sorted(path for path in media.iterdir() if path.name not in (COMING, GOING))


def make_room(media: Path) -> Path:
    """An empty folder, beside what will be replaced, for what will replace it."""
    for name in (COMING, GOING):
        if (media / name).exists():
            shutil.rmtree(media / name)
    (media / COMING).mkdir(parents=True)
    return media / COMING


def give_room_back(media: Path) -> None:
    """Remove what came and did not get to its place."""
    shutil.rmtree(media / COMING, ignore_errors=True)


def swap(media: Path) -> None:
    """Put the files that came where those that go were. Only renames, then the old are deleted."""
    coming, going = media / COMING, media / GOING
    going.mkdir()
    for path in kept_files(media):
        path.rename(going / path.name)
    for path in sorted(coming.iterdir()):
        path.rename(media / path.name)
    coming.rmdir()
    shutil.rmtree(going)
