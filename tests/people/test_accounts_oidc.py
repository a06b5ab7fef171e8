"""Signing in through an OpenID provider: a real one, on loopback, that signs its tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from kalan.people.models import Account, SignInEvent
from tests.factories import people

# Made once: a key takes half a second.
KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


@dataclass
class Provider:
    """What the person at the provider is, and how the provider misbehaves."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo_sub: str = ""
    wrong_key: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)  # code → authorization request

    def authorize(self, query: dict[str, str]) -> str:
        code = secrets.token_urlsafe(8)
        self.asked[code] = query
        return f"{query['redirect_uri']}?code={code}&state={query['state']}"

    def tokens(self, form: dict[str, str]) -> dict[str, Any]:
        asked = self.asked.pop(form["code"])
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(form["code_verifier"].encode()).digest()
        )
        assert asked["code_challenge"] == challenge.decode().rstrip("=")
        claims = {
            "iss": self.url,
            "aud": asked["client_id"],
            "sub": "psc-1",
            "iat": int(time.time()),
            "exp": int(time.time()) + 60,
            "nonce": asked["nonce"],
            **self.claims,
            **self.overrides,
        }
        key = OTHER_KEY if self.wrong_key else KEY
        token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k1"})
        return {"access_token": "t", "token_type": "Bearer", "id_token": token}

    def answer(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
            }
        if path == "/jwks":
            jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            return {"keys": [{**jwk, "kid": "k1", "alg": "RS256", "use": "sig"}]}
        if path == "/token":
            return self.tokens(form)
        assert path == "/userinfo"
        return {"sub": self.userinfo_sub or "psc-1", **self.claims}


@pytest.fixture
def provider() -> Iterator[Provider]:
    state = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(dict(parse_qsl(body)))

        def _send(self, form: dict[str, str]) -> None:
            body = json.dumps(state.answer(urlsplit(self.path).path, form)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(settings: Any, provider: Provider) -> Client:
    app = {
        "provider_id": "psc",
        "name": "Pro Santé Connect",
        "client_id": "kalan",
        "secret": "s",
        "settings": {
            "server_url": provider.url,
            "matricule_claim": "SubjectNameID",
            "country": "fr",
        },
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }
    return Client()


def go(client: Client, provider: Provider, **data: str) -> Any:
    """Press the button, authorize at the provider, come back."""
    away = client.post("/connexion/fournisseur/psc/", data)
    assert away.status_code == 302
    parts = urlsplit(away.url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{provider.url}/authorize"
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    back = urlsplit(provider.authorize(query))
    return client.get(f"{back.path}?{back.query}")


def who(client: Client) -> Account | None:
    key = client.session.get("_auth_user_id")
    return Account.objects.get(pk=key) if key else None


def said(client: Client) -> list[str]:
    return [str(one) for one in client.get("/connexion/").context["messages"]]


NOBODY = (
    "Aucun compte Kalan ne correspond à cette identité. Demandez à votre responsable d’ouvrir ou "
    "de corriger votre compte."
)
NOT_PROVEN = (
    "Le fournisseur d’identité n’a pas confirmé qui vous êtes. Réessayez, ou connectez-vous avec "
    "votre mot de passe."
)


def test_a_verified_email_opens_the_account_and_is_remembered(
    db: None, client: Client, provider: Provider
) -> None:
    account = people.account(email="awa@sante.fr")
    provider.claims = {"email": "Awa@sante.fr", "email_verified": True, "family_name": "N’DIAYE"}
    assert b"Pro Sant\xc3\xa9 Connect" in client.get("/connexion/").content
    assert go(client, provider, next="/chiffres/").url == "/chiffres/"
    assert who(client) == account
    link = SocialAccount.objects.get()
    # Nothing of the provider's answer is kept, and no token.
    assert (link.user, link.uid, link.extra_data) == (account, "psc-1", {})
    assert SocialToken.objects.count() == 0
    assert SignInEvent.objects.get(kind="linked").account == account
    account.refresh_from_db()
    assert account.check_password("kalan-demo")
    # Linked by now: the e-mail may change at the provider.
    client.post("/deconnexion/")
    provider.claims = {"email": "autre@sante.fr", "email_verified": True}
    go(client, provider)
    assert who(client) == account
    assert (SocialAccount.objects.get().extra_data, Account.objects.count()) == ({}, 1)


def test_a_matricule_claim_opens_the_account_of_that_country(
    tree: people.Tree, client: Client, provider: Provider
) -> None:
    agent = people.agent(matricule="10001234567", country="fr")
    account = people.account(agent=agent, email=None)
    people.account(agent=people.agent(matricule="10001234567", country="sn"))
    provider.claims = {"SubjectNameID": "10001234567"}
    go(client, provider)
    assert who(client) == account


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email": "inconnue@sante.fr", "email_verified": True},
        {"email": "awa@sante.fr"},
        {"email": "awa@sante.fr", "email_verified": False},
        {"email": "awa@sante.fr", "email_verified": "true"},
        {"SubjectNameID": ""},
    ],
)
def test_without_proof_no_account_is_opened_nor_made(
    db: None, client: Client, provider: Provider, claims: dict[str, Any]
) -> None:
    people.account(email="awa@sante.fr")
    provider.claims = claims
    assert go(client, provider).url == "/connexion/"
    assert said(client) == [NOBODY]
    assert (who(client), Account.objects.count(), SocialAccount.objects.count()) == (None, 1, 0)


def test_two_proofs_of_two_people_open_nothing(
    db: None, client: Client, provider: Provider
) -> None:
    people.account(agent=people.agent(matricule="10001234567", country="fr"))
    people.account(email="awa@sante.fr")
    provider.claims = {
        "SubjectNameID": "10001234567",
        "email": "awa@sante.fr",
        "email_verified": True,
    }
    go(client, provider)
    assert "Cette identité correspond à deux comptes Kalan." in said(client)[0]
    assert who(client) is None


@pytest.mark.parametrize(
    "fault",
    [
        {"wrong_key": True},
        {"overrides": {"iss": "https://ailleurs.example"}},
        {"overrides": {"aud": "un-autre"}},
        {"overrides": {"exp": 1}},
        {"overrides": {"nonce": "rejoué"}},
        {"userinfo_sub": "quelqu-un-d-autre"},
    ],
    ids=["signature", "issuer", "audience", "expired", "nonce", "userinfo"],
)
def test_a_token_that_does_not_hold_opens_nothing(
    db: None, client: Client, provider: Provider, fault: dict[str, Any]
) -> None:
    people.account(email="awa@sante.fr")
    provider.claims = {"email": "awa@sante.fr", "email_verified": True}
    for name, value in fault.items():
        setattr(provider, name, value)
    assert go(client, provider).url == "/connexion/"
    assert said(client) == [NOT_PROVEN]
    assert who(client) is None


def test_the_second_factor_is_asked_for_all_the_same(
    tree: people.Tree, client: Client, provider: Provider
) -> None:
    people.account("admin", tree.country, email="admin@sante.fr")
    provider.claims = {"email": "admin@sante.fr", "email_verified": True}
    assert go(client, provider).url == "/connexion/code/"
    assert client.get("/connexion/code/").status_code == 200
    assert who(client) is None


def test_a_closed_account_stays_closed(db: None, client: Client, provider: Provider) -> None:
    account = people.account(email="awa@sante.fr")
    provider.claims = {"email": "awa@sante.fr", "email_verified": True}
    go(client, provider)
    client.post("/deconnexion/")
    Account.objects.update(is_active=False)
    go(client, provider)
    assert said(client)[-1] == "Ce compte est désactivé. Voyez votre responsable."
    account.refresh_from_db()
    assert who(client) is None


def test_a_refusal_at_the_provider_leads_back(db: None, client: Client, provider: Provider) -> None:
    away = client.post("/connexion/fournisseur/psc/")
    state = parse_qs(urlsplit(away.url).query)["state"][0]
    back = client.get(f"/connexion/fournisseur/psc/retour/?error=access_denied&state={state}")
    assert back.url == "/connexion/"
    assert said(client) == [NOT_PROVEN]


def test_an_answer_that_nobody_asked_for_is_refused(
    db: None, client: Client, provider: Provider
) -> None:
    assert client.get("/connexion/fournisseur/psc/retour/?code=x&state=y").url == "/connexion/"
    assert said(client) == [NOT_PROVEN]


def test_parameters_from_outside_do_not_reach_the_provider(
    db: None, client: Client, provider: Provider
) -> None:
    away = client.post("/connexion/fournisseur/psc/?auth_params=prompt%3Dnone&scope=all")
    query = parse_qs(urlsplit(away.url).query)
    assert "prompt" not in query
    assert sorted(query["scope"][0].split()) == ["email", "openid", "profile"]
