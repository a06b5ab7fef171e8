"""``judge``: is this PDF signed, whole, and by whom? For any PAdES file, ours or not.

Limits: 100 MB, 50 revisions, 25 signatures, 64 certificates; streams are unfolded by pyHanko's own
bounds (64 MB for what a reader must unfold). A file made to keep a reader busy is judged in a
process with limits of time and memory: ``apart.judge_apart``, which the program and the check page
use for files that are not ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from kalan.engine.signing.verify.revisions import suspicion
from kalan.engine.signing.verify.verdict import Doubt, Reason, Verdict


def judge(
    pdf: bytes, *, trust: Sequence[bytes], at: datetime, crls: Sequence[bytes] = ()
) -> Verdict:
    """Judge a PDF at a moment. Never raises: what cannot be judged is not valid.

    ``trust``: certificates (DER or PEM) of those who may answer for signers and time-stamps; the
    system's own are never used. ``at``: the moment at which the file is known to exist, now
    unless something else (a register) proves it; a trusted time-stamp in the file proves earlier.
    ``crls``: revocation lists (DER or PEM), beside those that the file holds.
    """
    try:
        # late: half a second of imports
        from kalan.engine.signing.verify.examine import examine

        moment = at if at.tzinfo else at.replace(tzinfo=UTC)
        return examine(bytes(pdf), trust, moment, crls)
    except Doubt as doubt:
        vague = doubt.reason is Reason.MALFORMED  # perhaps the bytes say more
        return Verdict(suspicion(pdf) if vague else doubt.reason, detail=doubt.detail)
    except (KeyboardInterrupt, SystemExit):
        raise
    except (
        BaseException
    ) as error:  # pyHanko raises anything; cryptography's panics are not Exception
        return Verdict(suspicion(pdf), detail=f"{type(error).__name__}: {error}"[:200])
