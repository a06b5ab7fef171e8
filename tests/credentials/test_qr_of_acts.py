"""What the QR code on a signed page holds: read back by zbar, opened by the published keys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from django.conf import settings

from kalan.credentials.models import Act
from kalan.credentials.selectors.offline import published_keys
from kalan.credentials.services.reading import act_bytes
from kalan.engine.signing import cose
from tests.factories import credentials as make
from tests.factories import jobs
from tests.factories.people import NOW, Tree

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]  # it looks at the page


def on_the_page(act: Act, folder: Path) -> str:
    """The text of the QR code on the act's first page."""
    (folder / "acte.pdf").write_bytes(act_bytes(act))
    subprocess.run(
        ["pdftoppm", "-r", "150", "-png", "-singlefile", folder / "acte.pdf", folder / "page"],
        check=True,
        timeout=300,
    )
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", folder / "page.png"],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return read.stdout.rstrip("\n")


def credential_keys() -> dict[bytes, cose.TrustedKey]:
    """Keys of QR codes as ``cose.open_`` takes them."""
    return cose.keyring(
        cose.TrustedKey(key.public, key.since, key.until, key.revoked)
        for key in published_keys()
        if isinstance(key.public, EllipticCurvePublicKey)
    )


def test_the_code_on_the_page_says_what_the_page_says(tree: Tree, tmp_path: Path) -> None:
    batch = make.approved_batch(tree.fatick, acts=1, key=make.keys_of())
    make.ordered(batch)
    jobs.run_jobs()
    act = batch.acts.get()
    address, _, credential = on_the_page(act, tmp_path).partition("#")
    assert address == f"{settings.KALAN_BASE_URL}/verifier/{act.code}/"
    claims = cose.open_(credential, credential_keys(), NOW, code=act.code)
    assert claims == cose.Claims(
        code=str(act.code),
        issuer="Ministère de la Santé et de l’Action sociale",
        kind=cose.Kind.TRAINING,
        title=act.data["training"]["title"],
        name=act.name,
        issued=NOW.date(),
        expires=act.valid_until,
        mode=cose.Mode.TRIAL,
    )
