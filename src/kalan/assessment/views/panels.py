"""The cut of a test: panels, the Angoff sheet keyed in, imported, printed, adopted."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from kalan.assessment.documents import papers
from kalan.assessment.forms.exams import JudgeForm, PanelForm, RatingsFileForm
from kalan.assessment.models import CutPanel, Test
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors.panels import Sheet, panels_of, sheet
from kalan.assessment.selectors.tests import visible_tests
from kalan.assessment.services import panels as services
from kalan.assessment.views.exams import pdf_response
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, table_response
from kalan.base.uploads import explain_size
from kalan.people.double import once
from kalan.people.http import ActorRequest, show_refusal, staff

EDIT = CAPABILITIES["panels.edit"]
ADOPT = CAPABILITIES["exams.jury"]


def _test(request: ActorRequest, uid: uuid.UUID) -> Test:
    rows = visible_tests(request.actor, "panels.edit").filter(purpose=Test.Purpose.CERTIFICATION)
    return get_object_or_404(rows.select_related("node"), uid=uid)


def _panel(request: ActorRequest, uid: uuid.UUID, capability: str = "panels.edit") -> CutPanel:
    tests = visible_tests(request.actor, capability).values("pk")
    rows = CutPanel.objects.filter(test__in=tests).select_related("test__node", "adopted_by")
    return get_object_or_404(rows, uid=uid)


@staff(EDIT)
@once
def panel_list(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The cut of a test, its panels past and open; a new one."""
    test = _test(request, uid)
    form = PanelForm(request.POST or None, initial={"name": f"Panel du {clock.today():%d/%m/%Y}"})
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        try:
            made = services.create(
                actor=request.actor,
                test=test,
                name=wanted["name"],
                judges=wanted["judges"].splitlines(),
                count=wanted["count"],
                now=clock.now(),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("panel-sheet", uid=made.uid)
    context = {"test": test, "panels": panels_of(test), "form": form}
    return render(request, "assessment/exams/panels.html", context)


@staff(EDIT)
def panel_sheet(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The grid: items down, judges across; what is typed in any judge's column is stored."""
    panel = _panel(request, uid)
    found = sheet(panel)
    faults: list[str] = []
    if request.method == "POST":
        try:
            ratings = _typed(request, found)
            number = services.rate(
                actor=request.actor, panel=panel, ratings=ratings, now=clock.now()
            )
        except Refused as refused:
            faults = [str(refused)]
        else:
            messages.success(request, f"Avis enregistrés : {number} changement(s).")
            return redirect("panel-sheet", uid=panel.uid)
    if fmt := request.GET.get("format"):
        return _export(panel, found, fmt)
    context = {
        "panel": panel,
        "sheet": found,
        "rows": [
            (row, [(c, request.POST.get(_name(c.judge.rank, row.rank), shown))
                   for c, shown in zip(found.columns, map(_shown, row.ratings), strict=True)])
            for row in found.rows
        ],
        "faults": faults,
        "judge_form": JudgeForm(),
        "file_form": RatingsFileForm(),
        "may_adopt": request.actor.covers(ADOPT, panel.test.node.path),
    }  # fmt: skip
    return render(request, "assessment/exams/sheet.html", context)


def _name(judge: int, item: int) -> str:
    return f"r{judge}-{item}"


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}".replace(".", ",")


def _typed(request: ActorRequest, found: Sheet) -> dict[tuple[int, int], float | None]:
    """Cells that the form holds; those of a column that was not sent are left alone."""
    cells: dict[tuple[int, int], float | None] = {}
    faults = []
    for column in found.columns:
        for row in found.rows:
            words = request.POST.get(_name(column.judge.rank, row.rank))
            if words is None:
                continue
            try:
                cells[column.judge.rank, row.rank] = services.percent(
                    words, f"{column.judge.name}, question {row.rank}"
                )
            except Refused as wrong:
                faults.append(str(wrong))
    if faults:
        raise Refused("Rien n’a été enregistré. " + " ".join(faults[:10]))
    return cells


def _export(panel: CutPanel, found: Sheet, fmt: str) -> HttpResponseBase:
    heads = ["Question", "Code", "Domaine", *(c.judge.name for c in found.columns), "Moyenne",
             "Écart-type"]  # fmt: skip
    rows: list[list[Cell]] = [
        [row.rank, row.code, row.domain, *row.ratings, _round(row.mean), _round(row.sd)]
        for row in found.rows
    ]
    return table_response(f"seuil-{panel.test.code}", heads, rows, fmt)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


@staff(EDIT)
@require_POST
def panel_judge(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """One more judge."""
    panel = _panel(request, uid)
    try:
        services.add_judge(
            actor=request.actor, panel=panel, name=request.POST.get("name", ""), now=clock.now()
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Juge ajouté.")
    return redirect("panel-sheet", uid=panel.uid)


@staff(EDIT)
@require_POST
def panel_import(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Ratings from a workbook: all of it, or nothing."""
    panel = _panel(request, uid)
    form = RatingsFileForm(request.POST, request.FILES)
    explain_size(request, form, "file")
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors.get("file", ["Fichier attendu."]))))
        return redirect("panel-sheet", uid=panel.uid)
    sent = form.cleaned_data["file"]
    try:
        with tempfile.NamedTemporaryFile(suffix=".table") as kept:
            for chunk in sent.chunks():
                kept.write(chunk)
            kept.flush()
            ratings = services.read_file(panel=panel, path=Path(kept.name), name=sent.name or "")
        number = services.rate(actor=request.actor, panel=panel, ratings=ratings, now=clock.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Import : {len(ratings)} avis lus, {number} changement(s).")
    return redirect("panel-sheet", uid=panel.uid)


@staff(EDIT)
def panel_paper(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The sheet to fill by hand, one for each judge."""
    panel = _panel(request, uid)
    return pdf_response(papers.angoff_pdf(panel), f"feuille-seuil-{panel.test.code}")


@staff(ADOPT)
def panel_adopt(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Make the cut that of the test, once confirmed."""
    panel = _panel(request, uid, "exams.jury")
    if request.method == "POST":
        try:
            services.adopt(actor=request.actor, panel=panel, now=clock.now())
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "Seuil adopté : les jurys à venir décident avec lui.")
        return redirect("panel-list", uid=panel.test.uid)
    found = sheet(panel)
    if found.ready and found.cut is not None:
        message = f"Le seuil de « {panel.test.title} » sera de {found.score} points."
        details = [
            f"Somme attendue au seuil : {found.cut.raw:.1f} sur {found.points} points".replace(
                ".", ","
            ),
            "Ce panel ne changera plus ; les résultats déjà publiés gardent leur seuil.",
            *found.cut.warnings,
        ]
    else:
        message = "Adoption impossible : " + (
            " ; ".join(found.missing) or found.error or "feuille vide"
        )
        details = []
    context = {
        "title": "Adopter ce seuil",
        "message": message,
        "details": details,
        "confirm_label": "Adopter",
        "cancel_url": f"/gestion/seuils/{panel.uid}/",
        "danger": False,
    }
    return render(request, "web/_confirm.html", context)
