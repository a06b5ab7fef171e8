"""``script/manage load_questions sn``: the bank of the packs' questions, again if need be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import OrgNode
from kalan.skills.services.packs import load_bank


class Command(BaseCommand):
    help = "Charge la banque de questions livrée avec Kalan, tenue par le pays donné."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("country", help="code du pays qui tient la banque")

    def handle(self, *args: Any, **options: Any) -> None:
        country = OrgNode.objects.filter(
            kind=OrgNode.Kind.COUNTRY, country=options["country"].lower()
        ).first()
        if country is None:
            raise CommandError("Chargez d’abord ce pays : « script/manage load_pack ».")
        try:
            bank = load_bank(actor=SYSTEM, node=country, now=clock.now())
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{bank} : {bank.items.count()} questions")
