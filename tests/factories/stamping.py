"""A time-stamping authority on loopback, over HTTP, as RFC 3161 has it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from asn1crypto import keys, tsp, x509
from cryptography.hazmat.primitives import serialization as how
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from kalan.engine.signing import authority as authorities
from kalan.engine.signing.keys import Identity, SoftwareKey
from tests.factories import signing

ORGANISATION = "Autorité d’horodatage d’essai"


@cache
def stamping_identity(born: dt.datetime = signing.BORN) -> Identity:
    return authorities.issue(
        signing.authority(ORGANISATION),
        name="Horodatage",
        organisation=ORGANISATION,
        now=born,
        algorithm="rsa-2048",  # pyHanko's authority for tests knows no other
        stamping=True,
    )


@contextmanager
def time_stamp_server(
    answer: bytes | None = None, *, at: dt.datetime = signing.SIGNED, slow: bool = False
) -> Iterator[str]:
    """Serve; the address is handed out. ``answer``: say that instead of a time-stamp; ``at``: the
    time that it says; ``slow``: a byte now and then, and never the whole."""
    mine = stamping_identity(signing.BORN if at == signing.SIGNED else at)
    assert isinstance(mine.key, SoftwareKey)
    above = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    above.register_multiple(x509.Certificate.load(der) for der in mine.chain)
    plain = mine.key.private.private_bytes(
        how.Encoding.DER, how.PrivateFormat.PKCS8, how.NoEncryption()
    )
    authority = DummyTimeStamper(
        x509.Certificate.load(mine.certificate),
        keys.PrivateKeyInfo.load(plain),
        certs_to_embed=above,
        fixed_dt=at,
    )

    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            said = answer
            if said is None:
                said = authority.request_tsa_response(tsp.TimeStampReq.load(asked)).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            if slow:
                with suppress(OSError):  # whoever asked has gone
                    while not over.wait(0.1):
                        self.wfile.write(b"\0")
            else:
                self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
