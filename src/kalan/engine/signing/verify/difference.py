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
        if _said(before.data) != _said(after.data):
            raise SuspiciousModification("the metadata say something else")
        yield ReferenceUpdate(
            reference, context_checked=Context.from_absolute(old, RawPdfPath("/Root", "/Metadata"))
        )


def _said(xmp: bytes) -> list[dict[Any, Any]]:
    if len(xmp) > 1_000_000 or b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:
        raise SuspiciousModification("metadata of an unusual kind")
    xmp.decode("utf-8")  # no other encoding, in which those could hide
    said = []
    for one in parse_xmp(BytesIO(xmp)):
        fields = dict(iter(one))
        for name in list(fields):
            pattern = SAVING.get((name.ns, name.local_name))
            if pattern is not None and not pattern.fullmatch(str(fields.pop(name).value)):
                raise SuspiciousModification(f"metadata: {name.local_name}")
        said.append(fields)
    return said


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
        for key in ("/Root", "/Info"):
            if named(signed, key) != named(later, key):
                raise Doubt(Reason.MODIFIED, f"a later trailer names another {key}")


def _first_id(resolver: HistoricalResolver) -> Any:
    """The half of /ID that names the file, whatever its revision (ISO 32000-1, 14.4)."""
    identifier = resolver.trailer_view.get("/ID", None)
    return identifier[0] if identifier else None
