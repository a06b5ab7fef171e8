"""What the world needs to check badges and files without asking us: status lists, authorities.

The keys and the list that phones carry are served by ``services.offline``. A status list is kept
an hour, since signing one opens a key, by what it says: one that says otherwise is never found.
"""

from __future__ import annotations

import datetime as dt
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.db.models import Max

from kalan.base.errors import Refused
from kalan.credentials.models import Act, SigningKey
from kalan.credentials.selectors import checks, keys
from kalan.credentials.services import badges
from kalan.engine.signing import badges as engine

HOUR = 3600


def authorities() -> str:
    """The certificates (PEM) that answer for document keys, each once: the last of each chain."""
    begin = "-----BEGIN CERTIFICATE-----"
    found: dict[str, None] = {}
    for key in checks.document_keys():
        held = key.chain or key.certificate
        if begin in held and key.state != SigningKey.State.REVOKED:
            found[f"{begin}{held.rpartition(begin)[2]}".strip()] = None
    return "".join(f"{pem}\n" for pem in found)


def status_list(number: int, *, now: dt.datetime) -> str:
    """``/verifier/statuts/<number>/``: a Bitstring status list (VC-JWT). Refused without a key."""
    key = keys.active(SigningKey.Purpose.BADGE)
    if key is None:
        raise Refused("Aucune clé de badges n’est en service.", code="no_key")
    first = (number - 1) * engine.LIST_SIZE
    ended = Act.objects.filter(
        status__in=[Act.Status.REVOKED, Act.Status.REPLACED],
        status_index__gte=first,
        status_index__lt=first + engine.LIST_SIZE,
    )
    indexes = ended.order_by("status_index").values_list("status_index", flat=True)
    places = [index - first for index in indexes if index is not None]
    said = sha256(f"{settings.KALAN_BASE_URL} {key.kid} {number} {places}".encode()).hexdigest()
    kept: str | None = cache.get(f"acts.status:{said}")
    if kept is None:
        vc = engine.status_list(places, base_url=settings.KALAN_BASE_URL, number=number, now=now)
        kept = engine.as_jwt(vc, badges.open_key(key))
        cache.set(f"acts.status:{said}", kept, HOUR)
    return kept


def last_list() -> int:
    """How many status lists there are: at least one."""
    highest = Act.objects.aggregate(highest=Max("status_index"))["highest"]
    return badges.list_and_entry(highest or 0)[0]
