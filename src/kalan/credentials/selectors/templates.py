"""Templates of acts: who sees them, and what the renderer needs of a version."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db.models import Count, QuerySet

from kalan.credentials import policy
from kalan.credentials.documents import contract, packs
from kalan.credentials.models import ActTemplate, TemplateVersion
from kalan.people.actor import Actor
from kalan.people.models import OrgNode


def packs_folder() -> Path:
    """Where the layouts lie."""
    return Path(settings.PACKS_DIR)


def templates_visible_to(actor: Actor, capability: str = "templates.view") -> QuerySet[ActTemplate]:
    """Templates of the actor's territory; to read, those of the territories above it too."""
    roles = policy.CAPABILITIES[capability]
    reads = capability == "templates.view"
    scope = actor.around(roles, "node__") if reads else actor.scope(roles, "node__")
    return ActTemplate.objects.filter(scope).select_related("node")


def national_nodes(actor: Actor) -> QuerySet[OrgNode]:
    """Countries whose templates ``actor`` edits."""
    scope = actor.scope(policy.CAPABILITIES["templates.edit"])
    found: QuerySet[OrgNode] = OrgNode.objects.filter(scope, kind=OrgNode.Kind.COUNTRY)
    return found.order_by("path")


def versions_of(template: ActTemplate) -> QuerySet[TemplateVersion]:
    """Every version, the newest first, with the number of batches that use it."""
    return (
        TemplateVersion.objects.filter(template=template)
        .select_related("template", "made_by")
        .annotate(batch_count=Count("batches"))
        .order_by("-number")
    )


def current_version(template: ActTemplate) -> TemplateVersion | None:
    """The version that new batches take."""
    return (
        TemplateVersion.objects.filter(template=template, current=True)
        .select_related("template")
        .first()
    )


def layout_of(kind: str, country: str) -> str:
    """The Typst file of a kind; "" for documents made elsewhere."""
    if kind not in contract.KINDS:
        return ""
    return packs.models(packs_folder(), country)[kind].file
