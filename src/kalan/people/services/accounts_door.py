"""What rooms above need at the door: the address attempts are counted on, and the way back."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

# Where a person goes on once their account is open; a cookie, so that looking costs no session.
NEXT_COOKIE = "suite"
_SECONDS = 24 * 3600


def address_of(request: HttpRequest) -> str:
    """The address that attempts are counted on (the proxy's word only when configured)."""
    return str(get_adapter(request).get_client_ip(request))


def keep_next(response: HttpResponse, path: str) -> None:
    """Remember ``path`` on this browser for a day: a slip's QR code leads elsewhere first."""
    response.set_cookie(NEXT_COOKIE, path, max_age=_SECONDS, httponly=True, samesite="Lax")


def kept_next(request: HttpRequest) -> str | None:
    """The path remembered, when it is one of ours."""
    path = request.COOKIES.get(NEXT_COOKIE, "")
    ok = url_has_allowed_host_and_scheme(path, {request.get_host()}, request.is_secure())
    return path if path.startswith("/") and ok else None


def forget_next(response: HttpResponse) -> None:
    response.delete_cookie(NEXT_COOKIE, samesite="Lax")
