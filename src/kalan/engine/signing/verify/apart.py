"""``judge`` in a process of its own, for files that anybody may have made: 1.5 GB of memory, 20 s
of processor and 60 s of time for each, then it is ended and the file is malformed."""

from __future__ import annotations

import base64
import json
import selectors
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType

from kalan.engine.signing.verify.verdict import Reason, Verdict

MOST_BYTES = 100_000_000
PATIENCE = 60.0  # seconds for one file, whatever its process is doing


class Judges:
    """A process that judges one file after the other; a new one when it dies of a file.

    >>> with Judges() as judges:
    ...     verdict = judges.judge(pdf, trust=[ca], at=now)
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Judges:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def judge(
        self, pdf: bytes, *, trust: Sequence[bytes], at: datetime, crls: Sequence[bytes] = ()
    ) -> Verdict:
        """Judge as ``judge.judge`` does; never raises for what is in the file."""
        if len(pdf) > MOST_BYTES:
            return Verdict(Reason.MALFORMED, detail=f"more than {MOST_BYTES // 1_000_000} MB")
        asked = {
            "size": len(pdf),
            "trust": [base64.b64encode(one).decode() for one in trust],
            "crls": [base64.b64encode(one).decode() for one in crls],
            "at": at.isoformat(),
        }
        try:
            answer = self._ask(json.dumps(asked).encode() + b"\n", pdf)
            return Verdict.from_json(json.loads(answer))
        except (OSError, ValueError, KeyError):
            self._end()
            return Verdict(Reason.MALFORMED, detail="not judged within the limits")

    def _ask(self, line: bytes, pdf: bytes) -> bytes:
        child = self._child
        if child is None or child.poll() is not None:
            child = self._child = subprocess.Popen(
                [sys.executable, "-m", "kalan.engine.signing.verify.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        if child.stdin is None or child.stdout is None:
            raise OSError("no pipe")
        child.stdin.write(line)
        child.stdin.write(pdf)
        child.stdin.flush()
        with selectors.DefaultSelector() as ready:
            ready.register(child.stdout, selectors.EVENT_READ)
            if not ready.select(self.patience):
                raise TimeoutError
        return child.stdout.readline()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was still to be written is of no use any more
                    continue
        child.wait()


def judge_apart(
    pdf: bytes, *, trust: Sequence[bytes], at: datetime, crls: Sequence[bytes] = ()
) -> Verdict:
    """Judge one file in a process of its own (about 0.6 s of processor to start it)."""
    with Judges() as judges:
        return judges.judge(pdf, trust=trust, at=at, crls=crls)
