"""``kalan demo``: the demonstration, once, all of it or nothing."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction

from kalan.assessment import demo as assessment_demo
from kalan.assessment import demo_exams
from kalan.base.errors import Refused
from kalan.campaigns.demo import build_campaign
from kalan.credentials import demo as credentials_demo
from kalan.credentials.models import SigningRun
from kalan.indicators.services.refresh import refresh
from kalan.people import demo as people_demo
from kalan.people.models import OrgNode
from kalan.people.services import duplicates
from kalan.training import demo as training_demo
from kalan.training.demo_learning import build_learning
from kalan.training.demo_money import build_money
from kalan.training.demo_papers import build_papers
from kalan.training.demo_today import build_today
from kalan.training.selectors import programmes


def load(*, now: dt.datetime) -> bool:
    """Load the demonstration; return False when it is there already.

    Raises Refused outside demo mode, and on a database that holds other data: invented people
    must never stand among real ones.
    """
    if not settings.KALAN_DEMO:
        raise Refused(
            "Les données de démonstration ne se chargent qu’en mode démonstration.",
            remedy="Réglez KALAN_DEMO=1, sur une base qui ne servira pas en production.",
        )
    if programmes.demo_is_loaded():
        return False
    if OrgNode.objects.exists():
        raise Refused(
            "La base contient déjà des données.",
            remedy="Chargez la démonstration dans un KALAN_HOME vide.",
        )
    with transaction.atomic():
        run = _build(now)
    credentials_demo.sign(run)
    refresh(now=now)
    return True


def _build(now: dt.datetime) -> SigningRun:
    """Every room's part, in the order in which each needs the others; the click whose job signs."""
    world = people_demo.build(now=now)
    direcct, trained = training_demo.build_direcct(world)
    training_demo.build_platform(world, direcct, trained)
    build_money(world, direcct, now=now)
    build_papers(world, direcct)
    home = next(node for node in world.structures if node.name == "Centre de santé de Sokone")
    people_demo.add_accounts(
        world,
        learner=trained["sn-demo-09"][0],
        manager_of=home,
        region=world.regions["SN-FK"],
    )
    people_demo.add_doubles(world, [trained[code][5] for code in ("sn-demo-05", "sn-demo-09")])
    build_today(world, now=now)
    tests = assessment_demo.build_tests(world.country, now=now)
    build_learning(direcct, tests.pair)
    people = {agent.pk: agent for some in trained.values() for agent in some}
    build_campaign(
        node=world.country,
        structures=world.structures,
        agents=list(people.values()),
        test=tests.short,
        now=now,
    )
    assessment_demo.calibrate(tests.bank, now=now)
    # After the calibration: without it the exam's test would stay a draft.
    exams = demo_exams.build(
        bank=tests.bank,
        country=world.country,
        learner=world.accounts.get("agent"),
        invigilator=world.accounts.get("formateur"),
        now=now,
    )
    run = credentials_demo.build_acts(
        country=world.country,
        accounts=world.accounts,
        programme=direcct,
        exam=exams.published if exams else None,
        now=now,
    )
    duplicates.find_agents(node=world.country, now=now)
    return run
