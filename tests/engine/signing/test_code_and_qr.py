"""The act's code and the drawing of QR codes, read back by other programs."""

from __future__ import annotations

import base64
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from kalan.engine.signing import code, cose, qr
from tests.factories import credential_qr as made

LINK = cose.link("https://kalan.sante.gouv.sn", made.GOOD.code, cose.sign(made.GOOD, made.KEY))


def test_codes_are_as_long_as_they_must_be_and_differ() -> None:
    codes = {code.new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert {len(one) for one in codes} == {24}
    assert set("".join(codes)) == set(code.ALPHABET)


@settings(max_examples=60)
@given(st.binary(min_size=15, max_size=15), st.sampled_from([" ", "-", "\u202f", "", " – "]))
def test_a_code_comes_back_however_it_is_typed(raw: bytes, between: str) -> None:
    plain = code.from_bytes(raw)
    assert code.to_bytes(plain) == raw
    assert code.normalise(code.in_fours(plain, between)) == plain
    assert code.normalise(f" {plain.lower()}\n") == plain
    assert code.normalise(plain.replace("0", "O").replace("1", "l")) == plain
    assert code.normalise(plain.replace("0", "o").replace("1", "I")) == plain


@pytest.mark.parametrize(
    "typed",
    ["", "3K7Q", made.GOOD.code + "0", made.GOOD.code[:-1] + "U", "é" * 24, "0" * 99, "٣" * 24],
)
def test_what_is_no_code_is_none(typed: str) -> None:
    assert code.normalise(typed) is None


def test_a_code_in_fours() -> None:
    assert code.in_fours(made.GOOD.code) == "3K7Q 9XZA TB2M W5E8 RC4N V0HG"


@pytest.mark.parametrize("wrong", ["", "0" * 23, "0" * 25, "U" * 24, "o" * 24])
def test_only_plain_codes_have_bytes(wrong: str) -> None:
    with pytest.raises(ValueError, match="code"):
        code.to_bytes(wrong)
    with pytest.raises(ValueError, match="15 bytes"):
        code.from_bytes(bytes(14))


def test_zxing_reads_what_is_drawn() -> None:
    side, pixels = qr.qr_pixels(LINK)
    drawn = np.frombuffer(pixels, np.uint8).reshape(side, side)
    picture = np.pad(drawn, 4, constant_values=255).repeat(3, 0).repeat(3, 1)
    (read,) = zxingcpp.read_barcodes(picture)
    assert (read.text, read.ec_level) == (LINK, "M")
    assert qr.version(side) == 13


def test_zbar_reads_the_picture(tmp_path: Path) -> None:
    file = tmp_path / "code.png"
    file.write_bytes(made.picture(LINK, 4))
    done = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "--nodbus", file],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.stdout.rstrip("\n") == LINK


def test_a_larger_code_is_the_same_code() -> None:
    side, pixels = qr.qr_pixels(LINK)
    drawn = np.frombuffer(pixels, np.uint8).reshape(side, side)
    assert set(pixels) == {0, 255}
    assert qr.qr_pixels(LINK, 3) == (3 * side, drawn.repeat(3, 0).repeat(3, 1).tobytes())


def test_base32_makes_the_smaller_code() -> None:
    data = cose.from_text(cose.sign(made.GOOD, made.KEY))
    longer = base64.urlsafe_b64encode(data).decode().rstrip("=")
    other = cose.link("https://kalan.sante.gouv.sn", made.GOOD.code, "K1." + longer)
    assert len(other) < len(LINK)
    assert (qr.version(qr.qr_pixels(LINK)[0]), qr.version(qr.qr_pixels(other)[0])) == (13, 14)


def test_drawing_is_fast() -> None:
    """0.2 ms of processor for a code on a quiet machine; what draws it module by module: 30."""
    qr.qr_pixels(LINK, 3)

    def once() -> float:
        start = time.process_time()
        for _ in range(50):
            qr.qr_pixels(LINK, 3)
        return (time.process_time() - start) / 50

    assert min(once() for _ in range(5)) < 0.006


def test_too_much_for_a_code_is_refused() -> None:
    with pytest.raises(ValueError):
        qr.qr_pixels("x" * 3000)
