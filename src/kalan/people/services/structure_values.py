"""What a structure's name, type, sector, position and dates may be; Refused names the field."""

from __future__ import annotations

import datetime as dt

from kalan.base.errors import Refused
from kalan.people.models import Sector, StructureType


def clean_name(name: str) -> str:
    """The name with single spaces: at most 200 characters, with a letter among them."""
    text = " ".join(name.split())
    if not text or not any(c.isalpha() for c in text):
        raise Refused("Le nom manque.", field="name", remedy="Écrivez le nom de la structure.")
    if len(text) > 200:
        raise Refused(
            "Le nom dépasse 200 caractères.", field="name", remedy="Raccourcissez le nom."
        )
    return text


def own_type(found: StructureType | None, country: str) -> StructureType | None:
    """The type, which must be of ``country``."""
    if found is not None and found.country != country:
        raise Refused(
            f"« {found.name} » est un type d’un autre pays.",
            field="type",
            remedy="Choisissez un type de la liste du pays.",
        )
    return found


def known_sector(sector: str) -> str:
    """The code of a sector, or nothing."""
    if sector and sector not in Sector.values:
        raise Refused(
            f"« {sector} » n’est pas un secteur.",
            field="sector",
            remedy="Choisissez un secteur de la liste.",
        )
    return sector


def position(latitude: float | None, longitude: float | None) -> dict[str, float | None]:
    """Decimal degrees (WGS 84); both or none."""
    if (latitude is None) != (longitude is None):
        raise Refused(
            "Une position a une latitude et une longitude.",
            field="longitude" if longitude is None else "latitude",
            remedy="Remplissez les deux, ou aucune.",
        )
    for field, value, limit in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if value is not None and not -limit <= value <= limit:
            raise Refused(
                f"La {field} va de −{limit} à {limit} degrés.",
                field=field,
                remedy="Écrivez-la en degrés décimaux, par exemple 14,13.",
            )
    return {"latitude": latitude, "longitude": longitude}


def plausible_date(day: dt.date | None, now: dt.datetime, *, field: str) -> dt.date | None:
    """The day, between 1900 and next year, or none."""
    if day is not None and not 1900 <= day.year <= now.year + 1:
        raise Refused(
            f"L’année {day.year} n’est pas plausible.",
            field=field,
            remedy=f"Indiquez une date entre 1900 et {now.year + 1}.",
        )
    return day


def effective_day(day: dt.date | None, now: dt.datetime) -> dt.date:
    """The first day of a new situation: given, plausible and not to come."""
    if day is None:
        raise Refused(
            "Depuis quand ? La date d’effet manque.",
            field="effective_on",
            remedy="Indiquez le premier jour de la nouvelle situation.",
        )
    plausible_date(day, now, field="effective_on")
    if day > now.date():
        raise Refused(
            "La date d’effet est dans le futur.",
            field="effective_on",
            remedy="Enregistrez le changement le jour venu.",
        )
    return day
