"""The job that renders, signs and stores the acts of a click, each exactly once."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kalan.base.errors import Refused
from kalan.base.jobs import job as background
from kalan.base.models import Job
from kalan.credentials.models import Act, Batch, SigningRun
from kalan.people.actor import Actor


@background()
def sign_run(*, job: Job, run_uid: str) -> dict[str, Any]:
    """Sign what is still planned in the run."""
    return {}


def retry(
    *, actor: Actor, run: SigningRun, now: dt.datetime, passphrase: str | None = None
) -> SigningRun:
    """Try again what failed or what is still planned in a run that has stopped."""
    raise Refused("Rien à reprendre.")


def give_up(*, actor: Actor, act: Act, reason: str, now: dt.datetime) -> Act:
    """Declare that a planned act will not be issued; its number stays taken, in the register."""
    raise Refused("Cet acte ne peut pas être abandonné.")


def enter_hand_signature(
    *, actor: Actor, batch: Batch, on: dt.date, by: str, now: dt.datetime
) -> Batch:
    """Note that a printed batch was signed by hand: its acts are valid from then on."""
    raise Refused("Ce lot n’attend pas de signature à la main.")
