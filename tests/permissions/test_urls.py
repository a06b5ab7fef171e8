"""Every address × every role × in scope, out of scope, anonymous."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session as DatabaseSession
from django.db import transaction
from django.test import Client, override_settings
from django.urls import reverse

from tests.factories import people
from tests.permissions import world as worlds
from tests.permissions.patterns import ROLES
from tests.permissions.table import TABLE
from tests.support.signin import new_session, use_session
from tests.support.urls import addresses

ADDRESSES = addresses()


@pytest.fixture(scope="module")
def _built(
    django_db_setup: None, django_db_blocker: Any, plain_settings: dict[str, object]
) -> Iterator[worlds.World]:
    """One world for the whole module: every answer undoes what it wrote."""
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(**plain_settings), people.told():  # the journal shows no more either
            world = worlds.build()
        yield world
        transaction.set_rollback(True)


@pytest.fixture
def world(_built: worlds.World, db: None) -> worlds.World:
    return _built


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert sorted(ADDRESSES) == sorted(TABLE)


@pytest.fixture
def sessions(world: worlds.World) -> dict[str | None, DatabaseSession | None]:
    """Every role signed in, and nobody; each answer finds them so (it undoes what it wrote)."""
    found = [new_session(world.accounts[role]) for role in ROLES]
    DatabaseSession.objects.bulk_create(found)
    return dict(zip((*ROLES, None), (*found, None), strict=True))


def _answer(client: Client, name: str, place: worlds.Place) -> tuple[int, str]:
    """Ask for the object of ``place``; nothing written stays."""
    row = TABLE[name]
    url = reverse(name, kwargs=worlds.address_arguments(row, ADDRESSES[name], place))
    url += worlds.query(row, place)
    with transaction.atomic():
        response = client.post(url, row.data) if row.method == "post" else client.get(url)
        text = "" if response.streaming else response.content.decode("utf-8", "replace")
        transaction.set_rollback(True)
    return response.status_code, text


@pytest.mark.parametrize("name", sorted(TABLE))
def test_each_role_gets_what_the_table_says(
    name: str,
    world: worlds.World,
    sessions: dict[str | None, DatabaseSession | None],
    client: Client,
) -> None:
    row = TABLE[name]
    places = ["here"] if row.outside is None else ["here", "there"]
    asked = [(role, place) for role in (*ROLES, None) for place in places]
    answers, leaks = {}, []
    for role, place in asked:
        use_session(client, sessions[role])
        status, text = _answer(client, name, getattr(world, place))
        answers[role, place] = status
        if row.leaks and role not in row.seen_by and worlds.ELSEWHERE in text:
            leaks.append(role)
    assert answers == {(role, place): row.expected(role, place) for role, place in asked}
    assert leaks == []


def test_the_world_holds_roles_here_and_none_there(world: worlds.World) -> None:
    here, there = world.here.region.path, world.there.region.path
    held = worlds.grants(world)
    assert sorted(held) == sorted(set(ROLES) - {"agent"})
    del held["national"]
    assert all(path.startswith(here) and not there.startswith(path) for path in held.values())
