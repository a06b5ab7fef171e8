"""``script/manage reset_second_factor admin@sante.sn --reason "…"``.

For the only administrator, who lost the second factor: whoever has the server has this.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import Account
from kalan.people.services.accounts_second_factor import reset_second_factor


class Command(BaseCommand):
    help = "Remet à zéro le second facteur d’un compte (le seul administrateur, par exemple)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="adresse e-mail du compte")
        parser.add_argument("--reason", required=True, help="motif, gardé dans le journal")

    def handle(self, *args: Any, **options: Any) -> None:
        account = Account.objects.filter(email=options["email"].lower()).first()
        if account is None:
            raise CommandError("Aucun compte n’a cette adresse.")
        try:
            reset_second_factor(
                actor=SYSTEM, now=clock.now(), account=account, reason=options["reason"]
            )
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"Second facteur de {account.display_name} remis à zéro.")
