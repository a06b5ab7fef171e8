"""How long acts are kept, and what stays afterwards (docs/decisions/0017-vie-des-actes.md).

Senegal's law 2008-08 has electronic acts kept ten years. Until then an act keeps its name: it is
proof, for its holder first. After it, the PDF, the name, the frozen data, the badge and the words
said of its end go; so does the list or the archive of which the batch was made, and what it held of
people whose act was never issued. Number, code, kind, dates, status and SHA-256 stay, so that the
register remains whole and a holder's own copy can still be checked.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from kalan.base import packs
from kalan.base.models import StoredFile
from kalan.credentials.models import Act, ActEvent, ActPack, Badge, Batch

YEARS = 10
NOBODY = {"name": "", "initials": "", "data": {}, "email": "", "phone": ""}
BUNDLE = "acts_bundle"  # kind of the stored files of services.bundles
_MONTHS = "acts"  # in the country pack's retention_months


def kept_until(signed_at: dt.datetime, country: str) -> dt.datetime:
    """The moment until which an act signed at ``signed_at`` is kept whole."""
    months = packs.read_pack(country).retention_months.get(_MONTHS, 12 * YEARS)
    year, month = divmod(signed_at.month - 1 + months, 12)
    day = min(signed_at.day, 28)
    return signed_at.replace(year=signed_at.year + year, month=month + 1, day=day)


def forget_old(*, now: dt.datetime) -> int:
    """Remove what is no longer to be kept; returns how many acts. Packs go whole.

    The file is deleted once the transaction is committed: a row without its file says so, a file
    without its row would stay for ever.
    """
    gone = 0
    packs_ = (
        ActPack.objects.filter(file__size__gt=0)
        .annotate(last=Max("acts__signed_at"), ends=Max("acts__valid_until"))
        .select_related("file", "batch__node", "batch__file")
        .order_by("pk")
    )
    for pack in packs_.iterator(chunk_size=200):
        last, ends = pack.last, pack.ends
        if last is None or kept_until(last, pack.batch.node.country) > now:
            continue
        if ends is not None and ends >= now.date():  # still valid: it is proof
            continue
        gone += _forget(pack)
    return gone


@transaction.atomic
def _forget(pack: ActPack) -> int:
    file = pack.file
    path = file.file.name or ""
    storage = file.file.storage
    acts = Act.objects.filter(pack=pack)
    Badge.objects.filter(act__in=acts).delete()
    ActEvent.objects.filter(act__in=acts).update(text="")
    number = acts.update(**NOBODY, shown=Act.Shown.MINIMAL)
    file.size = 0
    file.save(update_fields=["size"])
    transaction.on_commit(lambda: storage.delete(path))
    if not ActPack.objects.filter(batch=pack.batch_id, file__size__gt=0).exists():
        _forget_source(pack.batch)
    return number


def _forget_source(batch: Batch) -> None:
    """What a batch still holds of people once its acts are forgotten."""
    Act.objects.filter(batch=batch, pack=None).update(**NOBODY, problem="")
    source = batch.file
    if source is not None and source.size:
        path, storage = source.file.name or "", source.file.storage
        source.size, source.name = 0, "fichier effacé (fin de conservation)"
        source.save(update_fields=["size", "name"])
        transaction.on_commit(lambda: storage.delete(path))


def forget_bundles(*, now: dt.datetime) -> int:
    """Delete archives and print runs older than KALAN_ACTS_BUNDLE_DAYS; returns how many.

    They hold hundreds of people's documents at once and are made again at will. The job that made
    one stays, without its file: its page offers to make it again.
    """
    before = now - dt.timedelta(days=settings.KALAN_ACTS_BUNDLE_DAYS)
    old = StoredFile.objects.filter(kind=BUNDLE, created_at__lt=before).order_by("pk")
    for row in old:
        _delete(row)
    return len(old)


@transaction.atomic
def _delete(row: StoredFile) -> None:
    path, storage = row.file.name or "", row.file.storage
    row.delete()
    transaction.on_commit(lambda: storage.delete(path))
