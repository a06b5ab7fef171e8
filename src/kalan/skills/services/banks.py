"""Item banks: made, named, put on another edition of their framework."""

from __future__ import annotations

import datetime as dt

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.skills.models import Framework, FrameworkNode, Item, ItemBank
from kalan.skills.services.writing import act, require


@act
def create_bank(
    *,
    actor: Actor,
    code: str,
    name: str,
    framework: Framework,
    node: OrgNode,
    now: dt.datetime,
    language: str = "fr",
    licence: str = "",
) -> ItemBank:
    """Create a bank on ``framework``, held by ``node``. Raises Refused for a code in use."""
    require(actor, "banks.edit", node)
    if ItemBank.objects.filter(code=code).exists():
        raise Refused(
            f"Le code « {code} » est déjà celui d’une banque.",
            field="code",
            remedy="Choisissez-en un autre.",
        )
    return ItemBank.objects.create(
        code=code,
        name=name,
        framework=framework,
        node=node,
        language=language,
        licence=licence,
        created_at=now,
    )


@act
def update_bank(
    *, actor: Actor, bank: ItemBank, name: str, licence: str, framework: Framework, now: dt.datetime
) -> ItemBank:
    """Rename a bank; another edition of the same framework takes its questions along by code.

    Raises Refused when the new edition lacks a domain or a competency that a question stands on.
    """
    require(actor, "banks.edit", bank.node)
    bank = ItemBank.objects.select_for_update().select_related("framework", "node").get(pk=bank.pk)
    if framework != bank.framework:
        _move(bank, framework)
    bank.name, bank.licence, bank.framework = name, licence, framework
    bank.save()
    return bank


def _move(bank: ItemBank, framework: Framework) -> None:
    new = {
        (node.kind, node.code): node for node in FrameworkNode.objects.filter(framework=framework)
    }
    items = list(Item.objects.filter(bank=bank).select_related("domain", "competency"))
    for item in items:
        for field in ("domain", "competency"):
            node = getattr(item, field)
            if node is None:
                continue
            if (node.kind, node.code) not in new:
                raise Refused(
                    f"{framework} n’a pas « {node.name} » (code {node.code}), où se range la "
                    f"question {item.code}.",
                    field="framework",
                    remedy="Ajoutez cet élément au référentiel, ou rangez la question ailleurs.",
                )
            setattr(item, field, new[(node.kind, node.code)])
    Item.objects.bulk_update(items, ["domain", "competency"], batch_size=500)
