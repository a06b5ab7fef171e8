"""``script/manage load_pack sn [--demo-structures]``: load a country pack, again if need be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalan.base import clock, packs
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.packs import load_demo_structures, load_pack


class Command(BaseCommand):
    help = "Charge un pack pays (régions, districts, types, cadres, registre des traitements)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("country", help="code du pays : " + ", ".join(packs.countries()))
        parser.add_argument("--demo-structures", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        try:
            report = load_pack(options["country"], actor=SYSTEM, now=now)
            if options["demo_structures"]:
                load_demo_structures(options["country"], actor=SYSTEM, now=now)
        except (LookupError, Refused) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{report.country} : "
            + ", ".join(f"{number} {kind}" for kind, number in report.added.items())
        )
