"""Keys, read only: they are made, imported and rotated on the server."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.http import HttpResponseBase
from django.shortcuts import render

from kalan.base import clock
from kalan.base.exports import table_response
from kalan.credentials.models import SigningKey
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors import key_lists
from kalan.people.http import ActorRequest, staff

VIEW = CAPABILITIES["keys.view"]
WARNED = dt.timedelta(days=60)  # before the certificate ends


@dataclass(frozen=True)
class Line:
    """A key and what is to be said of it."""

    key: SigningKey
    warning: str


@staff(VIEW)
def key_list(request: ActorRequest) -> HttpResponseBase:
    """Every key: those in service first, then what has been replaced or revoked."""
    rows = list(key_lists.all_keys())
    if fmt := request.GET.get("format"):
        headers = ["Nom", "Sert à", "Niveau", "Algorithme", "État", "Du", "Au", "Où"]
        table = (
            [
                key.name,
                key.get_purpose_display(),
                key.get_level_display(),
                key.get_algorithm_display(),
                key.get_state_display(),
                key.not_before,
                key.not_after,
                key.get_kind_display(),
            ]
            for key in rows
        )
        return table_response("cles", headers, table, fmt)
    now = clock.now()
    lines = [Line(key, _warning(key, now)) for key in rows]
    active = SigningKey.State.ACTIVE
    context = {
        "active": [line for line in lines if line.key.state == active],
        "ended": [line for line in lines if line.key.state != active],
        "lacking": key_lists.lacking(rows),
    }
    return render(request, "credentials/keys/list.html", context)


def _warning(key: SigningKey, now: dt.datetime) -> str:
    if key.state != SigningKey.State.ACTIVE:
        return ""
    if key.not_after is not None and key.not_after <= now:
        return "Certificat expiré : cette clé ne signe plus."
    if key_lists.is_locked(key):
        return (
            "Clé absente ou verrouillée sur ce serveur (après une restauration, redonnez la "
            "phrase secrète : kalan keys unlock)."
        )
    if key.not_after is not None and key.not_after - now <= WARNED:
        days = (key.not_after - now).days
        return f"Le certificat expire dans {days} jours : remplacez la clé (kalan keys rotate)."
    return ""
