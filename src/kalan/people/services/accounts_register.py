"""Independent professionals open their own account: no agent, no role, nothing of the registry.

A phone given here identifies though nobody verified it (identifiers.matching): it opens only an
account that its own password opens. An e-mail identifies once its link is followed by somebody
who knows the password, so that nobody prepares an account on the address of another.
"""

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
from kalan.people.backends import may_sign_in
from kalan.people.models import Account, Cadre
from kalan.people.services import limits
from kalan.people.services.accounts import clean_email, clean_phone, require_email_free
from kalan.people.services.accounts_events import concerning, log
from kalan.people.services.accounts_signin import check_own_password
from kalan.people.services.history import acting

_SALT = "kalan.people.register"
LINK_DAYS = 3
# A room of sixty people behind one hotspot gets in; a program that opens accounts does not get far.
ACCOUNTS_PER_ADDRESS = 100


def register(
    *,
    now: dt.datetime,
    address: str,
    name: str,
    contact: str,
    password: str,
    cadre: Cadre | None = None,
) -> Account:
    """Open an account by one's own word; ``contact`` is an e-mail or a telephone number.

    Raises Refused: nothing is stored. That an address is taken is said only by mail, to its owner.
    """
    door = [limits.limit("register", address, ACCOUNTS_PER_ADDRESS)]
    limits.check(door, now=now, what="inscriptions depuis cette connexion")
    said = " ".join(name.split())
    if not said:
        raise Refused("Le nom manque.", field="name", remedy="Écrivez prénom et nom.")
    email, phone = _contact(contact)
    account = Account(
        display_name=said[:200],
        phone=phone,
        cadre=cadre,
        self_registered=True,
        created_at=now,
        notice_seen_at=now,
    )
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), field="password") from error
    account.set_password(password)  # the slow hash, before any lock is held
    with transaction.atomic():
        account.save()
        with acting(Actor(account=account)):
            log("registered", account=account, actor=Actor(account=account), now=now)
        if email:
            _write(account, email, now)
    limits.miss(door, now=now)
    return account


def _contact(contact: str) -> tuple[str | None, str]:
    """(e-mail, "") or (None, phone in E.164)."""
    try:
        if "@" in contact:
            return clean_email(contact), ""
        phone = clean_phone(contact)
    except Refused as refused:
        refused.field = "contact"
        raise
    if not phone:
        raise Refused(
            "Il faut un téléphone ou un e-mail.",
            field="contact",
            remedy="C’est avec lui que vous vous connecterez.",
        )
    return None, phone


def _write(account: Account, email: str, now: dt.datetime) -> None:
    if Account.objects.filter(email=email).exists():
        subject = "Vous avez déjà un compte"
        body = (
            "Bonjour,\n\nQuelqu’un, sans doute vous, vient de s’inscrire sur Kalan avec cette "
            "adresse, qui a déjà un compte. Connectez-vous avec votre mot de passe :\n"
            f"{settings.KALAN_BASE_URL}{reverse('account_login')}\n"
        )
    else:
        token = signing.dumps([str(account.uid), email], salt=_SALT)
        link = f"{settings.KALAN_BASE_URL}{reverse('account_register_confirm', args=[token])}"
        subject = "Confirmez votre adresse e-mail"
        body = (
            f"Bonjour {account.display_name},\n\nPour vous connecter à Kalan avec cette adresse, "
            f"ouvrez ce lien dans les {LINK_DAYS} jours et donnez le mot de passe que vous avez "
            f"choisi :\n{link}\n\nSi vous n’avez rien demandé, ne faites rien.\n"
        )
    draft = outbox.Draft(
        channel=Message.Channel.EMAIL,
        template="confirm_email",
        recipient=email,
        subject=subject,
        body=body,
        person_ref=concerning(account),
    )
    outbox.queue([draft], now=now)


def registration_of(token: str) -> tuple[Account, str]:
    """(account, address) that a mailed link names. Raises Refused when it is old or untrue."""
    try:
        uid, email = signing.loads(token, salt=_SALT, max_age=dt.timedelta(days=LINK_DAYS))
    except signing.BadSignature as error:
        raise _no_longer() from error
    account = Account.objects.filter(may_sign_in(), uid=uid, self_registered=True).first()
    if account is None or account.email not in (None, email):
        raise _no_longer()
    return account, email


def confirm_registration(*, now: dt.datetime, token: str, password: str) -> Account:
    """Follow the link with the password chosen: from now on the address identifies. Idempotent."""
    account, email = registration_of(token)
    check_own_password(account=account, password=password, now=now)
    if account.email == email:
        return account
    require_email_free(email, but=account)
    with acting(Actor(account=account)), transaction.atomic():
        account.email = email
        account.save(update_fields=["email"])
        log("email_changed", account=account, actor=Actor(account=account), now=now)
    return account


def _no_longer() -> Refused:
    return Refused(
        "Ce lien n’est plus valable.", remedy="Connectez-vous, ou inscrivez-vous de nouveau."
    )
