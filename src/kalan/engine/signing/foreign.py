"""PDFs made elsewhere: same level (PAdES B-B), written by pyHanko's incremental writer.

It reads object streams, cross-reference streams and forms, at some fifty times the cost. What would
make a reader show something else than what was signed is refused: programs inside the file, XFA
forms, encryption, earlier signatures.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asn1crypto import x509
from asn1crypto.algos import SignedDigestAlgorithm
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from kalan.engine.signing import authority
from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import Identity

if TYPE_CHECKING:
    from kalan.engine.signing.pades import Signer


class IdentitySigner(signers.Signer):
    """pyHanko's door to a key of ours, in memory or in a token."""

    def __init__(self, identity: Identity) -> None:
        kind = "sha256_rsa" if identity.key.kind == "rsa" else "sha256_ecdsa"
        store: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(map(x509.Certificate.load, identity.chain))
        super().__init__(
            signing_cert=x509.Certificate.load(identity.certificate),
            cert_registry=store,
            signature_mechanism=SignedDigestAlgorithm({"algorithm": kind}),
        )
        self._key = identity.key

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        if dry_run:
            from kalan.engine.signing.cms import longest_signature

            return bytes(longest_signature(self._key))
        return self._key.sign(data)


def sign(signer: Signer, pdf: bytes, *, at: dt.datetime) -> bytes:
    """Return a PDF made elsewhere with one PAdES B-B signature; SigningError otherwise."""
    with _told():
        return _written(signer, pdf, at)


def refuse_unsafe(pdf: bytes) -> None:
    """SigningError for a file that is signed, encrypted, broken, or could change its look."""
    from kalan.engine.signing.pades import already_signed

    with _told():
        reader = PdfFileReader(io.BytesIO(pdf))
        if reader.encrypted:
            raise SigningError(
                "encrypted",
                "Ce PDF est chiffré : il ne peut pas être signé tel quel.",
                "Enregistrez-le sans mot de passe, puis recommencez.",
            )
        if reader.embedded_signatures:
            raise already_signed()
        if any(map(_is_active, _dictionaries(reader.root))):
            raise SigningError(
                "active_content",
                "Ce PDF contient un programme, une animation ou un formulaire XFA : "
                "son aspect peut changer.",
                "Imprimez-le en PDF, puis signez le nouveau fichier.",
            )


def rehearse(pdf: bytes) -> None:
    """SigningError, as ``sign`` would raise it, and for a file that would be signed but never
    called valid (fifty revisions, validation data that nobody can read…): signed with a key that
    is thrown away, then judged."""
    from kalan.engine.signing.verify.judge import judge

    signer, at = _rehearsal()
    verdict = judge(signer.sign(pdf, at=at, foreign=True), trust=signer.identity.chain, at=at)
    if not verdict.valid:
        raise SigningError(
            "malformed",
            f"Ce PDF, une fois signé, ne se vérifierait pas ({verdict.detail[:100]}).",
            "Imprimez-le en PDF, puis signez le nouveau fichier.",
        )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SigningError:
        raise
    except Exception as error:  # a broken file makes pyHanko raise of any kind
        raise SigningError(
            "malformed",
            f"Ce fichier n’est pas un PDF lisible ({type(error).__name__}).",
            "Produisez-le de nouveau (« Enregistrer au format PDF ») et recommencez.",
        ) from error


def _written(signer: Signer, pdf: bytes, at: dt.datetime) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    said = signer.said
    about = signers.PdfSignatureMetadata(
        field_name="Signature1",
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        name=signer.name,
        reason=said["Reason"] or None,
        location=said["Location"] or None,
        contact_info=said["ContactInfo"] or None,
        certify=signer.certify,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        tight_size_estimates=True,
    )
    place = fields.SigFieldSpec("Signature1", on_page=0, readable_field_name=signer.label)
    engine = _Dated(about, IdentitySigner(signer.identity), new_field_spec=place)
    engine.at = at
    out = engine.sign_pdf(writer)
    return bytes(out.getvalue())


class _Dated(signers.PdfSigner):
    """Writes the given time instead of the clock's."""

    at: dt.datetime

    def init_signing_session(self, *args: Any, **options: Any) -> Any:
        session = super().init_signing_session(*args, **options)
        session.system_time = self.at
        return session


@functools.cache
def _rehearsal() -> tuple[Signer, dt.datetime]:
    from kalan.engine.signing.pades import Signer

    now, name = dt.datetime.now(dt.UTC), "Essai"
    above = authority.new_authority(organisation=name, now=now, algorithm="p-256")
    made = authority.issue(above, name=name, organisation=name, now=now, algorithm="p-256", years=1)
    return Signer(made), now


_ACTIONS = {
    *("/JavaScript", "/Launch", "/ImportData", "/RichMediaExecute", "/Rendition", "/Movie"),
    *("/Sound", "/GoToR", "/GoToE", "/GoTo3DView", "/SubmitForm", "/ResetForm", "/Hide"),
    *("/SetOCGState", "/Trans"),
}
_MEDIA = {"/RichMedia", "/Movie", "/Screen", "/3D", "/Sound"}


def _is_active(found: Any) -> bool:
    """Whether a dictionary could change what a reader shows."""

    def at(key: str) -> Any:  # a name may be written elsewhere: « /S 6 0 R »
        return found[key] if key in found else None  # noqa: SIM401 - get() does not look there

    return (
        "/JS" in found
        or "/XFA" in found
        or at("/S") in _ACTIONS
        or at("/Subtype") in _MEDIA
        or (at("/Subtype") == "/Form" and "/Ref" in found)  # a page of another file
        or ("/Event" in found and "/OCGs" in found)  # layers that print otherwise than they show
        or ("/F" in found and isinstance(found, generic.StreamObject))  # bytes of another file
        or getattr(at("/NeedAppearances"), "value", False)  # drawn by each reader its way
    )


def _dictionaries(root: Any) -> Iterator[Any]:
    """All dictionaries that the catalog leads to, each once."""
    seen: set[Any] = set()
    waiting = [root]
    while waiting:
        found = waiting.pop()
        if isinstance(found, generic.IndirectObject):
            if found.reference in seen:
                continue
            seen.add(found.reference)
            found = found.get_object()  # type: ignore[no-untyped-call]
        if isinstance(found, generic.DictionaryObject):
            yield found
            waiting += [found.raw_get(name) for name in found]
        elif isinstance(found, generic.ArrayObject):
            waiting += [found.raw_get(index) for index in range(len(found))]
