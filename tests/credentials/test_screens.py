"""Staff screens of acts: lists whose queries do not grow, what is filtered, taken out, refused."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kalan.base.ids import uuid7
from kalan.base.models import Job
from kalan.credentials.models import Act, Batch, Office, SigningRun
from kalan.credentials.services.ordering import mark_of
from kalan.people.models import Account
from kalan.training.models import Session
from tests.factories import acts as signed
from tests.factories import credentials as make
from tests.factories import jobs, people, signing, training
from tests.factories.people import Tree
from tests.support.signin import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def region(tree: Tree, client: Client) -> Account:
    """The account of the region, signed in."""
    account = people.account("region", tree.fatick)
    sign_in(client, account)
    return account


def get(client: Client, name: str, *, code: int = 200, query: str = "", **kwargs: Any) -> str:
    response = client.get(reverse(name, kwargs=kwargs) + query)
    assert response.status_code == code
    return response.content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_batches_asks_as_much_for_three_as_for_one(
    tree: Tree, region: Account, client: Client, number: int, django_assert_num_queries: Any
) -> None:
    for _ in range(number):
        make.batch(tree.fatick, acts=2)
    with django_assert_num_queries(8):
        get(client, "act-batch-list")


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_of_a_batch_asks_as_much_for_three_acts_as_for_one(
    tree: Tree, region: Account, client: Client, number: int, django_assert_num_queries: Any
) -> None:
    batch = make.batch(tree.fatick, acts=number)
    with django_assert_num_queries(16):
        get(client, "act-batch", uid=batch.uid)


@pytest.mark.parametrize("number", [1, 3])
def test_the_tray_asks_as_much_for_three_batches_as_for_one(
    tree: Tree, client: Client, number: int, django_assert_num_queries: Any
) -> None:
    first = make.approved_batch(tree.fatick)
    for _ in range(number - 1):
        make.approved(make.batch(tree.fatick, office=first.office))
    sign_in(client, first.office.holders.get().account)
    with django_assert_num_queries(8):
        text = get(client, "signing-tray")
    assert f'>{number}<span class="visually-hidden"> en attente</span>' in text


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_offices_asks_as_much_for_three_as_for_one(
    tree: Tree, client: Client, number: int, django_assert_num_queries: Any
) -> None:
    for _ in range(number):
        make.holder(make.office(tree.fatick))
    sign_in(client, people.account("admin", tree.country))
    with django_assert_num_queries(5):
        get(client, "office-list")


def test_batches_are_narrowed_by_name_kind_and_session(
    tree: Tree, region: Account, client: Client
) -> None:
    session = training.session(tree.fatick)
    make.batch(tree.fatick, title="Premier lot", session=session)
    other = make.batch(tree.fatick, title="Second lot", acts=0)
    Act.objects.create(batch=other, rank=1, record="x", name="Aïssatou SÈNE")
    for query, expected in (
        ("?q=sène", ["Second lot"]),
        (f"?session={session.uid}", ["Premier lot"]),
        ("?kind=competence", []),
        ("?state=draft&q=lot", ["Premier lot", "Second lot"]),
        ("?session=pas-un-numero", ["Premier lot", "Second lot"]),  # unreadable: said, not obeyed
    ):
        text = get(client, "act-batch-list", query=query)
        assert [name for name in ("Premier lot", "Second lot") if name in text] == expected


def test_the_list_is_exported(tree: Tree, region: Account, client: Client) -> None:
    make.batch(tree.fatick, acts=2, title="Lot de mars")
    text = client.get("/gestion/actes/?format=csv").content.decode("utf-8-sig")
    head, line = text.splitlines()[:2]
    assert head.split(";")[0] == "Lot"
    assert (line.split(";")[0], line.split(";")[-3]) == ("Lot de mars", "2")


def closed_session(tree: Tree) -> Session:
    programme = training.programme(tree.fatick)
    return training.session(tree.fatick, programme=programme, state="closed", closed_at=people.NOW)


def test_a_batch_is_prepared_from_the_page_of_its_session(
    tree: Tree, region: Account, client: Client
) -> None:
    session = closed_session(tree)
    version = make.version(tree.country, "sheet")
    office = make.office(tree.country)
    chosen = get(client, "act-batch-new", query=f"?session={session.uid}")
    assert f"/gestion/actes/nouveau/{version.template.uid}/?session={session.uid}" in chosen
    address = reverse("act-batch-create", kwargs={"template": version.template.uid})
    page = client.get(f"{address}?session={session.uid}").content.decode()
    assert f'value="session:{session.uid}" selected' in page
    answer = client.post(address, {"about": f"session:{session.uid}", "office": office.uid})
    batch = Batch.objects.get()
    assert answer.headers["Location"] == f"/gestion/actes/{batch.uid}/"
    assert (batch.session, batch.office, batch.prepared_by) == (session, office, region)


def test_a_source_that_gives_nothing_is_named_and_nothing_is_kept(
    tree: Tree, region: Account, client: Client
) -> None:
    session = closed_session(tree)
    version = make.version(tree.country, "training")
    office = make.office(tree.country)
    address = reverse("act-batch-create", kwargs={"template": version.template.uid})
    answer = client.post(address, {"about": f"session:{session.uid}", "office": office.uid})
    assert answer.status_code == 422
    assert "Cette session ne donne aucun acte de ce modèle." in answer.content.decode()
    assert Batch.objects.count() == 0


def test_setting_aside_asks_why(tree: Tree, region: Account, client: Client) -> None:
    batch = make.batch(tree.fatick, acts=1)
    act = batch.acts.get()
    address = reverse("act-exclude", kwargs={"uid": batch.uid, "act": act.uid})
    assert client.post(address, {"reason": ""}).status_code == 422
    client.post(address, {"reason": "a quitté le service"})
    act.refresh_from_db()
    assert (act.state, act.problem) == ("excluded", "a quitté le service")


def test_a_batch_handed_over_anew_is_read_again_before_the_visa(
    tree: Tree, region: Account, client: Client
) -> None:
    batch = make.checked(make.batch(tree.fatick))
    address = reverse("act-batch-visa", kwargs={"uid": batch.uid})
    seen = people.NOW.isoformat()
    assert f'name="seen" value="{seen}"' in client.get(address).content.decode()
    rows = Batch.objects.filter(pk=batch.pk)
    rows.update(checked_at=people.NOW + dt.timedelta(minutes=1))
    client.post(address, {"seen": seen})
    assert rows.get().state == "checked"
    client.post(address, {"seen": rows.get().checked_at.isoformat()})  # type: ignore[union-attr]
    assert rows.get().state == "approved"


def test_a_structure_reads_and_takes_out_its_own_people_of_the_batch_of_the_region(
    tree: Tree, client: Client
) -> None:
    batch = signed.batch(tree.fatick)
    mine = signed.act(batch, structure=tree.centre_sokone, name="Awa NDIAYE", content=b"%PDF-1")
    signed.act(batch, structure=tree.poste_toubacouta, name="Binta SOW", content=b"%PDF-2")
    sign_in(client, people.account("structure", tree.centre_sokone))
    # The list finds the batch by its own people: not by those of others, who stay unknown.
    for word, found in (("NDIAYE", True), ("Binta", False), (mine.number, True)):
        assert (batch.title in get(client, "act-batch-list", query=f"?q={word}")) is found
    text = get(client, "act-batch", uid=batch.uid)
    assert ("Awa NDIAYE" in text, "Binta SOW" in text) == (True, False)
    address = reverse("act-batch-bundles", kwargs={"uid": batch.uid})
    answer = client.post(address, {"form": "zip", "structure": ""})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        name = f"Centre de santé de Sokone/{mine.number} Awa NDIAYE.pdf"
        assert {one: archive.read(one) for one in archive.namelist()} == {name: b"%PDF-1"}


def test_many_acts_are_taken_out_by_background_work_for_who_asked_and_for_a_week(
    tree: Tree,
    region: Account,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    from kalan.credentials.services import bundles, retention

    monkeypatch.setattr(bundles, "AT_ONCE", 1)
    batch = signed.batch(tree.fatick)
    for number in (1, 2):
        signed.act(batch, name=f"Awa {number}", content=f"%PDF-{number}".encode())
    address = reverse("act-batch-bundles", kwargs={"uid": batch.uid})
    answer = client.post(address, {"form": "zip", "structure": ""})
    job = Job.objects.get(kind="acts.bundle")
    assert answer.headers["Location"] == f"{address}{job.uid}/"
    jobs.run_jobs()
    assert "Le fichier est prêt" in client.get(f"{address}{job.uid}/").content.decode()
    content = b"".join(client.get(f"{address}{job.uid}/fichier/").streaming_content)  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert sorted(archive.read(name) for name in archive.namelist()) == [b"%PDF-1", b"%PDF-2"]
    sign_in(client, people.account("region", tree.fatick))
    assert client.get(f"{address}{job.uid}/fichier/").status_code == 404
    sign_in(client, region)
    job.refresh_from_db()
    stored = job.result_file
    assert stored is not None
    path, made = Path(stored.file.path), stored.created_at
    assert retention.forget_bundles(now=made + dt.timedelta(days=7)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        gone = retention.forget_bundles(now=made + dt.timedelta(days=7, seconds=1))
    assert (gone, path.exists()) == (1, False)
    page = client.get(f"{address}{job.uid}/fichier/", follow=True).content.decode()
    assert "Refaire le fichier" in page
    assert "expiré, à refaire" in client.get(address).content.decode()
    client.post(address, {"form": "zip", "structure": ""})
    assert Job.objects.filter(kind="acts.bundle", state="queued").count() == 1


@pytest.fixture
def waiting(tree: Tree, client: Client) -> Batch:
    """An approved batch, its signatory signed in."""
    batch = make.approved_batch(tree.fatick)
    sign_in(client, batch.office.holders.get().account)
    return batch


def confirm(client: Client, batch: Batch, **data: str) -> Any:
    seen = {"seen": mark_of(list(Batch.objects.filter(pk=batch.pk)))}
    return client.post("/gestion/parapheur/signer/", {"lot": str(batch.uid), **seen, **data})


def test_the_click_asks_a_code_and_sent_twice_is_one_run(
    waiting: Batch, client: Client, clock_of_now: dt.datetime
) -> None:
    uid = "019a0000-0000-7000-8000-000000000001"
    page = confirm(client, waiting)
    assert (page.status_code, "Signer 3 actes" in page.content.decode()) == (200, True)
    wrong = confirm(client, waiting, code="000000", form_uid=uid)
    assert (wrong.status_code, SigningRun.objects.count()) == (422, 0)
    code = make.totp(clock_of_now)
    first = confirm(client, waiting, code=code, form_uid=uid)
    again = confirm(client, waiting, code=code, form_uid=uid)
    assert first.headers["Location"] == again.headers["Location"] == f"/gestion/parapheur/{uid}/"
    assert SigningRun.objects.get().total == 3


def test_a_batch_that_changed_since_it_was_read_is_shown_again(
    waiting: Batch, client: Client, clock_of_now: dt.datetime
) -> None:
    page = client.get(f"/gestion/parapheur/signer/?lot={waiting.uid}").content.decode()
    read = mark_of([Batch.objects.get(pk=waiting.pk)])
    assert f'name="seen" value="{read}"' in page
    Batch.objects.filter(pk=waiting.pk).update(approved_at=clock_of_now)
    sent = confirm(client, waiting, code=make.totp(clock_of_now), form_uid=str(uuid7()), seen=read)
    assert sent.headers["Location"] == f"/gestion/parapheur/signer/?lot={waiting.uid}"
    assert "ont changé depuis" in client.get(sent.headers["Location"]).content.decode()
    assert SigningRun.objects.count() == 0


@pytest.fixture
def clock_of_now() -> dt.datetime:
    from kalan.base import clock

    return clock.now()


def test_nothing_ticked_and_two_offices_at_once_are_said(waiting: Batch, client: Client) -> None:
    answer = client.post("/gestion/parapheur/signer/", {}, follow=True)
    assert "Cochez au moins un lot." in answer.content.decode()
    office = make.office(waiting.node, title="Une autre fonction")
    make.holder(office, waiting.office.holders.get().account)
    other = make.approved(make.batch(waiting.node, office=office))
    lots = {"lot": [str(waiting.uid), str(other.uid)]}
    answer = client.post("/gestion/parapheur/signer/", lots, follow=True)
    assert "Signez pour une fonction à la fois" in answer.content.decode()


def test_what_failed_is_named_tried_again_or_given_up(
    tree: Tree, client: Client, settings: Any, tmp_path: Any
) -> None:
    settings.KALAN_HOME = tmp_path
    batch = make.approved_batch(tree.fatick, acts=2, key=make.keys_of())
    Act.objects.filter(batch=batch, rank=1).update(data={"kind": "training"})
    run = make.ordered(batch)
    jobs.run_jobs()
    failed = batch.acts.get(rank=1)
    sign_in(client, run.account)
    page = get(client, "signing-run", uid=run.uid)
    assert failed.number is not None
    assert failed.number in page
    assert "À reprendre (1)" in page
    assert reverse("signing-retry", kwargs={"uid": run.uid}) in page
    address = reverse("signing-give-up", kwargs={"uid": run.uid, "act": failed.uid})
    assert client.post(address, {"reason": ""}).status_code == 422
    client.post(address, {"reason": "fiche vide"})
    assert "Signature terminée" in get(client, "signing-run", uid=run.uid)
    failed.refresh_from_db()
    assert (failed.state, failed.problem) == ("void", "fiche vide")


def test_a_print_run_says_that_it_is_a_copy(tree: Tree, region: Account, client: Client) -> None:
    import pikepdf

    batch = signed.batch(tree.fatick)
    signed.act(batch, content=signing.document())
    address = reverse("act-batch-bundles", kwargs={"uid": batch.uid})
    answer = client.post(address, {"form": "print", "structure": ""})
    with pikepdf.open(io.BytesIO(answer.content)) as whole:
        assert len(whole.pages) == 3  # a page that says what it is, and two of the act
    assert "tirage-" in answer.headers["Content-Disposition"]


def test_an_office_is_opened_held_and_closed(tree: Tree, client: Client) -> None:
    sign_in(client, people.account("admin", tree.country))
    signatory = people.account("signatory", tree.fatick)
    values = {"node": "Fatick", "title": "Le Médecin-chef", "place": "Fatick", "mode": "hand"}
    answer = client.post(reverse("office-new"), {**values, "node": "Nulle part"})
    assert (answer.status_code, Office.objects.count()) == (422, 0)
    client.post(reverse("office-new"), values)
    office = Office.objects.get()
    address = reverse("office-holder-new", kwargs={"uid": office.uid})
    holder = {
        "account": signatory.uid, "capacity": "interim", "name": "Dr Awa NDIAYE",
        "title": "Médecin-chef", "start": "2023-03-01", "end": "2023-02-01",
    }  # fmt: skip
    answer = client.post(address, holder)
    assert answer.status_code == 422
    assert "La fin précède le début." in answer.content.decode()
    client.post(address, {**holder, "end": ""})
    assert office.holders.get().capacity == "interim"
    client.post(reverse("office-retire", kwargs={"uid": office.uid}))
    office.refresh_from_db()
    assert office.retired_at is not None


def test_a_register_that_was_edited_is_seen(tree: Tree, client: Client) -> None:
    from kalan.credentials.models import RegisterEntry
    from kalan.credentials.services import register

    sign_in(client, people.account("auditor", tree.country))
    for number in (1, 2):
        register.append(kind="key", by=None, now=people.NOW, body={"name": f"clé {number}"})
    whole = client.post(reverse("act-register-check")).content.decode()
    assert "Le registre est intact." in whole
    RegisterEntry.objects.filter(seq=1).update(body={"name": "autre"})
    broken = client.post(reverse("act-register-check")).content.decode()
    assert "Le registre n’est pas intact." in broken
