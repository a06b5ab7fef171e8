"""The check page: by code, by file. Public, without script, never kept by a cache.

No CSRF token: nothing is stored for the visitor and the answer is the same for all, so there is
nothing to forge; a token would set a cookie on whoever only reads.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.base.uploads import META_KEY
from kalan.credentials import words
from kalan.credentials.services import verifying
from kalan.credentials.services.verifying import Answer, Proof
from kalan.credentials.services.verifying_files import MAX_BYTES, by_file
from kalan.credentials.views.files import document
from kalan.engine.signing import code as codes
from kalan.people.services.accounts_door import address_of

_NOT_INDEXED = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponseBase:
    """The ways to check; ``?code=`` (a form without script) leads to the code's own page."""
    if request.method == "POST":
        return _file(request)
    typed = request.GET.get("code", "").strip()
    code = codes.normalise(typed)
    if code:
        return redirect(_address(request, code))
    context = {"typed": typed[:100], "error": "bad_code" if typed else ""}
    return _page(request, "index", context)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify_code(request: HttpRequest, code: str) -> HttpResponseBase:
    """What the register says of a code; POST compares the name that the visitor typed."""
    plain = codes.normalise(code)
    if plain and plain != code and request.method != "POST":
        return redirect(_address(request, plain))
    now, address = clock.now(), address_of(request)
    error = ""
    try:
        if request.method == "POST":
            said = request.POST.get("said", "")[:250]
            answer = verifying.with_name(typed=code, said=said, address=address, now=now)
        else:
            counted = request.method == "GET"
            answer = verifying.by_code(typed=code, address=address, now=now, count=counted)
    except Refused as refused:
        if refused.code != "no_match":
            return _page(request, "wait", {"long": refused.code == "wait_long"}, status=429)
        answer = verifying.by_code(typed=code, address=address, now=now, count=False)
        error = "no_match"
    if request.GET.get("format") == "json":
        return _json(answer)
    return _page(
        request,
        "answer",
        {"answer": answer, "code": plain or "", "error": error, **_says(request, answer)},
    )


def _file(request: HttpRequest) -> HttpResponse:
    """Judge the file that was handed in; it is closed, and so deleted, with the request."""
    file = request.FILES.get("file")
    too_big = META_KEY in request.META or (file is not None and (file.size or 0) > MAX_BYTES)
    if file is None or too_big:
        error = "big_file" if too_big else "bad_file"
        return _page(request, "index", {"error": error}, status=400)
    try:
        found = by_file(content=file.read(), address=address_of(request), now=clock.now())
    except Refused:
        return _page(request, "wait", {}, status=429)
    language = _language(request)
    badge, sentence, tone = words.RESULTS[language][found.result]
    context = {"found": found, "verdict": words.VERDICTS[language].get(found.reason, "")}
    if found.answer is None:
        return _page(
            request, "file", context | {"badge": badge, "sentence": sentence, "tone": tone}
        )
    context |= {"answer": found.answer, **_says(request, found.answer, found.proof)}
    return _page(request, "file", context)


@never_cache
@require_safe
def verify_document(request: HttpRequest, code: str) -> HttpResponseBase:
    """The document itself, when its holder shares it with whoever has the code."""
    try:
        answer = verifying.by_code(
            typed=code, address=address_of(request), now=clock.now(), count=False
        )
    except Refused:
        return _page(request, "wait", {}, status=429)
    if answer.act is None or not answer.shares_document:
        raise Http404
    try:
        return document(answer.act)
    except Refused as error:  # damaged, or no longer kept
        raise Http404 from error


def _language(request: HttpRequest) -> str:
    return "en" if request.GET.get("lang") == "en" else "fr"


def _address(request: HttpRequest, code: str) -> str:
    address = reverse("verify-code", args=[code])
    return f"{address}?lang=en" if _language(request) == "en" else address


def _page(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    language = _language(request)
    other = "fr" if language == "en" else "en"
    query = "?lang=en" if language == "en" else ""
    here = request.path if other == "fr" else f"{request.path}?lang=en"
    context |= {
        "w": words.TEXTS[language],
        "language": language,
        "query": query,
        "other": other,
        "other_url": here,
        "layout": "credentials/verify/english.html" if language == "en" else "web/base.html",
    }
    response = render(request, f"credentials/verify/{name}.html", context, status=status)
    for header, value in _NOT_INDEXED.items():
        response[header] = value
    return response


def _says(request: HttpRequest, answer: Answer, proof: Proof | None = None) -> dict[str, Any]:
    """The words of an answer, in the language of the page. ``proof``: as judged from a file, else
    what was noted when it was made."""
    language = _language(request)
    badge, sentence, tone = words.RESULTS[language][answer.result]
    kinds = words.LIMITS[language]
    said: dict[str, Any] = {"badge": badge, "sentence": sentence, "tone": tone}
    if answer.act is None:
        return said
    title = answer.act.batch.version.title
    proof = proof or answer.proof_of_date
    return said | {
        "stamp": words.proof_of_date(proof.level, proof.by, proof.at, language) if proof else "",
        "title": words.KINDS_EN[answer.kind].capitalize() if language == "en" else title,
        "subtitle": title if language == "en" else "",
        "issued": words.day(answer.issued_on, language),
        "valid_until": words.day(answer.act.valid_until, language),
        "level": words.LEVELS[language].get(answer.level, ""),
        "limits": kinds.get(answer.kind, kinds[""]),
        "ended_on": words.day(answer.ended.at.date(), language) if answer.ended else "",
        "reason": words.REASONS[language].get(answer.ended.reason, "") if answer.ended else "",
        "new_url": _address(request, answer.ended.other.code)
        if answer.ended and answer.ended.other and answer.ended.other.code
        else "",
    }


def _json(answer: Answer) -> HttpResponse:
    """For machines: the same as the page says, never more."""
    said: dict[str, Any] = {"valid": answer.valid, "result": answer.result}
    if answer.act is not None:
        proof = answer.proof_of_date
        said |= {
            "number": answer.act.number,
            "kind": answer.kind,
            "title": answer.act.batch.version.title,
            "holder": answer.holder,
            "issuer": answer.issuer,
            "service": answer.service,
            "issued_on": answer.issued_on,
            "valid_until": answer.act.valid_until,
            "level": answer.level,
            "pades": proof.level.upper() if proof else "",
            "stamped_by": proof.by if proof else "",
            "stamped_at": proof.at if proof else None,
            "reason": answer.ended.reason if answer.ended else "",
            "replaced_by": answer.ended.other.code if answer.ended and answer.ended.other else None,
        }
    response = JsonResponse(said, json_dumps_params={"ensure_ascii": False})
    for header, value in _NOT_INDEXED.items():
        response[header] = value
    return response
