"""Country packs, read from files (packs/README.md says what each holds). Open to every room."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings


@dataclass(frozen=True)
class Pack:
    """What pack.json says of a country."""

    code: str
    name: str
    currency: str
    currency_name: str
    currency_decimals: int
    phone_region: str
    phone_example: str
    authority: dict[str, str]
    retention_months: dict[str, int]
    wording: dict[str, str]
    sheet_columns: tuple[str, ...]
    ministry: str


def folder(country: str) -> Path:
    """The folder of a pack. Raises LookupError when there is none."""
    path = Path(settings.PACKS_DIR) / country.lower()
    if not country.isalpha() or not (path / "pack.json").is_file():
        raise LookupError(f"Aucun pack pays « {country} » dans {settings.PACKS_DIR}.")
    return path


def countries() -> list[str]:
    """Codes of the packs at hand, sorted."""
    return sorted(path.parent.name for path in Path(settings.PACKS_DIR).glob("*/pack.json"))


@lru_cache(maxsize=16)
def read_pack(country: str) -> Pack:
    """Return the pack of ``country`` (ISO 3166-1 alpha-2, any case)."""
    data = json.loads((folder(country) / "pack.json").read_text(encoding="utf-8"))
    data["sheet_columns"] = tuple(data["sheet_columns"])
    return Pack(**{name: data[name] for name in Pack.__dataclass_fields__})


def rows(country: str, name: str) -> list[dict[str, str]]:
    """Rows of one CSV file of a pack, e.g. ``rows("sn", "nodes")``; no file: no rows."""
    return _csv(folder(country) / f"{name}.csv")


def names() -> list[dict[str, str]]:
    """First names and surnames for invented people: country, kind (first, last), sex, value."""
    return _csv(Path(settings.PACKS_DIR) / "names.csv")


@lru_cache(maxsize=8)
def shapes(country: str) -> dict[str, Any]:
    """The GeoJSON of the regions; ``properties.code`` is an ISO 3166-2 code."""
    path = folder(country) / "regions.geojson"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _csv(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
