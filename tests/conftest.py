"""Shared fixtures. KALAN_HOME is a fresh folder for each run."""

from __future__ import annotations

import gc
import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

os.environ["KALAN_HOME"] = tempfile.mkdtemp(prefix="kalan-test-")
os.environ["KALAN_LOG_LEVEL"] = "WARNING"
# One key for all processes of a run: what one has sealed in a shared home, another must open.
os.environ["KALAN_SECRET_KEY"] = "a key for tests only, long enough to sign and to seal with it"

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, is_hypothesis_test
from hypothesis import settings as hypothesis_settings

from kalan.assessment.selectors import frozen
from tests.factories import people
from tests.support import postgres, statements
from tests.support.locks import made_once, run_folder, shared_folder
from tests.support.server import Server, copy_home, make_home, python

# How long an example takes says more of the machine than of the code: budgets are held elsewhere.
# The same examples each time: a run says what has changed since the last one, and nothing else.
# Others are looked for with --hypothesis-profile=explore.
hypothesis_settings.register_profile(
    "explore", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "kalan", hypothesis_settings.get_profile("explore"), derandomize=True
)
hypothesis_settings.load_profile("kalan")


@pytest.fixture(scope="session")
def plain_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What tests run with; for fixtures that outlive a test, which have it not yet."""
    return {
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "STORAGES": {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        "MEDIA_ROOT": str(tmp_path_factory.getbasetemp() / "files"),
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    }


@pytest.fixture(autouse=True)
def _plain_settings(settings: object, plain_settings: dict[str, object]) -> None:
    for name, value in plain_settings.items():
        setattr(settings, name, value)
    # What another test left would be found under the keys of this one’s rows, which are the same.
    cache.clear()


@pytest.fixture(autouse=True)
def _nothing_frozen_is_kept() -> Iterator[None]:
    """A process keeps frozen tests by their key, and each test has a database of its own."""
    yield
    frozen.forget()


@pytest.fixture
def journal() -> Iterator[None]:
    """What the factories make has entries in the journal, as what services do always has."""
    with people.told():
        yield


@pytest.fixture
def tree(db: None) -> people.Tree:
    return people.tree()


@pytest.fixture(scope="session")
def blank_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated KALAN_HOME, to copy."""
    return made_once(shared_folder(tmp_path_factory) / "blank-home", make_home)


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory, blank_home: Path) -> Path:
    """A KALAN_HOME with the demonstration, to copy."""

    def load(home: Path) -> None:
        copy_home(blank_home, home)
        python(home, "-m", "kalan.config.cli", "demo", KALAN_DEMO="1")
        Server(home).checkpoint()

    return made_once(shared_folder(tmp_path_factory) / "demo-home", load)


@pytest.fixture
def offline(blank_home: Path, tmp_path: Path, django_db_blocker: object) -> Iterator[Server]:
    """A server on an empty SQLite database of the test's own, not started."""
    server = Server(copy_home(blank_home, tmp_path / "home"))
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield server
        server.stop()


@pytest.fixture
def live(offline: Server) -> Server:
    """The same, started."""
    offline.start()
    return offline


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a running cluster: the one of script/test, else one of our own."""
    given = os.environ.get("KALAN_TEST_POSTGRESQL")
    if given:
        yield given
        return
    with postgres.cluster() as url:
        yield url


@pytest.fixture(scope="session")
def blank_postgresql(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A migrated database and its KALAN_HOME, to copy; one for all processes of a cluster."""
    port = urlsplit(postgresql).port
    name = f"blank_{port}"

    def make(home: Path) -> None:
        make_home(home, KALAN_DATABASE_URL=postgres.new_database(postgresql, name))

    return name, made_once(run_folder(tmp_path_factory) / f"blank-home-{port}", make)


@pytest.fixture
def offline_postgresql(
    postgresql: str,
    blank_postgresql: tuple[str, Path],
    tmp_path: Path,
    django_db_blocker: object,
) -> Iterator[Server]:
    """A server on an empty PostgreSQL database of the test's own, not started."""
    template, blank = blank_postgresql
    url = postgres.new_database(postgresql, f"live_{uuid.uuid4().hex}", template=template)
    server = Server(copy_home(blank, tmp_path / "home-postgresql"), KALAN_DATABASE_URL=url)
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield server
        server.stop()


@pytest.fixture
def live_postgresql(offline_postgresql: Server) -> Server:
    """The same, started."""
    offline_postgresql.start()
    return offline_postgresql


def _kind(item: pytest.Item) -> str:
    """The kind under which script/test counts a test."""
    if item.path.is_relative_to(Path(__file__).parent / "permissions"):
        return "permissions"
    if is_hypothesis_test(getattr(item, "obj", None)):  # its marker comes after this is asked
        return "property"
    if "django_assert_num_queries" in getattr(item, "fixturenames", ()):
        return "queries"
    return "unit"


def _reads_data(item: pytest.Item) -> bool:
    """Whether a test goes to the database, and so runs on PostgreSQL too.

    Not who may open what (the same code on both), nor what invents its cases.
    """
    if item.get_closest_marker("one_database"):
        return False
    fixtures = getattr(item, "fixturenames", ())
    reads = item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(fixtures)
    return bool(reads) and _kind(item) not in ("permissions", "property")


# The longest files: begun last, they would leave one processor idle at the end.
LONGEST = ("config/test_demo.py", "permissions/test_urls.py", "people/test_import_processes.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST))
    for item in items:
        item.user_properties.append(("kind", _kind(item)))
        if _reads_data(item):
            item.add_marker(pytest.mark.data)
            if statements.name_of(item) in statements.spared():
                item.add_marker(pytest.mark.spared)


def pytest_configure(config: pytest.Config) -> None:
    folder = os.environ.get("KALAN_TEST_STATEMENTS")
    if folder:
        config.pluginmanager.register(statements.Recorder(Path(folder)))


def pytest_collection_finish() -> None:
    """Leave all that stands by now out of garbage collection: an eighth of the time of tests.

    And look through the rest seldom: another twenty-fifth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


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
