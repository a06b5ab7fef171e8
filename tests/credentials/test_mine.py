"""One's own acts: the same bytes, what others see, badges; the link of a message."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from kalan.base import clock
from kalan.credentials.models import Act, ActEvent, Badge, SigningKey
from kalan.credentials.services import badges, keys, sharing
from kalan.people.actor import SYSTEM
from tests.factories import acts, people
from tests.factories.credentials import training_data
from tests.factories.people import NOW
from tests.support.signin import sign_in

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7 les octets de l'acte"


@pytest.fixture(autouse=True)
def _at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def act(tree: people.Tree) -> Act:
    holder = people.agent(
        tree.centre_sokone, last_name="Ndiaye", first_names="Awa", birth_year=1987
    )
    people.account(agent=holder)
    return acts.act(
        tree.fatick, holder, content=PDF, data=training_data("Awa NDIAYE"), status_index=131_073
    )


@pytest.fixture
def holder(act: Act, client: Client) -> Client:
    assert act.agent is not None
    sign_in(client, act.agent.account)
    return client


def test_the_holder_finds_and_downloads_the_same_bytes(act: Act, holder: Client) -> None:
    page = holder.get("/mes-documents/").content.decode()
    assert act.number in page  # type: ignore[operator]
    assert f"/verifier/{act.code}/" in page
    files = [holder.get(f"/mes-documents/{act.uid}/document.pdf") for _ in range(2)]
    assert [one.content for one in files] == [PDF, PDF]
    assert files[0]["Content-Disposition"].startswith("attachment")


def test_nobody_else_does(act: Act, tree: people.Tree, client: Client) -> None:
    sign_in(client, people.account(agent=people.agent(tree.centre_sokone)))
    address = f"/mes-documents/{act.uid}/"
    said = [
        client.get(f"{address}document.pdf").status_code,
        client.get(f"{address}badge/jwt/").status_code,
        client.post(f"{address}partage/", {"shown": "full"}).status_code,
    ]
    assert said == [404, 404, 404]
    assert "Aucune attestation" in client.get("/mes-documents/").content.decode()


def test_sharing_is_the_holder_s_and_counts_once(act: Act, holder: Client) -> None:
    uid = str(uuid.uuid4())
    for _ in range(2):
        answer = holder.post(f"/mes-documents/{act.uid}/partage/", {"shown": "name", "uid": uid})
        assert answer.status_code == 302
    assert Act.objects.get(pk=act.pk).shown == "name"
    assert list(ActEvent.objects.values_list("kind", "text")) == [("shared", "name")]
    holder.post(f"/mes-documents/{act.uid}/partage/", {"shown": "tout"})
    assert Act.objects.get(pk=act.pk).shown == "name"


@pytest.mark.parametrize(
    ("shown", "status", "expected"),
    [
        ("minimal", "valid", 404),
        ("name", "valid", 404),
        ("full", "valid", 200),
        ("full", "revoked", 404),
    ],
)
def test_the_document_is_public_only_when_the_holder_says_so(
    act: Act, client: Client, shown: str, status: str, expected: int
) -> None:
    Act.objects.filter(pk=act.pk).update(shown=shown, status=status)
    assert client.get(f"/verifier/{act.code}/document/").status_code == expected


def test_the_link_of_a_message_asks_who_it_is(act: Act, client: Client) -> None:
    address = f"/document/{sharing.link_key(act)}/"
    page = client.get(address).content.decode()
    assert "NDIAYE" not in page
    assert client.post(address, {"said": "1990"})["Content-Type"].startswith("text/html")
    assert client.post(address, {"said": "1987"}).content == PDF


def test_the_paper_s_code_does_not_make_a_link(act: Act, client: Client) -> None:
    key = sharing.link_key(act)
    wrong = ("0" if key[-1] != "0" else "1").rjust(1)
    said = [client.get(f"/document/{one}/").status_code for one in (act.code, key[:-1] + wrong)]
    assert said == [404, 404]


def test_wrong_names_on_a_link_are_counted(act: Act, client: Client) -> None:
    address = f"/document/{sharing.link_key(act)}/"
    answers = [client.post(address, {"said": f"19{n}"}).status_code for n in range(60, 66)]
    assert answers == [200] * 5 + [429]


@pytest.fixture
def _keys(tmp_path: Path, settings: Any) -> None:
    settings.KALAN_HOME = tmp_path
    settings.KALAN_BASE_URL = "https://kalan.exemple.sn"
    keys.create(
        actor=SYSTEM, now=NOW, name="Ministère", passphrase="quatre mots pris au hasard",
        algorithm="p-256",
    )  # fmt: skip


@pytest.mark.usefixtures("_keys")
def test_a_badge_is_made_once(act: Act, holder: Client) -> None:
    address = f"/mes-documents/{act.uid}/badge/"
    first, again = holder.get(f"{address}jwt/"), holder.get(f"{address}jwt/")
    assert first.content == again.content
    assert Badge.objects.count() == 1
    embedded = json.loads(holder.get(f"{address}json/").content)
    assert embedded["proof"]["cryptosuite"] == "eddsa-rdfc-2022"
    status = embedded["credentialStatus"]
    assert (status["statusListCredential"], status["statusListIndex"]) == (
        "https://kalan.exemple.sn/verifier/statuts/2/",
        "1",
    )
    assert embedded["credentialSubject"]["achievement"]["criteria"]["narrative"] == (
        "présence à au moins 80\xa0% des demi-journées"
    )


def test_without_a_key_the_document_is_offered_instead(act: Act, holder: Client) -> None:
    SigningKey.objects.filter(purpose="badge").delete()
    assert not badges.available()
    answer = holder.get(f"/mes-documents/{act.uid}/badge/jwt/", follow=True)
    assert "Les badges ne sont pas encore en service" in answer.content.decode()


def test_the_list_costs_the_same_for_one_or_three(
    act: Act, holder: Client, django_assert_num_queries: Any
) -> None:
    holder.get("/mes-documents/")
    for more in (1, 2):
        for _ in range(more):
            other = acts.act(act.batch, act.agent, status="revoked")
            ActEvent.objects.create(act=other, kind="revoked", reason="error", at=NOW)
        with django_assert_num_queries(7):
            holder.get("/mes-documents/")
