"""More forged PDF files: what an honest-looking revision of validation data may carry with it.

Each adds validation data, as anybody may, and something that one reader passes over and another
shows: the gaps between parsers of [MMK19] and [MMR21] (`forgeries`), looked for in the places that
a judge reads least: comments, doubles, trailers, metadata.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.support import forgeries as f

STORE = b"/DSS<</Type/DSS>>>>"
XMP = b"/Type/Metadata/Subtype/XML"
EVIL = b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">%s</rdf:Description>'
RDF = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF>'
TITLE = re.compile(rb"<dc:title.*?</dc:title>", re.DOTALL)


def _catalogue(pdf: bytes, more: bytes = b"", before: bytes = b"") -> bytes:
    raw = f.body(pdf, f.parts(pdf).catalog)
    return b"<<" + before + raw[2:-2] + more + STORE


def catalogue(more: bytes, *, first: bytes = b"") -> Callable[[bytes], bytes]:
    """A catalogue with other pages beside its own; %d: their number."""

    def attack(pdf: bytes) -> bytes:
        number = f.new(pdf)
        more_, first_ = (one.replace(b"%d", b"%d" % number) for one in (more, first))
        return f.update(pdf, {f.parts(pdf).catalog: _catalogue(pdf, more_, first_)})

    return attack


def two_catalogues(pdf: bytes) -> bytes:
    """One object, two dictionaries: the honest one, then one with other pages."""
    good = _catalogue(pdf)
    bad = re.sub(rb"/Pages \d+ 0 R", b"/Pages %d 0 R" % f.new(pdf), good)
    return f.update(pdf, {f.parts(pdf).catalog: good + bad})


def two_places(pdf: bytes) -> bytes:
    """One number in two rows of the cross-references."""
    p, good = f.parts(pdf), _catalogue(pdf)
    bad = b"%d 0 obj\n%s\nendobj\n" % (p.catalog, good.replace(b"/Pages", b"/Other"))
    made = f.update(pdf, {p.catalog: good}, before=bad)
    row = b"xref\n%d 1\n" % p.catalog
    other = b"%010d 00000 n \n%d 1\n" % (made.rindex(bad), p.catalog)
    return made.replace(row, row + other)


def another_generation(pdf: bytes) -> bytes:
    """What the page shows, in a generation of which readers without generations know nothing."""
    p = f.parts(pdf)
    made = f.update(pdf, {p.catalog: _catalogue(pdf), p.content: f.stream(f.PAINT)})
    head, tail = made[: len(pdf)], made[len(pdf) :]
    tail = tail.replace(b"%d 0 obj" % p.content, b"%d 1 obj" % p.content)
    rows = re.sub(rb"(xref\n%d 1\n\d{10}) 00000" % p.content, rb"\1 00001", tail)
    assert rows != tail
    return head + rows


def trailer(more: bytes) -> Callable[[bytes], bytes]:
    def attack(pdf: bytes) -> bytes:
        p, number = f.parts(pdf), f.new(pdf)
        return f.update(
            pdf,
            {p.catalog: _catalogue(pdf), number: f.body(pdf, p.catalog)},
            trailer=more.replace(b"%d", b"%d" % number),
        )

    return attack


def form(more: bytes) -> Callable[[bytes], bytes]:
    def attack(pdf: bytes) -> bytes:
        p = f.parts(pdf)
        raw = f.body(pdf, p.form)[:-2] + more + b">>"
        return f.update(pdf, {p.catalog: _catalogue(pdf), p.form: raw})

    return attack


def metadata(
    change: Callable[[bytes, bytes], bytes], keys: bytes = b""
) -> Callable[[bytes], bytes]:
    """The metadata written anew; ``change`` is given them and a forged title."""

    def attack(pdf: bytes) -> bytes:
        p = f.parts(pdf)
        catalog = f.body(pdf, p.catalog)
        number = int(re.search(rb"/Metadata (\d+) 0 R", catalog)[1])  # type: ignore[index]
        raw = f.body(pdf, number)
        xmp = raw[raw.index(b"stream") + 6 : raw.rindex(b"endstream")].strip()
        title = TITLE.search(xmp)
        assert title
        forged = title[0].replace(b"Attestation", b"Certificat")
        assert forged != title[0]
        changed = change(xmp, forged)
        assert keys or changed != xmp
        return f.update(pdf, {p.catalog: _catalogue(pdf), number: f.stream(changed, XMP + keys)})

    return attack


def _in_rdf(what: bytes) -> Callable[[bytes, bytes], bytes]:
    return lambda xmp, title: xmp.replace(b"</rdf:RDF>", what.replace(b"%s", title) + b"</rdf:RDF>")


def _after_rdf(what: bytes) -> Callable[[bytes, bytes], bytes]:
    return lambda xmp, title: xmp.replace(b"</rdf:RDF>", b"</rdf:RDF>" + what.replace(b"%s", title))


def _doubled(xmp: bytes, title: bytes) -> bytes:
    honest = TITLE.search(xmp)
    assert honest
    return xmp.replace(honest[0], title + honest[0])


SLIPPED: dict[str, Callable[[bytes], bytes]] = {
    "a comment that ends at a form feed": catalogue(b"%x\x0c/Pages %d 0 R\n"),
    "a comment that ends at a zero": catalogue(b"%x\0/Pages %d 0 R\n"),
    "a comment": catalogue(b"%lu et approuve\n"),
    "pages twice": catalogue(b"/Pages %d 0 R"),
    "pages twice, the forged first": catalogue(b"", first=b"/Pages %d 0 R"),
    "pages twice, written otherwise": catalogue(b"/P#61ges %d 0 R"),
    "two dictionaries in one object": two_catalogues,
    "two places for one object": two_places,
    "another generation": another_generation,
    "validation data of another type": lambda pdf: f.update(
        pdf,
        {f.parts(pdf).catalog: _catalogue(pdf).replace(b"/DSS<</Type/DSS", b"/DSS<</Type/Catalog")},
    ),
    "a trailer that says more": trailer(b"/Approuve(oui)"),
    "a trailer with a comment": trailer(b"%x\x0c/Root %d 0 R\n"),
    "a trailer with two catalogues": trailer(b"/Root %d 0 R"),
    "a form in XML (XFA)": form(b"/XFA(<xdp/>)"),
    "metadata: from elsewhere": metadata(lambda xmp, _: xmp, b"/F(http://exemple.sn/x)"),
    "metadata: a second title": metadata(_doubled),
    "metadata: a second description": metadata(_in_rdf(EVIL)),
    "metadata: a second set": metadata(_after_rdf(RDF.replace(b"%s", EVIL))),
    "metadata: an element of its own": metadata(_after_rdf(b'<a xmlns="urn:a">lu</a>')),
    "metadata: a text between": metadata(_in_rdf(b"Lu et approuve")),
    "metadata: a comment": metadata(_in_rdf(b"<!-- lu -->")),
    "metadata: an instruction": metadata(_in_rdf(b"<?lu?>")),
    "metadata: an attribute of a value": metadata(
        lambda xmp, _: re.sub(rb"(<rdf:li)([^>]*>Attestation)", rb'\1 title="Certificat"\2', xmp)
    ),
    "metadata: a text around a value": metadata(
        lambda xmp, _: xmp.replace(b"<rdf:Alt>", b"<rdf:Alt>Certificat", 1)
    ),
}
