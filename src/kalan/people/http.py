"""Requests that carry an actor, the two doors of every staff view, and what follows a POST.

Out of scope answers 404; a person who has not signed in is sent to sign in first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, ObjectDoesNotExist
from django.db import DataError
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.people.selectors.core import actor_for
from kalan.people.services.history import acting

P = ParamSpec("P")


class ActorRequest(HttpRequest):
    """A request that went through ActorMiddleware."""

    actor: Actor


_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class ActorMiddleware:
    """Set ``request.actor`` (lazy: public pages cost no query)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.path_info:
            raise BadRequest("NUL in the address")  # no one types it, and PostgreSQL refuses it
        lazy = SimpleLazyObject(lambda: actor_for(cast("Any", request.user), today=clock.today()))
        actor = cast("Actor", lazy)
        cast("ActorRequest", request).actor = actor
        with acting(actor):  # whoever writes in this request is named in the history
            return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: Any) -> None:
        """Refuse a NUL in any posted field, also in those that views read without a form.

        Here and not above: the upload limits and the CSRF check have read the body by now.
        """
        kind = request.content_type or ""
        if request.method != "POST" or not kind.startswith(_FORM_TYPES):
            return
        for name, values in request.POST.lists():
            if "\0" in name or any("\0" in str(value) for value in values):
                raise BadRequest("NUL in a field")

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """A key of thirty digits, which no page ever offered, is a bad request and no fault.

        Multiple choices look such keys up as they came; Django guards single ones only.
        """
        beyond = isinstance(exception, DataError) and "out of range" in str(exception)
        if beyond or isinstance(exception, OverflowError):
            raise BadRequest("a number beyond what is stored") from exception


View = Callable[Concatenate[ActorRequest, P], HttpResponseBase]


def _first(request: ActorRequest) -> HttpResponseBase | None:
    """What comes before any page: signing in, the notice, the second factor that a role asks."""
    if not request.actor.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if request.actor.must_enrol:
        return redirect("account_must_enrol")
    account = request.actor.account
    if account is not None and account.notice_seen_at is None and request.method == "GET":
        query = urlencode({"next": request.get_full_path()})
        return redirect(f"{reverse('account_notice')}?{query}")
    return None


def signed_in(view: View[P]) -> View[P]:
    """Let any signed-in person through, once they have read the notice on personal data."""

    @wraps(view)
    def inner(request: ActorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return _first(request) or view(request, *args, **kwargs)

    return inner


def at_the_door(view: View[P]) -> View[P]:
    """Let a signed-in person through to what comes first: notice, second factor, sign-out."""

    @wraps(view)
    def inner(request: ActorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.actor.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return inner


def staff(roles: frozenset[str]) -> Callable[[View[P]], View[P]]:
    """Let holders of one of ``roles`` (on any node) through; others get 404.

    The view still narrows what it reads by a selector: this is the door, not the scope.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def inner(request: ActorRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            first = _first(request)
            if first is not None:
                return first
            if not request.actor.can(roles):
                raise Http404
            return view(request, *args, **kwargs)

        return inner

    return decorate


def show_refusal(form: BaseForm, refused: Refused) -> None:
    """Put a service's refusal, an error a line, on the field it names or on the whole form."""
    field = refused.field if refused.field in form.fields else None
    lines: Any = str(refused).split("\n")
    form.add_error(field, lines)


def posted(request: ActorRequest) -> QueryDict | None:
    """The form as sent, empty or not; None before it is sent."""
    return request.POST if request.method == "POST" else None


def attempt(
    request: ActorRequest, said: str, to: str, act: Callable[[], Any], **kwargs: Any
) -> HttpResponse:
    """Run a service that has no form of its own: say what was done, or what was refused.

    What the service does not find in the actor's scope is a page not found.
    """
    try:
        act()
    except ObjectDoesNotExist as error:
        raise Http404 from error
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)
    response: HttpResponse = redirect(to, **kwargs)
    return response
