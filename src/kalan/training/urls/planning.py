"""Programmes, sessions, participants, documents, money, messages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.training.views import (
    documents,
    life,
    messages,
    money,
    participants,
    parts,
    programmes,
    sessions,
)

_P = "gestion/programmes/<uuid:uid>/"
_S = "gestion/sessions/<uuid:uid>/"
_M = "gestion/messages/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("gestion/programmes/", programmes.programme_list, name="programme-list"),
    path("gestion/programmes/nouveau/", programmes.programme_create, name="programme-create"),
    path(_P, programmes.programme_detail, name="programme-detail"),
    path(f"{_P}modifier/", programmes.programme_edit, name="programme-edit"),
    path(f"{_P}cibles/", programmes.programme_targets, name="programme-targets"),
    path(f"{_P}structures/", programmes.programme_structures, name="programme-structures"),
    path(f"{_P}transport/", programmes.programme_transport, name="programme-transport"),
    path("gestion/sessions/", sessions.session_list, name="session-list"),
    path("gestion/sessions/nouvelle/", sessions.session_plan, name="session-plan"),
    path(_S, sessions.session_detail, name="session-detail"),
    path(f"{_S}modifier/", sessions.session_edit, name="session-edit"),
    path(f"{_S}demi-journees/", sessions.session_half_days, name="session-half-days"),
    path(f"{_S}formateurs/", parts.session_trainers, name="session-trainers"),
    path(f"{_S}places/", parts.session_places, name="session-places"),
    path(f"{_S}historique/", sessions.session_history, name="session-history"),
    path(f"{_S}designer/", participants.session_designate, name="session-designate"),
    path(f"{_S}participants/", participants.session_participants, name="session-participants"),
    path(f"{_S}exterieur/", participants.session_outsider, name="session-outsider"),
    path(f"{_S}effectif/", participants.session_anonymous, name="session-anonymous"),
    path(
        f"{_S}effectif/<uuid:count>/",
        participants.session_anonymous_edit,
        name="session-anonymous-edit",
    ),
    path(f"{_S}convoquer/", life.session_convoke, name="session-convoke"),
    path(f"{_S}reporter/", life.session_postpone, name="session-postpone"),
    path(f"{_S}annuler/", life.session_cancel, name="session-cancel"),
    path(f"{_S}cloturer/", life.session_close, name="session-close"),
    path(f"{_S}rouvrir/", life.session_reopen, name="session-reopen"),
    path(f"{_S}valider/", life.session_validate, name="session-validate"),
    path(f"{_S}depenses/", money.session_costs, name="session-costs"),
    path(f"{_S}depenses/<uuid:line>/", money.cost_edit, name="cost-edit"),
    path(f"{_S}depenses/<uuid:line>/retirer/", money.cost_remove, name="cost-remove"),
    path(f"{_S}paiement/", money.session_payments, name="session-payments"),
    path(f"{_S}paiement.pdf", documents.payments, name="session-payments-pdf"),
    path(f"{_S}feuille.pdf", documents.sheet, name="session-sheet-pdf"),
    path(f"{_S}convocations.pdf", documents.convocations, name="session-convocations-pdf"),
    path(f"{_S}rapport.pdf", documents.report, name="session-report-pdf"),
    path(f"{_S}calendrier.ics", documents.calendar, name="session-calendar"),
    path(
        "mon-espace/sessions/<uuid:uid>/calendrier.ics",
        documents.my_calendar,
        name="my-session-calendar",
    ),
    path(
        "mon-espace/sessions/<uuid:uid>/convocation.pdf",
        documents.my_convocation,
        name="my-convocation",
    ),
    path(_M, messages.message_list, name="message-list"),
    path(f"{_M}<uuid:uid>/renvoyer/", messages.message_resend, name="message-resend"),
    path(f"{_M}modeles/", messages.wording_list, name="wording-list"),
    path(f"{_M}modeles/<slug:code>/<slug:channel>/", messages.wording_edit, name="wording-edit"),
]
