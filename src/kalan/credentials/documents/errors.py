"""Why a document is not made: said before anything is signed, with its place and the remedy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that stands in the way. ``place`` is a path in the data or a block of a wording."""

    code: str  # missing, too_long, unprintable, forbidden, wording, template
    place: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class DocumentRefused(Exception):  # noqa: N818 - read aloud: "the document was refused"
    """A document cannot be made; ``problems`` says why, never empty."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(str(problem) for problem in problems))
        self.problems = problems
