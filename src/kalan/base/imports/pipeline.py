"""The road of an import: read and check into staged rows (short batches), then one brief merge.

Killed at any point it leaves all or nothing. Staged rows belong to an *attempt*: a worker taken for
dead that wakes up finds another number in the run and writes nothing more. The merge claims the run
by a conditional update inside its only transaction, so that it happens once.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from kalan.base import clock, jobs
from kalan.base.errors import Refused
from kalan.base.imports import reader, registry, report
from kalan.base.imports.registry import Field, Kind, Row
from kalan.base.imports.values import BadValue, Cell, is_total, text_of
from kalan.base.models import ImportRow, ImportRun

logger = logging.getLogger(__name__)

BATCH = 2_000  # rows per transaction while staging: some tenths of a second

Verdict = ImportRow.Verdict
Action = ImportRow.Action
State = ImportRun.State


class Lost(Exception):  # noqa: N818 - not an error: somebody else has the run now
    """The run was cancelled or restarted meanwhile; stop without a word."""


def kind_of(run: ImportRun) -> Kind:
    kind = registry.get(run.kind)
    if kind is None:
        raise Refused("Ce type d’import n’existe plus.", remedy="Recommencez l’import.")
    return kind


# --- check -----------------------------------------------------------------------------------


def check(run_id: int, *, job_id: int | None = None) -> dict[str, Any]:
    """Read the whole file, give every row a verdict, write the report. Can be run again.

    Writes only staged rows, in transactions of ``BATCH`` rows.
    """
    try:
        run = _claim(run_id, State.CHECKING)
    except Lost:
        return _finish_report(run_id)
    kind = kind_of(run)
    kept = _clear_rows(run)
    started = clock.now()
    counts: Counter[str] = Counter()
    total, rows = _parsed(run, kind)
    checker = kind.checker(run)
    done = 0
    while batch := list(islice(rows, BATCH)):
        checker.check([row for row in batch if not row.problems])
        for row in batch:
            _finish(run, kind, row, kept)
        counts.update(str(row.verdict) for row in batch)
        done += len(batch)
        _store(run, kind, batch, job_id, (done, max(total, done)))
    finished = {verdict: counts.get(verdict, 0) for verdict in Verdict.values}
    finished["total"] = done
    changed = _mine(run).update(
        state=State.CHECKED,
        counts=finished,
        questions=checker.questions(),
        checked_at=started,
        report=None,
        error="",
    )
    if not changed:
        raise Lost
    report.build(run_id)
    return finished


def _claim(run_id: int, state: str) -> ImportRun:
    """Take the run for this attempt: earlier attempts write nothing from here on."""
    if not ImportRun.objects.filter(pk=run_id, state=state).update(attempt=F("attempt") + 1):
        raise Lost
    return ImportRun.objects.select_related("file").get(pk=run_id)


def _mine(run: ImportRun) -> Any:
    return ImportRun.objects.filter(pk=run.pk, state=run.state, attempt=run.attempt)


def _clear_rows(run: ImportRun) -> dict[int, tuple[list[str], str]]:
    """Delete staged rows; return the decisions taken, by row number."""
    decided = run.rows.exclude(decision="").values_list("number", "raw", "decision")
    kept = {number: (raw, decision) for number, raw, decision in decided.iterator()}
    drop_rows(run)
    return kept


def drop_rows(run: ImportRun) -> None:
    """Delete a run's staged rows in short batches."""
    while first := list(run.rows.order_by("number").values_list("pk", flat=True)[:BATCH]):
        ImportRow.objects.filter(pk__in=first).delete()


def source_path(run: ImportRun) -> Path:
    """Where the file lies; refused when retention or erasure took it away."""
    path = Path(run.file.file.path) if run.file is not None and run.file.file else None
    if path is None or not path.exists():
        raise Refused("Le fichier de cet import a été effacé.", remedy="Déposez-le de nouveau.")
    return path


def _parsed(run: ImportRun, kind: Kind) -> tuple[int, Iterator[Row]]:
    total, numbered = reader.read_rows(source_path(run), reader.Source(**run.source))
    fields = {field.name: field for field in kind.fields}
    mapped = [
        (_Parser(fields[name], run.country), column)
        for name, column in run.mapping.items()
        if name in fields
    ]
    width = len(run.columns)

    def parse() -> Iterator[Row]:
        for number, cells in numbered:
            row = Row(number, [text_of(cell)[:500] for cell in cells[:width]])
            if is_total(row.raw):
                row.refuse("", "Cette ligne est un total, pas une fiche.",
                           "Rien à faire : elle n’est pas importée.")  # fmt: skip
                yield row
                continue
            for parser, column in mapped:
                if column < len(row.raw) and row.raw[column]:
                    parser.read(row, cells[column], row.raw[column])
                elif parser.field.required:
                    row.refuse(parser.field.name, "La case est vide.", "Remplissez-la.")
            yield row

    return total, parse()


class _Parser:
    """Parses one column; what is written again and again is parsed once."""

    def __init__(self, field: Field, country: str) -> None:
        self.field = field
        self.country = country
        self._known: dict[str, Any] = {}

    def read(self, row: Row, cell: Cell, text: str) -> None:
        name = self.field.name
        row.written[name] = text[:200]
        is_text = isinstance(cell, str)
        if is_text and text in self._known:
            value = self._known[text]
        else:
            try:
                value = self.field.parse(text if is_text else cell, self.country)
            except BadValue as bad:
                row.refuse(name, bad.reason, bad.remedy)
                return
            if is_text and len(self._known) < 5000:
                self._known[text] = value
        if value not in ("", None):
            row.values[name] = value


def _finish(run: ImportRun, kind: Kind, row: Row, kept: dict[int, tuple[list[str], str]]) -> None:
    """Complete a row with what people will read, and with the decision taken before, if any."""
    if row.problems:
        row.verdict, row.action, row.plan, row.target_id = Verdict.REFUSED, "", {}, None
        row.changes, row.candidates = [], []
        row.detail["problems"] = [
            {**problem, "column": _title(run, kind, problem["column"])} for problem in row.problems
        ]
    if row.changes:
        row.detail["changes"] = row.changes
    if row.verdict == Verdict.DOUBT:
        row.detail |= {"candidates": row.candidates, "plan": row.plan}
        row.plan = {}  # nobody has decided yet
    if row.note:
        row.detail["note"] = row.note
    row.label = (row.label or " ".join(cell for cell in row.raw if cell))[:250]
    before = kept.get(row.number)
    if before and before[0] == row.raw and row.verdict == Verdict.DOUBT:
        decide(row, before[1])


def _title(run: ImportRun, kind: Kind, name: str) -> str:
    """The title of the file's column that holds a field, else the field's own label."""
    column = run.mapping.get(name)
    if isinstance(column, int) and column < len(run.columns):
        return str(run.columns[column])
    return next((field.label for field in kind.fields if field.name == name), "")


_COLUMNS = ("run_id", "number", "raw", "clean", "verdict", "action", "label", "target_id", "uid",
            "plan", "detail", "decision")  # fmt: skip


def _store(run: ImportRun, kind: Kind, rows: list[Row], job_id: int | None, progress: Any) -> None:
    """Write staged rows. Not through objects: they would double the time of the whole check."""
    uid_of = ImportRow._meta.get_field("uid").get_db_prep_value
    values = [
        (
            run.pk,
            row.number,
            _json(row.raw),
            _json({name: row.values[name] for name in kind.person_fields if name in row.values}),
            str(row.verdict),
            str(row.action),
            row.label,
            row.target_id,
            uid_of(row.uid, connection),
            _json(row.plan),
            _json(row.detail),
            row.decision,
        )
        for row in rows
    ]
    places = ", ".join(["%s"] * len(_COLUMNS))
    insert = f"INSERT INTO base_importrow ({', '.join(_COLUMNS)}) VALUES ({places})"  # noqa: S608
    with transaction.atomic():
        if not _mine(run).update(error=""):
            raise Lost
        with connection.cursor() as cursor:
            cursor.executemany(insert, values)
        if job_id is not None:
            jobs.progress(job_id, *progress)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def decide(row: ImportRow | Row, decision: str) -> bool:
    """Set what a person decided for a doubt: "create", "skip", "use:<id>" or "" (not decided).

    Returns False, and changes nothing, when the row has no such choice.
    """
    if row.verdict != Verdict.DOUBT:
        return False
    if decision in ("", "skip"):
        row.action, row.target_id, row.plan = Action.NONE, None, {}
    elif decision == "create":
        row.action, row.target_id, row.plan = Action.CREATE, None, row.detail["plan"]
    else:
        wanted = decision.removeprefix("use:")
        found = [c for c in row.detail.get("candidates", []) if str(c.get("id")) == wanted]
        if not decision.startswith("use:") or not found or found[0].get("blocked"):
            return False
        row.target_id, row.plan = found[0]["id"], found[0].get("plan", {})
        row.action = Action.UPDATE if row.plan else Action.NONE
    row.decision = decision
    return True


# --- apply -----------------------------------------------------------------------------------


def apply(run_id: int, *, job_id: int | None = None) -> dict[str, Any]:
    """Merge what was decided in one transaction, once however often run; write the report."""
    try:
        run = _claim(run_id, State.APPLYING)
    except Lost:
        return _finish_report(run_id)
    kind = kind_of(run)
    if job_id is not None:
        jobs.progress(job_id, 0, 1)
    try:
        held = _merge(run, kind)
    except IntegrityError as error:
        logger.warning("import %s: merge refused by the database: %s", run.uid, error)
        raise Refused(
            "Une fiche a changé pendant l’application ; rien n’est modifié.",
            remedy="Relancez la vérification, puis appliquez.",
        ) from error
    logger.info("import %s merged, write lock held %.2f s", run.uid, held)
    if job_id is not None:
        jobs.progress(job_id, 1, 1)
    return _finish_report(run_id)


def _finish_report(run_id: int) -> dict[str, Any]:
    run = ImportRun.objects.get(pk=run_id)
    if run.state in (State.CHECKED, State.APPLIED) and run.report_id is None:
        report.build(run_id)
    return dict(run.counts)


def _merge(run: ImportRun, kind: Kind) -> float:
    """The one transaction. Returns how long it held the write lock, in seconds."""
    with transaction.atomic():
        now = clock.now()
        if not _mine(run).update(state=State.APPLIED, applied_at=now, report=None):
            raise Lost
        started = time.monotonic()  # on SQLite the lock is held from here (and waited for before)
        kind.merge(run, now=now)
        counts = _applied_counts(run)
        ImportRun.objects.filter(pk=run.pk).update(counts=counts, error="")
        LogEntry.objects.create(
            content_type=ContentType.objects.get_for_model(ImportRun),
            object_pk=str(run.pk),
            object_id=run.pk,
            object_repr=f"Import : {kind.label}",
            action=LogEntry.Action.UPDATE,
            changes={},
            actor_id=run.applied_by_id,
            timestamp=now,
            additional_data={"text": "Import appliqué", "import": str(run.uid), **counts},
        )
    return time.monotonic() - started


def _applied_counts(run: ImportRun) -> dict[str, Any]:
    counts: dict[str, Any] = dict(run.counts)
    actions = Counter(run.rows.exclude(action="").values_list("action", flat=True))
    counts |= {
        "created": actions.get(Action.CREATE, 0),
        "updated": actions.get(Action.UPDATE, 0),
        "stale": actions.get(Action.STALE, 0),
        "undecided": run.rows.filter(verdict=Verdict.DOUBT, decision="").count(),
        "skipped": run.rows.filter(verdict=Verdict.DOUBT, decision="skip").count(),
    }
    return counts


def fail(run_id: int, error: str) -> None:
    """Say that the check or the merge failed for good; nothing was modified."""
    ImportRun.objects.filter(pk=run_id, state__in=[State.CHECKING, State.APPLYING]).update(
        state=State.FAILED, error=error, attempt=F("attempt") + 1
    )


def source_of(inspection: reader.Inspection) -> dict[str, Any]:
    return asdict(inspection.source)
