"""One thing is under way, not yet committed, when another begins: what the other is told.

Which of two comes first is not left to chance: the first holds its transaction until the second
waits for it (or has ended, not having looked).
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from tests.credentials.crowd import at_once


def while_under_way(
    first: Callable[[], Any], second: Callable[[], Any], then: Callable[[], Any] = lambda: None
) -> str:
    """Do ``first``; begin ``second`` elsewhere; once it waits, do ``then`` and commit."""
    said: list[str] = []
    other = threading.Thread(target=lambda: said.extend(at_once([second])))
    with transaction.atomic():
        first()
        other.start()
        _until_it_waits(other)
        then()
    other.join()
    return said[0]


def _until_it_waits(other: threading.Thread) -> None:
    """For a lock (PostgreSQL). On SQLite one writes at a time: it waits from its first word."""
    if connection.vendor == "sqlite":
        return
    # Not by pg_stat_activity: in a transaction it stays as it was first read, so it may miss one
    # that connected since, for ever.
    waits = """SELECT 1 FROM pg_locks
               WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"""
    while other.is_alive():
        with connection.cursor() as cursor:
            cursor.execute(waits)
            if cursor.fetchone():
                return
        time.sleep(0.01)


def all_of_them(node: Any, now: dt.datetime) -> dict[str, Any]:
    """What each second one was told, and how things stand afterwards."""
    return {
        "revoke while its replacement is signed": _revoke_while_replaced(node, now),
        "click while a delegation ends": _click_while_ending(node, now),
        "rotate while a key is revoked": _rotate_while_revoked(now),
        "try again while it is tried again": _retried_twice(node, now),
        "give up while it is tried again": _give_up_while_retried(node, now),
    }


def _admin(node: Any, now: dt.datetime) -> Any:
    from tests.factories import credentials as make
    from tests.factories import people

    return make.actor(people.account("admin", node), now=now)


def _revoke_while_replaced(node: Any, now: dt.datetime) -> list[str]:
    """The old act is about to be revoked; the job of the click signs the one that replaces it."""
    from kalan.credentials.models import Act, Batch, RegisterEntry
    from kalan.credentials.services import register, replacing, signing
    from tests.factories import acts, people
    from tests.factories import credentials as make

    old = acts.act(acts.batch(node, state="cancelled"), name="Awa DIOP", data={"holder": {}})
    manager = make.actor(people.account("programme", node), now=now)
    new = replacing.replace(
        actor=manager, now=now, act=old, uid=uuid.uuid4(), changes={}, reason="Nom mal écrit"
    )
    Batch.objects.filter(pk=new.pk).update(
        state="ordered", run=old.batch.run, checked_at=now, approved_at=now
    )
    new.acts.update(state="signed", number="SN-2023-900001", pack=old.pack, sha256="f" * 64,
                    code="9" * 24, start=0, size=1, signed_at=now)  # fmt: skip
    told = while_under_way(
        lambda: Act.objects.select_for_update().get(pk=old.pk),
        lambda: signing.finish(batch=new, now=now),
        lambda: register.append(
            kind=RegisterEntry.Kind.VOID, by=None, now=now, body={"number": "SN-2023-0"}
        ),
    )
    old.refresh_from_db()
    # Not of this program's other tests: such a batch is not whole.
    Batch.objects.filter(pk=new.pk).update(state="cancelled")
    return [told, old.status]


def _click_while_ending(node: Any, now: dt.datetime) -> list[str]:
    from kalan.credentials.models import Batch
    from kalan.credentials.services import offices, ordering
    from kalan.credentials.services.second_factor import Factor
    from tests.factories import credentials as make

    batch = make.approved_batch(node, acts=1)
    holder = batch.office.holders.get()
    type(holder).objects.filter(pk=holder.pk).update(start=now.date() - dt.timedelta(days=9))
    holder.refresh_from_db()
    row = Batch.objects.select_related("office__node", "office__key").get(pk=batch.pk)
    told = while_under_way(
        lambda: offices.end_holder(
            actor=_admin(node, now), holder=holder, end=now.date() - dt.timedelta(days=1), now=now
        ),
        lambda: ordering.order(
            actor=make.actor(holder.account, now=now),
            batches=[row],
            factor=Factor(holder.account.pk, "totp", now),
            now=now,
        ),
    )
    row.refresh_from_db()
    return [told.partition(":")[0], row.state]


def _rotate_while_revoked(now: dt.datetime) -> list[str]:
    from kalan.credentials.models import SigningKey
    from kalan.credentials.services import keys
    from kalan.people.actor import SYSTEM
    from tests.factories import credentials as make

    made = make.keys_of("Ministère volé", made_at=now - dt.timedelta(days=1))
    mine = SigningKey.objects.get(pk=made.pk)
    told = while_under_way(
        lambda: keys.revoke(actor=SYSTEM, now=now, key=mine, reason="Volée"),
        lambda: keys.rotate(actor=SYSTEM, now=now, key=made, passphrase=make.PASSPHRASE),
    )
    mine.refresh_from_db()
    return [told.partition(".")[0], mine.state]


def _failed(node: Any, now: dt.datetime) -> Any:
    """A click whose one act failed."""
    from kalan.base.models import Job
    from kalan.credentials.models import Act
    from tests.factories import credentials as make

    run = make.ordered(make.approved_batch(node, acts=1), now=now)
    Act.objects.filter(batch__run=run).update(state="failed")
    Job.objects.filter(pk=str(run.job_id)).update(state="failed")
    return run


def _retried_twice(node: Any, now: dt.datetime) -> list[int]:
    from kalan.base.models import Job
    from kalan.credentials.services import signing
    from tests.factories import credentials as make

    run = _failed(node, now)
    who = make.actor(run.account, now=now)
    before = Job.objects.count()

    def again() -> None:
        signing.retry(actor=who, run=run, now=now)

    while_under_way(again, again)
    return [Job.objects.count() - before]


def _give_up_while_retried(node: Any, now: dt.datetime) -> list[str]:
    from kalan.credentials.models import Act, SigningRun
    from kalan.credentials.services import signing
    from tests.factories import credentials as make

    run = _failed(node, now)
    act = Act.objects.get(batch__run=run)
    who = make.actor(run.account, now=now)
    told = while_under_way(
        lambda: SigningRun.objects.select_for_update().get(pk=run.pk),
        lambda: signing.give_up(actor=who, act=act, reason="Nom illisible", now=now),
        lambda: signing.retry(actor=who, run=run, now=now),
    )
    act.refresh_from_db()
    return [told.strip(), act.state]
