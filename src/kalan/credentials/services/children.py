"""Child processes that make packs, and the queue of what they answer."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import IO

from django.conf import settings

from kalan.credentials.worker_child import BatchSpec, Chunk, Setup, Stop, Stored, receive, send

AHEAD = 2  # chunks a child holds: one under way, one to go on with
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME", "PYTHONPATH", "SOFTHSM2_CONF")

Answer = Stored | Stop | None


class Child:
    """One process; its answers go to a queue that all children share, None when it has died."""

    def __init__(self, setup: Setup, answers: queue.SimpleQueue[tuple[Child, Answer]]) -> None:
        # -P: nothing is imported from the folder it happens to stand in.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kalan.credentials.worker_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in: IO[bytes] = self._process.stdin
        self._out: IO[bytes] = self._process.stdout
        self._told: set[int] = set()
        self.chunks = 0
        self.cpu = 0.0
        self._listener = threading.Thread(target=self._listen, args=(answers,), daemon=True)
        self._listener.start()
        self._send(setup)

    @property
    def pid(self) -> int:
        return self._process.pid

    def give(self, spec: BatchSpec, chunk: Chunk) -> None:
        """Hand over a chunk; the child is told once of each batch."""
        self.chunks += 1
        if spec.pk not in self._told:
            self._told.add(spec.pk)
            self._send(spec)
        self._send(chunk)

    def _send(self, frame: object) -> None:
        try:
            send(self._in, frame)
        except OSError:  # it has died; its listener says so
            return

    def _listen(self, answers: queue.SimpleQueue[tuple[Child, Answer]]) -> None:
        while True:
            try:
                answer = receive(self._out)
            except OSError:
                answer = None
            answers.put((self, answer))
            if answer is None:
                return

    def end(self) -> None:
        """Kill it: what it was writing has no name yet."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._in.close()
        self._out.close()


class Children:
    """``processes`` children for the length of a ``with`` block."""

    def __init__(self, setup: Setup, processes: int) -> None:
        self.answers: queue.SimpleQueue[tuple[Child, Answer]] = queue.SimpleQueue()
        self._all = [Child(setup, self.answers) for _ in range(processes)]

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in self._all:
            child.end()

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self._all]

    def run(self, work: Iterator[tuple[BatchSpec, Chunk]]) -> Iterator[Stored | Stop]:
        """Deal out ``work`` and give back what comes, in any order.

        A child that dies without a word is reported by a Stop: its chunk is simply not made.
        """
        for _ in range(AHEAD):
            for child in self._all:
                self._deal(child, work)
        while any(child.chunks for child in self._all):
            child, answer = self.answers.get()
            if answer is None:
                yield Stop(
                    "child_died",
                    "Un processus de signature s’est arrêté brutalement.",
                    "Reprenez ; si cela revient, le serveur manque sans doute de mémoire.",
                )
                return
            if isinstance(answer, Stored):
                child.chunks -= 1
                child.cpu = answer.cpu
                self._deal(child, work)  # first: it works on while the rows are stored
            yield answer
            if isinstance(answer, Stop):
                return

    def _deal(self, child: Child, work: Iterator[tuple[BatchSpec, Chunk]]) -> None:
        given = next(work, None)
        if given is not None:
            child.give(*given)

    @property
    def cpu(self) -> float:
        """CPU seconds of all children, as they last said."""
        return sum(child.cpu for child in self._all)


def processes_for(acts: int) -> int:
    """How many processes are worth starting: a second costs half a second of imports."""
    most = int(settings.KALAN_SIGNING_PROCESSES)
    return 1 if acts < 40 else max(1, most)
