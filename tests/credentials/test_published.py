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
from kalan.credentials.models import Act, SigningKey
from kalan.credentials.services import keys, publishing
from kalan.engine.signing import keyfiles, revocation
from kalan.engine.signing.badges import read_status_list
from kalan.people.actor import SYSTEM
from tests.factories import acts, people
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_site(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KALAN_HOME = tmp_path
    settings.KALAN_BASE_URL = "https://kalan.exemple.sn"
    monkeypatch.setattr(keyfiles, "ROUNDS", 1000)
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


def test_keys_are_published_with_their_days(client: Client) -> None:
    _make()
    answer = client.get("/verifier/cles.json")
    said = answer.json()
    assert sorted(one["crv"] for one in said["keys"]) == ["Ed25519", "P-256"]
    assert {one["since"] for one in said["keys"]} == {"2023-03-20"}
    assert answer["Cache-Control"] == "public, max-age=3600"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert (
        client.get("/verifier/cles.json", headers={"if-none-match": answer["ETag"]}).status_code
        == 304
    )


def test_a_revoked_key_is_only_named(client: Client) -> None:
    _make()
    badge = SigningKey.objects.get(purpose="badge")
    SigningKey.objects.filter(pk=badge.pk).update(state="revoked", ended_at=NOW)
    said = client.get("/verifier/cles.json").json()
    assert ([one["crv"] for one in said["keys"]], said["revoked"]) == (["P-256"], [badge.kid])
    assert client.get("/.well-known/did.json").json()["verificationMethod"] == []


def test_the_site_s_identifier_leads_to_its_badge_keys(client: Client) -> None:
    _make()
    said = client.get("/.well-known/did.json").json()
    assert said["id"] == "did:web:kalan.exemple.sn"
    assert [one["type"] for one in said["verificationMethod"]] == ["JsonWebKey", "Multikey"]


def test_what_was_revoked_stands_in_both_lists_at_once(client: Client, tree: people.Tree) -> None:
    _make()
    act, kept = acts.act(tree.fatick, status_index=7), acts.act(tree.fatick, status_index=8)
    assert _payload(client.get("/verifier/statuts/1/").content.decode())["issuer"]
    client.get("/verifier/revoques.json")
    Act.objects.filter(pk=act.pk).update(status="revoked")
    publishing.renew()
    body = _payload(f".{client.get('/verifier/revoques.json').json()['payload']}.")
    assert revocation.entries_of(body) == {revocation.entry(str(act.code))}
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


def test_without_keys_there_are_no_lists(client: Client) -> None:
    said = [client.get(f"/verifier/{one}").status_code for one in ("revoques.json", "statuts/1/")]
    assert (said, client.get("/verifier/cles.json").json()) == (
        [404, 404],
        {"keys": [], "revoked": []},
    )


def test_a_badge_s_class_has_its_page(client: Client, tree: people.Tree) -> None:
    act = acts.act(tree.fatick)
    page = client.get(f"/verifier/badges/{act.batch.version.uid}/").content.decode()
    assert "Ne dit rien du niveau de la personne." in page
