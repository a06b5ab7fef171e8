"""``script/manage load_frameworks``: the frameworks of the packs, again if need be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.skills.services.framework_packs import load_frameworks


class Command(BaseCommand):
    help = "Charge les référentiels de packs/frameworks et leurs correspondances."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = load_frameworks(actor=SYSTEM, now=clock.now())
        except Refused as error:
            raise CommandError(str(error)) from error
        for code, added in report.nodes.items():
            self.stdout.write(f"{code} : {added} éléments ajoutés")
        self.stdout.write(f"correspondances : {report.links} ajoutées")
