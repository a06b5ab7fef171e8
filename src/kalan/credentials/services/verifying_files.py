"""Checking a PDF that somebody hands in. Its bytes are read, judged and forgotten.

For our acts the rule is strict: the file's SHA-256 stands in the register, and the file itself is
judged again (one signed revision over the whole of it, by the certificate that signed the batch).
Any doubt and any exception mean "not verified".
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kalan.base.errors import Refused
from kalan.credentials import keystore
from kalan.credentials.models import Act, ActTemplate, CheckCount
from kalan.credentials.models.offices import Mode
from kalan.credentials.selectors import checks
from kalan.credentials.services import verifying
from kalan.credentials.services.verifying import Answer, Proof, answer_for, count_check
from kalan.engine.signing.verify.verdict import Reason, Verdict
from kalan.people.services import limits

logger = logging.getLogger(__name__)

MAX_BYTES = 10 * 1024 * 1024
# Files that are not ours cost a process each: fewer, by address and quarter of an hour.
FOREIGN_PER_ADDRESS = 60
FILE_UNKNOWN, UNREADABLE, OURS = "file_unknown", "unreadable", "ours"
RESULTS = (FILE_UNKNOWN, UNREADABLE, OURS)

# One file that is not ours at a time in each server process. A few others wait for their turn, each
# in a thread that serves nobody meanwhile: files made to be slow must not take them all.
_turn = threading.BoundedSemaphore(1)
_places = threading.BoundedSemaphore(3)
_PATIENCE = 20  # seconds


@dataclass(frozen=True)
class FileAnswer:
    """``answer`` is the register's, of a file that is whole; ``reason`` a verdict's; ``proof``
    what the file proves of its date."""

    result: str
    answer: Answer | None = None
    reason: str = ""
    proof: Proof | None = None

    @property
    def valid(self) -> bool:
        return self.result == verifying.VALID


def by_file(*, content: bytes, address: str, now: dt.datetime) -> FileAnswer:
    """Check a file. Refused (code "wait") when an address hands in too many."""
    everything = limits.limit("verify", address, verifying.CHECKS_PER_ADDRESS)
    foreign = limits.limit("verify-file", address, FOREIGN_PER_ADDRESS)
    limits.check([everything, foreign], now=now, what="essais de fichier")
    act = checks.act_by_hash(hashlib.sha256(content).hexdigest())
    limits.miss([everything if act else foreign], now=now)
    found = _ours(act, content, now) if act else _other(content, now)
    count_check(way=CheckCount.Way.FILE, result=found.result, now=now)
    return found


def _ours(act: Act, content: bytes, now: dt.datetime) -> FileAnswer:
    """The file is the one of the register, byte for byte; it is judged all the same."""
    answer = answer_for(act, now=now)
    if act.batch.mode == Mode.HAND:  # the signature is on the paper
        return FileAnswer(answer.result, answer)
    verdict = _judged(act, content)
    if not verdict.valid:
        return FileAnswer(UNREADABLE, reason=str(verdict.reason.value))
    return FileAnswer(answer.result, answer, "ok", _proof(verdict))


def _proof(verdict: Verdict) -> Proof | None:
    """The level of the last signature, which is ours, and who first stamped it."""
    signed = [one for one in verdict.signatures if one.kind == "signature"]
    if not signed or not signed[-1].level:
        return None
    level = signed[-1].level.lower()
    after = verdict.signatures[verdict.signatures.index(signed[-1]) :]
    stamps = [one for one in after if one.kind == "timestamp"]
    if level == "b-b" or not stamps:
        return Proof(level, at=signed[-1].signed_at if level != "b-b" else None)
    return Proof(level, stamps[0].signer or "", stamps[0].signed_at)


def _judged(act: Act, content: bytes) -> Verdict:
    """The verdict on an act of ours, at the moment the register knows it from."""
    try:
        run = act.batch.run
        if run is None or run.key is None or act.signed_at is None:
            return Verdict(Reason.UNTRUSTED)
        trust = _anchors([run.key.chain or run.key.certificate])
        return _strictly(act, content, trust, act.signed_at)
    except Exception:
        logger.exception("act %s could not be judged", act.number)
        return Verdict(Reason.MALFORMED)


def _strictly(act: Act, content: bytes, trust: list[bytes], at: dt.datetime) -> Verdict:
    """By our own strict judge: one signed revision over the whole file.

    Acts made elsewhere, and those raised to a time-stamped level, have other shapes: they are
    left to the judge of any file, and a B-B signature of ours is not.
    """
    from kalan.engine.signing.verify.judge import judge  # late: half a second of imports
    from kalan.engine.signing.verify.own import judge_own

    verdict = judge_own(content, trust=trust, at=at)
    if not verdict.valid:
        general = judge(content, trust=[*trust, *keystore.stamping_roots()], at=at)
        elsewhere = act.batch.version.template.kind == ActTemplate.Kind.FILES
        raised = any(one.level not in (None, "B-B") for one in general.signatures)
        if elsewhere or raised:
            verdict = general
    return verdict


def _other(content: bytes, now: dt.datetime) -> FileAnswer:
    """A file that the register does not know: never valid here, whatever its signature is."""
    trust = [key.chain or key.certificate for key in checks.document_keys()]
    try:
        from kalan.engine.signing.verify.apart import judge_apart

        with _one_at_a_time():
            reason = judge_apart(content, trust=_anchors(trust), at=now).reason.value
    except Refused:
        raise
    except Exception:
        logger.exception("a file could not be judged")
        return FileAnswer(UNREADABLE, reason="malformed")
    if reason == "ok":  # one of our keys signed it, and yet the register has never seen it
        return FileAnswer(OURS, reason=reason)
    if reason in ("altered", "modified_after_signing"):
        return FileAnswer(verifying.ALTERED, reason=reason)
    if reason == "malformed":
        return FileAnswer(UNREADABLE, reason=reason)
    return FileAnswer(FILE_UNKNOWN, reason=reason)


def _anchors(chains: Sequence[str]) -> list[bytes]:
    """The last certificate (DER) of each PEM chain: the authority, or the leaf when alone."""
    found: dict[x509.Certificate, None] = {}
    for chain in chains:
        with suppress(ValueError):
            found[x509.load_pem_x509_certificates(chain.encode())[-1]] = None
    return [one.public_bytes(Encoding.DER) for one in found]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    busy = Refused("Trop de fichiers arrivent à la fois.", remedy="Réessayez bientôt.", code="wait")
    if not _places.acquire(blocking=False):
        raise busy
    try:
        if not _turn.acquire(timeout=_PATIENCE):
            raise busy
        try:
            yield
        finally:
            _turn.release()
    finally:
        _places.release()
