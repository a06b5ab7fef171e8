from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.indicators.views import public

urlpatterns: list[URLPattern | URLResolver] = [
    path("chiffres/", public.figures_page, name="figures-page"),
    path("chiffres.json", public.figures_json, name="figures-json"),
]
