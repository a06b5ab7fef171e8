"""The questions of ``packs/questions`` (decision 0012) into a bank.

Loading again adds the questions that are missing and leaves the others: they may have been
changed here. ``reviewed = true`` puts a question in service, with the second reading that the
file vouches for.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Subquery

from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.people.services import history
from kalan.skills.models import FrameworkNode, Item, ItemBank, ItemReview, ItemVersion
from kalan.skills.play.content import from_own, problems, words
from kalan.skills.selectors.frameworks import active_framework
from kalan.skills.services.banks import create_bank
from kalan.skills.services.writing import act, require

SECOND_READER = "Seconde lecture du projet Kalan"
BANK = "sante-numerique-fr"


@dataclass
class QuestionsReport:
    """``added`` by domain; ``there``: known already; ``unplaced``: (code, competency) that the
    framework lacks, put under the domain alone."""

    added: dict[str, int] = field(default_factory=dict)
    there: int = 0
    unplaced: list[tuple[str, str]] = field(default_factory=list)


@act
def load_bank(*, actor: Actor, node: OrgNode, now: dt.datetime) -> ItemBank:
    """The bank of the packs' questions, held by ``node``, made on first call, with all of them.

    The frameworks must be loaded. Raises Refused when they are not.
    """
    bank = ItemBank.objects.filter(code=BANK).select_related("node", "framework").first()
    if bank is None:
        framework = active_framework("sante-numerique-fr")
        if framework is None:
            raise Refused(
                "Le référentiel « sante-numerique-fr » n’est pas chargé.",
                remedy="Lancez « script/manage load_frameworks ».",
            )
        bank = create_bank(
            actor=actor,
            code=BANK,
            name="Santé numérique, socle commun",
            framework=framework,
            node=node,
            now=now,
            licence="CC BY-SA 4.0, projet Kalan",
        )
    load_questions(actor=actor, bank=bank, now=now)
    return bank


@act
def load_questions(
    *, actor: Actor, bank: ItemBank, now: dt.datetime, folder: Path | None = None
) -> QuestionsReport:
    """Add the questions of ``folder`` (default: the packs', in French) that ``bank`` lacks.

    Raises Refused naming file and question; nothing is kept then.
    """
    require(actor, "items.edit", bank.node)
    folder = folder or Path(settings.PACKS_DIR) / "questions" / "fr"
    report = QuestionsReport()
    places = _Places(bank)
    known = set(bank.items.values_list("code", flat=True))
    items, versions, reviews = [], [], []
    for path in sorted(folder.glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        domain = places.domain(path.name, str(data["domain"]))
        for one in data["question"]:
            if one["code"] in known:
                report.there += 1
                continue
            known.add(one["code"])
            competency = places.competency(domain, one["competency"])
            if competency is None:
                report.unplaced.append((one["code"], one["competency"]))
            item = _item(bank, one, domain, competency, now)
            version = _version(item, one, path.name, bank.language, now)
            items.append(item)
            versions.append(version)
            if one["reviewed"]:
                reviews.append(
                    ItemReview(
                        version=version,
                        verdict=ItemReview.Verdict.ACCEPT,
                        reviewer_name=data.get("reviewer", SECOND_READER),
                        at=now,
                    )
                )
            report.added[domain.code] = report.added.get(domain.code, 0) + 1
    Item.objects.bulk_create(items)
    ItemVersion.objects.bulk_create(versions)
    ItemReview.objects.bulk_create(reviews)
    newest = ItemVersion.objects.filter(item=OuterRef("pk")).order_by("-number")
    Item.objects.filter(bank=bank, current=None).update(current=Subquery(newest.values("pk")[:1]))
    if items:
        text = f"{len(items)} questions chargées des fichiers de Kalan."
        history.note(actor=actor, subject=bank, text=text)
    return report


class _Places:
    """Domains by code, competencies by name inside their domain."""

    def __init__(self, bank: ItemBank) -> None:
        nodes = list(
            FrameworkNode.objects.filter(framework=bank.framework).exclude(kind="capacity")
        )
        by_pk = {node.pk: node for node in nodes}
        self._domains = {node.code: node for node in nodes if node.kind == "domain"}
        self._competencies: dict[tuple[int, str], FrameworkNode] = {}
        for node in nodes:
            top = node
            while top.parent_id is not None:
                top = by_pk[top.parent_id]
            if node.kind == "competency":
                self._competencies[(top.pk, fold(node.name))] = node

    def domain(self, file: str, code: str) -> FrameworkNode:
        if code not in self._domains:
            raise Refused(
                f"{file} : le référentiel de la banque n’a pas de domaine « {code} ».",
                remedy="Chargez les questions dans une banque de ce référentiel.",
            )
        return self._domains[code]

    def competency(self, domain: FrameworkNode, name: str) -> FrameworkNode | None:
        return self._competencies.get((domain.pk, fold(name)))


def _item(
    bank: ItemBank,
    one: dict[str, Any],
    domain: FrameworkNode,
    competency: FrameworkNode | None,
    now: dt.datetime,
) -> Item:
    return Item(
        bank=bank,
        code=one["code"],
        domain=domain,
        competency=competency,
        kind=one["type"],
        state=Item.State.ACTIVE if one["reviewed"] else Item.State.DRAFT,
        difficulty=one["difficulty"],
        audience=one["audience"],
        countries=one["countries"],
        created_at=now,
    )


def _version(
    item: Item, one: dict[str, Any], file: str, language: str, now: dt.datetime
) -> ItemVersion:
    stored = from_own(one)
    for fault in problems(stored):
        raise Refused(f"{file}, {one['code']} : {fault.message}", remedy="Corrigez le fichier.")
    return ItemVersion(
        item=item,
        number=1,
        content=stored.content,
        key=stored.key,
        words=fold(words(stored)),
        language=language,
        source=one["source"],
        created_at=now,
    )
