"""Errors that a person can act upon: what is wrong, where, and the remedy, in French."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - read aloud: "the service refused"
    """A service refuses a write; nothing was stored.

    ``field`` is the form field concerned (None: the whole form); ``remedy`` says what to do.
    Views turn it into a form error, commands into exit code 1, the API into 422.
    """

    def __init__(
        self, message: str, *, field: str | None = None, remedy: str = "", code: str = "refused"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.remedy = remedy
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
