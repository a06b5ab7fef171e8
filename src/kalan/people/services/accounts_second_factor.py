"""Second factors seen from outside: has one, is reset by an administrator."""

from __future__ import annotations

import datetime as dt

from allauth.mfa.models import Authenticator
from django.db import transaction

from kalan.base.errors import Refused
from kalan.base.models import Message
from kalan.base.notifications import outbox
from kalan.people import policy
from kalan.people.actor import Actor
from kalan.people.models import Account
from kalan.people.services.accounts import require_may_restore
from kalan.people.services.accounts_events import concerning, log
from kalan.people.services.accounts_sessions import end_sessions
from kalan.people.services.history import acting

_NOTICE = """Bonjour {name},

Le {when:%d/%m/%Y}, un administrateur a remis à zéro le second facteur de votre compte Kalan.
Motif donné : {reason}

À votre prochaine connexion, votre mot de passe suffira et vous pourrez en enregistrer un nouveau.
Si vous n’avez rien demandé, prévenez tout de suite votre administrateur.
"""


def reset_second_factor(
    *, actor: Actor, now: dt.datetime, account: Account, reason: str
) -> Account:
    """Remove every second factor of a person who lost theirs; logged, and they are told.

    Administrators only, and not for oneself. Open sessions end: what asks for a second factor
    gives nothing until a new one is enrolled.
    """
    if not actor.can(policy.CAPABILITIES["accounts.admin"]):
        raise Refused("Seul un administrateur remet à zéro un second facteur.", code="forbidden")
    require_may_restore(actor, account, now=now)
    if actor.account is not None and actor.account.pk == account.pk:
        raise Refused(
            "On ne remet pas à zéro son propre second facteur.",
            remedy="Demandez-le à un autre administrateur.",
        )
    if not reason.strip():
        raise Refused("Le motif manque.", field="reason", remedy="Dites pourquoi en une phrase.")
    with acting(actor, reason=reason), transaction.atomic():
        Authenticator.objects.filter(user=account).delete()
        log("factor_reset", account=account, actor=actor, now=now, reason=reason)
        end_sessions(account=account)
        if account.email:
            notice = _NOTICE.format(name=account.display_name, when=now, reason=reason.strip())
            outbox.queue(
                [
                    outbox.Draft(
                        channel=Message.Channel.EMAIL,
                        template="second_factor_reset",
                        recipient=account.email,
                        subject="Votre second facteur a été remis à zéro",
                        body=notice,
                        person_ref=concerning(account),
                    )
                ],
                now=now,
            )
    return account
