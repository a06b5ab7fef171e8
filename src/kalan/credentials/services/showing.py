"""An act before it is signed: the very page it will be, marked « Aperçu »."""

from __future__ import annotations

import datetime as dt
import zipfile

from django.conf import settings
from django.utils import timezone

from kalan.base.errors import Refused
from kalan.credentials.documents.contract import Envelope, Signatory
from kalan.credentials.models import Act, ActTemplate, Batch
from kalan.credentials.selectors.listing import readable_batches
from kalan.credentials.selectors.offices import current_holder
from kalan.credentials.services import printing
from kalan.people.actor import Actor

NOTICE = "Aperçu : document sans valeur, sans numéro ni signature"
_CODE = "APERCU" * 4  # as long as a code, and none (no code has a U)
_NOBODY: Signatory = {
    "name": "Nom du signataire",
    "title": "Titre du signataire",
    "capacity": "title",
}


def preview(*, actor: Actor, act: Act, now: dt.datetime) -> bytes:
    """The PDF that ``act`` would be if it were signed now, without number, code or signature.

    Raises Refused with what keeps it from being printed; Act.DoesNotExist out of territory.
    """
    act = _readable(actor, act)
    if act.batch.version.template.kind == ActTemplate.Kind.FILES:
        return _given(act)
    return _rendered(act, now, picture=False)


def picture(*, actor: Actor, act: Act, now: dt.datetime) -> bytes:
    """The first page of ``preview`` as PNG: what a phone shows inside a page."""
    act = _readable(actor, act)
    if act.batch.version.template.kind == ActTemplate.Kind.FILES:
        raise Refused("Ce document a été fait ailleurs : ouvrez le PDF.", code="document")
    return _rendered(act, now, picture=True)


def _readable(actor: Actor, act: Act) -> Act:
    rows = Act.objects.filter(batch__in=readable_batches(actor))
    return rows.select_related("batch__version__template", "batch__office__key", "batch__file").get(
        pk=act.pk
    )


def _rendered(act: Act, now: dt.datetime, *, picture: bool) -> bytes:
    # Late: the compiler and its fonts, which other pages do without.
    from kalan.credentials.documents.compose import document
    from kalan.credentials.documents.errors import DocumentRefused
    from kalan.credentials.documents.render import Renderer

    batch = act.batch
    version, assets = printing.printed(batch.version)
    day = timezone.localdate(now)
    key = batch.office.key
    shared = printing.envelope(
        batch, _signatory(batch, day), day=day.isoformat(), level=key.level if key else "trial"
    )
    envelope: Envelope = {
        **shared,
        "number": "APERÇU",
        "code": _CODE,
        "address": f"{settings.KALAN_BASE_URL.rstrip('/')}/verifier/{_CODE}/",
        "valid_until": act.valid_until.isoformat() if act.valid_until else None,
    }
    try:
        data = document(act.data, envelope, version)
        data["page"]["demo"] = NOTICE
        renderer = Renderer(settings.PACKS_DIR / version.file, assets)
        made = renderer.pdf(data)  # says what keeps it from being printed
        return renderer.picture(data) if picture else made
    except DocumentRefused as refused:
        raise Refused(str(refused), code="document") from refused
    except KeyError as missing:
        raise Refused(
            f"Il manque une donnée à cet acte ({missing.args[0]}).",
            remedy="Reprenez le lot des données.",
            code="document",
        ) from missing


def _signatory(batch: Batch, day: dt.date) -> Signatory:
    holder = current_holder(batch.office, today=day)
    if holder is None:
        return _NOBODY
    return {
        "name": holder.name,
        "title": holder.title,
        "capacity": holder.capacity,
        "reference": holder.reference,
    }


def _given(act: Act) -> bytes:
    """A PDF made elsewhere: what will be signed, as it was handed in."""
    file = act.batch.file
    name = act.data.get("file")
    if file is None or not name:
        raise Refused("Le fichier de cet acte n’est plus là.", remedy="Préparez un autre lot.")
    with file.file.open("rb") as archive, zipfile.ZipFile(archive) as members:
        return members.read(str(name))
