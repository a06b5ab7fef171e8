"""``script/manage first_admin "Awa Diop" awa.diop@sante.gouv.sn``: the first way in.

Prints an activation address, good once. Later administrators are made by the first, on screen.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import OrgNode, Role, RoleGrant
from kalan.people.services.accounts import create_account
from kalan.people.services.accounts_roles import grant_role
from kalan.people.services.accounts_slips import PrintedSlip, print_slip


class Command(BaseCommand):
    help = "Ouvre le premier compte d’administration et donne son adresse d’activation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="nom affiché")
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            slip = open_first_admin(name=options["name"], email=options["email"])
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(slip.url)


def open_first_admin(*, name: str, email: str) -> PrintedSlip:
    """Open the account with the administrator's role on every country loaded."""
    now, today = clock.now(), clock.today()
    if RoleGrant.objects.filter(role=Role.ADMIN, revoked_at__isnull=True).exists():
        raise Refused(
            "Il y a déjà un compte d’administration.",
            remedy="Demandez à cette personne d’en ouvrir un autre, ou restaurez son accès.",
        )
    countries = list(OrgNode.objects.filter(depth=1).order_by("path"))
    if not countries:
        raise Refused(
            "Aucun pays n’est chargé.", remedy="Lancez d’abord script/manage load_pack sn."
        )
    with transaction.atomic():
        account = create_account(actor=SYSTEM, now=now, display_name=name, email=email)
        for country in countries:
            grant_role(
                actor=SYSTEM,
                now=now,
                account=account,
                role=Role.ADMIN,
                node=country,
                start=today,
                reason="premier compte",
            )
        slip, code = print_slip(actor=SYSTEM, now=now, account=account)
    return PrintedSlip(slip, code)
