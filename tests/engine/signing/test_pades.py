"""The one-pass signer: what it writes, judged by two strangers, and what it refuses."""

from __future__ import annotations

import datetime as dt
import functools
import io
import re
import subprocess
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.pades import Signer
from tests.factories import signing

KINDS = ("p-256", "rsa-3072")


def judged(pdf: bytes) -> tuple[bool, str]:
    """pyHanko's verdict and coverage of the only signature."""
    (found,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    root = asn1.Certificate.load(signing.authority().certificate)
    context = ValidationContext(trust_roots=[root], moment=signing.SIGNED, allow_fetching=False)
    status = validate_pdf_signature(found, context)
    return status.bottom_line, status.coverage.name


def poppler(path: Path) -> list[str]:
    """What pdfsig says, one field a line."""
    said = subprocess.run(
        ["pdfsig", str(path)], capture_output=True, text=True, timeout=200, check=False
    )
    return [line.strip(" -") for line in said.stdout.splitlines()]


def embedded(pdf: bytes) -> cms.ContentInfo:
    (found,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    return cms.ContentInfo.load(bytes(found.pkcs7_content))


@pytest.mark.parametrize("kind", KINDS)
def test_two_validators_call_each_of_a_batch_valid_and_whole(kind: str, tmp_path: Path) -> None:
    for number in range(10):
        title = f"Attestation n° {number}" if number % 2 else f"Attestation {number}"
        signed = signing.signed(kind, title)
        assert judged(signed) == (True, "ENTIRE_FILE")
        place = tmp_path / f"{number}.pdf"
        place.write_bytes(signed)
        said = poppler(place)
        assert "Signature Validation: Signature is Valid." in said
        assert "Total document signed" in said
        assert "Signature Type: ETSI.CAdES.detached" in said
        assert "Signing Time: Mar 20 2023 09:30:00" in said


def test_rsa_writes_the_same_bytes_each_time() -> None:
    again = Signer(signing.identity("rsa-3072"), reason="Attestation", location="Dakar")
    assert again.sign(signing.document(), at=signing.SIGNED) == signing.signed("rsa-3072")


@pytest.mark.parametrize("kind", KINDS)
def test_the_update_is_added_and_the_hole_is_exact(kind: str) -> None:
    base, signed = signing.document(), signing.signed(kind)
    assert signed[: len(base)] == base
    numbers = re.findall(rb"/ByteRange\[(\d+) (\d+) (\d+) (\d+)\]", signed)
    assert len(numbers) == 1
    zero, first, second, rest = map(int, numbers[0])
    assert zero == 0
    assert second + rest == len(signed)
    hole = signed[first:second]
    assert (hole[:1], hole[-1:]) == (b"<", b">")
    written = embedded(signed).dump()
    spare = (len(hole) - 2) // 2 - len(written)
    assert spare == 0 if kind == "rsa-3072" else 0 <= spare <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_signature_is_a_pades_baseline_b(kind: str) -> None:
    content = embedded(signing.signed(kind))["content"]
    (signer,) = content["signer_infos"]
    assert [one["type"].native for one in signer["signed_attrs"]] == [
        "content_type",
        "cms_algorithm_protection",
        "message_digest",
        "signing_certificate_v2",
    ]
    assert len(signer["unsigned_attrs"]) == 0
    embedded_certificates = sorted(one.dump() for one in content["certificates"])
    assert embedded_certificates == sorted(signing.identity(kind).certificates)
    assert content["encap_content_info"]["content"].native is None


def test_der_is_strict() -> None:
    """Read and written anew by another library, the bytes are the same."""
    for kind in KINDS:
        info = embedded(signing.signed(kind))
        assert info.dump(force=True) == info.untag().dump()


def test_the_file_keeps_what_pdf_a_and_pdf_ua_ask() -> None:
    before = pikepdf.open(io.BytesIO(signing.document()))
    after = pikepdf.open(io.BytesIO(signing.signed("rsa-3072")))
    root = after.Root
    for name in ("/Metadata", "/OutputIntents", "/Lang", "/MarkInfo", "/ViewerPreferences", "/AF"):
        assert root[name].unparse(resolved=False) == before.Root[name].unparse(resolved=False)
    form = root.AcroForm
    assert sorted(form.keys()) == ["/Fields", "/SigFlags"]
    assert form.SigFlags == 3
    (field,) = form.Fields
    page = after.pages[0].obj
    assert [str(one.Subtype) for one in page.Annots] == ["/Link", "/Widget"]
    assert page.Annots[1].objgen == field.objgen
    assert (str(page.Tabs), int(field.F), list(field.Rect)) == ("/S", 132, [0, 0, 0, 0])
    assert str(field.TU) == "Signature électronique\u00a0: Direction de la planification"
    assert str(field.V.SubFilter) == "/ETSI.CAdES.detached"
    assert str(field.V.M) == "D:20230320093000Z"
    assert "/AP" not in field
    ids = [bytes(one) for one in after.trailer.ID], [bytes(one) for one in before.trailer.ID]
    assert ids[0][0] == ids[1][0]
    assert ids[0][1] != ids[1][1]


def test_the_field_stands_in_the_structure_tree() -> None:
    pdf = pikepdf.open(io.BytesIO(signing.signed()))
    (field,) = pdf.Root.AcroForm.Fields
    tree = pdf.Root.StructTreeRoot
    pairs = list(tree.ParentTree.Nums)
    by_key = dict(zip(map(int, pairs[::2]), pairs[1::2], strict=True))
    element = by_key[int(field.StructParent)]
    assert str(element.S) == "/Form"
    assert element.K[0].Obj.objgen == field.objgen
    assert int(tree.ParentTreeNextKey) == int(field.StructParent) + 1 == len(by_key)
    assert element.P.K[-1].objgen == element.objgen
    assert str(element.P.S) == "/Document"


def test_the_signature_allows_no_later_change_but_for_an_act_of_several_hands() -> None:
    certified = pikepdf.open(io.BytesIO(signing.signed()))
    value = certified.Root.Perms.DocMDP
    assert value.objgen == certified.Root.AcroForm.Fields[0].V.objgen
    assert int(value.Reference[0].TransformParams.P) == 1
    plain = Signer(signing.identity(), certify=False).sign(signing.document(), at=signing.SIGNED)
    open_to_more = pikepdf.open(io.BytesIO(plain))
    assert "/Perms" not in open_to_more.Root
    assert "/Reference" not in open_to_more.Root.AcroForm.Fields[0].V
    assert judged(plain) == (True, "ENTIRE_FILE")


def test_words_with_accents_and_parentheses_come_back() -> None:
    signer = Signer(signing.identity(), reason="Présence (a) \\", location="ߒߞߏ", contact="a(b")
    pdf = pikepdf.open(io.BytesIO(signer.sign(signing.document(), at=signing.SIGNED)))
    value = pdf.Root.AcroForm.Fields[0].V
    assert [str(value[name]) for name in ("/Reason", "/Location", "/ContactInfo")] == [
        "Présence (a) \\",
        "ߒߞߏ",
        "a(b",
    ]


def packed() -> bytes:
    """The same document as other programs write it: object streams."""
    out = io.BytesIO()
    pdf = pikepdf.open(io.BytesIO(signing.document()))
    pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def test_a_file_made_elsewhere_is_signed_too_when_asked(tmp_path: Path) -> None:
    signer = signing.signer("p-256")
    with pytest.raises(SigningError) as refused:
        signer.sign(packed(), at=signing.SIGNED)
    assert refused.value.code == "file_not_ours"
    signed = signer.sign(packed(), at=signing.SIGNED, foreign=True)
    assert judged(signed) == (True, "ENTIRE_FILE")
    (tmp_path / "a.pdf").write_bytes(signed)
    assert "Signature Validation: Signature is Valid." in poppler(tmp_path / "a.pdf")
    attributes = embedded(signed)["content"]["signer_infos"][0]["signed_attrs"]
    assert "signing_time" not in [one["type"].native for one in attributes]


def encrypted() -> bytes:
    out = io.BytesIO()
    pikepdf.open(io.BytesIO(signing.document())).save(
        out, encryption=pikepdf.Encryption(owner="a", user="")
    )
    return out.getvalue()


def holding(**more: Any) -> bytes:
    """A document with more in its catalogue."""
    out = io.BytesIO()
    pdf = pikepdf.open(io.BytesIO(signing.document()))
    for name, value in more.items():
        pdf.Root[f"/{name}"] = pdf.make_indirect(value)
    pdf.save(out)
    return out.getvalue()


def programmed() -> bytes:
    return holding(OpenAction=pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)"))


def launched() -> bytes:
    """The kind of an action written in an object of its own."""
    pdf = programmed()
    one = re.search(rb"(\d+) 0 obj\s*<< /JS [^>]*/S /JavaScript >>", pdf)
    assert one is not None
    start = len(pdf)
    rows = (int(one[1]), start), (900, start + 60)
    pdf += (b"%d 0 obj\n<< /F (a) /S 900 0 R >>\nendobj" % rows[0][0]).ljust(60, b"\n")
    pdf += b"900 0 obj\n/Launch\nendobj\n"
    table, previous = len(pdf), re.findall(rb"startxref\s+(\d+)", pdf)[-1]
    root = re.search(rb"/Root (\d+) 0 R", pdf)
    assert root is not None
    pdf += b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % row for row in rows)
    pdf += b"trailer\n<</Size 901/Root %s 0 R/Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (
        root[1],
        previous,
        table,
    )
    return pdf


A, N = pikepdf.Array, pikepdf.Name
TURNING = {  # what would make a reader show something else than another, or than before
    "a layer turned off": {"OpenAction": pikepdf.Dictionary(S=N.SetOCGState, State=A([N.OFF]))},
    "a note hidden": {"OpenAction": pikepdf.Dictionary(S=N.Hide, T="a")},
    "another file opened": {"OpenAction": pikepdf.Dictionary(S=N.GoToR, F="b.pdf")},
    "layers that print otherwise": {
        "OCProperties": pikepdf.Dictionary(D=pikepdf.Dictionary(
            AS=A([pikepdf.Dictionary(Event=N.Print, OCGs=A(), Category=A([N.Print]))])))
    },
    "fields that each reader draws": {
        "AcroForm": pikepdf.Dictionary(Fields=A(), NeedAppearances=True)
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "make", "foreign", "code"),
    [
        ("signed already", signing.signed, False, "already_signed"),
        ("signed already, foreign", signing.signed, True, "already_signed"),
        ("encrypted", encrypted, False, "encrypted"),
        ("encrypted, foreign", encrypted, True, "encrypted"),
        ("a program inside", programmed, True, "active_content"),
        ("a program launched", launched, True, "active_content"),
        *(
            (name, functools.partial(holding, **more), True, "active_content")
            for name, more in TURNING.items()
        ),
        ("no PDF", lambda: b"PK\x03\x04 a spreadsheet", False, "file_not_ours"),
        ("no PDF, foreign", lambda: b"PK\x03\x04 a spreadsheet", True, "malformed"),
        ("empty", lambda: b"", True, "malformed"),
        ("cut short", lambda: signing.document()[:-200], False, "file_not_ours"),
        ("bytes after the end", lambda: signing.document() + b"more", False, "file_not_ours"),
    ],
)
def test_a_file_that_cannot_be_signed_is_refused(
    name: str, make: object, foreign: bool, code: str
) -> None:
    with pytest.raises(SigningError) as refused:
        signing.signer("p-256").sign(make(), at=signing.SIGNED, foreign=foreign)  # type: ignore[operator]
    assert refused.value.code == code, name
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (dt.datetime(2026, 6, 1, tzinfo=dt.UTC), "expired"),
        (dt.datetime(2022, 6, 1, tzinfo=dt.UTC), "not_yet_valid"),
    ],
)
def test_nothing_is_signed_outside_the_certificate_s_dates(at: dt.datetime, code: str) -> None:
    with pytest.raises(SigningError) as refused:
        signing.signer("p-256").sign(signing.document(), at=at)
    assert refused.value.code == code


def test_an_authority_s_certificate_does_not_sign_documents() -> None:
    with pytest.raises(SigningError) as refused:
        Signer(signing.authority())
    assert refused.value.code == "not_for_signing"
