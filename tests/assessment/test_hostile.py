"""What a program posts that no page of ours ever offered: a sentence, never a fault."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from kalan.assessment.models import Sitting
from kalan.assessment.services import tests
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from tests.factories import assessment, exams, people
from tests.factories.people import NOW, Tree
from tests.support.signin import sign_in

pytestmark = pytest.mark.django_db

ODD = ["²", "٣", "9" * 5000, "-1", "1e999", ""]


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.mark.parametrize("number", ODD)
def test_a_number_that_is_none_is_answered(tree: Tree, client: Client, number: str) -> None:
    account = people.account()
    sitting = assessment.begun(assessment.published(tree.country), account)
    sign_in(client, account)
    url = f"/test/{sitting.uid}/"
    assert client.post(url, {"suite": number}).status_code == 200
    assert client.post(f"{url}page/", {"k": "focus", "n": number}).status_code == 204
    answered = client.post(url, {"u": sitting.uid, "n": number, "r": "b"})
    assert answered.status_code in (400, 409)
    assert Sitting.objects.get(pk=sitting.pk).log == "[]"


@pytest.mark.parametrize("number", ODD)
def test_a_call_about_no_question_is_refused(tree: Tree, client: Client, number: str) -> None:
    row = exams.begun(exams.candidate(exams.exam(tree.fatick), tree.centre_sokone))
    sign_in(client, row.account)
    for action in ("call", "replace"):
        said = {"action": action, "number": number, "text": "La photo manque"}
        assert client.post(reverse("exam-call", args=[row.uid]), said).status_code == 302
    sign_in(client, people.account("trainer", tree.fatick))
    said = {"action": "replace", "number": number}
    url = reverse("exam-candidate-file", args=[row.uid])
    assert client.post(url, said).status_code == 302
    assert Sitting.objects.get(candidate=row).log == "[]"


def test_an_exam_s_test_is_never_open_and_never_explains(tree: Tree) -> None:
    test = exams.certification(tree.country)
    with pytest.raises(Refused, match="libre accès"):
        tests.edit(actor=SYSTEM, test=test, now=NOW, open=True)
    draft = assessment.draft(tree.country, "certification", open=False)
    with pytest.raises(Refused, match="ni la réponse ni l’explication"):
        tests.edit(actor=SYSTEM, test=draft, now=NOW, plan={**draft.plan, "feedback": True})
    with pytest.raises(Refused, match="libre accès"):
        assessment.draft(tree.country, "certification", open=True)
