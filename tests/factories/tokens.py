"""A SoftHSM token of the test's own, with a key and its certificate."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11.util import ec, rsa, x509

from kalan.engine.signing.keys import KeyPlace, SoftwareKey
from kalan.engine.signing.pades import Signer
from tests.factories import signing

MODULE = next(
    (
        place
        for place in (
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
            "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        )
        if Path(place).is_file()
    ),
    "/usr/lib/softhsm/libsofthsm2.so",
)
PIN, SO_PIN = "4711-kalan", "the-officer"


def make_token(folder: Path, label: str = "ministere", *kinds: str) -> Path:
    """Make a token with one key a kind, named as its kind. Sets SOFTHSM2_CONF; its folder."""
    store = folder / "tokens"
    store.mkdir(parents=True)
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {store}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    words = f"softhsm2-util --init-token --free --label {label} --pin {PIN} --so-pin {SO_PIN}"
    subprocess.run(words.split(), check=True, capture_output=True, timeout=200)
    library = pkcs11.lib(MODULE)
    library.reinitialize()
    token: Any = library.get_token(token_label=label)
    with token.open(rw=True, user_pin=PIN) as session:
        for kind in kinds:
            _put(session, kind)
    return store


def _put(session: Any, kind: str) -> None:
    """Put the key and the certificate of `signing.identity(kind)` into the token."""
    from cryptography.hazmat.primitives import serialization as how

    found = signing.identity(kind)
    assert isinstance(found.key, SoftwareKey)
    form = how.PrivateFormat.TraditionalOpenSSL
    plain = found.key.private.private_bytes(how.Encoding.DER, form, how.NoEncryption())
    decode = ec.decode_ec_private_key if kind == "p-256" else rsa.decode_rsa_private_key
    named = {pkcs11.Attribute.LABEL: kind, pkcs11.Attribute.TOKEN: True}
    private = {pkcs11.Attribute.PRIVATE: True, pkcs11.Attribute.SENSITIVE: True}
    session.create_object({**decode(plain), **named, **private})
    for certificate in found.certificates:
        session.create_object({**x509.decode_x509_certificate(certificate), **named})


def sign_in_a_child(place: KeyPlace, pdf: bytes) -> bytes:
    """What a process of its own does: it is here because it must be importable there."""
    return Signer(place.open()).sign(pdf, at=signing.SIGNED)
