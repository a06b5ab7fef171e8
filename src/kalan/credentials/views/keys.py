"""Keys, read only: they are made, imported and rotated on the server."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import render

from kalan.base import clock
from kalan.base.exports import table_response
from kalan.credentials.models import SigningKey
from kalan.credentials.policy import CAPABILITIES
from kalan.credentials.selectors.keys import signing_keys, state_of
from kalan.credentials.services import keys as services
from kalan.people.http import ActorRequest, staff

VIEW = CAPABILITIES["keys.view"]


@staff(VIEW)
def key_list(request: ActorRequest) -> HttpResponseBase:
    """Every key: those in service first, then what has been replaced or revoked."""
    now = clock.now()
    lines = [state_of(key, now=now) for key in signing_keys(request.actor)]
    if fmt := request.GET.get("format"):
        headers = ["Nom", "Sert à", "Niveau", "Algorithme", "État", "Du", "Au", "Où"]
        table = (
            [
                line.key.name,
                line.key.get_purpose_display(),
                line.key.get_level_display(),
                line.key.get_algorithm_display(),
                line.label,
                line.key.not_before,
                line.key.not_after,
                line.key.get_kind_display(),
            ]
            for line in lines
        )
        return table_response("cles", headers, table, fmt)
    active = [line for line in lines if line.key.state == SigningKey.State.ACTIVE]
    order = SigningKey.Purpose.values  # keys that sign acts before those that the server uses alone
    active.sort(key=lambda line: order.index(line.key.purpose))
    held = {line.key.purpose for line in active}
    context = {
        "active": active,
        "ended": [line for line in lines if line.key.state != SigningKey.State.ACTIVE],
        "lacking": [label for code, label in SigningKey.Purpose.choices if code not in held],
        "amiss": services.problems(now=now),
    }
    return render(request, "credentials/keys/list.html", context)
