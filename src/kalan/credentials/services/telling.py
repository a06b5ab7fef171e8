"""Telling by e-mail how a click ended, to who has left the page.

Once for a stop (a job fails for good once), once for the end of a run that lasted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from kalan.base import clock
from kalan.base.dates import long_date
from kalan.base.models import Job, Message
from kalan.base.notifications.outbox import Draft, queue
from kalan.base.notifications.templates import fill, wording
from kalan.credentials.models import Act, Batch, SigningRun
from kalan.credentials.models.offices import Mode
from kalan.credentials.selectors.signing import progress
from kalan.people.actor import paths_to
from kalan.people.models import Account, Role
from kalan.people.selectors.core import grants_in_force
from kalan.people.services.accounts_events import concerning

STOPPED, ENDED = "act_run_stopped", "act_run_ended"
LONG = dt.timedelta(minutes=2)  # beyond, whoever clicked has probably left the page
_SHOWN = 5  # batches named in a message
_EMAIL = Message.Channel.EMAIL.value


def run_stopped(*, run: SigningRun, job: Job, reason: str, now: dt.datetime) -> None:
    """Write to who clicked, to who tried again, and to the administrators (they keep the keys, the
    disk and the addresses) that all of it has stopped. ``reason`` names the cause and the remedy.
    """
    _tell(STOPPED, run, job, _concerned(run, job) + _administrators(run), reason, now)


def run_incomplete(*, run: SigningRun, job: Job, failed: int, now: dt.datetime) -> None:
    """Write to who clicked or tried again that some acts could not be made: their data are at
    fault, not the machine."""
    many = failed > 1
    reason = (
        f"{failed} acte{'s' if many else ''} n’{'ont' if many else 'a'} pas pu être "
        f"fait{'s' if many else ''}. La page dit pourquoi, acte par acte."
    )
    _tell(STOPPED, run, job, _concerned(run, job), reason, now)


def run_ended(*, run: SigningRun, job: Job, now: dt.datetime) -> None:
    """Write to who clicked that everything is signed, if the work lasted LONG."""
    if job.started_at is not None and now - job.started_at >= LONG:
        _tell(ENDED, run, job, _concerned(run, job), "", now)


def _concerned(run: SigningRun, job: Job) -> list[Account]:
    return [run.account, *([job.created_by] if job.created_by else [])]


def _administrators(run: SigningRun) -> list[Account]:
    """Active administrators of the office's territory."""
    above = paths_to(run.holder.office.node.path)
    grants = grants_in_force(clock.today()).filter(role=Role.ADMIN, node__path__in=above)
    held = grants.filter(account=OuterRef("pk"))
    return list(Account.objects.filter(Exists(held)).select_related("agent").order_by("pk"))


def _tell(
    code: str,
    run: SigningRun,
    job: Job,
    accounts: Iterable[Account],
    reason: str,
    now: dt.datetime,
) -> None:
    told = {one.pk: one for one in accounts if one.is_active and one.email}
    if not told:
        return
    text, seen = wording(code, _EMAIL), progress(run, now=now)
    values = {
        "signataire": run.name,
        "date": long_date(timezone.localdate(run.confirmed_at)),
        "raison": reason,
        "avancement": _advance(run, seen.signed, seen.total),
        "lots": _batches(run),
    }
    drafts = [
        Draft(
            channel=_EMAIL,
            template=code,
            recipient=one.email or "",
            subject=fill(text.subject, values)[:200],
            body=fill(text.body, {**values, "nom": one.display_name}),
            subject_ref=f"credentials.signingrun:{run.uid}",
            subject_id=run.pk,
            person_ref=concerning(one),
            dedupe_key=f"{code}:{job.pk}:{one.pk}",
        )
        for one in told.values()
    ]
    queue(drafts, now=now)


def _advance(run: SigningRun, done: int, total: int) -> str:
    """« 3 actes signés sur 8 », « 0 acte prêt sur 8 »."""
    s = "s" if done > 1 else ""
    return f"{done} acte{s} {'prêt' if run.mode == Mode.HAND else 'signé'}{s} sur {total}"


def _batches(run: SigningRun) -> str:
    """Title and address of each batch, those where something is left first."""
    left = Act.objects.filter(batch=OuterRef("pk"), state__in=[Act.State.PLANNED, Act.State.FAILED])
    rows = Batch.objects.filter(run=run).annotate(left=Exists(left)).order_by("-left", "pk")
    lines = [
        f"{title}\n{settings.KALAN_BASE_URL}{reverse('act-batch', args=[uid])}"
        for title, uid in rows.values_list("title", "uid")[: _SHOWN + 1]
    ]
    return "\n\n".join([*lines[:_SHOWN], *(["…"] if len(lines) > _SHOWN else [])])
