"""The check page: what it says of a code, what it keeps to itself, what guessing costs."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.credentials import words
from kalan.credentials.models import Act, ActEvent, Batch, CheckCount, SigningKey
from kalan.credentials.selectors import checks
from kalan.credentials.services import verifying
from kalan.engine.signing import code as codes
from tests.factories import acts, people
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db

UNGIVEN = "0" * 24


@pytest.fixture(autouse=True)
def _at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def act(tree: people.Tree) -> Act:
    holder = people.agent(
        tree.centre_sokone,
        last_name="Ndiaye",
        first_names="Fatou Binetou",
        matricule="612345X",
        phone="+221771234567",
        birth_year=1987,
    )
    return acts.act(tree.fatick, holder, structure=tree.centre_sokone)


def result(act: Act, now: dt.datetime = NOW) -> str:
    fresh = checks.act_by_code(str(act.code))
    return verifying.answer_for(fresh, now=now).result


def test_each_state_has_its_answer(act: Act, tree: people.Tree) -> None:
    said = {"as signed": result(act)}
    other = acts.act(tree.fatick)
    for status, kind, fields in (
        ("revoked", "revoked", {"reason": "error"}),
        ("replaced", "replaced", {"other": other}),
    ):
        Act.objects.filter(pk=act.pk).update(status=status)
        ActEvent.objects.create(act=act, kind=kind, at=NOW, **fields)
        said[status] = result(act)
    Act.objects.filter(pk=act.pk).update(status="valid", valid_until=NOW.date())
    said["last day"] = result(act)
    said["day after"] = result(act, NOW + dt.timedelta(days=1))
    SigningKey.objects.update(state="revoked", ended_at=NOW)
    said["key revoked"] = result(act)
    Batch.objects.filter(pk=act.batch_id).update(state="ordered")
    said["batch not in the register"] = result(act)
    Act.objects.filter(pk=act.pk).update(state="void")
    said["void"] = result(act)
    Act.objects.filter(pk=act.pk).update(state="planned")
    said["planned"] = result(act)
    assert said == {
        "as signed": "valid",
        "revoked": "revoked",
        "replaced": "replaced",
        "last day": "valid",
        "day after": "expired",
        "key revoked": "key_revoked",
        "batch not in the register": "pending",
        "void": "void",
        "planned": "unknown",
    }


def test_signed_by_hand_holds_once_its_day_is_entered(tree: people.Tree) -> None:
    batch = acts.batch(tree.fatick, mode="hand")
    act = acts.act(batch)
    answer = verifying.answer_for(checks.act_by_code(act.code or ""), now=NOW)
    assert (answer.result, answer.level, answer.issued_on) == ("valid", "hand", NOW.date())
    Batch.objects.filter(pk=batch.pk).update(state="printed", hand_signed_on=None)
    assert result(act) == "pending"


def test_a_code_is_read_as_people_write_it(act: Act, client: Client) -> None:
    code = str(act.code)
    spoken = codes.in_fours(code.replace("0", "o").replace("1", "l").lower(), " - ")
    answer = client.get("/verifier/", {"code": spoken})
    assert (answer.status_code, answer["Location"]) == (302, f"/verifier/{code}/")
    answer = client.get(f"/verifier/{code.lower()}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/verifier/{code}/")


def test_what_is_no_code_is_asked_again(client: Client) -> None:
    page = client.get("/verifier/", {"code": "3K7Q"}).content.decode()
    assert "Recopiez le code entier" in page
    assert 'value="3K7Q"' in page


def test_the_page_tells_nothing_about_the_person(act: Act, client: Client) -> None:
    page = client.get(f"/verifier/{act.code}/").content.decode()
    shown = [
        word
        for word in (
            "Ndiaye",
            "NDIAYE",
            "Binetou",
            "612345X",
            "771234567",
            "1987",
            "Sokone",
            "Outils numériques",
            str(act.uid),
            "MARIAMA",
            "Mariama",
        )
        if word in page
    ]
    assert shown == []
    assert "F.B.N." in page
    assert act.number is not None
    assert act.number in page
    assert "Ce document figure au registre et il est valable." in page


def _bare(page: str) -> str:
    return re.sub(r'nonce="[^"]*"', "", page)


def test_unknown_codes_all_get_the_same_page(act: Act) -> None:
    Act.objects.filter(pk=act.pk).update(state="planned")
    pages = set()
    for code in (UNGIVEN, str(act.code), "Z" * 24):
        answer = Client().get(f"/verifier/{code}/")
        assert answer.status_code == 200
        pages.add(_bare(answer.content.decode()).replace(code, "…"))
    assert len(pages) == 1
    assert "Aucun document de ce registre ne porte ce code." in pages.pop()


def test_a_known_code_costs_what_an_unknown_one_costs(act: Act, client: Client) -> None:
    client.get(f"/verifier/{act.code}/"), client.get(f"/verifier/{UNGIVEN}/")  # the day's rows
    counts = []
    for code in (str(act.code), UNGIVEN, "pas-un-code"):
        with CaptureQueriesContext(
            connection,
        ) as found:
            client.get(f"/verifier/{code}/")
        counts.append(len(found))
    assert counts == [4, 4, 4]


def test_no_robot_no_cache_no_cookie(act: Act, client: Client) -> None:
    answer = client.get(f"/verifier/{act.code}/", headers={"cookie": ""})
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "no-referrer"
    assert list(answer.cookies) == ["feuille"]  # the style sheet's: it names nobody


def test_the_name_shows_to_whoever_types_what_is_printed(act: Act, client: Client) -> None:
    address = f"/verifier/{act.code}/"
    shown = {}
    for said in (
        "ndiaye fatou",
        "NDIAYE Fatou-Binetou",
        "1987",
        "Ndiaye",
        "1988",
        "Awa Ndiaye",
        "",
    ):
        page = client.post(address, {"said": said}).content.decode()
        shown[said] = "Fatou Binetou NDIAYE" in page
    assert shown == {
        "ndiaye fatou": True,
        "NDIAYE Fatou-Binetou": True,
        "1987": True,
        "Ndiaye": False,
        "1988": False,
        "Awa Ndiaye": False,
        "": False,
    }


def test_the_year_printed_counts_before_that_of_the_register(act: Act) -> None:
    act.data = {"holder": {"born_on": "1990-04-02"}}
    assert (verifying.says_who(act, "1990"), verifying.says_who(act, "1987")) == (True, False)


def test_names_are_tried_five_times(act: Act, client: Client) -> None:
    address = f"/verifier/{act.code}/"
    answers = [client.post(address, {"said": "Awa Diop"}).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]
    # Too many wrong names close the comparison, not the check itself.
    assert client.post(address, {"said": "Fatou Ndiaye"}).status_code == 429
    assert client.get(address).status_code == 200


def test_names_tried_at_once_are_counted_before_they_are_compared(
    act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six requests that all found the door open: five are compared, whatever the sixth says."""
    monkeypatch.setattr(verifying, "_check_names", lambda tries, now: None)
    heard = []
    for said in ["Awa Diop"] * 4 + ["1987"] + ["Awa Diop"] + ["1987"]:
        try:
            verifying.with_name(typed=act.code, said=said, address="203.0.113.9", now=NOW)
        except Refused as refused:
            heard.append(refused.code)
        else:
            heard.append("told")
    assert heard == [*["no_match"] * 4, "told", "no_match", "wait"]


def test_names_of_a_code_have_a_slower_brake_that_tells_nothing(act: Act, client: Client) -> None:
    """Ten a day and twenty in thirty days, from whatever addresses, the code known or not."""

    def tried(code: str | None, said: str = "Awa Diop", door: str = "page", **later: int) -> str:
        moment = NOW + dt.timedelta(**later)
        address = f"203.0.113.{moment.minute}"
        try:
            verifying.with_name(typed=str(code), said=said, address=address, now=moment, door=door)
        except Refused as refused:
            return refused.code
        return "told"

    for code, missed in ((act.code, "no_match"), (UNGIVEN, "told")):
        heard = [tried(code) for _ in range(6)]
        heard += [tried(code, minutes=15) for _ in range(6)]
        heard += [tried(code, hours=23, minutes=59), tried(code, hours=24)]
        heard += [tried(code, hours=24) for _ in range(4)]
        heard += [tried(code, hours=24, minutes=15) for _ in range(6)]
        heard += [tried(code, days=2), tried(code, days=29, hours=23), tried(code, days=30)]
        assert heard == [
            *[missed] * 5, "wait", *[missed] * 5, "wait_long",
            "wait_long", missed, *[missed] * 4,
            *[missed] * 5, "wait_long", "wait_long", "wait_long", missed,
        ]  # fmt: skip
    assert [tried(act.code, days=31, hours=1) for _ in range(5)] == ["no_match"] * 5
    assert tried(act.code, "1987", days=31, hours=1) == "wait"
    assert (
        tried(act.code, "1987", "link", days=31, hours=1) == "told"
    )  # the holder's own door stays open


def test_the_page_of_the_slower_brake_says_when_and_what_still_works(
    act: Act, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "NAMES_PER_CODE", ((1, dt.timedelta(days=1)),))
    pages = []
    for code in (act.code, UNGIVEN):
        asked = [client.post(f"/verifier/{code}/", {"said": "Awa Diop"}) for _ in range(2)]
        assert asked[1].status_code == 429
        pages.append(asked[1].content.decode().replace(str(code), ""))
    assert "au plus tôt demain" in pages[0]
    assert pages[0] == pages[1]


def test_guessing_codes_is_stopped(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "UNKNOWN_PER_ADDRESS", 3)
    asked = [
        client.get(f"/verifier/{UNGIVEN}/"),
        client.post(f"/verifier/{UNGIVEN}/", {"said": "Awa Diop"}),
        client.get(f"/document/{UNGIVEN}ABCDEFGH/"),
        client.head(f"/verifier/{UNGIVEN}/"),
        client.get(f"/verifier/{UNGIVEN}/document/"),
    ]
    assert [one.status_code for one in asked] == [200, 200, 404, 429, 429]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("head", f"/verifier/{UNGIVEN}/"),
        ("post", f"/verifier/{UNGIVEN}/"),
        ("get", f"/verifier/{UNGIVEN}/?format=json"),
        ("get", f"/verifier/{UNGIVEN}/document/"),
        ("get", f"/document/{UNGIVEN}ABCDEFGH/"),
        ("post", f"/document/{UNGIVEN}ABCDEFGH/"),
    ],
)
def test_no_other_way_to_guess_is_free(
    method: str, path: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "UNKNOWN_PER_ADDRESS", 2)
    addresses = [f"203.0.113.{n}" for n in range(3)]  # said by the visitor, not by a proxy
    codes_ = [
        client.generic(method.upper(), path, headers={"X-Forwarded-For": said}).status_code
        for said in addresses
    ]
    assert codes_[2] == 429


def test_checks_are_counted_by_day_and_answer_without_a_name(act: Act, client: Client) -> None:
    for code in (act.code, act.code, UNGIVEN):
        client.get(f"/verifier/{code}/")
    client.head(f"/verifier/{act.code}/")
    rows = CheckCount.objects.order_by("result").values_list("day", "way", "result", "number")
    assert list(rows) == [(NOW.date(), "code", "unknown", 1), (NOW.date(), "code", "valid", 2)]


def test_a_replaced_act_leads_to_the_new_one(act: Act, tree: people.Tree, client: Client) -> None:
    new = acts.act(tree.fatick)
    Act.objects.filter(pk=act.pk).update(status="replaced")
    ActEvent.objects.create(act=act, kind="replaced", other=new, at=NOW)
    page = client.get(f"/verifier/{act.code}/").content.decode()
    assert f'href="/verifier/{new.code}/"' in page


def test_a_revoked_act_says_since_when_and_why(act: Act, client: Client) -> None:
    Act.objects.filter(pk=act.pk).update(status="revoked")
    ActEvent.objects.create(
        act=act, kind="revoked", reason="fraud", text="Dossier 12, M. Sarr", at=NOW
    )
    page = client.get(f"/verifier/{act.code}/").content.decode()
    assert "20 mars 2023" in page
    assert "fraude établie" in page
    assert "Sarr" not in page


def test_the_holder_may_show_the_name(act: Act, client: Client) -> None:
    Act.objects.filter(pk=act.pk).update(shown="name")
    page = client.get(f"/verifier/{act.code}/").content.decode()
    assert "Fatou Binetou NDIAYE" in page
    assert "Est-ce bien cette personne" not in page


def test_english_says_the_same(act: Act, client: Client) -> None:
    page = client.get(f"/verifier/{act.code}/?lang=en").content.decode()
    assert '<html lang="en"' in page
    assert "This document is in the register and it is valid." in page
    assert "20 March 2023" in page
    assert "the ministry’s own authority" in page
    assert "none: the date is the register’s (level B\u2011B)" in page


def test_the_two_languages_hold_the_same_words() -> None:
    for table in (
        words.RESULTS,
        words.LEVELS,
        words.DATES,
        words.REASONS,
        words.LIMITS,
        words.VERDICTS,
    ):
        assert sorted(table["fr"]) == sorted(table["en"])
    assert sorted(words.TEXTS["fr"]) == sorted(words.TEXTS["en"])
    assert set(verifying.RESULTS) <= set(words.RESULTS["fr"])
    assert sorted(words.REASONS["fr"]) == sorted(ActEvent.Reason.values)


def test_machines_get_the_same_in_json(act: Act, client: Client) -> None:
    said = client.get(f"/verifier/{act.code}/?format=json").json()
    assert said == {
        "valid": True,
        "result": "valid",
        "number": act.number,
        "kind": "training",
        "title": "Attestation de formation",
        "holder": "F.B.N.",
        "issuer": "Ministère de la Santé et de l’Action sociale",
        "service": "Direction de la planification",
        "issued_on": "2023-03-20",
        "valid_until": None,
        "level": "ministry",
        "pades": "B-B",
        "stamped_by": "",
        "stamped_at": None,
        "reason": "",
        "replaced_by": None,
    }
    said = client.get(f"/verifier/{UNGIVEN}/?format=json").json()
    assert said == {"valid": False, "result": "unknown"}
