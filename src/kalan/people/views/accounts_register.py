"""An independent professional opens an account, and confirms an e-mail."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.forms.accounts_signin import PasswordForm, RegisterForm
from kalan.people.http import show_refusal
from kalan.people.services.accounts_door import address_of, forget_next, kept_next
from kalan.people.services.accounts_register import (
    confirm_registration,
    register,
    registration_of,
)
from kalan.people.views.accounts_signin import enter


def _next_of(request: HttpRequest, path: str) -> str | None:
    ok = url_has_allowed_host_and_scheme(path, {request.get_host()}, request.is_secure())
    return path if path and ok else kept_next(request)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def account_register(request: HttpRequest) -> HttpResponse:
    """Name, phone or e-mail, cadre, password: then in, and back to where one came from."""
    if request.user.is_authenticated:
        return redirect(_next_of(request, request.GET.get("next", "")) or "/mon-espace/")
    form = RegisterForm(
        request.POST or None,
        country=settings.KALAN_COUNTRY,
        initial={"next": request.GET.get("next", "")},
    )
    status = 200
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            account = register(
                now=clock.now(),
                address=address_of(request),
                name=data["name"],
                contact=data["contact"],
                password=data["password"],
                cadre=data["cadre"],
            )
        except Refused as refused:
            show_refusal(form, refused)
            status = 429 if refused.code == "wait" else 200
        else:
            said = "Votre compte est ouvert."
            if "@" in data["contact"]:
                said += " Un message est parti à votre adresse : ouvrez son lien pour pouvoir "
                said += "vous reconnecter."
            messages.success(request, said)
            next_url = _next_of(request, data["next"])
            response = enter(request, account, next_url=next_url, shared=False)
            forget_next(response)
            return response
    return render(request, "people/accounts/register.html", {"form": form}, status=status)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def register_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the mail, with the password chosen."""
    form = PasswordForm(request.POST or None)
    try:
        account, email = registration_of(token)
        if request.method == "POST" and form.is_valid():
            account = confirm_registration(
                now=clock.now(), token=token, password=form.cleaned_data["password"]
            )
            messages.success(request, "Votre adresse est confirmée.")
            if request.user.is_authenticated:
                return redirect("/mon-espace/")
            return enter(request, account, next_url=None, shared=False)
    except Refused as refused:
        if refused.field is None or request.method == "GET":
            gone = {"refused": refused}
            return render(request, "people/accounts/register_confirm.html", gone, status=404)
        show_refusal(form, refused)
        account, email = registration_of(token)
    page = {"form": form, "email": email, "account": account}
    return render(request, "people/accounts/register_confirm.html", page)
