"""Dates, sex, phones and names as people write them."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalan.base.exports import neutral
from kalan.base.imports.values import (
    MONTHS,
    WEEKDAYS,
    BadValue,
    french_number,
    parse_date,
    parse_date_range,
    parse_email,
    parse_phone,
    parse_sex,
    parse_year,
    text_of,
)

DAYS = st.dates(dt.date(1930, 1, 1), dt.date(2100, 12, 31))
EXPECTED = dt.date(2023, 3, 17)


@pytest.mark.parametrize(
    "written",
    [
        "17/03/2023",
        "17/3/2023",
        "17-03-2023",
        "17.03.2023",
        "2023-03-17",
        "2023-03-17T00:00:00",
        "17 mars 2023",
        "17 MARS 2023",
        "vendredi 17 mars 2023",
        "ce vendredi 17 Mars 2023",
        "vendredi 17/03/2023",
        "le dix-sept mars deux mille vingt-trois",
        "17 mars deux mil vingt-trois",
        "45002",
        45002,
        45002.5,
        dt.date(2023, 3, 17),
        dt.datetime(2023, 3, 17, 8, 30),  # noqa: DTZ001 - a spreadsheet's clock has no zone
        "1er mars 2023",
    ],
)
def test_dates_are_read(written: object) -> None:
    expected = dt.date(2023, 3, 1) if str(written).startswith("1er") else EXPECTED
    assert parse_date(written) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (
            "vendredi 17 mars 2024",
            "« vendredi 17 mars 2024 » se contredit : le 17 mars 2024 est un dimanche, pas un "
            "vendredi.",
        ),
        ("16/11/1022", "« 16/11/1022 » tombe en l’an 1022, ce qui n’est pas vraisemblable."),
        (
            "16 novembre mille vingt-deux",
            "« 16 novembre mille vingt-deux » tombe en l’an 1022, ce qui n’est pas vraisemblable.",
        ),
        ("17/03/23", "L’année de « 17/03/23 » n’a que deux chiffres."),
        (
            "03/17/2023",
            "« 03/17/2023 » n’a pas de mois 17 : jour et mois semblent inversés.",
        ),
        ("31/02/2023", "Le jour « 31/02/2023 » n’existe pas."),
        ("bientôt", "« bientôt » n’est pas une date que Kalan sait lire."),
        (2023, "Le nombre « 2023 » n’est pas une date."),
        (
            dt.date(1022, 11, 16),
            "« 16/11/1022 » tombe en l’an 1022, ce qui n’est pas vraisemblable.",
        ),
    ],
)
def test_doubtful_dates_are_refused_with_the_reason(written: object, reason: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_date(written)  # type: ignore[arg-type]
    assert caught.value.reason == reason
    assert caught.value.remedy


def test_a_contradicted_weekday_says_which_year_would_fit() -> None:
    with pytest.raises(BadValue) as caught:
        parse_date("vendredi 17 mars 2024")
    assert "le 17 mars 2023 était un vendredi" in caught.value.remedy


@given(DAYS)
def test_every_date_reads_back_from_all_its_forms(day: dt.date) -> None:
    month, weekday = MONTHS[day.month - 1], WEEKDAYS[day.weekday()]
    for form in (
        f"{day:%d/%m/%Y}",
        day.isoformat(),
        f"{day.day} {month} {day.year}",
        f"{weekday} {day.day} {month.upper()} {day.year}",
        (day - dt.date(1899, 12, 30)).days,
        day,
    ):
        assert parse_date(form) == day


@given(DAYS, st.integers(1, 6))
def test_a_wrong_weekday_is_never_swallowed(day: dt.date, shift: int) -> None:
    wrong = WEEKDAYS[(day.weekday() + shift) % 7]
    with pytest.raises(BadValue):
        parse_date(f"{wrong} {day.day} {MONTHS[day.month - 1]} {day.year}")


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    with suppress(BadValue):
        assert isinstance(parse_date(text), dt.date)


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ("du 16 au 18 novembre 2022", "2022-11-16", "2022-11-18"),
        ("L’an deux mille vingt-deux et du 16 au 18 novembre", "2022-11-16", "2022-11-18"),
        ("du vingt-quatre au vingt-six août deux mil vingt-deux", "2022-08-24", "2022-08-26"),
        ("du 28 novembre au 2 décembre 2022", "2022-11-28", "2022-12-02"),
        ("du 30/01/2023 au 02/02/2023", "2023-01-30", "2023-02-02"),
        ("17 mars 2023", "2023-03-17", "2023-03-17"),
    ],
)
def test_ranges_in_words(written: str, start: str, end: str) -> None:
    assert parse_date_range(written) == (dt.date.fromisoformat(start), dt.date.fromisoformat(end))


def test_the_year_1022_of_a_range_is_named() -> None:
    with pytest.raises(BadValue, match="1022"):
        parse_date_range("L’an mille vingt-deux et du 16 au 18 novembre")


def test_a_range_that_ends_before_it_starts() -> None:
    with pytest.raises(BadValue, match="finit avant de commencer"):
        parse_date_range("du 18 au 16 novembre 2022")


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("deux mil vingt deux", 2022),
        ("mille vingt deux", 1022),
        ("mille neuf cent quatre vingt dix sept", 1997),
        ("soixante et onze", 71),
        ("vingt cinq", 25),
        ("1", 1),
        ("mars", None),
    ],
)
def test_numbers_in_words(words: str, number: int | None) -> None:
    assert french_number(words.split()) == number


@pytest.mark.parametrize("written", ["F", "f", "Femme", "FÉMININ", "feminin", "Mme", "fém."])
def test_women(written: str) -> None:
    assert parse_sex(written) == "F"


@pytest.mark.parametrize("written", ["M", "H", "Homme", "masculin", "M.", "Masc", "Monsieur"])
def test_men(written: str) -> None:
    assert parse_sex(written) == "M"


@given(st.text(max_size=20))
def test_sex_is_known_unknown_or_refused_never_guessed(text: str) -> None:
    with suppress(BadValue):
        assert parse_sex(text) in {"F", "M", ""}


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("77 123 45 67", "sn", "+221771234567"),
        (771234567, "sn", "+221771234567"),
        (771234567.0, "sn", "+221771234567"),
        ("+221 77 123 45 67", "sn", "+221771234567"),
        ("00221771234567", "sn", "+221771234567"),
        ("76-12-34-56", "ml", "+22376123456"),
        ("06 12 34 56 78", "fr", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "fr", "+33612345678"),
        ("+223 76 12 34 56", "sn", "+22376123456"),
    ],
)
def test_phones(written: object, country: str, expected: str) -> None:
    assert parse_phone(written, country) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("written", ["12", "77 123", "abc", "77 123 45 67 89 01", "#N/A"])
def test_bad_phones(written: str) -> None:
    with pytest.raises(BadValue, match="n’est pas un numéro de téléphone"):
        parse_phone(written, "sn")


def test_two_phones_in_a_cell() -> None:
    with pytest.raises(BadValue, match="contient plusieurs numéros"):
        parse_phone("77 123 45 67 / 78 123 45 67", "sn")


@given(st.integers(min_value=700_000_000, max_value=789_999_999))
def test_the_short_way_agrees_with_the_library(number: int) -> None:
    library = phonenumbers.parse(str(number), "SN")
    try:
        ours = parse_phone(str(number), "sn")
    except BadValue:
        assert not phonenumbers.is_valid_number(library)
    else:
        expected = phonenumbers.format_number(library, phonenumbers.PhoneNumberFormat.E164)
        assert ours == expected
        assert phonenumbers.is_valid_number(library)


def test_years() -> None:
    assert parse_year("1988") == 1988
    assert parse_year(1988.0) == 1988
    assert parse_year("12/05/1988") == 1988
    with pytest.raises(BadValue, match="L’année 1022"):
        parse_year("1022")


def test_emails() -> None:
    assert parse_email(" Awa.Diouf@Exemple.SN ") == "awa.diouf@exemple.sn"
    with pytest.raises(BadValue):
        parse_email("awa.diouf")


@given(st.text(max_size=60))
def test_text_keeps_letters_and_loses_control_characters(text: str) -> None:
    kept = text_of(text)
    assert kept == kept.strip()
    assert "\x00" not in kept
    assert text_of(kept) == kept


@pytest.mark.parametrize("text", ["N’Diaye", "O'Brien", "ߖߊߙߊ", "=1+1", "+221", "-5", "@a"])
def test_names_and_formulas_stay_text(text: str) -> None:
    assert text_of(text) == text


def test_formulas_are_neutral_on_the_way_out() -> None:
    assert neutral("=1+1") == "'=1+1"
