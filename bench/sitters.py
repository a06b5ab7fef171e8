"""The world of ``bench.sittings``, made and looked at in processes of their own.

``python -m bench.sitters fill PEOPLE`` prints the accounts and sittings made; ``check FILE``
compares what people were told is stored with rows and logs.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

PASSWORD = "un mot de passe assez long"
JOURNEY, CROWD = "dix-questions", "positionnement"  # codes of the two tests
QUESTIONS = 10


def fill(people: int) -> dict[str, Any]:
    """The bank of the packs, two published tests, and people signed in at their first question."""
    from kalan.config import supervise

    supervise.prepare()
    from django.contrib.auth.hashers import check_password, make_password
    from django.contrib.sessions.models import Session
    from tests.factories import people as world
    from tests.support.signin import new_session

    from kalan.assessment.services import publishing, sittings, tests
    from kalan.base import clock
    from kalan.people.actor import SYSTEM
    from kalan.people.models import Account
    from kalan.people.selectors.core import actor_for
    from kalan.skills.services import framework_packs, packs

    now, tree = clock.now(), world.tree()
    framework_packs.load_frameworks(actor=SYSTEM, now=now)
    bank = packs.load_bank(actor=SYSTEM, node=tree.country, now=now)
    made = {}
    for code, title in ((JOURNEY, "Dix questions"), (CROWD, "Mes compétences")):
        plan = tests.default_plan("positioning_short", bank)
        if code == JOURNEY:
            for domain in plan["domains"].values():
                domain["min"] = domain["max"] = QUESTIONS // len(plan["domains"])
        test = tests.create(
            actor=SYSTEM, code=code, title=title, purpose="positioning_short", bank=bank,
            node=tree.country, now=now, plan=plan, open=True, retake_days=0, attempts=0,
        )  # fmt: skip
        publishing.publish(actor=SYSTEM, test=test, now=now, persons=400)
        test.refresh_from_db()
        made[code] = test
    kept = make_password(PASSWORD)
    accounts = Account.objects.bulk_create(
        Account(
            email=f"personne{n}@exemple.sn", display_name=f"Personne {n}", password=kept,
            agent=world.agent(tree.centre_sokone), created_at=now, notice_seen_at=now,
        )
        for n in range(people)
    )  # fmt: skip
    sessions = Session.objects.bulk_create(new_session(account) for account in accounts)
    going = {}
    for account, session in zip(accounts, sessions, strict=True):
        actor = actor_for(account, today=clock.today())
        sitting = sittings.start(actor=actor, test=made[CROWD], now=now)
        sittings.begin(sitting=sitting, now=now)
        going[str(sitting.uid)] = session.session_key
    start = time.process_time()
    for _ in range(10):
        assert check_password(PASSWORD, kept)
    spent = (time.process_time() - start) / 10
    return {"emails": [one.email for one in accounts], "sittings": going, "hash": spent}


def compare(told: dict[str, str]) -> dict[str, int]:
    """Compare what people were told with the rows, and the rows with the logs."""
    import uuid

    from kalan.assessment.models import Answer, Sitting

    rows = {
        (str(uid), str(sitting))
        for uid, sitting in Answer.objects.values_list("uid", "sitting__uid")
    }
    said = {(str(uuid.UUID(uid)), sitting) for uid, sitting in told.items()}
    apart = number = 0
    for sitting in Sitting.objects.prefetch_related("answers"):
        number += 1
        log = [entry for entry in json.loads(sitting.log) if entry[0] == "a"]
        answers = sorted(sitting.answers.all(), key=lambda one: one.number)
        same = [one.category for one in answers] == [entry[2] for entry in log]
        apart += not (same and sitting.step == len(log))
    return {
        "lost": len(said - rows),
        "untold": len(rows - said),
        "apart": apart,
        "sittings": number,
    }


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import django

    django.setup()
    word, value = sys.argv[1:]
    if word == "fill":
        print(json.dumps(fill(int(value))))
    else:
        print(json.dumps(compare(json.loads(Path(value).read_text()))))
