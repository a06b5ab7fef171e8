"""Make the tables of an empty database without drawing every neighbouring model anew each time.

After each operation of a migration Django builds again all models that can be reached from the
one that changed, and nearly all can be reached: 14 000 classes for 430 operations, four fifths of
the time a first start takes. Where a migration only adds (tables, columns, indexes, constraints)
the changed model alone is enough; before any other migration all are drawn afresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel, Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

ADDS = {CreateModel, AddField, AddIndex, AddConstraint}


def is_empty() -> bool:
    """Whether no migration has been run on the database yet."""
    return not MigrationRecorder(connection).has_table()


@contextmanager
def drawing_little() -> Iterator[None]:
    """While it lasts, migrations that only add draw only the model they change.

    For an empty database: what a neighbour looks like matters where rows or columns are changed.
    """
    apply, neighbours = Migration.apply, ProjectState._find_reload_model  # type: ignore[attr-defined]
    only_adds = False
    stale = False

    def one_alone(
        state: ProjectState, app_label: str, model_name: str, delay: bool = False
    ) -> set[tuple[str, str]]:
        nonlocal stale
        if not only_adds:
            found: set[tuple[str, str]] = neighbours(state, app_label, model_name, delay)
            return found
        state.is_delayed = stale = True  # Django then draws all again before it shows them
        return {(app_label, model_name)}

    def applied(
        migration: Migration, project_state: ProjectState, *arguments: Any, **options: Any
    ) -> ProjectState:
        nonlocal only_adds, stale
        only_adds = {type(operation) for operation in migration.operations} <= ADDS
        if stale and not only_adds:
            project_state.clear_delayed_apps_cache()
            _ = project_state.apps
            stale = False
        return apply(migration, project_state, *arguments, **options)

    Migration.apply = applied  # type: ignore[method-assign,assignment]
    ProjectState._find_reload_model = one_alone  # type: ignore[attr-defined]
    try:
        yield
    finally:
        Migration.apply = apply  # type: ignore[method-assign]
        ProjectState._find_reload_model = neighbours  # type: ignore[attr-defined]
