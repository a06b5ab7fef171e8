"""A theme's page: what may be put there, who may read it, how it is served."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kalan.base.errors import Refused
from kalan.base.models import StoredFile
from kalan.training.models import Resource, Theme
from kalan.training.services.resources import add_resource, remove_resource
from tests.factories import attendance, people, training
from tests.factories.people import NOW
from tests.support.signin import sign_in


@pytest.fixture
def room(tree: people.Tree) -> attendance.Room:
    return attendance.room(tree)


def put(room: attendance.Room, **more: Any) -> Resource:
    values = {
        "actor": people.actor("programme", room.tree.country),
        "now": NOW,
        "theme": room.session.theme,
        "title": "Support",
        **more,
    }
    return add_resource(**values)


def pdf(name: str = "support.pdf") -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, b"%PDF-1.7"), "name": name}


def test_files_and_links_in_the_order_they_came(room: attendance.Room) -> None:
    put(room, **pdf())
    put(room, title="Vidéo", url="https://exemple.sn/video")
    rows = room.session.theme.resources.order_by("rank")
    assert [(r.title, r.rank, r.url) for r in rows] == [
        ("Support", 1, ""),
        ("Vidéo", 2, "https://exemple.sn/video"),
    ]
    assert rows[0].file.content_type == "application/pdf"


@pytest.mark.parametrize("name", ["page.html", "image.svg", "programme.exe", "sansrien"])
def test_what_a_browser_would_run_is_refused(room: attendance.Room, name: str) -> None:
    with pytest.raises(Refused, match="ne se dépose pas"):
        put(room, **pdf(name))
    assert StoredFile.objects.count() == 0


def test_a_file_or_a_link_and_by_whom(room: attendance.Room) -> None:
    for more in ({}, {**pdf(), "url": "https://exemple.sn"}):
        with pytest.raises(Refused, match="un fichier ou un lien"):
            put(room, **more)
    with pytest.raises(Refused, match="ne pouvez pas"):
        put(room, actor=room.actor, url="https://exemple.sn")
    assert Resource.objects.count() == 0


def test_taking_a_file_off_deletes_it(
    room: attendance.Room, django_capture_on_commit_callbacks: Any
) -> None:
    row = put(room, **pdf())
    storage, name = row.file.file.storage, row.file.file.name
    with django_capture_on_commit_callbacks(execute=True):
        remove_resource(actor=people.actor("region", room.tree.fatick), now=NOW, resource=row)
    assert StoredFile.objects.count() == 0
    assert not storage.exists(name)


def test_open_to_who_is_signed_in_or_holds_the_link(client: Client, room: attendance.Room) -> None:
    theme, row = room.session.theme, put(room, **pdf())
    other = training.theme("cyber", "Cybersécurité")
    page = reverse("resources", kwargs={"code": theme.code})
    file = reverse("resource-file", kwargs={"code": theme.code, "file": row.file.uid})
    link = {"s": room.session.link_code}
    for url in (page, file):
        assert client.get(url).status_code == 302
        assert client.get(url, {"s": "NIMPORTE"}).status_code == 302
        assert client.get(url, link).status_code == 200
    # The link of one session does not open another theme, nor its files under this one's name.
    assert client.get(reverse("resources", kwargs={"code": other.code}), link).status_code == 302
    moved = reverse("resource-file", kwargs={"code": other.code, "file": row.file.uid})
    sign_in(client, people.account())
    assert client.get(moved).status_code == 404
    answer = client.get(file)
    assert answer["Content-Disposition"] == 'attachment; filename="support.pdf"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "8\u00a0o" in client.get(page).content.decode()


def test_the_page_costs_the_same_for_one_and_three(
    client: Client, room: attendance.Room, django_assert_num_queries: Any
) -> None:
    sign_in(client, people.account())
    url = reverse("resources", kwargs={"code": room.session.theme.code})
    put(room, **pdf())
    client.get(url)
    for _ in range(2):
        with django_assert_num_queries(QUERIES):
            client.get(url)
        put(room, **pdf())


QUERIES = 5


def test_managers_fill_the_page(client: Client, room: attendance.Room) -> None:
    sign_in(client, people.account("region", room.tree.fatick))
    url = reverse("resource-edit", kwargs={"code": room.session.theme.code})
    assert client.post(url, {"title": "Rien"}).status_code == 422
    assert client.post(url, {"title": "Lien", "url": "exemple.sn/cours"}).status_code == 302
    row = Resource.objects.get()
    assert row.url == "https://exemple.sn/cours"
    remove = reverse("resource-remove", kwargs={"code": row.theme.code, "uid": row.uid})
    assert "Retirer cette ressource" in client.get(remove).content.decode()
    assert client.post(remove).status_code == 302
    assert Theme.objects.get(pk=row.theme_id).resources.count() == 0
