"""What the pages that check without a network are given: keys, revocations, files. All public."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from pathlib import Path

import pytest
from django.conf import settings as site_settings
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client
from joserfc import jws
from joserfc.jwk import ECKey, KeySet

from kalan.base import clock
from kalan.credentials.models import Act, SigningKey
from kalan.credentials.selectors import offline as selectors
from kalan.credentials.services import keys as key_services
from kalan.credentials.services import offline as services
from kalan.credentials.services import register
from kalan.credentials.views import offline as views
from kalan.engine.signing import published, revocation
from kalan.people.actor import SYSTEM
from tests.factories import acts, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(tmp_path: Path, settings: object) -> list[SigningKey]:
    """A document key, one for QR codes, one for badges, in a KALAN_HOME of the test's own."""
    settings.KALAN_HOME = tmp_path  # type: ignore[attr-defined]
    cache.clear()
    return key_services.create(
        actor=SYSTEM,
        now=clock.now(),
        name="Ministère de la Santé",
        passphrase="quatre mots pris au hasard",
        algorithm="p-256",
    )


def by_purpose(keys: list[SigningKey], purpose: str) -> SigningKey:
    (found,) = [key for key in keys if key.purpose == purpose]
    return found


def read_list(client: Client) -> set[bytes]:
    """The entries of the published list, its signature checked by joserfc."""
    found = KeySet.import_key_set({"keys": client.get("/verifier/cles.json").json()["keys"]})
    answer = client.get("/verifier/revoques.json")
    (key,) = (key for key in found.keys if isinstance(key, ECKey))
    read = jws.deserialize_json(answer.json(), key, algorithms=["ES256"])
    body = json.loads(read.payload)
    assert body["iss"] == site_settings.KALAN_BASE_URL
    return revocation.entries_of(body)


def test_the_keys_are_those_of_qr_codes_and_badges(client: Client, keys: list[SigningKey]) -> None:
    answer = client.get("/verifier/cles.json")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cache-Control"] == "public, no-cache"
    qr, badge = by_purpose(keys, "qr"), by_purpose(keys, "badge")
    assert {key["kid"]: key["crv"] for key in answer.json()["keys"]} == {
        qr.kid: "P-256",
        badge.kid: "Ed25519",
    }
    did = client.get("/.well-known/did.json")
    assert did["Content-Type"] == "application/did+json"
    assert did.json()["id"] == published.did_of(site_settings.KALAN_BASE_URL)
    assert {method["id"].split("#")[1] for method in did.json()["verificationMethod"]} == {
        badge.kid,
        f"{badge.kid}-m",
    }


def test_a_retired_key_stays_and_a_revoked_one_is_only_named(
    client: Client, keys: list[SigningKey]
) -> None:
    qr, badge = by_purpose(keys, "qr"), by_purpose(keys, "badge")
    at = dt.datetime(2026, 5, 4, 9, tzinfo=dt.UTC)
    SigningKey.objects.filter(pk=qr.pk).update(state="retired", ended_at=at)
    SigningKey.objects.filter(pk=badge.pk).update(state="revoked", ended_at=at)
    found = client.get("/verifier/cles.json").json()
    assert [(key["kid"], key["until"]) for key in found["keys"]] == [(qr.kid, "2026-05-04")]
    assert found["revoked"] == [badge.kid]
    assert client.get("/.well-known/did.json").json()["verificationMethod"] == []


def test_the_list_follows_what_is_revoked(
    client: Client, keys: list[SigningKey], tree: people.Tree
) -> None:
    held = acts.batch(tree.fatick)
    one, two, _ = (acts.act(held) for _ in range(3))
    assert read_list(client) == set()
    Act.objects.filter(pk=one.pk).update(status="revoked")
    Act.objects.filter(pk=two.pk).update(status="replaced")
    assert read_list(client) == {revocation.entry(str(act.code)) for act in (one, two)}
    Act.objects.filter(pk=one.pk).update(status="valid")  # a revocation taken back
    assert read_list(client) == {revocation.entry(str(two.code))}


def test_a_revocation_taken_back_makes_a_list_newer_than_that_which_told_it(
    keys: list[SigningKey], tree: people.Tree
) -> None:
    """A phone keeps the newest list it saw: that from before, its codes the same, is not."""
    revoked = acts.act(acts.batch(tree.fatick), status="revoked")
    act = acts.act(acts.batch(tree.fatick))
    now, dated = clock.now().replace(minute=1), []
    for minute, status in enumerate(("valid", "revoked", "valid", "valid")):
        if minute in (1, 2):
            Act.objects.filter(pk=act.pk).update(status=status)
            kind = "revoked" if minute == 1 else "reinstated"
            register.append(kind=kind, by=None, now=now, body={"act": "1"}, act=act)
        said = services.revocations(now=now + dt.timedelta(minutes=minute))
        body = json.loads(base64.urlsafe_b64decode(said["payload"] + "=="))
        dated.append((len(revocation.entries_of(body)), body["iat"] - int(now.timestamp())))
    assert revoked.status == "revoked"
    assert dated == [(1, 0), (2, 60), (1, 120), (1, 120)]  # the last one: signed once for many


def test_an_act_long_expired_leaves_the_list(tree: people.Tree) -> None:
    held, now = acts.batch(tree.fatick), clock.now()
    ends = [now.date() - dt.timedelta(days=days) for days in (91, 90)]
    _, kept = (acts.act(held, status="revoked", valid_until=day) for day in ends)
    assert selectors.revoked_codes(now=now) == [kept.code]


def test_the_list_is_signed_once_for_many_phones(
    client: Client, keys: list[SigningKey], django_assert_num_queries: object
) -> None:
    first = client.get("/verifier/revoques.json").content
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert client.get("/verifier/revoques.json").content == first


def test_without_a_key_the_list_says_so(client: Client) -> None:
    cache.clear()
    answer = client.get("/verifier/revoques.json")
    assert answer.status_code == 503
    assert answer.json() == {"error": "Aucune clé de QR codes n’est en service."}
    assert client.get("/verifier/cles.json").json() == {"keys": [], "revoked": []}


def test_the_page_is_the_same_for_all_and_names_no_one(client: Client, tree: people.Tree) -> None:
    page = client.get("/verifier/hors-ligne/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "<script>" not in text
    assert "onclick" not in text
    assert "style=" not in text


def test_the_worker_keeps_every_file_of_the_page(client: Client) -> None:
    answer = client.get("/verifier/sw.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    files = json.loads(re.findall(r"FILES = (\[.+?\]), EDITION", answer.content.decode())[0])
    page = client.get("/verifier/hors-ligne/").content.decode()
    named = set(re.findall(r'(?:src|href|data-reader)="(/static/[^"]+)"', page))
    assert named <= set(files)
    assert [name for name in views.KEPT if not finders.find(name)] == []


@pytest.mark.parametrize("address", ["hors-ligne/", "sw.js", "cles.json", "revoques.json"])
def test_nothing_is_to_be_posted(client: Client, address: str) -> None:
    assert client.post(f"/verifier/{address}").status_code == 405
