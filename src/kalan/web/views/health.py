"""/sante/ for people, /healthz for machines. Strangers learn whether it works, and no more."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kalan.base import clock, health
from kalan.people.http import ActorRequest
from kalan.people.models import Role

WHO_RUNS_IT = frozenset({Role.ADMIN})


def _status(checks: list[health.Check]) -> int:
    return 200 if health.serves(checks) else 503


@require_safe
def page(request: ActorRequest) -> HttpResponse:
    checks = health.check_all(clock.now())
    level = health.overall(checks)
    down = any(check.code in ("base", "migrations") and check.level == "panne" for check in checks)
    # Without a database nobody can be recognised; then the page is the strangers' page.
    detailed = not down and request.actor.can(WHO_RUNS_IT)
    context = {"checks": checks, "level": level, "detailed": detailed}
    name = "web/health_plain.html" if down else "web/health.html"
    response = render(request, name, context, status=_status(checks))
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def machine(request: HttpRequest) -> HttpResponse:
    """503 when this server cannot serve. A monitor also reads ``status``: "attention" asks for a
    person in daytime, "panne" at once (a queue that is stuck, with servers that answer)."""
    checks = health.check_all(clock.now())
    level = health.overall(checks)
    body = {"status": level, "checks": {check.code: check.level for check in checks}}
    response = JsonResponse(body, status=_status(checks))
    response["Cache-Control"] = "no-store"
    return response
