"""Public figures, brought up to date first."""

from __future__ import annotations

import datetime as dt

from kalan.indicators.selectors import public
from kalan.indicators.selectors.public import ProgrammeFigures
from kalan.indicators.services.refresh import ensure_fresh


def current_public_figures(*, now: dt.datetime) -> list[ProgrammeFigures]:
    """Refresh what little is dirty, then read: what ``/``, ``/chiffres/`` and the JSON show."""
    ensure_fresh(now=now)
    return public.public_figures(now)
