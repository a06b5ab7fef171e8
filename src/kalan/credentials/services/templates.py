"""Templates of acts: loaded from the packs, worded by administrators, a version an edit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import PurePath

from django.db.models import Max
from django.utils.text import slugify

from kalan.base.errors import Refused
from kalan.base.files import store
from kalan.base.models import StoredFile
from kalan.credentials import policy
from kalan.credentials.documents import contract, packs, preview
from kalan.credentials.documents.compose import Version
from kalan.credentials.documents.errors import DocumentRefused, Problem
from kalan.credentials.documents.pictures import bare_jpeg
from kalan.credentials.documents.render import Renderer
from kalan.credentials.documents.statements import TITLES
from kalan.credentials.documents.wording import typeset
from kalan.credentials.models import ActTemplate, TemplateLogo, TemplateVersion
from kalan.credentials.selectors.templates import (
    current_version,
    layout_of,
    packs_folder,
)
from kalan.credentials.services.printing import printed
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.people.services.history import act
from kalan.skills.services.media import judge

_TYPES = {"png": "image/png", "jpeg": "image/jpeg"}
_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg"}
# What ends by itself: a level is worth what it was on the day of its exam. An attestation tells of
# a fact that stays true, and any other act says its own dates.
LASTING = (contract.COMPETENCE,)
MOST_LOGOS = 4  # the arms and three partners: the head holds no more


@dataclass(frozen=True)
class Logo:
    """The arms (rank 0) or a partner's logo: one that stands, or new bytes."""

    rank: int
    alt: str
    file: StoredFile | None = None
    content: bytes = b""
    name: str = ""


@dataclass(frozen=True)
class Draft:
    """What an administrator typed."""

    title: str = ""
    wording: dict[str, str] = field(default_factory=dict)
    legal_number: str = ""
    legal_date: dt.date | None = None
    legal_authority: str = ""
    validity_months: int | None = None
    columns: tuple[str, ...] = ()
    logos: tuple[Logo, ...] = ()


@act
def load_templates(
    *, actor: Actor, country: str, node: OrgNode, now: dt.datetime
) -> list[ActTemplate]:
    """Make the templates of ``country``'s pack that are not there yet; those that are stay."""
    _require(actor, node)
    there = set(ActTemplate.objects.filter(country=country).values_list("code", flat=True))
    made = []
    for model in packs.models(packs_folder(), country).values():
        if model.kind in there:
            continue
        template = _template(node, country, code=model.kind, kind=model.kind, now=now)
        TemplateVersion.objects.create(
            template=template,
            number=1,
            current=True,
            file=model.file,
            title=model.title,
            wording=model.wording,
            validity_months=model.validity_months,
            made_at=now,
            made_by=actor.account,
        )
        made.append(template)
    if "files" not in there:
        template = _template(node, country, code="files", kind="files", now=now)
        _first(template, "Document", {}, now, actor)
        made.append(template)
    return made


@act
def create_template(
    *, actor: Actor, node: OrgNode, country: str, kind: str, name: str, now: dt.datetime
) -> ActTemplate:
    """A further template of a kind, worded as the pack words it; edit it next."""
    _require(actor, node)
    if not name.strip():
        raise Refused("Donnez un nom à ce modèle.", field="name")
    code = slugify(name)[:60]
    if not code or ActTemplate.objects.filter(country=country, code=code).exists():
        raise Refused(
            f"Un modèle s’appelle déjà «\u00a0{name.strip()}\u00a0».",
            field="name",
            remedy="Donnez-lui un autre nom.",
        )
    template = _template(node, country, code=code, kind=kind, now=now, name=name.strip())
    if kind in contract.KINDS:
        model = packs.models(packs_folder(), country)[kind]
        title = TITLES.get(kind) or name.strip()
        _first(template, title, model.wording, now, actor, months=model.validity_months)
    else:
        _first(template, name.strip(), {}, now, actor)
    return template


def _template(
    node: OrgNode, country: str, *, code: str, kind: str, now: dt.datetime, name: str = ""
) -> ActTemplate:
    label = str(ActTemplate.Kind(kind).label)
    return ActTemplate.objects.create(
        node=node,
        country=country,
        code=code,
        kind=kind,
        name=name or label[0].upper() + label[1:],
        created_at=now,
    )


def _first(
    template: ActTemplate,
    title: str,
    wording: dict[str, str],
    now: dt.datetime,
    actor: Actor,
    *,
    months: int | None = None,
) -> TemplateVersion:
    return TemplateVersion.objects.create(
        template=template,
        number=1,
        current=True,
        file=layout_of(template.kind, template.country),
        title=title,
        wording=wording,
        validity_months=months,
        made_at=now,
        made_by=actor.account,
    )


@act
def save_version(
    *, actor: Actor, template: ActTemplate, draft: Draft, now: dt.datetime
) -> TemplateVersion:
    """Make ``draft`` the current version; the same words again make none.

    Raises Refused, and stores nothing, when a text names an unknown field or does not parse, when
    reserved words stand without their legal reference, or when an invented act cannot be printed.
    """
    _require(actor, template.node)
    draft = tidied(template, draft)
    refuse_faults(template, draft)
    current = current_version(template)
    if current is not None and _same(current, draft):
        return current
    last = TemplateVersion.objects.filter(template=template).aggregate(last=Max("number"))["last"]
    TemplateVersion.objects.filter(template=template, current=True).update(current=False)
    version = TemplateVersion.objects.create(
        template=template,
        number=(last or 0) + 1,
        current=True,
        file=layout_of(template.kind, template.country),
        title=draft.title,
        wording=draft.wording,
        options={"columns": list(draft.columns)} if draft.columns else {},
        legal_number=draft.legal_number,
        legal_date=draft.legal_date,
        legal_authority=draft.legal_authority,
        validity_months=draft.validity_months,
        made_at=now,
        made_by=actor.account,
    )
    for logo in draft.logos:
        _keep_logo(version, logo, actor=actor, now=now)
    return version


@act
def set_retired(
    *, actor: Actor, template: ActTemplate, retired: bool, now: dt.datetime
) -> ActTemplate:
    """Take a template out of use, or back into it. Acts already made are not touched."""
    _require(actor, template.node)
    if retired != (template.retired_at is not None):
        template.retired_at = now if retired else None
        template.save(update_fields=["retired_at"])
    return template


def preview_pdf(template: ActTemplate, draft: Draft, *, long: bool = False) -> bytes:
    """The PDF of an invented act as ``draft`` words it. Raises Refused as ``save_version``."""
    draft = tidied(template, draft)
    refuse_faults(template, draft)
    version, assets = _printed(template, draft)
    data = preview.preview_data(
        version, long=long, columns=draft.columns, months=draft.validity_months
    )
    return Renderer(packs_folder() / version.file, assets).pdf(data)


def version_pdf(version: TemplateVersion, *, long: bool = False) -> bytes:
    """The PDF of an invented act of a stored version. Raises Refused when it cannot be made."""
    said, assets = printed(version)
    data = preview.preview_data(
        said, long=long, columns=columns_of(version), months=version.validity_months
    )
    try:
        return Renderer(packs_folder() / said.file, assets).pdf(data)
    except DocumentRefused as refused:
        raise _refusal(refused.problems) from refused


def version_picture(version: TemplateVersion) -> bytes:
    """The first page of the same act as PNG; nothing is refused in a picture."""
    said, assets = printed(version)
    data = preview.preview_data(said, columns=columns_of(version), months=version.validity_months)
    return Renderer(packs_folder() / said.file, assets).picture(data)


def columns_of(version: TemplateVersion) -> tuple[str, ...]:
    """The headings of the spreadsheet that fills a free act."""
    return tuple(version.options.get("columns", []))


def draft_of(version: TemplateVersion) -> Draft:
    """A version as a draft: to look at it, or to edit it."""
    return Draft(
        title=version.title,
        wording=dict(version.wording),
        legal_number=version.legal_number,
        legal_date=version.legal_date,
        legal_authority=version.legal_authority,
        validity_months=version.validity_months,
        columns=columns_of(version),
        logos=tuple(
            Logo(rank=logo.rank, alt=logo.alt, file=logo.file)
            for logo in version.logos.select_related("file").order_by("rank")
        ),
    )


def tidied(template: ActTemplate, draft: Draft) -> Draft:
    """Fixed titles put back, French spaces set, blocks that the layout does not print left out,
    and the validity of what does not end."""
    blocks = preview.BLOCKS.get(template.kind, ())
    return Draft(
        title=TITLES.get(template.kind) or typeset(draft.title.strip()),
        wording={block: typeset(draft.wording.get(block, "").strip()) for block in blocks},
        legal_number=draft.legal_number.strip(),
        legal_date=draft.legal_date,
        legal_authority=draft.legal_authority.strip(),
        validity_months=draft.validity_months if template.kind in LASTING else None,
        columns=tuple(column.strip() for column in draft.columns if column.strip()),
        logos=draft.logos,
    )


def refuse_faults(template: ActTemplate, draft: Draft) -> None:
    """Raise Refused for the first block at fault, all its faults named with place and remedy."""
    if not draft.title:
        raise Refused("Donnez le titre qui s’imprime sur l’acte.", field="title")
    legal = (draft.legal_number, draft.legal_date, draft.legal_authority)
    if any(legal) and not all(legal):
        raise Refused(
            "La référence légale est incomplète.",
            field="legal_number",
            remedy="Donnez le numéro, la date et l’autorité, ou aucun des trois.",
        )
    if template.kind not in contract.KINDS:
        return
    for logo in draft.logos:
        _refuse_logo(logo)
    version, assets = _printed(template, draft)
    found = preview.check(version, packs_folder(), assets, columns=draft.columns)
    if found:
        raise _refusal(found)


def _refusal(found: list[Problem]) -> Refused:
    block = _block(found[0].place)
    same = [problem for problem in found if _block(problem.place) == block]
    return Refused("\n".join(str(problem) for problem in same), field=block, code=found[0].code)


def _block(place: str) -> str:
    """The field of the form for a place: « text.body.1.2 » → « body »."""
    parts = place.split(".")
    return parts[1] if parts[0] == "text" and len(parts) > 1 else parts[0]


def _printed(template: ActTemplate, draft: Draft) -> tuple[Version, dict[str, bytes]]:
    legal = None
    if draft.legal_date:
        legal = {
            "number": draft.legal_number,
            "date": draft.legal_date.isoformat(),
            "authority": draft.legal_authority,
        }
    assets, named = {}, {}
    for logo in draft.logos:
        content, content_type = _bytes_of(logo)
        name = f"logo-{logo.rank}{_SUFFIXES[content_type]}"
        assets[name] = content
        named[logo.rank] = {"file": name, "alt": logo.alt}
    version = Version(
        kind=template.kind,
        country=template.country,
        file=layout_of(template.kind, template.country),
        title=draft.title,
        wording=draft.wording,
        legal=legal,
        arms=named.pop(0, None),
        logos=tuple(named[rank] for rank in sorted(named)),
    )
    return version, assets


def _bytes_of(logo: Logo) -> tuple[bytes, str]:
    if logo.file is None:
        kind = judge(logo.content, logo.name).kind
        # PNG is decoded and drawn anew by the compiler; JPEG goes into each act as it is.
        return bare_jpeg(logo.content) if kind == "jpeg" else logo.content, _TYPES[kind]
    with logo.file.file.open("rb") as content:
        return content.read(), logo.file.content_type


def _refuse_logo(logo: Logo) -> None:
    place = f"logo_{logo.rank}"
    if not logo.alt.strip():
        raise Refused(
            "Dites en quelques mots ce que montre ce logo.",
            field=f"alt_{logo.rank}",
            remedy="Par exemple «\u00a0Logo d’Enabel\u00a0»\u00a0: un lecteur d’écran le dira.",
        )
    if logo.file is not None:
        return
    try:
        kind = judge(logo.content, logo.name).kind
    except Refused as refused:
        raise Refused(refused.message, field=place, remedy=refused.remedy) from refused
    if kind not in _TYPES:
        raise Refused(
            "Un logo est une image PNG ou JPEG.",
            field=place,
            remedy="Enregistrez-le dans l’un de ces deux formats.",
        )


def _keep_logo(version: TemplateVersion, logo: Logo, *, actor: Actor, now: dt.datetime) -> None:
    content, content_type = _bytes_of(logo)
    file = logo.file or store(
        content=content,
        name=f"{PurePath(logo.name).stem}{_SUFFIXES[content_type]}",
        kind="logo",
        by=actor.account,
        now=now,
        content_type=content_type,
    )
    TemplateLogo.objects.create(version=version, rank=logo.rank, file=file, alt=logo.alt.strip())


def _same(version: TemplateVersion, draft: Draft) -> bool:
    stands = tidied(version.template, draft_of(version))
    return stands == draft


def _require(actor: Actor, node: OrgNode) -> None:
    if not actor.covers(policy.CAPABILITIES["templates.edit"], node.path):
        raise Refused(
            "Vous n’avez pas le droit de modifier ces modèles.",
            remedy="Demandez-le à un administrateur de ce territoire.",
            code="forbidden",
        )
