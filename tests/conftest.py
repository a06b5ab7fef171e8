"""Shared fixtures. KALAN_HOME is a fresh folder for each run."""

from __future__ import annotations

import os
import tempfile

os.environ["KALAN_HOME"] = tempfile.mkdtemp(prefix="kalan-test-")

import pytest

from tests.factories import people


@pytest.fixture(autouse=True)
def _plain_settings(settings: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]
    settings.STORAGES = {  # type: ignore[attr-defined]
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.MEDIA_ROOT = str(tmp_path_factory.getbasetemp() / "files")  # type: ignore[attr-defined]
    settings.CACHES = {  # type: ignore[attr-defined]
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    }


@pytest.fixture
def tree(db: None) -> people.Tree:
    return people.tree()
