"""``kalan backup`` and ``kalan restore``: all that a server holds, in one verified archive."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from kalan.base import workers
from kalan.base.errors import Refused
from kalan.base.models import StoredFile
from kalan.config import archive, databases, restoring, supervise
from kalan.credentials import keystore
from kalan.engine.signing import keyfiles
from kalan.engine.signing.errors import SigningError
from kalan.people.actor import SYSTEM

SECRET = "secret_key"  # noqa: S105 - the name of a file
FILES, KEYS = "files", "keys"  # folders in the archive
SCRATCH = ".restore-"
STALE = 24 * 3600  # seconds after which what a backup that was killed left behind is removed


def backup(*, to: Path | None, keep: int | None, now: dt.datetime) -> Path:
    """Write an archive, read it all again, and only then remove those beyond ``keep``.

    People may go on working meanwhile: the copy is that of one instant.
    """
    folder = (to or Path(settings.KALAN_HOME) / "backups").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        target = _write(folder, now)
    except (OSError, DatabaseError) as error:
        raise Refused(
            f"La sauvegarde n’a pas pu être écrite dans {folder} : {error}.",
            remedy="Vérifiez la place et les droits sur ce disque ; rien n’y a été laissé.",
        ) from error
    if keep is not None:
        for old in sorted(folder.glob(f"{archive.PREFIX}*{archive.SUFFIX}"))[:-keep]:
            old.unlink()
    return target


def _write(folder: Path, now: dt.datetime) -> Path:
    target = _free_name(folder, now)
    partial = target.with_suffix(".partial")
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".kalan-") as scratch:
            copy = Path(scratch) / databases.copy_name()
            manifest = _manifest(databases.copy_to(copy), now)
            # The database first: every file that it names is on disk by then.
            archive.write(partial, manifest, _members(copy))
        archive.verify(partial)
        _to_disk(partial)
        partial.replace(target)
        _to_disk(folder)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _sweep(folder: Path) -> None:
    """Remove what backups that were killed left: each may be as large as the database."""
    for path in [*folder.glob(".kalan-*"), *folder.glob(f"{archive.PREFIX}*.partial")]:
        if time.time() - path.lstat().st_mtime > STALE:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _free_name(folder: Path, now: dt.datetime) -> Path:
    stem = f"{archive.PREFIX}{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"
    target = folder / f"{stem}{archive.SUFFIX}"
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{stem}-{number}{archive.SUFFIX}"
    return target


def _manifest(rows: dict[str, int], now: dt.datetime) -> dict[str, Any]:
    return {
        "format": archive.FORMAT,
        "made_at": now.isoformat(),
        "engine": connection.vendor,
        "migrations": databases.migrations(),
        "rows": rows,
        "missing_files": missing_files(),
    }


def missing_files() -> list[str]:
    """Names of files that the database knows and the disk has lost."""
    root = Path(settings.MEDIA_ROOT)
    names = StoredFile.objects.exclude(file="").order_by("pk").values_list("file", flat=True)
    return [name for name in names.iterator() if not (root / name).exists()]


def _members(copy: Path) -> list[tuple[str, Path]]:
    members = [(copy.name, copy)]
    secret = Path(settings.KALAN_HOME) / SECRET
    if secret.exists():
        members.append((SECRET, secret))
    media = Path(settings.MEDIA_ROOT)
    for top in restoring.kept_files(media):
        members += archive.members_under(top, f"{FILES}/{top.name}")
    return [*members, *keystore.travelling(KEYS)]


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def restore(*, path: Path, yes: bool, now: dt.datetime) -> Path | None:
    """Put an archive back. Return the backup made of what it replaced, if there was anything.

    Refused when data would be replaced and ``yes`` is not given, when Kalan is running on this
    KALAN_HOME, when the archive is damaged, of another engine or of a newer Kalan. Until the
    database has been replaced, whatever fails leaves everything as it was; killed later, nothing
    starts until it is run again (`restoring`).
    """
    if not path.exists():
        raise Refused(f"Le fichier {path} n’existe pas.")
    manifest = archive.verify(path)
    _refuse_unfit(manifest)
    _refuse_running()
    before = _save_what_is_here(yes=yes, now=now)
    home, media = Path(settings.KALAN_HOME), Path(settings.MEDIA_ROOT)
    _sweep_scratch(home)
    try:
        with tempfile.TemporaryDirectory(dir=home, prefix=SCRATCH) as scratch:
            # All that takes room is done before anything changes.
            archive.extract(path, Path(scratch), {FILES: restoring.make_room(media)})
            _replace(Path(scratch), manifest["rows"], before)
    finally:
        restoring.give_room_back(media)
    return before


def _save_what_is_here(*, yes: bool, now: dt.datetime) -> Path | None:
    if restoring.is_under_way():  # it was saved, and ``yes`` given, at the first try
        return restoring.saved_before()
    if not _has_data():
        return None
    if not yes:
        raise Refused(
            "Cette installation contient déjà des données, qui seraient remplacées.",
            remedy="Relancez avec --yes : elles seront d’abord sauvegardées.",
        )
    return backup(to=None, keep=None, now=now)


def _replace(scratch: Path, rows: dict[str, int], before: Path | None) -> None:
    again = restoring.is_under_way()
    try:
        if not again:
            restoring.begin(before)
        try:
            databases.put_back(scratch / databases.copy_name(), rows)
        except Refused:
            if not again:
                restoring.end()  # nothing has changed
            raise
        restoring.swap(Path(settings.MEDIA_ROOT))
        _put_back_keys(scratch, Path(settings.KALAN_HOME))
        call_command("migrate", interactive=False, verbosity=0)
        _end_revoked_keys()
        restoring.end()
    except (OSError, DatabaseError, SigningError) as error:
        raise Refused(
            f"La restauration s’est arrêtée en chemin : {error}.",
            remedy="Réparez-en la cause, puis relancez kalan restore avec la même archive.",
        ) from error


def _end_revoked_keys() -> None:
    from kalan.credentials.services import keys  # only here: it imports the cryptography

    for key in keys.end_revoked(actor=SYSTEM):
        supervise.say(
            f"La clé « {key.name} » a été révoquée depuis cette sauvegarde : elle le reste."
        )


def _sweep_scratch(home: Path) -> None:
    """Remove what restorations that were killed unpacked: none runs beside this one."""
    for path in home.glob(f"{SCRATCH}*"):
        shutil.rmtree(path, ignore_errors=True)


def _refuse_unfit(manifest: dict[str, Any]) -> None:
    if manifest["engine"] != connection.vendor:
        raise Refused(
            f"L’archive vient de {manifest['engine']}, la base d’ici est {connection.vendor}.",
            remedy="Restaurez-la sur une installation du même moteur (KALAN_DATABASE_URL).",
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    unknown = sorted(set(manifest["migrations"]) - known)
    if unknown:
        raise Refused(
            f"L’archive vient d’une version plus récente de Kalan ({unknown[0]}).",
            remedy="Installez d’abord cette version ; rien n’a été modifié.",
        )


def _refuse_running() -> None:
    me = workers.identity()
    running = [name for name in workers.living() if name != me]
    if running:
        raise Refused(
            "Kalan fonctionne encore sur ces données.",
            remedy="Arrêtez le site et le travail de fond, puis relancez la commande.",
        )


def _has_data() -> bool:
    """Whether anybody has an account here, or a file lies in the store."""
    tables = connection.introspection.table_names()
    if "people_account" in tables:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM people_account")
            if cursor.fetchone()[0]:
                return True
    media = Path(settings.MEDIA_ROOT)
    return any(path.is_file() or any(path.rglob("*")) for path in restoring.kept_files(media))


def _put_back_keys(scratch: Path, home: Path) -> None:
    if (scratch / SECRET).exists():
        keyfiles.write(home / SECRET, (scratch / SECRET).read_bytes())
    keystore.put_back(scratch / KEYS)
