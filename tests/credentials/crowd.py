"""Run as a program: clicks at the same moment; prints who won and what stands afterwards.

    python -m tests.credentials.crowd

Two signatories order the same batches; one of them clicks twice on another; eight write to the
register; somebody writes while a slow key is opened; three prepare the same acts; an order is
refused on a right passkey; five things are ended or set right while something else is done to them
(`meanwhile`). Every thread has a connection of its own.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from typing import Any

import django


def at_once(works: list[Callable[[], Any]]) -> list[str]:
    """Run all at the same moment; what each gave, or the code of its refusal."""
    from django.db import connection

    from kalan.base.errors import Refused

    said: list[str] = [""] * len(works)
    start = threading.Barrier(len(works))

    def one(number: int) -> None:
        try:
            start.wait()
            said[number] = str(works[number]())
        except Refused as refused:
            said[number] = f"{refused.code}: {refused.message}".replace("\u00a0", " ")
        except Exception as error:
            said[number] = repr(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def main() -> None:
    django.setup()
    from django.db import connection

    from kalan.base import clock
    from kalan.base.ids import uuid7
    from kalan.base.models import Job
    from kalan.credentials.models import Act, Batch, RegisterEntry, SigningRun
    from kalan.credentials.services import ordering, register
    from kalan.credentials.services.second_factor import Factor, Given
    from tests.credentials import meanwhile
    from tests.factories import credentials as make
    from tests.factories import people

    now = clock.now()
    country = people.tree().country
    office = make.office(country)
    holders = [
        make.holder(office, name="Dr Awa NDIAYE"),
        make.holder(office, name="M. Ali SOW", capacity="interim", title="Chef de division"),
    ]
    batches = [make.approved(make.batch(country, office=office, acts=20)) for _ in range(2)]

    def order(number: int) -> str:
        account = holders[number].account
        rows = list(Batch.objects.select_related("office__node", "office__key").order_by("pk"))
        ordering.order(
            actor=make.actor(account, now=now),
            batches=rows if number else rows[::-1],
            factor=Factor(account.pk, "totp", now),
            now=now,
        )
        return "signed"

    orders = at_once([lambda: order(0), lambda: order(1)])
    other = make.approved(make.batch(country, office=office, acts=5))
    form = uuid7()

    def click() -> str:
        account = holders[0].account
        row = Batch.objects.select_related("office__node", "office__key").get(pk=other.pk)
        run = ordering.confirm(
            actor=make.actor(account, now=now),
            batches=[row],
            given=Given(make.totp(now)),
            form_uid=form,
            now=now,
        )
        return str(run.uid)

    clicks = at_once([click, click])
    void = RegisterEntry.Kind.VOID
    writes = at_once(
        [lambda: register.append(kind=void, by=None, now=now, body={}).seq for _ in range(8)]
    )
    free = write_during_a_slow_opening(country, now)
    drafts = at_once([lambda: prepared(office, now) for _ in range(3)])
    acts = Act.objects.exclude(number=None)
    numbers = list(acts.order_by("number").values_list("number", flat=True))
    problems = register.verify().problems
    stands = {
        "runs": SigningRun.objects.count(),
        "jobs": Job.objects.count(),
        "codes": acts.values("code").distinct().count(),
        "places": acts.values("status_index").distinct().count(),
    }
    print(  # noqa: T201 - read by the test that runs this
        json.dumps(
            {
                "vendor": connection.vendor,
                "orders": sorted(orders),
                "clicks": clicks,
                "form": str(form),
                **stands,
                "numbers": numbers,
                "runs_of_batches": len({batch.run_id for batch in _again(batches)}),
                "drafts": sorted(drafts),
                "writes": sorted(map(int, writes)),
                "free": free,
                "refused": refused_on_a_right_passkey(country, now),
                "problems": problems,
                "meanwhile": meanwhile.all_of_them(country, now),
            }
        )
    )


def write_during_a_slow_opening(node: Any, now: Any) -> list[str]:
    """Click with a key that stays being opened until somebody else has written (or for 3 s)."""
    from django.db import connection

    from kalan.base.ids import uuid7
    from kalan.credentials.selectors import keys
    from kalan.credentials.services import ordering
    from kalan.credentials.services.second_factor import Given
    from kalan.engine.signing import keyfiles
    from kalan.people.services import limits
    from tests.factories import credentials as make

    keyfiles.ROUNDS = 1000
    batch = make.approved_batch(node, acts=1, key=make.keys_of(made_at=now - dt.timedelta(days=1)))
    account = batch.office.holders.get().account
    said, opening, written = [], threading.Event(), threading.Event()
    really = keys.open_identity

    def slowly(*args: Any) -> Any:
        opening.set()
        said.append("written" if written.wait(120) else "held up")
        said.append(f"in a transaction: {connection.in_atomic_block}")
        return really(*args)

    def write() -> None:
        opening.wait(120)
        limits.miss([limits.limit("test", 1, 1)], now=now)
        written.set()
        connection.close()

    keys.open_identity = slowly  # type: ignore[assignment]
    writer = threading.Thread(target=write)
    writer.start()
    run = ordering.confirm(
        actor=make.actor(account, now=now),
        batches=[batch],
        given=Given(make.totp(now)),
        form_uid=uuid7(),
        now=now,
    )
    writer.join()
    return [*said, f"signed: {run.total}"]


def refused_on_a_right_passkey(node: Any, now: Any) -> list[str]:
    """What the same answer is told twice: that the batch is no longer there to sign, then that it
    has served. In no transaction but that of the service, as in a request."""
    from kalan.base.errors import Refused
    from kalan.base.ids import uuid7
    from kalan.credentials.services import ordering
    from kalan.credentials.services.second_factor import Given
    from kalan.people.services import passkeys
    from tests.factories import credentials as make
    from tests.factories.passkeys import Passkey, visited

    batch, form = make.approved_batch(node, acts=1), uuid7()
    account = batch.office.holders.get().account
    passkey = Passkey(account)
    type(batch).objects.filter(pk=batch.pk).update(state="draft")
    with visited():
        asked = passkeys.ask(account=account, about=ordering.about([batch], form), now=now)
        given = Given(challenge=asked.challenge, answer=passkey.answer(asked))
        said = []
        for _ in range(2):
            try:
                ordering.confirm(
                    actor=make.actor(account, now=now),
                    batches=[batch],
                    given=given,
                    form_uid=form,
                    now=now,
                )
            except Refused as refused:
                said.append(refused.code)
            except Exception as error:
                said.append(repr(error))
    return said


def prepared(office: Any, now: Any) -> str:
    """What one of several gets who prepare the papers of the same session: how many acts are
    theirs, and how many set aside as another's."""
    from django.db.models import Count

    from kalan.credentials.services import preparing
    from kalan.credentials.services.sources.common import Found, Planned, Request
    from kalan.people.actor import SYSTEM
    from tests.factories import credentials as make

    request = Request(SYSTEM, make.version(office.node), office, None, None, now, {})
    planned = [Planned(record=f"crowd:{n}", data={}, name=f"Awa DIOP {n}") for n in range(40)]
    batch = preparing._kept(
        actor=SYSTEM,
        request=request,
        found=Found(node=office.node, acts=planned),
        source="session",
        title="Séance",
    )
    said = dict(batch.acts.values_list("state").annotate(n=Count("pk")))
    return f"{said.get('draft', 0)} + {said.get('excluded', 0)}"


def _again(batches: list[Any]) -> list[Any]:
    for batch in batches:
        batch.refresh_from_db()
    return batches


if __name__ == "__main__":
    main()
