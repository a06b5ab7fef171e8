"""Keys and the register."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.credentials.views import keys, register

urlpatterns: list[URLPattern] = [
    path("gestion/cles/", keys.key_list, name="signing-key-list"),
    path("gestion/registre/", register.register, name="act-register"),
    path("gestion/registre/verifier/", register.register_check, name="act-register-check"),
]
