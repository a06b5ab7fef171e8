"""The first administrator of a new installation."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from kalan.people.models import Account, RoleGrant
from tests.factories import people

WHO = ("Awa Diop", "awa.diop@sante.gouv.sn")


def test_the_first_administrator_gets_an_address_to_open(tree: people.Tree) -> None:
    out = io.StringIO()
    call_command("first_admin", *WHO, stdout=out)
    account = Account.objects.get(email=WHO[1])
    grant = RoleGrant.objects.get()
    assert (grant.role, grant.node, grant.account) == ("admin", tree.country, account)
    assert account.second_factor_required
    code = out.getvalue().strip().removeprefix("http://localhost:8000/activer/").rstrip("/")
    assert (len(code), account.slips.count()) == (10, 1)


def test_a_second_first_administrator_is_refused(tree: people.Tree) -> None:
    call_command("first_admin", *WHO, stdout=io.StringIO())
    with pytest.raises(CommandError, match="Il y a déjà un compte d’administration"):
        call_command("first_admin", "Un Autre", "autre@sante.gouv.sn")
    assert Account.objects.count() == 1


def test_without_a_country_nothing_is_opened(db: None) -> None:
    with pytest.raises(CommandError, match="Aucun pays n’est chargé"):
        call_command("first_admin", *WHO)
    assert Account.objects.count() == 0
