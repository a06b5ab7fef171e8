"""Documents of acts for tests: invented data, a code and an address, made without a database."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from kalan.credentials.documents import invented, packs
from kalan.credentials.documents.compose import Version, document
from kalan.credentials.documents.render import Renderer

PACKS = Path(__file__).parents[2] / "packs"
CODE = "3K7Q9XZA0BCDEFGHJKMNPQRS"


@lru_cache(maxsize=40)
def renderer_of(file: str) -> Renderer:
    return Renderer(PACKS / file)


def version_of(kind: str, country: str = "sn") -> Version:
    return packs.models(PACKS, country)[kind].version(country)


def act_data(
    kind: str,
    country: str = "sn",
    *,
    long: bool = False,
    version: Version | None = None,
    name: str = "",
    **issue: Any,
) -> dict[str, Any]:
    """What ``Renderer.pdf`` takes, for an invented act."""
    record = invented.record(kind, country, long=long)
    if name:
        record["holder"]["name"] = name
    envelope = invented.envelope(country, long=long) | {
        "code": CODE,
        "address": f"https://kalan.exemple/verifier/{CODE}/#6BFOXN%TSMAHN-H",
        **issue,
    }
    return document(record, envelope, version or version_of(kind, country))  # type: ignore[arg-type]


def act_pdf(kind: str, country: str = "sn", **options: Any) -> bytes:
    data = act_data(kind, country, **options)
    return renderer_of(version_of(kind, country).file).pdf(data)
