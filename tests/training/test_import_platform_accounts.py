"""A platform's list of users brought in."""

from __future__ import annotations

import datetime as dt

import pytest

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import Agent
from kalan.people.services import imports as services
from kalan.training.imports.platform_accounts import as_moment
from kalan.training.models import Platform, PlatformAccount
from tests.factories import people, training
from tests.factories.imports import checked, merged, verdicts
from tests.factories.people import NOW

HEAD = ["username", "firstname", "lastname", "email", "timecreated", "firstaccess", "lastaccess"]
AWA = ["awa.diouf", "Awa", "Diouf", "awa@exemple.sn", "1668384000", "1668470400", "0"]


@pytest.fixture
def platform(tree: people.Tree) -> Platform:
    programme = training.programme(tree.country)
    return Platform.objects.create(programme=programme, code="moodle", name="Moodle DIRECCT")


@pytest.fixture
def manager(tree: people.Tree) -> Actor:
    return people.actor("programme", tree.country)


@pytest.fixture
def agent(tree: people.Tree) -> Agent:
    return people.agent(
        tree.centre_sokone, last_name="Diouf", first_names="Awa", email="awa@exemple.sn"
    )


def test_accounts_without_agent_are_kept(platform: Platform, manager: Actor) -> None:
    run = checked(manager, "platform-accounts", [HEAD, AWA], platform=str(platform.pk))
    assert verdicts(run) == {2: "new"}
    merged(manager, run)
    account = PlatformAccount.objects.get()
    assert (account.username, account.name, account.agent) == ("awa.diouf", "Awa Diouf", None)
    assert (account.created_on, account.activated_on, account.last_used_on) == (
        dt.date(2022, 11, 14),
        dt.date(2022, 11, 15),
        None,
    )


def test_an_agent_is_proposed_and_tied_only_when_said(
    platform: Platform, manager: Actor, agent: Agent
) -> None:
    run = checked(manager, "platform-accounts", [HEAD, AWA], platform=str(platform.pk))
    candidate = run.rows.get().detail["candidates"][0]
    assert (candidate["id"], candidate["why"]) == (agent.pk, ["même adresse", "même nom"])
    services.decide_all(actor=manager, now=NOW, run=run, decision="first")
    merged(manager, run)
    assert PlatformAccount.objects.get().agent == agent
    again = checked(manager, "platform-accounts", [HEAD, AWA], platform=str(platform.pk))
    assert verdicts(again) == {2: "same"}


def test_a_later_export_updates_the_last_use(platform: Platform, manager: Actor) -> None:
    merged(manager, checked(manager, "platform-accounts", [HEAD, AWA], platform=str(platform.pk)))
    later = [HEAD, [*AWA[:6], "1679011200"]]
    run = checked(manager, "platform-accounts", later, platform=str(platform.pk))
    assert run.rows.get().detail["changes"] == [["Dernière connexion", "", "17/03/2023"]]
    merged(manager, run)
    assert PlatformAccount.objects.get().last_used_on == dt.date(2023, 3, 17)


def test_a_platform_out_of_scope_cannot_be_chosen(platform: Platform, tree: people.Tree) -> None:
    actor = people.actor("programme", tree.fatick)
    with pytest.raises(Refused, match="ce choix n’existe pas"):
        checked(actor, "platform-accounts", [HEAD, AWA], platform=str(platform.pk))


def test_bad_rows(platform: Platform, manager: Actor) -> None:
    rows = [HEAD, AWA, AWA, ["x", "A", "B", "pas une adresse", "", "", ""]]
    run = checked(manager, "platform-accounts", rows, platform=str(platform.pk))
    assert verdicts(run) == {2: "new", 3: "refused", 4: "refused"}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1668384000", dt.date(2022, 11, 14)),
        (1668384000.0, dt.date(2022, 11, 14)),
        ("0", None),
        ("Jamais", None),
        ("vendredi 17 mars 2023, 08:30", dt.date(2023, 3, 17)),
        ("2023-03-17 08:30:00", dt.date(2023, 3, 17)),
    ],
)
def test_moments(written: object, day: dt.date | None) -> None:
    assert as_moment(written, "sn") == day  # type: ignore[arg-type]
