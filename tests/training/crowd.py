"""Run as a program: eight people mark one session at once; prints what is stored and what should.

    python -m tests.training.crowd

Every thread has a connection of its own, marks and takes back on the same few boxes, and sends
each batch twice, once at the same moment as another thread.
"""

from __future__ import annotations

import json
import random
import threading

import django

from tests.support.patience import wait_for_locks

THREADS, ROUNDS = 8, 4


def main() -> None:
    django.setup()
    wait_for_locks()
    from django.db import connection

    from kalan.base.ids import uuid7
    from kalan.people.actor import SYSTEM
    from kalan.training.models import AttendanceMark
    from kalan.training.services.attendance import (
        MarkData,
        RetractionData,
        record_marks,
        retract_marks,
    )
    from tests.factories import attendance, people
    from tests.factories.people import NOW

    room = attendance.room(people.tree(), count=3)
    uids, codes = [person.uid for person in room.persons], room.codes[:2]
    sent: list[MarkData] = []
    taken: list[str] = []
    errors: list[str] = []
    start = threading.Barrier(THREADS)

    def phone(seed: int) -> None:
        draw = random.Random(seed)
        mine: list[MarkData] = []
        try:
            start.wait()
            for _ in range(ROUNDS):
                batch = [MarkData(uuid7(), draw.choice(uids), draw.choice(codes)) for _ in range(3)]
                mine += batch
                sent.extend(batch)
                for _ in range(2):
                    common = {"actor": SYSTEM, "now": NOW, "session": room.session}
                    record_marks(**common, marks=draw.sample(sent, 2) + batch, source="phone")
                    mark = draw.choice(mine)
                    taken.append(str(mark.client_id))
                    data = RetractionData(
                        uuid7(), mark.registration, mark.half_day, (str(mark.client_id),)
                    )
                    retract_marks(**common, retractions=[data, data])
        except Exception as error:
            errors.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=phone, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = {uid: number for number, uid in enumerate(uids)}
    gone = set(taken)
    expected = {
        (numbers[mark.registration], mark.half_day)
        for mark in sent
        if str(mark.client_id) not in gone
    }
    print(  # noqa: T201 - read by the test that runs this
        json.dumps(
            {
                "vendor": connection.vendor,
                "errors": errors,
                "sent": len(sent),
                "stored": AttendanceMark.objects.count(),
                "expected": sorted(expected),
                "present": sorted(room.present()),
            }
        )
    )


if __name__ == "__main__":
    main()
