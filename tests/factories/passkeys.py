"""A passkey in memory, as a telephone holds one: it is enrolled, and answers challenges."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.core import context
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.test import RequestFactory
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from kalan.people.models import Account
from kalan.people.services.passkeys import Asked

SITE = "localhost"
ORIGIN = f"http://{SITE}:8000"
PRESENT, VERIFIED, ENROLLED = 0x01, 0x04, 0x40


@contextmanager
def visited(host: str = SITE) -> Iterator[None]:
    """As in a request to the site, whose name the passkeys are for."""
    with context.request_context(RequestFactory().get("/", headers={"host": host})):
        yield


class Passkey:
    """Enrolled for ``account`` on SITE; ``count`` grows with each answer (0: it does not count)."""

    def __init__(self, account: Account, *, count: int = 1) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.count = count
        self.identifier = hashlib.sha256(f"{account.pk}".encode()).digest()
        public: Any = ES256
        public = public.from_cryptography_key(self.private.public_key())
        held = AttestedCredentialData.create(b"\0" * 16, self.identifier, public)
        data = self._data(PRESENT | VERIFIED | ENROLLED, held)
        said = self._said("webauthn.create", "AAAA", ORIGIN)
        response = {
            "clientDataJSON": websafe_encode(said),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        }
        credential = self._credential(response)
        self.row = Authenticator.objects.create(
            user=account,
            type=Authenticator.Type.WEBAUTHN,
            data={"name": "Téléphone", "credential": credential},
        )

    def answer(
        self, asked: Asked, *, verified: bool = True, origin: str = ORIGIN, inside: bool = False
    ) -> str:
        """What the browser sends back: JSON. ``inside``: from within another site's page."""
        self.count += 1 if self.count else 0
        data = self._data(PRESENT | (VERIFIED if verified else 0))
        challenge = asked.options["publicKey"]["challenge"]
        said = self._said("webauthn.get", challenge, origin, inside)
        signed = self.private.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": websafe_encode(said),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signed),
        }
        return json.dumps(self._credential(response))

    def _data(self, flags: int, held: Any = b"") -> AuthenticatorData:
        site = hashlib.sha256(SITE.encode()).digest()
        made: AuthenticatorData = AuthenticatorData.create(
            site, AuthenticatorData.FLAG(flags), self.count, held
        )
        return made

    def _said(self, kind: str, challenge: str, origin: str, inside: bool = False) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": inside}
        return json.dumps(said).encode()

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        name = websafe_encode(self.identifier)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }
