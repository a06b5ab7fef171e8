"""The tests of the demonstration, on the questions of the packs: real questions, invented answers.

Answers are simulated and say so. They are calibrated by the ordinary run (``calibrate``), so
that the screens show items past their gate; outside the demonstration nothing of this is used.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import dataclass

from kalan.assessment.models import CalibrationRun, Test
from kalan.assessment.services import adoption, calibration, publishing, statistics, tests
from kalan.base import jobs
from kalan.people.actor import SYSTEM
from kalan.people.models import OrgNode
from kalan.skills.models import ItemBank
from kalan.skills.services import framework_packs, packs

PERSONS = 400  # simulated before a publication: the demonstration must load in a minute
MEAN, SPREAD, TOGETHER = -0.4, 0.9, 0.6  # abilities: mean, standard deviation, correlation
# The themes of the programme change some domains more than others.
LEAN = {"donnees": 0.15, "cyber": -0.25, "communication": 0.2, "outils": 0.05, "telesante": -0.15}
CADRE = {"med-gen": 0.45, "gestion": 0.25, "sfe": 0.1, "aide-soign": -0.35, "asc": -0.5}


@dataclass(frozen=True)
class DemoTests:
    bank: ItemBank
    short: Test
    full: Test
    pair: Test


def build_tests(country: OrgNode, *, now: dt.datetime) -> DemoTests:
    """Frameworks, the bank of the packs' questions, and three published tests."""
    framework_packs.load_frameworks(actor=SYSTEM, now=now)
    bank = packs.load_bank(actor=SYSTEM, node=country, now=now)

    def made(code: str, title: str, purpose: str, introduction: str, **fields: object) -> Test:
        plan = tests.default_plan(purpose, bank)
        if purpose == Test.Purpose.FULL:
            plan["r_max"] = None  # tuned exposure takes long, and these answers are invented
        test = tests.create(
            actor=SYSTEM, code=code, title=title, purpose=purpose, bank=bank, node=country,
            now=now, plan=plan, introduction=introduction, **fields,
        )  # fmt: skip
        publishing.publish(actor=SYSTEM, test=test, now=now, persons=PERSONS)
        test.refresh_from_db()
        return test

    return DemoTests(
        bank=bank,
        short=made(
            "positionnement",
            "Mes compétences en santé numérique",
            Test.Purpose.SHORT,
            "Une vingtaine de questions, sans note ni classement, pour savoir où vous en êtes.",
            open=True,
        ),
        full=made(
            "positionnement-complet",
            "Mes compétences, domaine par domaine",
            Test.Purpose.FULL,
            "Un domaine à la fois : arrêtez-vous entre deux, vous reprendrez où vous en étiez.",
            open=True,
        ),
        pair=made(
            "avant-apres",
            "Avant et après la session",
            Test.Purpose.FIXED,
            "Le même test, sous deux formes : l’une avant la session, l’autre après.",
        ),
    )


def ability(draw: random.Random, *, cadre: str = "", shift: float = 0.0) -> dict[str, float]:
    """An invented person's level in each domain, by their cadre; ``shift`` after a training."""
    general = draw.gauss(0, 1)
    centre = MEAN + CADRE.get(cadre, 0.0) + shift
    return {
        domain: centre
        + lean
        + SPREAD * (math.sqrt(TOGETHER) * general + math.sqrt(1 - TOGETHER) * draw.gauss(0, 1))
        for domain, lean in LEAN.items()
    }


def calibrate(bank: ItemBank, *, now: dt.datetime) -> CalibrationRun:
    """Calibrate the bank from its simulated answers, as the screens would, and adopt what is
    past the gate; then count what was seen of each question."""
    run = calibration.start(actor=SYSTEM, bank=bank, now=now, simulated=True)
    assert run.job is not None
    jobs.execute(run.job.uid)
    run.refresh_from_db()
    if run.state != CalibrationRun.State.READY:
        raise RuntimeError(f"calibration of the demonstration: {run.state} {run.error}")
    adoption.adopt(actor=SYSTEM, run=run, now=now, choice="gate")
    statistics.count_statistics(bank=bank, now=now)
    return run
