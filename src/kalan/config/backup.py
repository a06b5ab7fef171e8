"""``kalan backup`` and ``kalan restore``: all that a server holds, in one verified archive."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from kalan.base import workers
from kalan.base.errors import Refused
from kalan.base.models import StoredFile
from kalan.config import archive, databases
from kalan.credentials import keystore

SECRET = "secret_key"  # noqa: S105 - the name of a file
FILES, KEYS = "files", "keys"  # folders in the archive


def backup(*, to: Path | None, keep: int | None, now: dt.datetime) -> Path:
    """Write an archive, read it all again, and only then remove those beyond ``keep``.

    People may go on working meanwhile: the copy is that of one instant.
    """
    folder = (to or Path(settings.KALAN_HOME) / "backups").resolve()
    folder.mkdir(parents=True, exist_ok=True)
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
    finally:
        partial.unlink(missing_ok=True)
    if keep is not None:
        for old in sorted(folder.glob(f"{archive.PREFIX}*{archive.SUFFIX}"))[:-keep]:
            old.unlink()
    return target


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
    members += archive.members_under(Path(settings.MEDIA_ROOT), FILES)
    return [*members, *keystore.travelling(KEYS)]


def _to_disk(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def restore(*, path: Path, yes: bool, now: dt.datetime) -> Path | None:
    """Put an archive back. Return the backup made of what it replaced, if there was anything.

    Refused when data would be replaced and ``yes`` is not given, when Kalan is running on this
    KALAN_HOME, when the archive is damaged, of another engine or of a newer Kalan.
    """
    if not path.exists():
        raise Refused(f"Le fichier {path} n’existe pas.")
    manifest = archive.verify(path)
    _refuse_unfit(manifest)
    _refuse_running()
    replaced = _has_data()
    if replaced and not yes:
        raise Refused(
            "Cette installation contient déjà des données, qui seraient remplacées.",
            remedy="Relancez avec --yes : elles seront d’abord sauvegardées.",
        )
    before = backup(to=None, keep=None, now=now) if replaced else None
    home = Path(settings.KALAN_HOME)
    with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as scratch:
        archive.extract(path, Path(scratch))
        databases.put_back(Path(scratch) / databases.copy_name())
        _put_back_files(Path(scratch), home)
    _compare(manifest["rows"])
    call_command("migrate", interactive=False, verbosity=0)
    return before


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
    return media.exists() and any(media.rglob("*"))


def _put_back_files(scratch: Path, home: Path) -> None:
    media = Path(settings.MEDIA_ROOT)
    shutil.rmtree(media, ignore_errors=True)
    media.parent.mkdir(parents=True, exist_ok=True)
    if (scratch / FILES).exists():
        shutil.move(scratch / FILES, media)
    if (scratch / SECRET).exists():
        shutil.copyfile(scratch / SECRET, home / SECRET)
        (home / SECRET).chmod(0o600)
    keystore.put_back(scratch / KEYS)


def _compare(expected: dict[str, int]) -> None:
    found = databases.rows()
    for table, number in expected.items():
        if found.get(table) != number:
            raise Refused(
                f"Après restauration, {table} a {found.get(table)} lignes au lieu de {number}.",
                remedy="Vérifiez le disque et recommencez.",
            )
