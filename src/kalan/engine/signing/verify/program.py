"""``kalan verify FICHIER.pdf…``: the verdict on stdout, diagnostics on stderr. No database.

Exit codes: 0 every file is valid, 1 one is not, 2 usage (a file that is not there, a date or a
certificate that cannot be read). Files are judged in a process with limits (``apart``).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kalan.engine.signing.verify.apart import MOST_BYTES, Judges
from kalan.engine.signing.verify.verdict import SENTENCES, Reason, Verdict


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="kalan verify",
        description="Dit si des PDF signés (PAdES) sont valides, entiers, et de qui ils viennent.",
    )
    top.add_argument("files", nargs="+", type=Path, metavar="FICHIER")
    top.add_argument(
        "--trust",
        action="append",
        type=Path,
        metavar="CA.pem",
        help="autorité de confiance (PEM ou DER, plusieurs permises)\u00a0; sans elle, celles de "
        "KALAN_HOME/keys avec leurs listes de révocation, et personne d’autre",
    )
    top.add_argument(
        "--crl", action="append", default=[], type=Path, help="liste de révocation (PEM ou DER)"
    )
    top.add_argument(
        "--at",
        type=_moment,
        metavar="DATE",
        help="juger à cette date, où l’on sait que le fichier existait (défaut\u00a0: maintenant)",
    )
    top.add_argument(
        "--json", action="store_true", help="le verdict en JSON, une ligne par fichier"
    )
    return top


def run(argv: Sequence[str], *, home: Path) -> int:
    """Run the command and return its exit code. ``home`` holds the folder of keys."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as stop:  # argparse has said why on stderr
        return stop.code if isinstance(stop.code, int) else 2
    try:
        trust = _trust(options.trust, home)
        kept = [] if options.trust else sorted((home / "keys").glob("*/crl.der"))
        crls = [_list(path) for path in (*kept, *options.crl)]
        for path in options.files:
            with path.open("rb"):
                pass
    except (OSError, ValueError) as wrong:
        sys.stderr.write(f"kalan verify\u00a0: {wrong}\n")
        return 2
    at = options.at or datetime.now(UTC)
    valid = True
    try:
        with Judges() as judges:
            for path in options.files:
                verdict = _judged(judges, path, trust, at, crls)
                valid &= verdict.valid
                _say(verdict, path, options.json, len(options.files) > 1)
    except (BrokenPipeError, KeyboardInterrupt):
        return 1
    return 0 if valid else 1


def _judged(
    judges: Judges, path: Path, trust: list[bytes], at: datetime, crls: list[bytes]
) -> Verdict:
    try:
        with path.open("rb") as file:
            pdf = file.read(MOST_BYTES + 1)
    except OSError as wrong:
        return Verdict(Reason.MALFORMED, detail=str(wrong))
    return judges.judge(pdf, trust=trust, at=at, crls=crls)


def _say(verdict: Verdict, path: Path, as_json: bool, several: bool) -> None:
    shown = _plain(str(path))
    if verdict.detail:
        sys.stderr.write(f"{shown}\u00a0: {_plain(verdict.detail)}\n")
    if as_json:
        named = {"file": os.fsencode(path).decode(errors="replace")} if several else {}
        said = verdict.as_json()
        del said["detail"]  # technical: on stderr, above
        _write(json.dumps(named | said, ensure_ascii=False))
        return
    lines = [f"{shown}\u00a0: {SENTENCES[verdict.reason]}"]
    for one in verdict.signatures:
        what = "Horodatage" if one.kind == "timestamp" else "Signature"
        when = f"{one.signed_at:%d/%m/%Y %H:%M} UTC" if one.signed_at else "sans date"
        proof = "" if one.proved else " (date déclarée)"
        level = f", niveau {one.level}" if one.level else ""
        who = _plain(one.signer or "")
        lines.append(f"  {what} de {who}, {when}{proof}{level}\u00a0: {one.reason.value}")
    _write("\n".join(lines))


def _plain(text: str) -> str:
    """Without what would end a line or command a terminal: names come from whoever made the file,
    and one of them could write a second, better verdict."""
    return "".join(sign if sign.isprintable() or sign in "\u00a0\u202f" else "?" for sign in text)


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _trust(paths: list[Path] | None, home: Path) -> list[bytes]:
    """The certificates to trust: those given, else the authorities found among the keys of this
    installation. The system's own are never used."""
    if paths is not None:
        return [der for path in paths for der in _certificates(path)]
    found = []
    folder = home / "keys"
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]) if folder.is_dir() else []:
        if path.suffix not in {".pem", ".crt", ".cer", ".der"} or not path.is_file():
            continue
        try:
            found += [der for der in _certificates(path) if _is_authority(der)]
        except (OSError, ValueError):
            continue  # a key, or not readable by this person
    if found:
        sys.stderr.write(f"Autorités de confiance\u00a0: celles de {folder}\n")
    else:
        sys.stderr.write("Aucune autorité de confiance\u00a0: donnez-en une avec --trust.\n")
    return found


def _certificates(path: Path) -> list[bytes]:
    text = path.read_bytes()
    try:
        if b"-----BEGIN" in text:
            found = x509.load_pem_x509_certificates(text)
        else:
            found = [x509.load_der_x509_certificate(text)]
    except ValueError:
        raise ValueError(f"{path} ne contient pas de certificat lisible (PEM ou DER)") from None
    return [one.public_bytes(Encoding.DER) for one in found]


def _is_authority(der: bytes) -> bool:
    try:
        extensions = x509.load_der_x509_certificate(der).extensions
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _list(path: Path) -> bytes:
    text = path.read_bytes()
    try:
        x509.load_pem_x509_crl(text) if b"-----BEGIN" in text else x509.load_der_x509_crl(text)
    except ValueError:
        raise ValueError(f"{path} n’est pas une liste de révocation (PEM ou DER)") from None
    return text


def _moment(text: str) -> datetime:
    """A date (its last moment, UTC), or a date and time with or without zone (UTC)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("une date s’écrit 2026-06-15") from None
    if len(text) <= 10:
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
