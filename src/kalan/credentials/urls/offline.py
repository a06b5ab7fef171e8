from __future__ import annotations

from django.urls import URLPattern, path

from kalan.credentials.views import offline as views

urlpatterns: list[URLPattern] = [
    path("verifier/hors-ligne/", views.page, name="verify-offline"),
    path("verifier/sw.js", views.worker, name="verify-worker"),
    path("verifier/cles.json", views.keys, name="verify-keys"),
    path("verifier/revoques.json", views.revoked, name="verify-revoked"),
    path(".well-known/did.json", views.did, name="did"),
]
