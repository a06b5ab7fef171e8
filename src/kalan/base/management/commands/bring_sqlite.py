"""``script/manage bring_sqlite FICHIER``: leave SQLite for PostgreSQL, with every row compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalan.base import moving
from kalan.base.errors import Refused


class Command(BaseCommand):
    help = "Copie une base SQLite dans la base PostgreSQL vide de KALAN_DATABASE_URL."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="le fichier kalan.sqlite3")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = moving.bring(options["file"], say=self.stderr.write)
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{sum(counts.values())} lignes copiées et comparées.")
