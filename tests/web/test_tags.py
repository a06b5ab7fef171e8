"""Numbers, dates, sizes and forms as French readers and screen readers need them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django import forms
from django.template import Context, Template
from django.utils.formats import localize
from hypothesis import given
from hypothesis import strategies as st

from kalan.web.templatetags import kalan

NARROW, NBSP = "\u202f", "\u00a0"


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (1234567, None, f"1{NARROW}234{NARROW}567"),
        (1234.5, None, f"1{NARROW}234,5"),
        (Decimal("58.7332"), 2, "58,73"),
        (Decimal("2.675"), 2, "2,68"),
        (-1500, 0, f"-1{NARROW}500"),
        (None, None, "–"),
        ("", None, "–"),
        ("abc", None, "–"),
    ],
)
def test_numbers(value: object, decimals: int | None, shown: str) -> None:
    assert kalan.number(value, decimals) == shown  # type: ignore[arg-type]


def test_the_share_of_women_reads_as_in_the_report() -> None:
    assert kalan.percent(Decimal(306) * 100 / 521) == f"58,73{NBSP}%"
    assert kalan.percent(None) == "–"


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        (12500, "XOF", f"12{NARROW}500{NBSP}FCFA"),
        (Decimal("12500.50"), "XOF", f"12{NARROW}501{NBSP}FCFA"),
        (Decimal("12.5"), "EUR", f"12,50{NBSP}€"),
        (3, "GNF", f"3,00{NBSP}GNF"),
        (None, "XOF", "–"),
    ],
)
def test_money(value: object, currency: str, shown: str) -> None:
    assert kalan.money(value, currency) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "shown"),
    [("short", "17/03/2023"), ("long", "17 mars 2023"), ("full", "vendredi 17 mars 2023")],
)
def test_dates(form: str, shown: str) -> None:
    assert kalan.date_fr(dt.date(2023, 3, 17), form) == shown


def test_the_first_of_a_month_and_no_date() -> None:
    assert kalan.date_fr(dt.date(2023, 3, 1), "long") == "1er mars 2023"
    assert kalan.date_fr(dt.date(2023, 3, 11), "long") == "11 mars 2023"
    assert kalan.date_fr(None) == "–"


def test_an_instant_is_dated_where_the_ministry_is(settings: object) -> None:
    settings.TIME_ZONE = "Africa/Dakar"  # type: ignore[attr-defined]
    assert kalan.date_fr(dt.datetime(2023, 3, 17, 23, 30, tzinfo=dt.UTC)) == "17/03/2023"


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (dt.date(2022, 11, 14), dt.date(2023, 3, 17), "du 14 novembre 2022 au 17 mars 2023"),
        (dt.date(2023, 3, 1), dt.date(2023, 3, 3), "du 1er au 3 mars 2023"),
        (dt.date(2023, 3, 3), dt.date(2023, 3, 3), "3 mars 2023"),
        (None, dt.date(2023, 3, 3), "3 mars 2023"),
    ],
)
def test_periods(start: dt.date | None, end: dt.date | None, shown: str) -> None:
    assert kalan.period_fr(start, end) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (812, f"812{NBSP}o"),
        (48_400, f"48{NBSP}Ko"),
        (3_210_000, f"3,2{NBSP}Mo"),
        (320_000_000, f"320{NBSP}Mo"),
        (5_000_000_000, f"5,0{NBSP}Go"),
        (None, "–"),
    ],
)
def test_file_sizes(size: int | None, shown: str) -> None:
    assert kalan.filesize(size) == shown


def test_the_plural_begins_at_two() -> None:
    assert [kalan.s(count) for count in (0, 1, 1.5, 2, 21, None)] == ["", "", "", "s", "s", ""]


@given(st.integers(-(10**12), 10**12))
def test_any_number_reads_back(value: int) -> None:
    assert int(kalan.number(value).replace(NARROW, "")) == value


def test_templates_localise_the_same_way() -> None:
    assert localize(1234.5) == f"1{NARROW}234,5"
    assert Template("{{ a }}").render(Context({"a": 12345})) == f"12{NARROW}345"


class Essay(forms.Form):
    name = forms.CharField(label="Nom", help_text="Comme sur la pièce d’identité.")
    start = forms.DateField(label="Début", required=False)
    sex = forms.ChoiceField(
        label="Sexe", choices=[("F", "femme"), ("M", "homme")], widget=forms.RadioSelect
    )
    shared = forms.BooleanField(label="Téléphone partagé", required=False)


def test_a_field_is_tied_to_its_label_help_and_error() -> None:
    html = str(Essay({"name": "", "sex": "F"}))
    assert '<label for="id_name">Nom</label>' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert '<ul class="error" id="id_name_error"><li>Ce champ est obligatoire.</li></ul>' in html
    assert 'role="alert"' in html


def test_what_may_stay_empty_says_so() -> None:
    html = str(Essay())
    assert html.count("(facultatif)") == 1
    assert '<label for="id_start">Début <span class="optional">(facultatif)</span></label>' in html


def test_radios_are_a_group_with_a_legend() -> None:
    html = str(Essay())
    assert "<fieldset><legend>Sexe</legend>" in html


@pytest.mark.parametrize(
    "written", ["17/03/2023", "2023-03-17", "17-03-2023", "17.03.2023", "17/03/23"]
)
def test_dates_are_taken_as_people_write_them(written: str) -> None:
    form = Essay({"name": "a", "sex": "F", "start": written})
    assert form.is_valid()
    assert form.cleaned_data["start"] == dt.date(2023, 3, 17)


def test_a_date_that_is_none_is_refused_in_french() -> None:
    form = Essay({"name": "a", "sex": "F", "start": "31/02/2023"})
    assert form.errors == {"start": ["Saisissez une date valide."]}
