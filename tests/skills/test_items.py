"""Questions: written, changed, reviewed by a second person, put in service, retired."""

from __future__ import annotations

import struct
import uuid
from dataclasses import replace
from typing import Any

import pytest

from kalan.base.errors import Refused
from kalan.base.models import StoredFile
from kalan.engine.formats.question import File
from kalan.people.actor import SYSTEM, Actor
from kalan.skills.models import Item, ItemBank, ItemMedia, ItemReview, ItemVersion
from kalan.skills.play.content import from_own
from kalan.skills.services import items as services
from kalan.skills.services.banks import create_bank, update_bank
from kalan.skills.services.calibrations import CalibrationRow, adopt
from kalan.skills.services.framework_packs import load_frameworks
from kalan.skills.services.frameworks import new_version
from kalan.skills.services.items import ItemData
from kalan.skills.services.media import LIMIT, Pictures, judge
from kalan.skills.services.packs import load_bank, load_questions
from kalan.skills.services.reviews import activate, review
from tests.factories import people, skills
from tests.factories.people import NOW

OWN: dict[str, Any] = {
    "type": "single",
    "text": "Que faire d’un message douteux ?",
    "choices": [
        {"text": "Le signaler", "right": True},
        {"text": "Cliquer", "right": False},
    ],
    "explanation": "Le signaler protège les autres.",
}
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 40, 30) + b"\x08\x06\0\0\0"


@pytest.fixture
def bank(tree: people.Tree) -> ItemBank:
    return skills.bank(tree.country)


@pytest.fixture
def author(tree: people.Tree) -> Actor:
    return people.actor("author", tree.country)


@pytest.fixture
def second(tree: people.Tree) -> Actor:
    return people.actor("programme", tree.country)


def data(bank: ItemBank, own: dict[str, Any] | None = None, **more: Any) -> ItemData:
    values: dict[str, Any] = {
        "code": "Q-1",
        "domain": bank.framework.nodes.get(code="d1"),
        "competency": bank.framework.nodes.get(code="d1.1"),
        "difficulty": -0.5,
        "stored": from_own(own or OWN),
    }
    return ItemData(**{**values, **more})


def made(bank: ItemBank, author: Actor, **more: Any) -> Item:
    return services.create_item(actor=author, bank=bank, data=data(bank, **more), now=NOW)


def test_a_draft_is_found_by_its_words(bank: ItemBank, author: Actor) -> None:
    item = made(bank, author)
    assert (item.state, item.kind, item.current.number) == ("draft", "single", 1)
    assert item.current.words == "que faire d un message douteux ? le signaler cliquer"
    with pytest.raises(Refused, match="déjà celui d’une question") as refused:
        made(bank, author)
    assert (refused.value.field, Item.objects.count()) == ("code", 1)


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"difficulty": 9.0}, "difficulty", "hors de l’échelle"),
        ({"stored": from_own({**OWN, "text": " "})}, "text", "n’a pas de texte"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_stored(
    bank: ItemBank, author: Actor, change: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(Refused, match=said) as refused:
        made(bank, author, **change)
    assert (refused.value.field, Item.objects.count()) == (field, 0)


def test_a_competency_stands_in_its_domain(bank: ItemBank, author: Actor) -> None:
    with pytest.raises(Refused, match="n’est pas du domaine"):
        made(bank, author, competency=bank.framework.nodes.get(code="d2.1"))
    stranger = skills.framework("autre").nodes.get(code="d1")
    with pytest.raises(Refused, match="référentiel de la banque"):
        made(bank, author, domain=stranger, competency=None)


def test_a_draft_is_mended_and_what_was_reviewed_gets_a_new_version(
    bank: ItemBank, author: Actor, second: Actor
) -> None:
    item = made(bank, author)
    better = from_own({**OWN, "text": "Que faire devant un message douteux ?"})
    change = data(bank, stored=better, note="Plus clair")
    services.revise_item(actor=author, item=item, data=change, seen=1, now=NOW)
    assert ItemVersion.objects.get().content["text"] == "Que faire devant un message douteux ?"
    review(actor=second, item=item, number=1, verdict="accept", comment="", now=NOW)
    activate(actor=second, item=item, now=NOW)
    adopt(
        actor=SYSTEM,
        bank=bank,
        run_uid=uuid.UUID(int=1),
        rows=[CalibrationRow(ItemVersion.objects.get().uid, "2PL", 1.0, [0.0], 800)],
        simulated=False,
        now=NOW,
    )
    services.revise_item(
        actor=author, item=item, data=replace(change, difficulty=1.0), seen=1, now=NOW
    )
    item.refresh_from_db()
    assert (item.state, item.difficulty, item.current.number) == ("active", 1.0, 1)
    services.revise_item(actor=author, item=item, data=data(bank, note="Court"), seen=1, now=NOW)
    item = Item.objects.get()
    assert (item.state, item.current.number, item.current.note) == ("draft", 2, "Court")
    assert item.current.calibrations.count() == 0
    old = item.versions.get(number=1)
    assert (old.content["text"], old.calibrations.count()) == (better.content["text"], 1)


def test_two_authors_at_once_are_told(bank: ItemBank, author: Actor, second: Actor) -> None:
    item = made(bank, author)
    review(actor=second, item=item, number=1, verdict="accept", comment="", now=NOW)
    first = data(bank, stored=from_own({**OWN, "text": "Un ?"}))
    late = data(bank, stored=from_own({**OWN, "text": "Deux ?"}))
    services.revise_item(actor=author, item=item, data=first, seen=1, now=NOW)
    with pytest.raises(Refused, match="a changé pendant"):
        services.revise_item(actor=author, item=item, data=late, seen=1, now=NOW)
    assert Item.objects.get().current.content["text"] == "Un ?"
    with pytest.raises(Refused, match="Une version 2"):
        review(actor=second, item=item, number=1, verdict="accept", comment="", now=NOW)


def test_the_author_does_not_review_and_nothing_serves_unreviewed(
    bank: ItemBank, author: Actor, second: Actor
) -> None:
    item = made(bank, author)
    with pytest.raises(Refused, match="Vous avez écrit"):
        review(actor=author, item=item, number=1, verdict="accept", comment="", now=NOW)
    with pytest.raises(Refused, match="seconde personne"):
        activate(actor=second, item=item, now=NOW)
    with pytest.raises(Refused, match="corriger"):
        review(actor=second, item=item, number=1, verdict="change", comment=" ", now=NOW)
    assert (ItemReview.objects.count(), Item.objects.get().state) == (0, "draft")
    review(actor=second, item=item, number=1, verdict="accept", comment="", now=NOW)
    assert Item.objects.get().state == "reviewed"
    review(actor=second, item=item, number=1, verdict="change", comment="Trop long", now=NOW)
    assert Item.objects.get().state == "draft"
    with pytest.raises(Refused, match="seconde personne"):
        activate(actor=second, item=item, now=NOW)
    review(actor=second, item=item, number=1, verdict="accept", comment="", now=NOW)
    assert activate(actor=second, item=item, now=NOW).state == "active"


def test_retired_with_a_reason_and_brought_back(
    bank: ItemBank, author: Actor, second: Actor
) -> None:
    item = made(bank, author)
    with pytest.raises(Refused, match="pourquoi"):
        services.retire(actor=second, item=item, reason=" ", now=NOW)
    services.retire(actor=second, item=item, reason="Loi changée", now=NOW)
    with pytest.raises(Refused, match="retirée"):
        services.revise_item(actor=author, item=item, data=data(bank), seen=1, now=NOW)
    assert services.restore(actor=second, item=item, now=NOW).state == "draft"
    review(actor=second, item=item, number=1, verdict="accept", comment="", now=NOW)
    services.retire(actor=second, item=item, reason="Loi changée", now=NOW)
    assert services.restore(actor=second, item=item, now=NOW).state == "reviewed"


def test_a_bank_of_elsewhere_is_not_written(tree: people.Tree, author: Actor) -> None:
    bank = skills.bank(tree.country)
    below = people.actor("author", tree.fatick)
    with pytest.raises(Refused, match="pas le droit"):
        made(bank, below)
    with pytest.raises(Refused, match="déjà celui d’une banque"):
        create_bank(
            actor=author,
            code=bank.code,
            name="x",
            framework=bank.framework,
            node=tree.country,
            now=NOW,
        )


def test_a_bank_follows_a_new_edition_by_code(bank: ItemBank, author: Actor) -> None:
    item = made(bank, author)
    new = new_version(actor=SYSTEM, framework=bank.framework, version="2", now=NOW)
    new.nodes.filter(code="d1.1").delete()
    values = {"actor": author, "bank": bank, "name": "B", "licence": "", "now": NOW}
    with pytest.raises(Refused, match=r"code d1\.1.*Q-1"):
        update_bank(**values, framework=new)
    whole = new_version(actor=SYSTEM, framework=bank.framework, version="3", now=NOW)
    update_bank(**values, framework=whole)
    item.refresh_from_db()
    assert item.domain == whole.nodes.get(code="d1")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 2_000_000, "pèse 2000 Ko : la limite est de 60 Ko"),
        (b"<svg onload=alert(1)>", "n’est pas une image"),
        (b"\x89PNG\r\n\x1a\n", "n’est pas une image"),
        (PNG[:16] + struct.pack(">II", 30_000, 30_000) + PNG[24:], "30000 × 30000 pixels"),
        (PNG[:16] + struct.pack(">II", 40, 0) + PNG[24:], "40 × 0 pixels"),
    ],
)
def test_a_picture_is_small_and_a_picture(content: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said):
        judge(content, "a.png")
    assert LIMIT == 60_000


def test_pictures_are_kept_once_and_need_words(bank: ItemBank, author: Actor) -> None:
    import base64

    source = base64.b64encode(PNG).decode()
    for alt in ("", "Un cadenas"):
        pictures = Pictures("b/Q-1")
        html = f'<p>Que voit-on ? <img src="data:image/png;base64,{source}" alt="{alt}"></p>'
        stored = from_own({**OWN, "text": html, "html": True}, pictures.keep)
        pictures.measure(stored)
        one = data(bank, stored=stored)
        if not alt:
            with pytest.raises(Refused, match="texte de remplacement"):
                services.create_item(actor=author, bank=bank, data=one, now=NOW, pictures=pictures)
            assert (Item.objects.count(), StoredFile.objects.count()) == (0, 0)
    item = services.create_item(actor=author, bank=bank, data=one, now=NOW, pictures=pictures)
    services.revise_item(actor=author, item=item, data=one, seen=1, now=NOW, pictures=pictures)
    media = ItemMedia.objects.get()
    assert (media.alt, media.width, media.height) == ("Un cadenas", 40, 30)
    assert item.current.content["images"][0]["uid"] == str(media.uid)
    assert Pictures("b/Q-2").keep(File("a.png", source)) != str(media.uid)


def test_the_questions_of_the_packs_load_twice_as_once(tree: people.Tree) -> None:
    load_frameworks(actor=SYSTEM, now=NOW)
    bank = load_bank(actor=SYSTEM, node=tree.country, now=NOW)
    count = bank.items.count()
    assert count >= 150
    assert bank.items.filter(current=None).count() == 0
    assert bank.items.filter(state="active").count() == ItemReview.objects.count()
    assert bank.items.filter(competency=None).count() == 0
    Item.objects.filter(code="CYB-001").update(difficulty=2.0)
    report = load_questions(actor=SYSTEM, bank=bank, now=NOW)
    assert (report.there, report.added, bank.items.count()) == (count, {}, count)
    assert bank.items.get(code="CYB-001").difficulty == 2.0
