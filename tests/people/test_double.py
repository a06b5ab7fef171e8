"""Two clicks on one button, a retry on a slow line: one thing is created, not two."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from kalan.people.double import key_of
from kalan.training.models import AnonymousCount
from tests.factories import people, training
from tests.support.signin import sign_in


@pytest.fixture
def place(tree: people.Tree) -> tuple[Client, str]:
    client = Client()
    sign_in(client, people.account("programme", tree.country))
    session = training.session(
        tree.centre_sokone, programme=training.programme(tree.country), days=1
    )
    return client, reverse("session-anonymous", kwargs={"uid": session.uid})


def form(client: Client, address: str, **typed: str) -> dict[str, str]:
    """The form of a freshly shown page, filled."""
    page = client.get(address).content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[-1]
    asked = {"label": "vingt relais", "women": "5", "men": "0", "unknown": "0", **typed}
    return {"csrfmiddlewaretoken": token, **asked}


def test_the_second_of_two_clicks_leads_where_the_first_led(place: tuple[Client, str]) -> None:
    client, address = place
    filled = form(client, address)
    first, second = client.post(address, filled), client.post(address, filled, follow=True)
    assert (first.status_code, second.redirect_chain) == (302, [(first["Location"], 302)])
    assert "déjà enregistré : le formulaire est arrivé deux fois" in second.content.decode()
    assert AnonymousCount.objects.count() == 1


def test_the_same_on_a_fresh_page_is_meant(place: tuple[Client, str]) -> None:
    client, address = place
    for _ in range(2):
        assert client.post(address, form(client, address)).status_code == 302
    assert AnonymousCount.objects.count() == 2


def test_what_was_refused_may_be_sent_again(place: tuple[Client, str]) -> None:
    client, address = place
    filled = form(client, address, women="0")
    assert [client.post(address, filled).status_code for _ in range(2)] == [200, 200]
    assert AnonymousCount.objects.count() == 0


def test_a_sending_that_was_killed_holds_the_next_one_back_for_seconds_only(
    place: tuple[Client, str],
) -> None:
    client, address = place
    filled = form(client, address)
    posted = QueryDict(urlencode(filled))
    key = key_of(int(client.session["_auth_user_id"]), address, posted, MultiValueDict())
    cache.set(key, "", 1)  # what a killed server leaves behind, one second before it lapses
    assert client.post(address, filled).status_code == 302
    assert cache.get(key).startswith("/gestion/sessions/")
    assert AnonymousCount.objects.count() == 1
