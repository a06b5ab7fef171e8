"""Keys, certificates and small tagged PDFs for tests of signatures; made once a process.

`identity()` is a signing identity of an internal authority (P-256: quick), `identity("rsa-3072")`
the default of a real installation. `document()` is a PDF/A-3a + PDF/UA-1 as Typst makes it.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from functools import cache
from pathlib import Path

import typst
from cryptography import x509

from kalan.engine.signing import authority as authorities
from kalan.engine.signing.keys import Identity
from kalan.engine.signing.pades import Signer

BORN = dt.datetime(2023, 1, 2, 8, 0, tzinfo=dt.UTC)  # of keys and certificates
SIGNED = dt.datetime(2023, 3, 20, 9, 30, tzinfo=dt.UTC)
MINISTRY = "Ministère de la Santé et de l’Action sociale"


def authority(organisation: str = MINISTRY) -> Identity:
    """An internal authority (P-256); another ``organisation`` is another authority."""
    return _authority(organisation)


@cache
def _authority(organisation: str) -> Identity:
    return authorities.new_authority(
        organisation=organisation, now=BORN, algorithm="p-256", country="SN"
    )


def identity(algorithm: str = "p-256", organisation: str = MINISTRY, years: int = 3) -> Identity:
    """A signing identity issued by `authority` of that organisation (P-256)."""
    return _identity(algorithm, organisation, years)


@cache
def _identity(algorithm: str, organisation: str, years: int) -> Identity:
    return authorities.issue(
        authority(organisation),
        name="Direction de la planification",
        organisation=organisation,
        now=BORN,
        algorithm=algorithm,
        country="SN",
        years=years,
    )


@cache
def signer(algorithm: str = "p-256", organisation: str = MINISTRY) -> Signer:
    return Signer(identity(algorithm, organisation), reason="Attestation", location="Dakar")


@cache
def document(title: str = "Attestation de formation", lines: str = "Aminata Ndiaye") -> bytes:
    """A tagged PDF/A-3a and PDF/UA-1 with a table, a link, a second page and an attachment."""
    source = f"""#set document(title: "{title}", date: datetime(year: 2023, month: 3, day: 20))
#set text(lang: "fr")
#pdf.attach("acte.json", bytes("{{}}"), relationship: "data", mime-type: "application/json",
  description: "Données de l’acte")
= {title}
{lines}, voir #link("https://example.org/verifier/")[la page de vérification].
#table(columns: 2, table.header[Thème][Niveau], [Données], [3], [Éthique], [4])
#pagebreak()
Deuxième page.
"""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "main.typ"
        place.write_text(source)
        made: bytes = typst.compile(
            place, format="pdf", pdf_standards=["a-3a", "ua-1"], timestamp=int(SIGNED.timestamp())
        )
    return made


@cache
def signed(algorithm: str = "p-256", title: str = "Attestation de formation") -> bytes:
    return signer(algorithm).sign(document(title), at=SIGNED)


@cache
def crl(*serials: int, organisation: str = MINISTRY) -> bytes:
    """The authority's list (DER), with these serial numbers taken back at `SIGNED`."""
    revoked = [authorities.Revoked(serial, SIGNED, "key_compromise") for serial in serials]
    return authorities.crl(authority(organisation), revoked, number=1, now=BORN, days=3650)


def pem(certificate: bytes) -> bytes:
    """A DER certificate as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
