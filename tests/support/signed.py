"""Signed PDF files for tests, by pyHanko: independent of the signer that Kalan uses."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import typst
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.generic import DictionaryObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.support.pki import NOW, Party

SOURCE = """
#set document(title: "Attestation de formation", author: "Ministère")
#set document(date: datetime(year: 2026, month: 6, day: 15))
#set text(lang: "fr")
#set page(width: 12cm, height: 8cm)
= Attestation de formation
Il est attesté que *{name}* a suivi quatre demi-journées.
#pagebreak()
Seconde page.
"""


@functools.cache
def document(name: str = "Awa Diop") -> bytes:
    """A tagged PDF/A-3a of two pages, as Typst writes it."""
    source = SOURCE.replace("{name}", name).encode()
    return typst.compile(source, format="pdf", pdf_standards=["a-3a", "ua-1"])


def as_signer(party: Party) -> signers.SimpleSigner:
    store = SimpleCertificateStore()
    store.register_multiple(_asn1(one) for one in (party.certificate, *party.above))
    return signers.SimpleSigner(
        signing_cert=_asn1(party.certificate),
        signing_key=asn1_keys.PrivateKeyInfo.load(party.key_der),
        cert_registry=store,
    )


def _asn1(certificate: Any) -> asn1_x509.Certificate:
    from cryptography.hazmat.primitives.serialization import Encoding

    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def stamping(party: Party, moment: datetime = NOW) -> DummyTimeStamper:
    store = SimpleCertificateStore()
    store.register_multiple(_asn1(one) for one in party.above)
    return DummyTimeStamper(
        tsa_cert=_asn1(party.certificate),
        tsa_key=asn1_keys.PrivateKeyInfo.load(party.key_der),
        certs_to_embed=store,
        fixed_dt=moment,
    )


def sign(
    pdf: bytes,
    party: Party,
    *,
    field: str = "Signature1",
    stamp: DummyTimeStamper | None = None,
    long_term: tuple[Party, list[bytes]] | None = None,
    archive: bool = False,
    box: tuple[int, int, int, int] | None = None,
    before: Callable[[DictionaryObject], None] | None = None,
    **meta: Any,
) -> bytes:
    """PAdES B-B; B-T with ``stamp``; B-LT with ``long_term`` (trusted authority, lists) too;
    B-LTA with ``archive`` as well."""
    meta.setdefault("md_algorithm", "sha256")
    meta.setdefault("subfilter", fields.SigSeedSubFilter.PADES)
    if long_term:
        root, lists = long_term
        meta |= {
            "embed_validation_info": True,
            "use_pades_lta": archive,
            "validation_context": ValidationContext(
                trust_roots=[_asn1(root.certificate)],
                crls=lists,
                moment=NOW,
                best_signature_time=NOW,
                allow_fetching=False,
            ),
        }
    signer = signers.PdfSigner(
        PdfSignatureMetadata(field_name=field, **meta),
        signer=as_signer(party),
        timestamper=stamp,
        new_field_spec=fields.SigFieldSpec(field, box=box) if box else None,
    )
    out = BytesIO()
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    if before:  # change the first page in the same revision
        page = writer.find_page_for_modification(0)[0]
        before(page.get_object())
        writer.mark_update(page)
    asyncio.run(signer.async_sign_pdf(writer, output=out))
    return out.getvalue()


def archive(pdf: bytes, stamp: DummyTimeStamper, root: Party, lists: list[bytes]) -> bytes:
    """Add a document time-stamp, then validation data, to a signed file (B-LT)."""
    context = ValidationContext(
        trust_roots=[_asn1(root.certificate)],
        crls=lists,
        moment=NOW,
        best_signature_time=NOW,
        allow_fetching=False,
    )
    out = BytesIO()
    made = signers.PdfTimeStamper(stamp).async_timestamp_pdf(
        IncrementalPdfFileWriter(BytesIO(pdf)), "sha256", context, output=out
    )
    asyncio.run(made)
    return out.getvalue()
