"""B-T, B-LT, B-LTA: raised with a time-stamping authority on loopback, judged by pyHanko."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import (
    add_validation_info,
    validate_pdf_signature,
    validate_pdf_timestamp,
)
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext

from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.longterm import raise_level
from kalan.engine.signing.verify.judge import judge
from tests.engine.signing.test_pades import poppler
from tests.factories import signing, stamping
from tests.support.ports import free_port

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def tsa() -> Iterator[str]:
    with stamping.time_stamp_server() as address:
        yield address


def roots() -> list[bytes]:
    return [
        signing.authority(name).certificate for name in (signing.MINISTRY, stamping.ORGANISATION)
    ]


def lists() -> list[bytes]:
    return [signing.crl(), signing.crl(organisation=stamping.ORGANISATION)]


def raised(level: str, tsa: str, pdf: bytes | None = None) -> bytes:
    return raise_level(
        pdf or signing.signed("rsa-3072"), level, tsa=tsa, trust=roots(), crls=lists(),
        at=signing.SIGNED,
    )  # fmt: skip


@pytest.mark.parametrize(("level", "stamps"), [("b-t", 1), ("b-lt", 1), ("b-lta", 2)])
def test_a_level_is_added_and_what_was_signed_stays(
    level: str, stamps: int, tsa: str, tmp_path: Path
) -> None:
    base = signing.signed("rsa-3072")
    found = raised(level, tsa)
    assert found.startswith(base)
    reader = PdfFileReader(io.BytesIO(found))
    assert len(reader.embedded_timestamp_signatures) == stamps
    assert ("/DSS" in reader.root) == (level != "b-t")
    trusted = {"trust_roots": [x509.Certificate.load(der) for der in roots()]}
    alone = {"allow_fetching": False, "moment": signing.SIGNED, **trusted}
    context = ValidationContext(**alone)
    if level != "b-t":  # what the file holds is enough, however strict one is
        store = DocumentSecurityStore.read_dss(reader)
        context = store.as_validation_context({**alone, "revocation_mode": "require"})
    (signature,) = reader.embedded_regular_signatures
    status = validate_pdf_signature(signature, context)
    assert (status.bottom_line, status.docmdp_ok, status.modification_level.name) == (
        True,
        True,
        "LTA_UPDATES",
    )
    for stamp in reader.embedded_timestamp_signatures:
        said = validate_pdf_timestamp(stamp, context)
        assert (said.valid, said.trusted) == (True, True)
    verdict = judge(found, trust=roots(), at=signing.SIGNED, crls=lists())
    assert (verdict.valid, verdict.reason.value) == (True, "ok")
    assert verdict.signatures[0].level == level.upper()
    place = tmp_path / "a.pdf"
    place.write_bytes(found)
    assert "Signature Validation: Signature is Valid." in poppler(place)


def test_proofs_that_pyhanko_files_under_a_signature_are_taken_for_what_they_are() -> None:
    (signature,) = PdfFileReader(io.BytesIO(signing.signed())).embedded_signatures
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(der) for der in roots()],
        crls=lists(),
        allow_fetching=False,
        moment=signing.SIGNED,
    )
    found = add_validation_info(signature, context).getvalue()
    assert b"/VRI" in found
    assert judge(found, trust=roots(), at=signing.SIGNED).valid
    stranger = bytearray(found)
    at = stranger.index(b"/VRI") + len(b"/VRI <<\n/")
    stranger[at] = ord("0") if stranger[at] != ord("0") else ord("1")
    assert not judge(bytes(stranger), trust=roots(), at=signing.SIGNED).valid


def test_fields_of_time_stamps_have_a_name_for_readers_by_voice(tsa: str) -> None:
    pdf = pikepdf.open(io.BytesIO(raised("b-lta", tsa)))
    assert [str(field.TU) for field in pdf.Root.AcroForm.Fields][1:] == [
        "Horodatage du document"
    ] * 2
    assert [int(one.F) & 6 for one in pdf.pages[0].obj.Annots] == [4, 4, 4, 4]
    assert str(pdf.pages[0].obj.Tabs) == "/S"


def refused(**given: object) -> str:
    words = {
        "pdf": signing.signed(), "level": "b-lt", "trust": roots(), "crls": lists(),
        "at": signing.SIGNED, **given,
    }  # fmt: skip
    with pytest.raises(SigningError) as found:
        raise_level(words.pop("pdf"), words.pop("level"), **words)  # type: ignore[arg-type]
    assert found.value.remedy
    return found.value.code


def test_what_is_missing_is_said(tsa: str) -> None:
    assert refused(tsa=tsa, pdf=signing.document()) == "not_signed"
    assert refused(tsa=tsa, crls=[]) == "no_revocation_data"
    assert refused(tsa=tsa, trust=roots()[:1]) == "untrusted"
    assert refused(tsa=tsa, trust=roots()[1:]) == "untrusted"
    assert refused(tsa="ministere") == "tsa_unreachable"
    assert refused(tsa=f"http://127.0.0.1:{free_port()}/", timeout=2.0) == "tsa_unreachable"


def test_an_authority_that_answers_rubbish_adds_nothing() -> None:
    with stamping.time_stamp_server(b"\x30\x03\x02\x01\x02") as address:
        assert refused(tsa=address) == "tsa_refused"
    with stamping.time_stamp_server(b"<html>") as address:
        assert refused(tsa=address) == "tsa_refused"


def test_a_revoked_certificate_is_not_raised(tsa: str) -> None:
    from cryptography.x509 import load_der_x509_certificate

    serial = load_der_x509_certificate(signing.identity().certificate).serial_number
    crls = [signing.crl(serial), signing.crl(organisation=stamping.ORGANISATION)]
    later = signing.SIGNED + dt.timedelta(minutes=1)
    assert refused(tsa=tsa, crls=crls, at=later) == "untrusted"
