"""Uploads beyond the limit are thrown away while they arrive: neither memory nor disk holds them.

The rest of the request (its CSRF token) is still read, so that the form answers with a sentence
and not with a broken connection.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.forms import BaseForm
from django.http import HttpRequest

META_KEY = "kalan.upload_too_large"
_FORM_BYTES = 1024 * 1024  # the other fields and the boundaries of the request


def explain_size(request: HttpRequest, form: BaseForm, field: str) -> None:
    """Let ``field`` say that its file was too large, and not that it is missing.

    Call it before the form is checked, once the request was read (``request.FILES``).
    """
    if request.META.get(META_KEY):
        limit = settings.KALAN_UPLOAD_MAX_BYTES // 1024 // 1024
        form.fields[field].error_messages["required"] = (
            f"Ce fichier est trop gros : la limite est de {limit} Mo. Envoyez-en un plus léger."
        )


class QuotaHandler(FileUploadHandler):
    """First of FILE_UPLOAD_HANDLERS. Marks the request in ``META[META_KEY]``."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._announced = 0
        self._seen = 0

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        self._announced = content_length

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._seen = 0
        if self._announced > settings.KALAN_UPLOAD_MAX_BYTES + _FORM_BYTES:
            self._refuse()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._seen += len(raw_data)
        if self._seen > settings.KALAN_UPLOAD_MAX_BYTES:
            self._refuse()
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    def _refuse(self) -> None:
        if self.request is not None:
            self.request.META[META_KEY] = True
        raise SkipFile
