"""What a person types to say who they are: e-mail, matricule, or telephone number."""

from __future__ import annotations

import phonenumbers
from django.conf import settings
from django.db.models import Q

# Countries whose numbers may be typed in local form, the installation's own first.
_REGIONS = ("SN", "ML", "FR")


def phone_candidates(raw: str) -> list[str]:
    """Return the E.164 numbers that ``raw`` may mean, in local or international form.

    « 77 123 45 67 » is read in each country that Kalan knows; what is a valid number in none
    gives an empty list.
    """
    text = raw.strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    found: list[str] = []
    for region in dict.fromkeys((settings.KALAN_COUNTRY.upper(), *_REGIONS)):
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            if e164 not in found:
                found.append(e164)
    return found


def normalised(raw: str) -> str:
    """Return the one spelling under which failed attempts on an identifier are counted."""
    return "".join(raw.split()).casefold()[:254]


def matching(raw: str) -> Q:
    """Return the filter on Account for everything that ``raw`` may identify.

    A telephone number counts once verified, or for an account that its holder opened alone; a
    matricule is that of the linked agent.
    """
    text = raw.strip()
    bare = "".join(text.split())
    query = Q(agent__matricule__in={text, text.upper(), bare, bare.upper()})
    if "@" in text:
        query |= Q(email=text.lower())
    if numbers := phone_candidates(text):
        vouched = Q(phone_verified_at__isnull=False) | Q(self_registered=True)
        query |= Q(vouched, phone__in=numbers)
    return query
