"""Accounts of a territory: list, one account, contact, closing, second factor."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.lists import paginate
from kalan.people import policy
from kalan.people.double import once
from kalan.people.forms.accounts_manage import AccountFilters, ContactForm, ReasonForm
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.people.models import Account
from kalan.people.selectors import accounts as selectors
from kalan.people.services import accounts as services
from kalan.people.services.accounts_events import LABELS
from kalan.people.services.accounts_second_factor import reset_second_factor

VIEW = policy.CAPABILITIES["accounts.view"]
ADMIN = policy.CAPABILITIES["accounts.admin"]


def find(request: ActorRequest, uid: uuid.UUID) -> Account:
    """The visible account of the address, else 404."""
    today = clock.today()
    accounts = selectors.with_factor(selectors.accounts_visible_to(request.actor, today=today))
    return get_object_or_404(accounts.select_related("agent"), uid=uid)


@staff(VIEW)
def account_list(request: ActorRequest) -> HttpResponseBase:
    filters = AccountFilters(request.GET or None)
    wanted = filters.cleaned_data if filters.is_valid() else {}
    accounts = selectors.accounts_listed(request.actor, today=clock.today(), **wanted)
    if fmt := request.GET.get("format"):
        return _export(accounts, fmt)
    page = paginate(accounts, request, order=("display_name", "pk"))
    context = {
        "page": page,
        "filters": filters,
        "may_create": request.actor.can(ADMIN),
    }
    return render(request, "people/accounts/list.html", context)


def _export(accounts: Any, fmt: str) -> HttpResponse:
    headers = (
        "Nom", "Matricule", "E-mail", "Téléphone", "Téléphone confirmé", "Structure", "Rôles",
        "État", "Second facteur", "Dernière connexion",
    )  # fmt: skip
    rows = (
        (
            one.display_name,
            one.agent.matricule if one.agent else "",
            one.email or "",
            one.phone,
            one.phone_verified_at is not None,
            structure_of(one),
            " ; ".join(f"{held.get_role_display()} : {held.node.name}" for held in one.held),
            state_of(one),
            one.has_factor,
            one.last_login.date() if one.last_login else None,
        )
        for one in accounts.order_by("display_name", "pk")
    )
    return table_response("comptes", headers, rows, fmt)


def structure_of(account: Any) -> str:
    posts = account.agent.main_posts if account.agent else []
    return posts[0].structure.name if posts else ""


def state_of(account: Account) -> str:
    if not account.is_active:
        return "désactivé"
    return "actif" if account.has_usable_password() else "jamais activé"


@staff(VIEW)
def account_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    account, today = find(request, uid), clock.today()
    events = list(selectors.events_of(account)[:50])
    page = {
        "account": account,
        "state": state_of(account),
        "grants": selectors.grants_seen(request.actor, account=account),
        "events": [(one, LABELS[one.kind]) for one in events],
        "today": today,
        "may_restore": selectors.may_restore(request.actor, account, today=today),
        "may_grant": bool(selectors.grantable_roles(request.actor)),
        "may_reset": request.actor.can(ADMIN),
        "is_me": request.actor.account == account,
    }
    return render(request, "people/accounts/detail.html", page)


def _confirmed(
    request: ActorRequest,
    account: Account,
    *,
    title: str,
    message: str,
    label: str,
    done: str,
    act: Callable[[str], object],
    danger: bool = True,
    asks_reason: bool = True,
) -> HttpResponseBase:
    """Ask first; then do ``act(reason)`` and go back to the account."""
    back = reverse("account-detail", args=[account.uid])
    form = ReasonForm(request.POST or None) if asks_reason else None
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            act(form.cleaned_data["reason"] if form else "")
        except Refused as refused:
            if form is None:
                messages.error(request, str(refused))
                return redirect(back)
            show_refusal(form, refused)
        else:
            messages.success(request, done)
            return redirect(back)
    page = {
        "title": title,
        "message": message,
        "form": form,
        "confirm_label": label,
        "cancel_url": back,
        "danger": danger,
    }
    return render(request, "web/_confirm.html", page)


@staff(VIEW)
@require_http_methods(["GET", "POST"])
def account_close(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    account = find(request, uid)
    return _confirmed(
        request,
        account,
        title="Désactiver ce compte",
        message=(
            f"{account.display_name} ne pourra plus se connecter ; ses appareils sont déconnectés. "
            "Ses formations restent."
        ),
        label="Désactiver",
        done="Compte désactivé.",
        act=lambda reason: services.set_active(
            actor=request.actor, now=clock.now(), account=account, active=False, reason=reason
        ),
    )


@staff(VIEW)
@require_http_methods(["GET", "POST"])
def account_reopen(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    account = find(request, uid)
    return _confirmed(
        request,
        account,
        title="Réactiver ce compte",
        message=f"{account.display_name} pourra de nouveau se connecter.",
        label="Réactiver",
        done="Compte réactivé.",
        act=lambda reason: services.set_active(
            actor=request.actor, now=clock.now(), account=account, active=True, reason=reason
        ),
        danger=False,
    )


@staff(VIEW)
@require_http_methods(["GET", "POST"])
def account_verify_phone(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    account = find(request, uid)
    return _confirmed(
        request,
        account,
        title="Confirmer le téléphone",
        message=(
            f"J’ai {account.display_name} devant moi, ou au bout du fil au {account.phone} : "
            "ce numéro est bien le sien. Il servira à se connecter."
        ),
        label="Confirmer le numéro",
        done="Téléphone confirmé.",
        act=lambda _: services.verify_phone(actor=request.actor, now=clock.now(), account=account),
        danger=False,
        asks_reason=False,
    )


@staff(ADMIN)
@require_http_methods(["GET", "POST"])
def account_reset_factor(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    account = find(request, uid)
    return _confirmed(
        request,
        account,
        title="Remettre à zéro le second facteur",
        message=(
            f"Assurez-vous que c’est bien {account.display_name} qui le demande : voyez la "
            "personne ou appelez-la. Elle en sera prévenue par e-mail si elle en a un."
        ),
        label="Remettre à zéro",
        done="Second facteur remis à zéro.",
        act=lambda reason: reset_second_factor(
            actor=request.actor, now=clock.now(), account=account, reason=reason
        ),
    )


@staff(VIEW)
@require_http_methods(["GET", "POST"])
def account_contact(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    account = find(request, uid)
    initial = {name: getattr(account, name) for name in ("display_name", "email", "phone")}
    form = ContactForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_contact(
                actor=request.actor, now=clock.now(), account=account, **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Coordonnées enregistrées.")
            return redirect("account-detail", uid=uid)
    page = {
        "form": form,
        "title": "Corriger les coordonnées",
        "button": "Enregistrer",
        "back": reverse("account-detail", args=[uid]),
    }
    return render(request, "people/accounts/manage_form.html", page)


@staff(ADMIN)
@require_http_methods(["GET", "POST"])
@once
def account_create(request: ActorRequest) -> HttpResponseBase:
    """An account without an agent: a partner, somebody independent."""
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            account = services.create_account(
                actor=request.actor, now=clock.now(), **form.cleaned_data
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Compte créé : donnez-lui un rôle, imprimez sa fiche.")
            return redirect("account-detail", uid=account.uid)
    page = {
        "form": form,
        "title": "Créer un compte sans agent",
        "button": "Créer",
        "back": reverse("account-list"),
        "intro": (
            "Pour un partenaire ou un indépendant. Pour un agent du registre, passez par les "
            "fiches d’activation de sa structure."
        ),
    }
    return render(request, "people/accounts/manage_form.html", page)
