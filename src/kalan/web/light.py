"""Our own sheets and scripts without what only their readers need: comments and indentation.

Scripts are written so that this is safe: a comment stands on its own line or after two spaces, and
no text between backquotes goes over a line's end (tests/web/test_light.py holds both).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile, File
from whitenoise.storage import CompressedManifestStaticFilesStorage

_HEAD = re.compile(r"\A/\*.*?\*/\s*", re.DOTALL)
_TAIL = re.compile(r" {2}// .*$")


def light_css(text: str) -> str:
    """A sheet without comments and needless spaces."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?([{};,>]) ?", r"\1", text)
    return text.replace(": ", ":").replace(";}", "}").strip()


def light_js(text: str) -> str:
    """A script without comments and indentation; lines stay, so that nothing runs together."""
    lines = (_TAIL.sub("", line).strip() for line in _HEAD.sub("", text).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


_LIGHT = {".css": light_css, ".js": light_js}


class _Source:
    """A folder of static files that hands out our own sheets and scripts made light."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def open(self, path: str, mode: str = "rb") -> File[Any]:
        found: File[Any] = self._storage.open(path, mode)
        make = next((make for ending, make in _LIGHT.items() if path.endswith(ending)), None)
        if make is None or not path.startswith("web/"):
            return found
        with found:
            return ContentFile(make(found.read().decode()).encode(), name=path)


class LightStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed, compressed static files; what is hashed and sent is the light form."""

    def post_process(
        self, paths: dict[str, tuple[Any, str]], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        light = {name: (_Source(storage), path) for name, (storage, path) in paths.items()}
        found: Iterator[Any] = super().post_process(light, dry_run=dry_run, **options)
        return found
