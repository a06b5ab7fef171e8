from __future__ import annotations

from django.urls import URLPattern, path

from kalan.credentials.views import published
from kalan.credentials.views import verify as views

urlpatterns: list[URLPattern] = [
    path("verifier/", views.verify, name="verify"),
    path("verifier/autorite.pem", published.authority, name="verify-authority"),
    path("verifier/statuts/<int:number>/", published.status, name="verify-status"),
    path("verifier/badges/<uuid:uid>/", published.badge_class, name="verify-badge"),
    path("verifier/<str:code>/", views.verify_code, name="verify-code"),
    path("verifier/<str:code>/document/", views.verify_document, name="verify-document"),
]
