"""The examination of any PAdES file, with pyHanko. Only ``judge`` calls it: it may raise anything.

First what the file is (revisions, byte ranges, what was added), then whether each signature is
right, then who answers for it at the moment at which it is proved to have existed.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import extract_signer_info
from pyhanko.sign.validation.generic_cms import (
    extract_certs_for_validation,
    extract_self_reported_ts,
    extract_tst_data_iter,
    message_imprint_checker,
    validate_sig_integrity,
)
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from kalan.engine.signing.verify import profile, trust
from kalan.engine.signing.verify.difference import POLICY, same_trailer
from kalan.engine.signing.verify.lists import crls as crls_of
from kalan.engine.signing.verify.revisions import (
    account_for,
    after_end,
    end_of,
    hole,
    suspicion,
    unpadded,
)
from kalan.engine.signing.verify.verdict import (
    Doubt,
    Reason,
    SignatureVerdict,
    Verdict,
    of_signatures,
)

for _name in ("pyhanko", "pyhanko_certvalidator"):  # they log a traceback for each bad file
    logging.getLogger(_name).setLevel(logging.CRITICAL)

MOST_BYTES = 100_000_000
MOST_REVISIONS = 50
MOST_SIGNATURES = 25
MOST_DATA = 200  # certificates and lists of a DSS
PADES = "/ETSI.CAdES.detached"
TIMESTAMP = "/ETSI.RFC3161"
DATA = {  # of a DSS, and how far pyHanko may unfold each
    "/Certs": DecodePurpose.CERTIFICATE,
    "/CRLs": DecodePurpose.CRL,
    "/OCSPs": DecodePurpose.OCSP_RESPONSE,
}


@dataclass
class Signature:
    """One signature or document time-stamp, as found; ``verdict`` grows as it is examined."""

    embedded: EmbeddedPdfSignature
    revision: int
    covered: int
    is_stamp: bool
    verdict: SignatureVerdict


def examine(pdf: bytes, trusted: Sequence[bytes], at: datetime, crls: Sequence[bytes]) -> Verdict:
    """Return the verdict on ``pdf`` at ``at``; raises on what no rule foresaw."""
    if len(pdf) > MOST_BYTES:
        raise Doubt(Reason.MALFORMED, f"more than {MOST_BYTES // 1_000_000} MB")
    if not pdf.startswith(b"%PDF-"):
        raise Doubt(suspicion(pdf), "does not begin as a PDF")
    if pdf.count(b"startxref") > 2 * MOST_REVISIONS:
        raise Doubt(Reason.MALFORMED, "too many revisions")
    reader = PdfFileReader(BytesIO(pdf), strict=True)
    if reader.encrypted:
        raise Doubt(Reason.MALFORMED, "encrypted")
    if reader.xrefs.total_revisions > MOST_REVISIONS:
        raise Doubt(Reason.MALFORMED, "too many revisions")
    found = _signatures(pdf, reader)
    if not found:
        unreached = b"/ByteRange" in pdf or b"/DocTimeStamp" in pdf
        raise Doubt(
            Reason.MALFORMED if unreached else Reason.NOT_SIGNED, "no signature in the form"
        )
    if reader.xrefs.hybrid_xrefs_present:
        raise Doubt(Reason.MALFORMED, "hybrid cross-references")
    pool = trust.Pool(trust.certificates(trusted), lists=crls_of(crls))
    _validation_data(reader, pool, found)
    for one in found:
        _right(one, pool)
    if all(one.verdict.reason is not Reason.ALTERED for one in found):
        try:
            _structure(pdf, reader, found)
        except Doubt as doubt:  # said of each: none of them vouches for the file as it is
            for one in found:
                one.verdict = replace(one.verdict, reason=doubt.reason, detail=doubt.detail)
    _answer(found, pool, at)
    return of_signatures(tuple(one.verdict for one in found))


def _signatures(pdf: bytes, reader: PdfFileReader) -> list[Signature]:
    """The signatures that the form's fields hold, in the order of the revisions."""
    found: list[Signature] = []
    seen = set()
    for name, value, field in enumerate_sig_fields(reader, filled_status=True):
        if len(found) == MOST_SIGNATURES:
            raise Doubt(Reason.MALFORMED, "too many signatures")
        where = field.get_object().raw_get("/V")
        place = reader.xrefs[where.reference] if hasattr(where, "reference") else None
        if not isinstance(place, int) or where.reference in seen:
            raise Doubt(Reason.MALFORMED, "a signature that is not an object of its own")
        seen.add(where.reference)
        entry = value.get_object()
        if entry.raw_get("/Type" if "/Type" in entry else "/Filter") is None:
            raise Doubt(Reason.MALFORMED, "a signature without type")
        embedded = EmbeddedPdfSignature(reader, field, name)
        covered = hole(pdf, list(embedded.byte_range), embedded.pkcs7_content, place).covered
        unpadded(embedded.pkcs7_content)
        is_stamp = entry.get("/Type", "/Sig") == "/DocTimeStamp"
        leaf = embedded.signer_cert
        claimed = extract_self_reported_ts(embedded.signer_info) or _m(embedded)
        verdict = SignatureVerdict(
            "timestamp" if is_stamp else "signature",
            Reason.OK,
            signer=_name_of(leaf),
            signed_at=claimed,
            field=name,
            issuer=leaf.issuer.human_friendly[:300],
            serial=f"{leaf.serial_number:x}",
            expires=leaf.not_valid_after,
        )
        found.append(Signature(embedded, embedded.signed_revision, covered, is_stamp, verdict))
    return sorted(found, key=lambda one: one.covered)


def _m(embedded: EmbeddedPdfSignature) -> datetime | None:
    try:
        moment = embedded.self_reported_timestamp
    except (PdfReadError, ValueError):
        return None
    return moment if moment is None or moment.tzinfo else None


def _name_of(leaf: Any) -> str:
    names = leaf.subject.native
    name = names.get("common_name") or names.get("organization_name") or ""
    return (name if isinstance(name, str) else ", ".join(name))[:200]


def _structure(pdf: bytes, reader: PdfFileReader, found: list[Signature]) -> None:
    """Check the revisions from the first signed one to the end of the file."""
    xrefs = reader.xrefs
    last = xrefs.total_revisions - 1
    first = found[0]
    if len({one.revision for one in found}) != len(found):
        raise Doubt(Reason.MALFORMED, "two signatures in one revision")
    covered = {one.revision: one.covered for one in found}
    start = 0
    for revision in range(first.revision, last + 1):
        about = xrefs.get_xref_container_info(revision)
        end = end_of(pdf, about.end_location, about.declared_startxref)
        ends = after_end(pdf, end)
        if revision in covered and covered[revision] not in ends:
            raise Doubt(Reason.MODIFIED, "a signature does not cover its whole revision")
        if revision > first.revision:
            if revision not in covered and not _holds_data(reader, revision):
                raise Doubt(Reason.MODIFIED, "a revision without signature or validation data")
            entries = xrefs.get_xref_data(revision).standard_xrefs
            offsets = {place: (number, gen) for number, (gen, place) in entries.items()}
            table = about.declared_startxref
            account_for(pdf, start, offsets, table, about.end_location, end)
        start = covered.get(revision, end)
    if len(pdf) not in after_end(pdf, start if last not in covered else len(pdf)):
        raise Doubt(Reason.MODIFIED, "bytes after the end")
    if last in covered and covered[last] != len(pdf):
        raise Doubt(Reason.MODIFIED, "bytes after the last signature")
    _unchanged(reader, found, last)


def _holds_data(reader: PdfFileReader, revision: int) -> bool:
    """Whether a revision writes something, and validation data stand in the file by then."""
    written = reader.xrefs.explicit_refs_in_revision(revision)
    return bool(written) and "/DSS" in reader.get_historical_resolver(revision).root


def _unchanged(reader: PdfFileReader, found: list[Signature], last: int) -> None:
    """Check by the object graphs that nothing but allowed additions follows each signature."""
    for one in found:
        one.embedded.compute_integrity_info(skip_diff=True)
        whole = SignatureCoverageLevel.ENTIRE_REVISION
        if one.embedded.evaluate_signature_coverage() < whole:
            raise Doubt(Reason.MALFORMED, "pyHanko: the signature does not cover its revision")
        if one.revision == last:
            continue
        same_trailer(reader, one.revision)
        result = POLICY.review_file(
            reader,
            one.revision,
            field_mdp_spec=one.embedded.fieldmdp,
            doc_mdp=one.embedded.docmdp_level,
        )
        if not isinstance(result, DiffResult):
            raise Doubt(Reason.MODIFIED, str(result)[:200])
        allowed = one.embedded.docmdp_level
        if allowed is not None and result.modification_level.value > allowed.value:
            raise Doubt(Reason.MODIFIED, "the first signature allows no other")


def _right(one: Signature, pool: trust.Pool) -> None:
    """Check one signature by itself: digest, key operation, form. Sets its reason."""
    embedded, signed = one.embedded, one.embedded.signed_data
    wanted = TIMESTAMP if one.is_stamp else PADES
    try:
        if one.is_stamp:
            right = _right_stamp(signed, embedded.signer_cert, embedded.compute_digest)
        else:
            right = all(
                validate_sig_integrity(
                    embedded.signer_info, embedded.signer_cert, "data", embedded.compute_digest()
                )
            )
        if not right:
            raise Doubt(Reason.ALTERED, "the digest or the signature is wrong")
        if embedded.sig_object.get("/SubFilter") != wanted:
            raise Doubt(Reason.MALFORMED, "not a PAdES /SubFilter")
        profile.check(signed, embedded.signer_cert, token=one.is_stamp)
        pool.add(_brought(signed))
    except Doubt as doubt:
        one.verdict = replace(one.verdict, reason=doubt.reason, detail=doubt.detail)


def _brought(signed: Any) -> list[x509.Certificate]:
    """All the certificates of a CMS, those that are there twice too."""
    if any(choice.name != "certificate" for choice in signed["certificates"]):
        raise Doubt(Reason.MALFORMED, "CMS: a certificate of another kind")
    return [choice.chosen for choice in signed["certificates"]]


def _right_stamp(signed: Any, leaf: x509.Certificate, digest: Callable[[str], bytes]) -> bool:
    """Whether a time-stamp token (RFC 3161) is right, and of what ``digest`` digests."""
    content, info = signed["encap_content_info"]["content"], extract_signer_info(signed)
    inside = hashlib.new(info["digest_algorithm"]["algorithm"].native, bytes(content)).digest()
    imprint = content.parsed["message_imprint"]
    algorithm = imprint["hash_algorithm"]["algorithm"].native
    if algorithm not in profile.DIGESTS:
        raise Doubt(Reason.MALFORMED, f"weak digest: {algorithm}")
    right = all(validate_sig_integrity(info, leaf, "tst_info", inside))
    return right and digest(algorithm) == imprint["hashed_message"].native


def _answer(found: list[Signature], pool: trust.Pool, at: datetime) -> None:
    """Ask who answers for each, the last first: a trusted document time-stamp proves that what it
    covers existed at its time, and what lies before it is judged at that moment."""
    moment, stamps = at, _Stamps()
    for one in reversed(found):
        if not one.verdict.valid:
            continue
        leaf = one.embedded.signer_cert
        try:
            if one.is_stamp:
                stamped = _stamp_time(one.embedded.signed_data)
                if stamped > moment:
                    raise Doubt(Reason.MALFORMED, "a time-stamp from after this moment")
                profile.fit_to_stamp(leaf)
                state = trust.answer_for(pool, leaf, moment)
                trust.no_strangers(pool, _brought(one.embedded.signed_data), leaf.dump())
                one.verdict = replace(one.verdict, signed_at=stamped, proved=True, revocation=state)
                moment = stamped
                stamps = _Stamps(True, stamps.over_data or _has_data(one))
            else:
                _answer_signature(one, pool, moment, stamps)
        except Doubt as doubt:
            one.verdict = replace(one.verdict, reason=doubt.reason, detail=doubt.detail)


@dataclass(frozen=True)
class _Stamps:
    """Trusted document time-stamps after a signature: whether there is ``any``, and whether one
    covers validation data (B-LTA; a stamp before them proves the date only)."""

    any: bool = False
    over_data: bool = False


def _has_data(one: Signature) -> bool:
    """Whether validation data stand in the part of the file that a time-stamp covers."""
    return "/DSS" in one.embedded.reader.get_historical_resolver(one.revision).root


def _answer_signature(one: Signature, pool: trust.Pool, moment: datetime, stamps: _Stamps) -> None:
    stamped = _signature_stamp(one, pool, moment)
    proved = stamped or (moment if stamps.any else None)
    leaf = one.embedded.signer_cert
    profile.fit_to_sign(leaf)
    state = trust.answer_for(pool, leaf, stamped or moment)
    trust.no_strangers(pool, _brought(one.embedded.signed_data), leaf.dump())
    level = "B-T" if proved else "B-B"
    if proved and pool.lists_held:
        level = "B-LTA" if stamps.over_data else "B-LT"
    one.verdict = replace(
        one.verdict,
        signed_at=proved or one.verdict.signed_at,
        proved=proved is not None,
        level=level,
        revocation=state,
    )


def _signature_stamp(one: Signature, pool: trust.Pool, moment: datetime) -> datetime | None:
    """The time proved by a trusted time-stamp of the signature. One that nobody answers for proves
    nothing and is passed over; one that is not of this signature makes the file altered."""
    info = one.embedded.signer_info
    best = None
    for token in extract_tst_data_iter(info, signed=False):
        certs = extract_certs_for_validation(token)
        if not _right_stamp(token, certs.signer_cert, message_imprint_checker(info)):
            raise Doubt(Reason.ALTERED, "a time-stamp that is not of this signature")
        profile.check(token, certs.signer_cert, token=True)
        brought = _brought(token)
        pool.add(brought)
        stamped = _stamp_time(token)
        try:
            profile.fit_to_stamp(certs.signer_cert)
            trust.answer_for(pool, certs.signer_cert, moment)
        except Doubt:
            continue
        trust.no_strangers(pool, brought, certs.signer_cert.dump())
        if stamped > moment:
            raise Doubt(Reason.MALFORMED, "a time-stamp from after this moment")
        best = stamped if best is None else min(best, stamped)
    return best


def _stamp_time(signed: Any) -> datetime:
    extract_signer_info(signed)  # exactly one signer
    moment = signed["encap_content_info"]["content"].parsed["gen_time"].native
    if not isinstance(moment, datetime):
        raise Doubt(Reason.MALFORMED, "a time-stamp without time")
    return moment


def _vri_names(content: bytes) -> set[str]:
    """Names under which programs file the validation data of a signature: SHA-1 of /Contents, with
    the zeros that fill its place or without, as bytes or (pyHanko) as hexadecimal."""
    forms = [form for raw in (content, unpadded(content)) for form in (raw, raw.hex().encode())]
    forms += [form.upper() for form in forms[1::2]]
    return {"/" + hashlib.sha1(form, usedforsecurity=False).hexdigest().upper() for form in forms}


def _validation_data(reader: PdfFileReader, pool: trust.Pool, found: list[Signature]) -> None:
    """Take the certificates and lists of the DSS, if there is one. All must be readable, and the
    validation data of single signatures must be of signatures of this file."""
    if "/DSS" not in reader.root:
        return
    store = reader.root["/DSS"]
    if store.get("/Type", "/DSS") != "/DSS":
        raise Doubt(Reason.MODIFIED, "validation data that say they are something else")
    if sum(len(store.get(key, ())) for key in DATA) > MOST_DATA:
        raise Doubt(Reason.MALFORMED, "too much validation data")
    data = {
        key: [stream.get_object().read_data(purpose) for stream in store.get(key, ())]
        for key, purpose in DATA.items()
    }
    pool.add(trust.certificates(data["/Certs"]))
    pool.lists += crls_of(data["/CRLs"])
    pool.ocsp += data["/OCSPs"]
    pool.lists_held = bool(data["/CRLs"] or data["/OCSPs"])
    names = {name for one in found for name in _vri_names(one.embedded.pkcs7_content)}
    if not set(store.get("/VRI", {})) <= names:
        raise Doubt(Reason.MODIFIED, "validation data of a signature that is not here")
