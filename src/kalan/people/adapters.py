"""How django-allauth meets Kalan: login stages, second factor, identity providers."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.qr import qr_svg
from kalan.people import oidc, sessions, vault
from kalan.people.actor import Actor
from kalan.people.models import Account, Role
from kalan.people.selectors.core import actor_for
from kalan.people.services.accounts_events import log
from kalan.people.services.accounts_sessions import note_session
from kalan.people.services.accounts_signin import check_own_password

# Seconds during which having signed in (or given the password anew) is proof enough to change
# second factors.
RECENT = 10 * 60
# A trainer's own space holds the sessions to mark today: they stay there.
_MANAGING = frozenset(Role.values) - {Role.TRAINER}
# In the session until the login stages are done: this telephone is shared.
WANTS_SHARED = "signin_shared"

# allauth's own messages come from its translations; these are ours, the rest stays silent.
_SAID = {
    "mfa/messages/totp_activated.txt": "Application d’authentification enregistrée.",
    "mfa/messages/totp_deactivated.txt": "Application d’authentification retirée.",
    "mfa/messages/webauthn_added.txt": "Clé d’accès enregistrée.",
    "mfa/messages/webauthn_removed.txt": "Clé d’accès retirée.",
    "mfa/messages/recovery_codes_generated.txt": (
        "Voici vos codes de secours : imprimez-les et gardez-les à l’abri."
    ),
    "account/messages/logged_out.txt": "Vous êtes déconnecté.",
    "socialaccount/messages/account_connected.txt": "Le fournisseur d’identité est relié.",
}
_EVENTS = {
    "mfa/messages/totp_activated.txt": "factor_added",
    "mfa/messages/totp_deactivated.txt": "factor_removed",
    "mfa/messages/webauthn_added.txt": "factor_added",
    "mfa/messages/webauthn_removed.txt": "factor_removed",
    "mfa/messages/recovery_codes_generated.txt": "codes_printed",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """No sign-up: accounts are opened by managers."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        text = message or _SAID.get(message_template or "")
        if text:
            messages.add_message(request, level, text, extra_tags)
        kind = _EVENTS.get(message_template or "")
        if kind and isinstance(request.user, Account):
            actor = Actor(account=request.user)
            log(kind, account=request.user, actor=actor, now=clock.now())

    def login(self, request: HttpRequest, user: Account) -> None:
        """Open the session once every stage is passed, short on a shared telephone."""
        shared = bool(request.session.pop(WANTS_SHARED, False))
        super().login(request, user)
        if shared:
            sessions.mark_shared(request.session)
        note_session(
            account=user,
            key=str(request.session.session_key),
            user_agent=request.headers.get("User-Agent", ""),
            address=str(self.get_client_ip(request)),
            now=clock.now(),
        )

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Who manages arrives at what waits for them; everyone else, at their own space."""
        if actor_for(request.user, today=clock.today()).can(_MANAGING):
            return "/gestion/"
        return str(super().get_login_redirect_url(request))

    def respond_user_inactive(self, request: HttpRequest, user: Account) -> HttpResponse:
        messages.error(request, "Ce compte est désactivé. Voyez votre responsable.")
        return HttpResponseRedirect(reverse("account_login"))

    def reauthenticate(self, user: Account, password: str) -> bool:
        try:
            check_own_password(account=user, password=password, now=clock.now())
        except Refused:
            return False
        return True

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not within ten minutes of signing in: enrolling follows at once for those who must."""
        request = context.request
        records = get_authentication_records(request, request.user)
        return not any(time.time() - record["at"] < RECENT for record in records)

    def get_reauthentication_methods(self, user: Account) -> list[dict[str, Any]]:
        labels = {
            "reauthenticate": "Donner mon mot de passe",
            "mfa_reauthenticate": "Donner un code",
            "mfa_reauthenticate:webauthn": "Utiliser ma clé d’accès",
        }
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [{**one, "description": labels[one["id"]]} for one in methods]

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nothing by mail: the log of the account says it (few have an e-mail)."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth has no types
    """Secrets sealed at rest, our QR code, French names."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "Code incorrect. Vérifiez que l’heure du téléphone est juste.",
        "cannot_delete_authenticator": (
            "Votre rôle demande un second facteur : enregistrez-en un autre avant de retirer "
            "celui-ci."
        ),
    }

    def encrypt(self, text: str) -> str:
        return vault.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return vault.unseal(encrypted_text)

    def get_totp_label(self, user: Account) -> str:
        return user.email or user.display_name

    def get_totp_issuer(self) -> str:
        return "Kalan"

    def build_totp_svg(self, url: str) -> str:
        return qr_svg(url)

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """The last factor of someone whose role asks for one stays."""
        user = authenticator.user
        if not user.second_factor_required:
            return True
        others = type(authenticator).objects.filter(user=user, type__in=["totp", "webauthn"])
        return bool(others.exclude(pk=authenticator.pk).exists())

    def generate_authenticator_name(self, user: Account, type: Any) -> str:  # noqa: A002
        return "Ma clé d’accès"

    def get_public_key_credential_user_entity(self, user: Account) -> dict[str, Any]:
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        # The random uid: sequences are never shown outside.
        return {**entity, "id": user.uid.bytes, "display_name": user.display_name}


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth has no types
    """Identity providers: an existing account is found by proof, never made up in silence."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> Any:
        return sociallogin.user

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        """Matching is ours (people.oidc), with the provider's own rules."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        try:
            account = oidc.account_for(sociallogin, now=clock.now())
        except Refused as refused:
            messages.error(request, str(refused))
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login"))) from refused
        # The provider's answer has served; nothing of it is kept.
        sociallogin.account.extra_data = {}
        if sociallogin.is_existing:
            sociallogin.account.save(update_fields=["extra_data"])
        else:
            sociallogin.connect(request, account)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        messages.error(
            request,
            "Le fournisseur d’identité n’a pas confirmé qui vous êtes. Réessayez, ou connectez-vous"
            " avec votre mot de passe.",
        )
        raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login")))
