"""Telephone numbers: kept in E.164 (ITU-T), typed in local or international form."""

from __future__ import annotations

import phonenumbers

from kalan.base.errors import Refused
from kalan.base.packs import read_pack


def to_e164(raw: str, *, country: str, field: str = "phone") -> str:
    """Return ``raw`` in E.164, read as a number of ``country`` unless it begins with + or 00.

    Empty stays empty. Raises Refused for what is not a possible number.
    """
    text = raw.strip()
    if not text:
        return ""
    pack = read_pack(country)
    if text.startswith("00"):
        text = "+" + text[2:]
    try:
        number = phonenumbers.parse(text, pack.phone_region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise Refused(
            f"« {raw.strip()} » n’est pas un numéro de téléphone.",
            field=field,
            remedy=f"Écrivez-le comme {pack.phone_example}, ou avec l’indicatif (+…).",
            code="phone",
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def display(e164: str, *, country: str) -> str:
    """Return the number as people of ``country`` write it; what cannot be read is left as is."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    home = phonenumbers.region_code_for_number(number) == read_pack(country).phone_region
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(number, form.NATIONAL if home else form.INTERNATIONAL)
