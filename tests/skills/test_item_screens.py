"""The bank on the screen: list, sheet, page of a question, writing one of each type."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kalan.people.actor import SYSTEM
from kalan.people.models import Account
from kalan.skills.models import Item, ItemBank, ItemVersion
from kalan.skills.play.grade import grade, ideal
from kalan.skills.selectors.item_page import Parameters, curve, difference, share, stored_of
from kalan.skills.services.calibrations import CalibrationRow, adopt
from kalan.skills.services.reviews import review
from kalan.skills.services.statistics import StatisticsRow, store
from tests.factories import people, skills
from tests.factories.people import NOW
from tests.support.signin import sign_in


@pytest.fixture
def author(tree: people.Tree, client: Client) -> Account:
    account = people.account("author", tree.country, display_name="Awa Auteure")
    sign_in(client, account)
    return account


@pytest.fixture
def bank(tree: people.Tree) -> ItemBank:
    return skills.bank(tree.country)


def text_of(page: Any) -> str:
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


@pytest.mark.parametrize("number", [1, 3])
def test_lists_cost_the_same_however_long(
    client: Client, author: Account, bank: ItemBank, number: int, django_assert_num_queries: Any
) -> None:
    for rank in range(number):
        skills.item(bank, code=f"Q{rank}", by=author)
        skills.bank(bank.node)
    client.get(reverse("item-list"))
    for address, queries, rows in (
        (reverse("item-list"), 7, number),
        (reverse("item-banks"), 4, number + 1),
    ):
        with django_assert_num_queries(queries):
            page = client.get(address)
        assert page.content.decode().count('<tr><th scope="row">') == rows
    with django_assert_num_queries(6):
        client.get(reverse("item-bank", args=[bank.uid]))


def test_the_list_is_narrowed(client: Client, author: Account, bank: ItemBank) -> None:
    skills.item(bank, code="A", by=author)
    skills.item(bank, code="B", state="draft", domain=bank.framework.nodes.get(code="d2"))
    measured = skills.item(bank, code="C", words="hameconnage")
    row = CalibrationRow(measured.current.uid, "2PL", 1.0, [0.0], 500)
    run = uuid.UUID(int=1)
    adopt(actor=SYSTEM, bank=bank, run_uid=run, rows=[row], simulated=False, now=NOW)
    skills.item(skills.bank(bank.node), code="D")
    for query, codes in (
        ("", "ABCD"),
        ("state=draft", "B"),
        ("domain=d1", "ACD"),
        (f"bank={bank.uid}", "ABC"),
        ("measured=oui", "C"),
        ("measured=non", "ABD"),
        ("reviewed=oui", ""),
        (f"author={author.uid}", "A"),
        ("q=message+douteux", "ABD"),
        ("kind=cloze", ""),
    ):
        lines = client.get(f"{reverse('item-list')}?{query}&format=csv").content.decode("utf-8-sig")
        assert "".join(line.split(";")[1] for line in lines.splitlines()[1:]) == codes, query


def test_the_sheet_counts_and_names_the_holes(
    client: Client, author: Account, bank: ItemBank
) -> None:
    skills.item(bank, competency=bank.framework.nodes.get(code="d1.1"))
    skills.item(bank, state="retired")
    page = client.get(reverse("item-bank", args=[bank.uid]))
    sheet = page.context["sheet"]
    assert [(line.node.code, dict(line.states)) for line in sheet.lines] == [
        ("d1", {"active": 1, "retired": 1}),
        ("d2", {}),
    ]
    assert [node.code for _, node in sheet.holes] == ["d2.1"]


def test_the_page_says_how_sure_it_is(client: Client, author: Account, bank: ItemBank) -> None:
    item = skills.item(bank)
    address = reverse("item-detail", args=[item.uid])
    assert "provisoire : moins de 500 réponses" in text_of(client.get(address))
    row = CalibrationRow(item.current.uid, "2PL", 1.2, [0.4], 620, se_a=0.1, se_b=0.05)
    run = uuid.UUID(int=1)
    adopt(actor=SYSTEM, bank=bank, run_uid=run, rows=[row], simulated=False, now=NOW)
    rest = {
        "chosen": {"a": 10, "b": 25, "c": 5},
        "seconds": 31,
        "dif": {"note": "plus dur au Mali"},
    }
    counts = StatisticsRow(item.current_id, 44, 40, 25.0, rest=rest)
    store(rows=[counts], now=NOW)
    said = text_of(client.get(address))
    for words in (
        "1,00 à 1,40",
        "0,30 à 0,50",
        "63 %",
        "entre 47 % et 76 %",
        "25 ( 63 % )",
        "plus dur au Mali",
        "calibrée",
    ):
        assert words.replace(" %", "\u00a0%").replace("( ", "(").replace(" )", ")") in said.replace(
            " %", "\u00a0%"
        ), words


def test_curves_follow_the_models() -> None:
    expected, information = curve(Parameters(1.0, [0.0]))
    assert (round(expected[8], 4), round(information[8], 4)) == (0.5, 0.25)
    expected, information = curve(Parameters(2.0, [0.0], 0.25))
    assert (round(expected[8], 4), round(information[8], 4)) == (0.625, 0.6)
    expected, information = curve(Parameters(1.0, [0.0, 0.0]))
    assert (round(expected[8], 4), round(information[8], 4)) == (0.5, 0.6667)


def test_a_share_has_wilson_s_interval() -> None:
    found = share(8, 10)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.4902, 0.9433)
    assert share(0, 0) is None


def test_the_difference_of_two_versions_is_in_words() -> None:
    pieces = difference("un deux trois", "un 2 trois quatre")
    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("same", "un"),
        ("del", "deux"),
        ("ins", "2"),
        ("same", "trois"),
        ("ins", "quatre"),
    ]
    assert difference("un", "un") == []


def rows(*lines: dict[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = {"l-TOTAL_FORMS": str(len(lines)), "l-INITIAL_FORMS": "0"}
    for rank, line in enumerate(lines):
        sent |= {f"l-{rank}-{name}": value for name, value in line.items()}
    return sent


TYPES: dict[str, dict[str, Any]] = {
    "single": rows({"text": "Oui < non", "right": "1", "feedback": "Bien"}, {"text": "Non"}, {}),
    "multiple": rows({"text": "A", "right": "1"}, {"text": "B", "right": "1"}, {"text": "C"}),
    "truefalse": {"answer": "0"},
    "numeric": {"answer": "12,5", "tolerance": "0,5", "unit": "heures"},
    "short": {**rows({"text": "hameçonnage"}, {"text": "phishing"}), "typos": "1"},
    "matching": rows({"left": "a", "right": "1"}, {"left": "b", "right": "2"}, {"right": "3"}),
    "ordering": rows({"text": "un"}, {"text": "deux"}, {"text": "trois"}),
    "cloze": {
        **rows({"answers": "*mot\nnom"}, {"answers": "clé\nclef"}),
        "text": "Le {{1}} et la {{2}}.",
    },
}


def filled(bank: ItemBank, kind: str, **more: Any) -> dict[str, Any]:
    domain = bank.framework.nodes.get(code="d1")
    values = {"code": f"N-{kind}", "domain": domain.pk, "text": "Que dire ?\nEt pourquoi ?"}
    return {**values, "level": "1", "countries": ["sn"], **TYPES[kind], **more}


@pytest.mark.parametrize("kind", list(TYPES))
def test_each_type_is_written_and_opened_again_unchanged(
    client: Client, author: Account, bank: ItemBank, kind: str
) -> None:
    create = f"{reverse('item-create', args=[bank.uid])}?type={kind}"
    client.post(create, filled(bank, kind))
    item = Item.objects.get(code=f"N-{kind}")
    assert (item.kind, item.difficulty, item.countries) == (kind, 1.0, ["sn"])
    before = stored_of(item.current)
    assert grade(before, ideal(before)).right
    second = people.actor("programme", bank.node)
    review(actor=second, item=item, number=1, verdict="accept", comment="", now=NOW)
    edit = reverse("item-edit", args=[item.uid])
    page = client.get(edit)
    sent = {
        name: value
        for form in [page.context["form"], *(page.context["rows"] or [])]
        for name, value in _values(form).items()
    }
    if page.context["rows"] is not None:
        sent |= {"l-TOTAL_FORMS": len(page.context["rows"].forms), "l-INITIAL_FORMS": "0"}
    answer = client.post(edit, {**sent, "difficulty": "0,5"})
    assert answer.status_code == 302, text_of(answer)
    item.refresh_from_db()
    assert (item.difficulty, item.state, item.current.number) == (0.5, "reviewed", 1)
    after = stored_of(ItemVersion.objects.get(item=item))
    assert after == before


def _values(form: Any) -> dict[str, Any]:
    found = {}
    for field in form:
        value = field.value()
        if value is not None and value is not False and value != "":
            found[field.html_name] = str(value).replace(".", ",") if type(value) is float else value
    return found


def test_lines_are_added_and_the_question_is_shown_before_it_is_saved(
    client: Client, author: Account, bank: ItemBank
) -> None:
    create = f"{reverse('item-create', args=[bank.uid])}?type=single"
    page = client.post(create, {**filled(bank, "single"), "ajouter": "1"})
    assert (page.status_code, len(page.context["rows"].forms)) == (200, 5)
    page = client.post(create, {**filled(bank, "single"), "apercu": "1"})
    assert "Oui &lt; non" in page.context["preview"]
    assert Item.objects.count() == 0


def test_a_question_like_another_is_said_before(
    client: Client, author: Account, bank: ItemBank
) -> None:
    create = f"{reverse('item-create', args=[bank.uid])}?type=single"
    client.post(create, filled(bank, "single"))
    twin = filled(bank, "single", code="N-2")
    page = client.post(create, twin)
    assert "ressemble à 1 autre" in text_of(page)
    assert Item.objects.count() == 1
    client.post(create, {**twin, "meme-si": "1"})
    assert Item.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": ""}, "obligatoire"),
        ({"level": "", "difficulty": ""}, "par un mot ou par un nombre"),
        ({"l-0-right": ""}, "juste"),
        ({"code": "N-0"}, "déjà celui d’une question"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_stored(
    client: Client, author: Account, bank: ItemBank, change: dict[str, Any], said: str
) -> None:
    skills.item(bank, code="N-0", words="rien de tel")
    create = f"{reverse('item-create', args=[bank.uid])}?type=single"
    page = client.post(create, filled(bank, "single", **change))
    assert (page.status_code, Item.objects.count()) == (422, 1)
    assert said in text_of(page)


def test_script_typed_in_a_question_does_not_run(
    client: Client, author: Account, bank: ItemBank
) -> None:
    create = f"{reverse('item-create', args=[bank.uid])}?type=truefalse"
    text = "<b>Vrai ?</b><script>alert(1)</script><img src=x onerror=alert(1)>"
    page = client.post(create, filled(bank, "truefalse", text=text))
    assert page.status_code == 422  # the picture it names is not there
    client.post(create, filled(bank, "truefalse", text="<b>Vrai ?</b><script>alert(1)</script>"))
    assert Item.objects.get().current.content["text"] == "<b>Vrai ?</b>"


def test_a_picture_is_stored_shown_and_kept_by_browsers(
    client: Client, author: Account, bank: ItemBank
) -> None:
    create = f"{reverse('item-create', args=[bank.uid])}?type=truefalse"

    def send(content: bytes, **more: Any) -> Any:
        upload = SimpleUploadedFile("a.png", content, content_type="image/png")
        return client.post(create, {**filled(bank, "truefalse"), "picture": upload, **more})

    assert "Décrivez l’image" in text_of(send(skills.PNG))
    assert "pèse 2000 Ko" in text_of(send(skills.PNG + b"\0" * 2_000_000, alt="Un cadenas"))
    assert "n’est pas une image" in text_of(send(b"<svg/>", alt="Un cadenas"))
    assert Item.objects.count() == 0
    send(skills.PNG, alt="Un cadenas")
    media = Item.objects.get().media.get()
    page = client.get(reverse("item-detail", args=[Item.objects.get().uid])).content.decode()
    address = reverse("item-media", args=[media.uid])
    assert re.search(rf"<img [^>]*{address}", page)
    client.logout()
    answer = client.get(address)
    assert b"".join(answer) == skills.PNG  # type: ignore[arg-type]
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    again = client.get(address, headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_the_whole_way_of_a_question(client: Client, author: Account, bank: ItemBank) -> None:
    create = f"{reverse('item-create', args=[bank.uid])}?type=truefalse"
    client.post(create, filled(bank, "truefalse"))
    item = Item.objects.get()
    verdict = {"number": 1, "verdict": "accept"}
    page = client.post(reverse("item-review", args=[item.uid]), verdict, follow=True)
    assert "Vous avez écrit cette version" in text_of(page)
    page = client.post(reverse("item-activate", args=[item.uid]), follow=True)
    assert "seconde personne" in text_of(page)
    sign_in(client, people.account("programme", bank.node))
    client.post(reverse("item-review", args=[item.uid]), verdict)
    client.post(reverse("item-activate", args=[item.uid]))
    item.refresh_from_db()
    assert item.state == "active"
    client.post(reverse("item-retire", args=[item.uid]), {"reason": "Loi changée"})
    item.refresh_from_db()
    assert (item.state, item.retired_reason) == ("retired", "Loi changée")
    client.post(reverse("item-restore", args=[item.uid]))
    item.refresh_from_db()
    assert item.state == "reviewed"
    assert "brouillon → relue" in text_of(client.get(reverse("item-detail", args=[item.uid])))


def test_two_authors_at_once_on_the_screen(client: Client, author: Account, bank: ItemBank) -> None:
    create = f"{reverse('item-create', args=[bank.uid])}?type=truefalse"
    client.post(create, filled(bank, "truefalse"))
    item = Item.objects.get()
    second = people.actor("programme", bank.node)
    review(actor=second, item=item, number=1, verdict="accept", comment="", now=NOW)
    edit = reverse("item-edit", args=[item.uid])
    client.post(edit, {**filled(bank, "truefalse", text="Un ?"), "seen": 1})
    page = client.post(edit, {**filled(bank, "truefalse", text="Deux ?"), "seen": 1})
    assert "a changé pendant que vous l’écriviez" in text_of(page)
    assert Item.objects.get().current.content["text"] == "Un ?"
