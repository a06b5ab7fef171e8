"""JSON as the commands write it: numbers in full, ±inf as "inf" and "-inf", unknown as null."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

import numpy as np

SPOOL = 1 << 25  # bytes of a long answer kept in memory before it goes to a temporary file


def plain(value: Any) -> Any:
    """The value with what JSON knows only."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(one) for one in value]
    return value


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _line(value: Any) -> str:
    try:
        return _encode(value)  # nearly every person: numbers that JSON knows
    except (TypeError, ValueError):
        return _encode(plain(value))


def write(value: Any, to: TextIO) -> None:
    """Write the value; of an iterator, one element a line.

    A refusal may come after millions of persons: nothing reaches stdout before the end is known.
    """
    if not isinstance(value, Iterator):
        to.write(json.dumps(plain(value), ensure_ascii=False, indent=1, allow_nan=False) + "\n")
        return
    with tempfile.SpooledTemporaryFile(SPOOL, mode="w+", encoding="utf-8") as spool:
        before = "["
        for one in value:
            spool.write(before)
            spool.write(_line(one))
            before = ",\n"
        spool.write("]\n" if before != "[" else "[]\n")
        spool.seek(0)
        shutil.copyfileobj(spool, to)
