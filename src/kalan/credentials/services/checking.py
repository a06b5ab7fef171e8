"""What keeps a batch from being printed and signed: named before anything is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from kalan.base import clock
from kalan.credentials.documents import completeness
from kalan.credentials.documents.contract import Envelope, Signatory
from kalan.credentials.documents.errors import DocumentRefused
from kalan.credentials.models import Act, ActTemplate, Batch, SigningKey
from kalan.credentials.models.offices import Mode
from kalan.credentials.selectors.offices import current_holder
from kalan.credentials.services.printing import envelope, printed

# What stands in a free act until somebody writes it (packs/actes/modeles.toml).
UNWRITTEN = "Écrivez ici le texte de l’acte"
_TRIED = 2  # documents laid out before a batch is handed over: the first and the longest
_CREDENTIAL = 330  # characters of a credential in a QR code, about


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
    """Everything that is wrong with ``batch``, its acts in order of rank; then, when nothing is,
    the first and the longest are laid out for good."""
    found = _of_batch(batch)
    kind, country = batch.version.template.kind, batch.version.template.country
    if kind == ActTemplate.Kind.FILES:
        return found
    longest: tuple[int, Act | None] = (0, None)
    first: Act | None = None
    rows = Act.objects.filter(batch=batch, state=Act.State.DRAFT).order_by("rank")
    for row in rows.iterator(chunk_size=500):
        found += [
            Problem(one.message, one.remedy, act=row)
            for one in completeness.problems(kind, row.data, country=country)
        ]
        first = first or row
        length = len(json.dumps(row.data, ensure_ascii=False))
        if length > longest[0]:
            longest = (length, row)
    if not any(problem.blocking for problem in found):
        tried = {row.pk: row for row in (first, longest[1]) if row is not None}
        found += _laid_out(batch, list(tried.values())[:_TRIED])
    return found


def _of_batch(batch: Batch) -> list[Problem]:
    found = []
    if not Act.objects.filter(batch=batch, state=Act.State.DRAFT).exists():
        found.append(Problem("Ce lot n’a aucun acte à signer.", "Reprenez au moins un acte."))
    if batch.version.wording.get("body", "").startswith(UNWRITTEN):
        found.append(
            Problem(
                "Le modèle n’a pas encore de texte : il dit encore quoi écrire.",
                "Un administrateur l’écrit dans « Modèles d’actes » ; préparez ensuite le lot.",
            )
        )
    key = batch.office.key
    if batch.mode == Mode.ELECTRONIC and (key is None or key.state != SigningKey.State.ACTIVE):
        found.append(
            Problem(
                f"{batch.office.title} n’a pas de clé en service.",
                "Un administrateur lui en donne une avant la signature.",
                blocking=False,
            )
        )
    return found


def _laid_out(batch: Batch, rows: list[Act]) -> list[Problem]:
    found = []
    for row in rows:
        try:
            _lay_out(row)
        except DocumentRefused as refused:
            found += [Problem(one.message, one.remedy, act=row) for one in refused.problems]
    return found


def _lay_out(act: Act) -> None:
    """Lay the document out as the click would today; DocumentRefused when it cannot be."""
    from kalan.credentials.documents.compose import document
    from kalan.credentials.documents.render import Renderer  # Typst: only where it prints

    batch = act.batch
    version, assets = printed(batch.version)
    today = timezone.localdate(clock.now())
    holder = current_holder(batch.office, today=today)
    signatory: Signatory = {
        "name": holder.name if holder else "…",
        "title": holder.title if holder else batch.office.title,
        "capacity": holder.capacity if holder else "title",
        "reference": holder.reference if holder else "",
    }
    level = batch.office.key.level if batch.office.key else SigningKey.Level.TRIAL
    code = "0" * 24
    sealed: Envelope = {
        **envelope(batch, signatory, day=today.isoformat(), level=level),
        "number": f"{batch.version.template.country.upper()}-{today.year}-000000",
        "code": code,
        "address": f"{settings.KALAN_BASE_URL}/verifier/{code}/#{'A' * _CREDENTIAL}",
        "valid_until": act.valid_until.isoformat() if act.valid_until else None,
    }
    if lacking := completeness.envelope_problems(sealed):
        raise DocumentRefused(lacking)
    renderer = Renderer(Path(settings.PACKS_DIR) / version.file, assets)
    renderer.pdf(document(act.data, sealed, version))
