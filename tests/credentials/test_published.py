"""Keys and lists that others fetch to check without us."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from kalan.base import clock
from kalan.credentials.models import Act
from kalan.credentials.services import keys
from kalan.engine.signing.badges import read_status_list
from kalan.people.actor import SYSTEM
from tests.factories import acts, people
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_site(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KALAN_HOME = tmp_path
    settings.KALAN_BASE_URL = "https://kalan.exemple.sn"
    monkeypatch.setattr(clock, "now", lambda: NOW)
    cache.clear()


def _make() -> None:
    keys.create(
        actor=SYSTEM, now=NOW, name="Ministère", passphrase="quatre mots pris au hasard",
        algorithm="p-256",
    )  # fmt: skip


def _payload(jws: str) -> dict[str, Any]:
    part = jws.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def test_what_was_revoked_stands_in_the_status_list_at_once(
    client: Client, tree: people.Tree
) -> None:
    _make()
    act, kept = acts.act(tree.fatick, status_index=7), acts.act(tree.fatick, status_index=8)
    assert _payload(client.get("/verifier/statuts/1/").content.decode())["issuer"]
    Act.objects.filter(pk=act.pk).update(status="revoked")
    vc = _payload(client.get("/verifier/statuts/1/").content.decode())
    revoked = read_status_list(vc["credentialSubject"]["encodedList"])
    assert [revoked(index) for index in (7, 8)] == [True, False]
    assert kept.status == "valid"


def test_the_authority_is_given_once(client: Client) -> None:
    _make()
    keys.create(
        actor=SYSTEM, now=NOW, name="Autre", passphrase="quatre mots pris au hasard",
        algorithm="p-256",
    )  # fmt: skip
    answer = client.get("/verifier/autorite.pem")
    assert answer.content.count(b"BEGIN CERTIFICATE") == 2


def test_without_a_key_or_beyond_the_last_there_is_no_list(client: Client) -> None:
    assert client.get("/verifier/statuts/1/").status_code == 404
    _make()
    said = [client.get(f"/verifier/statuts/{n}/").status_code for n in (1, 0, 2)]
    assert said == [200, 404, 404]


def test_a_badge_s_class_has_its_page(client: Client, tree: people.Tree) -> None:
    act = acts.act(tree.fatick)
    page = client.get(f"/verifier/badges/{act.batch.version.uid}/").content.decode()
    assert "Ne dit rien du niveau de la personne." in page
