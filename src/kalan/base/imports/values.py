"""From a cell to a value: text, dates, sex, phone numbers. What is doubtful is refused, with why.

Nothing is corrected silently: a weekday that contradicts its date, or the year 1022, is named.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from functools import cache, lru_cache

import phonenumbers

from kalan.base.text import fold, whole

Cell = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta | None
Numbered = tuple[int, list[Cell]]  # a row and its number in the file, from 1

WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
FIRST_YEAR, LAST_YEAR = 1930, 2100
_DATE_REMEDY = "Écrivez la date comme 17/03/2023 ou 2023-03-17."


class BadValue(Exception):  # noqa: N818 - the cell is what is bad
    """A cell that cannot be taken as it is: ``reason``, and the ``remedy``, in French."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2028\u2029\ufeff]")
_SPACES = re.compile(r"\s+")


def text_of(cell: Cell) -> str:
    """Return the cell as one line of text, as a person would read it in the spreadsheet."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        if cell.isascii() and cell.isprintable():  # nearly all cells: the short way
            return " ".join(cell.split())
        return _SPACES.sub(" ", _CONTROL.sub("", unicodedata.normalize("NFC", cell))).strip()
    if isinstance(cell, bool):
        return "oui" if cell else "non"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.strftime("%d/%m/%Y" if cell.time() == dt.time() else "%d/%m/%Y %H:%M")
    if isinstance(cell, dt.date):
        return cell.strftime("%d/%m/%Y")
    return str(cell)


def plain(value: str) -> str:
    """Return ``value`` with one form of apostrophe and spaces: equal texts that look equal."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", value).replace("’", "'")).strip()


# --- dates -----------------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?")
_NUMERIC = re.compile(r"(\d{1,2})\s?[/.\-]\s?(\d{1,2})\s?[/.\-]\s?(\d{1,4})(?: \d{1,2}:\d{2}.*)?")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
# Excel's day 1 is 1 January 1900, and it counts a 29 February 1900 that never was.
_EXCEL_ZERO = dt.date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 10959, 73415  # 1930 to 2100

_MONTH_NUMBERS = {fold(name): number for number, name in enumerate(MONTHS, 1)} | {
    "janv": 1,
    "fev": 2,
    "fevr": 2,
    "avr": 4,
    "juil": 7,
    "sept": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
}
_WEEKDAY_NUMBERS = {name: number for number, name in enumerate(WEEKDAYS)}
_UNITS = {
    "un": 1, "une": 1, "premier": 1, "1er": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5,
    "six": 6, "sept": 7, "huit": 8, "neuf": 9, "dix": 10, "onze": 11, "douze": 12, "treize": 13,
    "quatorze": 14, "quinze": 15, "seize": 16,
}  # fmt: skip
_TENS = {"trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}


def french_number(words: list[str]) -> int | None:
    """Return the number (below 10 000) that folded words say, "deux mil vingt deux"; or None."""
    if len(words) == 1 and (number := whole(words[0], digits=9)) is not None:
        return number
    total = current = 0
    for word in words:
        if word in _UNITS:
            current += _UNITS[word]
        elif word in _TENS:
            current += _TENS[word]
        elif word in ("vingt", "vingts"):
            current += 76 if current % 100 == 4 else 20  # quatre-vingt
        elif word in ("cent", "cents"):
            current = max(1, current) * 100
        elif word in ("mil", "mille"):
            total, current = total + max(1, current) * 1000, 0
        elif word != "et":
            return None
    return (total + current) or None


def _make(year: int, month: int, day: int, written: str) -> dt.date:
    if year < 100:
        raise BadValue(
            f"L’année de « {written} » n’a que deux chiffres.",
            "Écrivez l’année en quatre chiffres.",
        )
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise BadValue(
            f"« {written} » tombe en l’an {year}, ce qui n’est pas vraisemblable.",
            "Corrigez l’année dans le fichier.",
        )
    if month > 12 and day <= 12:
        raise BadValue(
            f"« {written} » n’a pas de mois {month} : jour et mois semblent inversés.",
            "Écrivez le jour avant le mois, comme 17/03/2023.",
        )
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise BadValue(f"Le jour « {written} » n’existe pas.", _DATE_REMEDY) from None


def _check_weekday(day: dt.date, weekday: int, written: str) -> dt.date:
    if day.weekday() == weekday:
        return day
    near = [
        f"le {day.day} {MONTHS[day.month - 1]} {year} était un {WEEKDAYS[weekday]}"
        for year in (day.year - 1, day.year + 1)
        if not (day.month == 2 and day.day == 29) and day.replace(year=year).weekday() == weekday
    ]
    hint = f" ({near[0]})" if near else ""
    raise BadValue(
        f"« {written} » se contredit : le {day.day} {MONTHS[day.month - 1]} {day.year} est un "
        f"{WEEKDAYS[day.weekday()]}, pas un {WEEKDAYS[weekday]}.",
        f"Vérifiez le jour de la semaine et l’année{hint}, puis corrigez la case.",
    )


def _worded(written: str) -> dt.date | None:
    """Read "vendredi 17 mars 2023", "le premier mars deux mille vingt-trois"."""
    words = fold(written).split()
    weekday = None
    while words and (words[0] in ("le", "ce", "du", "au") or words[0] in _WEEKDAY_NUMBERS):
        weekday = _WEEKDAY_NUMBERS.get(words[0], weekday)
        words = words[1:]
    for place, word in enumerate(words):
        # "sept" is a number and a month's abbreviation: what stands on both sides decides.
        day, year = french_number(words[:place]), french_number(words[place + 1 :])
        if word in _MONTH_NUMBERS and day is not None and year is not None:
            break
    else:
        return None
    found = _make(year, _MONTH_NUMBERS[words[place]], day, written)
    return found if weekday is None else _check_weekday(found, weekday, written)


@lru_cache(maxsize=20_000)
def _date_from_text(written: str) -> dt.date:
    if match := _ISO.fullmatch(written):
        return _make(int(match[1]), int(match[2]), int(match[3]), written)
    if match := _NUMERIC.fullmatch(written):
        return _make(int(match[3]), int(match[2]), int(match[1]), written)
    if _SERIAL.fullmatch(written):
        return _date_from_serial(float(written), written)
    head = fold(written).split()[:1]
    if head and head[0] in _WEEKDAY_NUMBERS and len(written.split()) == 2:
        day = _date_from_text(written.split()[1])  # "vendredi 17/03/2024"
        return _check_weekday(day, _WEEKDAY_NUMBERS[head[0]], written)
    found = _worded(written)
    if found is None:
        raise BadValue(f"« {written[:60]} » n’est pas une date que Kalan sait lire.", _DATE_REMEDY)
    return found


def _date_from_serial(number: float, written: str) -> dt.date:
    if not _FIRST_SERIAL <= number < _LAST_SERIAL:
        raise BadValue(f"Le nombre « {written} » n’est pas une date.", _DATE_REMEDY)
    return _EXCEL_ZERO + dt.timedelta(days=int(number))


def parse_date(cell: Cell) -> dt.date:
    """Read a date: a spreadsheet's date or its number, 17/03/2023, 2023-03-17, 17 mars 2023."""
    if isinstance(cell, dt.datetime | dt.date):
        return _make(cell.year, cell.month, cell.day, text_of(cell))
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _date_from_serial(cell, text_of(cell))
    return _date_from_text(text_of(cell))


_RANGE = re.compile(r"du (?P<first>.+?) au (?P<last>.+)")
_YEAR_FIRST = re.compile(r"l an (?P<year>[\w ]+?) (?:et )?(?P<rest>(?:du|le) .+)")


def parse_date_range(cell: Cell) -> tuple[dt.date, dt.date]:
    """Read one day, or "du 16 au 18 novembre 2022", "du 28 novembre au 2 décembre 2022"."""
    if not isinstance(cell, str):
        day = parse_date(cell)
        return day, day
    written = text_of(cell)
    folded = fold(written)
    if match := _YEAR_FIRST.fullmatch(folded):
        folded = f"{match['rest']} {match['year']}"
    match = _RANGE.fullmatch(folded)
    if match is None:
        day = _date_from_text(written if folded == fold(written) else folded)
        return day, day
    numeric = re.findall(r"\d{1,2}/\d{1,2}/\d{4}", written)
    if len(numeric) == 2:
        return _ordered(_date_from_text(numeric[0]), _date_from_text(numeric[1]), written)
    last_words = match["last"].split()
    place = max((n for n, w in enumerate(last_words) if w in _MONTH_NUMBERS), default=0)
    first = match["first"]
    if not any(word in _MONTH_NUMBERS for word in first.split()[1:]):
        first = f"{first} {last_words[place]}"
    if french_number(first.split()[-1:]) is None or first.split()[-1] in _MONTH_NUMBERS:
        first = f"{first} {' '.join(last_words[place + 1 :])}"
    return _ordered(_date_from_text(first), _date_from_text(match["last"]), written)


def _ordered(start: dt.date, end: dt.date, written: str) -> tuple[dt.date, dt.date]:
    if end < start:
        raise BadValue(f"« {written} » finit avant de commencer.", "Corrigez l’une des deux dates.")
    return start, end


def parse_year(cell: Cell) -> int:
    """Read a year of birth, alone or as a full date."""
    written = text_of(cell)
    year = whole(written, digits=4)
    if year is not None and len(written) == 4:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise BadValue(
                f"L’année {year} n’est pas vraisemblable.", "Corrigez l’année dans le fichier."
            )
        return year
    return parse_date(cell).year


# --- people ----------------------------------------------------------------------------------

_SEXES = {
    "F": ("f", "femme", "feminin", "feminine", "fem", "fille", "mme", "madame", "mlle", "female"),
    "M": ("m", "h", "homme", "masculin", "masc", "garcon", "mr", "monsieur", "male"),
    "": ("", "inconnu", "non renseigne", "nr", "nd", "n a"),
}
_SEX_OF = {word: code for code, words in _SEXES.items() for word in words}


def parse_sex(cell: Cell) -> str:
    """Read F, Femme, Féminin, M, H, Homme, Masculin…; never guessed from anything else."""
    found = _SEX_OF.get(fold(text_of(cell)))
    if found is None:
        raise BadValue(f"« {text_of(cell)[:30]} » n’est pas un sexe connu.", "Écrivez F ou M.")
    return found


@cache
def _dialling(country: str) -> tuple[str, str, re.Pattern[str]]:
    """(country code, trunk prefix, pattern of a national number) from libphonenumber's data."""
    meta = phonenumbers.PhoneMetadata.metadata_for_region(country.upper())
    if meta is None or meta.general_desc is None:
        raise ValueError(f"no phone numbers known for country {country!r}")
    kinds = (meta.mobile, meta.fixed_line, meta.voip, meta.toll_free, meta.personal_number)
    patterns = [kind.national_number_pattern for kind in kinds if kind is not None]
    pattern = re.compile("|".join(f"(?:{p})" for p in patterns if p))
    return str(meta.country_code), meta.national_prefix or "", pattern


_PHONE_NOISE = re.compile(r"[\s.\-()/_\u00a0\u202f]+")
_SEVERAL = re.compile(r"[/;,]|\bou\b|\bet\b")
_PHONE_TEXT = re.compile(r"\+?\d{6,15}")


def parse_phone(cell: Cell, country: str) -> str:
    """Read a number of ``country``, or an international one, into E.164 (ITU-T).

    National numbers go by their pattern alone: the library's own parser takes 80 µs, which counts
    over 100 000 rows. Everything else goes through the library.
    """
    written = text_of(cell)
    digits = _PHONE_NOISE.sub("", written)
    code, trunk, pattern = _dialling(country)
    bare = digits
    for prefix in ("+" + code, "00" + code):
        if digits.startswith(prefix):
            bare = digits.removeprefix(prefix)
            break
    for number in (bare, bare.removeprefix(trunk) if trunk else bare):
        if number.isdigit() and number.isascii() and pattern.fullmatch(number):
            return f"+{code}{number}"
    parts = [part for part in _SEVERAL.split(written) if sum(c.isdigit() for c in part) >= 7]
    if len(parts) > 1:
        raise BadValue(
            f"« {written[:40]} » contient plusieurs numéros.", "Gardez un seul numéro par case."
        )
    text = "+" + digits[2:] if digits.startswith("00") else digits
    try:
        parsed = phonenumbers.parse(text, country.upper())
    except phonenumbers.NumberParseException:
        parsed = None
    if (
        parsed is None
        or not _PHONE_TEXT.fullmatch(text)
        or not phonenumbers.is_valid_number(parsed)
    ):
        raise BadValue(
            f"« {written[:40]} » n’est pas un numéro de téléphone.",
            "Écrivez le numéro national, ou avec l’indicatif du pays (+221…).",
        )
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


_EMAIL = re.compile(r"[^@\s<>,;\"]{1,64}@[A-Za-z0-9À-ÿ.\-]{1,190}\.[A-Za-z]{2,}")


def parse_email(cell: Cell) -> str:
    """Read one address, in lower case."""
    written = text_of(cell).lower()
    if not _EMAIL.fullmatch(written):
        raise BadValue(f"« {written[:60]} » n’est pas une adresse électronique.", "Corrigez-la.")
    return written


def parse_float(cell: Cell) -> float:
    """Read a number with a point or a comma."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell)
    written = text_of(cell).replace(" ", "").replace(",", ".")
    try:
        return float(written)
    except ValueError:
        raise BadValue(
            f"« {text_of(cell)[:30]} » n’est pas un nombre.", "Écrivez un nombre."
        ) from None


_TOTAL = re.compile(
    r"(sous |grand )?tota(l|ux)( general| generaux| national)?|(effectif|nombre) total"
)
_NUMBER = re.compile(r"[\d\s.,%]*")


def is_total(cells: list[str]) -> bool:
    """Whether a row sums up those above it: « TOTAL » first, then nothing but numbers."""
    filled = [cell for cell in cells if cell]
    return (
        bool(filled)
        and _TOTAL.fullmatch(fold(filled[0])) is not None
        and all(_NUMBER.fullmatch(cell) for cell in filled[1:])
    )
