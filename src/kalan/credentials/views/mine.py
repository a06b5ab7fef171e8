"""One's own acts: fetching them again, what others see of them; and the link of a message."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.exports import name_file
from kalan.base.ids import uuid7
from kalan.base.lists import paginate
from kalan.credentials.models import Act, Badge
from kalan.credentials.selectors import mine
from kalan.credentials.services import badges, sharing, verifying
from kalan.credentials.services.verifying import Answer
from kalan.credentials.views.files import document
from kalan.people.http import ActorRequest, attempt, signed_in
from kalan.people.services.accounts_door import address_of

_FORMS = {"jwt": Badge.Form.VC_JWT, "json": Badge.Form.RDFC}
# What others see, in the words of the person whose act it is.
SHOWN = (
    ("minimal", "Mes initiales, le titre, les dates et l’état du document"),
    ("name", "Mon nom entier en plus"),
    ("full", "Mon nom, et le document lui-même, à télécharger avec le code"),
)


@dataclass(frozen=True)
class Mine:
    act: Act
    answer: Answer
    check_url: str
    badge: bool
    form_uid: uuid.UUID
    # What renews it, when it ends soon or has ended; the acts that renew it already.
    renewal: mine.Renewal | None
    renewed_by: list[Act]


@signed_in
@require_safe
def my_acts(request: ActorRequest) -> HttpResponse:
    page = paginate(mine.my_acts(request.actor), request, order=("-signed_at", "-pk"), size=20)
    now, with_badges = clock.now(), badges.available()
    due = mine.renewals_for(request.actor, page.rows, today=timezone.localdate(now))
    rows = [
        Mine(
            act=act,
            answer=answer,
            check_url=sharing.check_url(act),
            badge=with_badges and badges.has_badge(act),
            form_uid=uuid7(),
            renewal=due.get(act.pk),
            renewed_by=list(act.renewals.all()),
        )
        for act, answer in zip(page.rows, verifying.answers_for(page.rows, now=now), strict=True)
    ]
    context = {"rows": rows, "page": page, "choices": SHOWN}
    return render(request, "credentials/mine/list.html", context)


def _own(request: ActorRequest, uid: uuid.UUID) -> Act:
    return get_object_or_404(mine.my_acts(request.actor), uid=uid)


@signed_in
@require_safe
def my_act_file(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The document as it was signed, as often as its holder wants."""
    try:
        return document(_own(request, uid))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("my-acts")


@signed_in
@require_safe
def my_act_badge(request: ActorRequest, uid: uuid.UUID, form: str) -> HttpResponseBase:
    """The Open Badge of the act: as VC-JWT (``jwt``) or with an embedded proof (``json``)."""
    if form not in _FORMS:
        raise Http404
    act = _own(request, uid)
    try:
        made = badges.badge(act=act, form=_FORMS[form], now=clock.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("my-acts")
    kind = "application/vc+jwt" if form == "jwt" else "application/vc+ld+json"
    response = HttpResponse(made.body, content_type=kind)
    name_file(response, f"badge-{act.number}.{form}")
    return response


@signed_in
@require_POST
def my_act_share(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    act = _own(request, uid)
    try:
        form_uid = uuid.UUID(request.POST.get("uid", ""))
    except ValueError:
        form_uid = uuid7()
    return attempt(
        request,
        "C’est enregistré : la page de vérification montre ce que vous avez choisi.",
        "my-acts",
        lambda: sharing.share(
            actor=request.actor,
            now=clock.now(),
            act=act,
            shown=request.POST.get("shown", ""),
            uid=form_uid,
        ),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def act_link(request: HttpRequest, key: str) -> HttpResponseBase:
    """The page of a message's link: the document, once the name or year of birth is typed."""
    code = sharing.code_of(key)
    error = ""
    try:
        now, address = clock.now(), address_of(request)
        answer = verifying.by_code(typed=code or "", address=address, now=now, count=False)
        if answer.act is None or not answer.act.name:
            return _link_page(request, {"unknown": True}, status=404)
        if request.method == "POST":
            said = request.POST.get("said", "")[:250]
            verifying.with_name(typed=code or "", said=said, address=address, now=now, door="link")
            return document(answer.act)
    except Refused as refused:
        error = str(refused)
        if refused.code in ("wait", "wait_long"):
            return _link_page(request, {"error": error}, status=429)
    return _link_page(request, {"answer": answer, "error": error, "key": key})


def _link_page(request: HttpRequest, context: dict[str, object], status: int = 200) -> HttpResponse:
    response = render(request, "credentials/mine/link.html", context, status=status)
    response["X-Robots-Tag"] = "noindex, nofollow"
    # Not "no-referrer": browsers then send a form of this page as from nowhere, and it is refused.
    response["Referrer-Policy"] = "same-origin"
    return response
