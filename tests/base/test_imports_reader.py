"""Files as people send them: encodings, separators, sheets, and hostile ones."""

from __future__ import annotations

import io
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalan.base.errors import Refused
from kalan.base.imports import reader, refusals, workbooks
from kalan.base.imports.values import Cell
from tests.factories.imports import csv_bytes, xlsx_bytes

HEAD = ["Nom", "Prénoms", "Sexe"]
ROWS = [HEAD, ["N’Diaye", "Aïssatou", "F"], ["ߖߊߙߊ", "ߡߎߛߊ", "M"]]
LATIN = [HEAD, ["Ndiaye", "Aïssatou Béré", "F"], ["Fall", "Élisé", "M"]]


def score(titles: list[str]) -> float:
    return len({"Nom", "Prénoms", "Sexe"} & set(titles))


@pytest.fixture
def put(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(content: bytes, name: str = "f") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def read(path: Path, **how: object) -> list[tuple[int, list[Cell]]]:
    found = reader.inspect(path, score=score, **how)  # type: ignore[arg-type]
    return list(reader.read_rows(path, found.source)[1])


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_any_separator_and_unicode_form(put, delimiter: str, encoding: str) -> None:  # type: ignore[no-untyped-def]
    path = put(csv_bytes(ROWS, delimiter, encoding))
    assert read(path) == [(2, ROWS[1]), (3, ROWS[2])]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_windows_1252(put, delimiter: str) -> None:  # type: ignore[no-untyped-def]
    path = put(csv_bytes([HEAD, ["N’Diaye", "Aïssatou", "F"]], delimiter, "cp1252"))
    assert read(path) == [(2, ["N’Diaye", "Aïssatou", "F"])]


def test_quoted_newlines_and_separators_stay_in_their_cell(put) -> None:  # type: ignore[no-untyped-def]
    rows = [HEAD, ["Diouf; dit\nle Grand", 'Awa "Aby"', "F"], ["Fall", "Moussa", "M"]]
    assert read(put(csv_bytes(rows))) == [(2, rows[1]), (3, rows[2])]


def test_a_title_above_the_header_and_empty_rows(put) -> None:  # type: ignore[no-untyped-def]
    rows = [
        ["Liste du personnel"],
        [],
        HEAD,
        ["Diouf", "Awa", "F"],
        ["", "", ""],
        ["Fall", "M", "M"],
    ]
    path = put(csv_bytes(rows))
    found = reader.inspect(path, score=score)
    assert (found.source.header_row, found.headers) == (3, HEAD)
    assert [number for number, _ in read(path)] == [4, 6]


def test_row_numbers_are_those_of_the_sheet(put) -> None:  # type: ignore[no-untyped-def]
    path = put(xlsx_bytes([[], ["Liste"], [], HEAD, ["Diouf", "Awa", "F"]]))
    found = reader.inspect(path, score=score)
    assert found.source.header_row == 4
    assert read(path) == [(5, ["Diouf", "Awa", "F"])]


def test_the_sheet_with_the_known_titles_is_proposed_another_can_be_chosen(put) -> None:  # type: ignore[no-untyped-def]
    path = put(xlsx_bytes([["Notes"], ["x"]], ROWS, names=["Lisez-moi", "Agents"]))
    found = reader.inspect(path, score=score)
    assert (found.source.sheet, found.sheets) == ("Agents", ["Lisez-moi", "Agents"])
    assert read(path, sheet="Lisez-moi", header_row=1) == [(2, ["x"])]


def refusal(path: Path) -> Refused:
    with pytest.raises(Refused) as caught:
        read(path)
    assert caught.value.remedy
    return caught.value


def zip_bytes(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Le fichier est vide."),
        (b"%PDF-1.7 ...", "Ce fichier est un document PDF, pas un tableau."),
        (b"\x89PNG\r\n\x1a\n....", "Ce fichier est une image, pas un tableau."),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "Ce fichier est un ancien classeur (.xls), ou un classeur protégé par mot de passe.",
        ),
        (bytes(range(256)) * 40, "Ce fichier n’est pas un tableau."),
        (b"<!DOCTYPE html><html></html>", "Ce fichier est une page web, pas un tableau."),
        (zip_bytes({"word/document.xml": b"<w/>"}), "Ce fichier n’est pas un classeur."),
        (b"PK\x03\x04 not a zip at all", "Ce fichier est abîmé ou n’est pas un classeur."),
        (zip_bytes({"xl/workbook.xml": b"<no"}), "Ce classeur ne se laisse pas lire."),
        (b"\n\n\n", "Le fichier est vide."),
    ],
)
def test_what_is_not_a_spreadsheet(put, content: bytes, message: str) -> None:  # type: ignore[no-untyped-def]
    assert refusal(put(content)).message == message


def test_a_cut_workbook(put) -> None:  # type: ignore[no-untyped-def]
    whole = xlsx_bytes(ROWS)
    assert refusal(put(whole[: len(whole) // 2])).code == "not_a_table"


def test_a_zip_bomb_by_ratio(put) -> None:  # type: ignore[no-untyped-def]
    content = zip_bytes(
        {"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": b"0" * 60_000_000}
    )
    assert len(content) < 100_000
    assert refusal(put(content)).code == "zip_bomb"


def test_a_zip_bomb_that_lies_about_its_sizes(put) -> None:  # type: ignore[no-untyped-def]
    content = bytearray(
        zip_bytes({"xl/workbook.xml": b"<workbook/>", "xl/media/a.bin": b"0" * 60_000_000})
    )
    true, small = struct.pack("<I", 60_000_000), struct.pack("<I", 1000)
    assert content.count(true) == 2  # local header and central directory
    lying = bytes(content).replace(true, small)
    assert refusal(put(lying)).code in {"zip_bomb", "not_a_table"}


def test_too_many_entries(put) -> None:  # type: ignore[no-untyped-def]
    entries = {f"xl/media/{n}": b"x" for n in range(workbooks.MAX_ENTRIES + 1)}
    assert refusal(put(zip_bytes({"xl/workbook.xml": b"<a/>"} | entries))).code == "zip_bomb"


def test_one_cell_at_the_end_of_the_sheet_is_not_a_rectangle_in_memory(put) -> None:  # type: ignore[no-untyped-def]
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEAD)
    sheet.write(200_000, 16_383, "x")
    book.close()
    assert refusal(put(out.getvalue())).code == "too_wide"


FAR = "XFD1048576"
ODD_CELLS = {  # what calamine reads too: each asked for 550 GB, and the process was gone
    "single quotes": f"<row r='1048576'><c r='{FAR}'><v>1</v></c></row>",
    "spaces": f'<row r = "1048576"><c  r = "{FAR}"><v>1</v></c></row>',
    "no row": f'<row><c t="n"r="{FAR}"><v>1</v></c></row>',
    "a tag's end in a value": f'<row><c t=">" r="{FAR}"><v>1</v></c></row>',
    "zeros": f'<row><c r="XFD{"0" * 90}1048576"><v>1</v></c></row>',
    "a prefix": f'<x:row><x:c t="n" r="{FAR}"><x:v>1</x:v></x:c></x:row>',
    "no reference": "<row>" + "<c><v>1</v></c>" * 300 + "</row><row><c><v>1</v></c></row>",
}
SHEET = "xl/worksheets/sheet1.xml"


def _rewritten(parts: dict[str, tuple[str, str]], moved: str = SHEET) -> bytes:
    """A workbook with texts replaced in its parts; its sheet lies at ``moved``."""
    with zipfile.ZipFile(io.BytesIO(xlsx_bytes(ROWS))) as book:
        held = {name: book.read(name).decode() for name in book.namelist()}
    for name, (old, new) in parts.items():
        assert old in held[name]
        held[name] = held[name].replace(old, new)
    held[moved] = held.pop(SHEET)
    return zip_bytes({name: text.encode() for name, text in held.items()})


@pytest.mark.parametrize("cells", ODD_CELLS.values(), ids=ODD_CELLS)
def test_however_a_cell_is_written_it_makes_no_rectangle_in_memory(put, cells: str) -> None:  # type: ignore[no-untyped-def]
    book = _rewritten({SHEET: ("</sheetData>", f"{cells}</sheetData>")})
    assert refusal(put(book)).code in {"too_wide", "too_many_rows"}


def test_a_sheet_elsewhere_and_the_room_it_asks_for_are_seen_too(put) -> None:  # type: ignore[no-untyped-def]
    cell = f'<row r="1048576"><c r="{FAR}"><v>1</v></c></row>'
    rels = {"xl/_rels/workbook.xml.rels": ("worksheets/sheet1.xml", "feuille.bin")}
    far = {SHEET: ("</sheetData>", f"{cell}</sheetData>")}
    assert refusal(put(_rewritten(far | rels, "xl/feuille.bin"))).code == "too_many_rows"
    many = {"xl/sharedStrings.xml": ('uniqueCount="', 'uniqueCount="400000000')}
    assert refusal(put(_rewritten(many))).code == "zip_bomb"
    assert read(put(_rewritten(rels, "xl/feuille.bin"))) == read(put(xlsx_bytes(ROWS)))
    bare = {SHEET: ('<c r="A2"', "<c")}  # some programs name no places
    assert read(put(_rewritten(bare))) == read(put(xlsx_bytes(ROWS)))


def test_too_many_rows(put, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(refusals, "MAX_ROWS", 2)
    many = [HEAD, *[["a", "b", "F"]] * 5]
    assert refusal(put(csv_bytes(many))).message == "Le fichier a 4 lignes ; la limite est de 2."
    assert refusal(put(xlsx_bytes(many))).code == "too_many_rows"


def test_too_large(put, settings) -> None:  # type: ignore[no-untyped-def]
    settings.KALAN_UPLOAD_MAX_BYTES = 1000
    refused = refusal(put(b"a;b\n" * 1000))
    assert (refused.code, refused.field) == ("too_large", "file")


@given(st.binary(max_size=400))
def test_any_bytes_are_rows_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "f"
    path.write_bytes(content)
    with suppress(Refused):
        read(path)


WHOLE = xlsx_bytes(ROWS)


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_workbook_with_flipped_bytes_is_rows_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    content = bytearray(WHOLE)
    for at, byte in flips:
        content[at % len(content)] = byte
    path = tmp_path_factory.mktemp("flip") / "f"
    path.write_bytes(bytes(content))
    with suppress(Refused):
        read(path)
