"""Questions in and out: a verdict on each, what is chosen comes in once, what is lost is said."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kalan.engine.formats.files import read
from kalan.people.models import Account
from kalan.skills.models import Item, ItemBank, ItemMedia, ItemVersion
from kalan.skills.services.imports import check_file
from tests.factories import people, skills
from tests.support.signin import sign_in

GIFT = """$CATEGORY: Kalan/d2

::G-1:: Que faire d'un message douteux ? {=Le signaler ~Cliquer ~Le transférer}

::G-2:: Sans bonne réponse {~Un ~Deux}

::G-3:: Dites ce que vous en pensez. {}

// un script
::G-4:: [html]<p>Vrai<script>alert(1)</script> ou faux \\: un mot de passe se prête.</p> {F}
"""
XML = """<?xml version="1.0" encoding="UTF-8"?><quiz>
<question type="truefalse"><name><text>X-1</text></name>
<questiontext format="html"><text>
<![CDATA[<p>Un cadenas ? <img src="@@PLUGINFILE@@/a.png" alt="%s"></p>]]></text>
<file name="a.png" path="/" encoding="base64">%s</file></questiontext>
<answer fraction="100"><text>true</text></answer><answer fraction="0"><text>false</text></answer>
<tags><tag><text>d1.1</text></tag></tags></question></quiz>"""


@pytest.fixture
def author(tree: people.Tree, client: Client) -> Account:
    account = people.account("author", tree.country)
    sign_in(client, account)
    return account


@pytest.fixture
def bank(tree: people.Tree) -> ItemBank:
    return skills.bank(tree.country)


def text_of(page: Any) -> str:
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def sent(client: Client, bank: ItemBank, content: str | bytes, name: str = "a.gift") -> Any:
    data = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(name, data)
    return client.post(reverse("item-import", args=[bank.uid]), {"file": file}, follow=True)


def test_good_ones_are_proposed_and_broken_ones_named(
    client: Client, author: Account, bank: ItemBank
) -> None:
    page = sent(client, bank, GIFT)
    verdicts = [verdict for verdict, _ in page.context["verdicts"]]
    assert [(one.code, one.line, one.state) for one in verdicts] == [
        ("G-1", 3, "new"),
        ("G-2", 5, "refused"),
        ("G-3", 7, "refused"),
        ("G-4", 10, "new"),
    ]
    assert verdicts[1].reason.startswith("Les bonnes réponses font ensemble 0\u00a0%")
    assert "réponse rédigée" in verdicts[2].reason
    assert verdicts[3].notes == ["Du code (script) s’y trouvait\u00a0: il a été retiré."]
    assert (verdicts[0].domain.code, verdicts[0].kind) == ("d2", "single")
    assert "alert(1)" not in page.content.decode()
    assert Item.objects.count() == 0


def test_a_second_import_changes_nothing_and_says_so(
    client: Client, author: Account, bank: ItemBank
) -> None:
    page = sent(client, bank, GIFT)
    address = page.request["PATH_INFO"]
    done = client.post(address, {"choix": ["1", "4"]}, follow=True)
    assert "Questions ajoutées : 2" in text_of(done)
    assert list(Item.objects.order_by("code").values_list("code", "state", "domain__code")) == [
        ("G-1", "draft", "d2"),
        ("G-4", "draft", "d2"),
    ]
    page = sent(client, bank, GIFT)
    assert page.context["counts"] == {"same": 2, "refused": 2}
    assert "déjà dans la banque, sans changement" in text_of(page)
    page = sent(client, bank, GIFT.replace("Le signaler", "Prévenir"))
    assert page.context["counts"] == {"changed": 1, "same": 1, "refused": 2}
    client.post(page.request["PATH_INFO"], {"choix": ["1"]})
    assert "Prévenir" in str(ItemVersion.objects.get(item__code="G-1").content)


def test_a_domain_is_chosen_where_the_file_says_none(
    client: Client, author: Account, bank: ItemBank
) -> None:
    page = sent(client, bank, GIFT.replace("$CATEGORY: Kalan/d2\n", ""))
    address = page.request["PATH_INFO"]
    refused = client.post(address, {"choix": ["1", "4"]}, follow=True)
    assert "aucun domaine" in text_of(refused)
    assert Item.objects.count() == 0
    domain = bank.framework.nodes.get(code="d1")
    client.post(address, {"choix": ["1"], "domaine-1": str(domain.uid)})
    assert Item.objects.get().domain == domain


@pytest.mark.parametrize(
    ("alt", "data", "state", "said"),
    [
        ("Un cadenas", skills.PNG, "new", ""),
        ("", skills.PNG, "refused", "texte de remplacement"),
        ("Un cadenas", skills.PNG + b"\0" * 90_000, "refused", "pèse 90 Ko"),
        ("Un cadenas", b"<svg/>", "refused", "n’est pas une image"),
    ],
)
def test_pictures_inside_a_file(
    client: Client,
    author: Account,
    bank: ItemBank,
    alt: str,
    data: bytes,
    state: str,
    said: str,
) -> None:
    page = sent(client, bank, XML % (alt, base64.b64encode(data).decode()), "a.xml")
    ((verdict, _),) = page.context["verdicts"]
    assert verdict.state == state
    assert said in verdict.reason.replace("\u00a0", " ")
    if state == "new":
        assert (verdict.domain.code, verdict.competency.code) == ("d1", "d1.1")
        client.post(page.request["PATH_INFO"], {"choix": ["1"]})
        assert ItemMedia.objects.get().alt == "Un cadenas"
        again = sent(client, bank, XML % (alt, base64.b64encode(data).decode()), "a.xml")
        assert again.context["counts"] == {"same": 1}


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.gift", "vide"),
        (b"\x00\x01\x02", "a.gift", "pas du texte"),
        (b"::Q:: Oui ? {T}\n\n" * 501, "a.gift", "plus de 500 questions"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(
    client: Client, author: Account, bank: ItemBank, content: bytes, name: str, said: str
) -> None:
    page = sent(client, bank, content, name)
    assert page.status_code == 422
    assert said in text_of(page)


def test_our_own_files_keep_what_others_lose(
    client: Client, author: Account, bank: ItemBank
) -> None:
    own = """domain = "d1"
[[question]]
code = "T-1"
type = "truefalse"
competency = "Élément d1.1"
audience = ["asc"]
countries = ["ml"]
difficulty = -0.7
text = "Vrai ?"
answer = true
"""
    page = sent(client, bank, own, "a.toml")
    client.post(page.request["PATH_INFO"], {"choix": ["1"]})
    item = Item.objects.get()
    assert (item.difficulty, item.countries, item.audience) == (-0.7, ["ml"], ["asc"])
    assert item.competency is not None
    assert item.competency.code == "d1.1"


def test_what_resembles_another_is_not_ticked(
    client: Client, author: Account, bank: ItemBank
) -> None:
    skills.item(
        bank, code="Z", words="que faire d un message douteux le signaler cliquer le transferer"
    )
    page = sent(client, bank, GIFT)
    first = page.context["verdicts"][0][0]
    assert [other.code for _, other in first.alike] == ["Z"]
    assert 'value="1" checked' not in page.content.decode()
    assert 'value="4" checked' in page.content.decode()


def test_what_leaves_is_read_again(
    client: Client, author: Account, bank: ItemBank, tmp_path: Path
) -> None:
    page = sent(client, bank, GIFT)
    client.post(page.request["PATH_INFO"], {"choix": ["1", "4"]})
    counts = {"moodle-xml": (2, 0), "gift": (2, 0), "aiken": (1, 1)}
    for format_, (written, left) in counts.items():
        address = f"{reverse('item-export')}?bank={bank.uid}&vers={format_}"
        page = client.get(address)
        assert (page.context["done"].written, len(page.context["done"].left_out)) == (written, left)
        file = tmp_path / format_
        file.write_bytes(client.get(f"{address}&fichier=1").content)
        found = read(file)
        assert (len(found.questions), found.refused) == (written, [])
    for name in ("moodle-xml", "gift"):
        states = [one.state for one in check_file(bank=bank, path=tmp_path / name, name=name)]
        assert states == ["same", "same"], name


def test_the_file_is_its_owner_s(client: Client, author: Account, bank: ItemBank) -> None:
    address = sent(client, bank, GIFT).request["PATH_INFO"]
    sign_in(client, people.account("author", bank.node))
    assert client.get(address).status_code == 404
