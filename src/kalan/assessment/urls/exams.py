"""Exams, panels, juries."""

from __future__ import annotations

from django.urls import URLPattern, path

from kalan.assessment.views import candidate, exam_room, exams, jury, panels

_EXAM = "gestion/examens/<uuid:uid>/"
_ONE = "gestion/examens/candidats/<uuid:uid>/"
_PANEL = "gestion/seuils/<uuid:uid>/"

urlpatterns: list[URLPattern] = [
    # What a candidate sees.
    path("test/examen/", candidate.exam_enter, name="exam-enter"),
    path("test/examen/<uuid:uid>/", candidate.exam_candidate, name="exam-candidate"),
    path("test/examen/<uuid:uid>/signaler/", candidate.exam_call, name="exam-call"),
    # Planning.
    path("gestion/examens/", exams.exam_list, name="exam-list"),
    path("gestion/examens/nouveau/", exams.exam_new, name="exam-new"),
    path(_EXAM, exams.exam_detail, name="exam-detail"),
    path(f"{_EXAM}modifier/", exams.exam_edit, name="exam-edit"),
    path(f"{_EXAM}supprimer/", exams.exam_delete, name="exam-delete"),
    path(f"{_EXAM}inscrire/", exams.exam_enrol, name="exam-enrol"),
    path(f"{_EXAM}emargement.pdf", exams.exam_sheet, name="exam-sheet"),
    path(f"{_EXAM}surveillant.pdf", exams.exam_kit, name="exam-kit"),
    path(f"{_ONE}amenagements/", exams.exam_accommodate, name="exam-accommodate"),
    path(f"{_ONE}retirer/", exams.exam_withdraw, name="exam-withdraw"),
    # The room.
    path(f"{_EXAM}salle/", exam_room.exam_room, name="exam-room"),
    path(f"{_EXAM}salle/etat/", exam_room.exam_room_state, name="exam-room-state"),
    path(f"{_EXAM}terminer/", exam_room.exam_end, name="exam-end"),
    path(_ONE, exam_room.exam_candidate_file, name="exam-candidate-file"),
    # The jury.
    path(f"{_EXAM}jury/", jury.exam_jury, name="exam-jury"),
    path(f"{_EXAM}publier/", jury.exam_publish, name="exam-publish"),
    path(f"{_EXAM}depublier/", jury.exam_unpublish, name="exam-unpublish"),
    path(f"{_EXAM}resultats/", jury.exam_results, name="exam-results"),
    path(f"{_EXAM}proces-verbal.pdf", jury.exam_minutes, name="exam-minutes"),
    # The cut.
    path("gestion/tests/<uuid:uid>/seuil/", panels.panel_list, name="panel-list"),
    path(_PANEL, panels.panel_sheet, name="panel-sheet"),
    path(f"{_PANEL}juges/", panels.panel_judge, name="panel-judge"),
    path(f"{_PANEL}importer/", panels.panel_import, name="panel-import"),
    path(f"{_PANEL}feuille.pdf", panels.panel_paper, name="panel-paper"),
    path(f"{_PANEL}adopter/", panels.panel_adopt, name="panel-adopt"),
]
