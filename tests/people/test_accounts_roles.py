"""Roles: on a node, with dates, ending with the post, never above one's own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from auditlog.models import LogEntry

from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.models import Account, Post, Role, RoleGrant
from kalan.people.selectors.accounts import accounts_visible_to
from kalan.people.selectors.core import actor_for
from kalan.people.services.accounts import create_account, set_active, verify_phone
from kalan.people.services.accounts_roles import end_role, grant_role
from tests.factories import people

pytestmark = pytest.mark.usefixtures("journal")

NOW = people.NOW
TODAY = NOW.date()
DAY = dt.timedelta(days=1)


@pytest.fixture
def awa(tree: people.Tree) -> Account:
    return people.account(agent=people.agent(tree.centre_sokone))


def roles(account: Account, day: dt.date = TODAY) -> list[tuple[str, str]]:
    return list(actor_for(account, today=day).grants)


def give(actor: Any, account: Account, role: str, node: Any, **more: Any) -> RoleGrant:
    return grant_role(
        actor=actor, now=NOW, account=account, role=role, node=node, **{"start": TODAY, **more}
    )


def test_a_role_holds_between_its_dates_both_included(tree: people.Tree, awa: Account) -> None:
    give(SYSTEM, awa, "trainer", tree.sokone, end=TODAY + DAY)
    held = [("trainer", tree.sokone.path)]
    days = (TODAY - DAY, TODAY, TODAY + DAY, TODAY + 2 * DAY)
    assert [roles(awa, day) for day in days] == [[], held, held, []]


def test_a_role_ends_with_its_post(tree: people.Tree, awa: Account) -> None:
    assert awa.agent
    post = awa.agent.posts.get()
    give(SYSTEM, awa, "structure", tree.centre_sokone, post=post)
    assert roles(awa) == [("structure", tree.centre_sokone.path)]
    Post.objects.filter(pk=post.pk).update(end=TODAY)
    assert roles(awa) == [("structure", tree.centre_sokone.path)]
    assert roles(awa, TODAY + DAY) == []


def test_a_withdrawn_role_is_gone_at_once_and_stays_in_the_history(
    tree: people.Tree, awa: Account
) -> None:
    grant = give(SYSTEM, awa, "trainer", tree.sokone)
    region = people.actor("region", tree.fatick)
    end_role(actor=region, now=NOW, grant=grant, reason="Départ")
    assert roles(awa) == []
    grant.refresh_from_db()
    assert (grant.revoked_at, grant.revoked_by, grant.revoke_reason) == (
        NOW,
        region.account,
        "Départ",
    )
    entry = LogEntry.objects.get_for_object(grant).first()
    assert (entry.actor, entry.additional_data["reason"]) == (region.account, "Départ")
    # Given back the same day.
    again = give(SYSTEM, awa, "trainer", tree.sokone)
    assert again.pk != grant.pk


def test_withdrawing_asks_why(tree: people.Tree, awa: Account) -> None:
    grant = give(SYSTEM, awa, "trainer", tree.sokone)
    with pytest.raises(Refused) as caught:
        end_role(actor=SYSTEM, now=NOW, grant=grant, reason=" ")
    assert caught.value.field == "reason"
    assert roles(awa) == [("trainer", tree.sokone.path)]


def test_the_same_grant_twice_is_one(tree: people.Tree, awa: Account) -> None:
    first = give(SYSTEM, awa, "trainer", tree.sokone)
    assert give(SYSTEM, awa, "trainer", tree.sokone) == first
    with pytest.raises(Refused) as caught:
        give(SYSTEM, awa, "trainer", tree.sokone, start=TODAY + DAY)
    assert "a déjà ce rôle ici depuis le 20/03/2023" in str(caught.value)
    assert RoleGrant.objects.count() == 1


GIVEN = {  # who, on Fatick → what they may give on Sokone, below
    "trainer": set(),
    "structure": set(),
    "programme": set(),
    "author": set(),
    "auditor": set(),
    "signatory": set(),
    "region": {"trainer", "structure", "region"},
    "admin": set(Role.values),
}


@pytest.mark.parametrize("mine", GIVEN)
def test_nobody_gives_a_role_above_their_own(tree: people.Tree, awa: Account, mine: str) -> None:
    actor = people.actor(mine, tree.fatick)
    given = set()
    for role in Role.values:
        try:
            give(actor, awa, role, tree.sokone)
        except Refused:
            continue
        given.add(role)
    assert given == GIVEN[mine]


@pytest.mark.parametrize("mine", ["region", "admin"])
def test_nobody_gives_a_role_on_a_node_above_or_beside(
    tree: people.Tree, awa: Account, mine: str
) -> None:
    actor = people.actor(mine, tree.fatick)
    for node in (tree.country, tree.kaolack, tree.guinguineo):
        with pytest.raises(Refused) as caught:
            give(actor, awa, "trainer", node)
        assert caught.value.code == "forbidden"
    assert give(actor, awa, "trainer", tree.fatick).node == tree.fatick


def test_nobody_gives_themselves_a_role(tree: people.Tree) -> None:
    admin = people.actor("admin", tree.country)
    assert admin.account
    with pytest.raises(Refused):
        give(admin, admin.account, "signatory", tree.country)


def test_a_person_out_of_the_territory_is_not_found(tree: people.Tree) -> None:
    other = people.account(agent=people.agent(tree.centre_guinguineo))
    with pytest.raises(Account.DoesNotExist):
        give(people.actor("region", tree.fatick), other, "trainer", tree.sokone)


def test_one_withdraws_only_what_one_gives(tree: people.Tree, awa: Account) -> None:
    grant = give(SYSTEM, awa, "author", tree.sokone)
    with pytest.raises(Refused):
        end_role(actor=people.actor("region", tree.fatick), now=NOW, grant=grant, reason="x")


@pytest.mark.parametrize(
    ("change", "field"),
    [({"end": TODAY - DAY}, "end"), ({"role": "roi"}, "role")],
)
def test_bad_grants_name_their_field(
    tree: people.Tree, awa: Account, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as caught:
        give(SYSTEM, awa, change.pop("role", "trainer"), tree.sokone, **change)
    assert caught.value.field == field


def test_the_post_must_be_the_persons_own(tree: people.Tree, awa: Account) -> None:
    other = people.agent(tree.centre_sokone).posts.get()
    with pytest.raises(Refused):
        give(SYSTEM, awa, "trainer", tree.sokone, post=other)


# --- the second factor that a role asks for -----------------------------------------------------


@pytest.mark.parametrize("role", ["signatory", "admin"])
def test_without_a_second_factor_the_role_is_inert(
    tree: people.Tree, awa: Account, role: str
) -> None:
    give(SYSTEM, awa, role, tree.sokone)
    give(SYSTEM, awa, "trainer", tree.sokone)
    actor = actor_for(awa, today=TODAY)
    assert (actor.grants, actor.must_enrol) == ((("trainer", tree.sokone.path),), True)
    people.second_factor(awa)
    actor = actor_for(awa, today=TODAY)
    assert (actor.roles, actor.must_enrol) == (frozenset({role, "trainer"}), False)
    awa.refresh_from_db()
    assert awa.second_factor_required


def test_withdrawing_the_role_ends_the_duty(tree: people.Tree, awa: Account) -> None:
    grant = give(SYSTEM, awa, "signatory", tree.sokone)
    end_role(actor=SYSTEM, now=NOW, grant=grant, reason="fin de mandat")
    awa.refresh_from_db()
    assert not awa.second_factor_required


def test_demo_accounts_get_the_demo_factor(settings: Any, tree: people.Tree) -> None:
    settings.KALAN_DEMO = True
    demo = create_account(actor=SYSTEM, now=NOW, display_name="Signataire", is_demo=True)
    give(SYSTEM, demo, "signatory", tree.country)
    assert roles(demo) == [("signatory", tree.country.path)]
    settings.KALAN_DEMO = False
    other = create_account(actor=SYSTEM, now=NOW, display_name="Admin", is_demo=True)
    with pytest.raises(Refused):
        give(SYSTEM, other, "admin", tree.country)
    assert roles(other) == []


def test_the_actor_costs_one_query(
    tree: people.Tree, awa: Account, django_assert_num_queries: Any
) -> None:
    give(SYSTEM, awa, "admin", tree.sokone)
    give(SYSTEM, awa, "trainer", tree.fatick)
    with django_assert_num_queries(1):
        actor_for(awa, today=TODAY)


# --- who sees which account ---------------------------------------------------------------------


def test_accounts_are_seen_by_post_or_role(tree: people.Tree, awa: Account) -> None:
    partner = people.account("trainer", tree.sokone)
    people.account("trainer", tree.guinguineo)
    nobody = people.account()
    here = people.actor("structure", tree.sokone)
    seen = accounts_visible_to(here, today=TODAY)
    assert set(seen) == {awa, partner, here.account}
    admin = people.actor("admin", tree.country)
    assert nobody in set(accounts_visible_to(admin, today=TODAY))
    assert Account.objects.count() == accounts_visible_to(admin, today=TODAY).count()
    assert list(accounts_visible_to(people.actor("trainer", tree.sokone), today=TODAY)) == []


def test_closing_an_account_asks_why_and_not_for_oneself(tree: people.Tree, awa: Account) -> None:
    boss = people.actor("structure", tree.centre_sokone)
    for reason, account in (("", awa), ("motif", boss.account)):
        with pytest.raises(Refused):
            set_active(actor=boss, now=NOW, account=account, active=False, reason=reason)
    set_active(actor=boss, now=NOW, account=awa, active=False, reason="retraite")
    awa.refresh_from_db()
    assert not awa.is_active


def test_a_manager_attests_a_phone(tree: people.Tree, awa: Account) -> None:
    boss = people.actor("structure", tree.centre_sokone)
    with pytest.raises(Refused):
        verify_phone(actor=boss, now=NOW, account=awa)
    awa.phone = "+221771234567"
    awa.save()
    verify_phone(actor=boss, now=NOW, account=awa)
    awa.refresh_from_db()
    assert awa.phone_verified_at == NOW
