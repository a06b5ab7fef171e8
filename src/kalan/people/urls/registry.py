from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from kalan.people.views import registry_agents as agents
from kalan.people.views import registry_structures as structures

S = "gestion/structures/"
A = "gestion/agents/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(S, structures.structure_list, name="structure-list"),
    path(f"{S}nouvelle/", structures.structure_new, name="structure-new"),
    path(f"{S}<uuid:uid>/", structures.structure_detail, name="structure-detail"),
    path(f"{S}<uuid:uid>/modifier/", structures.structure_edit, name="structure-edit"),
    path(f"{S}<uuid:uid>/situation/", structures.structure_situation, name="structure-situation"),
    path(f"{S}<uuid:uid>/fermer/", structures.structure_close, name="structure-close"),
    path(f"{S}<uuid:uid>/rouvrir/", structures.structure_reopen, name="structure-reopen"),
    path(f"{S}<uuid:uid>/historique/", structures.structure_history, name="structure-history"),
    path(f"{S}<uuid:uid>/codes/", structures.structure_code_add, name="structure-code-add"),
    path(
        f"{S}<uuid:uid>/codes/retirer/",
        structures.structure_code_remove,
        name="structure-code-remove",
    ),
    path(A, agents.agent_list, name="agent-list"),
    path(f"{A}nouveau/", agents.agent_new, name="agent-new"),
    path(f"{A}a-rapprocher/", agents.reconcile_list, name="agent-reconcile-list"),
    path(f"{A}<uuid:uid>/", agents.agent_detail, name="agent-detail"),
    path(f"{A}<uuid:uid>/modifier/", agents.agent_edit, name="agent-edit"),
    path(f"{A}<uuid:uid>/confirmer/", agents.agent_confirm, name="agent-confirm"),
    path(f"{A}<uuid:uid>/historique/", agents.agent_history, name="agent-history"),
    path(f"{A}<uuid:uid>/postes/nouveau/", agents.post_new, name="post-new"),
    path(f"{A}<uuid:uid>/postes/<uuid:post_uid>/", agents.post_edit, name="post-edit"),
    path(f"{A}<uuid:uid>/postes/<uuid:post_uid>/terminer/", agents.post_end, name="post-end"),
    path("gestion/cadres/", agents.cadre_list, name="cadre-list"),
]
