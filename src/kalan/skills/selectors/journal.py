"""What this room brings to the general journal: frameworks, banks and questions."""

from __future__ import annotations

from kalan.people.actor import Actor
from kalan.people.selectors.journal import Subject
from kalan.skills.models import FrameworkNode
from kalan.skills.selectors.frameworks import frameworks_visible_to
from kalan.skills.selectors.items import banks_visible_to, items_visible_to


def subjects(actor: Actor) -> list[Subject]:
    """Whoever sees a thing sees what was done to it."""
    frameworks = frameworks_visible_to(actor)
    return [
        Subject(
            "referentiel",
            "référentiel",
            frameworks,
            ("name", "version"),
            "uid",
            "framework-detail",
        ),
        Subject(
            "competence",
            "élément de référentiel",
            FrameworkNode.objects.filter(framework__in=frameworks),
            ("code", "framework__code"),
            "framework__uid",
            "framework-detail",
        ),
        Subject(
            "banque", "banque de questions", banks_visible_to(actor), ("name",), "uid", "item-bank"
        ),
        Subject("question", "question", items_visible_to(actor), ("code",), "uid", "item-detail"),
    ]
