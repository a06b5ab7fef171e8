"""What the processes that render need to know, taken out of the database once a run."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.utils import timezone

from kalan.base.packs import read_pack
from kalan.credentials.documents.compose import Version
from kalan.credentials.documents.contract import Envelope, Signatory
from kalan.credentials.documents.statements import TITLES
from kalan.credentials.models import ActTemplate, Batch, SigningRun, TemplateVersion
from kalan.credentials.models.offices import Mode
from kalan.credentials.worker_child import BatchSpec

_K = ActTemplate.Kind
# What a QR code calls each kind (engine.signing.cose.Kind).
_CLAIMED = {_K.ATTENDANCE: 1, _K.TRAINING: 2, _K.COMPETENCE: 3, _K.TRAINER: 4}
_MODES = {"": 0, "trial": 1, "ministry": 2, "accredited": 3}


def printed(version: TemplateVersion) -> tuple[Version, dict[str, bytes]]:
    """A template version as the renderer takes it, with the bytes of its logos."""
    legal = None
    if version.legal_number and version.legal_date:
        legal = {
            "number": version.legal_number,
            "date": version.legal_date.isoformat(),
            "authority": version.legal_authority,
        }
    assets: dict[str, bytes] = {}
    logos = []
    arms = None
    for logo in version.logos.select_related("file").order_by("rank"):
        name = f"logo-{logo.rank}{Path(logo.file.name).suffix.lower()}"
        with logo.file.file.open("rb") as file:
            assets[name] = file.read()
        said = {"file": name, "alt": logo.alt}
        if logo.rank == 0:
            arms = said  # in the place of the country's own
        else:
            logos.append(said)
    return (
        Version(
            kind=version.template.kind,
            country=version.template.country,
            file=version.file,
            title=version.title,
            wording=dict(version.wording),
            legal=legal,
            arms=arms,
            logos=tuple(logos),
        ),
        assets,
    )


def envelope(batch: Batch, signatory: Signatory, *, day: str, level: str) -> Envelope:
    """What the click adds to every act of a batch; each act's own number and code come later."""
    office = batch.office
    return {
        "issued_on": day,
        "place": office.place,
        "ministry": read_pack(batch.version.template.country).ministry,
        "body": office.body,
        "signatory": {**signatory, "office": office.title},
        "mode": batch.mode,
        "level": level if batch.mode == Mode.ELECTRONIC else "",
        "demo": bool(settings.KALAN_DEMO or batch.simulated),
    }


def spec_of(batch: Batch, run: SigningRun) -> BatchSpec:
    """All that a process without a database needs for the acts of ``batch``."""
    from kalan.engine.signing import cose  # cryptography: only where something is signed

    version, assets = printed(batch.version)
    day = timezone.localdate(run.confirmed_at)
    said: Signatory = {
        "name": run.name,
        "title": run.title,
        "capacity": run.capacity,
        "reference": run.holder.reference,
    }
    sealed = envelope(batch, said, day=day.isoformat(), level=run.level)
    title = TITLES.get(version.kind) or version.title
    archive = ""
    if version.kind == _K.FILES and batch.file is not None:
        archive = batch.file.file.path
    return BatchSpec(
        pk=batch.pk,
        version=version,
        assets=assets,
        envelope=sealed,
        claims={
            "issuer": cose.fit(sealed["ministry"], "issuer"),
            "kind": cose.Kind(_CLAIMED.get(_K(version.kind), 0)),
            "title": cose.fit(title, "title"),
            "issued": day,
            "mode": cose.Mode(_MODES[sealed["level"]]),
        },
        archive=archive,
    )
