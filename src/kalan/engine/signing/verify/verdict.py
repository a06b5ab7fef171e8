"""What is said of a file: one reason, and for each signature why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a file is valid, or is not. Only ``ok`` is valid."""

    OK = "ok"
    NOT_SIGNED = "not_signed"
    ALTERED = "altered"
    MODIFIED = "modified_after_signing"
    UNTRUSTED = "untrusted"
    EXPIRED = "expired"
    REVOKED = "revoked"
    MALFORMED = "malformed"


SENTENCES: Mapping[Reason, str] = {
    Reason.OK: "Valide\u00a0: le fichier est tel qu’il a été signé.",
    Reason.NOT_SIGNED: "Non signé\u00a0: ce fichier ne porte aucune signature électronique.",
    Reason.ALTERED: "Altéré\u00a0: le contenu signé a changé.",
    Reason.MODIFIED: "Modifié après la signature\u00a0: le fichier signé a reçu des ajouts.",
    Reason.UNTRUSTED: "Signataire inconnu\u00a0: aucune autorité de confiance ne répond de lui.",
    Reason.EXPIRED: "Certificat expiré, et rien ne prouve que la signature est plus ancienne.",
    Reason.REVOKED: "Certificat révoqué avant que la signature soit prouvée.",
    Reason.MALFORMED: "Illisible ou non conforme\u00a0: ce fichier ne peut pas être vérifié.",
}


class Doubt(Exception):  # noqa: N818  # it never leaves this package
    """Something that keeps a file from being valid; ``detail`` is for the technician."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class SignatureVerdict:
    """One signature or document time-stamp of a file, in the order of its revisions."""

    kind: str  # "signature" or "timestamp"
    reason: Reason
    signer: str | None = None
    signed_at: datetime | None = None  # proved when ``proved``, else claimed by the signer
    proved: bool = False
    level: str | None = None  # B-B, B-T, B-LT, B-LTA
    field: str | None = None
    issuer: str | None = None
    serial: str | None = None  # hexadecimal
    expires: datetime | None = None
    revocation: str = "not_checked"  # or "good" (a current list was looked into), "revoked"
    detail: str = ""

    @property
    def valid(self) -> bool:
        return self.reason is Reason.OK

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "valid": self.valid,
            "reason": self.reason.value,
            "signer": self.signer,
            "signed_at": _iso(self.signed_at),
            "proved": self.proved,
            "level": self.level,
            "field": self.field,
            "issuer": self.issuer,
            "serial": self.serial,
            "expires": _iso(self.expires),
            "revocation": self.revocation,
            "detail": self.detail,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> SignatureVerdict:
        values = {key: value for key, value in said.items() if key != "valid"}
        moments = {key: _moment(values[key]) for key in ("signed_at", "expires")}
        return cls(**{**values, **moments, "reason": Reason(said["reason"])})


@dataclass(frozen=True)
class Verdict:
    """What is said of a whole file. ``signer`` and ``signed_at`` are of its first signature, and
    mean nothing unless ``valid``; ``register`` is filled in by whoever holds the register."""

    reason: Reason
    signer: str | None = None
    signed_at: datetime | None = None
    register: str = "not_consulted"  # or "found", "absent"
    signatures: tuple[SignatureVerdict, ...] = ()
    detail: str = field(default="", compare=False)

    @property
    def valid(self) -> bool:
        return self.reason is Reason.OK

    def as_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid,
            "reason": self.reason.value,
            "signer": self.signer,
            "signed_at": _iso(self.signed_at),
            "register": self.register,
            "signatures": [one.as_json() for one in self.signatures],
            "detail": self.detail,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Verdict:
        """Read back what ``as_json`` wrote; ValueError or KeyError on anything else."""
        return cls(
            Reason(said["reason"]),
            said["signer"],
            _moment(said["signed_at"]),
            said["register"],
            tuple(SignatureVerdict.from_json(one) for one in said["signatures"]),
            said["detail"],
        )


def of_signatures(signatures: tuple[SignatureVerdict, ...]) -> Verdict:
    """Return the verdict on a file whose structure holds: the worst that is said of any."""
    worst = min(signatures, key=lambda one: SEVERITY.index(one.reason))
    first = next((one for one in signatures if one.kind == "signature"), signatures[0])
    return Verdict(
        worst.reason, first.signer, first.signed_at, signatures=signatures, detail=worst.detail
    )


SEVERITY = (  # what is said first when a file has several faults
    Reason.NOT_SIGNED,
    Reason.ALTERED,
    Reason.MODIFIED,
    Reason.MALFORMED,
    Reason.REVOKED,
    Reason.EXPIRED,
    Reason.UNTRUSTED,
    Reason.OK,
)


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
