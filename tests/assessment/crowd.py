"""Run as a program: eight threads answer one sitting at once; prints what was stored.

    python -m tests.assessment.crowd

In each round all send an answer to the question on screen: half of them the same one (one page,
pressed many times), the others one of their own (as many tabs). Then all begin one sitting of a
test, which nobody has begun yet.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter

import django

from tests.support.patience import wait_for_locks

THREADS, ROUNDS = 8, 6


def main() -> None:
    django.setup()
    wait_for_locks()
    from django.db import connection

    from kalan.assessment.models import Answer, Result, Sitting, SittingEvent
    from kalan.assessment.services import answering, sittings
    from kalan.base.ids import uuid7
    from tests.factories import assessment, people
    from tests.factories.people import NOW

    tree = people.tree()
    account = people.account()
    test = assessment.published(tree.country)
    sitting = assessment.begun(test, account)
    outcomes: Counter[str] = Counter()
    winners: list[uuid.UUID] = []
    errors: list[str] = []
    shared = [uuid7() for _ in range(ROUNDS)]
    gate = threading.Barrier(THREADS)
    started: set[int] = set()

    def person(seed: int) -> None:
        try:
            for number in range(1, ROUNDS + 1):
                gate.wait()
                uid = shared[number - 1] if seed % 2 else uuid7()
                said = answering.answer(
                    sitting_uid=sitting.uid,
                    answer_uid=uid,
                    number=number,
                    data={"r": "b" if seed % 2 else "a"},
                    now=NOW,
                )
                outcomes[said.outcome] += 1
                if said.outcome == "stored":
                    winners.append(uid)
            gate.wait()
            actor = assessment.actor(account)
            started.add(sittings.start(actor=actor, test=test, now=NOW).pk)
        except Exception as error:
            errors.append(repr(error))
            gate.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=person, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = Answer.objects.filter(sitting=sitting).order_by("number")
    row = Sitting.objects.get(pk=sitting.pk)
    print(  # noqa: T201 - read by the test that runs this
        json.dumps(
            {
                "vendor": connection.vendor,
                "errors": errors,
                "outcomes": dict(outcomes),
                "stored": [str(uid) for uid in kept.values_list("uid", flat=True)],
                "told": [str(uid) for uid in winners],
                "state": row.state,
                "log": len(json.loads(row.log)),
                "results": Result.objects.filter(sitting=sitting).count(),
                "events": SittingEvent.objects.count(),
                "started": len(started),
            }
        )
    )


if __name__ == "__main__":
    main()
