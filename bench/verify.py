"""Checking signed acts, beside pyHanko as its documentation shows it: one file, and 1 000.

Processor time of one core, on files rendered by Typst (tagged PDF/A-3a) and signed by Kalan's own
signer, RSA-3072 and P-256. `judge_own` is what the check page and mass checks use, `judge` what
`kalan verify` does to any file. Of the 1 000, each is distinct; pyHanko is run on 50 of them and
scaled, and says so. The same run counts what each calls valid among forged copies: a byte flipped,
bytes appended, an update of the text, of the title.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any

from bench.result import Result

FILES = 1000
PEERS = 50  # files given to pyHanko, and to `judge`
PEER = "pyHanko 0.38, comme sa documentation le montre"
SCALED = f"{PEER}, {PEERS} fichiers mis à l’échelle"


def run(options: Sequence[str] = ()) -> Iterator[Result]:
    from tests.support.pki import NOW, authority, ec_key, rsa_key, signer
    from tests.support.signed import document, sign

    from kalan.engine.signing.verify.judge import judge
    from kalan.engine.signing.verify.own import judge_own

    trust = [authority().der]
    for kind, key in (("RSA-3072", rsa_key("bench", 3072)), ("P-256", ec_key("bench"))):
        files = _signed(signer(f"Signataire {kind}", key=key))
        judges: dict[str, Callable[[bytes], bool]] = {
            "judge_own": lambda pdf: judge_own(pdf, trust=trust, at=NOW).valid,
            "judge": lambda pdf: judge(pdf, trust=trust, at=NOW).valid,
            "pyHanko": _plain(authority()),
        }
        for call in judges.values():  # imports and certificate chain: once a process
            call(files[-1])
        single = {name: _each(call, files[:20]) for name, call in judges.items()}
        for name in ("judge_own", "judge"):
            case = f"{name}, un fichier, {kind}"
            yield Result(case, single[name], "ms", PEER, single["pyHanko"], peer_run=True)
        whole = _each(judges["judge_own"], files) * FILES / 1000
        part = {name: _each(judges[name], files[:PEERS]) for name in ("judge", "pyHanko")}
        peer = part["pyHanko"] * FILES / 1000
        yield Result(f"judge_own, 1 000 fichiers, {kind}", whole, "s", SCALED, peer, peer_run=True)
        case = f"judge, 1 000 fichiers (depuis {PEERS}), {kind}"
        yield Result(case, part["judge"] * FILES / 1000, "s", SCALED, peer, peer_run=True)
        if kind == "P-256":
            yield from _fooled(judges, sign(document(), signer(f"Signataire {kind}", key=key)))


def _signed(party: Any) -> list[bytes]:
    """1 000 distinct signed acts; 20 renderings, the date of signing tells them apart."""
    from datetime import timedelta

    from cryptography.hazmat.primitives.serialization import Encoding
    from tests.support.pki import NOW
    from tests.support.signed import document

    from kalan.engine.signing import keys, pades

    chain = [one.public_bytes(Encoding.DER) for one in (party.certificate, *party.above)]
    signer = pades.Signer(keys.identity(keys.SoftwareKey(party.key), chain))
    return [
        signer.sign(document(f"Awa Diop {n % 20}"), at=NOW - timedelta(seconds=n))
        for n in range(FILES)
    ]


def _each(call: Callable[[bytes], bool], files: Sequence[bytes]) -> float:
    """Milliseconds of processor for one file; every file must come out valid."""
    gc.collect()
    start = time.process_time()
    valid = sum(call(pdf) for pdf in files)
    spent = time.process_time() - start
    if valid != len(files):
        raise RuntimeError(f"{len(files) - valid} good files were called bad")
    return spent * 1000 / len(files)


def _plain(root: Any) -> Callable[[bytes], bool]:
    """pyHanko's documented way: a reader and a validation context for each file."""
    from asn1crypto import x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import async_validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext
    from tests.support.pki import NOW

    anchor = x509.Certificate.load(root.der)

    def valid(pdf: bytes) -> bool:
        try:
            context = ValidationContext(
                trust_roots=[anchor], moment=NOW, best_signature_time=NOW, allow_fetching=False
            )
            embedded = PdfFileReader(BytesIO(pdf)).embedded_signatures[0]
            status = asyncio.run(async_validate_pdf_signature(embedded, context))
        except Exception:  # it raises many kinds on broken files
            return False
        return bool(status.bottom_line)

    return valid


def _fooled(judges: dict[str, Callable[[bytes], bool]], pdf: bytes) -> Iterator[Result]:
    """How many forged files each calls valid. Less is better; none is the only good answer."""
    from tests.support import forgeries as f

    places = range(0, len(pdf), len(pdf) // 100)
    forged = [pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :] for at in places]
    forged += [pdf + b"\n", pdf + b"x", b"\n" + pdf]
    updates = (f.text_changed, f.title_changed, f.another_info, f.nothing_changed, f.orphan_added)
    forged += [change(f.store_added(pdf)) for change in updates]
    counts = {name: sum(map(call, forged)) for name, call in judges.items()}
    peers = {PEER: counts["pyHanko"]}
    if shutil.which("pdfsig"):
        peers["pdfsig (poppler)"] = sum(map(_pdfsig, forged))
    for name in ("judge_own", "judge"):
        case = f"{name}, fichiers falsifiés dits valides, sur {len(forged)}"
        for peer, fooled in peers.items():
            yield Result(case, counts[name], "fichiers", peer, fooled, peer_run=True)


def _pdfsig(pdf: bytes) -> bool:
    """Whether pdfsig says of the first signature that it is valid, whatever it covers."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        command = ["pdfsig", "-nocert", file.name]
        found = subprocess.run(command, capture_output=True, timeout=20, check=False)
    return b"Signature Validation: Signature is Valid" in found.stdout
