"""Shared fixtures. KALAN_HOME is a fresh folder for each run."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

os.environ["KALAN_HOME"] = tempfile.mkdtemp(prefix="kalan-test-")
os.environ["KALAN_LOG_LEVEL"] = "WARNING"

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


def _kind(item: pytest.Item) -> str:
    """The kind under which script/test counts a test."""
    if item.path.is_relative_to(Path(__file__).parent / "permissions"):
        return "permissions"
    if item.get_closest_marker("hypothesis"):
        return "property"
    if "django_assert_num_queries" in getattr(item, "fixturenames", ()):
        return "queries"
    return "unit"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties.append(("kind", _kind(item)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write one line per test for script/test: a set-up or tear-down that fails counts too."""
    path = os.environ.get("KALAN_TEST_REPORT")
    if not path or "PYTEST_XDIST_WORKER" in os.environ:
        return
    if report.when == "call" or report.outcome != "passed":
        kind = dict(report.user_properties).get("kind", "unit")
        with Path(path).open("a") as file:
            file.write(json.dumps({"kind": kind, "outcome": report.outcome}) + "\n")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    path = os.environ.get("KALAN_TEST_REPORT")
    if path and report.outcome == "failed" and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(path).open("a") as file:
            file.write(json.dumps({"kind": "unit", "outcome": "failed"}) + "\n")
