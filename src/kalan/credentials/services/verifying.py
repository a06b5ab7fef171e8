"""Checking an act by its code: what the page says of it, what it costs to guess, what is counted.

Whoever holds a document may ask whether it stands. The answer holds initials, kind, dates and
status; the name comes after the visitor typed what is printed, or when its holder shares it.
An unknown code costs the same queries as a known one and is answered by the same page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.base.packs import read_pack
from kalan.base.text import fold, whole
from kalan.credentials.models import Act, ActTemplate, CheckCount, SigningKey
from kalan.credentials.models.offices import Mode
from kalan.credentials.selectors import checks
from kalan.credentials.selectors.checks import Ended
from kalan.engine.signing import code as codes
from kalan.people.services import limits

# By address and quarter of an hour. A whole room stands behind one hotspot; guessing one of
# 2^120 codes stays hopeless at any of these figures, which keep the server free for others.
UNKNOWN_PER_ADDRESS = 200
CHECKS_PER_ADDRESS = 3000
NAMES_PER_ADDRESS = 60
# A year of birth has some fifty values: by code, few tries, from whatever addresses. Five in a
# quarter of an hour alone would leave four hundred a day.
NAMES_PER_CODE = ((5, limits.WINDOW), (10, dt.timedelta(days=1)), (20, dt.timedelta(days=30)))

VALID, REVOKED, EXPIRED, REPLACED = "valid", "revoked", "expired", "replaced"
ALTERED, UNKNOWN, PENDING, VOID, KEY = "altered", "unknown", "pending", "void", "key_revoked"
RESULTS = (VALID, REVOKED, EXPIRED, REPLACED, ALTERED, UNKNOWN, PENDING, VOID, KEY)


@dataclass(frozen=True)
class Proof:
    """How far a signature proves its own date. ``level``: "b-b" (no more than its signer says),
    "b-t", "b-lt" or "b-lta"; stamped ``by`` an authority, ``at`` a moment."""

    level: str
    by: str = ""
    at: dt.datetime | None = None


@dataclass(frozen=True)
class Answer:
    """What is said of one act. ``act`` is None when there is none, or nothing is to be said."""

    result: str
    act: Act | None = None
    ended: Ended | None = None
    # Of the act's holder: initials, or the name once it was typed or shared.
    holder: str = ""
    named: bool = False

    @property
    def valid(self) -> bool:
        return self.result == VALID

    @property
    def may_ask_name(self) -> bool:
        """Whether there is a name to show after the visitor typed what is printed."""
        return self.act is not None and not self.named and bool(self.act.name)

    @property
    def shares_document(self) -> bool:
        """Whether the holder lets anyone with the code fetch the document."""
        return self.act is not None and self.result == VALID and self.act.shown == Act.Shown.FULL

    @property
    def issued_on(self) -> dt.date | None:
        """The day of signature: the one written on paper for acts signed by hand."""
        if self.act is None or self.act.signed_at is None:
            return None
        return self.act.batch.hand_signed_on or timezone.localdate(self.act.signed_at)

    @property
    def level(self) -> str:
        """ "hand", "trial", "ministry" or "accredited"; "" when nothing was signed."""
        run = self.act.batch.run if self.act else None
        if run is None:
            return ""
        return "hand" if run.mode == Mode.HAND else run.level

    @property
    def proof_of_date(self) -> Proof | None:
        """As noted from the file when it was made; None when nothing was signed in it."""
        act = self.act
        if act is None or act.state != Act.State.SIGNED or self.level in ("", "hand"):
            return None
        return Proof(act.pades or "b-b", act.stamped_by, act.stamped_at)

    @property
    def kind(self) -> str:
        return self.act.batch.version.template.kind if self.act else ""

    @property
    def proof(self) -> bool:
        """Whether it is a proof about a person, with words on what it does not prove."""
        return self.kind in ActTemplate.PROOFS

    @property
    def issuer(self) -> str:
        """The ministry, as the QR code and the badge name it."""
        return read_pack(self.act.batch.version.template.country).ministry if self.act else ""

    @property
    def service(self) -> str:
        """The directorate printed in the head, else the territory whose office signed: the QR code
        has no room for it."""
        if self.act is None:
            return ""
        office = self.act.batch.office
        return office.body or office.node.name


def answers_for(acts: Sequence[Act], *, now: dt.datetime) -> list[Answer]:
    """What is said of each of ``acts`` (one query at most)."""
    ends = checks.ended(acts)
    return [_answer(act, ends.get(act.pk), now=now, named=False) for act in acts]


def answer_for(act: Act | None, *, now: dt.datetime, named: bool = False) -> Answer:
    """What is said of ``act`` at ``now``; ``named``: the visitor typed what is printed."""
    if act is None:
        return Answer(UNKNOWN)
    return _answer(act, checks.ended([act]).get(act.pk), now=now, named=named)


def _answer(act: Act, ended: Ended | None, *, now: dt.datetime, named: bool) -> Answer:
    if act.state == Act.State.VOID:
        return Answer(VOID)
    named = named or act.shown in (Act.Shown.NAME, Act.Shown.FULL)
    return Answer(
        result=_result(act, now),
        act=act,
        ended=ended,
        holder=act.name if named else act.initials,
        named=named,
    )


def _result(act: Act, now: dt.datetime) -> str:
    if checks.is_pending(act):
        return PENDING
    if act.status == Act.Status.REVOKED:
        return REVOKED
    if act.status == Act.Status.REPLACED:
        return REPLACED
    key = act.batch.run.key if act.batch.run else None
    if key is not None and key.state == SigningKey.State.REVOKED:
        return KEY
    if act.valid_until is not None and timezone.localdate(now) > act.valid_until:
        return EXPIRED
    return VALID


def by_code(*, typed: str, address: str, now: dt.datetime, count: bool = True) -> Answer:
    """Check the act of a code as typed. Refused (code "wait") when an address asks too much.

    A code of the wrong shape is looked up all the same: it costs and says what a wrong one does.
    ``count``: whether it is a check of its own, for the statistics; the brake holds either way.
    """
    all_of_it, wrong = _doors(address)
    limits.check([all_of_it, wrong], now=now, what="essais de code")
    act = checks.act_by_code(codes.normalise(typed) or "")
    answer = answer_for(act, now=now)
    # One of the two either way: a known code is told neither by time nor by cost.
    limits.miss([wrong if act is None else all_of_it], now=now)
    if count:
        count_check(way=CheckCount.Way.CODE, result=answer.result, now=now)
    return answer


def _doors(address: str) -> tuple[limits.Limit, limits.Limit]:
    return (
        limits.limit("verify", address, CHECKS_PER_ADDRESS),
        limits.limit("verify-unknown", address, UNKNOWN_PER_ADDRESS),
    )


def with_name(
    *, typed: str, said: str, address: str, now: dt.datetime, door: str = "page"
) -> Answer:
    """The answer with the full name, once ``said`` is the name or the year of birth printed.

    Refused: "no_match" (counted by code and by address), "wait" after too many, "wait_long" when
    they are too many for the day or the month. ``door``: "page" for whoever reads the code on
    paper, "link" for the holder's own link, which strangers at the other door must not shut.
    A code that names nothing is counted and refused as another: the brake tells nobody which.
    """
    answer = by_code(typed=typed, address=address, now=now, count=False)
    tries = name_tries(codes.normalise(typed) or "", address, door)
    _check_names(tries, now=now)
    limits.attempt(tries, now=now, what="essais de nom pour ce code")
    act = answer.act
    if act is None:
        return answer
    if not says_who(act, said):
        raise Refused(
            "Ce n’est pas ce qui est imprimé sur le document.",
            field="said",
            remedy="Recopiez le nom et le prénom, ou l’année de naissance.",
            code="no_match",
        )
    limits.take_back(tries)
    return answer_for(act, now=now, named=True)


def _check_names(tries: list[limits.Limit], *, now: dt.datetime) -> None:
    """Raise Refused while a limit is reached; the slow ones first, since they last longer."""
    slow = [one for one in tries if one.window > limits.WINDOW]
    try:
        limits.check(slow, now=now, what="essais de nom pour ce code")
    except Refused as refused:
        refused.code = "wait_long"
        raise
    limits.check(tries, now=now)


def name_tries(code: str, address: str, door: str = "page") -> list[limits.Limit]:
    """What wrong names are counted on: the code in three windows, the address in one."""
    by_code_ = [
        limits.limit(f"verify-name-{door}-{window.days}", code, allowed, window=window)
        for allowed, window in NAMES_PER_CODE
    ]
    return [*by_code_, limits.limit("verify-name", address, NAMES_PER_ADDRESS)]


def says_who(act: Act, said: str) -> bool:
    """Whether ``said`` is the holder's name as printed, in any order, or their year of birth.

    Accents, case and hyphens do not matter. Of a name of several words two at least are asked:
    a family name alone is easily guessed.
    """
    words, name = fold(said).split(), fold(act.name).split()
    if not words or not name:
        return False
    if words == [str(birth_year(act) or "")]:
        return True
    return set(words) <= set(name) and len(set(words)) >= min(2, len(set(name)))


def birth_year(act: Act) -> int | None:
    """The year of birth that stands on the document, else in the register of agents."""
    born_on = (act.data.get("holder") or {}).get("born_on") or ""
    printed = whole(str(born_on)[:4])
    return printed or (act.agent.birth_year if act.agent else None)


def count_check(*, way: str, result: str, now: dt.datetime) -> None:
    """Add one to the day's count: how many checks, never whose."""
    rows = CheckCount.objects.filter(day=timezone.localdate(now), way=way, result=result)
    if rows.update(number=F("number") + 1):
        return
    try:
        with transaction.atomic():
            CheckCount.objects.create(day=timezone.localdate(now), way=way, result=result, number=1)
    except IntegrityError:  # the day's first two at once
        rows.update(number=F("number") + 1)
