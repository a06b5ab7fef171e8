"""What PAdES asks of a signature beyond being right (ETSI EN 319 142-1 §6.3, EN 319 122-1 §5.2.2).

Parts of a CMS that nothing signs are pinned down here, so that there is one way to write them.
"""

from __future__ import annotations

import hashlib
from typing import Any

from asn1crypto import cms, core, x509

from kalan.engine.signing.verify.verdict import Doubt, Reason

DIGESTS = frozenset({"sha256", "sha384", "sha512"})
BARE = frozenset({"rsassa_pkcs1v15", "ecdsa", "ed25519"})
SIGNATURES = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa", "ed25519"})
OTHER_PURPOSES = {"server_auth", "code_signing", "time_stamping", "ocsp_signing"}
READ_EXTENSIONS = {
    "key_usage",
    "basic_constraints",
    "extended_key_usage",
    "certificate_policies",
    "authority_key_identifier",
    "key_identifier",
}


def check(signed: cms.SignedData, leaf: x509.Certificate, *, token: bool = False) -> None:
    """Raise Doubt unless a signature (or time-stamp token) has the form that PAdES asks for."""
    info = signed["signer_infos"][0]
    by_name = info["sid"].name == "issuer_and_serial_number"
    content = signed["encap_content_info"]["content_type"].native
    versions = (1 if by_name else 3, 3 if token or not by_name else 1)
    if (int(info["version"]), int(signed["version"])) != versions or content != (
        "tst_info" if token else "data"
    ):
        raise Doubt(Reason.MALFORMED, "CMS: version or content type")
    if (signed["encap_content_info"]["content"] is not core.VOID) is not token:
        raise Doubt(Reason.MALFORMED, "CMS: content inside, or none")
    digest = info["digest_algorithm"]
    digest_name = digest["algorithm"].native
    if digest_name not in DIGESTS:
        raise Doubt(Reason.MALFORMED, f"weak digest: {digest_name}")
    named = {one["algorithm"].native for one in signed["digest_algorithms"]}
    plain = all(
        one["parameters"].dump() in (b"", b"\x05\x00")
        for one in (digest, *signed["digest_algorithms"])
    )
    if digest_name not in named or (len(named) != 1 and not token) or not plain:
        raise Doubt(Reason.MALFORMED, "CMS: digest algorithms")
    algorithm = info["signature_algorithm"]
    if algorithm.signature_algo not in SIGNATURES:
        raise Doubt(Reason.MALFORMED, "signature algorithm")
    # These name no digest of their own; all others must name the same.
    if algorithm["algorithm"].native not in BARE and algorithm.hash_algo != digest_name:
        raise Doubt(Reason.MALFORMED, "two digest algorithms")
    attributes = info["signed_attrs"]
    if attributes is core.VOID or not len(attributes):
        raise Doubt(Reason.MALFORMED, "no signed attributes")
    names = [one["type"].dotted for one in attributes]
    if len(set(names)) != len(names):
        raise Doubt(Reason.MALFORMED, "a signed attribute twice")
    _signing_certificate(attributes, leaf, token)


def _signing_certificate(attributes: Any, leaf: x509.Certificate, token: bool) -> None:
    """ESS (RFC 5035, RFC 2634): the signed attributes name the certificate, by its hash."""
    values = {one["type"].native: one["values"] for one in attributes}
    if "signing_certificate_v2" in values:
        found = values["signing_certificate_v2"]
        named = found[0]["certs"][0]
        algorithm = named["hash_algorithm"]["algorithm"].native
    elif token and "signing_certificate" in values:  # RFC 3161 still allows SHA-1 to name it
        found = values["signing_certificate"]
        named, algorithm = found[0]["certs"][0], "sha1"
    else:
        raise Doubt(Reason.MALFORMED, "no signing-certificate-v2 attribute")
    if len(found) != 1 or algorithm not in DIGESTS | ({"sha1"} if token else set()):
        raise Doubt(Reason.MALFORMED, "signing-certificate attribute")
    if hashlib.new(algorithm, leaf.dump()).digest() != named["cert_hash"].native:
        raise Doubt(Reason.MALFORMED, "the signing certificate is another one")
    serial = named["issuer_serial"]
    if serial.native is not None and serial["serial_number"].native != leaf.serial_number:
        raise Doubt(Reason.MALFORMED, "the signing certificate has another number")


def fit_to_sign(leaf: x509.Certificate) -> None:
    """Raise Doubt unless the certificate is meant for signing documents."""
    usage = leaf.key_usage_value
    wanted = {"digital_signature", "non_repudiation"}
    if usage is not None and not wanted & usage.native:  # none: nothing is ruled out (RFC 5280)
        raise Doubt(Reason.UNTRUSTED, "key usage: not for signing")
    purposes = leaf.extended_key_usage_value
    if purposes is not None and set(purposes.native) <= OTHER_PURPOSES:
        raise Doubt(Reason.UNTRUSTED, "extended key usage: not for documents")
    if set(leaf.critical_extensions) - READ_EXTENSIONS:
        raise Doubt(Reason.UNTRUSTED, "a critical extension that is not understood")
    key = leaf.public_key
    if key.algorithm in {"rsa", "rsassa_pss"} and key.bit_size < 2048:
        raise Doubt(Reason.UNTRUSTED, f"RSA key of {key.bit_size} bits")
    if key.algorithm not in {"rsa", "rsassa_pss", "ec", "ed25519"}:
        raise Doubt(Reason.UNTRUSTED, f"key: {key.algorithm}")


def fit_to_stamp(leaf: x509.Certificate) -> None:
    """Raise Doubt unless the certificate is a time-stamping authority's (RFC 3161 §2.3)."""
    purposes = leaf.extended_key_usage_value
    if purposes is None or purposes.native != ["time_stamping"]:
        raise Doubt(Reason.UNTRUSTED, "not a time-stamping certificate")
