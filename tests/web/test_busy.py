"""A database that somebody else holds: a page and an answer for phones that say to try again."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from kalan.base.ids import uuid7
from kalan.credentials.models import ActTemplate
from kalan.credentials.services import templates
from kalan.people.actor import SYSTEM
from kalan.training.models import AttendanceMark
from tests.factories import attendance, people
from tests.support.server import Server
from tests.support.signin import sign_in


@contextlib.contextmanager
def held(server: Server) -> Iterator[None]:
    """Another connection writes, and does not end."""
    with contextlib.closing(sqlite3.connect(server.home / "kalan.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@pytest.fixture
def clients(offline: Server) -> Iterator[tuple[Client, Client, attendance.Room]]:
    """An administrator and a trainer, on a database file whose locks are waited for 20 ms."""
    with offline.database():
        connection.cursor().execute("PRAGMA busy_timeout = 20")
        tree = people.tree()
        templates.load_templates(actor=SYSTEM, country="sn", node=tree.country, now=people.NOW)
        room = attendance.room(tree)
        made = Client(raise_request_exception=False), Client(raise_request_exception=False)
        for client, account in zip(
            made, (people.account("admin", tree.country), room.account), strict=True
        ):
            sign_in(client, account)
        yield (*made, room)


def test_a_database_that_is_held_asks_to_try_again(
    offline: Server, clients: tuple[Client, Client, attendance.Room]
) -> None:
    admin, trainer, room = clients
    page = reverse("act-template-create")
    form = {"kind": "free", "name": "Stage", "csrfmiddlewaretoken": "of the page"}
    mark = {
        "k": "m",
        "id": str(uuid7()),
        "t": 1678700000000,
        "r": str(room.persons[0].uid),
        "h": room.codes[0],
    }
    address = reverse("attendance-sync", kwargs={"uid": room.session.uid})
    records = json.dumps({"who": str(room.account.uid), "records": [mark]})

    def send() -> HttpResponse:
        plain: dict[str, Any] = {"content_type": "application/json", "headers": {"X-Kalan": "1"}}
        return cast("HttpResponse", trainer.post(address, records, **plain))

    with held(offline):
        refused, kept = admin.post(page, form), send()
        assert admin.get(page).status_code == 200  # to read needs no turn
    assert (refused.status_code, refused["Retry-After"]) == (503, "15")
    assert "Votre saisie n’a pas été enregistrée." in refused.content.decode()
    assert (kept.status_code, kept["Retry-After"], json.loads(kept.content)) == (
        503,
        "15",
        {"error": "busy"},
    )
    assert not ActTemplate.objects.filter(name="Stage").exists()
    assert AttendanceMark.objects.count() == 0
    assert (admin.post(page, form).status_code, send().status_code) == (302, 200)
    assert ActTemplate.objects.filter(name="Stage").count() == AttendanceMark.objects.count() == 1
