"""The same form sent twice (two clicks, a retry on a slow line) creates one thing, not two."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from django.contrib import messages
from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils.datastructures import MultiValueDict

from kalan.people.http import ActorRequest, View

P = ParamSpec("P")

Files = MultiValueDict[str, UploadedFile[bytes]]

_AT_WORK = 15  # seconds; longer than any form takes, short after a kill
_REMEMBERED = 600
_POLL = 0.05


def once(view: View[P]) -> View[P]:
    """Answer the second of two identical sendings with what the first one led to.

    The mask of the CSRF token (Django, CSRF protection) is drawn for each page shown, so that
    two identical posts come from one and the same page: typing the same again on a fresh page is
    let through. What was refused is not remembered: it may be sent again.
    """

    @wraps(view)
    def inner(request: ActorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method != "POST" or "csrfmiddlewaretoken" not in request.POST:
            return view(request, *args, **kwargs)
        who = request.actor.account
        key = key_of(who.pk if who else None, request.path, request.POST, request.FILES)
        while not _first(key):
            if address := cache.get(key):
                said = "C’était déjà enregistré : le formulaire est arrivé deux fois."
                messages.info(request, said)
                return redirect(address)
            time.sleep(_POLL)
        return _remembering(key, lambda: view(request, *args, **kwargs))

    return inner


def _first(key: str) -> bool:
    """Whether nobody is at this form, nor was (an expired key counts as absent).

    In a transaction, so that a database held by others says so: the cache by itself answers as if
    the form had come twice, and this would go round for as long as it is held.
    """
    with transaction.atomic():
        return cache.add(key, "", _AT_WORK)


def _remembering(key: str, act: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    address = ""
    try:
        response = act()
        if response.status_code == 302:
            address = response["Location"]
        return response
    finally:
        if address:
            cache.set(key, address, _REMEMBERED)
        else:
            cache.delete(key)


def key_of(account_pk: int | None, path: str, posted: QueryDict, files: Files) -> str:
    """What two sendings of one form by one account have in common."""
    sent = [(field, [(f.name, f.size) for f in files.getlist(field)]) for field in files]
    said = f"{account_pk}|{path}|{posted.urlencode()}|{sent}"
    return f"once:{hashlib.sha256(said.encode()).hexdigest()}"
