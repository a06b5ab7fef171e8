"""Acts made elsewhere: the PDFs of an archive, each to be signed as it is."""

from __future__ import annotations

from kalan.base.errors import Refused
from kalan.credentials.services.sources.common import Found, Request


def find(request: Request) -> Found:
    raise Refused("Les archives ne sont pas encore prises en charge.")
