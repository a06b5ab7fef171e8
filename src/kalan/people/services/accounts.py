"""Accounts: opened, changed, closed. What a person does to their own stands in accounts_own."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.people import policy
from kalan.people.actor import Actor
from kalan.people.identifiers import phone_candidates
from kalan.people.models import Account, Agent
from kalan.people.selectors.accounts import agents_without_account, may_restore
from kalan.people.services.accounts_events import log
from kalan.people.services.accounts_sessions import end_sessions
from kalan.people.services.history import acting


def local_day(now: dt.datetime) -> dt.date:
    """The date at ``now`` where the ministry is."""
    return timezone.localdate(now)


def clean_email(email: str | None) -> str | None:
    """Return the address as it is stored (lower case), None when empty. Raises Refused."""
    text = (email or "").strip().lower()
    if not text:
        return None
    try:
        validate_email(text)
    except ValidationError as error:
        raise Refused(
            f"« {text} » n’est pas une adresse e-mail.",
            field="email",
            remedy="Elle s’écrit comme prenom.nom@sante.sn.",
        ) from error
    return text


def clean_phone(phone: str | None) -> str:
    """Return the number in E.164, "" when empty. Raises Refused."""
    text = (phone or "").strip()
    if not text:
        return ""
    found = phone_candidates(text)
    if not found:
        raise Refused(
            f"« {text} » n’est pas un numéro de téléphone.",
            field="phone",
            remedy="Écrivez-le comme 77 123 45 67, ou avec l’indicatif (+221…).",
        )
    return found[0]


def require_email_free(email: str | None, *, but: Account | None = None) -> None:
    """Raise Refused when another account has ``email``."""
    holder = Account.objects.filter(email=email).first() if email else None
    if holder is not None and holder != but:
        raise Refused(
            f"L’adresse {email} est déjà celle d’un autre compte.",
            field="email",
            remedy="Choisissez-en une autre, ou laissez vide : une fiche d’activation suffit.",
        )


def create_account(
    *,
    actor: Actor,
    now: dt.datetime,
    display_name: str,
    email: str | None = None,
    phone: str | None = None,
    agent: Agent | None = None,
    password: str | None = None,
    is_demo: bool = False,
) -> Account:
    """Open an account, for ``agent`` when given (then inside the actor's territory).

    Without an agent (partner, independent) only administrators may. Without a password the
    account waits for an activation slip. Raises Refused: nothing is stored.
    """
    _require_may_create(actor, agent, local_day(now))
    name = " ".join(display_name.split())
    if not name:
        raise Refused("Le nom manque.", field="display_name", remedy="Écrivez prénom et nom.")
    address, number = clean_email(email), clean_phone(phone)
    require_email_free(address)
    if agent is not None and Account.objects.filter(agent=agent).exists():
        raise Refused(
            f"{agent.full_name} a déjà un compte.",
            remedy="Imprimez une nouvelle fiche d’activation si l’accès est perdu.",
        )
    account = Account(
        display_name=name[:200],
        email=address,
        phone=number,
        agent=agent,
        is_demo=is_demo,
        created_at=now,
        # Whoever tries the demonstration is no data subject of it.
        notice_seen_at=now if is_demo else None,
    )
    account.set_password(password)
    try:
        with acting(actor), transaction.atomic():
            account.save()
            log("created", account=account, actor=actor, now=now)
    except IntegrityError as error:  # the same form sent twice at once
        raise Refused("Ce compte vient d’être créé.", remedy="Rechargez la liste.") from error
    return account


def _require_may_create(actor: Actor, agent: Agent | None, today: dt.date) -> None:
    if actor.system:
        return
    if agent is None:
        allowed = actor.can(policy.CAPABILITIES["accounts.admin"])
    else:
        mine = agents_without_account(actor, today=today).filter(pk=agent.pk)
        # An agent who has an account meanwhile is told apart by the caller.
        allowed = mine.exists() or Account.objects.filter(agent=agent).exists()
    if not allowed:
        raise Refused(
            "Vous ne pouvez pas ouvrir ce compte.",
            remedy="Demandez-le au responsable du territoire ou à un administrateur.",
            code="forbidden",
        )


def require_may_restore(actor: Actor, account: Account, *, now: dt.datetime) -> None:
    """Raise Refused unless the actor may give this person the keys anew."""
    if not may_restore(actor, account, today=local_day(now)):
        raise Refused(
            "Cette personne a un rôle au-dessus du vôtre, ou hors de votre territoire.",
            remedy="Demandez-le à un responsable de niveau supérieur.",
            code="forbidden",
        )


def verify_phone(*, actor: Actor, now: dt.datetime, account: Account) -> Account:
    """Attest that the number is this person's: the manager has the person before them."""
    require_may_restore(actor, account, now=now)
    if not account.phone:
        raise Refused("Ce compte n’a pas de téléphone.", remedy="Ajoutez d’abord le numéro.")
    with acting(actor), transaction.atomic():
        account.phone_verified_at = now
        account.save(update_fields=["phone_verified_at"])
        log("phone_verified", account=account, actor=actor, now=now)
    return account


def change_contact(
    *,
    actor: Actor,
    now: dt.datetime,
    account: Account,
    display_name: str,
    email: str | None,
    phone: str | None,
) -> Account:
    """Correct name, e-mail and phone. A new number has to be verified again.

    E-mail is an identity for outside providers, so the actor must be able to restore access.
    """
    require_may_restore(actor, account, now=now)
    address, number = clean_email(email), clean_phone(phone)
    require_email_free(address, but=account)
    name = " ".join(display_name.split())
    if not name:
        raise Refused("Le nom manque.", field="display_name", remedy="Écrivez prénom et nom.")
    with acting(actor), transaction.atomic():
        if address != account.email:
            log("email_changed", account=account, actor=actor, now=now)
        if number != account.phone:
            account.phone_verified_at = None
            log("phone_changed", account=account, actor=actor, now=now)
        account.display_name, account.email, account.phone = name[:200], address, number
        account.save(update_fields=["display_name", "email", "phone", "phone_verified_at"])
    return account


def set_active(
    *, actor: Actor, now: dt.datetime, account: Account, active: bool, reason: str
) -> Account:
    """Close or reopen an account; closing ends its sessions at once. Idempotent."""
    require_may_restore(actor, account, now=now)
    if not reason.strip():
        raise Refused("Le motif manque.", field="reason", remedy="Dites pourquoi en une phrase.")
    if actor.account is not None and actor.account.pk == account.pk:
        raise Refused("On ne désactive pas son propre compte.", remedy="Demandez-le à un collègue.")
    if account.is_active == active:
        return account
    with acting(actor, reason=reason), transaction.atomic():
        account.is_active = active
        account.save(update_fields=["is_active"])
        kind = "reactivated" if active else "deactivated"
        log(kind, account=account, actor=actor, now=now, reason=reason)
        if not active:
            end_sessions(account=account)
    return account
