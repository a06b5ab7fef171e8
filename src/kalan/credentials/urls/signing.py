"""The signatory's tray and clicks."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.credentials.views import signing

_ALL = "gestion/parapheur/"

urlpatterns: list[URLPattern] = [
    path(_ALL, signing.tray, name="signing-tray"),
    path(f"{_ALL}signer/", signing.confirm, name="signing-confirm"),
    path(f"{_ALL}<uuid:uid>/", signing.run_page, name="signing-run"),
    path(f"{_ALL}<uuid:uid>/reprendre/", signing.retry, name="signing-retry"),
    path(
        f"{_ALL}<uuid:uid>/acte/<uuid:act>/ne-pas-emettre/",
        signing.give_up,
        name="signing-give-up",
    ),
]
