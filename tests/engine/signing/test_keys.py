"""Keys from files: opened when they are right, refused in a sentence when they are not."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as how
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import load_der_x509_certificate

from kalan.engine.signing import authority, keyfiles, keys
from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import KeyPlace, SoftwareKey
from kalan.engine.signing.pades import Signer
from tests.factories import signing

PASSPHRASE = "quatre mots pris au hasard"


def private_of(kind: str = "p-256") -> ec.EllipticCurvePrivateKey:
    key = signing.identity(kind).key
    assert isinstance(key, SoftwareKey)
    found: ec.EllipticCurvePrivateKey = key.private
    return found


def pem_of(passphrase: str = "") -> bytes:
    locked: how.KeySerializationEncryption = how.NoEncryption()
    if passphrase:
        locked = how.BestAvailableEncryption(passphrase.encode())
    return private_of().private_bytes(how.Encoding.PEM, how.PrivateFormat.PKCS8, locked)


def test_a_sealed_key_asks_for_600_000_rounds() -> None:
    """OWASP's figure for PBKDF2 with SHA-256; the tests of acts make their keys with fewer."""
    sealed = keyfiles.seal(private_of(), PASSPHRASE)
    assert (keyfiles.ROUNDS, sealed.count(b"\x02\x03" + (600_000).to_bytes(3))) == (600_000, 1)


def test_a_passphrase_derived_already_is_not_stretched_twice() -> None:
    stretched = keyfiles.derived(PASSPHRASE, b"uid of a key")
    sealed = keyfiles.seal(private_of(), stretched, derived=True)
    assert sealed.count(b"\x02\x02" + (1_000).to_bytes(2)) == 1
    opened = keys.load_pkcs8(sealed, stretched)
    assert opened.private_numbers() == private_of().private_numbers()


def chain_pem(kind: str = "p-256") -> bytes:
    return b"".join(map(signing.pem, signing.identity(kind).certificates))


def p12_of(passphrase: str = PASSPHRASE) -> bytes:
    leaf, *others = map(load_der_x509_certificate, signing.identity().certificates)
    return pkcs12.serialize_key_and_certificates(
        b"kalan", private_of(), leaf, others, how.BestAvailableEncryption(passphrase.encode())
    )


def test_a_key_opens_from_each_kind_of_file(tmp_path: Path) -> None:
    mine = signing.identity()
    path = tmp_path / "keys" / "cle.p8"
    keyfiles.write(path, keyfiles.seal(private_of(), PASSPHRASE))
    place = KeyPlace("file", mine.certificate, mine.chain, str(path), passphrase=PASSPHRASE)
    opened = [
        keys.open_pem(pem_of() + chain_pem()),
        keys.open_pem(pem_of(PASSPHRASE), PASSPHRASE, chain_pem()),
        keys.open_pkcs12(p12_of(), PASSPHRASE),
        place.open(),
    ]
    for one in opened:
        assert one.certificates == mine.certificates
        assert Signer(one).sign(signing.document(), at=signing.SIGNED)
    assert PASSPHRASE not in repr(place)


def test_the_chain_is_put_in_order_and_strangers_are_left_out() -> None:
    mine = signing.identity()
    stranger = signing.authority("Autre organisme").certificate
    shuffled = b"".join(map(signing.pem, (stranger, *reversed(mine.certificates))))
    assert keys.open_pem(pem_of() + shuffled).certificates == mine.certificates


def test_a_key_file_is_encrypted_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "keys" / "cle.p8"
    sealed = keyfiles.seal(private_of(), PASSPHRASE)
    rounds = bytes.fromhex("02030927c0")  # INTEGER 600 000, in the parameters of PBKDF2
    assert sealed.count(rounds) == 1
    keyfiles.write(path, sealed)
    assert [path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777] == [0o600, 0o700]
    assert list(path.parent.iterdir()) == [path]


def test_a_private_key_in_the_clear_is_told_from_all_else() -> None:
    plain = how.NoEncryption()
    private = private_of()
    bare = [
        pem_of(),
        pem_of() + chain_pem(),
        pem_of(PASSPHRASE) + pem_of(),
        private.private_bytes(how.Encoding.DER, how.PrivateFormat.PKCS8, plain),
        private.private_bytes(how.Encoding.DER, how.PrivateFormat.TraditionalOpenSSL, plain),
        private.private_bytes(how.Encoding.PEM, how.PrivateFormat.TraditionalOpenSSL, plain),
    ]
    sealed = keyfiles.seal(private, PASSPHRASE)
    others = [sealed, p12_of(), pem_of(PASSPHRASE), chain_pem(), signing.identity().certificate]
    assert [keyfiles.is_bare(one) for one in bare] == [True] * 6
    assert [keyfiles.is_bare(one) for one in [*others, b"", b"0", b"text"]] == [False] * 8


def test_openssl_reads_the_key_file(tmp_path: Path) -> None:
    """The ministry is not tied to Kalan for its own key."""
    path = tmp_path / "cle.p8"
    keyfiles.write(path, keyfiles.seal(private_of(), PASSPHRASE))
    said = subprocess.run(
        ["openssl", "pkey", "-inform", "DER", "-in", path, "-passin", f"pass:{PASSPHRASE}"],
        capture_output=True,
        check=True,
        timeout=200,
    )
    assert how.load_pem_private_key(said.stdout, None).private_numbers() == (  # type: ignore[union-attr]
        private_of().private_numbers()
    )


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises((SigningError, OSError)):
        keyfiles.write(tmp_path / "file" / "cle.p8", b"x")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def other_pem() -> bytes:
    other = ec.generate_private_key(ec.SECP256R1())
    return other.private_bytes(how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption())


def weak_pem() -> bytes:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return weak.private_bytes(how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption())


BAD = [
    ("wrong passphrase, PKCS#12", lambda: keys.open_pkcs12(p12_of(), "x"), "wrong_passphrase"),
    ("none, PKCS#12", lambda: keys.open_pkcs12(p12_of()), "passphrase_needed"),
    ("no PKCS#12", lambda: keys.open_pkcs12(b"%PDF-1.7"), "malformed"),
    ("wrong passphrase, PEM", lambda: keys.open_pem(pem_of("abc"), "x"), "wrong_passphrase"),
    ("none, PEM", lambda: keys.open_pem(pem_of("abc")), "passphrase_needed"),
    ("no PEM", lambda: keys.open_pem(b"hello"), "malformed"),
    ("no certificate", lambda: keys.open_pem(pem_of()), "certificate_absent"),
    ("another's certificate", lambda: keys.open_pem(other_pem() + chain_pem()), "key_mismatch"),
    (
        "a broken certificate",
        lambda: keys.open_pem(pem_of() + chain_pem().replace(b"M", b"N", 3)),
        "malformed",
    ),
    ("a key too short", lambda: keys.open_pem(weak_pem() + chain_pem()), "key_unusable"),
    (
        "no key file",
        lambda: KeyPlace("file", b"", (), "/nowhere/cle.p8", passphrase="x").open(),
        "key_absent",
    ),
    (
        "a weak passphrase",
        lambda: keyfiles.seal(private_of(), "aaaaaaaaaaaaaaa"),
        "weak_passphrase",
    ),
]


@pytest.mark.parametrize(("name", "do", "code"), BAD, ids=[row[0] for row in BAD])
def test_a_key_that_cannot_be_used_is_refused(name: str, do: object, code: str) -> None:
    with pytest.raises(SigningError) as refused:
        do()  # type: ignore[operator]
    assert refused.value.code == code
    assert refused.value.remedy


def test_a_certificate_not_made_for_signing_is_refused() -> None:
    with pytest.raises(SigningError) as refused:
        keys.refuse_unfit(signing.authority().certificate, at=signing.SIGNED)
    assert refused.value.code == "not_for_signing"
    with pytest.raises(SigningError) as late:
        keys.refuse_unfit(signing.identity().certificate, at=dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
    assert late.value.code == "expired"


def test_an_authority_says_what_it_is_and_signs_for_three_years() -> None:
    above = load_der_x509_certificate(signing.authority().certificate)
    below = load_der_x509_certificate(signing.identity().certificate)
    assert "CN=Autorité interne (essai ou usage interne)" in above.subject.rfc4514_string()
    assert (below.not_valid_after_utc - signing.BORN).days == 1095
    assert (above.not_valid_after_utc - signing.BORN).days == 3650
    below.verify_directly_issued_by(above)


def test_a_certificate_ends_with_its_authority() -> None:
    late = signing.BORN + dt.timedelta(days=9 * 365)
    made = authority.issue(
        signing.authority(), name="a", organisation="b", now=late, algorithm="p-256"
    )
    below = load_der_x509_certificate(made.certificate)
    above = load_der_x509_certificate(signing.authority().certificate)
    assert below.not_valid_after_utc == above.not_valid_after_utc
    with pytest.raises(SigningError) as refused:
        authority.issue(
            signing.authority(),
            name="a",
            organisation="b",
            now=late + dt.timedelta(days=400),
            algorithm="p-256",
        )
    assert refused.value.code == "expired"


def test_a_name_too_long_for_a_certificate_is_refused() -> None:
    with pytest.raises(SigningError) as refused:
        authority.new_authority(organisation="M" * 65, now=signing.BORN, algorithm="p-256")
    assert refused.value.code == "name_too_long"
