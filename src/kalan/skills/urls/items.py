"""The item bank."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.skills.views import authoring, banks, exchange, items

_BASE = "gestion/questions/"
_BANK = f"{_BASE}banques/<uuid:uid>/"
_ONE = f"{_BASE}<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    path(_BASE, items.item_list, name="item-list"),
    path(f"{_BASE}banques/", banks.bank_list, name="item-banks"),
    path(f"{_BASE}banques/nouvelle/", banks.bank_create, name="item-bank-create"),
    path(_BANK, banks.bank_sheet, name="item-bank"),
    path(f"{_BANK}modifier/", banks.bank_edit, name="item-bank-edit"),
    path(f"{_BANK}nouvelle-question/", authoring.item_create, name="item-create"),
    path(f"{_BANK}importer/", exchange.item_import, name="item-import"),
    path(f"{_BANK}importer/<uuid:file>/", exchange.item_import_check, name="item-import-check"),
    path(f"{_BASE}emporter/", exchange.item_export, name="item-export"),
    path(f"{_ONE}modifier/", authoring.item_edit, name="item-edit"),
    path(_ONE, items.item_detail, name="item-detail"),
    path(f"{_ONE}relire/", items.item_review, name="item-review"),
    path(f"{_ONE}mettre-en-service/", items.item_activate, name="item-activate"),
    path(f"{_ONE}retirer/", items.item_retire, name="item-retire"),
    path(f"{_ONE}retablir/", items.item_restore, name="item-restore"),
    # Short: it stands in every question that shows a picture, on 2G too (skills.play.show).
    path("test/image/<uuid:uid>/", items.item_media, name="item-media"),
]
