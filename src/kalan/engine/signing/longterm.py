"""Signatures that outlive their certificate: B-T, B-LT and B-LTA, by pyHanko.

Added to a signed file as later revisions (ETSI EN 319 142-1): a document time-stamp by an RFC
3161 authority (B-T), then certificates and revocation lists (B-LT), then a time-stamp over these
(B-LTA).
What was signed stays byte for byte; a signature that certifies allows exactly such additions.

Each time-stamp is a request over the network to the authority: some tenths of a second. pyHanko is
imported inside the functions: half a second that a process signing at level B-B does without.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import queue
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kalan.engine.signing.errors import SigningError

B_T, B_LT, B_LTA = "b-t", "b-lt", "b-lta"
LEVELS = (B_T, B_LT, B_LTA)
TIMEOUT = 20.0  # seconds for one whole answer of a time-stamping authority
_LARGEST = 1 << 18  # bytes of an answer


@dataclass(frozen=True)
class Stamp:
    """Who stamped a document, and the moment that this proves."""

    by: str
    at: dt.datetime


def raise_level(
    pdf: bytes,
    level: str,
    *,
    tsa: str,
    trust: Sequence[bytes],
    crls: Sequence[bytes] = (),
    at: dt.datetime | None = None,
    timeout: float = TIMEOUT,
) -> bytes:
    """Return a signed file raised to ``level``: b-t, b-lt or b-lta.

    ``tsa``: address of the time-stamping authority; ``trust``: roots (DER) of the signature's
    chain and of the authority's; ``crls``: revocation lists (DER) of every issuer below a root.
    Nothing but the authority is asked over the network. ``at``: when the chains are judged
    (default: now). SigningError when a part is missing; the file given is never changed.
    """
    if level not in LEVELS:
        raise ValueError(f"unknown level {level!r}")
    with _told(tsa):
        return asyncio.run(_raise(pdf, level, tsa, trust, crls, at, timeout))


def first_stamp(pdf: bytes) -> Stamp:
    """The first document time-stamp of a raised file: the one that proves its signature's date.

    Read, not judged: for a file that was raised here just now.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader

    found = PdfFileReader(io.BytesIO(pdf)).embedded_timestamp_signatures[0]
    names = found.signer_cert.subject.native
    name = names.get("common_name") or names.get("organization_name") or ""
    said = found.signed_data["encap_content_info"]["content"].parsed
    moment: dt.datetime = said["gen_time"].native
    return Stamp((name if isinstance(name, str) else ", ".join(name))[:200], moment)


async def _raise(
    pdf: bytes,
    level: str,
    tsa: str,
    trust: Sequence[bytes],
    crls: Sequence[bytes],
    at: dt.datetime | None,
    timeout: float,
) -> bytes:
    from pyhanko.pdf_utils.reader import PdfFileReader

    if not PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures:
        raise SigningError("not_signed", "Ce PDF ne porte pas de signature.", "Signez-le d’abord.")
    stamper = _client(tsa, timeout)
    pdf = await _stamp(pdf, stamper, _context(trust, crls, at))
    if level == B_T:
        return pdf
    for number in range(len(PdfFileReader(io.BytesIO(pdf)).embedded_signatures)):
        pdf = await _add_proofs(pdf, number, _context(trust, crls, at))
    if level == B_LT:
        return pdf
    return await _stamp(pdf, stamper, _context(trust, crls, at))


async def _stamp(pdf: bytes, stamper: Any, context: Any) -> bytes:
    """Add a document time-stamp; one of an authority not trusted would be worth nothing."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.signers import PdfTimeStamper

    async for _ in stamper.validation_paths(context):
        pass
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    number = len(writer.prev.embedded_timestamp_signatures) + 1
    engine = PdfTimeStamper(
        stamper, field_name=f"TimeStamp{number}", readable_field_name="Horodatage du document"
    )
    out = await engine.async_timestamp_pdf(writer, "sha256")
    return bytes(out.getvalue())


async def _add_proofs(pdf: bytes, number: int, context: Any) -> bytes:
    """Add certificates and lists for one signature to the file's security store."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation.dss import async_add_validation_info

    found = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[number]
    out = await async_add_validation_info(found, context, skip_timestamp=True)
    return bytes(out.getvalue())


def _context(trust: Sequence[bytes], crls: Sequence[bytes], at: dt.datetime | None) -> Any:
    from asn1crypto import x509
    from pyhanko_certvalidator import ValidationContext

    return ValidationContext(
        trust_roots=[x509.Certificate.load(der) for der in trust],
        crls=list(crls),
        allow_fetching=False,
        revocation_mode="require",
        moment=at,
    )


def _client(address: str, timeout: float) -> Any:
    """A time-stamp client over plain urllib: pyHanko's own need a further library."""
    from asn1crypto import tsp
    from pyhanko.sign.timestamps import TimeStamper

    if not address.startswith(("http://", "https://")):
        raise SigningError(
            "tsa_unreachable",
            f"« {address} » n’est pas l’adresse d’une autorité d’horodatage.",
            "Une adresse commence par https:// ou http://.",
        )

    class Client(TimeStamper):
        async def async_request_tsa_response(self, req: Any) -> Any:
            asked = urllib.request.Request(  # noqa: S310 - checked above
                address,
                data=req.dump(),
                headers={
                    "Content-Type": "application/timestamp-query",
                    "Accept": "application/timestamp-reply",
                },
            )
            return tsp.TimeStampResp.load(_answered(asked, timeout))

    return Client()  # type: ignore[no-untyped-call]


def _answered(asked: urllib.request.Request, timeout: float) -> bytes:
    """The body of the answer; TimeoutError when it is not whole within ``timeout``.

    In a thread: a socket's own time-out counts from the last byte, so that an authority which
    sends one now and then would hold a run for hours, and a name that is being looked up has none.
    """
    told: queue.SimpleQueue[bytes | BaseException] = queue.SimpleQueue()

    def fetch() -> None:
        try:
            with urllib.request.urlopen(asked, timeout=timeout) as answer:  # noqa: S310
                if answer.headers.get_content_type() != "application/timestamp-reply":
                    raise OSError("its answer is no time-stamp")
                told.put(answer.read(_LARGEST))
        except Exception as error:
            told.put(error)

    threading.Thread(target=fetch, daemon=True).start()
    try:
        found = told.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, BaseException):
        raise found
    return found


def _why(error: OSError) -> str:
    """What an authority that gave no time-stamp did instead, in plain words."""
    inner = getattr(error, "reason", error)
    if isinstance(error, urllib.error.HTTPError):
        return f"elle refuse (HTTP {error.code})"
    if isinstance(inner, TimeoutError):
        return "elle a trop tardé"
    if isinstance(inner, socket.gaierror):
        return "son adresse est introuvable"
    if isinstance(inner, ConnectionError):
        return "elle refuse la connexion ou l’a coupée"
    return "sa réponse n’est pas un horodatage, ou le réseau est coupé"


@contextmanager
def _told(tsa: str) -> Iterator[None]:
    from pyhanko_certvalidator.errors import (
        InsufficientRevinfoError,
        PathBuildingError,
        PathValidationError,
        ValidationError,
    )

    try:
        yield
    except SigningError:
        raise
    except InsufficientRevinfoError as error:
        raise SigningError(
            "no_revocation_data",
            "Il manque la liste de révocation d’une autorité de la chaîne.",
            "Donnez la liste (CRL) à jour de chaque autorité, celle de l’horodatage comprise.",
        ) from error
    except PathValidationError as error:
        raise SigningError(
            "untrusted",
            f"Un certificat de la chaîne n’est pas valable ({type(error).__name__}).",
            "Il a expiré ou est révoqué : renouvelez-le avant de signer.",
        ) from error
    except (PathBuildingError, ValidationError) as error:
        raise SigningError(
            "untrusted",
            "Aucune racine de confiance n’est au-dessus d’un certificat de la chaîne.",
            "Donnez la racine de l’autorité, et celle de l’horodatage.",
        ) from error
    except (OSError, urllib.error.URLError) as error:
        raise SigningError(
            "tsa_unreachable",
            f"L’autorité d’horodatage {tsa} ne répond pas : {_why(error)}.",
            "Vérifiez son adresse et le réseau, ou attendez qu’elle revienne, puis reprenez.",
        ) from error
    except Exception as error:  # a broken answer or file makes pyHanko raise of any kind
        raise SigningError(
            "tsa_refused",
            f"L’horodatage n’a pas abouti ({type(error).__name__}).",
            "Recommencez ; si cela dure, essayez une autre autorité d’horodatage.",
        ) from error
