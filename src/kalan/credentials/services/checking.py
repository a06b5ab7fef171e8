"""What keeps a batch from being printed and signed: named before anything is."""

from __future__ import annotations

from dataclasses import dataclass

from kalan.credentials.models import Act, Batch
from kalan.credentials.models.offices import Mode

LONGEST_NAME = 120  # characters; beyond, no line of a certificate holds a name


@dataclass(frozen=True)
class Problem:
    """Something wrong with a batch or one of its acts; ``blocking``: it stops the hand-over."""

    message: str
    remedy: str = ""
    act: Act | None = None
    blocking: bool = True

    def __str__(self) -> str:
        who = f"{self.act.name or f'acte {self.act.rank}'} : " if self.act else ""
        return f"{who}{self.message}"


def check(batch: Batch) -> list[Problem]:
    """Everything that is wrong with ``batch``, its acts in order of rank."""
    found = _of_batch(batch)
    rows = Act.objects.filter(batch=batch, state=Act.State.DRAFT).order_by("rank")
    for row in rows.iterator(chunk_size=500):
        found += _of_act(row)
    return found


def _of_batch(batch: Batch) -> list[Problem]:
    found = []
    if not Act.objects.filter(batch=batch, state=Act.State.DRAFT).exists():
        found.append(Problem("Ce lot n’a aucun acte à signer", "Reprenez au moins un acte."))
    if batch.mode == Mode.ELECTRONIC and batch.office.key_id is None:
        found.append(
            Problem(
                f"{batch.office.title} n’a pas encore de clé",
                "Un administrateur lui en donne une avant la signature.",
                blocking=False,
            )
        )
    return found


def _of_act(row: Act) -> list[Problem]:
    found = []
    if len(row.name) > LONGEST_NAME:
        found.append(
            Problem(
                f"le nom a {len(row.name)} caractères, {LONGEST_NAME} au plus",
                "Abrégez-le dans le registre des agents.",
                act=row,
            )
        )
    return found
