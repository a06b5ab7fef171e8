"""Imports: deposit a file, tie its columns, look at the differences, decide, apply."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.imports import pipeline, template
from kalan.base.imports.report import COUNT_LABELS, outcome_of
from kalan.base.lists import paginate
from kalan.base.models import ImportRow, ImportRun
from kalan.base.uploads import META_KEY
from kalan.people.forms.imports import (
    ColumnsForm,
    NamesForm,
    SourceForm,
    UploadForm,
    decision_field,
)
from kalan.people.http import ActorRequest, show_refusal, signed_in
from kalan.people.selectors import imports as selectors
from kalan.people.services import imports as services

State = ImportRun.State
TABS = {
    "new": "Nouvelles",
    "changed": "Modifiées",
    "doubt": "Doublons possibles",
    "refused": "Refusées",
    "same": "Inchangées",
    "stale": "À revoir",
}


def _door(request: ActorRequest) -> None:
    """404 for whoever may import nothing. Kinds come from every room, so their roles are asked
    for at each request."""
    if not request.actor.can(selectors.any_role()):
        raise Http404


@signed_in
def import_list(request: ActorRequest) -> HttpResponseBase:
    _door(request)
    runs = selectors.runs_visible_to(request.actor)
    if fmt := request.GET.get("format"):
        headers = ["Déposé le", "Type", "Fichier", "État", "Par", *COUNT_LABELS.values()]
        rows = (
            [
                run.created_at,
                pipeline.kind_of(run).label,
                run.file.name if run.file else "",
                run.get_state_display(),
                run.created_by.display_name if run.created_by else "",
                *(run.counts.get(key) for key in COUNT_LABELS),
            ]
            for run in runs.order_by("-created_at", "-pk").iterator()
        )
        return table_response("imports", headers, rows, fmt)
    page = paginate(runs, request, order=("-created_at", "-pk"))
    rows_shown = [(run, pipeline.kind_of(run)) for run in page.rows]
    return render(request, "people/imports/list.html", {"page": page, "rows": rows_shown})


@signed_in
def import_new(request: ActorRequest) -> HttpResponseBase:
    _door(request)
    kinds = selectors.kinds_for(request.actor)
    return render(request, "people/imports/new.html", {"kinds": kinds})


@signed_in
def import_template(request: ActorRequest, code: str) -> HttpResponseBase:
    kind = selectors.kind_for(request.actor, code)
    response = HttpResponse(template.workbook(kind), content_type=template.CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="modele-{kind.code}.xlsx"'
    return response


@signed_in
def import_upload(request: ActorRequest, code: str) -> HttpResponseBase:
    kind = selectors.kind_for(request.actor, code)
    form = UploadForm()
    if request.method == "POST":
        files = request.FILES  # read first: the handlers mark the request while it arrives
        form = UploadForm(request.POST, files, too_large=bool(request.META.get(META_KEY)))
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                run = services.deposit(
                    actor=request.actor, now=clock.now(), kind=kind, content=file, name=file.name
                )
            except Refused as refused:
                show_refusal(form, refused)
            else:
                return redirect("import-columns", uid=run.uid)
    status = 422 if form.errors else 200
    context = {"form": form, "kind": kind}
    return render(request, "people/imports/upload.html", context, status=status)


@signed_in
def import_columns(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    run = selectors.run_for(request.actor, uid)
    if run.state not in (State.UPLOADED, State.CHECKED, State.FAILED):
        return redirect("import-detail", uid=uid)
    kind = pipeline.kind_of(run)
    try:
        inspection = services.inspect(actor=request.actor, run=run)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("import-list")
    source, form = SourceForm(inspection), ColumnsForm(kind, run)
    if request.method == "POST" and "header_row" in request.POST:
        source = SourceForm(inspection, request.POST)
        if source.is_valid():
            services.look_again(
                actor=request.actor,
                now=clock.now(),
                run=run,
                sheet=source.cleaned_data.get("sheet"),
                header_row=source.cleaned_data["header_row"],
            )
            return redirect("import-columns", uid=uid)
    elif request.method == "POST":
        form = ColumnsForm(kind, run, request.POST)
        if form.is_valid():
            try:
                services.start_check(
                    actor=request.actor,
                    now=clock.now(),
                    run=run,
                    mapping=form.mapping(),
                    options=form.options(),
                )
            except Refused as refused:
                refused.field = f"o-{refused.field}" if refused.field else None
                show_refusal(form, refused)
            else:
                return redirect("import-detail", uid=uid)
    context = {
        "run": run,
        "kind": kind,
        "form": form,
        "source": source,
        "headers": inspection.headers,
        "sample": [row[: len(inspection.headers)] for row in inspection.sample],
    }
    status = 422 if form.errors or source.errors else 200
    return render(request, "people/imports/columns.html", context, status=status)


@signed_in
def import_detail(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    run = selectors.run_for(request.actor, uid)
    if run.state == State.UPLOADED:
        return redirect("import-columns", uid=uid)
    context = _context(run)
    if run.state in (State.CHECKING, State.APPLYING):
        job = run.job
        done, total = (job.done, job.total) if job else (0, 0)
        context |= {"done": done, "of": total, "percent": min(100, done * 100 // max(total, 1))}
        return render(request, "people/imports/progress.html", context)
    return render(request, "people/imports/detail.html", context)


def _context(run: ImportRun) -> dict[str, object]:
    counts = [(key, label, run.counts[key]) for key, label in COUNT_LABELS.items()
              if key in run.counts]  # fmt: skip
    return {
        "run": run,
        "kind": pipeline.kind_of(run),
        "tabs": [
            (verdict, label, run.counts.get(verdict, 0))
            for verdict, label in TABS.items()
            if run.counts.get(verdict)
        ],
        "outcome": [(label, n) for key, label, n in counts if key not in TABS or key == "stale"],
        "to_write": run.counts.get("new", 0) + run.counts.get("changed", 0),
    }


@signed_in
def import_rows(request: ActorRequest, uid: UUID, verdict: str) -> HttpResponseBase:
    run = selectors.run_for(request.actor, uid)
    if verdict not in TABS:
        raise Http404
    rows = selectors.rows_of(run, verdict)
    if fmt := request.GET.get("format"):
        return _rows_file(run, verdict, fmt)
    page = paginate(rows, request, order=("number",))
    kind = pipeline.kind_of(run)
    deciding = verdict == "doubt" and run.state == State.CHECKED
    shown = [
        {
            "row": row,
            "outcome": outcome_of(run, row.verdict, row.action, row.decision),
            "choice": decision_field(row, kind) if deciding else "",
        }
        for row in page.rows
    ]
    context = _context(run) | {
        "verdict": verdict,
        "title": TABS[verdict],
        "page": page,
        "rows": shown,
        "deciding": deciding,
    }
    return render(request, "people/imports/rows.html", context)


def _rows_file(run: ImportRun, verdict: str, fmt: str) -> HttpResponse:
    """The rows as they came, with what is said of them: refused rows can be mended and sent
    again."""
    headers = ["Ligne", *run.columns, "Résultat", "Motif", "Remède"]
    width = len(run.columns)

    def lines(row: ImportRow) -> list[str | int]:
        raw = [*row.raw, *[""] * (width - len(row.raw))]
        problems = row.detail.get("problems", [])
        reasons = [f"{p['column']} : {p['reason']}" if p["column"] else p["reason"]
                   for p in problems]  # fmt: skip
        reasons += [f"{name} : {old} → {new}" for name, old, new in row.detail.get("changes", [])]
        reasons += [
            f"{c['label']} ({', '.join(c['why'])})" for c in row.detail.get("candidates", [])
        ]
        outcome = outcome_of(run, row.verdict, row.action, row.decision)
        remedies = [p["remedy"] for p in problems if p["remedy"]]
        return [row.number, *raw, outcome, " ; ".join(reasons), " ; ".join(remedies)]

    rows = selectors.rows_of(run, verdict).order_by("number")
    table = (lines(row) for row in rows.iterator(chunk_size=1000))
    return table_response(f"import-{verdict}", headers, table, fmt)


@signed_in
def import_names(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    run = selectors.run_for(request.actor, uid)
    if run.state != State.CHECKED or not run.questions:
        return redirect("import-detail", uid=uid)
    form = NamesForm(run)
    if request.method == "POST":
        form = NamesForm(run, request.POST)
        if form.is_valid():
            try:
                number = services.answer_names(
                    actor=request.actor, now=clock.now(), run=run, answers=form.answers()
                )
            except Refused as refused:
                show_refusal(form, refused)
            else:
                said = "1 nom noté" if number == 1 else f"{number} noms notés"
                messages.success(request, f"{said} ; le fichier est revérifié.")
                return redirect("import-detail", uid=uid)
    context = _context(run) | {"form": form, "number": len(run.questions)}
    return render(request, "people/imports/names.html", context, status=422 if form.errors else 200)


@require_POST
@signed_in
def import_decide(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Decisions of one page of doubts, or one for all that are left."""
    run = selectors.run_for(request.actor, uid)
    everything = request.POST.get("all", "")
    try:
        if everything in ("create", "skip", "first"):
            number = services.decide_all(
                actor=request.actor, now=clock.now(), run=run, decision=everything
            )
        else:
            decisions = {
                int(name[2:]): str(value)
                for name, value in request.POST.items()
                if name.startswith("d-") and name[2:].isdigit()
            }
            number = services.decide(
                actor=request.actor, now=clock.now(), run=run, decisions=decisions
            )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        said = "1 décision enregistrée" if number == 1 else f"{number} décisions enregistrées"
        messages.success(request, f"{said}.")
    return redirect(
        reverse("import-rows", kwargs={"uid": uid, "verdict": "doubt"})
        + ("?" + request.GET.urlencode() if request.GET else "")
    )


@signed_in
def import_apply(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    """Ask once more, then merge in the background."""
    run = selectors.run_for(request.actor, uid)
    if run.state != State.CHECKED:
        return redirect("import-detail", uid=uid)
    decided = run.rows.filter(verdict="doubt").exclude(decision="").count()
    details = [
        f"{label} : {run.counts.get(key, 0)}"
        for key, label in (("new", "fiches à créer"), ("changed", "fiches à mettre à jour"),
                           ("refused", "lignes refusées, laissées de côté"))
    ]  # fmt: skip
    if doubts := run.counts.get("doubt", 0):
        details.append(
            f"doublons possibles : {doubts}, dont {decided} décidés ; les autres ne sont pas écrits"
        )
    if request.method == "POST":
        return _do(request, uid, services.start_apply, "")
    return _confirm(
        request,
        run,
        title="Appliquer l’import",
        message="L’import est écrit d’un seul tenant, ou pas du tout. Les fiches changées depuis "
        "la vérification sont laissées de côté et signalées.",
        details=details,
        confirm_label="Appliquer",
        danger=False,
    )


@signed_in
def import_cancel(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    run = selectors.run_for(request.actor, uid)
    if request.method == "POST":
        return _do(request, uid, services.cancel, "L’import est abandonné ; rien n’est modifié.")
    return _confirm(
        request,
        run,
        title="Abandonner l’import",
        message="Les lignes lues et les décisions prises seront effacées. Aucune fiche n’est "
        "modifiée.",
        confirm_label="Abandonner",
    )


@require_POST
@signed_in
def import_recheck(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    selectors.run_for(request.actor, uid)
    return _do(request, uid, services.recheck, "")


def _do(request: ActorRequest, uid: UUID, service: services.Step, said: str) -> HttpResponseBase:
    run = selectors.run_for(request.actor, uid)
    try:
        service(actor=request.actor, now=clock.now(), run=run)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        if said:
            messages.success(request, said)
    return redirect("import-detail", uid=uid)


def _confirm(request: ActorRequest, run: ImportRun, **context: object) -> HttpResponse:
    context["cancel_url"] = reverse("import-detail", kwargs={"uid": run.uid})
    return render(request, "web/_confirm.html", context)


@signed_in
def import_report(request: ActorRequest, uid: UUID) -> HttpResponseBase:
    run = selectors.run_for(request.actor, uid)
    if run.report is None or not run.report.file:
        raise Http404
    return FileResponse(
        run.report.file.open("rb"),
        as_attachment=True,
        filename=run.report.name,
        content_type=run.report.content_type,
    )
