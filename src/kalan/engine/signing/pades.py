"""PAdES B-B (ETSI EN 319 142-1): one signature, written as one incremental update of the PDF.

A `Signer` serves a batch: certificates, structure and hole are prepared once; each document costs
one SHA-256, one key operation and a splice. The file stays PDF/A-3a and PDF/UA-1: the widget has no
size (so needs no appearance: ISO 19005-3, 6.3.3), the Print flag, an alternate name and a `Form`
element in the structure tree; its page keeps the tab order of the structure.

The signature certifies (DocMDP, P 1), unless told otherwise: the file itself then says to any
reader that nothing may be changed or added but validation data, which is the rule that Kalan holds
its acts to. An act for several hands must not be certified.

With RSA and a given time the bytes are the same each time; ECDSA draws a number for each signature.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re

from cryptography import x509
from cryptography.x509.oid import NameOID

from kalan.engine.signing import keys, pdftail
from kalan.engine.signing.cms import Skeleton
from kalan.engine.signing.errors import SigningError
from kalan.engine.signing.keys import Identity
from kalan.engine.signing.pdftail import NotOursError, Tail, append, edit, value

_HOLE_RANGE = 40  # bytes kept for the four numbers of /ByteRange
_CERTIFY = (
    b"/Reference[<</Type/SigRef/TransformMethod/DocMDP"
    b"/TransformParams<</Type/TransformParams/P 1/V/1.2>>>>]"
)
_NUMBER = re.compile(rb"\d{1,7}\Z")
_NOT_IN_OURS = {b"/AcroForm", b"/Perms", b"/OpenAction", b"/AA"}
_DEEPEST = 20  # levels of a page tree


class Signer:
    """Signs PDFs with one identity.

    ``reason``, ``location``, ``contact``: said in the signature; ``name``: the signer's, by default
    as in the certificate; ``label``: what a screen reader says of the field.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        name: str = "",
        reason: str = "",
        location: str = "",
        contact: str = "",
        label: str = "",
        certify: bool = True,
    ) -> None:
        self.identity = identity
        certificate = x509.load_der_x509_certificate(identity.certificate)
        keys.kind_of(certificate.public_key())
        self._first = certificate.not_valid_before_utc
        self._last = certificate.not_valid_after_utc
        keys.refuse_unfit(identity.certificate, at=self._first)
        self.name = name or _common_name(certificate)
        self.certify = certify
        self.said = {"Reason": reason, "Location": location, "ContactInfo": contact}
        self.label = label or f"Signature électronique : {self.name}"
        self._skeleton = Skeleton(identity)
        self._hole = 2 * self._skeleton.longest
        said = {"Name": self.name, **self.said}
        self._value = b"".join(
            (
                b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached",
                *(b"/%s%s" % (key.encode(), text(words)) for key, words in said.items() if words),
                _CERTIFY if certify else b"",
            )
        )
        self._widget = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature1)/TU%s" % text(self.label)

    def sign(self, pdf: bytes, *, at: dt.datetime, foreign: bool = False) -> bytes:
        """Return ``pdf`` with one signature dated ``at``; SigningError, and nothing, otherwise.

        ``foreign``: take files made elsewhere too (object streams, forms without a signature), by
        pyHanko's incremental writer: same level, some fifty times slower.
        """
        keys.refuse_outside(self._first, self._last, at)
        if foreign:
            from kalan.engine.signing import foreign as others  # here: it takes half a second

            others.refuse_unsafe(pdf)
        try:
            update = _Update(pdftail.read(pdf), self._widget, certify=self.certify)
        except NotOursError as error:
            if not foreign:
                raise _refusal(pdf, error) from None
            return others.sign(self, pdf, at=at)
        return self._write(update, at)

    def _write(self, update: _Update, at: dt.datetime) -> bytes:
        pdf, moment = update.tail.pdf, pdf_date(at)
        digest = hashlib.sha256(pdf)
        changed = digest.copy()
        changed.update(moment)
        opening = b"%s/M(%s)/ByteRange" % (self._value, moment)
        first, rest = update.around(opening, self._hole + 2, changed.digest()[:16])
        here = len(pdf) + len(first) + _HOLE_RANGE + len(b"/Contents")
        after = here + self._hole + 2
        places = b"[0 %d %d %d]" % (here, after, len(rest))
        before = b"%s%s/Contents" % (first, places.ljust(_HOLE_RANGE))
        digest.update(before)
        digest.update(rest)
        signature = self._skeleton.sign(digest.digest()).hex().encode().ljust(self._hole, b"0")
        return b"".join((pdf, before, b"<", signature, b">", rest))


class _Update:
    """What one incremental update writes around a signature."""

    def __init__(self, tail: Tail, widget: bytes, *, certify: bool) -> None:
        self.tail = tail
        self.field, self.signature, self.form = tail.size, tail.size + 1, tail.size + 2
        self.size = tail.size + 2
        self.changed: list[tuple[int, bytes]] = []
        root = tail.reference(tail.trailer, b"/Root")
        catalog = tail.body(root)
        if _NOT_IN_OURS & pdftail.entries(catalog).keys() or b"/JavaScript" in catalog:
            raise NotOursError("form or program")
        number, page = self._first_page(catalog)
        element = self._tag(catalog, number)
        widget = b"%s/Rect[0 0 0 0]/F 132/P %d 0 R/V %d 0 R%s>>" % (
            widget, number, self.signature, element,
        )  # fmt: skip
        new = edit(page, Annots=append(self._annotations(page), b"%d 0 R" % self.field), Tabs=b"/S")
        self.changed.append((number, new))
        perms = {"Perms": b"<</DocMDP %d 0 R>>" % self.signature} if certify else {}
        form = b"<</Fields[%d 0 R]/SigFlags 3>>" % self.field
        self.changed.append((root, edit(catalog, AcroForm=form, **perms)))
        self.changed.append((self.field, widget))

    def _first_page(self, catalog: bytes) -> tuple[int, bytes]:
        number = self.tail.reference(catalog, b"/Pages")
        for _ in range(_DEEPEST):
            node = self.tail.body(number)
            if value(node, b"/Type") == b"/Page":
                return number, node
            kids = (value(node, b"/Kids") or b"").lstrip(b"[ ").split(b" 0 R")[0]
            if not _NUMBER.match(kids):
                break
            number = int(kids)
        raise NotOursError("first page")

    def _annotations(self, page: bytes) -> bytes:
        found = value(page, b"/Annots") or b"[]"
        if found.endswith(b" R"):
            found = self.tail.body(self.tail.reference(page, b"/Annots"))
        return found

    def _tag(self, catalog: bytes, page: int) -> bytes:
        """Add the field to the structure tree; return what the widget says of it.

        A widget without size lies outside the page and may stay untagged (ISO 14289-1, 7.18); a
        reader by voice still learns from the tag that the document is signed.
        """
        if not value(catalog, b"/StructTreeRoot"):
            return b""
        root = self.tail.reference(catalog, b"/StructTreeRoot")
        tree = self.tail.body(root)
        top = (value(tree, b"/K") or b"").strip(b"[] ")
        parents, key = value(tree, b"/ParentTree") or b"", value(tree, b"/ParentTreeNextKey") or b""
        if parents[:2] != b"<<" or not _NUMBER.match(key) or not top.endswith(b" 0 R"):
            raise NotOursError("structure tree")
        document = self.tail.reference(b"<</K %s>>" % top, b"/K")
        element = self.tail.body(document)
        numbers = value(parents, b"/Nums") or b""
        parents = edit(parents, Nums=append(numbers, b"%s %d 0 R" % (key, self.form)))
        following = b"%d" % (int(key) + 1)
        self.changed.append((root, edit(tree, ParentTree=parents, ParentTreeNextKey=following)))
        inside = append(value(element, b"/K") or b"[]", b"%d 0 R" % self.form)
        self.changed.append((document, edit(element, K=inside)))
        form = (
            b"<</Type/StructElem/S/Form/P %d 0 R/Pg %d 0 R/K[<</Type/OBJR/Pg %d 0 R/Obj %d 0 R>>]>>"
        )
        self.changed.append((self.form, form % (document, page, page, self.field)))
        self.size = self.form + 1
        return b"/StructParent " + key

    def around(self, opening: bytes, hole: int, mark: bytes) -> tuple[bytes, bytes]:
        """Return the bytes before /ByteRange's value and those after the hole.

        ``hole``: bytes of /Contents' value; ``mark``: the new second half of the file's /ID.
        """
        pdf = self.tail.pdf
        parts = [] if pdf.endswith((b"\n", b"\r")) else [b"\n"]
        at, places = len(pdf) + len(b"".join(parts)), {}
        for number, body in self.changed:
            written = b"%d 0 obj\n%s\nendobj\n" % (number, body)
            places[number] = at
            at += len(written)
            parts.append(written)
        places[self.signature] = at
        parts.append(b"%d 0 obj\n%s" % (self.signature, opening))
        first, closing = b"".join(parts), b">>\nendobj\n"
        start = len(pdf) + len(first) + _HOLE_RANGE + len(b"/Contents") + hole + len(closing)
        trailer = edit(
            self.tail.trailer,
            Size=b"%d" % self.size,
            ID=_identifier(value(self.tail.trailer, b"/ID"), mark),
            Prev=b"%d" % self.tail.start,
        )
        last = b"trailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (trailer, start)
        return first, b"".join((closing, _table(places), last))


def _table(places: dict[int, int]) -> bytes:
    """Return a cross-reference section: runs of numbers that follow each other."""
    parts, before = [b"xref\n"], None
    runs: list[list[int]] = []
    for number in sorted(places):
        if before is None or number != before + 1:
            runs.append([])
        runs[-1].append(number)
        before = number
    for run in runs:
        parts.append(b"%d %d\n" % (run[0], len(run)))
        parts += [b"%010d 00000 n \n" % places[number] for number in run]
    return b"".join(parts)


def _identifier(found: bytes | None, mark: bytes) -> bytes:
    """Return /ID with its first half kept: it names the file; the second names the revision."""
    new = b"<%s>" % mark.hex().encode()
    if not found:
        return b"[%s%s]" % (new, new)
    first = pdftail.first_string(found)
    return b"[%s%s]" % (first, new)


def text(words: str) -> bytes:
    """Return a PDF text string: plain when ASCII, else UTF-16 (ISO 32000-1, 7.9.2.2)."""
    if words.isascii():
        safe = re.sub(r"([()\\])", r"\\\1", words).encode()
        return b"(%s)" % re.sub(rb"[\r\n]", b" ", safe)
    return b"<FEFF%s>" % words.encode("utf-16-be").hex().upper().encode()


def pdf_date(at: dt.datetime) -> bytes:
    """Return a date as PDF writes it, in UTC; ValueError for one without a time zone."""
    if at.tzinfo is None:
        raise ValueError("a signature needs a time with its zone")
    return at.astimezone(dt.UTC).strftime("D:%Y%m%d%H%M%SZ").encode()


def _common_name(certificate: x509.Certificate) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in certificate.subject.get_attributes_for_oid(kind):
            return str(attribute.value)
    return ""


def _refusal(pdf: bytes, error: NotOursError) -> SigningError:
    """What to say of a file that is not ours."""
    if b"/ETSI.CAdES.detached" in pdf or b"/adbe.pkcs7" in pdf:
        return already_signed()
    if b"/Encrypt" in pdf:
        return SigningError(
            "encrypted",
            "Ce PDF est chiffré : il ne peut pas être signé tel quel.",
            "Enregistrez-le sans mot de passe, puis recommencez.",
        )
    return SigningError(
        "file_not_ours",
        f"Ce fichier n’est pas un PDF produit par Kalan ({error}).",
        "Passez par « Documents faits ailleurs », ou vérifiez le fichier.",
    )


def already_signed() -> SigningError:
    return SigningError(
        "already_signed",
        "Ce PDF porte déjà une signature.",
        "Prenez le document d’origine, sans signature.",
    )
