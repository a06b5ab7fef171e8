"""First wording of each act, from the country packs (packs/actes/modeles.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from kalan.credentials.documents.compose import Version
from kalan.credentials.documents.statements import TITLES
from kalan.credentials.documents.wording import typeset


@dataclass(frozen=True)
class Model:
    """What a pack says of one kind of act."""

    kind: str
    file: str
    title: str
    wording: dict[str, str]
    validity_months: int | None

    def version(self, country: str) -> Version:
        """The same, ready to be printed without logos or legal reference."""
        return Version(
            kind=self.kind,
            country=country,
            file=self.file,
            title=self.title,
            wording=dict(self.wording),
        )


@lru_cache(maxsize=8)
def models(packs: Path, country: str) -> dict[str, Model]:
    """Kind → its model in ``country``. LookupError when the country has no head of acts."""
    if not (packs / country / "acte.typ").is_file():
        raise LookupError(f"Aucun en-tête d’actes pour le pays « {country} » dans {packs}.")
    shared = _read(packs / "actes" / "modeles.toml")
    own = _read(packs / country / "actes.toml")
    return {kind: _model(kind, said, own.get(kind, {})) for kind, said in shared.items()}


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _model(kind: str, shared: dict[str, Any], own: dict[str, Any]) -> Model:
    said = {**shared, **own}
    return Model(
        kind=kind,
        file=said["file"],
        title=TITLES.get(kind) or said["title"],
        wording={
            block: typeset(text)
            for block, text in {**shared.get("wording", {}), **own.get("wording", {})}.items()
        },
        validity_months=said.get("validity_months"),
    )
