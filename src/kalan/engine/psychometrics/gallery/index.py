"""All pictures, and the page that shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.gallery import (
    capacity,
    domains,
    exposure,
    gain,
    honesty,
    information,
    recovery,
)
from kalan.engine.psychometrics.gallery.picture import SEED, Picture, Size

DRAWN: tuple[Callable[[Size, int], Picture], ...] = (
    information.draw,
    exposure.draw,
    recovery.draw,
    honesty.draw,
    gain.draw,
    domains.draw,
    capacity.draw,
)
HEAD = """# Galerie du moteur psychométrique

Ces images et leurs chiffres sont calculés par le moteur lui-même, sur des banques et des personnes
simulées ; rien n’y est écrit à la main. Pour les refaire :

```sh
script/kalan psychometrics gallery docs/psychometrie
```

Les formules, leurs sources et leurs tests : [formules.md](formules.md).
"""


def pictures(size: Size | None = None, seed: int = SEED) -> list[Picture]:
    """Every picture, each from its own draws."""
    return [draw(size or Size(), seed + 100 * turn) for turn, draw in enumerate(DRAWN)]


def page(found: list[Picture]) -> str:
    """README.md: picture, caption, reading."""
    parts = [HEAD]
    for one in found:
        parts.append(
            f"## {one.title}\n\n![{one.title}]({one.name}.svg)\n\n{one.caption}\n\n"
            f"*{one.reading}*\n"
        )
    return "\n".join(parts)


def write(folder: Path, found: list[Picture]) -> list[str]:
    """Write pictures and page; names of the files."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"« {folder} » est un fichier : nommez un dossier.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in found:
            (folder / f"{one.name}.svg").write_text(one.svg, encoding="utf-8")
        (folder / "README.md").write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"« {folder} » : impossible d’y écrire ({error.strerror}). Vérifiez le dossier."
        ) from error
    return [*(f"{one.name}.svg" for one in found), "README.md"]
