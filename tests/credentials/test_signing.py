"""A click: numbers, documents signed in child processes, stored once, and told by the register."""

from __future__ import annotations

import datetime as dt
import io
import resource
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.models import Job, Message, StoredFile
from kalan.credentials import keystore, words
from kalan.credentials.models import Act, ActPack, Batch, RegisterEntry, SigningKey, SigningRun
from kalan.credentials.selectors import keys
from kalan.credentials.selectors.signing import failures, progress
from kalan.credentials.services import orphans, register, signing, telling
from kalan.credentials.services.reading import ActDamaged, act_bytes
from kalan.credentials.services.verifying import Proof, answer_for
from kalan.credentials.services.verifying_files import by_file
from kalan.engine.signing.verify.judge import judge
from kalan.people.actor import Actor
from tests.factories import credentials as make
from tests.factories import jobs, people, stamping
from tests.factories.people import NOW, Tree
from tests.factories.signing import authority, crl, pem
from tests.support.ports import free_port
from tests.support.signin import sign_in

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def key(db: None) -> SigningKey:
    return make.keys_of()


def signatory(batch: Batch) -> Actor:
    return make.actor(batch.office.holders.get().account)


def states(batch: Batch) -> list[str]:
    return list(batch.acts.order_by("rank").values_list("state", flat=True))


def test_a_click_signs_every_act_once(tree: Tree, key: SigningKey) -> None:
    from pyhanko.pdf_utils.reader import PdfFileReader

    batch = make.approved_batch(tree.fatick, acts=8, key=key)
    run = make.ordered(batch)
    jobs.run_jobs()
    batch.refresh_from_db()
    acts = list(batch.acts.order_by("rank"))
    assert (batch.state, batch.signed_at) == ("signed", NOW)
    assert [act.number for act in acts] == [f"SN-2023-{n:06d}" for n in range(1, 9)]
    assert len({act.code for act in acts}) == len({act.status_index for act in acts}) == 8
    assert len({act.sha256 for act in acts}) == 8
    for act in acts[:2]:
        signatures = PdfFileReader(io.BytesIO(act_bytes(act))).embedded_signatures
        assert len(signatures) == 1
        assert signatures[0].compute_integrity_info() is None
        assert signatures[0].coverage.name == "ENTIRE_FILE"
    pack = StoredFile.objects.get(kind="acts")
    with zipfile.ZipFile(pack.file.path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"SN-2023-{n:06d}.pdf" for n in range(1, 9)]
        assert archive.read("SN-2023-000003.pdf") == act_bytes(acts[2])
    entry = RegisterEntry.objects.get()
    assert entry.body["root"] == batch.merkle_root == register.root_of(batch)[0]
    assert (entry.body["acts"], entry.body["first"]) == (8, "SN-2023-000001")
    run.refresh_from_db()
    seen = progress(run, now=LATER)
    assert (seen.signed, seen.percent, seen.finished, seen.running) == (8, 100, True, False)


@pytest.mark.one_database  # the signatures are looked at; the others number and store
@pytest.mark.filterwarnings("ignore")
def test_acts_are_raised_once_the_time_stamping_authority_answers(
    tree: Tree, settings: Any, tmp_path: Path, client: Client
) -> None:
    settings.KALAN_HOME = tmp_path
    now = clock.now().replace(microsecond=0)  # the chains are judged when the job runs
    batch = make.approved_batch(tree.fatick, acts=2, key=make.keys_of(made_at=now))
    folder = Path(settings.KALAN_HOME) / "tsa"
    folder.mkdir()
    (folder / "root.pem").write_bytes(pem(authority(stamping.ORGANISATION).certificate))
    (folder / "root.crl").write_bytes(crl(organisation=stamping.ORGANISATION))
    settings.KALAN_SIGNATURE_LEVEL = "b-lt"
    address = f"http://127.0.0.1:{free_port()}/"
    settings.KALAN_TSA_URL = address
    run = make.ordered(batch, now=now)
    jobs.run_jobs()
    said = f"L’autorité d’horodatage {address} ne répond pas\u00a0: elle refuse la connexion"
    assert said in progress(run, now=now).stopped
    with stamping.time_stamp_server(slow=True) as address:
        settings.KALAN_TSA_URL, settings.KALAN_TSA_TIMEOUT = address, 0.5
        signing.retry(actor=signatory(batch), run=run, now=now)
        jobs.run_jobs()
    run.refresh_from_db()
    said = f"{address} ne répond pas\u00a0: elle a trop tardé. Vérifiez son adresse"
    assert (states(batch), Job.objects.count()) == (["planned", "planned"], 2)
    sign_in(client, run.account)
    for page in (f"/gestion/actes/{batch.uid}/", "/gestion/parapheur/"):
        assert said in client.get(page).content.decode()
    assert f"{run.uid}/reprendre/" in client.get(f"/gestion/actes/{batch.uid}/").content.decode()
    with stamping.time_stamp_server(at=now) as address:
        settings.KALAN_TSA_URL, settings.KALAN_TSA_TIMEOUT = address, 20.0
        signing.retry(actor=signatory(batch), run=run, now=now)
        jobs.run_jobs()
    batch.refresh_from_db()
    assert (batch.state, states(batch)) == ("signed", ["signed", "signed"])
    pdf = act_bytes(batch.acts.get(rank=1))
    verdict = judge(pdf, trust=[*keys.trusted(), *keystore.stamping_roots()], at=now)
    assert [(one.kind, one.reason.value) for one in verdict.signatures] == [
        ("signature", "ok"),
        ("timestamp", "ok"),
    ]
    assert b"/DSS" in pdf
    found = by_file(content=pdf, address="192.0.2.1", now=now)
    assert (found.result, found.reason) == ("valid", "ok")
    # What the file proves of its date is noted as it was made, and judged again from the file.
    act = batch.acts.get(rank=1)
    assert found.proof == Proof("b-lt", "Horodatage", now) == answer_for(act, now=now).proof_of_date
    on = words.day(timezone.localdate(now), "fr")
    for page in (f"/gestion/actes/acte/{act.uid}/", f"/verifier/{act.code}/"):
        text = client.get(page).content.decode()
        assert f"ignature horodatée par Horodatage, le {on}\u00a0; le fichier contient" in text
    handed = {"file": SimpleUploadedFile("acte.pdf", pdf)}
    text = client.post("/verifier/?lang=en", handed).content.decode()
    assert f"time-stamped by Horodatage, {words.day(timezone.localdate(now), 'en')}" in text
    said = client.get(f"/verifier/{act.code}/?format=json").json()
    assert (said["pades"], said["stamped_by"]) == ("B-LT", "Horodatage")
    Act.objects.filter(pk=act.pk).update(pades="", stamped_at=None)  # the file has the last word
    assert by_file(content=pdf, address="192.0.2.1", now=now).proof == found.proof


def test_one_act_that_cannot_be_made_holds_up_no_other(tree: Tree, key: SigningKey) -> None:
    batch = make.approved_batch(tree.fatick, acts=3, key=key)
    act = batch.acts.get(rank=2)
    act.data["holder"]["name"] = "Awa 🙂"
    act.save(update_fields=["data"])
    run = make.ordered(batch)
    jobs.run_jobs()
    assert states(batch) == ["signed", "failed", "signed"]
    assert [row.number for row in failures(run)] == ["SN-2023-000002"]
    message = Message.objects.get()  # to who clicked, not to who keeps the keys
    assert (message.recipient, message.template) == (run.account.email, "act_run_stopped")
    assert "1 acte n’a pas pu être fait." in message.body
    batch.refresh_from_db()
    run.refresh_from_db()
    assert (batch.state, run.finished_at) == ("ordered", None)
    act.refresh_from_db()
    act.data["holder"]["name"] = "Awa DIOUF"
    act.save(update_fields=["data"])
    signing.retry(actor=signatory(batch), run=run, now=LATER)
    assert signing.retry(actor=signatory(batch), run=run, now=LATER).job == Job.objects.last()
    jobs.run_jobs()
    batch.refresh_from_db()
    assert (batch.state, states(batch)) == ("signed", ["signed"] * 3)
    assert register.verify().problems == []


def test_an_act_given_up_keeps_its_number_in_the_register(tree: Tree, key: SigningKey) -> None:
    batch = make.approved_batch(tree.fatick, acts=2, key=key)
    Act.objects.filter(batch=batch, rank=1).update(data={"kind": "training"})
    run = make.ordered(batch)
    jobs.run_jobs()
    assert states(batch) == ["failed", "signed"]
    act = batch.acts.get(rank=1)
    with pytest.raises(Refused, match="n’est pas la vôtre"):
        signing.give_up(actor=people.actor("structure", tree.fatick), act=act, reason="x", now=NOW)
    signing.give_up(actor=signatory(batch), act=act, reason="fiche vide", now=LATER)
    batch.refresh_from_db()
    run.refresh_from_db()
    assert (batch.state, run.finished_at) == ("signed", LATER)
    void, signed = RegisterEntry.objects.order_by("seq")
    assert (void.kind, void.body["number"]) == ("void", "SN-2023-000001")
    assert signed.body["void"] == ["SN-2023-000001"]
    assert signed.previous == void.hash
    assert register.verify().problems == []


def test_by_hand_an_act_counts_once_its_signature_was_entered(tree: Tree) -> None:
    batch = make.approved_batch(tree.fatick, acts=2)
    make.ordered(batch)
    jobs.run_jobs()
    batch.refresh_from_db()
    assert (batch.state, states(batch)) == ("printed", ["signed"] * 2)
    assert b"/ByteRange" not in act_bytes(batch.acts.get(rank=1))
    head = people.actor("programme", tree.country)
    with pytest.raises(Refused, match="précède l’impression"):
        signing.enter_hand_signature(
            actor=head, batch=batch, on=dt.date(2023, 3, 19), by="Dr NDIAYE", now=LATER
        )
    signing.enter_hand_signature(actor=head, batch=batch, on=NOW.date(), by="Dr NDIAYE", now=LATER)
    assert (batch.state, batch.hand_signed_on) == ("signed", NOW.date())
    assert RegisterEntry.objects.get().kind == "hand_signed"
    assert register.verify().problems == []


def test_a_wrong_passphrase_numbers_nothing(tree: Tree) -> None:
    key = make.keys_of(unlock="asked")
    batch = make.approved_batch(tree.fatick, acts=2, key=key)
    for given in (None, "une autre phrase que celle de la clé"):
        with pytest.raises(Refused) as refused:
            make.ordered(batch, passphrase=given)
        assert refused.value.field == "passphrase"
    batch.refresh_from_db()
    assert (batch.state, states(batch), SigningRun.objects.count()) == (
        "approved", ["draft", "draft"], 0,
    )  # fmt: skip
    run = make.ordered(batch, passphrase=make.PASSPHRASE)
    assert make.PASSPHRASE not in run.sealed
    jobs.run_jobs()
    run.refresh_from_db()
    assert (states(batch), run.sealed) == (["signed", "signed"], "")


def told(*recipients: str | None) -> list[str]:
    rows = Message.objects.filter(recipient__in=recipients).order_by("pk")
    return list(rows.values_list("template", flat=True))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing more than ``size`` bytes into a file fails, here and in child processes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_stops_the_run_and_it_goes_on_afterwards(tree: Tree, key: SigningKey) -> None:
    keeper, elsewhere = (people.account("admin", at) for at in (tree.country, tree.kaolack))
    batch = make.approved_batch(tree.fatick, acts=8, key=key)
    run = make.ordered(batch)
    with files_of_at_most(200_000):
        jobs.run_jobs()
    assert states(batch) == ["planned"] * 8
    seen = progress(SigningRun.objects.get(), now=LATER)
    assert "Le disque du serveur est plein" in seen.stopped
    assert StoredFile.objects.count() == 0
    assert list((Path(settings.MEDIA_ROOT) / "actes").glob(f"*/*/{run.uid}_*")) == []
    # Who clicked and who keeps the keys are told, once for this stop, what to do and where.
    assert told(run.account.email, keeper.email) == ["act_run_stopped"] * 2
    message = Message.objects.get(recipient=keeper.email)
    assert message.subject == "Signature arrêtée\u00a0: 0 acte signé sur 8"
    place = f"{batch.title}\n{settings.KALAN_BASE_URL}/gestion/actes/{batch.uid}/"
    assert [text in message.body for text in (seen.stopped, "Reprendre", place)] == [True] * 3
    signing.retry(actor=signatory(batch), run=run, now=LATER)
    jobs.run_jobs()
    assert states(batch) == ["signed"] * 8
    job = Job.objects.latest("pk")
    assert job.started_at is not None
    run.refresh_from_db()
    for _ in range(2):  # a short run ends in silence, a long one is told, once
        telling.run_ended(run=run, job=job, now=job.started_at + telling.LONG)
    assert told(run.account.email) == ["act_run_stopped", "act_run_ended"]
    assert told(elsewhere.email) == []


def test_a_key_that_ended_after_the_click_signs_no_more(tree: Tree, key: SigningKey) -> None:
    """Its passphrase is still there, left with the click."""
    batch = make.approved_batch(tree.fatick, acts=1, key=key)
    run = make.ordered(batch)
    SigningKey.objects.filter(pk=key.pk).update(state="revoked", ended_at=LATER)
    jobs.run_jobs()
    assert told(run.account.email) == ["act_run_stopped"]
    assert "a été révoquée depuis le clic" in progress(SigningRun.objects.get(), now=LATER).stopped
    with pytest.raises(Refused, match="a été révoquée depuis le clic"):
        signing.retry(actor=signatory(batch), run=run, now=LATER)
    SigningKey.objects.filter(pk=key.pk).update(state="active", not_after=NOW)
    with pytest.raises(Refused, match="a expiré depuis le clic"):
        signing.retry(actor=signatory(batch), run=run, now=LATER)
    assert (states(batch), ActPack.objects.count()) == (["planned"], 0)


def test_what_a_killed_process_left_is_removed(tree: Tree, key: SigningKey) -> None:
    batch = make.approved_batch(tree.fatick, acts=2, key=key)
    run = make.ordered(batch)
    job = run.job
    assert job is not None
    job.attempts = 1
    left = Path(settings.MEDIA_ROOT) / orphans.name_for(run, job)
    job.attempts = 9
    newer = Path(settings.MEDIA_ROOT) / orphans.name_for(run, job)
    left.parent.mkdir(parents=True, exist_ok=True)
    for path in (left, left.with_suffix(".part"), newer):
        path.write_bytes(b"half")
    jobs.run_jobs()
    kept = Path(ActPack.objects.get().file.file.path)
    assert sorted(left.parent.glob(f"{run.uid}_*")) == sorted([kept, newer])
    orphans.sweep(now=dt.datetime.now(dt.UTC) + dt.timedelta(days=2))
    assert (kept.exists(), newer.exists()) == (True, False)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("entry", "l’entrée 1 a été changée"),
        ("acts", "ses actes ne sont plus ceux"),
        ("file", "est abîmé ou absent"),
        ("number", "1 manquants, à partir de 2"),
        ("entry_gone", "absent du registre"),
        ("name", "un nom ou des données imprimées"),
        ("data", "un nom ou des données imprimées"),
        ("valid_until", "un numéro, un code ou une date"),
        ("swapped", "un numéro, un code ou une date"),
        ("status", "Acte SN-2023-000002 : révoqué dans la base, valable au registre."),
    ],
)
def test_the_register_shows_what_was_edited(
    tree: Tree, key: SigningKey, harm: str, said: str
) -> None:
    batch = make.approved_batch(tree.fatick, acts=2, key=key)
    make.ordered(batch)
    jobs.run_jobs()
    assert register.verify().problems == []
    act = batch.acts.get(rank=2)
    if harm == "entry":
        entry = RegisterEntry.objects.get()
        RegisterEntry.objects.update(body={**entry.body, "signatory": "Autre"})
    elif harm == "acts":
        Act.objects.filter(pk=act.pk).update(sha256="0" * 64)
    elif harm == "file":
        path = Path(ActPack.objects.get().file.file.path)
        raw = bytearray(path.read_bytes())
        raw[(act.start or 0) + 500] ^= 1
        path.write_bytes(raw)
        with pytest.raises(ActDamaged):
            act_bytes(act)
    elif harm == "number":
        Act.objects.filter(pk=act.pk).update(number="X-2")
    elif harm == "name":
        Act.objects.filter(pk=act.pk).update(name="Faux NOM", initials="F. N.")
    elif harm == "data":
        holder = {**act.data["holder"], "born_on": "1999-01-01"}
        Act.objects.filter(pk=act.pk).update(data={**act.data, "holder": holder})
    elif harm == "valid_until":
        Act.objects.filter(pk=act.pk).update(valid_until="2099-12-31")
    elif harm == "swapped":
        first = batch.acts.get(rank=1)
        Act.objects.filter(pk=act.pk).update(code="0" * 24)
        Act.objects.filter(pk=first.pk).update(code=act.code)
        Act.objects.filter(pk=act.pk).update(code=first.code)
    elif harm == "status":
        Act.objects.filter(pk=act.pk).update(status="revoked")
    else:
        RegisterEntry.objects.all().delete()
    assert said in " ".join(register.verify().problems)
