"""Parallel forms: side by side with their equating table, and printed."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render

from kalan.assessment.documents import forms as documents
from kalan.assessment.models import Test
from kalan.assessment.policy import CAPABILITIES
from kalan.assessment.selectors.frozen import frozen_of, stored_of, version_id
from kalan.assessment.selectors.test_pages import shown_frozen
from kalan.assessment.services.paper import Line, lines_of
from kalan.assessment.views.tests import managed_or_404
from kalan.base.errors import Refused
from kalan.base.exports import name_file
from kalan.engine.testing.frozen import Frozen, Stage
from kalan.engine.testing.outcome import scaled
from kalan.people.http import ActorRequest, staff
from kalan.skills.play import markup

EDIT = CAPABILITIES["tests.edit"]


def _stages(test: Test) -> tuple[int, Frozen, list[Stage]]:
    row = shown_frozen(test)
    frozen = frozen_of(row.pk) if row else None
    found = [stage for stage in frozen.stages if stage.forms] if frozen else []
    if row is None or frozen is None or not found:
        raise Http404("no form")
    return row.pk, frozen, found


@staff(EDIT)
def tests_forms(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The forms side by side, and what a sum of points is worth in each."""
    test = managed_or_404(request, uid, "tests.edit")
    pk, frozen, stages = _stages(test)
    letters = [chr(ord("A") + n) for n in range(len(stages[0].forms))]
    context = {
        "test": test,
        "letters": letters,
        "printable": len(stages) == 1,
        "stages": [
            {
                "title": stage.title if len(stages) > 1 else "",
                "rows": [
                    (n + 1, [_cell(frozen, pk, form, n) for form in stage.forms])
                    for n in range(stage.longest)
                ],
                "sums": _sums(stage),
            }
            for stage in stages
        ],
    }
    return render(request, "assessment/tests/forms.html", context)


def _cell(frozen: Frozen, pk: int, form: tuple[int, ...], n: int) -> dict[str, Any] | None:
    if n >= len(form):
        return None
    item = frozen.items[form[n]]
    text = stored_of(version_id(pk, form[n])).content["text"]
    names = {domain.code: domain.name for domain in frozen.domains}
    return {
        "code": item.code,
        "text": markup.plain(markup.GAP.sub(" … ", text)),
        "domain": names[item.domain],
        "place": item.place,
        "provisional": item.provisional,
    }


def _sums(stage: Stage) -> list[tuple[int, list[dict[str, Any] | None]]]:
    """Sum of points → for each form its score, error, and the sum of form A worth as much."""
    most = max(len(table) for table in stage.tables)
    return [
        (
            total,
            [
                {
                    "score": scaled(table[total].theta),
                    "error": round(100 * table[total].sd),
                    "same": table[total].equivalent,
                }
                if total < len(table)
                else None
                for table in stage.tables
            ],
        )
        for total in range(most)
    ]


def _lines(request: ActorRequest, uid: uuid.UUID, form: str) -> tuple[Test, list[Line]]:
    test = managed_or_404(request, uid, "tests.edit")
    pk, _, stages = _stages(test)
    if len(form) != 1 or not "A" <= form <= "Z" or len(stages) > 1:
        raise Http404("no such form")
    try:
        return test, lines_of(pk, ord(form) - ord("A"))
    except Refused as refused:
        raise Http404("no such form") from refused


@staff(EDIT)
def tests_paper(request: ActorRequest, uid: uuid.UUID, form: str) -> HttpResponseBase:
    """A form to print, with its answer sheet; ``?grand=1`` in large print."""
    test, lines = _lines(request, uid, form)
    body = documents.form_pdf(test, form, lines, large="grand" in request.GET)
    return _pdf(body, f"{test.code}-{form}")


@staff(EDIT)
def tests_key(request: ActorRequest, uid: uuid.UUID, form: str) -> HttpResponseBase:
    """The key of a form, for the one who corrects."""
    test, lines = _lines(request, uid, form)
    return _pdf(documents.key_pdf(test, form, lines), f"{test.code}-{form}-corrige")


def _pdf(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type="application/pdf")
    name_file(response, f"{name}.pdf", attachment=False)
    return response
