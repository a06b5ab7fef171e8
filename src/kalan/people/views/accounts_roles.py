"""Give a role, withdraw it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from kalan.base import clock
from kalan.base.errors import Refused
from kalan.people import policy
from kalan.people.double import once
from kalan.people.forms.accounts_manage import GrantForm, NodeSearch, ReasonForm, post_key
from kalan.people.http import ActorRequest, show_refusal, staff
from kalan.people.models import Account, RoleGrant
from kalan.people.selectors import accounts as selectors
from kalan.people.services.accounts_roles import end_role, grant_role
from kalan.people.views.accounts_manage import find

GRANT = policy.CAPABILITIES["roles.grant"]


@staff(GRANT)
@require_http_methods(["GET", "POST"])
@once
def role_new(request: ActorRequest, uid: uuid.UUID) -> HttpResponseBase:
    account, today = find(request, uid), clock.today()
    search = NodeSearch(request.GET or None)
    q = search.cleaned_data["q"] if search.is_valid() else ""
    nodes = selectors.nodes_to_grant(request.actor, account, q, today=today)
    posts = list(selectors.open_posts_of(account, today=today))
    form = GrantForm(
        request.POST or None,
        roles=selectors.grantable_roles(request.actor),
        nodes=nodes,
        posts=posts,
        initial={"start": today},
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            grant_role(
                actor=request.actor,
                now=clock.now(),
                account=account,
                role=data["role"],
                node=next(one for one in nodes if str(one.uid) == data["node"]),
                start=data["start"],
                end=data["end"],
                post=next((one for one in posts if post_key(one) == data["post"]), None),
                reason=data["reason"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        except Account.DoesNotExist as error:
            raise Http404 from error
        else:
            messages.success(request, "Rôle donné.")
            return redirect("account-detail", uid=uid)
    page = {"form": form, "search": search, "account": account, "q": q, "nodes": nodes}
    return render(request, "people/accounts/role_new.html", page)


@staff(GRANT)
@require_http_methods(["GET", "POST"])
def role_end(request: ActorRequest, uid: uuid.UUID, grant: uuid.UUID) -> HttpResponseBase:
    account = find(request, uid)
    held = get_object_or_404(RoleGrant.objects.select_related("node"), account=account, uid=grant)
    form = ReasonForm(request.POST or None)
    back = reverse("account-detail", args=[uid])
    if request.method == "POST" and form.is_valid():
        try:
            end_role(
                actor=request.actor,
                now=clock.now(),
                grant=held,
                reason=form.cleaned_data["reason"],
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Rôle retiré.")
            return redirect(back)
    page = {
        "title": "Retirer ce rôle",
        "message": (
            f"{account.display_name} ne sera plus {held.get_role_display()} ({held.node.name}), "
            "tout de suite."
        ),
        "form": form,
        "confirm_label": "Retirer le rôle",
        "cancel_url": back,
    }
    return render(request, "web/_confirm.html", page)
