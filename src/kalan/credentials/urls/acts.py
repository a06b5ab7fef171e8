"""Batches of acts: prepared, approved, handed out."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.credentials.views import batches, handing, visa

_ALL = "gestion/actes/"
_ONE = f"{_ALL}<uuid:uid>/"
_ACT = f"{_ONE}acte/<uuid:act>/"

urlpatterns: list[URLPattern] = [
    path(_ALL, batches.batch_list, name="act-batch-list"),
    path(f"{_ALL}nouveau/", batches.batch_new, name="act-batch-new"),
    path(f"{_ALL}nouveau/<uuid:template>/", batches.batch_create, name="act-batch-create"),
    path(_ONE, batches.batch_detail, name="act-batch"),
    path(f"{_ONE}reprendre/", batches.batch_refresh, name="act-batch-refresh"),
    path(f"{_ONE}abandonner/", batches.batch_cancel, name="act-batch-cancel"),
    path(f"{_ONE}remettre/", batches.batch_hand_over, name="act-batch-hand-over"),
    path(f"{_ACT}ecarter/", batches.act_exclude, name="act-exclude"),
    path(f"{_ACT}remettre/", batches.act_include, name="act-include"),
    path(f"{_ACT}apercu.pdf", batches.act_preview, name="act-preview"),
    path(f"{_ACT}apercu.png", batches.act_picture, name="act-picture"),
    path(f"{_ACT}document.pdf", handing.act_file, name="act-file"),
    path(f"{_ONE}viser/", visa.batch_visa, name="act-batch-visa"),
    path(f"{_ONE}renvoyer/", visa.batch_send_back, name="act-batch-send-back"),
    path(f"{_ONE}remise/", handing.batch_bundles, name="act-batch-bundles"),
    path(f"{_ONE}remise/<uuid:job>/", handing.bundle_progress, name="act-bundle"),
    path(f"{_ONE}remise/<uuid:job>/fichier/", handing.bundle_file, name="act-bundle-file"),
    path(f"{_ONE}signe-a-la-main/", handing.batch_hand_signed, name="act-batch-hand-signed"),
]
