"""Sign-in through an OpenID provider (Pro Santé Connect is one), by configuration only.

KALAN_OIDC is a JSON list of providers; docs/reglages.md has the fields. A provider's answer opens
an account that exists: the one already linked, else the one that a matricule claim or a verified
e-mail proves. Kalan makes no account from outside.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any
from urllib.parse import urlencode

from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from kalan.base.errors import Refused
from kalan.people.actor import SYSTEM
from kalan.people.backends import may_sign_in
from kalan.people.models import Account
from kalan.people.services.accounts_events import log

_NONCE = "oidc_nonce"


class StrictAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc] # allauth has no types
    """Checks what OpenID Connect Core §3.1.3.7 and §5.3.2 ask, also over a direct connection."""

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
            verify_signature=True,
        )
        nonce = self.request.session.pop(_NONCE, None)
        if not nonce or claims.get("nonce") != nonce:
            raise OAuth2Error("nonce mismatch")
        return claims

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any
    ) -> SocialLogin:
        if not kwargs["response"].get("id_token"):
            raise OAuth2Error("no id_token")
        login: SocialLogin = super().complete_login(request, app, token, **kwargs)
        data = login.account.extra_data
        userinfo = data.get("userinfo")
        if userinfo is not None and userinfo.get("sub") != data["id_token"]["sub"]:
            raise OAuth2Error("userinfo of another subject")
        return login


@never_cache
@require_POST
def start(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Send the person to the provider. Parameters from outside are dropped, a nonce is added."""
    nonce = request.session[_NONCE] = secrets.token_urlsafe(24)
    request.GET = QueryDict(urlencode({"auth_params": urlencode({"nonce": nonce})}))
    return _answer(OAuth2LoginView, request, provider_id)


@never_cache
@require_GET
def callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Receive the person back with the provider's code."""
    return _answer(OAuth2CallbackView, request, provider_id)


def _answer(view: Any, request: HttpRequest, provider_id: str) -> HttpResponseBase:
    try:
        response: HttpResponseBase = view.adapter_view(StrictAdapter(request, provider_id))(request)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    return response


def account_for(login: SocialLogin, *, now: dt.datetime) -> Account:
    """Return the account that the provider's answer opens. Raises Refused when there is none."""
    if login.is_existing:
        linked = Account.objects.filter(may_sign_in(), pk=login.user.pk).first()
        if linked is None:
            raise Refused("Ce compte est désactivé.", remedy="Voyez votre responsable.")
        return linked
    data = login.account.extra_data
    claims = {**data.get("id_token", {}), **data.get("userinfo", {})}
    found = _by_proof(claims, login.provider.app.settings)
    if len(found) != 1:
        raise Refused(
            "Aucun compte Kalan ne correspond à cette identité."
            if not found
            else "Cette identité correspond à deux comptes Kalan.",
            remedy="Demandez à votre responsable d’ouvrir ou de corriger votre compte.",
        )
    account = found[0]
    log("linked", account=account, actor=SYSTEM, now=now, reason=str(login.provider.app.name))
    return account


def _by_proof(claims: dict[str, Any], config: dict[str, Any]) -> list[Account]:
    """Accounts that a matricule claim (as configured) or a verified e-mail point to."""
    found: dict[int, Account] = {}
    accounts = Account.objects.filter(may_sign_in()).order_by("pk")
    matricule = str(claims.get(config.get("matricule_claim") or "", "") or "").strip()
    if matricule:
        country = config.get("country", "")
        for one in accounts.filter(agent__matricule=matricule, agent__country=country)[:2]:
            found[one.pk] = one
    email = str(claims.get("email") or "").strip().lower()
    if email and claims.get("email_verified") is True:
        for one in accounts.filter(email=email)[:2]:
            found[one.pk] = one
    return list(found.values())
