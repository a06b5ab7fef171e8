"""Activation slips: a printed code that opens an account without e-mail or SMS, once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from kalan.base.errors import Refused
from kalan.base.ids import CODE_ALPHABET, random_code
from kalan.people.actor import Actor
from kalan.people.backends import may_sign_in
from kalan.people.models import Account, ActivationSlip, Agent, SignInEvent
from kalan.people.selectors.accounts import agents_without_account
from kalan.people.services import limits
from kalan.people.services.accounts import (
    clean_phone,
    create_account,
    local_day,
    require_may_restore,
)
from kalan.people.services.accounts_events import log
from kalan.people.services.accounts_signin import forgive_account
from kalan.people.services.history import acting
from kalan.people.vault import fingerprint

CODE_LENGTH = 10  # 31^10: 8e14 codes
# Sixty people in a room who each mistype three times stay under it.
WRONG_CODES_PER_ADDRESS = 200
MOST_SLIPS_AT_ONCE = 200


@dataclass(frozen=True)
class PrintedSlip:
    """What goes on paper. ``code`` is nowhere else: only its HMAC is stored."""

    slip: ActivationSlip
    code: str

    @property
    def account(self) -> Account:
        return self.slip.account

    @property
    def shown_code(self) -> str:
        """The code in two groups, for reading aloud and typing."""
        return f"{self.code[:5]}-{self.code[5:]}"

    @property
    def url(self) -> str:
        return f"{settings.KALAN_BASE_URL}/activer/{self.code}/"


def normalised_code(typed: str) -> str:
    """Return what was typed without spaces and hyphens, in capitals."""
    return "".join(char for char in typed.upper() if char in CODE_ALPHABET)


def print_slip(
    *, actor: Actor, now: dt.datetime, account: Account, valid_days: int = 30
) -> tuple[ActivationSlip, str]:
    """Return a new slip and its code (to print now: it is not stored); older ones end.

    The actor must be allowed to restore this person's access (nobody above themselves). The
    password in use stays good until the slip is used.
    """
    require_may_restore(actor, account, now=now)
    if not account.is_active:
        raise Refused("Ce compte est désactivé.", remedy="Réactivez-le d’abord.")
    if not 1 <= valid_days <= 90:
        raise Refused("Une fiche vaut de 1 à 90 jours.", field="valid_days")
    code = random_code(CODE_LENGTH)
    with acting(actor), transaction.atomic():
        # One slip at a time is open, also when two managers print at the same instant.
        Account.objects.select_for_update().get(pk=account.pk)
        _open_slips(account, now).update(revoked_at=now)
        slip = ActivationSlip.objects.create(
            account=account,
            code_hash=fingerprint("slip", code),
            created_at=now,
            created_by=actor.account,
            expires_at=now + dt.timedelta(days=valid_days),
        )
        log("slip_printed", account=account, actor=actor, now=now)
    return slip, code


def print_slips(
    *, actor: Actor, now: dt.datetime, accounts: Iterable[Account], valid_days: int = 30
) -> list[PrintedSlip]:
    """Print one slip per account, all or none."""
    with acting(actor), transaction.atomic():
        return [
            PrintedSlip(*print_slip(actor=actor, now=now, account=one, valid_days=valid_days))
            for one in accounts
        ]


def open_accounts(
    *, actor: Actor, now: dt.datetime, agents: Iterable[Agent], valid_days: int = 30
) -> list[PrintedSlip]:
    """Open an account for each agent without one and print its slip, all or none.

    The agent's e-mail is taken when no account has it; the phone waits for verification.
    """
    wanted = list(agents)
    if len(wanted) > MOST_SLIPS_AT_ONCE:
        raise Refused(
            f"{len(wanted)} fiches en une fois, c’est trop.",
            remedy=f"Imprimez-les par {MOST_SLIPS_AT_ONCE} au plus.",
        )
    allowed = agents_without_account(actor, today=local_day(now))
    if allowed.filter(pk__in=[one.pk for one in wanted]).count() != len(wanted):
        raise Refused(
            "Une de ces personnes a déjà un compte ou a quitté votre territoire.",
            remedy="Rechargez la liste et recommencez.",
        )
    emails = [one.email.lower() for one in wanted if one.email]
    taken = set(Account.objects.filter(email__in=emails).values_list("email", flat=True))
    with acting(actor), transaction.atomic():
        made = []
        for one in wanted:
            email = one.email.lower()
            made.append(
                create_account(
                    actor=actor,
                    now=now,
                    display_name=one.full_name,
                    email=email if email not in taken else None,
                    phone=one.phone,
                    agent=one,
                )
            )
            taken.add(email)
        return print_slips(actor=actor, now=now, accounts=made, valid_days=valid_days)


def find_slip(*, now: dt.datetime, code: str, address: str) -> ActivationSlip:
    """Return the open slip of ``code``. Raises Refused when unknown, used, replaced or expired."""
    door = [limits.limit("slip", address, WRONG_CODES_PER_ADDRESS)]
    limits.check(door, now=now, what="essais de code")
    slip = (
        ActivationSlip.objects.filter(
            code_hash=fingerprint("slip", normalised_code(code)),
            account__in=Account.objects.filter(may_sign_in()),
        )
        .select_related("account__agent")
        .first()
    )
    if slip is None:
        limits.miss(door, now=now)
        raise Refused(
            "Ce code n’est pas connu.",
            field="code",
            remedy="Recopiez les dix caractères de la fiche ; il n’y a ni 0, ni O, ni 1, ni I.",
            code="unknown",
        )
    _require_open(slip, now)
    return slip


def _require_open(slip: ActivationSlip, now: dt.datetime) -> None:
    ask = "Demandez-en une nouvelle à votre responsable."
    if slip.used_at is not None:
        raise Refused(
            "Cette fiche a déjà servi.",
            field="code",
            remedy=f"Connectez-vous avec votre mot de passe. Oublié ? {ask}",
            code="used",
        )
    if slip.revoked_at is not None:
        raise Refused(
            "Cette fiche a été remplacée par une plus récente.",
            field="code",
            remedy=f"Prenez la dernière imprimée. Perdue ? {ask}",
            code="replaced",
        )
    if slip.expires_at <= now:
        raise Refused("Cette fiche est périmée.", field="code", remedy=ask, code="expired")


def activate(
    *, now: dt.datetime, code: str, password: str, address: str, phone: str | None = None
) -> Account:
    """Use a slip: set the password, and the phone when given (then to be verified again).

    Sent twice, it is done once: the second call is Refused (code "used"). A second factor that
    the person has stays asked for at sign-in.
    """
    slip = find_slip(now=now, code=code, address=address)
    account = slip.account
    number = clean_phone(phone)
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), field="password") from error
    account.set_password(password)  # the slow hash, before any lock is held
    with acting(Actor(account=account)), transaction.atomic():
        claimed = _open_slips(account, now).filter(pk=slip.pk).update(used_at=now)
        if not claimed:
            slip.refresh_from_db()
            _require_open(slip, now)
        if number and number != account.phone:
            account.phone, account.phone_verified_at = number, None
        account.save(update_fields=["password", "phone", "phone_verified_at"])
        SignInEvent.objects.create(account=account, kind="activated", by=account, at=now)
        forgive_account(account)
    return account


def _open_slips(account: Account, now: dt.datetime) -> QuerySet[ActivationSlip]:
    return ActivationSlip.objects.filter(
        account=account, used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now
    )
