"""What a person reads when a key, a token or a file cannot be used, and what to do about it."""

from __future__ import annotations


class SigningError(Exception):
    """A key, a token or a document cannot be used; nothing was written.

    ``code`` is for programs (wrong_passphrase, token_absent, key_unusable, key_mismatch,
    not_for_signing, expired, already_signed, encrypted, file_not_ours…); ``message`` and
    ``remedy`` are French sentences.
    """

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[type[SigningError], tuple[str, str, str]]:
        """Travels from a child process to the one that tells it."""
        return type(self), (self.code, self.message, self.remedy)
