"""What leaves as XLSX or CSV opens in a spreadsheet as the same table, and runs nothing."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.cell import Cell

from kalan.base.exports import DEMO_NOTICE, table_bytes, table_response

MOMENT = dt.datetime(2023, 3, 17, 9, 30, tzinfo=dt.UTC)
DANGER = ["=1+1", "+221770000000", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"]


def xlsx(rows: list[list[object]], headers: list[str]) -> list[list[Cell]]:
    data = table_bytes(headers, rows, "xlsx")  # type: ignore[arg-type]
    return [list(row) for row in load_workbook(io.BytesIO(data)).active.iter_rows()]  # type: ignore[union-attr]


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))


@pytest.mark.parametrize("text", DANGER)
def test_no_cell_is_a_formula(text: str) -> None:
    cell = xlsx([[text]], ["Nom"])[1][0]
    assert cell.data_type == "s"
    assert cell.quotePrefix is True
    assert str(cell.value).replace("_x000D_", "\r") == text
    assert read_csv(table_bytes([text], [[text]], "csv"))[:2] == [["'" + text], ["'" + text]]


def test_values_keep_their_kind_in_xlsx() -> None:
    row = [3, 58.73, Decimal("12500.5"), True, None, dt.date(2023, 3, 17), MOMENT, "N’Diaye ߒߞߏ"]
    cells = xlsx([row], list("abcdefgh"))[1]
    assert [cell.value for cell in cells] == [
        3,
        58.73,
        12500.5,
        "oui",
        None,
        dt.datetime(2023, 3, 17),  # noqa: DTZ001 - a spreadsheet knows no zone
        dt.datetime(2023, 3, 17, 9, 30),  # noqa: DTZ001
        "N’Diaye ߒߞߏ",
    ]
    assert [cells[5].number_format, cells[6].number_format] == ["dd/mm/yyyy", "dd/mm/yyyy hh:mm"]


def test_csv_is_what_a_french_spreadsheet_opens() -> None:
    data = table_bytes(
        ["Part", "Le", "À", "Oui"], [[58.73, dt.date(2023, 3, 17), MOMENT, False]], "csv"
    )
    assert data.startswith(b"\xef\xbb\xbf")
    assert read_csv(data)[1] == ["58,73", "17/03/2023", "17/03/2023 09:30", "non"]


def test_demo_files_say_so(settings: object) -> None:
    settings.KALAN_DEMO = True  # type: ignore[attr-defined]
    assert xlsx([["a"]], ["Nom"])[-1][0].value == DEMO_NOTICE
    assert read_csv(table_bytes(["Nom"], [["a"]], "csv"))[-1] == [DEMO_NOTICE]


def test_the_download_has_a_name_and_a_type() -> None:
    response = table_response("agents", ["Nom"], [["a"]], "csv")
    assert response["Content-Disposition"] == 'attachment; filename="agents.csv"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert table_response("agents", ["Nom"], [], "autre")["Content-Disposition"].endswith('.xlsx"')


def test_a_text_longer_than_a_cell_is_cut_with_a_mark() -> None:
    value = xlsx([["a" * 40_000]], ["Nom"])[1][0].value
    assert value == "a" * 32_766 + "…"


def test_a_number_that_is_none_leaves_the_cell_empty() -> None:
    assert xlsx([[float("nan"), float("inf")]], ["a", "b"])[1:] in ([], [[]])
    assert read_csv(table_bytes(["a", "b"], [[float("nan"), float("inf")]], "csv"))[1] == ["", ""]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), min_size=1))
def test_any_text_comes_back_from_csv(texts: list[str]) -> None:
    row = read_csv(table_bytes(["a"] * len(texts), [texts], "csv"))[1]
    assert [cell.removeprefix("'") for cell in row] == [text.removeprefix("'") for text in texts]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
