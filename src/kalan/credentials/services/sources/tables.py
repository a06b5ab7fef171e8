"""Any act: a template filled from the rows of a spreadsheet."""

from __future__ import annotations

from kalan.base.errors import Refused
from kalan.credentials.services.sources.common import Found, Request


def find(request: Request) -> Found:
    raise Refused("Les tableaux ne sont pas encore pris en charge.")
