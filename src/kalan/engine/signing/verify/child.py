"""The process in which ``apart`` has files judged. It reads from stdin, one after the other: a line
of JSON (size, trust, crls, at), then the file; it answers a line of JSON. It gives itself limits of
memory and processor time, and dies of them."""

from __future__ import annotations

import base64
import json
import resource
import sys
from datetime import datetime

from kalan.engine.signing.verify.judge import judge

MEMORY = 1_500_000_000  # bytes of address space: a file of 100 MB is held some five times
SECONDS = 20  # of processor, for each file


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        pdf = sys.stdin.buffer.read(asked["size"])
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(used.ru_utime + used.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, hard))
        verdict = judge(
            pdf,
            trust=[base64.b64decode(one) for one in asked["trust"]],
            crls=[base64.b64decode(one) for one in asked["crls"]],
            at=datetime.fromisoformat(asked["at"]),
        )
        sys.stdout.write(json.dumps(verdict.as_json()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
