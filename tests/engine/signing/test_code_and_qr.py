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
    modules = qr.qr_modules(LINK)
    picture = np.pad(~modules, 4, constant_values=True).repeat(3, 0).repeat(3, 1)
    (read,) = zxingcpp.read_barcodes(picture.astype(np.uint8) * 255)
    assert (read.text, read.ec_level) == (LINK, "M")
    assert qr.version(modules) == 13


def test_zbar_reads_the_picture(tmp_path: Path) -> None:
    file = tmp_path / "code.png"
    file.write_bytes(qr.qr_png(LINK, 4))
    done = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "--nodbus", file],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout.rstrip("\n") == LINK


def test_the_path_draws_the_modules() -> None:
    modules = qr.qr_modules(LINK)
    assert np.array_equal(_painted(qr.qr_path(modules), modules.shape[0]), modules)
    assert qr.qr_path(modules).encode() in qr.qr_svg(LINK)


def _painted(path: str, side: int) -> np.ndarray:
    """Paint the bars of a path: M x y, then m dx dy h width …z again and again."""
    canvas = np.zeros((side, side), bool)
    start, *bars = path.split("m")
    x, y = (int(part) - qr.QUIET for part in start.removeprefix("M").split())
    for bar in bars:
        step, rest = bar.split("h", 1)
        width = int(rest.split("v")[0])
        dx, dy = map(int, step.split())
        x, y = x + dx, y + dy
        assert rest == f"{width}v1h-{width}z"
        assert not canvas[y, x : x + width].any()
        canvas[y, x : x + width] = True
    return canvas


def test_base32_makes_the_smaller_code() -> None:
    data = cose.from_text(cose.sign(made.GOOD, made.KEY))
    longer = base64.urlsafe_b64encode(data).decode().rstrip("=")
    other = cose.link("https://kalan.sante.gouv.sn", made.GOOD.code, "K1." + longer)
    assert len(other) < len(LINK)
    assert (qr.version(qr.qr_modules(LINK)), qr.version(qr.qr_modules(other))) == (13, 14)


def test_drawing_is_fast() -> None:
    """0.15 ms of processor for the modules on a quiet machine; thrice that is allowed."""
    qr.qr_svg(LINK)

    def once() -> float:
        start = time.process_time()
        for _ in range(50):
            qr.qr_modules(LINK)
        return (time.process_time() - start) / 50

    assert min(once() for _ in range(5)) < 0.0006


def test_too_much_for_a_code_is_refused() -> None:
    with pytest.raises(ValueError):
        qr.qr_modules("x" * 3000)
