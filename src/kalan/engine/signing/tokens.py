"""Keys that never leave their token (PKCS#11): a smart card, an HSM, SoftHSM in the tests.

One login a process. The key proves on opening, by a signature, that it is the certificate's. A
token pulled out while a batch is signed stops it with a sentence; what was signed stays signed.
python-pkcs11 is imported inside the functions: most servers hold their keys in files.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import RSA, Identity, identity, kind_of

# DigestInfo of SHA-256 (RFC 8017, 9.2): for tokens that only pad and raise to the power.
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class _Login:
    """One session with a token, for all the keys that this process takes from it.

    A token knows one login a process; to close one session of several would log all of them out.
    """

    def __init__(self, place: tuple[str, str], session: Any, pin: str) -> None:
        self.place, self.session, self.users = place, session, 0
        self._mark = self._digest(pin)

    @staticmethod
    def _digest(pin: str) -> bytes:
        return hmac.digest(_SALT, pin.encode(), "sha256")

    def is_for(self, pin: str) -> bool:
        """Whether the session was opened with this PIN: it must not serve another."""
        return hmac.compare_digest(self._mark, self._digest(pin))

    def leave(self) -> None:
        """Log out when the last key is given back; a token that is gone has done so itself."""
        import pkcs11

        self.users -= 1
        if self.users > 0:
            return
        _logins.pop(self.place, None)
        with suppress(pkcs11.PKCS11Error):
            self.session.close()


_SALT = secrets.token_bytes(32)
_logins: dict[tuple[str, str], _Login] = {}


class TokenKey:
    """A private key in a token, with its open session."""

    def __init__(self, login: _Login, private: Any, mechanism: Any, public: Any) -> None:
        self.kind, self.size = kind_of(public)
        self.public = public
        self._login, self._private, self._mechanism = login, private, mechanism

    def sign(self, data: bytes) -> bytes:
        """Sign in the token. ECDSA goes raw: SoftHSM and many cards refuse to hash for it."""
        with _told("while signing"):
            if self.kind != RSA:
                digest = hashlib.sha256(data).digest()
                raw = bytes(self._private.sign(digest, mechanism=self._mechanism))
                half = len(raw) // 2
                return encode_dss_signature(
                    int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
                )
            if self._mechanism.name == "RSA_PKCS":
                data = _DIGEST_INFO + hashlib.sha256(data).digest()
            return bytes(self._private.sign(data, mechanism=self._mechanism))

    def close(self) -> None:
        """Give the key back."""
        self._login.leave()


def open_token(
    module: str,
    *,
    token: str,
    pin: str | None,
    label: str = "",
    certificates: Sequence[bytes] = (),
) -> Identity:
    """Log in to the token named ``token`` and return its key ``label`` with its certificates.

    ``certificates`` (DER): those that the token does not hold itself. ``label`` may stay empty
    when the token holds one private key.
    """
    if not Path(module).is_file():
        raise SigningError(
            "module_absent",
            f"Le module PKCS#11 est introuvable : {module}.",
            "Installez le pilote du jeton, ou donnez le bon chemin (--token).",
        )
    known = _logins.get((module, token))
    try:
        return _opened(module, token, pin, label, certificates)
    except SigningError as error:
        if known is None or error.code not in ("token_unusable", "token_lost"):
            raise
        _logins.pop(known.place, None)  # pulled out and put back: its session is dead
        return _opened(module, token, pin, label, certificates)


def _opened(
    module: str, token: str, pin: str | None, label: str, certificates: Sequence[bytes]
) -> Identity:
    login = _log_in(module, token, pin)
    login.users += 1
    try:
        with _told("while opening"):
            private = _private_key(login.session, label)
            found = [*certificates, *_certificates(login.session)]
            return _joined(login, private, found)
    except BaseException:
        login.leave()
        raise


def tokens_in(module: str) -> list[str]:
    """Return the labels of the tokens that are there."""
    import pkcs11

    with _told("while listing"):
        slots = pkcs11.lib(module).get_slots(token_present=True)
        return [str(slot.get_token().label).strip() for slot in slots]


def _log_in(module: str, token: str, pin: str | None) -> _Login:
    import pkcs11

    with _told("while opening", token=token):
        place = _token(pkcs11.lib(module), token)
        if not pin:
            raise SigningError(
                "passphrase_needed",
                f"Le jeton « {token} » demande son code PIN.",
                "Donnez le code PIN du jeton.",
            )
        known = _logins.get((module, token))
        if known and not known.is_for(pin):
            raise _wrong_pin()
        return known or _logins.setdefault(
            (module, token), _Login((module, token), place.open(user_pin=pin), pin)
        )


def _token(library: Any, label: str) -> Any:
    import pkcs11

    try:
        return library.get_token(token_label=label)
    except pkcs11.NoSuchToken:
        if _logins:
            raise
        library.reinitialize()  # some modules see a token put in late only after a fresh start
        return library.get_token(token_label=label)


def _private_key(session: Any, label: str) -> Any:
    import pkcs11

    wanted: dict[Any, Any] = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
    if label:
        wanted[pkcs11.Attribute.LABEL] = label
    found = list(session.get_objects(wanted))
    if not found:
        raise SigningError(
            "key_absent",
            f"Le jeton ne contient pas de clé privée « {label} »."
            if label
            else "Le jeton ne contient pas de clé privée.",
            "Vérifiez le nom de la clé (--label) avec l’outil du jeton.",
        )
    if len(found) > 1:
        names = ", ".join(sorted({str(one.label) for one in found}))
        raise SigningError(
            "key_ambiguous",
            f"Le jeton contient plusieurs clés privées : {names}.",
            "Dites laquelle avec --label.",
        )
    return found[0]


def _certificates(session: Any) -> Iterator[bytes]:
    import pkcs11

    wanted = {
        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
        pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
    }
    for one in session.get_objects(wanted):
        yield bytes(one[pkcs11.Attribute.VALUE])


def _joined(login: _Login, private: Any, certificates: list[bytes]) -> Identity:
    """Find, by a trial signature, the certificate that belongs to the key."""
    import pkcs11

    rsa_key = private.key_type == pkcs11.KeyType.RSA
    mechanism = pkcs11.Mechanism.ECDSA
    if rsa_key:
        known = login.session.token.slot.get_mechanisms()
        hashing = pkcs11.Mechanism.SHA256_RSA_PKCS
        mechanism = hashing if hashing in known else pkcs11.Mechanism.RSA_PKCS
    for der in dict.fromkeys(certificates):
        public = x509.load_der_x509_certificate(der).public_key()
        if isinstance(public, ec.EllipticCurvePublicKey) == rsa_key:
            continue
        try:
            key = TokenKey(login, private, mechanism, public)
        except SigningError:
            continue
        if _proves(key):
            return identity(key, certificates)
    raise SigningError(
        "key_mismatch" if certificates else "certificate_absent",
        "Aucun certificat du jeton ni du fichier n’est celui de cette clé.",
        "Donnez le certificat reçu pour cette clé (--pem).",
    )


def _proves(key: TokenKey) -> bool:
    challenge = b"Kalan: is this the key of that certificate?"
    signature = key.sign(challenge)
    try:
        if key.kind == RSA:
            key.public.verify(signature, challenge, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.public.verify(signature, challenge, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _wrong_pin() -> SigningError:
    return SigningError(
        "wrong_passphrase",
        "Le code PIN du jeton est faux.",
        "Vérifiez-le : après quelques essais faux, le jeton se bloque.",
    )


_PIN = ("PinIncorrect", "PinInvalid", "PinLenRange")


@contextmanager
def _told(when: str, token: str = "") -> Iterator[None]:
    """Turn what a token says into a sentence with a remedy."""
    import pkcs11

    try:
        yield
    except (pkcs11.NoSuchToken, pkcs11.TokenNotPresent, pkcs11.TokenNotRecognised) as error:
        named = f"Le jeton « {token} » n’est pas là." if token else "Le jeton n’est plus là."
        raise SigningError(
            "token_absent",
            named,
            "Branchez le jeton (ou démarrez le HSM), puis recommencez : ce qui est signé le reste.",
        ) from error
    except pkcs11.PinLocked as error:
        raise SigningError(
            "token_locked",
            "Le jeton est bloqué : trop de codes PIN faux.",
            "Débloquez-le avec l’outil du fabricant et son code de déblocage.",
        ) from error
    except pkcs11.PKCS11Error as error:
        name = type(error).__name__
        if name in _PIN:
            raise _wrong_pin() from error
        raise SigningError(
            "token_lost" if when == "while signing" else "token_unusable",
            f"Le jeton ne répond plus ({name})."
            if when == "while signing"
            else f"Le jeton ne peut pas être ouvert ({name}).",
            "Vérifiez qu’il est branché, puis recommencez : ce qui est signé le reste.",
        ) from error
    except RuntimeError as error:  # the module is no PKCS#11 library, or cannot start
        raise SigningError(
            "token_unusable",
            f"Le module PKCS#11 ne démarre pas ({error}).",
            "Vérifiez le chemin du module et sa configuration.",
        ) from error
