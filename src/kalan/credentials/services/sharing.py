"""What the holder lets others see of an act, and the links that lead to it.

Three levels, the least by default. ``full`` alone lets whoever has the code fetch the document:
typing the name does not. The name stands on every copy that an employer or a school was given;
somebody who read it there would otherwise fetch the rest (date of birth, matricule) from here.
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.conf import settings

from kalan.base.errors import Refused
from kalan.credentials.models import Act, ActEvent
from kalan.credentials.selectors.mine import my_acts
from kalan.engine.signing import code as codes
from kalan.people import vault
from kalan.people.actor import Actor
from kalan.people.services.history import act as transactional

# Characters of the link's own key behind the code: 40 bits, and tries are counted.
_KEY = 8
_DIGITS = 10  # hexadecimal ones that make them


@transactional
def share(*, actor: Actor, now: dt.datetime, act: Act, shown: str, uid: uuid.UUID) -> Act:
    """Set what the check page shows of one's own act. Idempotent by ``uid``."""
    held = my_acts(actor).select_for_update(of=("self",)).get(pk=act.pk)
    if ActEvent.objects.filter(uid=uid).exists():
        return held
    if shown not in Act.Shown.values:
        raise Refused("Choisissez ce que les autres verront.", field="shown")
    if held.shown != shown:
        held.shown = shown
        held.save(update_fields=["shown"])
        ActEvent.objects.create(
            uid=uid, act=held, kind=ActEvent.Kind.SHARED, text=shown, at=now, by=actor.account
        )
    return held


def check_url(act: Act) -> str:
    """The address that the holder may give to anybody."""
    return f"{settings.KALAN_BASE_URL}/verifier/{act.code}/"


def link_key(act: Act) -> str:
    """What a message to the holder carries: the act's code and a key that no paper bears."""
    return f"{act.code}{_mac(str(act.code))}"


def link_url(act: Act) -> str:
    """The address of the page where the holder fetches the document without an account."""
    return f"{settings.KALAN_BASE_URL}/document/{link_key(act)}/"


def code_of(key: str) -> str | None:
    """The code that a link's key was made for; None when it was not made here."""
    code, mac = key[: codes.LENGTH], key[codes.LENGTH :]
    return code if mac and _same(mac, _mac(code)) else None


def _same(left: str, right: str) -> bool:
    from django.utils.crypto import constant_time_compare

    return constant_time_compare(left, right)


def _mac(code: str) -> str:
    number = int(vault.fingerprint("act-link", code)[:_DIGITS], 16)
    return "".join(codes.ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))
