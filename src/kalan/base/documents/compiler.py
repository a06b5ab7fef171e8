"""PDF by Typst: one warm compiler per template, our own fonts, tagged for screen readers.

A compiler made anew costs about 40 ms, a warm one 5 to 10 ms.
"""

from __future__ import annotations

import json
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst
from django.conf import settings

from kalan.base.exports import DEMO_NOTICE

HERE = Path(__file__).parent
_lock = threading.Lock()


@lru_cache(maxsize=1)
def _fonts() -> Any:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[HERE / "fonts"]
    )


@lru_cache(maxsize=32)
def _compiler(template: Path) -> Any:
    # Rooms import what they share as "/base/documents/common.typ".
    return typst.Compiler(template, root=HERE.parent.parent, font_paths=_fonts())


def pdf(template: Path, data: dict[str, Any]) -> bytes:
    """Return the PDF/UA-1 document of the file ``template`` filled with ``data`` (plain JSON
    values).

    Texts reach Typst as data and are never read as markup. A sign that none of our fonts has (an
    emoji pasted into a notice) forbids PDF/UA (ISO 14289-1, 7.21): the document is then made
    without that label, the sign as a hollow box, rather than not at all.
    """
    data = {"demo": DEMO_NOTICE if settings.KALAN_DEMO else "", **data}
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    with _lock:  # a compiler serves one document at a time
        compiler = _compiler(template)
        try:
            made = compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=["ua-1"])
        except typst.TypstError as error:
            if "could not be displayed" not in str(error):
                raise
            made = compiler.compile(format="pdf", sys_inputs=inputs)
    if not isinstance(made, bytes):
        raise TypeError("typst returned no document")
    return made
