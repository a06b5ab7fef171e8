"""What a person does to their own account."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.base.notifications import outbox
from kalan.people.actor import Actor
from kalan.people.models import Account
from kalan.people.services.accounts import clean_email, clean_phone, require_email_free
from kalan.people.services.accounts_events import concerning, log
from kalan.people.services.accounts_sessions import end_sessions
from kalan.people.services.accounts_signin import check_own_password
from kalan.people.services.history import acting

_EMAIL_SALT = "kalan.people.email"
EMAIL_LINK_DAYS = 3


def _own(actor: Actor) -> Account:
    if actor.account is None:
        raise Refused("Connectez-vous d’abord.")
    return actor.account


def see_notice(*, account: Account, now: dt.datetime) -> None:
    """Note that the person has read the notice on personal data. Idempotent."""
    if account.notice_seen_at is None:
        account.notice_seen_at = now
        account.save(update_fields=["notice_seen_at"])


def change_password(
    *, actor: Actor, now: dt.datetime, current: str, new: str, session_key: str | None
) -> Account:
    """Set a new password; every other device is signed out."""
    account = _own(actor)
    try:
        check_own_password(account=account, password=current, now=now)
    except Refused as refused:
        refused.field = "current"
        raise
    try:
        validate_password(new, account)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), field="new") from error
    with acting(actor), transaction.atomic():
        account.set_password(new)
        account.save(update_fields=["password"])
        end_sessions(account=account, but=session_key)
        log("password_changed", account=account, actor=actor, now=now)
    return account


def change_phone(*, actor: Actor, now: dt.datetime, phone: str) -> Account:
    """Change one's number; it identifies again once a manager has verified it."""
    account = _own(actor)
    number = clean_phone(phone)
    if number == account.phone:
        return account
    with acting(actor), transaction.atomic():
        account.phone, account.phone_verified_at = number, None
        account.save(update_fields=["phone", "phone_verified_at"])
        log("phone_changed", account=account, actor=actor, now=now)
    return account


def ask_email_change(*, actor: Actor, now: dt.datetime, email: str) -> str | None:
    """Send a link to the new address; the e-mail changes when it is followed.

    Returns the address written to, None when the e-mail was removed at once. That another
    account has the address is said only by mail, to the owner of the address.
    """
    account = _own(actor)
    address = clean_email(email)
    if address == account.email:
        return None
    if address is None:
        with acting(actor), transaction.atomic():
            account.email = None
            account.save(update_fields=["email"])
            log("email_changed", account=account, actor=actor, now=now)
        return None
    token = signing.dumps([str(account.uid), account.email, address], salt=_EMAIL_SALT)
    link = f"{settings.KALAN_BASE_URL}{reverse('account_confirm_email', args=[token])}"
    body = (
        f"Bonjour {account.display_name},\n\nPour vous connecter à Kalan avec cette adresse, "
        f"ouvrez ce lien dans les {EMAIL_LINK_DAYS} jours :\n{link}\n\n"
        "Si vous n’avez rien demandé, ne faites rien.\n"
    )
    draft = outbox.Draft(
        channel=Message.Channel.EMAIL,
        template="confirm_email",
        recipient=address,
        subject="Confirmez votre adresse e-mail",
        body=body,
        person_ref=concerning(account),
    )
    outbox.queue([draft], now=now)
    return address


def confirm_email(*, actor: Actor, now: dt.datetime, token: str) -> Account:
    """Follow the link of ask_email_change, signed in as the same person.

    Else someone could write the address of another and wait for them to click. Raises Refused
    when the link is old or no longer true.
    """
    own = _own(actor)
    remedy = "Demandez un nouveau lien dans « Mon compte »."
    try:
        uid, before, address = signing.loads(
            token, salt=_EMAIL_SALT, max_age=dt.timedelta(days=EMAIL_LINK_DAYS)
        )
    except signing.BadSignature as error:
        raise Refused("Ce lien n’est plus valable.", remedy=remedy) from error
    account = Account.objects.filter(uid=uid, is_active=True).first()
    if account == own and own.email == address:
        return own
    if account is None or account.pk != own.pk or account.email != before:
        raise Refused("Ce lien n’est plus valable.", remedy=remedy)
    require_email_free(address, but=account)
    with acting(actor), transaction.atomic():
        account.email = address
        account.save(update_fields=["email"])
        log("email_changed", account=account, actor=Actor(account=account), now=now)
    return account


def end_other_sessions(*, actor: Actor, now: dt.datetime, session_key: str | None) -> int:
    """Sign out every other device; returns how many."""
    account = _own(actor)
    ended = end_sessions(account=account, but=session_key)
    if ended:
        log("sessions_ended", account=account, actor=actor, now=now)
    return ended
