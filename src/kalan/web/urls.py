from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.web.views import health, history, offline, pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.home, name="home"),
    path("mon-espace/", pages.my_space, name="my-space"),
    path("gestion/", pages.staff_home, name="staff-home"),
    path("gestion/historique/", history.history, name="history"),
    path("sw.js", offline.service_worker, name="service-worker"),
    path("affichage/", pages.display, name="display"),
    path("hors-ligne/", pages.offline, name="offline"),
    path("sante/", health.page, name="health"),
    path("healthz", health.machine, name="healthz"),
]
