"""Keys of a server: made, brought in, replaced, taken back, and what is never on its disk."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from auditlog.models import LogEntry
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from kalan.base.errors import Refused
from kalan.credentials import keystore
from kalan.credentials.models import Office, SigningKey
from kalan.credentials.selectors import keys as selectors
from kalan.credentials.services import keys as services
from kalan.credentials.services.key_storing import TokenPlace
from kalan.engine.signing import pades
from kalan.engine.signing.errors import SigningError
from kalan.people.actor import ANONYMOUS, SYSTEM
from tests.factories import people, signing
from tests.factories.tokens import MODULE, PIN, make_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("journal")]
NOW = signing.SIGNED
PASSPHRASE = "quatre mots pris au hasard"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: object) -> Path:
    """A KALAN_HOME of the test's own."""
    settings.KALAN_HOME = tmp_path  # type: ignore[attr-defined]
    return tmp_path


def made(unlock: str = "server") -> list[SigningKey]:
    return services.create(
        actor=SYSTEM,
        now=NOW,
        name=signing.MINISTRY,
        signer="Direction de la planification",
        passphrase=PASSPHRASE,
        algorithm="p-256",
        unlock=unlock,
        country="SN",
    )


def states() -> list[tuple[str, str]]:
    keys = SigningKey.objects.order_by("pk")
    return [(key.purpose, selectors.state_of(key, now=NOW).code) for key in keys]


def test_an_authority_and_three_keys_are_made_and_sign(home: Path) -> None:
    document, qr, badge = made()
    assert states() == [("document", "ready"), ("qr", "ready"), ("badge", "ready")]
    assert [document.algorithm, qr.algorithm, badge.algorithm] == ["p-256", "p-256", "ed25519"]
    assert {document.level, qr.level, badge.level} == {"trial"}
    identity = selectors.open_identity(document)
    leaf, root = selectors.certificates_of(document)
    assert "essai ou usage interne" in root.subject.rfc4514_string()
    assert document.not_after == NOW + dt.timedelta(days=1095)
    assert leaf.not_valid_after_utc == document.not_after
    assert pades.Signer(identity).sign(signing.document(), at=NOW)
    assert isinstance(selectors.place_of(qr).private(), ec.EllipticCurvePrivateKey)
    assert isinstance(selectors.place_of(badge).private(), ed25519.Ed25519PrivateKey)
    assert services.problems(now=NOW) == []


def test_no_private_key_is_in_the_clear_or_readable_by_others(home: Path) -> None:
    made()
    assert keystore.bare_files() == []
    assert keystore.open_to_others() == []
    texts = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert len(texts) == 10
    assert not any(PASSPHRASE.encode() in text for text in texts)
    stray = keystore.root() / "ancienne.pem"
    stray.write_text("-----BEGIN PRIVATE KEY-----\n")
    stray.chmod(0o644)
    assert services.problems(now=NOW) == [
        "Clé privée en clair\u00a0: keys/ancienne.pem. Chiffrez-la ou retirez-la.",
        "Lisible par d’autres que son propriétaire\u00a0: keys/ancienne.pem (chmod go-rwx).",
    ]


def test_each_key_has_its_entry_in_the_history() -> None:
    document, *_ = made()
    entries = LogEntry.objects.get_for_object(document)
    assert [entry.action for entry in entries] == [LogEntry.Action.CREATE]
    services.revoke(actor=SYSTEM, now=NOW, key=document, reason="poste volé")
    said = LogEntry.objects.get_for_object(document).first()
    assert said is not None
    assert said.additional_data == {"reason": "poste volé"}


def test_a_key_that_asks_keeps_no_passphrase_on_the_server() -> None:
    document, qr, _ = made(unlock="asked")
    assert states() == [("document", "asked"), ("qr", "ready"), ("badge", "ready")]
    with pytest.raises(SigningError) as refused:
        selectors.open_identity(document)
    assert refused.value.code == "passphrase_needed"
    with pytest.raises(SigningError) as wrong:
        selectors.open_identity(document, "une autre phrase")
    assert wrong.value.code == "wrong_passphrase"
    assert selectors.open_identity(document, PASSPHRASE).key.kind == "p-256"
    sealed = keystore.sealed_passphrase(qr.folder)
    with pytest.raises(SigningError):
        selectors.open_identity(document, sealed)


def test_what_a_backup_leaves_behind_is_asked_for_again(home: Path) -> None:
    keys = made()
    for path in sorted(keystore.root().rglob("*")):
        if path.is_file() and not keystore.travels(path.name):
            path.unlink()
    assert states() == [("document", "locked"), ("qr", "locked"), ("badge", "locked")]
    assert services.problems(now=NOW) == [
        f"Clé «\u00a0{key.name}\u00a0» ({key.purpose})\u00a0: phrase secrète de la clé à donner "
        "(kalan keys unlock)."
        for key in keys
    ]
    for key in keys:
        with pytest.raises(Refused) as wrong:
            services.unlock(actor=SYSTEM, now=NOW, key=key, passphrase="une autre phrase")
        assert wrong.value.code == "wrong_passphrase"
        services.unlock(actor=SYSTEM, now=NOW, key=key, passphrase=PASSPHRASE)
    assert states() == [("document", "ready"), ("qr", "ready"), ("badge", "ready")]


def test_a_sealed_passphrase_needs_both_halves(home: Path, settings: object) -> None:
    token = keystore.seal(PASSPHRASE)
    assert keystore.unseal(token) == PASSPHRASE
    key, settings.SECRET_KEY = settings.SECRET_KEY, "another"  # type: ignore[attr-defined]
    with pytest.raises(SigningError):
        keystore.unseal(token)
    settings.SECRET_KEY = key  # type: ignore[attr-defined]
    (keystore.root() / keystore.SEAL).unlink()
    with pytest.raises(SigningError):
        keystore.unseal(token)


def test_a_rotated_key_is_followed_by_its_office_and_its_acts_stay_valid(
    tree: people.Tree,
) -> None:
    document, qr, _ = made()
    office = Office.objects.create(
        node=tree.country, title="Le Directeur", place="Dakar", key=document, created_at=NOW
    )
    later = NOW + dt.timedelta(days=700)
    new = services.rotate(actor=SYSTEM, now=later, key=document, passphrase=PASSPHRASE)
    office.refresh_from_db()
    document.refresh_from_db()
    assert office.key == new
    assert (document.state, document.replaced_by) == ("retired", new)
    assert selectors.certificates_of(new)[1:] == selectors.certificates_of(document)[1:]
    old, made_new = selectors.certificates_of(document)[0], selectors.certificates_of(new)[0]
    assert old.subject == made_new.subject
    assert selectors.active("document") == new
    newer = services.rotate(actor=SYSTEM, now=later, key=qr, passphrase=PASSPHRASE)
    assert selectors.active("qr") == newer
    with pytest.raises(Refused):
        services.rotate(actor=SYSTEM, now=later, key=document, passphrase=PASSPHRASE)


def test_a_revoked_key_stands_in_the_authority_s_list() -> None:
    document, *_ = made()
    assert [len(x509.load_der_x509_crl(one)) for one in selectors.crls()] == [0]
    listed = services.revoke(
        actor=SYSTEM, now=NOW, key=document, reason="poste volé", passphrase=PASSPHRASE
    )
    assert listed
    (crl,) = map(x509.load_der_x509_crl, selectors.crls())
    leaf, root = selectors.certificates_of(document)
    assert [one.serial_number for one in crl] == [leaf.serial_number]
    assert crl.is_signature_valid(root.public_key())  # type: ignore[arg-type]
    assert states()[0] == ("document", "revoked")
    assert keystore.sealed_passphrase(document.folder) is None
    with pytest.raises(Refused):
        services.revoke(actor=SYSTEM, now=NOW, key=document, reason="encore")


def test_a_backup_from_before_does_not_undo_a_revocation(home: Path) -> None:
    document, *_ = made()
    saved = shutil.copytree(keystore.root(), home / "saved")
    later = NOW + dt.timedelta(hours=1)
    services.revoke(
        actor=SYSTEM, now=later, key=document, reason="poste volé", passphrase=PASSPHRASE
    )
    rows = SigningKey.objects.filter(pk=document.pk)
    rows.update(state="active", ended_at=None, end_reason="")
    keystore.put_back(saved)
    for expected in ([document], []):
        assert services.end_revoked(actor=SYSTEM) == expected
    assert rows.values_list("state", "ended_at", "end_reason").get() == (
        "revoked", later, "poste volé",
    )  # fmt: skip
    assert [len(x509.load_der_x509_crl(one)) for one in selectors.crls()] == [1]


def test_an_expired_key_says_so_and_one_that_ends_soon_too() -> None:
    document, *_ = made()
    soon = NOW + dt.timedelta(days=1050)
    assert selectors.state_of(document, now=soon).ends_soon
    assert services.problems(now=soon) == [
        "Clé «\u00a0Direction de la planification\u00a0»\u00a0: certificat à renouveler avant le "
        "19/03/2026 (kalan keys rotate)."
    ]
    assert selectors.state_of(document, now=NOW + dt.timedelta(days=1100)).code == "expired"


def test_a_key_from_a_file_keeps_the_level_that_its_issuer_has() -> None:
    key = services.bring_in(
        actor=SYSTEM, now=NOW, name="Clé reçue", identity=signing.identity("rsa-3072"),
        passphrase=PASSPHRASE,
    )  # fmt: skip
    assert (key.level, key.algorithm, key.kind) == ("trial", "rsa", "file")
    assert selectors.open_identity(key).certificates == signing.identity("rsa-3072").certificates
    with pytest.raises(Refused) as again:
        services.bring_in(
            actor=SYSTEM, now=NOW, name="Encore", identity=signing.identity("rsa-3072"),
            passphrase=PASSPHRASE,
        )  # fmt: skip
    assert again.value.message == "Cette clé est déjà là."
    with pytest.raises(Refused) as claimed:
        services.bring_in(
            actor=SYSTEM, now=NOW, name="Accréditée", identity=signing.identity(),
            passphrase=PASSPHRASE, accredited=True,
        )  # fmt: skip
    assert "son autorité est interne" in claimed.value.message


def test_a_token_s_key_stays_in_it(home: Path) -> None:
    from kalan.engine.signing.tokens import open_token

    make_token(home / "softhsm", "ministere", "p-256")
    found = open_token(MODULE, token="ministere", pin=PIN)
    key = services.bring_in(
        actor=SYSTEM, now=NOW, name="Jeton", identity=found, passphrase=PIN,
        token=TokenPlace(MODULE, "ministere"), unlock="asked",
    )  # fmt: skip
    assert list((keystore.root() / key.folder).iterdir()) == []
    assert selectors.state_of(key, now=NOW).code == "asked"
    again = selectors.open_identity(key, PIN)
    signed = pades.Signer(again).sign(signing.document(), at=NOW)
    found.close()
    again.close()
    assert signed.startswith(signing.document())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"passphrase": "court"}, "La phrase secrète doit compter au moins 12 caractères variés."),
        (
            {"name": "M" * 65},
            f"Un certificat ne peut pas porter ce nom\u00a0: «\u00a0{'M' * 65}\u00a0».",
        ),
        ({"algorithm": "rsa-1024"}, "Algorithme inconnu\u00a0: rsa-1024."),
        ({"actor": ANONYMOUS}, "Les clés ne se gèrent que sur le serveur."),
    ],
)
def test_a_refused_key_leaves_nothing(given: dict[str, object], message: str, home: Path) -> None:
    words = {"actor": SYSTEM, "now": NOW, "name": "a", "passphrase": PASSPHRASE, **given}
    with pytest.raises(Refused) as refused:
        services.create(**{"algorithm": "p-256", **words})  # type: ignore[arg-type]
    assert refused.value.message == message
    assert refused.value.remedy
    assert SigningKey.objects.count() == 0
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_a_disk_that_fails_half_way_leaves_no_key(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    real, left = os.fsync, [6]

    def fail(handle: int) -> None:
        left[0] -= 1
        if not left[0]:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Refused) as refused:
        made()
    assert refused.value.code == "not_written"
    assert SigningKey.objects.count() == 0
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_only_who_may_see_keys_sees_them() -> None:
    made()
    assert selectors.signing_keys(SYSTEM).count() == 3
    assert selectors.signing_keys(ANONYMOUS).count() == 0
