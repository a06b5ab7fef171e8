"""A NUL, which PostgreSQL cannot store, is refused in any form before a view reads it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client

from tests.factories import people, training

FORMS: dict[str, dict[str, Any]] = {
    "/connexion/": {"identifier": "awa\0", "password": "x"},
    "/gestion/sessions/{session}/participants/": {"action": "retenir\0", "lignes": ["a"]},
    "/gestion/sessions/{session}/formateurs/": {"formateur-1": "Awa\0"},
    "/gestion/sessions/{session}/places/": {"lieu\0": "1"},
    "/gestion/agents/nouveau/": {"last_name": "Diouf\0"},
    "/gestion/imports/nouveau/staff/": {"file": io.BytesIO(b"a;b"), "note": "\0"},
}


@pytest.fixture
def filled(tree: people.Tree, client: Client) -> dict[str, str]:
    client.force_login(people.account("programme", tree.country))
    return {"session": str(training.session(tree.centre_sokone).uid)}


@pytest.mark.parametrize("address", FORMS)
def test_a_nul_in_a_field_is_a_bad_request(
    client: Client, filled: dict[str, str], address: str
) -> None:
    answer = client.post(address.format(**filled), FORMS[address])
    assert answer.status_code == 400
    assert "La demande n’a pas été comprise" in answer.content.decode()


@pytest.mark.parametrize("address", ["/gestion/imports/modele/st%00aff/", "/gestion/?q=%00"])
def test_a_nul_in_an_address_is_a_bad_request(
    client: Client, filled: dict[str, str], address: str
) -> None:
    assert client.get(address).status_code == 400


def test_the_bytes_of_a_file_may_hold_one(tree: people.Tree, client: Client) -> None:
    client.force_login(people.account("region", tree.fatick))
    file = io.BytesIO(b"PK\x03\x04\0\0")
    file.name = "liste.xlsx"
    answer = client.post("/gestion/imports/nouveau/staff/", {"file": file})
    assert answer.status_code == 422
