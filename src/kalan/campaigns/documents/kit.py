"""What is printed for a campaign: the kit of the local manager, and slips with the code."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from kalan.base.dates import long_date, period
from kalan.base.packs import countries, read_pack
from kalan.base.qr import qr_svg
from kalan.campaigns.models import Campaign
from kalan.campaigns.selectors.campaigns import steps_of
from kalan.campaigns.services.messages import join_url
from kalan.training.documents.compiler import pdf

HERE = Path(__file__).parent
SLIPS_A_PAGE = (4, 8, 12)  # 2 × 2, 2 × 4, 3 × 4 on A4
MOST_SLIPS = 300


def kit_pdf(campaign: Campaign, *, now: dt.datetime) -> bytes:
    """Two pages for whoever helps on the spot: poster first, then what to say and do."""
    return pdf("kit", _common(campaign) | _kit(campaign, now), folder=HERE)


def slips_pdf(campaign: Campaign, *, number: int, a_page: int) -> bytes:
    """``number`` slips with the code, ``a_page`` on a sheet (of SLIPS_A_PAGE), to cut out."""
    columns = 3 if a_page == 12 else 2
    data = {"number": number, "columns": columns, "rows": a_page // columns}
    return pdf("slips", _common(campaign) | data, folder=HERE)


def _common(campaign: Campaign) -> dict[str, Any]:
    country = campaign.node.country
    known = country if country in countries() else settings.KALAN_COUNTRY
    return {
        "ministry": read_pack(known).ministry,
        "name": campaign.name,
        "code": campaign.code,
        "shown_code": f"{campaign.code[:4]} {campaign.code[4:]}",
        "address": f"{settings.KALAN_BASE_URL}/campagne/",
        "qr": qr_svg(join_url(campaign)),
        "dates": period(campaign.opens_on, campaign.closes_on),
        "until": long_date(campaign.closes_on),
        "foot": campaign.name,
    }


def _kit(campaign: Campaign, now: dt.datetime) -> dict[str, Any]:
    shared = campaign.sharing == Campaign.Sharing.MANAGER
    return {
        "issued": long_date(timezone.localdate(now)),
        "message": campaign.message,
        "steps": [step.title for step in steps_of(campaign)],
        "sharing": (
            "Les responsables qui suivent la campagne voient le résultat de chaque personne."
            if shared
            else "La personne seule voit son résultat. Elle peut choisir de le partager, et "
            "revenir sur ce choix."
        ),
        "anyone": campaign.anyone,
    }
