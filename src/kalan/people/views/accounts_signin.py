"""The door: sign in, say which name, sign out, activate an account."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.internal import flows
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.socialaccount.adapter import get_adapter as get_social_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.adapters import WANTS_SHARED
from kalan.people.backends import may_sign_in
from kalan.people.forms.accounts_signin import (
    ActivateForm,
    SignInForm,
    SlipCodeForm,
    WhichNameForm,
)
from kalan.people.http import show_refusal
from kalan.people.models import Account
from kalan.people.services.accounts_door import address_of as client_address
from kalan.people.services.accounts_door import forget_next, kept_next
from kalan.people.services.accounts_own import see_notice
from kalan.people.services.accounts_sessions import forget_session
from kalan.people.services.accounts_signin import accounts_matching
from kalan.people.services.accounts_slips import activate, find_slip, normalised_code
from kalan.people.sessions import SHARED_KEY

_CHOICE = "signin_choice"
_CHOICE_SECONDS = 300


def _safe_next(request: HttpRequest, url: str) -> str | None:
    ok = url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure())
    return url if url and ok else None


def _home(request: HttpRequest, url: str = "") -> HttpResponse:
    return redirect(_safe_next(request, url) or reverse_home())


def reverse_home() -> str:
    """The learner's home, by its stable address."""
    return "/mon-espace/"


def enter(
    request: HttpRequest, account: Account, *, next_url: str | None, shared: bool
) -> HttpResponse:
    """Pass the login stages (second factor) and open the session."""
    request.session.pop(_CHOICE, None)
    request.session[WANTS_SHARED] = shared
    login = Login(user=account, redirect_url=next_url)
    response: HttpResponse = flows.login.perform_password_login(request, {}, login)
    return response


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return _home(request, request.GET.get("next", ""))
    form = SignInForm(request.POST or None, initial={"next": request.GET.get("next", "")})
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            return _sign_in(request, form.cleaned_data)
        except Refused as refused:
            show_refusal(form, refused)
            status = 429 if refused.code == "wait" else 200
    providers = get_social_adapter().list_providers(request)
    page = {"form": form, "providers": providers, "next": form["next"].value() or ""}
    return render(request, "people/accounts/sign_in.html", page, status=status)


def _sign_in(request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
    found = accounts_matching(
        identifier=data["identifier"],
        password=data["password"],
        address=client_address(request),
        now=clock.now(),
    )
    next_url = _safe_next(request, data["next"])
    if len(found) == 1:
        return enter(request, found[0], next_url=next_url, shared=data["shared"])
    request.session[_CHOICE] = {
        "accounts": [str(one.uid) for one in found],
        "until": time.time() + _CHOICE_SECONDS,
        "next": next_url,
        "shared": data["shared"],
    }
    return redirect("account_which_name")


@never_cache
@require_http_methods(["GET", "POST"])
def which_name(request: HttpRequest) -> HttpResponse:
    """Several people share a phone and a password: ask which of them this is."""
    choice = request.session.get(_CHOICE)
    if not choice or choice["until"] < time.time():
        request.session.pop(_CHOICE, None)
        return redirect("account_login")
    accounts = list(
        Account.objects.filter(may_sign_in(), uid__in=choice["accounts"]).order_by("display_name")
    )
    form = WhichNameForm(request.POST or None, accounts=accounts)
    if request.method == "POST" and form.is_valid():
        account = next(one for one in accounts if str(one.uid) == form.cleaned_data["account"])
        return enter(request, account, next_url=choice["next"], shared=choice["shared"])
    return render(request, "people/accounts/which_name.html", {"form": form})


@never_cache
@require_POST
def cancel_sign_in(request: HttpRequest) -> HttpResponse:
    """Leave a sign-in that waits for its second factor."""
    clear_login(request)
    request.session.pop(WANTS_SHARED, None)
    return redirect("account_login")


@never_cache
@require_http_methods(["GET", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ask on GET; on POST end the session, and on a shared phone clear what the browser keeps."""
    shared = SHARED_KEY in request.session
    if request.method == "GET":
        if not request.user.is_authenticated:
            return redirect("/")
        return render(request, "people/accounts/sign_out.html", {"shared": shared})
    key = request.session.session_key
    flows.logout.logout(request, show_message=not shared)
    forget_session(key)
    response = redirect("/")
    if shared:
        # The unsent marks of an attendance list would go too: the page before asks.
        response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def slip_code(request: HttpRequest) -> HttpResponse:
    """Type the code of a slip."""
    form = SlipCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        try:
            find_slip(now=clock.now(), code=code, address=client_address(request))
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("account_activate", code=normalised_code(code))
    return render(request, "people/accounts/slip_code.html", {"form": form})


@sensitive_post_parameters("password", "again")
@never_cache
@require_http_methods(["GET", "POST"])
def activate_account(request: HttpRequest, code: str) -> HttpResponse:
    """Whose slip this is, the notice, a password: then in."""
    now, address = clock.now(), client_address(request)
    try:
        slip = find_slip(now=now, code=code, address=address)
    except Refused as refused:
        # The second of two taps on "Activer": the first one has signed the person in.
        if refused.code == "used" and request.user.is_authenticated:
            return _home(request)
        page = {"form": SlipCodeForm(initial={"code": code}), "refused": refused}
        return render(request, "people/accounts/slip_code.html", page, status=404)
    form = ActivateForm(request.POST or None, initial={"phone": slip.account.phone})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            account = activate(
                now=now,
                code=code,
                password=data["password"],
                phone=data["phone"],
                address=address,
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            see_notice(account=account, now=now)
            if request.user.is_authenticated:
                flows.logout.logout(request, show_message=False)
            messages.success(request, "Votre compte est actif.")
            response = enter(request, account, next_url=kept_next(request), shared=False)
            forget_next(response)
            return response
    context = {"form": form, "account": slip.account}
    return render(request, "people/accounts/activate.html", context)
