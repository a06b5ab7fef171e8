"""Questions: written, changed, retired, brought back.

A version that was used, or that somebody has reviewed, is never written over: a change makes a
new one, which starts anew (draft, no calibration).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.db.models import Max

from kalan.base.errors import Refused
from kalan.base.text import fold
from kalan.people.actor import Actor
from kalan.people.services import history
from kalan.skills.models import FrameworkNode, Item, ItemBank, ItemVersion
from kalan.skills.play.content import Stored, problems, words
from kalan.skills.services.media import Pictures
from kalan.skills.services.writing import act, require

State = Item.State
EASIEST, HARDEST = -4.0, 4.0  # beyond these an expert's guess is a slip of the pen


@dataclass(frozen=True)
class ItemData:
    """What an author says of a question. ``difficulty``: an expert's guess on the θ scale."""

    code: str
    domain: FrameworkNode
    competency: FrameworkNode | None
    difficulty: float
    stored: Stored
    audience: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    accessible: bool = True
    source: str = ""
    note: str = ""  # what changed, and why


@act
def create_item(
    *,
    actor: Actor,
    bank: ItemBank,
    data: ItemData,
    now: dt.datetime,
    pictures: Pictures | None = None,
) -> Item:
    """A draft. Raises Refused for a code in use, a mistake in the question, a wrong place."""
    require(actor, "items.edit", bank.node)
    check(bank, data)
    if Item.objects.filter(bank=bank, code=data.code).exists():
        raise Refused(
            f"Le code « {data.code} » est déjà celui d’une question de cette banque.",
            field="code",
            remedy="Choisissez-en un autre.",
            code="duplicate",
        )
    item = Item.objects.create(
        bank=bank,
        kind=data.stored.kind,
        created_at=now,
        created_by=actor.account,
        **_card(data),
    )
    _add_version(item, data, actor, now)
    if pictures:
        pictures.save(item=item, stored=data.stored, by=actor.account, now=now)
    return item


@act
def revise_item(
    *,
    actor: Actor,
    item: Item,
    data: ItemData,
    seen: int,
    now: dt.datetime,
    pictures: Pictures | None = None,
) -> Item:
    """Change a question; ``seen`` is the number of the version that the author had before them.

    Raises Refused when somebody changed it meanwhile (``code`` "stale"), and as ``create_item``.
    The code and the kind of a question stay.
    """
    item = (
        Item.objects.select_for_update(of=("self",))
        .select_related("bank__node", "bank__framework", "current")
        .get(pk=item.pk)
    )
    require(actor, "items.edit", item.bank.node)
    current = item.current
    assert current is not None  # every item is created with a version
    if current.number != seen:
        who = current.created_by.display_name if current.created_by else "quelqu’un"
        raise Refused(
            f"Cette question a changé pendant que vous l’écriviez ({who}, version "
            f"{current.number}).",
            remedy="Rouvrez-la, relisez la nouvelle version, puis refaites votre changement.",
            code="stale",
        )
    if item.state == State.RETIRED:
        raise Refused("Cette question est retirée.", remedy="Rétablissez-la d’abord.")
    if data.stored.kind != item.kind or data.code != item.code:
        raise Refused(
            "Le code et le type d’une question ne changent pas.",
            remedy="Écrivez-en une autre et retirez celle-ci.",
        )
    check(item.bank, data)
    changed = (data.stored.content, data.stored.key) != (current.content, current.key)
    for name, value in _card(data).items():
        setattr(item, name, value)
    if changed and fixed(current):
        item.state = State.DRAFT
        _add_version(item, data, actor, now)
    else:
        current.content, current.key = dict(data.stored.content), dict(data.stored.key)
        current.words, current.source = fold(words(data.stored)), data.source
        if changed:
            current.created_by = actor.account
        current.save()
        item.save()
    if pictures:
        pictures.save(item=item, stored=data.stored, by=actor.account, now=now)
    return item


def fixed(version: ItemVersion) -> bool:
    """Whether ``version`` is no longer written over: reviewed, asked, calibrated or in service."""
    return (
        version.item.state in (State.ACTIVE, State.REVIEWED)
        or version.reviews.exists()
        or version.calibrations.exists()
        or hasattr(version, "statistics")
    )


@act
def retire(*, actor: Actor, item: Item, reason: str, now: dt.datetime) -> Item:
    """Out of service; tests that stand go on as they were frozen. Refused without a reason."""
    item = mine(actor, item, "items.activate")
    if not reason.strip():
        raise Refused("Dites pourquoi vous retirez cette question.", field="reason")
    item.state, item.retired_reason = State.RETIRED, reason.strip()[:300]
    item.save()
    return item


@act
def restore(*, actor: Actor, item: Item, now: dt.datetime) -> Item:
    """Back from retirement: reviewed if its version was accepted, else a draft."""
    item = mine(actor, item, "items.activate")
    if item.state != State.RETIRED:
        return item
    accepted = item.current is not None and item.current.reviews.filter(verdict="accept").exists()
    item.state, item.retired_reason = State.REVIEWED if accepted else State.DRAFT, ""
    item.save()
    return item


def mine(actor: Actor, item: Item, capability: str) -> Item:
    """The item, locked, with its bank and version. Raises Refused to who may not."""
    item = (
        Item.objects.select_for_update(of=("self",))
        .select_related("bank__node", "current")
        .get(pk=item.pk)
    )
    require(actor, capability, item.bank.node)
    return item


def check(bank: ItemBank, data: ItemData) -> None:
    """Raises Refused for what is wrong with a question, the author's mistakes all together."""
    faults = problems(data.stored)
    if faults:
        first = faults[0].field
        raise Refused(" ".join(one.message for one in faults), field=first, code="faults")
    if data.domain.framework_id != bank.framework_id or data.domain.kind != "domain":
        raise Refused("Ce domaine n’est pas du référentiel de la banque.", field="domain")
    if data.competency and (
        data.competency.framework_id != bank.framework_id
        or data.competency.kind != "competency"
        or _top(data.competency) != data.domain.pk
    ):
        raise Refused(
            f"« {data.competency.name} » n’est pas du domaine « {data.domain.name} ».",
            field="competency",
            remedy="Choisissez-la dans ce domaine, ou changez de domaine.",
        )
    if not EASIEST <= data.difficulty <= HARDEST:
        raise Refused(
            f"La difficulté {data.difficulty:g} est hors de l’échelle.",
            field="difficulty",
            remedy="Donnez un nombre entre −4 (très facile) et 4 (très difficile).",
        )


def _top(node: FrameworkNode) -> int:
    while node.parent is not None:
        node = node.parent
    return node.pk


def _card(data: ItemData) -> dict[str, object]:
    return {
        "code": data.code,
        "domain": data.domain,
        "competency": data.competency,
        "difficulty": data.difficulty,
        "audience": data.audience,
        "countries": data.countries,
        "accessible": data.accessible,
    }


def _add_version(item: Item, data: ItemData, actor: Actor, now: dt.datetime) -> None:
    last = item.versions.aggregate(last=Max("number"))["last"] or 0
    item.current = ItemVersion.objects.create(
        item=item,
        number=last + 1,
        content=data.stored.content,
        key=data.stored.key,
        words=fold(words(data.stored)),
        language=item.bank.language,
        source=data.source,
        note=data.note[:300],
        created_at=now,
        created_by=actor.account,
    )
    item.save()
    if last:
        text = f"Version {last + 1}" + (f" : {data.note}" if data.note else "")
        history.note(actor=actor, subject=item, text=text)
