"""The attendance screens through HTTP: forms without script, the phone's endpoint, paper."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kalan.base.ids import uuid7
from kalan.base.models import StoredFile
from kalan.training.models import AttendanceMark, Correction, Registration, Session, SessionSheet
from kalan.training.selectors.attendance import handle
from tests.factories import attendance, people
from tests.support.signin import sign_in

PDF = b"%PDF-1.7 une page"


@pytest.fixture
def room(tree: people.Tree) -> attendance.Room:
    return attendance.room(tree)


@pytest.fixture
def trainer(client: Client, room: attendance.Room) -> Client:
    sign_in(client, room.account)
    return client


def address(room: attendance.Room, name: str = "attendance", **more: Any) -> str:
    return reverse(name, kwargs={"uid": room.session.uid, **more})


def send(client: Client, room: attendance.Room, records: Any, **headers: str) -> Any:
    body = {"who": str(room.account.uid), "records": records}
    return client.post(
        address(room, "attendance-sync"),
        json.dumps(body),
        content_type="application/json",
        headers={"X-Kalan": "1", **headers},
    )


def mark(room: attendance.Room, person: int = 0, half_day: int = 0) -> dict[str, Any]:
    return {
        "k": "m",
        "id": str(uuid7()),
        "t": 1678700000000,
        "r": str(room.persons[person].uid),
        "h": room.codes[half_day],
    }


def test_each_record_gets_its_answer(trainer: Client, room: attendance.Room) -> None:
    good, newcomer = mark(room), str(uuid7())
    records = [
        {"k": "m", "id": str(uuid7()), "r": newcomer, "h": room.codes[1], "t": 1},
        {"k": "w", "id": newcomer, "d": {"last_name": "Sow", "sex": "F"}},
        good,
        {"k": "z", "id": "illisible"},
        "même pas un objet",
        {"k": "x", "id": str(uuid7()), "r": good["r"], "h": good["h"], "m": ["0123456789"]},
        {**mark(room), "h": "2023-13-45-am"},
        {**mark(room), "t": 10**30},
    ]
    answer = send(trainer, room, records).json()
    assert [(a["id"], a["v"], a["c"]) for a in answer["answers"]] == [
        (records[0]["id"], "stored", ""),
        (newcomer, "stored", ""),
        (good["id"], "stored", ""),
        ("illisible", "refused", "unreadable"),
        ("", "refused", "unreadable"),
        (records[5]["id"], "already", ""),
        (records[6]["id"], "refused", "half_day"),
        (records[7]["id"], "stored", ""),
    ]
    again = send(trainer, room, records).json()
    assert [a["v"] for a in again["answers"]] == [
        "already",
        "already",
        "already",
        "refused",
        "refused",
        "already",
        "refused",
        "already",
    ]
    assert AttendanceMark.objects.count() == 3
    assert Registration.objects.filter(uid=newcomer, walk_in=True).count() == 1


def test_a_replacement_of_somebody_unknown_is_a_walk_in(
    trainer: Client, room: attendance.Room
) -> None:
    record = {"k": "s", "id": str(uuid7()), "r": str(uuid7()), "d": {"last_name": "Ba"}}
    assert send(trainer, room, [record]).json()["answers"][0]["v"] == "stored"
    assert Registration.objects.get(walk_in=True).replaces is None


def test_the_endpoint_refuses_what_another_site_could_send(
    trainer: Client, room: attendance.Room
) -> None:
    url = address(room, "attendance-sync")
    body = json.dumps({"who": str(room.account.uid), "records": [mark(room)]})
    plain = {"content_type": "application/json"}
    for answer in (
        trainer.post(url, body, **plain),
        trainer.post(url, body, content_type="text/plain", headers={"X-Kalan": "1"}),
        trainer.post(
            url, body, **plain, headers={"X-Kalan": "1", "Origin": "https://mechant.example"}
        ),
        trainer.post(url, body, **plain, headers={"X-Kalan": "1", "Sec-Fetch-Site": "cross-site"}),
    ):
        assert answer.status_code == 403
    assert AttendanceMark.objects.count() == 0
    fine = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert send(trainer, room, [mark(room)], **fine).status_code == 200


def test_the_endpoint_says_why_it_takes_nothing(client: Client, room: attendance.Room) -> None:
    def status() -> int:
        return int(send(client, room, [mark(room)]).status_code)

    assert status() == 401
    sign_in(client, people.account())
    assert status() == 404  # no role
    sign_in(client, people.account("region", room.tree.kaolack))
    assert status() == 404  # out of scope
    sign_in(client, people.account("region", room.tree.fatick))
    assert status() == 409  # marks of somebody else
    sign_in(client, room.account)
    assert send(client, room, "pas une liste").status_code == 400
    assert send(client, room, [mark(room)] * 201).status_code == 400
    assert AttendanceMark.objects.count() == 0
    assert status() == 200


def test_the_page_may_be_kept_offline_and_no_other(trainer: Client, room: attendance.Room) -> None:
    answer = trainer.get(address(room))
    assert (answer.status_code, answer["Kalan-Offline"]) == (200, "1")
    assert "Kalan-Offline" not in trainer.get(address(room, "attendance-grid"))
    assert "Kalan-Offline" not in trainer.get("/mon-espace/")


def test_the_page_costs_the_same_for_3_and_9_people(
    client: Client, tree: people.Tree, django_assert_num_queries: Any
) -> None:
    for count in (3, 9):
        room = attendance.room(tree, count=count)
        sign_in(client, room.account)
        client.get(address(room))
        with django_assert_num_queries(QUERIES_OF_THE_PAGE):
            client.get(address(room))
        with django_assert_num_queries(QUERIES_OF_THE_PAGE):
            client.get(address(room, "attendance-grid"))


QUERIES_OF_THE_PAGE = 9


def test_a_box_unticked_without_script_takes_back_the_mark_that_the_page_showed(
    trainer: Client, room: attendance.Room
) -> None:
    send(trainer, room, [mark(room, n, half_day) for n in (0, 2) for half_day in (0, 1)])
    page = trainer.get(address(room)).content.decode()
    shown = re.findall(r'name="vu" value="([^"]*)"', page)
    assert [len(one.split(",")) for one in shown] == [3] * len(room.codes)
    later = {**mark(room, 1), "id": str(uuid7())}  # another phone, after this page was read
    send(trainer, room, [later])
    ticked = {code: [str(room.persons[2].uid)] for code in room.codes[:2]}
    trainer.post(address(room), {"vu": shown, **ticked})
    assert room.present() == {(1, room.codes[0]), (2, room.codes[0]), (2, room.codes[1])}


def test_walk_in_without_script(trainer: Client, room: attendance.Room) -> None:
    typed = {"uid": str(uuid7()), "last_name": "Sow", "sex": "F", "structure": "", "phone": ""}
    for _ in range(2):  # the button pressed twice
        answer = trainer.post(address(room, "attendance-walk-in"), typed)
        assert answer.status_code == 302
    newcomer = Registration.objects.get(walk_in=True)
    assert answer.headers["Location"] == f"{address(room)}#p{newcomer.uid}"
    page = trainer.get(address(room)).content.decode()
    assert "Ajoutée : SOW, à rapprocher du registre." in page
    assert page.count(f'id="p{newcomer.uid}"') == 1
    answer = trainer.post(
        address(room, "attendance-walk-in"),
        {**typed, "uid": str(uuid7()), "replaces": str(room.persons[0].uid)},
    )
    assert Registration.objects.get(pk=room.persons[0].pk).state == "replaced"
    answer = trainer.post(address(room, "attendance-walk-in"), {**typed, "last_name": ""})
    assert answer.status_code == 422
    assert "Ce champ est obligatoire." in answer.content.decode()


def test_keying_a_column_and_correcting_the_exceptions(
    trainer: Client, room: attendance.Room
) -> None:
    url = address(room, "attendance-grid")
    assert trainer.post(url, {"tous": room.codes[0]}).status_code == 302
    assert room.present() == {(n, room.codes[0]) for n in range(3)}
    seen = [handle(m.client_id) for m in AttendanceMark.objects.all()]
    here = [str(p.uid) for p in room.persons]
    trainer.post(url, {"vu": seen, room.codes[0]: here[:2], room.codes[1]: here[2:]})
    assert room.present() == {(0, room.codes[0]), (1, room.codes[0]), (2, room.codes[1])}
    assert set(AttendanceMark.objects.values_list("source", flat=True)) == {"paper"}


def test_correcting_a_validated_session_asks_for_the_reason(
    client: Client, room: attendance.Room
) -> None:
    Session.objects.filter(pk=room.session.pk).update(state="validated", validated_at=people.NOW)
    sign_in(client, people.account("region", room.tree.fatick))
    url, box = address(room, "attendance-grid"), {room.codes[0]: str(room.persons[0].uid)}
    answer = client.post(url, box)
    assert answer.status_code == 422
    assert room.present() == set()
    client.post(url, {**box, "reason": "feuille retrouvée"})
    assert room.present() == {(0, room.codes[0])}
    assert Correction.objects.get().reason == "feuille retrouvée"


def filled(trainer: Client, room: attendance.Room, cells: dict[str, Any]) -> SimpleUploadedFile:
    """The session's spreadsheet with ``cells`` written into it."""
    answer = trainer.get(address(room, "attendance-xlsx"))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    page = book.active
    assert page.column_dimensions["A"].hidden
    for place, value in cells.items():
        page[place] = value
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile("presence.xlsx", out.getvalue())


def test_the_spreadsheet_out_filled_and_back(trainer: Client, room: attendance.Room) -> None:
    trainer.post(address(room, "attendance-grid"), {room.codes[0]: str(room.persons[1].uid)})
    file = filled(trainer, room, {"E2": "x", "E3": "absent", "F4": "Oui", "G2": "peut-être"})
    answer = trainer.post(address(room, "attendance-upload"), {"file": file})
    assert answer.status_code == 302
    shown = trainer.get(answer["Location"])
    reading = shown.context["reading"]
    titles = ["13/03/2023 matin", "13/03/2023 après-midi"]
    assert [(r.number, r.added, r.removed, len(r.problems)) for r in reading.rows] == [
        (2, titles[:1], [], 1),
        (3, [], titles[:1], 0),
        (4, titles[1:], [], 0),
    ]
    assert reading.rows[0].problems == [
        "Colonne « 14/03/2023 matin » : « peut-être » ne dit ni présent ni absent. "
        "Écrivez « x », ou « absent »."
    ]
    assert room.present() == {(1, room.codes[0])}  # nothing before it is asked for
    for _ in range(2):
        trainer.post(answer["Location"])
        assert room.present() == {(0, room.codes[0]), (2, room.codes[1])}


def test_an_empty_cell_changes_nothing(trainer: Client, room: attendance.Room) -> None:
    file = filled(trainer, room, {})
    trainer.post(address(room, "attendance-grid"), {room.codes[0]: str(room.persons[1].uid)})
    answer = trainer.post(address(room, "attendance-upload"), {"file": file})
    trainer.post(answer["Location"])
    assert room.present() == {(1, room.codes[0])}


def test_a_row_of_somebody_else_is_that_rows_problem(
    trainer: Client, room: attendance.Room
) -> None:
    file = filled(trainer, room, {"A2": str(uuid7()), "E2": "x", "E3": "x"})
    answer = trainer.post(address(room, "attendance-upload"), {"file": file})
    rows = trainer.get(answer["Location"]).context["reading"].rows
    assert [bool(row.problems) for row in rows] == [True, False, False]
    trainer.post(answer["Location"])
    assert room.present() == {(1, room.codes[0])}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PDF, "un document PDF"),
        (b"", "vide"),
        (b"a;b\n1;2\n", "Identifiant"),
        (b"Identifiant;Nom\nx;y\n", "demi-journée"),
    ],
)
def test_what_is_not_this_sheet_is_refused_and_not_kept(
    trainer: Client, room: attendance.Room, content: bytes, said: str
) -> None:
    file = SimpleUploadedFile("f.xlsx", content)
    answer = trainer.post(address(room, "attendance-upload"), {"file": file})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert StoredFile.objects.count() == 0


def test_another_person_does_not_see_my_upload(trainer: Client, room: attendance.Room) -> None:
    answer = trainer.post(
        address(room, "attendance-upload"), {"file": filled(trainer, room, {"E2": "x"})}
    )
    sign_in(trainer, people.account("region", room.tree.fatick))
    assert trainer.get(answer["Location"]).status_code == 404


def test_the_signed_sheet_page_by_page(trainer: Client, room: attendance.Room) -> None:
    url = address(room, "attendance-scans")
    for content in (PDF, PDF, b"\xff\xd8\xff photo"):
        file = SimpleUploadedFile("feuille <b>.pdf", content, content_type="text/html")
        assert trainer.post(url, {"file": file}).status_code == 302
    pages = list(SessionSheet.objects.select_related("file").order_by("pk"))
    assert [page.file.content_type for page in pages] == ["application/pdf", "image/jpeg"]
    room.session.refresh_from_db()
    assert room.session.sheet == pages[0].file
    answer = trainer.get(address(room, "attendance-scan", file=pages[0].file.uid))
    assert b"".join(answer.streaming_content) == PDF
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    trainer.post(address(room, "attendance-scan-remove", file=pages[0].file.uid))
    room.session.refresh_from_db()
    assert room.session.sheet == pages[1].file


@pytest.mark.parametrize("content", [b"<html><script>", b"PK\x03\x04zip", b""])
def test_a_scan_is_a_pdf_or_a_photo(trainer: Client, room: attendance.Room, content: bytes) -> None:
    file = SimpleUploadedFile("feuille.pdf", content, content_type="application/pdf")
    answer = trainer.post(address(room, "attendance-scans"), {"file": file})
    assert answer.status_code == 422
    assert SessionSheet.objects.count() == 0
    assert StoredFile.objects.count() == 0


def test_a_scan_of_20_mb_is_too_much(trainer: Client, room: attendance.Room) -> None:
    file = SimpleUploadedFile("feuille.pdf", PDF + b"0" * 20_000_000)
    answer = trainer.post(address(room, "attendance-scans"), {"file": file})
    assert answer.status_code == 422
    assert "Ce fichier pèse 20 Mo ; la limite est de 15 Mo." in answer.content.decode()
