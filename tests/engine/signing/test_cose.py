"""The credential of the QR code: what is signed comes back; nothing else comes out."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from kalan.engine.signing import cbor, code, cose
from tests.factories import credential_qr as made

CASES = made.cases()
# Letters of all lengths in UTF-8, spaces, accents that stand apart, a mark that is not seen.
PLAIN = st.text("aZ9 -’é߇شẽ𞤆e\u0301\u00a0\u200d\ufeff", max_size=8)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_is_told_apart(case: made.Case) -> None:
    assert _says(case) == (case.says, cose.MESSAGES.get(case.says, ""))


def _says(case: made.Case) -> tuple[str, str]:
    try:
        cose.open_(case.text, made.KEYS, made.NOW, code=case.code)
    except cose.CredentialError as error:
        return error.code, str(error)
    return "ok", ""


def test_every_refusal_of_a_reader_has_a_case() -> None:
    of_signing = {"too_long", "not_sayable"}
    assert set(Counter(case.says for case in CASES)) == cose.MESSAGES.keys() - of_signing | {"ok"}


def test_another_library_reads_it() -> None:
    """cbor2 and the bare key, by RFC 9052 and RFC 8392."""
    whole = cbor2.loads(cose.from_text(cose.sign(made.GOOD, made.KEY)))
    protected, unprotected, payload, signature = whole.value
    assert (whole.tag, unprotected, cbor2.loads(protected)) == (18, {}, made.HEADER)
    assert cbor2.loads(payload) == {
        1: "MSAS Sénégal",
        2: "Aïssatou N’DIAYE",
        4: dt.datetime(2029, 11, 22, tzinfo=dt.UTC).timestamp(),
        6: dt.datetime(2026, 11, 22, tzinfo=dt.UTC).timestamp(),
        7: code.to_bytes(made.GOOD.code),
        -65537: [
            3,
            "Santé numérique : socle commun",
            2,
            ["Données", 3, "Sécurité", 2, "Usages", 4],
        ],
    }
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    made.KEY.public_key().verify(
        encode_dss_signature(r, s),
        cbor2.dumps(["Signature1", protected, b"", payload], canonical=True),
        ec.ECDSA(hashes.SHA256()),
    )


def test_the_same_claims_give_the_same_text() -> None:
    assert cose.sign(made.GOOD, made.KEY) == cose.sign(made.GOOD, made.KEY)


claims = st.builds(
    cose.Claims,
    code=st.binary(min_size=15, max_size=15).map(code.from_bytes),
    issuer=PLAIN,
    kind=st.sampled_from(cose.Kind),
    title=PLAIN,
    name=PLAIN,
    issued=st.dates(dt.date(2020, 1, 1), dt.date(2026, 11, 23)),
    expires=st.none() | st.dates(dt.date(2026, 11, 23), dt.date(2100, 1, 1)),
    mode=st.sampled_from(cose.Mode),
    levels=st.lists(st.tuples(PLAIN, st.integers(-1, 24)), max_size=13).map(tuple),
)


@settings(max_examples=80)
@given(claims)
def test_what_is_signed_comes_back_or_is_refused_before(wanted: cose.Claims) -> None:
    texts = (
        wanted.name or "x",
        wanted.issuer,
        wanted.title,
        *(domain for domain, _ in wanted.levels),
    )
    try:
        text = cose.sign(wanted, made.KEY)
    except cose.CredentialError:
        text = ""
    fits = len(wanted.levels) <= 12 and all(0 <= level < 24 for _, level in wanted.levels)
    plain = all(one.strip() and unicodedata.is_normalized("NFC", one) for one in texts)
    assert bool(text) == (fits and plain)
    if text:
        assert cose.open_(text, made.KEYS, made.NOW, code=wanted.code) == wanted


@settings(max_examples=80)
@given(st.integers(0), st.integers(1, 255))
def test_no_changed_byte_passes(at: int, change: int) -> None:
    data = bytearray(cose.from_text(cose.sign(made.GOOD, made.KEY)))
    data[at % len(data)] ^= change
    with pytest.raises(cose.CredentialError):
        cose.open_(cose.to_text(bytes(data)), made.KEYS, made.NOW)


@settings(max_examples=60)
@given(st.integers(0), st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=1, max_size=3))
def test_no_changed_text_passes(at: int, put: str) -> None:
    good = cose.sign(made.GOOD, made.KEY)
    at %= len(good)
    changed = good[:at] + put + good[at + len(put) :]
    if changed != good:
        with pytest.raises(cose.CredentialError):
            cose.open_(changed, made.KEYS, made.NOW)


@settings(max_examples=80)
@given(st.binary(max_size=60))
def test_whatever_is_read_has_one_writing(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except cbor.CborError:
        return
    assert cbor.encode(value) == data
    assert cbor2.loads(data) == value


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_any_text_is_answered_by_a_refusal(text: str) -> None:
    for candidate in (text, "K1." + text):
        with pytest.raises(cose.CredentialError):
            cose.open_(candidate, made.KEYS, made.NOW)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "N" * 97}, "too_long"),
        ({"issuer": "é" * 33}, "too_long"),
        ({"title": ""}, "not_sayable"),
        ({"name": "Awa\nDIOP"}, "not_sayable"),
        ({"name": "e\u0301"}, "not_sayable"),  # two writings of one letter
        ({"name": "\ud800"}, "not_sayable"),
        ({"issued": dt.date(1969, 12, 31)}, "not_sayable"),
        ({"expires": dt.date(2026, 11, 21)}, "not_sayable"),
        ({"levels": (("D", 24),)}, "not_sayable"),
        ({"levels": (("D", 1),) * 13}, "too_long"),
        ({"levels": (("D" * 33, 1),)}, "too_long"),
    ],
)
def test_what_cannot_be_said_is_refused_before_signing(
    change: dict[str, object], says: str
) -> None:
    with pytest.raises(cose.CredentialError) as caught:
        cose.sign(replace(made.GOOD, **change), made.KEY)  # type: ignore[arg-type]
    assert caught.value.code == says


def test_a_refusal_after_a_good_signature_says_what_was_signed() -> None:
    over = replace(made.GOOD, issued=dt.date(2025, 1, 1), expires=dt.date(2026, 1, 1))
    with pytest.raises(cose.CredentialError) as caught:
        cose.open_(cose.sign(over, made.KEY), made.KEYS, made.NOW)
    assert caught.value.claims == over
    with pytest.raises(cose.CredentialError) as caught:
        cose.open_(cose.sign(over, made.OTHER), made.KEYS, made.NOW)
    assert caught.value.claims is None


@pytest.mark.parametrize(
    ("text", "fitted"),
    [
        ("court", "court"),
        ("é" * 48, "é" * 48),
        ("e\u0301" * 48, "é" * 48),
        ("a" * 97, "a" * 93 + "…"),
        ("é" * 49, "é" * 46 + "…"),
        ("a" * 90 + " b" * 9, "a" * 90 + " b…"),
        ("a" * 92 + "ߊ߫" * 3, "a" * 92 + "…"),  # a vowel sign stays with its letter
    ],
)
def test_a_long_text_is_shortened_between_letters(text: str, fitted: str) -> None:
    assert cose.fit(text, "title") == fitted
    assert len(fitted.encode()) <= cose.LIMITS["title"]


def test_the_published_example_is_this_credential() -> None:
    page = (Path(__file__).parents[3] / "docs" / "format-qr.md").read_text()
    blocks = ["".join(block.split()) for block in page.split("\n\n") if block.startswith("    ")]
    assert cose.sign(made.GOOD, made.KEY) in blocks
    assert cbor.encode(cose._payload(made.GOOD)).hex() in blocks
    for word in cose.MESSAGES.keys() - {"too_long", "not_sayable"}:
        assert f"`{word}`" in page
    for number in (cose.LONGEST, *cose.LIMITS.values(), cose.MOST_DOMAINS):
        assert f" {number} " in page
