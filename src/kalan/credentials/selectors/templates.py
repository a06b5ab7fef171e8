"""Templates of acts: who sees them, and what the renderer needs of a version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from kalan.base.models import StoredFile
from kalan.credentials import policy
from kalan.credentials.documents import contract, packs
from kalan.credentials.documents.compose import Version
from kalan.credentials.models import ActTemplate, TemplateVersion
from kalan.people.actor import Actor
from kalan.people.models import OrgNode

ARMS = 0  # rank of the arms; partners follow from 1


def packs_folder() -> Path:
    """Where the layouts lie."""
    return Path(settings.PACKS_DIR)


def templates_visible_to(actor: Actor, capability: str = "templates.view") -> QuerySet[ActTemplate]:
    """Templates of the actor's territory; to read, those of the territories above it too."""
    roles = policy.CAPABILITIES[capability]
    scope = actor.scope(roles, "node__")
    if capability == "templates.view":
        above = {
            path[:end]
            for path in actor.paths(roles)
            for end in range(OrgNode.steplen, len(path), OrgNode.steplen)
        }
        scope |= Q(node__path__in=above)
    return ActTemplate.objects.filter(scope).select_related("node")


def national_nodes(actor: Actor) -> QuerySet[OrgNode]:
    """Countries whose templates ``actor`` edits."""
    scope = actor.scope(policy.CAPABILITIES["templates.edit"])
    return OrgNode.objects.filter(scope, kind=OrgNode.Kind.COUNTRY).order_by("path")


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


@dataclass(frozen=True)
class Printable:
    """All that a child process needs to render acts of a version: plain data."""

    template: Path
    assets: dict[str, bytes]
    version: Version
    columns: tuple[str, ...]


def printable(version: TemplateVersion) -> Printable:
    """What ``Renderer`` and ``compose.document`` take for ``version``."""
    logos = list(version.logos.select_related("file").order_by("rank"))
    template = version.template
    file = version.file or layout_of(template.kind, template.country)
    return Printable(
        template=packs_folder() / file,
        assets=assets_of((logo.rank, logo.file) for logo in logos),
        version=Version(
            kind=template.kind,
            country=template.country,
            file=file,
            title=version.title,
            wording=version.wording,
            legal=legal_of(version),
            arms=next((_logo(one.rank, one.file, one.alt) for one in logos if not one.rank), None),
            logos=tuple(_logo(one.rank, one.file, one.alt) for one in logos if one.rank),
        ),
        columns=tuple(version.options.get("columns", [])),
    )


def legal_of(version: TemplateVersion) -> dict[str, str] | None:
    """The legal reference as acts carry it; None without one."""
    if version.legal_date is None:
        return None
    return {
        "number": version.legal_number,
        "date": version.legal_date.isoformat(),
        "authority": version.legal_authority,
    }


def assets_of(files: Iterable[tuple[int, StoredFile]]) -> dict[str, bytes]:
    """The bytes of logos by the name under which the layout finds them."""
    made = {}
    for rank, file in files:
        with file.file.open("rb") as content:
            made[asset_name(rank, file.content_type)] = content.read()
    return made


def asset_name(rank: int, content_type: str) -> str:
    """« logo-1.png »."""
    return f"logo-{rank}.{'png' if content_type == 'image/png' else 'jpg'}"


def _logo(rank: int, file: StoredFile, alt: str) -> dict[str, str]:
    return {"file": asset_name(rank, file.content_type), "alt": alt}
