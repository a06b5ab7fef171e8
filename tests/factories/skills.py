"""A framework, a bank and items, without going through the screens."""

from __future__ import annotations

import struct
from itertools import count
from typing import Any

from kalan.base.files import store
from kalan.base.text import fold
from kalan.people.models import Account, OrgNode
from kalan.skills.models import (
    Framework,
    FrameworkLevel,
    FrameworkNode,
    Item,
    ItemBank,
    ItemMedia,
    ItemVersion,
)
from tests.factories.people import NOW, unlogged

_numbers = count(1)


@unlogged
def framework(
    code: str = "sante", *, version: str = "1", state: str = "active", domains: int = 2
) -> Framework:
    """Domains d1, d2… of 6 hours, each with a competency d1.1 and its capacity d1.1.1."""
    made = Framework.objects.create(
        code=code, version=version, name=f"Référentiel {code}", state=state, created_at=NOW
    )
    for rank, (level, floor) in enumerate((("debut", None), ("sur", 0.0)), start=1):
        FrameworkLevel.objects.create(
            framework=made, rank=rank, code=level, name=level.capitalize(), floor=floor
        )
    for rank in range(1, domains + 1):
        domain = _node(made, None, "domain", f"d{rank}", rank, hours=6)
        competency = _node(made, domain, "competency", f"d{rank}.1", 1)
        _node(made, competency, "capacity", f"d{rank}.1.1", 1)
    return made


def _node(
    made: Framework, parent: FrameworkNode | None, kind: str, code: str, rank: int, **more: Any
) -> FrameworkNode:
    return FrameworkNode.objects.create(
        framework=made,
        parent=parent,
        kind=kind,
        code=code,
        name=f"Élément {code}",
        rank=rank,
        **more,
    )


@unlogged
def bank(node: OrgNode, on: Framework | None = None, **more: Any) -> ItemBank:
    number = next(_numbers)
    values = {"code": f"banque-{number}", "name": f"Banque {number}", **more}
    return ItemBank.objects.create(
        framework=on or Framework.objects.filter(code="sante").first() or framework(),
        node=node,
        created_at=NOW,
        **values,
    )


SINGLE = (
    {
        "kind": "single",
        "text": "Que fait Awa devant un message douteux ?",
        "choices": [
            {"id": "a", "text": "Elle clique."},
            {"id": "b", "text": "Elle le signale."},
            {"id": "c", "text": "Elle le transfère."},
        ],
    },
    {
        "weights": {"a": 0.0, "b": 100.0, "c": 0.0},
        "order": ["a", "b", "c"],
        "explanation": "Le signalement protège les collègues.",
    },
)


@unlogged
def item(bank: ItemBank, *, state: str = "active", by: Account | None = None, **more: Any) -> Item:
    """A question of a single choice in the first domain, with its first version."""
    number = next(_numbers)
    content, key = more.pop("content", SINGLE[0]), more.pop("key", SINGLE[1])
    said = {"words": more.pop("words")} if "words" in more else {}
    values: dict[str, Any] = {"code": f"Q-{number}", "difficulty": 0.0, "kind": content["kind"]}
    values.update(more)
    if "domain" not in values:
        values["domain"] = bank.framework.nodes.get(kind="domain", code="d1")
    made = Item.objects.create(bank=bank, state=state, created_at=NOW, created_by=by, **values)
    made.current = version(made, by=by, content=content, key=key, **said)
    made.save()
    return made


@unlogged
def version(item: Item, *, by: Account | None = None, **more: Any) -> ItemVersion:
    content = more.pop("content", SINGLE[0])
    return ItemVersion.objects.create(
        item=item,
        number=item.versions.count() + 1,
        content=content,
        key=more.pop("key", SINGLE[1]),
        words=more.pop("words", fold(content["text"])),
        created_at=NOW,
        created_by=by,
        **more,
    )


# The shortest that is one: 40 by 30 pixels, without a pixel.
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 40, 30) + b"\x08\x06\0\0\0"


@unlogged
def with_picture(item: Item) -> Item:
    """The item, with a picture stored beside it."""
    file = store(
        content=PNG, name="a.png", kind="question", by=None, now=NOW, content_type="image/png"
    )
    ItemMedia.objects.create(item=item, file=file, alt="Un cadenas", width=40, height=30)
    return item
