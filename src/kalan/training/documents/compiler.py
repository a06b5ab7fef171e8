"""The documents of this room and those above, by the compiler that all rooms share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kalan.base.documents import compiler

HERE = Path(__file__).parent


def pdf(template: str, data: dict[str, Any], *, folder: Path = HERE) -> bytes:
    """Return the PDF/UA-1 document of ``template``.typ in ``folder``; see base.documents."""
    return compiler.pdf(folder / f"{template}.typ", data)
