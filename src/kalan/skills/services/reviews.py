"""Two persons for each question: who wrote a version does not review it."""

from __future__ import annotations

import datetime as dt

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.skills.models import Item, ItemReview
from kalan.skills.services.items import State, mine
from kalan.skills.services.writing import act

ACCEPT, CHANGE = ItemReview.Verdict.ACCEPT, ItemReview.Verdict.CHANGE


@act
def review(
    *, actor: Actor, item: Item, number: int, verdict: str, comment: str, now: dt.datetime
) -> ItemReview:
    """A verdict on version ``number``, which must still be the current one.

    Raises Refused to the author of the version, on a version that has been replaced, and for a
    question to mend without saying what.
    """
    item = mine(actor, item, "items.review")
    version = item.current
    assert version is not None
    if version.number != number:
        raise Refused(
            f"Une version {version.number} a remplacé celle que vous avez lue.",
            remedy="Relisez la nouvelle avant de donner votre avis.",
            code="stale",
        )
    if actor.account is None or version.created_by_id == actor.account.pk:
        raise Refused(
            "Vous avez écrit cette version : une autre personne la relit.",
            remedy="Demandez à un autre auteur, ou au responsable du programme.",
            code="own_version",
        )
    if item.state == State.RETIRED:
        raise Refused("Cette question est retirée.", remedy="Rétablissez-la d’abord.")
    if verdict == CHANGE and not comment.strip():
        raise Refused("Dites ce qu’il faut corriger.", field="comment")
    made = ItemReview.objects.create(
        version=version,
        verdict=verdict,
        comment=comment.strip(),
        reviewer=actor.account,
        reviewer_name=actor.account.display_name or str(actor.account),
        at=now,
    )
    if verdict == ACCEPT and item.state == State.DRAFT:
        item.state = State.REVIEWED
        item.save()
    elif verdict == CHANGE and item.state == State.REVIEWED:
        item.state = State.DRAFT
        item.save()
    return made


@act
def activate(*, actor: Actor, item: Item, now: dt.datetime) -> Item:
    """Put in service. Raises Refused unless the last verdict on its version is a second
    person's « accepter »."""
    item = mine(actor, item, "items.activate")
    version = item.current
    assert version is not None
    if item.state == State.ACTIVE:
        return item
    if item.state == State.RETIRED:
        raise Refused("Cette question est retirée.", remedy="Rétablissez-la d’abord.")
    last = version.reviews.order_by("-at", "-pk").first()
    if (
        item.state != State.REVIEWED
        or last is None
        or last.verdict != ACCEPT
        or (last.reviewer_id is not None and last.reviewer_id == version.created_by_id)
    ):
        raise Refused(
            "Cette version n’a pas été relue et acceptée par une seconde personne.",
            remedy="Faites-la relire, puis mettez-la en service.",
            code="not_reviewed",
        )
    item.state = State.ACTIVE
    item.save()
    return item
