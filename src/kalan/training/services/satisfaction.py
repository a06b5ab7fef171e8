"""Receiving anonymous answers: nothing of who answered, or when in the day, is stored."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.training.models import MarkSource, SatisfactionAnswer, Session
from kalan.training.selectors.satisfaction import QUESTIONS, expected_answers, is_open
from kalan.training.services.attendance_batch import locked
from kalan.training.services.dirty import mark_dirty

MAX_COMMENT = 2000


def record_satisfaction(
    *,
    now: dt.datetime,
    session: Session,
    client_id: uuid.UUID,
    scores: Mapping[str, int],
    comment: str = "",
    source: str = MarkSource.PHONE,
    actor: Actor | None = None,
) -> bool:
    """Store one answer; False when it was there already. Repeating it changes nothing.

    ``client_id`` must be random (UUIDv4): a UUIDv7 would keep the minute of the answer. From a
    phone nobody signs in; keyed from paper, ``actor`` must be one who may mark the session.
    Raises Refused when nothing is answered, a score is not 1 to 5, the questionnaire is not open
    (phone only), or far more answers came than there were people.
    """
    clean = {code: score for code, score in scores.items() if code in QUESTIONS}
    if not clean and not comment.strip():
        raise Refused("Aucune réponse.", remedy="Répondez au moins à une question.", code="empty")
    if any(score not in range(1, 6) for score in clean.values()):
        raise Refused("Une réponse va de 1 à 5.", remedy="Choisissez un des cinq.", code="score")
    paper = source == MarkSource.PAPER
    with transaction.atomic():
        if paper:
            locked(actor or Actor(), session)
        elif not is_open(session, timezone.localdate(now)):
            raise Refused("Le questionnaire de cette session n’est pas ouvert.", code="closed")
        if SatisfactionAnswer.objects.filter(client_id=client_id).exists():
            return False
        received = SatisfactionAnswer.objects.filter(session=session).count()
        # A shared phone answers for several people; a prankster should not answer for a hundred.
        if received >= max(2 * expected_answers(session), 10):
            raise Refused(
                "Toutes les réponses attendues sont déjà arrivées.",
                remedy="Dites-le au formateur, qui peut saisir votre réponse.",
                code="enough",
            )
        SatisfactionAnswer.objects.bulk_create(
            [
                SatisfactionAnswer(
                    client_id=client_id,
                    session=session,
                    scores=clean,
                    comment=comment.strip()[:MAX_COMMENT],
                    source=source,
                    received_on=timezone.localdate(now),
                )
            ],
            ignore_conflicts=True,  # the same answer sent twice at once
        )
        mark_dirty([session.pk], now)
    return True
