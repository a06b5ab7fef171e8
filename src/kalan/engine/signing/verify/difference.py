"""What a revision after a signature may hold: validation data (DSS), document time-stamps, further
signatures. Anything else is a change to what was signed.

pyHanko compares the object graphs of the two revisions; its own default would also let titles,
metadata, form values and visible new fields pass. Those are refused here: they are the material of
the shadow attacks (Mainka, Mladenov, Rohlmann, NDSS 2021) and of the sneaky signature attack
(Rohlmann et al., « Breaking the Specification: PDF Certification », S&P 2021).
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

from pyhanko.pdf_utils.generic import DictionaryObject
from pyhanko.pdf_utils.metadata.xmp_xml import parse_xmp
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader, RawPdfPath
from pyhanko.sign.diff_analysis import (
    FormUpdatingRule,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.rules.file_structure_rules import (
    CatalogModificationRule,
    ObjectStreamRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules.form_field_rules import (
    DSSCompareRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
)
from pyhanko.sign.diff_analysis.rules_api import Context, ReferenceUpdate, WhitelistRule

from kalan.engine.signing.verify.verdict import Doubt, Reason

MOST_PAGES = 20_000  # nodes of the page tree


class UnseenFieldRule(SigFieldCreationRule):
    """A field that is added must hold a signature and take no place on the page: one that is seen
    can cover what was signed. A place for a visible signature is reserved before the first
    signature, or not at all."""

    def apply(self, context: Any) -> Iterable[Any]:
        for spec in context.field_specs.values():
            if spec.old_field_ref is None and spec.new_field_ref is not None:
                field = spec.new_field_ref.get_object()
                if "/V" not in field:
                    raise SuspiciousModification("an empty field was added after signing")
                for one in (field, *(kid.get_object() for kid in field.get("/Kids", ()))):
                    _without_place(one)
        _same_order(context.old.root["/Pages"], context.new.root["/Pages"])
        return super().apply(context)


def _same_order(old: Any, new: Any) -> None:
    """Refuse annotations in another order: what lay under another would lie over it. pyHanko
    compares them as sets."""
    waiting, seen = [(old, new)], 0
    while waiting:
        before, after = (one.get_object() for one in waiting.pop())
        seen += 1
        if seen > MOST_PAGES:
            raise SuspiciousModification("too many pages, or a loop of pages")
        if "/Kids" in before:
            waiting += zip(before["/Kids"], after["/Kids"], strict=True)
            continue
        had, has = (_annotations(page) for page in (before, after))
        if has[: len(had)] != had or len(set(has)) != len(has):
            raise SuspiciousModification("annotations in another order")


def _annotations(page: Any) -> list[Any]:
    found = page.get("/Annots", None)
    return [] if found is None else [found.raw_get(n).reference for n in range(len(found))]


def _without_place(widget: Any) -> None:
    """Refuse a widget that has a place. pyHanko takes a rectangle that it cannot read, such as one
    whose numbers are references, for one without size; a viewer reads it."""
    try:
        rectangle = list(widget.raw_get("/Rect"))
    except KeyError:
        if "/AP" in widget:
            raise SuspiciousModification("an appearance without place") from None
        return
    if len(rectangle) != 4 or not all(isinstance(one, (int, Decimal)) for one in rectangle):
        raise SuspiciousModification("a place that is not four numbers")
    left, low, right, top = rectangle
    if left != right and low != top:
        raise SuspiciousModification("a visible field was added after signing")


SAVED = {  # what a program writes when it saves, and how: nothing else can be slipped in
    "/ModDate": re.compile(r"D:\d{4,14}(Z|[+-]\d\d'?(\d\d'?)?)?"),
    "/Producer": re.compile(r"[\w .,;:()/+®©™-]{0,200}"),
}


class SameInfoRule(WhitelistRule):
    """A signing program may write into /Info when and with what it saved; not a title."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        reference = new.trailer_view.get_value_as_reference("/Info", optional=True)
        if reference is None or reference not in new.explicit_refs_in_revision():
            return
        held = [one.reader.get_object(reference, revision=one.revision) for one in (old, new)]
        if not all(isinstance(one, DictionaryObject) for one in held):
            raise SuspiciousModification("/Info is something else")
        before, after = ({key: str(one.raw_get(key)) for key in one} for one in held)
        for key in before.keys() | after.keys():
            same = before.get(key) == after.get(key)
            if not same and not (key in SAVED and SAVED[key].fullmatch(after.get(key, ""))):
                raise SuspiciousModification(f"{key} of the document was changed")
        yield ReferenceUpdate(
            reference, context_checked=Context.from_absolute(old, RawPdfPath("/Info"))
        )


ISO_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T[\d:.]{5,18}(Z|[+-]\d\d:\d\d)?)?)?)?")
SAVING = {  # the same in the metadata
    ("http://ns.adobe.com/xap/1.0/", "ModifyDate"): ISO_DATE,
    ("http://ns.adobe.com/xap/1.0/", "MetadataDate"): ISO_DATE,
    ("http://ns.adobe.com/pdf/1.3/", "Producer"): SAVED["/Producer"],
    ("http://ns.adobe.com/xap/1.0/mm/", "InstanceID"): re.compile(r"[\w:/+=.-]{0,100}"),
}


class SameMetadataRule(WhitelistRule):
    """The same for the XMP metadata, written anew but saying the same."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        reference = new.root.get_value_as_reference("/Metadata", optional=True)
        if reference is None or reference not in new.explicit_refs_in_revision():
            return
        if old.root.get_value_as_reference("/Metadata", optional=True) != reference:
            raise SuspiciousModification("the metadata were put elsewhere")
        before, after = (
            one.reader.get_object(reference, revision=one.revision) for one in (old, new)
        )
        kept = {"/Type", "/Subtype", "/Length", "/Filter", "/DecodeParms"}
        if set(after) - kept or any(before.get(k) != after.get(k) for k in ("/Type", "/Subtype")):
            raise SuspiciousModification("the metadata have another dictionary")
        if _said(before.data) != _said(after.data):
            raise SuspiciousModification("the metadata say something else")
        yield ReferenceUpdate(
            reference, context_checked=Context.from_absolute(old, RawPdfPath("/Root", "/Metadata"))
        )


def _said(xmp: bytes) -> list[dict[Any, Any]]:
    if len(xmp) > 1_000_000 or b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:
        raise SuspiciousModification("metadata of an unusual kind")
    xmp.decode("utf-8")  # no other encoding, in which those could hide
    _all_said(xmp)
    said = []
    for one in parse_xmp(BytesIO(xmp)):
        fields = dict(iter(one))
        for name in list(fields):
            pattern = SAVING.get((name.ns, name.local_name))
            if pattern is not None and not pattern.fullmatch(str(fields.pop(name).value)):
                raise SuspiciousModification(f"metadata: {name.local_name}")
        said.append(fields)
    return said


PACKET = re.compile(
    rb"<\?xpacket (begin=([\"'])(\xef\xbb\xbf)?\2 id=([\"'])\w{24}\4|end=[\"'][rw][\"'])\s*\?>"
)
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
META = "{adobe:ns:meta/}"
TOOLKIT = re.compile(r"[\w .,;:()/+-]{0,100}")
DESCRIPTION, HOLDERS = RDF + "Description", {RDF + name for name in ("Alt", "Seq", "Bag")}
ON_VALUES = {
    "{http://www.w3.org/XML/1998/namespace}lang", RDF + "parseType", RDF + "resource", RDF + "about"
}  # fmt: skip


def _all_said(xmp: bytes) -> None:
    """Refuse what pyHanko passes over when it reads fields, and another reader may show: a second
    description, text or elements between them, comments (ISO 16684-1, 7)."""
    marks = xmp.count(b"<?") - len(PACKET.findall(xmp)) - xmp.startswith(b"<?xml ")
    if marks or b"<!" in xmp:
        raise SuspiciousModification("metadata with a comment or a mark of its own")
    root = ElementTree.fromstring(xmp)  # noqa: S314 - without DOCTYPE: no entities
    toolkit = {} if root.tag != META + "xmpmeta" else dict(root.attrib)
    if not all(TOOLKIT.fullmatch(value) for value in toolkit.values()) or len(toolkit) > 1:
        raise SuspiciousModification("metadata with attributes of their own")
    inside = list(root) if root.tag == META + "xmpmeta" else [root]
    if len(inside) != 1 or inside[0].tag != RDF + "RDF" or inside[0].attrib:
        raise SuspiciousModification("metadata that are not one description")
    if any(one.tag != DESCRIPTION for one in inside[0]) or not all(map(_one_value, root.iter())):
        raise SuspiciousModification("metadata with something between their fields")


def _one_value(one: ElementTree.Element) -> bool:
    """Whether an element holds either text or what XMP puts there, and nothing beside it."""
    kids = {kid.tag for kid in one}
    if (one.tail or "").strip() or (kids and (one.text or "").strip()):
        return False
    if one.tag in (META + "xmpmeta", RDF + "RDF"):
        return not (one.text or "").strip()
    if one.tag == DESCRIPTION:
        return not (one.text or "").strip()
    if one.tag in HOLDERS:
        return kids <= {RDF + "li"} and not one.attrib and not (one.text or "").strip()
    if one.attrib.keys() - ON_VALUES:
        return False
    structured = one.get(RDF + "parseType") == "Resource"
    return structured or not kids or (len(one) == 1 and kids <= HOLDERS | {DESCRIPTION})


class SameVersionRule(CatalogModificationRule):
    """The catalogue as pyHanko compares it; extensions and version are said once, then stay."""

    def apply_qualified(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[Any]:
        for key in ("/Extensions", "/Version"):
            if key in old.root and repr(old.root[key]) != repr(new.root.get(key)):
                raise SuspiciousModification(f"{key} was changed")
        return super().apply_qualified(old, new)


POLICY = StandardDiffPolicy(
    global_rules=[
        SameVersionRule(ignored_keys=frozenset({"/AcroForm", "/DSS", "/Extensions", "/Version"})),
        SameInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
        SameMetadataRule().as_qualified(ModificationLevel.LTA_UPDATES),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        DSSCompareRule().as_qualified(ModificationLevel.LTA_UPDATES),
    ],
    form_rule=FormUpdatingRule(
        field_rules=[
            UnseenFieldRule(),
            SigFieldModificationRule(
                allow_in_place_appearance_stream_changes=False,
                always_modifiable=frozenset({"/Type"}),
                value_update_keys=frozenset({"/Type", "/V", "/AP"}),
            ),
        ],
        ignored_acroform_keys=frozenset({"/Fields"}),
    ),
    ignore_orphaned_objects=False,
    ignore_identical_objects=False,
)


TRAILER = {  # of a trailer, or of the stream that stands for one
    "/Size", "/Prev", "/Root", "/Info", "/ID", "/Type", "/W", "/Index", "/Length", "/Filter",
    "/DecodeParms", "/Encrypt", "/XRefStm",
}  # fmt: skip


def same_trailer(reader: PdfFileReader, since: int) -> None:
    """Check that no trailer after revision ``since`` names another catalogue or another /Info: an
    object prepared before signing could be shown in the place of the one that was seen."""

    def named(resolver: HistoricalResolver, key: str) -> Any:
        return resolver.trailer_view.get_value_as_reference(key, optional=True)

    signed = reader.get_historical_resolver(since)
    for revision in range(since + 1, reader.xrefs.total_revisions):
        later = reader.get_historical_resolver(revision)
        if repr(_first_id(signed)) != repr(_first_id(later)):
            raise Doubt(Reason.MODIFIED, "a later trailer is another file's")
        said, before = (one.trailer_view for one in (later, signed))
        for key in set(said) - TRAILER:
            if repr(said.raw_get(key)) != repr(before.get(key, None)):
                raise Doubt(Reason.MODIFIED, "a later trailer says something else")
        for key in ("/Root", "/Info"):
            if named(signed, key) != named(later, key):
                raise Doubt(Reason.MODIFIED, f"a later trailer names another {key}")


def _first_id(resolver: HistoricalResolver) -> Any:
    """The half of /ID that names the file, whatever its revision (ISO 32000-1, 14.4)."""
    identifier = resolver.trailer_view.get("/ID", None)
    return identifier[0] if identifier else None
