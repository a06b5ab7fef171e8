"""The log of acts around access: one way to write it, none to edit it."""

from __future__ import annotations

import datetime as dt

from kalan.people.actor import Actor
from kalan.people.models import Account, SignInEvent

LABELS = {
    "created": "compte créé",
    "refused": "connexion refusée",
    "slip_printed": "fiche d’activation imprimée",
    "activated": "compte activé par fiche",
    "registered": "compte ouvert par la personne",
    "password_changed": "mot de passe changé",
    "email_changed": "adresse e-mail changée",
    "phone_changed": "téléphone changé",
    "phone_verified": "téléphone vérifié",
    "factor_added": "second facteur ajouté",
    "factor_removed": "second facteur retiré",
    "factor_reset": "second facteur remis à zéro",
    "codes_printed": "codes de secours générés",
    "deactivated": "compte désactivé",
    "reactivated": "compte réactivé",
    "linked": "compte relié à un fournisseur d’identité",
    "sessions_ended": "autres appareils déconnectés",
}


def log(
    kind: str, *, account: Account, actor: Actor | None, now: dt.datetime, reason: str = ""
) -> SignInEvent:
    """Append one act; ``kind`` is a key of LABELS."""
    assert kind in LABELS
    by = actor.account if actor else None
    return SignInEvent.objects.create(
        account=account, kind=kind, by=by, reason=reason[:300], at=now
    )


def concerning(account: Account) -> str:
    """Whom a message is about, so that access and erasure of personal data find it."""
    agent = account.agent
    return f"people.agent:{agent.uid}" if agent else f"people.account:{account.uid}"
