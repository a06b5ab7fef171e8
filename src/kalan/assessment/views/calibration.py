"""Calibration runs: list, start, follow, look, adopt, and what follows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from kalan.assessment.forms.calibration import LineFilters, RunForm
from kalan.assessment.models import CalibrationRun, Test
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors import calibration as selectors
from kalan.assessment.services import adoption, counting, following
from kalan.assessment.services import calibration as services
from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import Cell, table_response
from kalan.base.lists import paginate
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.skills.models import ItemBank

VIEW, RUN = CAPABILITIES["calibration.view"], CAPABILITIES["calibration.run"]
ADOPT = CAPABILITIES["calibration.adopt"]
State = CalibrationRun.State


def _run(
    request: ActorRequest, uid: uuid.UUID, capability: str = "calibration.view"
) -> CalibrationRun:
    return get_object_or_404(selectors.runs_visible_to(request.actor, capability), uid=uid)


@staff(VIEW)
def calibration_list(request: ActorRequest) -> HttpResponseBase:
    runs = selectors.runs_visible_to(request.actor)
    if fmt := request.GET.get("format"):
        headers = ["Lancé le", "Banque", "État", "Réponses", "Personnes", "Simulé", "Par"]
        rows: Iterable[Sequence[Cell]] = (
            [run.created_at, run.bank.name, run.get_state_display(), run.answers, run.persons,
             run.simulated, run.created_by.display_name if run.created_by else ""]
            for run in runs.order_by("-created_at", "-pk").iterator(chunk_size=500)
        )  # fmt: skip
        return table_response("calibrages", headers, rows, fmt)
    page = paginate(runs, request, order=("-created_at", "-pk"))
    context = {
        "page": page,
        "may_run": request.actor.can(RUN),
        "banks": selectors.banks_to_calibrate(request.actor)[:20],
    }
    return render(request, "assessment/calibration/list.html", context)


@staff(RUN)
def calibration_new(request: ActorRequest) -> HttpResponseBase:
    initial = {"bank": request.GET.get("banque", "")}
    form = RunForm(request.POST or None, actor=request.actor, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            run = services.start(actor=request.actor, now=clock.now(), **form.options())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return redirect("calibration-detail", uid=run.uid)
    status = 422 if form.errors else 200
    return render(request, "assessment/calibration/new.html", {"form": form}, status=status)


@staff(VIEW)
def calibration_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    run = _run(request, uid)
    context = {
        "run": run,
        "may_adopt": selectors.may(request.actor, "calibration.adopt", run),
        "may_run": selectors.may(request.actor, "calibration.run", run),
    }
    if run.state in services.GOING:
        job = run.job
        done, total = (job.done, job.total) if job else (0, 0)
        context |= {"of": total, "percent": min(100, done * 100 // max(total, 1))}
        return render(request, "assessment/calibration/progress.html", context)
    filters = LineFilters(request.GET or None)
    asked = filters.cleaned_data if filters.is_bound and filters.is_valid() else {}
    rows = selectors.lines_of(run, flag=asked.get("flag", ""), q=asked.get("q", ""))
    if fmt := request.GET.get("format"):
        ordered = rows.order_by("version__item__code", "pk")
        return _lines_file(run, [selectors.shown(line) for line in ordered], fmt)
    page = paginate(rows, request, order=("version__item__code", "pk"), size=100)
    context |= {
        "summary": selectors.summary(run),
        "page": page,
        "lines": [selectors.shown(line) for line in page.rows],
        "filters": filters,
        "chart": selectors.picture(run),
        "follows": selectors.tests_after(run),
    }
    return render(request, "assessment/calibration/detail.html", context)


def _lines_file(run: CalibrationRun, lines: list[selectors.Shown], fmt: str) -> HttpResponse:
    headers = ["Question", "Domaine", "Modèle", "Réponses", "Pente avant", "Difficulté avant",
               "Pente", "Marge de la pente", "Difficulté", "Marge de la difficulté", "Hasard",
               "Écart au modèle", "Signalements", "Adoptée"]  # fmt: skip
    rows = (
        [one.item.code, one.item.domain.name, one.line.after["model"], one.line.answers,
         one.before[0], one.before[1], one.after[0], one.margins[0], one.after[1],
         one.margins[1], one.after[2], one.line.after.get("rmsd"),
         ", ".join(label for _, label in one.flags), one.line.adopted]
        for one in lines
    )  # fmt: skip
    return table_response(f"calibrage-{run.bank.code}", headers, rows, fmt)


@staff(ADOPT)
def calibration_adopt(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Ask once more, saying how many; then adopt all, those past the gate, or those ticked."""
    run = _run(request, uid, "calibration.adopt")
    sent = request.POST if request.method == "POST" else request.GET
    choice = sent.get("choix", "gate")
    ticked = [one for one in map(_uuid, sent.getlist("question")) if one is not None]
    summary = selectors.summary(run)
    number = {"all": summary.adoptable, "gate": summary.gate}.get(choice, len(ticked))
    if request.method == "POST" and "confirme" in request.POST:
        what: adoption.Choice | list[uuid.UUID] = ticked
        if choice in ("all", "gate"):
            what = "all" if choice == "all" else "gate"
        try:
            adopted = adoption.adopt(actor=request.actor, run=run, now=clock.now(), choice=what)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, f"Questions dont le calibrage est adopté : {adopted}.")
        return redirect("calibration-detail", uid=uid)
    context = {
        "run": run,
        "number": number,
        "choice": choice,
        "ticked": ticked,
        "left": summary.lines - number,
        "gone": run.state != State.READY,
    }
    return render(request, "assessment/calibration/adopt.html", context)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@staff(RUN)
def calibration_discard(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    run = _run(request, uid, "calibration.run")
    going = run.state in services.GOING
    if request.method == "POST":
        try:
            services.discard(actor=request.actor, run=run, now=clock.now())
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "Le calibrage est écarté ; rien n’est modifié.")
        return redirect("calibration-detail", uid=uid)
    context = {
        "title": "Abandonner le calcul" if going else "Écarter ce calibrage",
        "message": "Les paramètres trouvés ne serviront pas. Ceux d’aujourd’hui restent.",
        "confirm_label": "Abandonner" if going else "Écarter",
        "cancel_url": reverse("calibration-detail", kwargs={"uid": uid}),
    }
    return render(request, "web/_confirm.html", context)


def _test(request: ActorRequest, run: CalibrationRun, test: uuid.UUID) -> Test:
    return get_object_or_404(selectors.test_of(run, test).select_related("node"))


@staff(ADOPT)
def calibration_refreeze(
    request: ActorRequest, uid: uuid.UUID, test: uuid.UUID
) -> HttpResponseBase:
    return _follow(
        request,
        uid,
        test,
        following.start_refreeze,
        "Figer de nouveau",
        "Les passations qui commencent ensuite suivront les questions et les calibrages "
        "d’aujourd’hui. Celles qui sont commencées ou terminées ne changent pas.",
    )


@staff(ADOPT)
def calibration_rescore(request: ActorRequest, uid: uuid.UUID, test: uuid.UUID) -> HttpResponseBase:
    return _follow(
        request,
        uid,
        test,
        following.start_rescore,
        "Noter de nouveau",
        "Les passations terminées de ce test reçoivent un résultat de plus, avec les paramètres "
        "adoptés. L’ancien est gardé, mais n’est plus celui qu’on montre.",
    )


def _follow(
    request: ActorRequest,
    uid: uuid.UUID,
    test: uuid.UUID,
    start: following.Start,
    title: str,
    message: str,
) -> HttpResponseBase:
    run = _run(request, uid, "calibration.adopt")
    row = _test(request, run, test)
    if request.method == "POST":
        try:
            start(actor=request.actor, run=run, test=row, now=clock.now())
        except ObjectDoesNotExist as error:
            raise Http404 from error
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "C’est en route ; vous pouvez quitter cette page.")
        return redirect("calibration-detail", uid=uid)
    context = {
        "title": f"{title} : {row.title}",
        "message": message,
        "confirm_label": title,
        "danger": False,
        "cancel_url": reverse("calibration-detail", kwargs={"uid": uid}),
    }
    return render(request, "web/_confirm.html", context)


@require_POST
@staff(RUN)
def calibration_count(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """Count anew what was seen of the questions of a bank."""
    banks = selectors.banks_to_calibrate(request.actor)
    bank: ItemBank = get_object_or_404(banks, uid=uid)
    counting.start_count(actor=request.actor, bank=bank, now=clock.now())
    messages.success(request, f"Comptage de « {bank.name} » en route : une minute au plus.")
    return redirect("calibration-list")
