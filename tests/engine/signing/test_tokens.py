"""A token by PKCS#11, end to end: SoftHSM, which behaves as cards and HSMs do."""

from __future__ import annotations

import multiprocessing
import shutil
from pathlib import Path

import pytest

from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import KeyPlace
from kalan.engine.signing.pades import Signer
from kalan.engine.signing.tokens import open_token, tokens_in
from tests.engine.signing.test_pades import judged, poppler
from tests.factories import signing
from tests.factories.tokens import MODULE, PIN, make_token, sign_in_a_child


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_token(tmp_path_factory.mktemp("softhsm"), "ministere", "p-256", "rsa-3072")


@pytest.mark.parametrize("kind", ["p-256", "rsa-3072"])
def test_a_token_signs_what_two_validators_accept(kind: str, store: Path, tmp_path: Path) -> None:
    found = open_token(MODULE, token="ministere", pin=PIN, label=kind)
    assert found.certificates == signing.identity(kind).certificates
    signed = Signer(found, reason="Attestation", location="Dakar").sign(
        signing.document(), at=signing.SIGNED
    )
    found.close()
    assert judged(signed) == (True, "ENTIRE_FILE")
    (tmp_path / "a.pdf").write_bytes(signed)
    assert "Signature Validation: Signature is Valid." in poppler(tmp_path / "a.pdf")
    if kind == "rsa-3072":
        assert signed == signing.signed(kind)


def test_a_process_of_its_own_opens_the_token_from_its_place(store: Path) -> None:
    mine = signing.identity()
    place = KeyPlace(
        "token", mine.certificate, mine.chain, module=MODULE, token="ministere", label="p-256",
        passphrase=PIN,
    )  # fmt: skip
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        signed = pool.apply(sign_in_a_child, (place, signing.document()))
    assert judged(signed) == (True, "ENTIRE_FILE")


def test_two_keys_of_a_token_share_its_login_and_a_wrong_pin_stays_wrong(store: Path) -> None:
    first = open_token(MODULE, token="ministere", pin=PIN, label="p-256")
    second = open_token(MODULE, token="ministere", pin=PIN, label="rsa-3072")
    with pytest.raises(SigningError) as refused:
        open_token(MODULE, token="ministere", pin="0000", label="p-256")
    assert refused.value.code == "wrong_passphrase"
    first.close()
    assert len(second.key.sign(b"still there")) == 384
    second.close()


def test_tokens_are_listed(store: Path) -> None:
    assert "ministere" in tokens_in(MODULE)


BAD = [
    ("no module", {"module": "/nowhere/lib.so"}, "module_absent"),
    ("no library", {"module": __file__}, "token_unusable"),
    ("no such token", {"token": "autre"}, "token_absent"),
    ("no PIN", {"pin": ""}, "passphrase_needed"),
    ("a wrong PIN", {"pin": "0000"}, "wrong_passphrase"),
    ("no such key", {"label": "autre"}, "key_absent"),
    ("two keys and no name", {"label": ""}, "key_ambiguous"),
]


@pytest.mark.parametrize(("name", "given", "code"), BAD, ids=[row[0] for row in BAD])
def test_a_token_that_cannot_be_used_is_refused(
    name: str, given: dict[str, str], code: str, store: Path
) -> None:
    asked = {"module": MODULE, "token": "ministere", "pin": PIN, "label": "p-256", **given}
    with pytest.raises(SigningError) as refused:
        open_token(asked.pop("module"), **asked)
    assert refused.value.code == code
    assert refused.value.remedy


def test_a_token_pulled_out_stops_the_signing(tmp_path: Path) -> None:
    store = make_token(tmp_path, "autre-jeton", "p-256")
    found = open_token(MODULE, token="autre-jeton", pin=PIN)
    signer = Signer(found)
    assert signer.sign(signing.document(), at=signing.SIGNED)
    shutil.rmtree(store)
    with pytest.raises(SigningError) as refused:
        signer.sign(signing.document(), at=signing.SIGNED)
    assert refused.value.code in ("token_lost", "token_absent")
    found.close()
