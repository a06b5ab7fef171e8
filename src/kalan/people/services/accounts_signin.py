"""Who stands at the door: identifier and password, without telling strangers who exists.

The answer to a wrong identifier and to a wrong password is the same text after the same work.
"""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.hashers import make_password

from kalan.base.errors import Refused
from kalan.people.backends import may_sign_in
from kalan.people.identifiers import matching, normalised, phone_candidates
from kalan.people.models import Account
from kalan.people.services import limits
from kalan.people.services.accounts_events import log

ATTEMPTS_PER_ACCOUNT = 10
# Sixty people in a room who each mistype three times stay under it.
ATTEMPTS_PER_ADDRESS = 200
# A phone that more accounts share (the landline of a hospital) identifies nobody.
MOST_SHARING = 8
# Refusing a telephone number costs at least two hashes: two people on one phone is common, and
# the time taken must not tell that a number is shared.
_HASHES_FOR_A_PHONE = 2

WRONG = "Identifiant ou mot de passe incorrect."
REMEDY = "Vérifiez les deux, ou demandez une nouvelle fiche d’activation à votre responsable."


def accounts_matching(
    *, identifier: str, password: str, address: str, now: dt.datetime
) -> list[Account]:
    """Return the accounts that both ``identifier`` and ``password`` fit (several: shared phone).

    Raises Refused (code "wrong" or "wait") and counts the failure. Names of accounts whose
    password differs are never returned.
    """
    door = [
        limits.limit("address", address, ATTEMPTS_PER_ADDRESS),
        limits.limit("identifier", normalised(identifier), ATTEMPTS_PER_ACCOUNT),
    ]
    failures = limits.check(door, now=now)
    # A NUL can be in no identifier, and PostgreSQL refuses it in text.
    usable = "\0" not in identifier and len(identifier) <= 254
    candidates = list(
        Account.objects.filter(may_sign_in(), matching(identifier))
        .select_related("agent")
        .order_by("self_registered", "pk")[: MOST_SHARING + 1]
        if usable
        else []
    )
    if len(candidates) > MOST_SHARING:
        # Accounts that anybody may open on a number must not shut out those verified on it.
        some_alone = any(account.self_registered for account in candidates)
        candidates = [one for one in candidates if not one.self_registered] if some_alone else []
    own = [_account_limit(account) for account in candidates]
    failures |= limits.check(own, now=now) if own else set()
    found = [account for account in candidates if account.check_password(password)]
    if not found:
        _refuse(identifier, password, candidates, door + own, now)
    forgiven = [door[1], *(_account_limit(account) for account in found)]
    if failures & {one.key for one in forgiven}:
        limits.forgive(forgiven)
    return found


def _account_limit(account: Account) -> limits.Limit:
    return limits.limit("account", account.pk, ATTEMPTS_PER_ACCOUNT)


def _refuse(
    identifier: str,
    password: str,
    candidates: list[Account],
    doors: list[limits.Limit],
    now: dt.datetime,
) -> None:
    expected = _HASHES_FOR_A_PHONE if phone_candidates(identifier) else 1
    for _ in range(expected - len(candidates)):
        make_password(password)
    limits.miss(doors, now=now)
    for account in candidates:
        log("refused", account=account, actor=None, now=now)
    limits.check(doors, now=now)
    raise Refused(WRONG, remedy=REMEDY, code="wrong")


def check_own_password(*, account: Account, password: str, now: dt.datetime) -> None:
    """Raise Refused unless ``password`` is that of the signed-in ``account`` (limited)."""
    door = [_account_limit(account)]
    limits.check(door, now=now)
    if not account.check_password(password):
        limits.miss(door, now=now)
        raise Refused("Mot de passe incorrect.", field="password", code="wrong")
    limits.forgive(door)


def forgive_account(account: Account) -> None:
    """Forget the failures of an account whose holder has just proved who they are."""
    limits.forgive([_account_limit(account)])
