"""``script/manage load_acts sn``: the first templates of a country's acts, again if need be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalan.base import clock
from kalan.credentials.services.templates import load_templates
from kalan.people.actor import SYSTEM
from kalan.people.models import OrgNode


class Command(BaseCommand):
    help = "Charge les modèles d’actes d’un pack pays (packs/actes et packs/<pays>)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("country", help="Code du pays en deux lettres, par exemple sn.")

    def handle(self, *args: Any, **options: Any) -> None:
        country = options["country"].lower()
        node = OrgNode.objects.filter(country=country, kind=OrgNode.Kind.COUNTRY).first()
        if node is None:
            raise CommandError(
                f"Le pays « {country} » n’est pas chargé. "
                f"Lancez d’abord « script/manage load_pack {country} »."
            )
        try:
            made = load_templates(actor=SYSTEM, country=country, node=node, now=clock.now())
        except LookupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"modèles d’actes : {len(made)} ajoutés")
