"""CMS signatures made by hand, right or wrong in one point, in the place of a file's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos, cms, core, tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support import forgeries
from tests.support.pki import Party, authority, signer
from tests.support.signed import document, sign


@dataclass(frozen=True)
class Form:
    """What differs from a PAdES B-B signature as it should be."""

    digest: str = "sha256"
    attributes: bool = True
    named: str | None = "leaf"  # what signing-certificate-v2 names; None: it is not there
    content: str = "data"
    twice: bool = False
    signers: int = 1
    certificates: bool = True
    stranger: bool = False
    serial: int | None = None
    version: str = "v1"
    inside: bool = False
    signed_with: str | None = None  # digest of the signature, if another
    of: bytes | None = None  # what is digested, instead of the file
    signature: bytes | None = None


def signed_by(party: Party) -> bytes:
    """A document signed by whoever, whatever their certificate says: no library is asked."""
    return resigned(sign(document(), signer("Directeur de la planification")), party, Form())


def resigned(pdf: bytes, party: Party, form: Form) -> bytes:
    p = forgeries.parts(pdf)
    covered = form.of if form.of is not None else pdf[: p.start] + pdf[p.end :]
    made = build(covered, party, form)
    text = made.hex().encode()
    assert len(text) <= p.end - p.start - 2
    return forgeries.contents_in_place(pdf, b"<" + text.ljust(p.end - p.start - 2, b"0") + b">")


def build(covered: bytes, party: Party, form: Form) -> bytes:
    digest = hashlib.new(form.digest, covered).digest()
    leaf = _asn1(party.certificate)
    attributes = _attributes(digest, leaf, form) if form.attributes else None
    signed = attributes.dump() if attributes is not None else covered
    algorithm = form.signed_with or ("sha256" if form.digest == "md5" else form.digest)
    signature = form.signature or _sign(party.key, signed, algorithm)
    info: dict[str, Any] = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number",
            cms.IssuerAndSerialNumber(
                {"issuer": leaf.issuer, "serial_number": form.serial or leaf.serial_number}
            ),
        ),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": form.digest}),
        "signature_algorithm": _algorithm(party.key, algorithm),
        "signature": signature,
    }
    if attributes is not None:
        info["signed_attrs"] = attributes
    held = [party.certificate, *party.above] if form.certificates else []
    if form.stranger:
        held.append(signer(by="Autre autorité").certificate)
    content: dict[str, Any] = {"content_type": "data"}
    if form.inside:
        content["content"] = covered[:20]
    data = cms.SignedData(
        {
            "version": form.version,
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": form.digest})],
            "encap_content_info": content,
            "certificates": [cms.CertificateChoices("certificate", _asn1(one)) for one in held],
            "signer_infos": [cms.SignerInfo(info)] * form.signers,
        }
    )
    return cms.ContentInfo({"content_type": "signed_data", "content": data}).dump()


def _attributes(digest: bytes, leaf: x509.Certificate, form: Form) -> cms.CMSAttributes:
    values: list[tuple[str, Any]] = [("content_type", form.content), ("message_digest", digest)]
    if form.twice:
        values.append(("message_digest", digest))
    if form.named:
        named = _asn1(authority().certificate) if form.named == "another" else leaf
        if form.named == "sha1":
            one = tsp.ESSCertID({"cert_hash": hashlib.sha1(leaf.dump()).digest()})
            values.append(("signing_certificate", tsp.SigningCertificate({"certs": [one]})))
        else:
            two = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(named.dump()).digest()})
            values.append(("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [two]})))
    made = [cms.CMSAttribute({"type": kind, "values": (value,)}) for kind, value in values]
    return cms.CMSAttributes(sorted(made, key=lambda one: one.dump()))


def _sign(key: Any, data: bytes, digest: str) -> bytes:
    how = {"sha256": hashes.SHA256(), "sha1": hashes.SHA1()}[digest]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), how)
    return key.sign(data, ec.ECDSA(how))


def _algorithm(key: Any, digest: str) -> algos.SignedDigestAlgorithm:
    kind = "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa"
    return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_{kind}"})


def _asn1(certificate: Any) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _loaded(pdf: bytes) -> tuple[cms.ContentInfo, forgeries.Parts]:
    p = forgeries.parts(pdf)
    return cms.ContentInfo.load(bytes.fromhex(pdf[p.start + 1 : p.end - 1].decode())), p


def unpadded(contents: bytes) -> bytes:
    return core.Asn1Value.load(contents).dump()


def digest_in(pdf: bytes) -> bytes:
    info = _loaded(pdf)[0]["content"]["signer_infos"][0]
    return next(
        one["values"][0].native
        for one in info["signed_attrs"]
        if one["type"].native == "message_digest"
    )


def with_token_of(pdf: bytes, other: bytes) -> bytes:
    """The time-stamp of another file's signature in this one."""
    (here, p), (there, _) = _loaded(pdf), _loaded(other)
    there_info = there["content"]["signer_infos"][0]
    here["content"]["signer_infos"][0]["unsigned_attrs"] = there_info["unsigned_attrs"].copy()
    text = here.dump(force=True).hex().encode()
    return forgeries.contents_in_place(pdf, b"<" + text.ljust(p.end - p.start - 2, b"0") + b">")
