"""What a PDF/A-3a and PDF/UA-1 act must hold, by structure; veraPDF says the rest where it is.

ISO 19005-3 (6.2.2 output intent, 6.2.11 fonts, 6.6 metadata, 6.7 tags, 6.8 files) and
ISO 14289-1 (5 version, 7.1 tags, 7.2 language, 7.18 annotations).
"""

from __future__ import annotations

import io

import pikepdf

RELATIONSHIP = "/Data"


def conformance_faults(pdf: bytes) -> list[str]:
    """What is missing from ``pdf``, in a fixed order; empty when nothing is."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return [
            *_document(document),
            *_claims(document),
            *_intent(document),
            *_attachment(document),
            *_pages(document),
            *_widgets(document),
        ]


def _document(document: pikepdf.Pdf) -> list[str]:
    root = document.Root
    faults = []
    if root.get("/MarkInfo", {}).get("/Marked") is not True:
        faults.append("no mark that it is tagged")
    tree = root.get("/StructTreeRoot")
    if tree is None or "/ParentTree" not in tree:
        faults.append("no structure tree")
    if str(root.get("/Lang", "")) != "fr":
        faults.append("no language")
    shown = root.get("/ViewerPreferences", {}).get("/DisplayDocTitle")
    if shown is not True or not str(document.docinfo.get("/Title", "")):
        faults.append("no title shown")
    return faults


def _claims(document: pikepdf.Pdf) -> list[str]:
    with document.open_metadata() as metadata:
        claims = {
            key: metadata.get(key)
            for key in ("pdfaid:part", "pdfaid:conformance", "pdfuaid:part", "dc:title")
        }
    title = claims.pop("dc:title")
    expected = {"pdfaid:part": "3", "pdfaid:conformance": "A", "pdfuaid:part": "1"}
    if claims != expected or not title:
        return ["no claims in its metadata"]
    return []


def _intent(document: pikepdf.Pdf) -> list[str]:
    intents = list(document.Root.get("/OutputIntents", []))
    if [str(i.S) for i in intents] != ["/GTS_PDFA1"] or "/DestOutputProfile" not in intents[0]:
        return ["no output intent"]
    return []


def _attachment(document: pikepdf.Pdf) -> list[str]:
    files = list(document.Root.get("/AF", []))
    if [str(f.get("/AFRelationship")) for f in files] != [RELATIONSHIP]:
        return ["no attachment"]
    content = files[0].EF.F
    if str(content.get("/Subtype")) != "/application/json" or "/ModDate" not in content.Params:
        return ["the attachment has no type or no date"]
    return []


def _pages(document: pikepdf.Pdf) -> list[str]:
    faults = []
    for number, page in enumerate(document.pages, start=1):
        if str(page.get("/Tabs", "")) != "/S":
            faults.append(f"page {number}: tab order does not follow the structure")
        for name, font in page.get("/Resources", {}).get("/Font", {}).items():
            if not _embedded(font):
                faults.append(f"page {number}: font {name} is not embedded")
    return faults


def _embedded(font: pikepdf.Object) -> bool:
    below = font.DescendantFonts[0] if "/DescendantFonts" in font else font
    described = below.get("/FontDescriptor", {})
    has_file = any(key in described for key in ("/FontFile", "/FontFile2", "/FontFile3"))
    return has_file and "/ToUnicode" in font


def _widgets(document: pikepdf.Pdf) -> list[str]:
    """A signature field: printed, named in words, in the structure (ISO 14289-1, 7.18)."""
    faults = []
    for widget in document.Root.get("/AcroForm", {}).get("/Fields", []):
        name = str(widget.get("/T"))
        if not int(widget.get("/F", 0)) & 4:
            faults.append(f"field {name} is not printed")
        if not str(widget.get("/TU", "")):
            faults.append(f"field {name} has no name in words")
        if "/StructParent" not in widget:
            faults.append(f"field {name} is not in the structure")
    return faults
