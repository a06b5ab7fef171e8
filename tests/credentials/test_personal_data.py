"""What the room holds about a person: the copy, merging, erasure, and the end of retention."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from kalan.base.errors import Refused
from kalan.base.files import store
from kalan.credentials.models import Act, ActEvent, Badge, Batch
from kalan.credentials.services import reading, retention, verifying, verifying_files
from kalan.credentials.services.subjects import CredentialsPart
from kalan.people.services import privacy
from tests.factories import acts, credentials, people
from tests.factories.credentials import training_data
from tests.factories.people import NOW

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7 octets"
PART = CredentialsPart()


@pytest.fixture
def act(tree: people.Tree) -> Act:
    holder = people.agent(tree.centre_sokone, last_name="Ndiaye", first_names="Awa")
    return acts.act(
        acts.batch(tree.fatick, mode="hand"),
        holder,
        content=PDF,
        shown="full",
        email="awa@exemple.sn",
        data=training_data("Awa NDIAYE"),
    )


def test_one_s_copy_holds_one_s_acts(act: Act) -> None:
    assert act.agent is not None
    (rows,) = [
        rows for title, rows in privacy.own_data(act.agent, None).items() if "certificats" in title
    ]
    assert [(row["numéro"], row["montré à qui vérifie"]) for row in rows] == [
        (act.number, "nom et contenu")
    ]
    assert rows[0]["données imprimées"]["holder"]["name"] == "Awa NDIAYE"
    assert PART.summary([act.agent.pk]) == {act.agent.pk: {"attestations et certificats": 1}}


def test_erasure_keeps_what_was_signed_and_drops_the_rest(act: Act, tree: people.Tree) -> None:
    assert act.agent_id is not None
    draft = credentials.batch(tree.fatick, acts=1)
    Act.objects.filter(batch=draft).update(agent=act.agent_id)
    void = credentials.add_acts(draft, 1)[0]
    number = {"state": "void", "number": "SN-2023-999999", "code": "0" * 24}
    Act.objects.filter(pk=void.pk).update(agent=act.agent_id, **number)
    said = PART.erase(agent_id=act.agent_id, now=NOW)
    assert said == {"actes en préparation": 2, "coordonnées sur des actes": 1}
    kept, left = Act.objects.filter(agent=act.agent_id).order_by("pk")
    assert (kept.name, kept.email, kept.shown) == ("Awa NDIAYE", "", "minimal")
    assert (left.name, left.data, left.number) == ("", {}, "SN-2023-999999")
    assert PART.erase(agent_id=act.agent_id, now=NOW) == dict.fromkeys(said, 0)


def test_after_ten_years_the_name_and_the_document_go_and_the_register_stays(
    act: Act, django_capture_on_commit_callbacks: Any
) -> None:
    before = retention.forget_old(now=NOW.replace(year=2033) - dt.timedelta(days=1))
    assert (before, reading.act_bytes(fresh(act))) == (0, PDF)
    later = NOW.replace(year=2033) + dt.timedelta(days=1)
    source = store(content=b"Nom\nAwa", name="noms.csv", kind="x", by=None, now=NOW)
    Batch.objects.filter(pk=act.batch_id).update(file=source)
    Badge.objects.create(act=act, form="vc_jwt", body="Awa", key=acts.key(), issued_at=NOW)
    ActEvent.objects.create(act=act, kind="notice", text="Awa a triché", at=NOW)
    aside = credentials.add_acts(act.batch, 1)[0]
    with django_capture_on_commit_callbacks(execute=True):
        assert retention.forget_old(now=later) == 1
    assert not Path(source.file.path).exists()
    assert not Badge.objects.exists()
    assert act.events.get().text == ""
    aside.refresh_from_db()
    assert (aside.name, aside.data) == ("", {})
    assert retention.forget_old(now=later) == 0
    left = fresh(act)
    assert (left.name, left.initials, left.data, left.email) == ("", "", {}, "")
    assert (left.number, left.sha256) == (act.number, act.sha256)
    with pytest.raises(Refused, match="n’est plus conservé"):
        reading.act_bytes(left)
    # The holder's own copy is still known by its hash.
    found = verifying_files.by_file(content=PDF, address="192.0.2.1", now=later)
    assert found.result == "valid"
    assert verifying.answer_for(left, now=later).holder == ""


def test_what_is_still_valid_is_kept_whole(act: Act) -> None:
    Act.objects.filter(pk=act.pk).update(valid_until=dt.date(2034, 1, 1))
    assert retention.forget_old(now=NOW.replace(year=2033, month=6)) == 0


def test_a_country_may_keep_them_longer(act: Act) -> None:
    assert retention.kept_until(NOW, "sn") == NOW.replace(year=2033)
    assert Batch.objects.get(pk=act.batch_id).node.country == "sn"


def fresh(act: Act) -> Act:
    return Act.objects.select_related("pack__file", "batch__run__key", "batch__office__node").get(
        pk=act.pk
    )
