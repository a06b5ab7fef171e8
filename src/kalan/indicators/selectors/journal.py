"""What this room brings to the general journal: figures frozen, declared, taken from outside."""

from __future__ import annotations

from kalan.indicators.selectors.frozen import (
    declared_visible_to,
    denominators_visible_to,
    freezes_visible_to,
)
from kalan.people.actor import Actor
from kalan.people.selectors.journal import Subject


def subjects(actor: Actor) -> list[Subject]:
    """Whoever sees a figure sees who wrote it."""
    return [
        Subject(
            "arrete",
            "arrêté de chiffres",
            freezes_visible_to(actor),
            ("label",),
            "uid",
            "indicator-freeze",
        ),
        Subject(
            "declare",
            "chiffre déclaré",
            declared_visible_to(actor),
            ("label", "period"),
            "",
            "indicator-declared",
        ),
        Subject(
            "effectif-reference",
            "effectif de référence",
            denominators_visible_to(actor),
            ("node__name", "source"),
            "",
            "indicator-denominators",
        ),
    ]
