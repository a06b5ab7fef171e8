"""What other programs read in a PDF."""

from __future__ import annotations

import subprocess
from pathlib import Path


def qr_text(pdf: Path, *, dots_per_inch: int = 150) -> str:
    """The text of the QR code on the first page, as zbar reads it from the rendered page."""
    page = pdf.with_suffix("")
    subprocess.run(
        ["pdftoppm", "-r", str(dots_per_inch), "-png", "-singlefile", pdf, page], check=True
    )
    read = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "--nodbus", f"{page}.png"],
        check=True,
        capture_output=True,
        text=True,
    )
    return read.stdout.strip()
