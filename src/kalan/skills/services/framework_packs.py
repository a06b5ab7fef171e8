"""Frameworks and their cross-walk from ``packs/frameworks`` (decision 0014).

Loading again adds what is missing and leaves what is there: a ministry may have reworded it. A
changed framework comes as a new version.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from kalan.base.errors import Refused
from kalan.people.actor import Actor
from kalan.skills.models import Correspondence, Framework, FrameworkLevel, FrameworkNode
from kalan.skills.services.writing import act, require

_CROSSWALK = "crosswalk.toml"


@dataclass
class FrameworksReport:
    """What a load added, by code of framework: nodes; and lines of the cross-walk."""

    nodes: dict[str, int] = field(default_factory=dict)
    links: int = 0


@act
def load_frameworks(
    *, actor: Actor, now: dt.datetime, folder: Path | None = None
) -> FrameworksReport:
    """Load every framework of ``folder`` (default: the packs'), then the cross-walk.

    Raises Refused naming the file and the entry that is wrong; nothing is kept then.
    """
    require(actor, "frameworks.edit")
    folder = folder or Path(settings.PACKS_DIR) / "frameworks"
    report = FrameworksReport()
    for path in sorted(folder.glob("*.toml")):
        if path.name != _CROSSWALK:
            data = _read(path)
            try:
                report.nodes[str(data["code"])] = _load(data, now)
            except (KeyError, TypeError, ValueError) as wrong:
                raise Refused(
                    f"{path.name} : il manque {wrong}, ou sa valeur ne convient pas.",
                    remedy="Corrigez le fichier et recommencez.",
                ) from wrong
    if (folder / _CROSSWALK).is_file():
        report.links = _load_crosswalk(_read(folder / _CROSSWALK))
    return report


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise Refused(
            f"{path.name} n’est pas du TOML : {wrong}.", remedy="Corrigez le fichier."
        ) from wrong


def _load(data: dict[str, Any], now: dt.datetime) -> int:
    texts = [data.get("summary", ""), data.get("capacity_wording", ""), data.get("translation", "")]
    edition = str(data.get("edition", ""))
    active = Framework.objects.filter(code=data["code"], state=Framework.State.ACTIVE)
    framework, made = Framework.objects.get_or_create(
        code=data["code"],
        version=str(data["version"]),
        defaults={
            "name": data["name"],
            "language": data.get("language", "fr"),
            "summary": "\n".join(filter(None, [f"Édition {edition}." if edition else "", *texts])),
            "source": data.get("source", ""),
            "legal_basis": data.get("legal_basis", ""),
            "licence": data.get("licence", ""),
            "state": Framework.State.DRAFT if active.exists() else Framework.State.ACTIVE,
            "created_at": now,
        },
    )
    if made:
        FrameworkLevel.objects.bulk_create(
            FrameworkLevel(
                framework=framework,
                rank=level["rank"],
                code=level["code"],
                name=level["name"],
                floor=level.get("floor"),
                description=level.get("meaning", ""),
            )
            for level in data.get("level", [])
        )
    return _Nodes(framework).add(data["domain"])


class _Nodes:
    """Adds the nodes that a framework lacks, parents first."""

    def __init__(self, framework: Framework) -> None:
        self.framework = framework
        self.known = {(node.kind, node.code): node for node in framework.nodes.all()}
        self.added = 0

    def add(self, domains: list[dict[str, Any]]) -> int:
        for rank, domain in enumerate(domains, start=1):
            guidance = {
                level["level"]: {"can": level["can_do"], "advice": list(level.get("advice", []))}
                for level in domain.get("level", [])
            }
            top = self._node("domain", domain, None, rank, guidance=guidance)
            for place, one in enumerate(domain.get("competency", []), start=1):
                parent = top
                if one.get("parent"):
                    parent = self._parent(one)
                competency = self._node("competency", one, parent, place)
                for step, capacity in enumerate(one.get("capacity", []), start=1):
                    self._node("capacity", {**capacity, "name": capacity["text"]}, competency, step)
        return self.added

    def _parent(self, one: dict[str, Any]) -> FrameworkNode:
        parent = self.known.get(("competency", one["parent"]))
        if parent is None:
            raise ValueError(f"le parent « {one['parent']} » de « {one['code']} »")
        return parent

    def _node(
        self,
        kind: str,
        one: dict[str, Any],
        parent: FrameworkNode | None,
        rank: int,
        *,
        guidance: dict[str, Any] | None = None,
    ) -> FrameworkNode:
        found = self.known.get((kind, one["code"]))
        if found:
            return found
        notes = ["non vérifié"] if one.get("unchecked") else []
        if one.get("name_en"):
            notes.append(f"en anglais : {one['name_en']}")
        node = FrameworkNode.objects.create(
            framework=self.framework,
            parent=parent,
            kind=kind,
            code=one["code"],
            name=one["name"],
            description=one.get("definition") or one.get("summary", ""),
            hours=one.get("hours"),
            guidance=guidance or {},
            note=" ; ".join(notes)[:200],
            rank=rank,
        )
        self.known[(kind, node.code)] = node
        self.added += 1
        return node


def _load_crosswalk(data: dict[str, Any]) -> int:
    nodes = {
        (node.framework.code, node.code): node
        for node in FrameworkNode.objects.filter(framework__state=Framework.State.ACTIVE)
        .exclude(kind=FrameworkNode.Kind.CAPACITY)
        .select_related("framework")
    }
    before = Correspondence.objects.count()
    rows = []
    for rank, link in enumerate(data.get("link", []), start=1):
        ends = []
        for end in ("from", "to"):
            framework, _, code = str(link.get(end, "")).partition("/")
            node = nodes.get((framework, code))
            if node is None:
                raise Refused(
                    f"{_CROSSWALK}, lien {rank} : « {link.get(end)} » n’existe pas.",
                    remedy="Corrigez le code, ou ajoutez l’élément au référentiel.",
                )
            ends.append(node)
        rows.append(
            Correspondence(
                source=ends[0],
                target=ends[1],
                strength=link["strength"],
                note=link.get("note", "")[:300],
            )
        )
    Correspondence.objects.bulk_create(rows, ignore_conflicts=True)
    return Correspondence.objects.count() - before
