"""My account: how I sign in, my second factor, my devices; the notice on personal data."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.forms.accounts_own import EmailForm, PasswordForm, PhoneForm
from kalan.people.http import ActorRequest, at_the_door, show_refusal, signed_in
from kalan.people.models import Account
from kalan.people.services import accounts_own as services
from kalan.people.sessions import SHARED_KEY


def _account(request: ActorRequest) -> Account:
    assert request.actor.account is not None
    return request.actor.account


def _next(request: ActorRequest) -> str:
    url = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure())
    return url if safe else "/mon-espace/"


@at_the_door
@require_http_methods(["GET", "POST"])
def notice(request: ActorRequest) -> HttpResponseBase:
    """The notice on personal data, at the first sign-in and whenever asked for."""
    if request.method == "POST":
        services.see_notice(account=_account(request), now=clock.now())
        return redirect(_next(request))
    page = {"next": _next(request), "account": _account(request)}
    return render(request, "people/accounts/notice.html", page)


@at_the_door
def must_enrol(request: ActorRequest) -> HttpResponseBase:
    """Say why a second factor is asked for, and offer the ways."""
    if not request.actor.must_enrol:
        return redirect("mfa_index")
    return render(request, "people/accounts/must_enrol.html", {})


@signed_in
def own_account(request: ActorRequest) -> HttpResponseBase:
    account = _account(request)
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    page: dict[str, Any] = {
        "account": account,
        "has_factor": is_mfa_enabled(account, kinds),
        "sessions": account.devices.order_by("-created_at", "-pk")[:20],
        "session_key": request.session.session_key,
        "shared": SHARED_KEY in request.session,
    }
    return render(request, "people/accounts/own.html", page)


@sensitive_post_parameters()
@signed_in
@require_http_methods(["GET", "POST"])
def own_password(request: ActorRequest) -> HttpResponseBase:
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            account = services.change_password(
                actor=request.actor,
                now=clock.now(),
                current=form.cleaned_data["current"],
                new=form.cleaned_data["new"],
                session_key=request.session.session_key,
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            update_session_auth_hash(request, account)
            messages.success(request, "Mot de passe changé. Les autres appareils sont déconnectés.")
            return redirect("account_own")
    page = {"form": form, "title": "Changer mon mot de passe"}
    return render(request, "people/accounts/own_form.html", page)


@signed_in
@require_http_methods(["GET", "POST"])
def own_phone(request: ActorRequest) -> HttpResponseBase:
    form = PhoneForm(request.POST or None, initial={"phone": _account(request).phone})
    if request.method == "POST" and form.is_valid():
        try:
            services.change_phone(
                actor=request.actor, now=clock.now(), phone=form.cleaned_data["phone"]
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Téléphone enregistré.")
            return redirect("account_own")
    page = {"form": form, "title": "Mon téléphone"}
    return render(request, "people/accounts/own_form.html", page)


@signed_in
@require_http_methods(["GET", "POST"])
def own_email(request: ActorRequest) -> HttpResponseBase:
    form = EmailForm(request.POST or None, initial={"email": _account(request).email})
    if request.method == "POST" and form.is_valid():
        try:
            sent = services.ask_email_change(
                actor=request.actor, now=clock.now(), email=form.cleaned_data["email"]
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            said = (
                f"Un lien est parti à {sent}. L’adresse change quand vous l’ouvrez."
                if sent
                else "Adresse enregistrée."
            )
            messages.success(request, said)
            return redirect("account_own")
    page = {"form": form, "title": "Mon adresse e-mail"}
    return render(request, "people/accounts/own_form.html", page)


@signed_in
@require_http_methods(["GET", "POST"])
def confirm_email(request: ActorRequest, token: str) -> HttpResponseBase:
    """Followed from a mail: a button, since programs that check mails open links too."""
    if request.method == "POST":
        try:
            services.confirm_email(actor=request.actor, now=clock.now(), token=token)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "Adresse e-mail confirmée.")
        return redirect("account_own")
    return render(request, "people/accounts/confirm_email.html", {})


@signed_in
@require_POST
def end_other_sessions(request: ActorRequest) -> HttpResponseBase:
    ended = services.end_other_sessions(
        actor=request.actor, now=clock.now(), session_key=request.session.session_key
    )
    said = "Aucun autre appareil n’était connecté." if not ended else "C’est fait."
    messages.success(request, said)
    return redirect(f"{reverse('account_own')}#appareils")
