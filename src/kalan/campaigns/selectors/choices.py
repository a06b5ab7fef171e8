"""What a campaign's lists can be narrowed by: structures and cadres of those the actor sees."""

from __future__ import annotations

from kalan.campaigns.models import Campaign
from kalan.campaigns.selectors.campaigns import participants_visible_to
from kalan.people.actor import Actor

MOST = 500


def structures_in(actor: Actor, campaign: Campaign) -> list[tuple[str, str]]:
    """(uid, name) of the participants' structures, by name."""
    rows = (
        participants_visible_to(actor, campaign)
        .filter(structure__isnull=False)
        .order_by("structure__search", "structure__uid")
        .values_list("structure__uid", "structure__name", "structure__search")
        .distinct()[:MOST]
    )
    return [(str(uid), name) for uid, name, _ in rows]


def cadres_in(actor: Actor, campaign: Campaign) -> list[tuple[str, str]]:
    """(pk, title) of the participants' cadres, by title."""
    rows = (
        participants_visible_to(actor, campaign)
        .filter(cadre__isnull=False)
        .order_by("cadre__title", "cadre")
        .values_list("cadre", "cadre__title")
        .distinct()[:MOST]
    )
    return [(str(pk), title) for pk, title in rows]
