from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.indicators.views import board, competences, frequency, frozen, public

_HERE = "gestion/indicateurs/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("chiffres/", public.figures_page, name="figures-page"),
    path("chiffres.json", public.figures_json, name="figures-json"),
    path(_HERE, board.dashboard, name="dashboard"),
    path(f"{_HERE}frequence/", frequency.frequency, name="indicator-frequency"),
    path(f"{_HERE}competences/", competences.competence_page, name="indicator-competences"),
    path(
        f"{_HERE}competences/passations/",
        competences.competence_sittings,
        name="indicator-competence-sittings",
    ),
    path(f"{_HERE}arretes/", frozen.freeze_list, name="indicator-freezes"),
    path(f"{_HERE}arretes/nouveau/", frozen.freeze_new, name="indicator-freeze-new"),
    path(f"{_HERE}arretes/<uuid:uid>/", frozen.freeze_detail, name="indicator-freeze"),
    path(
        f"{_HERE}arretes/<uuid:uid>/publier/",
        frozen.freeze_publish,
        name="indicator-freeze-publish",
    ),
    path(f"{_HERE}declares/", frozen.declared_list, name="indicator-declared"),
    path(f"{_HERE}declares/nouveau/", frozen.declared_new, name="indicator-declared-new"),
    path(
        f"{_HERE}declares/<uuid:uid>/document/",
        frozen.declared_document,
        name="indicator-declared-document",
    ),
    path(
        f"{_HERE}declares/<uuid:uid>/retirer/",
        frozen.declared_withdraw,
        name="indicator-declared-withdraw",
    ),
    path(f"{_HERE}effectifs/", frozen.denominator_list, name="indicator-denominators"),
    path(f"{_HERE}effectifs/nouveau/", frozen.denominator_new, name="indicator-denominator-new"),
    path(f"{_HERE}bailleur/", frozen.funder_new, name="indicator-funder"),
    path(f"{_HERE}bailleur/<uuid:uid>/", frozen.funder_fill, name="indicator-funder-fill"),
    path(f"{_HERE}<slug:code>/", board.record_list, name="indicator-records"),
]
