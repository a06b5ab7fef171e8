"""One line of a benchmark: what was measured, beside its peer."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """``ratio`` > 1 means that Kalan is better; ``peer_run`` false: a reference figure, whose
    source ``peer`` names."""

    case: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    peer_run: bool = False
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        if self.peer_value is None or not self.value:
            return None
        ratio = self.peer_value / self.value
        return round(1 / ratio if self.more_is_better else ratio, 3)

    def line(self, bench: str) -> str:
        return json.dumps(
            {
                "bench": bench,
                "case": self.case,
                "value": round(self.value, 4),
                "unit": self.unit,
                "peer": self.peer,
                "peer_value": self.peer_value,
                "peer_run": self.peer_run,
                "ratio": self.ratio,
            },
            ensure_ascii=False,
        )
