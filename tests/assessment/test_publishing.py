"""Tests: written, refused or published, frozen anew, closed; seen and used by whom."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from kalan.assessment.models import FrozenItem, FrozenTest, Test
from kalan.assessment.selectors.frozen import frozen_of
from kalan.assessment.selectors.tests import (
    current_frozen,
    open_tests,
    usable_tests,
    visible_tests,
)
from kalan.assessment.services import endings, publishing, tests
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.skills.models import ItemCalibration, ItemVersion
from tests.factories import assessment, people
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db


def calibrate(test: Test, *, answers: int = 600, simulated: bool = False) -> None:
    ItemCalibration.objects.bulk_create(
        ItemCalibration(
            version=version,
            run_uid=test.uid,
            model="2PL",
            a=1.2,
            b=[version.item.difficulty],
            se_a=0.1,
            se_b=0.1,
            answers=answers,
            simulated=simulated,
            adopted_at=NOW,
        )
        for version in ItemVersion.objects.filter(item__bank=test.bank).select_related("item")
    )


def test_publishing_freezes_the_questions_and_the_rules(tree: people.Tree) -> None:
    test = assessment.draft(tree.country, minutes=20)
    frozen = publishing.publish(actor=SYSTEM, test=test, now=NOW, persons=0)
    test.refresh_from_db()
    assert (test.state, test.published_at) == ("published", NOW)
    assert (frozen.current, frozen.simulated, frozen.form) == (True, False, "")
    body = frozen_of(frozen.pk)
    assert (body.version, body.rules.minutes) == (frozen.version, 20)
    assert [level.code for level in body.levels] == ["debut", "sur"]
    uids = FrozenItem.objects.filter(frozen=frozen).order_by("number")
    assert [str(uid) for uid in uids.values_list("version__uid", flat=True)] == [
        item.uid for item in body.items
    ]
    # Publishing again is harmless.
    assert publishing.publish(actor=SYSTEM, test=test, now=NOW, persons=0) == frozen
    assert current_frozen(test) == frozen


def test_a_bank_that_cannot_carry_the_test_is_named_before_publication(tree: people.Tree) -> None:
    bank = assessment.bank(tree.country, each=2)
    test = assessment.draft(tree.country, bank=bank)
    assert publishing.missing(test) == [
        "il manque 1 question du domaine «\u00a0Élément d1\u00a0»",
        "il manque 1 question du domaine «\u00a0Élément d2\u00a0»",
    ]
    with pytest.raises(Refused) as refused:
        publishing.publish(actor=SYSTEM, test=test, now=NOW, persons=0)
    assert str(refused.value) == (
        "La banque ne peut pas porter ce test : il manque 1 question du domaine "
        "«\u00a0Élément d1\u00a0» ; il manque 1 question du domaine «\u00a0Élément d2\u00a0». "
        "Ajoutez des questions en service, ou demandez-en moins."
    )
    test.refresh_from_db()
    assert (test.state, FrozenTest.objects.count()) == ("draft", 0)


def test_an_exam_does_not_rest_on_provisional_questions(tree: people.Tree) -> None:
    test = assessment.draft(tree.country, "certification")
    with pytest.raises(Refused, match="24 question"):
        publishing.publish(actor=SYSTEM, test=test, now=NOW, persons=0)
    calibrate(test)
    assert publishing.missing(test) == []
    assert publishing.publish(actor=SYSTEM, test=test, now=NOW, persons=0).simulated is False


def test_simulated_calibrations_serve_the_demonstration_alone(
    tree: people.Tree, settings: Any
) -> None:
    test = assessment.draft(tree.country, "certification")
    calibrate(test, simulated=True)
    with pytest.raises(Refused, match="24 question"):
        publishing.publish(actor=SYSTEM, test=test, now=NOW, persons=0)
    settings.KALAN_DEMO = True
    assert publishing.publish(actor=SYSTEM, test=test, now=NOW, persons=0).simulated is True


def test_a_new_calibration_makes_a_new_frozen_test_and_leaves_old_sittings(
    tree: people.Tree,
) -> None:
    test = assessment.published(tree.country)
    sitting = assessment.begun(test, people.account())
    first = current_frozen(test)
    assert publishing.refreeze(actor=SYSTEM, test=test, now=NOW, persons=0) == first
    calibrate(test)
    second = publishing.refreeze(actor=SYSTEM, test=test, now=NOW, persons=0)
    assert first is not None
    assert second.pk != first.pk
    assert current_frozen(test) == second
    sitting.refresh_from_db()
    assert sitting.frozen_id == first.pk
    assert assessment.reply(sitting, number=1).outcome == "stored"
    assert assessment.begun(test, people.account()).frozen_id == second.pk


def test_what_was_published_does_not_change(tree: people.Tree) -> None:
    test = assessment.published(tree.country)
    with pytest.raises(Refused, match="ne changent plus"):
        tests.edit(actor=SYSTEM, test=test, now=NOW, minutes=5)
    edited = tests.edit(actor=SYSTEM, test=test, now=NOW, title="Un autre titre", retake_days=3)
    assert (edited.title, edited.retake_days) == ("Un autre titre", 3)
    with pytest.raises(Refused, match="ne se supprime pas"):
        tests.delete(actor=SYSTEM, test=test, now=NOW)
    tests.close(actor=SYSTEM, test=test, now=NOW)
    with pytest.raises(Refused, match="fermé"):
        tests.edit(actor=SYSTEM, test=test, now=NOW, title="Encore")


def test_a_plan_that_cannot_be_read_is_refused(tree: people.Tree) -> None:
    with pytest.raises(Refused, match="quotas"):
        assessment.draft(tree.country, plan={"domains": {"d1": {}}, "quotas": 3})
    assert Test.objects.count() == 0


def test_a_code_serves_once(tree: people.Tree) -> None:
    bank = assessment.bank(tree.country)
    assessment.draft(tree.country, bank=bank, code="positionnement")
    with pytest.raises(Refused, match="déjà celui d’un test"):
        assessment.draft(tree.country, bank=bank, code="positionnement")


def test_who_sees_edits_and_publishes(tree: people.Tree) -> None:
    national = assessment.published(tree.country, bank=assessment.bank(tree.country))
    draft = assessment.draft(tree.country, bank=national.bank)
    regional = assessment.published(tree.fatick, bank=national.bank, open=False)
    other = assessment.published(tree.kaolack, bank=national.bank)
    region = people.actor("region", tree.fatick)
    assert set(visible_tests(region)) == {national, regional}
    assert set(usable_tests(region, "fixed")) == set()
    programme = people.actor("programme", tree.country)
    assert set(visible_tests(programme)) == {national, draft, regional, other}
    assert set(visible_tests(people.actor("trainer", tree.centre_guinguineo))) == {
        national,
        other,
    }
    assert set(open_tests()) == {national, other}
    for actor, test in ((region, draft), (people.actor("author", tree.fatick), draft)):
        with pytest.raises(Refused, match="pas le droit"):
            publishing.publish(actor=actor, test=test, now=NOW)
        with pytest.raises(Refused, match="pas le droit"):
            tests.edit(actor=actor, test=test, now=NOW, title="x")
    author = people.actor("author", tree.country)
    assert tests.edit(actor=author, test=draft, now=NOW, title="Relu").title == "Relu"


def test_the_frozen_body_is_the_one_of_its_hash(tree: people.Tree) -> None:
    frozen = publishing.publish(
        actor=SYSTEM, test=assessment.draft(tree.country), now=NOW, persons=0
    )
    assert json.loads(frozen.body)["format"] == "kalan-test-1"
    assert len(frozen.version) == 64


def test_time_and_purpose_stand_in_the_plan(tree: people.Tree) -> None:
    test = assessment.draft(tree.country, minutes=15)
    assert (test.plan["minutes"], test.plan["purpose"]) == (15, "positioning_short")
    edited = tests.edit(actor=SYSTEM, test=test, now=NOW, minutes=None)
    assert (edited.minutes, "minutes" in edited.plan) == (None, False)
    sitting_test = edited
    publishing.publish(actor=SYSTEM, test=sitting_test, now=NOW, persons=0)
    made = assessment.begun(Test.objects.get(pk=test.pk), people.account())
    assert made.deadline is None
    assert endings.expire_due(now=NOW + dt.timedelta(days=9)) == 0
