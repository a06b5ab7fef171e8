"""Published and home-made attacks: what each file is said to be, exactly, by both judges.

`judge` rests on pyHanko, `judge_own` on code of our own; neither may ever call one of these valid.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable
from io import BytesIO

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject

from kalan.engine.signing.verify.judge import judge
from kalan.engine.signing.verify.own import judge_own
from tests.support import forgeries as f
from tests.support.pki import NOW, authority, signer
from tests.support.signed import document, sign
from tests.support.slipped import SLIPPED


@functools.cache
def signed_once() -> bytes:
    return sign(document(), signer())


@pytest.fixture
def plain() -> bytes:
    return signed_once()


def said(pdf: bytes) -> tuple[str, str]:
    trust = [authority().der]
    general = judge(pdf, trust=trust, at=NOW)
    own = judge_own(pdf, trust=trust, at=NOW)
    assert general.valid is (general.reason == "ok")
    return general.reason.value, own.reason.value


ALTERED, MODIFIED, MALFORMED = "altered", "modified_after_signing", "malformed"
ALWAYS = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}
Attack = Callable[[bytes], bytes]

ADDED: dict[str, Attack] = {
    "a byte": lambda pdf: pdf + b"x",
    "an end of line": lambda pdf: pdf + b"\n",
    "a nul": lambda pdf: pdf + b"\0",
    "a comment": lambda pdf: pdf + b"\n% lu et approuve\n",
    "a second %%EOF": lambda pdf: pdf + b"%%EOF\n",
    "a second end": lambda pdf: pdf + b"startxref\n%d\n%%%%EOF\n" % int(f.LAST.findall(pdf)[-1]),
    "a second file": lambda pdf: pdf + document("Fatou Sow"),
    "a ZIP after": lambda pdf: pdf + b"PK\x05\x06" + bytes(18),
    "text changed": f.text_changed,
    "page content moved": f.page_content_moved,
    "pages swapped": f.pages_swapped,
    "title": f.title_changed,
    "another /Info": f.another_info,
    "metadata": f.metadata_changed,
    "annotation": f.annotation_added,
    "attachment": f.attachment_added,
    "script": f.script_added,
    "another catalogue": f.another_catalogue,
    "text field": f.text_field_added,
    "form flag": f.form_flag_changed,
    "field widened": f.field_widened,
    "page freed": f.page_freed,
    "empty update": f.nothing_changed,
    "orphan": f.orphan_added,
    "bytes between": f.bytes_between,
    "store with more": f.store_with_more,
    "store and text": f.store_and_text,
    "no tags": f.bare_catalogue,
    "a store over the text": lambda pdf: f.store_over_text(pdf, authority().der),
    "a store over the page": f.store_over_page,
    "a store that draws": lambda pdf: f.store_padded(pdf, authority().der),
    "a page in an object stream": f.page_packed,
    "an orphan in an object stream": f.orphan_packed,
    "cross-references past the signature": f.past_the_signature,
}


@pytest.mark.parametrize("name", ADDED)
def test_what_is_added_after_signing_is_seen(name: str, plain: bytes) -> None:
    assert said(ADDED[name](plain)) == (MODIFIED, MODIFIED)


@pytest.mark.parametrize("name", ADDED)
def test_it_is_seen_behind_validation_data_too(name: str, plain: bytes) -> None:
    """Validation data may follow a signature; nothing may follow with them or after them."""
    stored = f.store_added(plain)
    assert said(stored) == ("ok", MODIFIED)
    assert said(ADDED[name](stored)) == (MODIFIED, MODIFIED)


@pytest.mark.parametrize("name", SLIPPED)
def test_nothing_slips_in_with_validation_data(name: str, plain: bytes) -> None:
    assert said(SLIPPED[name](plain)) == (MODIFIED, MODIFIED)


def test_the_signature_taken_out_of_the_form_or_the_file_locked(plain: bytes) -> None:
    assert said(f.field_removed(plain)) == (MODIFIED, MODIFIED)
    assert said(f.encrypted_after(plain)) == (MODIFIED, MODIFIED)
    assert said(f.previous_loop(plain)) == (MODIFIED, MODIFIED)


CHANGED: dict[str, Attack] = {
    "a byte before": lambda pdf: b"x" + pdf,
    "an end of line before": lambda pdf: b"\n" + pdf,
    "a page of HTML before": lambda pdf: b"<html><script>1</script></html>\n" + pdf,
    "a ZIP before": lambda pdf: b"PK\x03\x04" + bytes(26) + pdf,
    "another header": lambda pdf: pdf.replace(b"%PDF-1.7", b"%PDF-1.4", 1),
    "the last byte": lambda pdf: pdf[:-1],
    "the end": lambda pdf: pdf[:-30],
    "the date": lambda pdf: pdf.replace(b"/M (D", b"/M (E"),
    "the name of a person": lambda pdf: pdf.replace(b"/Creator (Typst", b"/Creator (Typsd"),
    "two bytes swapped": lambda pdf: pdf[:500] + pdf[501:502] + pdf[500:501] + pdf[502:],
    "a byte more inside": lambda pdf: pdf[:500] + b" " + pdf[500:],
    "a byte less inside": lambda pdf: pdf[:500] + pdf[501:],
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_was_signed_and_changed_is_seen(name: str, plain: bytes) -> None:
    forged = CHANGED[name](plain)
    assert forged != plain
    assert said(forged) == (ALTERED, ALTERED)


def test_a_signature_of_another_file_is_altered(plain: bytes) -> None:
    other = sign(document("Fatou Sow"), signer())
    here, there = f.parts(plain), f.parts(other)
    hexa = other[there.start + 1 : there.end - 1]
    size = here.end - here.start - 2
    moved = b"<" + hexa.rstrip(b"0").ljust(size, b"0") + b">"
    assert said(f.contents_in_place(plain, moved)) == (ALTERED, ALTERED)


CONTENTS = {  # [MMK19 §4.1]: USF, by an update that replaces the dictionary
    "missing": b"",
    "null": b"/Contents null",
    "empty": b"/Contents <>",
    "zero": b"/Contents <00>",
    "zeros": b"/Contents <%s>" % (b"00" * 4000),
    "text": b"/Contents (signature)",
    "number": b"/Contents 0",
}
RANGES = {
    "missing": b" ",
    "null": b"/ByteRange null",
    "empty": b"/ByteRange []",
    "zeros": b"/ByteRange [0 0 0 0]",
    "one range": b"/ByteRange [0 100]",
    "three ranges": b"/ByteRange [0 10 20 30 60 10]",
    "negative": b"/ByteRange [0 -1 -1 -1]",
    "beyond": b"/ByteRange [0 99999999 99999999 99999999]",
    "overflow": b"/ByteRange [0 18446744073709551615 18446744073709551615 1]",
    "not numbers": b"/ByteRange [/a /b /c /d]",
    "not a list": b"/ByteRange 0",
    "references": b"/ByteRange [1 0 R 1 0 R 1 0 R 1 0 R]",
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_dictionary_without_signature_is_not_valid(name: str, plain: bytes) -> None:
    assert said(f.signature_emptied(plain, CONTENTS[name])) == (MODIFIED, MODIFIED)
    room = f.parts(plain)
    value = CONTENTS[name].removeprefix(b"/Contents ")[: room.end - room.start]
    assert said(f.contents_in_place(plain, value)) == (MALFORMED, MALFORMED)


@pytest.mark.parametrize("name", RANGES)
def test_a_dictionary_with_other_ranges_is_not_valid(name: str, plain: bytes) -> None:
    p = f.parts(plain)
    contents = b"/Contents " + plain[p.start : p.end]
    assert said(f.signature_emptied(plain, contents, RANGES[name])) == (MODIFIED, MODIFIED)


def test_ranges_changed_in_place(plain: bytes) -> None:
    p = f.parts(plain)
    rest = len(plain) - p.end
    gap_moved = b"0 %d %d %d" % (p.start - 2, p.end, rest)
    gap_wider = b"0 %d %d %d" % (p.start, p.end + 1, rest - 1)
    short = b"0 %d %d %d" % (p.start, p.end, rest - 7)
    later = b"1 %d %d %d" % (p.start - 1, p.end, rest)
    three = b"0 9 9 %d %d %d" % (p.start, p.end, rest)
    for ranges in (gap_moved, gap_wider, short):
        assert said(f.ranges_in_place(plain, ranges)) == (ALTERED, ALTERED)
    for ranges in (later, three):  # not even two ranges from the first byte
        assert said(f.ranges_in_place(plain, ranges)) == (MALFORMED, MALFORMED)


def test_a_wrapped_signature_is_not_valid(plain: bytes) -> None:
    forged, p = f.wrapped(plain), f.parts(plain)
    said_there = re.search(rb"/ByteRange \[0 (\d{10}) (\d{10}) (\d{10})\]", forged)
    start, end, rest = map(int, said_there.groups())
    assert forged[:start] + forged[end:] == plain[:start] + plain[p.end :]  # the digest still holds
    assert len(forged) == end + rest
    assert said(forged) == (ALTERED, ALTERED)


@functools.cache
def shadow() -> bytes:
    return sign(f.shadow_document(), signer())


@pytest.mark.parametrize("name", f.SHADOWS)
def test_a_document_prepared_before_signing_and_opened_up_afterwards(name: str) -> None:
    attack = f.SHADOWS[name]
    assert said(shadow()) == ("ok", "ok")
    assert said(attack(shadow())) == (MODIFIED, MODIFIED)
    assert said(attack(f.store_added(shadow()))) == (MODIFIED, MODIFIED)


def test_a_second_signature_does_not_turn_annotations_over() -> None:
    def turned(page: DictionaryObject) -> None:
        page["/Annots"] = ArrayObject(reversed(page["/Annots"]))

    honest = sign(shadow(), signer("Ministre"), field="B", before=lambda page: None)
    assert said(honest)[0] == "ok"
    forged = sign(shadow(), signer("Ministre"), field="B", before=turned)
    assert said(forged) == (MODIFIED, MODIFIED)


NOT_SIGNED_FILES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", MALFORMED, MALFORMED),
    "text": (b"Attestation de formation", MALFORMED, MALFORMED),
    "header only": (b"%PDF-1.7\n", MALFORMED, MALFORMED),
    "random": (random.Random(5).randbytes(20_000), MALFORMED, MALFORMED),
    "random after": (b"%PDF-1.7\n" + random.Random(6).randbytes(9_000), MALFORMED, MALFORMED),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), MALFORMED, MALFORMED),
    "deep nesting": (f.deep_nesting(), MALFORMED, "not_signed"),
    "ranges in a comment": (b"%PDF-1.7\n%/ByteRange [0 1 2 3]\n", MALFORMED, MALFORMED),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_SIGNED_FILES)
def test_what_is_not_a_signed_file(name: str) -> None:
    pdf, general, own = NOT_SIGNED_FILES[name]
    assert said(pdf) == (general, own)


def test_a_document_that_nobody_signed() -> None:
    assert said(document()) == ("not_signed", "not_signed")
    packed = BytesIO()
    with pikepdf.open(BytesIO(document())) as pdf:
        pdf.save(packed, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert said(packed.getvalue()) == ("not_signed", "not_signed")


def test_a_locked_document_cannot_be_judged() -> None:
    locked = BytesIO()
    with pikepdf.open(BytesIO(document())) as pdf:
        pdf.save(locked, encryption=pikepdf.Encryption(owner="o", user=""))
    assert said(locked.getvalue())[0] == MALFORMED


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_not_valid(cut: float, plain: bytes) -> None:
    reason = ALTERED if cut == 0.99 else MALFORMED
    assert said(plain[: int(len(plain) * cut)]) == (reason, reason)


@settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_no_byte_can_change(place: float, change: int) -> None:
    plain = signed_once()
    at = int(place * len(plain))
    forged = plain[:at] + bytes([plain[at] ^ change]) + plain[at + 1 :]
    general, own = said(forged)
    assert "ok" not in (general, own), at


@settings(max_examples=60, **ALWAYS)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_of_the_signature_can_change(place: float, bit: int) -> None:
    plain = signed_once()
    p = f.parts(plain)
    at = p.start + int(place * (p.end - p.start))
    forged = plain[:at] + bytes([plain[at] ^ (1 << bit)]) + plain[at + 1 :]
    assert "ok" not in said(forged), at
