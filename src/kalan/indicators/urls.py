from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.indicators.views import board, frequency, public

urlpatterns: list[URLPattern | URLResolver] = [
    path("chiffres/", public.figures_page, name="figures-page"),
    path("chiffres.json", public.figures_json, name="figures-json"),
    path("gestion/indicateurs/", board.dashboard, name="dashboard"),
    path("gestion/indicateurs/frequence/", frequency.frequency, name="indicator-frequency"),
    path("gestion/indicateurs/<slug:code>/", board.record_list, name="indicator-records"),
]
