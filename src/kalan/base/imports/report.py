"""The report of an import as a workbook: what each row gives, and why."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File

from kalan.base import clock
from kalan.base.exports import DEMO_NOTICE, neutral
from kalan.base.files import store
from kalan.base.imports import registry
from kalan.base.models import ImportRow, ImportRun

HEADERS = ("Ligne", "Résultat", "Fiche", "Colonne", "Dans le fichier ou avant", "Après", "Motif",
           "Remède")  # fmt: skip
_ORDER = ("refused", "doubt", "changed", "new", "same")
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def build(run_id: int) -> None:
    """Write the report of a checked or applied run and tie it to the run."""
    run = ImportRun.objects.select_related("file", "created_by").get(pk=run_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rapport.xlsx"
        write(run, path)
        with path.open("rb") as file:
            stored = store(
                content=File(file, name="rapport.xlsx"),
                name=f"rapport-import-{run.kind}-{run.created_at:%Y-%m-%d}.xlsx",
                kind="report",
                by=run.created_by,
                now=clock.now(),
                content_type=_TYPE,
            )
    ImportRun.objects.filter(pk=run_id).update(report=stored)


def write(run: ImportRun, path: Path) -> None:
    import xlsxwriter  # only here: a tenth of what a start of the program imports

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False})
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF1"})
    quoted = book.add_format({"quote_prefix": True})  # stays text when somebody edits the cell
    _summary(run, book.add_worksheet("Résumé"), bold)
    sheet = book.add_worksheet("Lignes")
    sheet.freeze_panes(1, 0)
    for column, (title, width) in enumerate(
        zip(HEADERS, (8, 18, 40, 22, 30, 30, 60, 50), strict=True)
    ):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, title, bold)
    for number, cells in enumerate(_lines(run), start=1):
        sheet.write_number(number, 0, cells[0])
        for column, cell in enumerate(cells[1:], start=1):
            if cell:
                text = str(cell)
                style = quoted if neutral(text) != text else None
                sheet.write_string(number, column, text, style)
    book.close()


def _summary(run: ImportRun, sheet: Any, bold: Any) -> None:
    kind = registry.get(run.kind)
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 50)
    lines: list[tuple[str, str | int]] = [
        ("Import", kind.label if kind else run.kind),
        ("Fichier", run.file.name if run.file else ""),
        ("État", run.get_state_display()),
    ]
    lines += [(label, run.counts[key]) for key, label in COUNT_LABELS.items() if key in run.counts]
    for row, (label, value) in enumerate(lines):
        sheet.write_string(row, 0, label, bold)
        if isinstance(value, int):
            sheet.write_number(row, 1, value)
        else:
            sheet.write_string(row, 1, str(neutral(value)))
    if settings.KALAN_DEMO:
        sheet.write_string(len(lines) + 1, 0, DEMO_NOTICE)


COUNT_LABELS = {
    "total": "Lignes lues",
    "new": "Nouvelles",
    "changed": "Modifiées",
    "same": "Inchangées",
    "doubt": "Doublons possibles",
    "refused": "Refusées",
    "created": "Fiches créées",
    "updated": "Fiches mises à jour",
    "stale": "À revoir : fiche changée depuis la vérification",
    "undecided": "Doublons possibles sans décision (rien n’est fait)",
    "skipped": "Lignes ignorées par décision",
}


def _lines(run: ImportRun) -> Iterator[tuple[Any, ...]]:
    for verdict in _ORDER:
        rows = run.rows.filter(verdict=verdict).order_by("number")
        bare = verdict in ("new", "same")
        fields = ("number", "action", "label", "decision") + (() if bare else ("detail",))
        for values in rows.values_list(*fields).iterator(chunk_size=2000):
            number, action, label, decision = values[:4]
            outcome = outcome_of(run, verdict, action, decision)
            if bare:
                yield number, outcome, label
            else:
                yield from _detailed(number, outcome, label, values[4])


def _detailed(number: int, outcome: str, label: str, detail: dict[str, Any]) -> Iterable[Any]:
    for problem in detail.get("problems", []):
        yield (number, outcome, label, problem["column"], problem["value"], "", problem["reason"],
               problem["remedy"])  # fmt: skip
    for name, before, after in detail.get("changes", []):
        yield number, outcome, label, name, before, after
    for candidate in detail.get("candidates", []):
        why = ", ".join(candidate.get("why", []))
        yield number, outcome, label, "", "", candidate["label"], why
    if detail.get("note"):
        yield number, outcome, label, "", "", "", detail["note"]


def outcome_of(run: ImportRun, verdict: str, action: str, decision: str) -> str:
    """What a row gives, in words: proposed before the merge, done after it."""
    if action == ImportRow.Action.STALE:
        return "à revoir"
    if verdict == ImportRow.Verdict.DOUBT:
        words = {"create": "à créer", "update": "à mettre à jour"}
        done = {"create": "créé", "update": "mis à jour"}
        if action in words:
            return done[action] if run.state == ImportRun.State.APPLIED else words[action]
        return "ignoré" if decision == "skip" else "inchangé" if decision else "à décider"
    if run.state == ImportRun.State.APPLIED and action:
        return "créé" if action == ImportRow.Action.CREATE else "mis à jour"
    return str(ImportRow.Verdict(verdict).label)
