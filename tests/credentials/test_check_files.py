"""Handing in a file: what is ours byte for byte, and everything that only looks like it."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.models import StoredFile
from kalan.credentials.models import Act, Batch, CheckCount, SigningKey
from kalan.credentials.services import verifying_files
from kalan.engine.signing.verify import own as judging
from tests.factories import acts, people, signing
from tests.factories.people import NOW

# What is judged is the file; the register is read by one number (test_check.py, on both).
pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture(autouse=True)
def _at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def pdf() -> bytes:
    return signing.signer().sign(signing.document(), at=NOW)


def _pem(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


@pytest.fixture
def act(tree: people.Tree, pdf: bytes) -> Act:
    """A signed act with its true bytes, by a key whose chain stands in the database."""
    made = acts.act(tree.fatick, people.agent(tree.centre_sokone), content=pdf)
    leaf, *chain = signing.identity().certificates
    SigningKey.objects.update(
        certificate=_pem(leaf), chain="".join(_pem(der) for der in chain), name="Ministère"
    )
    return made


def check(content: bytes) -> tuple[str, str]:
    found = verifying_files.by_file(content=content, address="192.0.2.1", now=NOW)
    return found.result, found.reason


def flipped(pdf: bytes, at: int) -> bytes:
    return pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :]


def test_the_file_as_signed_is_valid(act: Act, pdf: bytes) -> None:
    assert check(pdf) == ("valid", "ok")


def test_what_was_changed_is_not(act: Act, pdf: bytes) -> None:
    body = pdf.index(b"stream") + 40
    assert {
        "a byte of the content": check(flipped(pdf, body))[0],
        "something added": check(pdf + b"\n%%EOF\n")[0],
        "never signed": check(signing.document()),
    } == {
        "a byte of the content": "altered",
        "something added": "altered",
        "never signed": ("file_unknown", "not_signed"),
    }


def test_our_own_key_without_the_register_is_not_verified(act: Act, pdf: bytes) -> None:
    Act.objects.filter(pk=act.pk).update(sha256="0" * 64)
    assert check(pdf) == ("ours", "ok")


def test_another_authority_is_not_ours(act: Act) -> None:
    other = signing.signer(organisation="Autre ministère").sign(signing.document(), at=NOW)
    assert check(other) == ("file_unknown", "untrusted")


def test_the_register_alone_does_not_make_a_file_valid(act: Act) -> None:
    """Somebody who can write into the database still needs the key."""
    content = signing.document()
    digest = hashlib.sha256(content).hexdigest()
    Act.objects.filter(pk=act.pk).update(sha256=digest)
    assert check(content) == ("unreadable", "not_signed")


def test_any_exception_means_not_verified(
    act: Act, pdf: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a reader that fell over")

    monkeypatch.setattr(judging, "judge_own", breaks)
    assert check(pdf) == ("unreadable", "malformed")


def test_a_whole_file_of_a_revoked_act_or_key_is_not_valid(act: Act, pdf: bytes) -> None:
    Act.objects.filter(pk=act.pk).update(status="revoked")
    said = [check(pdf)[0]]
    Act.objects.filter(pk=act.pk).update(status="valid")
    SigningKey.objects.update(state="revoked", ended_at=NOW)
    said.append(check(pdf)[0])
    assert said == ["revoked", "key_revoked"]


def test_a_printed_file_counts_once_its_hand_signature_is_entered(tree: people.Tree) -> None:
    batch = acts.batch(tree.fatick, mode="hand")
    acts.act(batch, content=b"%PDF-1.7 sur papier")
    assert check(b"%PDF-1.7 sur papier") == ("valid", "")
    Batch.objects.filter(pk=batch.pk).update(state="printed", hand_signed_on=None)
    assert check(b"%PDF-1.7 sur papier") == ("pending", "")


def _send(client: Client, content: bytes | None) -> tuple[int, str]:
    data = {"file": SimpleUploadedFile("acte.pdf", content)} if content is not None else {}
    answer = client.post("/verifier/", data)
    return answer.status_code, answer.content.decode()


def test_the_page_takes_a_file_and_keeps_nothing(act: Act, pdf: bytes, client: Client) -> None:
    files, rows = _files(), StoredFile.objects.count()
    status, page = _send(client, pdf)
    assert status == 200
    assert "pas un octet n’a changé" in page
    assert act.initials in page
    assert act.name not in page
    assert (_files(), StoredFile.objects.count()) == (files, rows)
    assert list(CheckCount.objects.values_list("way", "result", "number")) == [("file", "valid", 1)]


def _files() -> set[Path]:
    from django.conf import settings

    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}


def test_bad_files_get_a_sentence(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Choisissez le fichier PDF" in _send(client, None)[1]
    monkeypatch.setattr("kalan.credentials.views.verify.MAX_BYTES", 10)
    status, page = _send(client, b"%PDF-1.7 plus de dix octets")
    assert status == 400
    assert "dépasse 10" in page


def test_files_that_are_not_ours_are_rationed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying_files, "FOREIGN_PER_ADDRESS", 1)
    answers = [_send(client, b"pas un PDF")[0] for _ in range(2)]
    assert answers == [200, 429]


def test_slow_files_do_not_take_every_thread(
    act: Act, pdf: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is judged two wait; a fourth is told at once, and our own acts wait for nobody."""
    monkeypatch.setattr(verifying_files, "_PATIENCE", 3600)  # to wait would outlast the test
    with ExitStack() as busy:
        for _ in range(3):
            busy.enter_context(verifying_files._places)
        with pytest.raises(Refused, match="Trop de fichiers arrivent"):
            check(b"pas un PDF")
        assert check(pdf) == ("valid", "ok")
