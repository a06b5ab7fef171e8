"""Questions: the list, the page of one, and what is done to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import table_response
from kalan.base.figures import Chart, ChartRow, Line, line_chart, number, series_legend
from kalan.base.lists import paginate
from kalan.base.text import fold
from kalan.people.http import ActorRequest, attempt, posted, show_refusal, staff
from kalan.people.models import Account
from kalan.skills.forms.items import ItemFilters, RetireForm, ReviewForm
from kalan.skills.models import Item, ItemCalibration, ItemMedia, ItemReview, ItemStatistics
from kalan.skills.play import markup, show
from kalan.skills.play.grade import ideal
from kalan.skills.policy import CAPABILITIES
from kalan.skills.selectors import item_page as pages
from kalan.skills.selectors.items import items_visible_to
from kalan.skills.services import items as services
from kalan.skills.services import reviews
from kalan.skills.services.exports import FORMATS
from kalan.skills.views.common import item_or_404

VIEW = CAPABILITIES["items.view"]
_GATE = ItemCalibration.GATE


def listed(request: ActorRequest) -> tuple[ItemFilters, QuerySet[Item]]:
    """The filters as sent, and the questions in scope that pass them."""
    rows = items_visible_to(request.actor)
    writers = Item.objects.filter(pk__in=rows.values("pk"), created_by=OuterRef("pk"))
    authors = Account.objects.filter(Exists(writers)).order_by("display_name", "pk")
    filters = ItemFilters(request.GET or None, actor=request.actor, authors=authors)
    asked: dict[str, Any] = filters.cleaned_data if filters.is_valid() else {}
    for name, lookup in (
        ("bank", "bank"),
        ("domain", "domain__code"),
        ("competency", "competency__code"),
        ("kind", "kind"),
        ("state", "state"),
        ("author", "created_by"),
    ):
        if asked.get(name):
            rows = rows.filter(**{lookup: asked[name]})
    for word in fold(asked.get("q", "")).split():
        rows = rows.filter(Q(current__words__contains=word) | Q(code__icontains=word))
    rows = rows.annotate(
        cal=FilteredRelation(
            "current__calibrations", condition=Q(current__calibrations__current=True)
        )
    ).annotate(measured=F("cal__answers"), faked=F("cal__simulated"))
    gate = Q(measured__gte=_GATE, faked=False)
    if asked.get("measured"):
        rows = rows.filter(gate if asked["measured"] == "oui" else ~gate | Q(measured=None))
    if asked.get("reviewed"):
        accepted = Exists(ItemReview.objects.filter(version=OuterRef("current"), verdict="accept"))
        rows = rows.filter(accepted if asked["reviewed"] == "oui" else ~accepted)
    return filters, rows


@staff(VIEW)
def item_list(request: ActorRequest) -> HttpResponseBase:
    """Questions in scope by code, with what is known of each."""
    filters, rows = listed(request)
    rows = rows.select_related("bank", "domain", "current__statistics")
    if fmt := request.GET.get("format"):
        headers = ["Banque", "Code", "Question", "Domaine", "Compétence", "Type", "État"]
        headers += ["Difficulté (expert)", "Réponses au calibrage", "Simulé", "Réussite (%)"]
        found = rows.select_related("competency").order_by("bank__code", "code", "pk")
        return table_response("questions", headers, _cells(found), fmt)
    page = paginate(rows, request, order=("code", "pk"))
    context = {
        "filters": filters,
        "page": page,
        "rows": [(item, _text(item), _facility(item)) for item in page.rows],
        "gate": _GATE,
        "formats": FORMATS.items(),
    }
    return render(request, "skills/items/list.html", context)


def _text(item: Item) -> str:
    text = markup.plain(markup.GAP.sub(" … ", item.current.content["text"])) if item.current else ""
    return text if len(text) <= 140 else text[:139].rsplit(" ", 1)[0] + "…"


def _statistics(item: Item) -> ItemStatistics | None:
    return getattr(item.current, "statistics", None)


def _facility(item: Item) -> float | None:
    counts = _statistics(item)
    return 100 * counts.right / counts.answers if counts and counts.answers else None


def _cells(rows: QuerySet[Item]) -> Iterator[list[Any]]:
    for item in rows.iterator(chunk_size=500):
        yield [
            item.bank.code,
            item.code,
            markup.plain(item.current.content["text"]) if item.current else "",
            item.domain.name,
            item.competency.name if item.competency else "",
            item.get_kind_display(),
            item.get_state_display(),
            item.difficulty,
            getattr(item, "measured", None),  # annotated by listed()
            getattr(item, "faked", None),
            _facility(item),
        ]


@staff(VIEW)
def item_detail(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The question as the learner sees it, its key, and all that is known of it."""
    return _page(request, item_or_404(request, uid), ReviewForm())


def _page(
    request: ActorRequest, item: Item, form: ReviewForm, status: int = 200
) -> HttpResponseBase:
    version = item.current
    assert version is not None
    stored = pages.stored_of(version)
    counts = _statistics(item)
    calibrations = list(version.calibrations.order_by("-current", "-adopted_at", "-pk"))
    current = next((one for one in calibrations if one.current), None)
    actor, path = request.actor, item.bank.node.path
    form.initial = {"number": version.number}
    own = actor.account is not None and version.created_by_id == actor.account.pk
    context = {
        "item": item,
        "version": version,
        "preview": show.question(stored.content, seed=0),
        "answer": show.review(stored, ideal(stored), seed=0, text=False),
        "choices": pages.choices_of(stored, counts),
        "statistics": counts,
        "facility": _percent(pages.share(counts.right, counts.answers)) if counts else None,
        "calibration": current,
        "calibrations": [(one, _intervals(one)) for one in calibrations],
        "provisional": current is None or current.provisional,
        "gate": _GATE,
        "charts": _charts(pages.parameters(item, current, stored), measured=current is not None),
        "versions": pages.versions_of(item),
        "reviews": version.reviews.order_by("-at", "-pk"),
        "history": pages.history_of(item),
        "form": form,
        "may_edit": actor.covers(CAPABILITIES["items.edit"], path) and item.state != "retired",
        "may_review": actor.covers(CAPABILITIES["items.review"], path)
        and not own
        and item.state != "retired",
        "own": own,
        "may_serve": actor.covers(CAPABILITIES["items.activate"], path),
    }
    return render(request, "skills/items/detail.html", context, status=status)


def _percent(found: pages.Interval | None) -> pages.Interval | None:
    if found is None or found.low is None or found.high is None:
        return found
    return pages.Interval(100 * found.value, 100 * found.low, 100 * found.high)


def _intervals(one: ItemCalibration) -> list[tuple[str, pages.Interval]]:
    rows = [("Discrimination a", pages.around(one.a, one.se_a))]
    if len(one.b) == 1:
        rows.append(("Difficulté b", pages.around(one.b[0], one.se_b)))
    else:
        rows += [(f"Marche b{rank}", pages.Interval(b)) for rank, b in enumerate(one.b, start=1)]
    if one.c:
        rows.append(("Réponse au hasard c", pages.Interval(one.c)))
    return rows


def _charts(of: pages.Parameters, *, measured: bool) -> list[Chart]:
    expected, information = pages.curve(of)
    marks = [number(theta).replace("-", "−") for theta in pages.GRID]
    basis = "d’après le calibrage" if measured else "d’après la difficulté donnée par l’expert"
    return [
        Chart(
            title=title,
            svg=line_chart(
                marks, [Line(label, values)], title=title, description=f"{said}, {basis}."
            ),
            headers=["θ", label],
            rows=[
                ChartRow(mark, [number(round(value, 2))])
                for mark, value in zip(marks, values, strict=True)
            ],
            description=f"{said}, {basis}.",
            legend=series_legend([label]),
        )
        for title, label, values, said in (
            (
                "Courbe caractéristique",
                "part des points (%)",
                [100 * share for share in expected],
                "Part des points qu’obtient une personne selon son niveau θ",
            ),
            (
                "Information",
                "information",
                information,
                "Ce que la question apprend du niveau, selon ce niveau",
            ),
        )
    ]


@staff(CAPABILITIES["items.review"])
@require_POST
def item_review(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    item = item_or_404(request, uid, "items.review")
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, item, form, status=422)
    values = form.cleaned_data
    return attempt(
        request,
        "Votre avis est enregistré.",
        "item-detail",
        lambda: reviews.review(actor=request.actor, item=item, now=clock.now(), **values),
        uid=uid,
    )


@staff(CAPABILITIES["items.activate"])
@require_POST
def item_activate(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    item = item_or_404(request, uid, "items.activate")
    return attempt(
        request,
        "La question est en service.",
        "item-detail",
        lambda: reviews.activate(actor=request.actor, item=item, now=clock.now()),
        uid=uid,
    )


@staff(CAPABILITIES["items.activate"])
def item_retire(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    item = item_or_404(request, uid, "items.activate")
    form = RetireForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.retire(
                actor=request.actor, item=item, reason=form.cleaned_data["reason"], now=clock.now()
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return attempt(
                request, "La question est retirée.", "item-detail", lambda: None, uid=uid
            )
    context = {
        "title": f"Retirer la question {item.code} ?",
        "message": "Elle n’entrera plus dans aucun test. Ceux qui sont publiés gardent la leur.",
        "form": form,
        "confirm_label": "Retirer",
        "cancel_url": reverse("item-detail", kwargs={"uid": uid}),
    }
    return render(request, "web/_confirm.html", context)


@staff(CAPABILITIES["items.activate"])
@require_POST
def item_restore(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    item = item_or_404(request, uid, "items.activate")
    return attempt(
        request,
        "La question est rétablie : elle n’est pas encore en service.",
        "item-detail",
        lambda: services.restore(actor=request.actor, item=item, now=clock.now()),
        uid=uid,
    )


@require_safe
def item_media(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """A picture of a question. Its address cannot be guessed and its bytes never change, so
    whoever was shown the address may keep it."""
    media = get_object_or_404(ItemMedia.objects.select_related("file"), uid=uid)
    tag = f'"{media.file.sha256}"'
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponse | FileResponse = HttpResponse(status=304)
    else:
        response = FileResponse(media.file.file.open("rb"), content_type=media.file.content_type)
    response["ETag"] = tag
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    return response
