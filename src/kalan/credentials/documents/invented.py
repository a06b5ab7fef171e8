"""Invented acts, to preview a wording: one short, one as long as an act may be."""

from __future__ import annotations

from typing import Any

from kalan.credentials.documents import contract
from kalan.credentials.documents.contract import Envelope, Record

SHORT_NAME = "Awa DIALLO"
# 88 characters, with an apostrophe, accents, a hyphen and letters of African languages.
LONG_NAME = (
    "Marie-Thérèse Ndèye N’Dèla Aïssatou Kouyaté épouse DE SAINT-ÉTIENNE Ɓóóri Ŋàndé OUÉDRAOGO"
)
_MINISTRIES = {
    "sn": "Ministère de la Santé et de l’Action sociale",
    "ml": "Ministère de la Santé et du Développement social",
    "fr": "Ministère chargé de la Santé",
}
_PLACES = {"sn": "Fatick", "ml": "Ségou", "fr": "Lille"}
_SEATS = {"sn": "Dakar", "ml": "Bamako", "fr": "Paris"}


def envelope(country: str, *, long: bool = False, demo: bool = True) -> Envelope:
    """What the click would add, in the year 2026, with a code that no act has."""
    code = "0" * 24
    return {
        "number": "SPECIMEN-2026-000001",
        "code": code,
        "address": f"https://kalan.exemple/verifier/{code}/#specimen",
        "issued_on": "2026-11-03",
        "place": _SEATS.get(country, "Dakar"),
        "ministry": _MINISTRIES.get(country, "Ministère de la Santé"),
        "body": "Direction de la planification, de la recherche et des statistiques"
        if long
        else "Direction de la formation",
        "signatory": {
            "name": "Professeure Aminata Sokhna NDOYE-TRAORÉ DE LA FONTAINE"
            if long
            else "Dr Awa NDIAYE",
            "title": "Directrice adjointe de la planification, chargée de l’intérim"
            if long
            else "Directrice de la formation",
            "office": "Le Directeur de la planification, de la recherche et des statistiques"
            if long
            else "La Directrice de la formation",
            "capacity": "interim" if long else "title",
        },
        "mode": "electronic",
        "level": "trial",
        "valid_until": None,
        "demo": demo,
    }


def record(kind: str, country: str, *, long: bool = False) -> Record:
    """An invented record of ``kind``; ``long``: every text near the most that a page takes."""
    made: dict[str, Any] = {"kind": kind, "holder": _holder(country, long)}
    made |= {"training": _training(country, long)}
    made |= _OWN[kind](long)
    return made  # type: ignore[return-value]


def _holder(country: str, long: bool) -> dict[str, str]:
    return {
        "name": LONG_NAME if long else SHORT_NAME,
        "cadre": "Infirmière d’État spécialisée en santé communautaire" if long else "Sage-femme",
        "structure": "Centre hospitalier régional de référence et d’instruction "
        f"de {_PLACES.get(country, 'Fatick')}, service de médecine préventive"
        if long
        else f"Centre de santé de {_PLACES.get(country, 'Fatick')}",
        "employer": "Groupement hospitalier de territoire" if country == "fr" else "",
        "matricule": "612 345/A",
    }


def _training(country: str, long: bool) -> dict[str, Any]:
    return {
        "title": "Outils numériques, bases de la santé numérique, protection des données "
        "personnelles et sécurité du poste de travail dans les structures sanitaires de district"
        if long
        else "Bases de la santé numérique",
        "programme": "Programme de digitalisation du système de santé et de renforcement des "
        "capacités des agents (DIRECCT)"
        if long
        else "DIRECCT",
        "code": "DIRECCT-07",
        "nature": "action de formation",
        "mode": "en présence",
        "starts_on": "2026-09-28" if long else "2026-10-13",
        "ends_on": "2026-10-02" if long else "2026-10-15",
        "place": f"{_PLACES.get(country, 'Fatick')}, salle de conférences de la région médicale"
        if long
        else _PLACES.get(country, "Fatick"),
        "half_days": 10 if long else 6,
        "hours": 37.5 if long else 18.0,
        "objectives": "protéger son poste, partager un dossier et saisir les données du mois",
    }


_THEMES = [
    "Se servir d’un poste de travail",
    "Bases de la santé numérique",
    "Protéger son poste et ses mots de passe",
    "Partager des données de santé",
    "Saisir les données du mois",
    "Lire un tableau de bord",
]
_DOMAINS = [
    "Information et données",
    "Communication et collaboration",
    "Création de contenu",
    "Protection et sécurité",
    "Résolution de problèmes",
]


def _themes(long: bool) -> list[str]:
    if not long:
        return _THEMES
    return [f"{theme}, module {part} sur 3" for part in (1, 2, 3) for theme in _THEMES]


def _levels(long: bool) -> list[dict[str, Any]]:
    domains = (
        [f"{d} ({p})" for d in _DOMAINS for p in ("pratique", "théorie")] if long else _DOMAINS
    )
    return [
        {
            "domain": domain,
            "level": 1 + rank % 4,
            "of": 4,
            "label": ("Novice", "Intermédiaire", "Avancé", "Expert")[rank % 4],
            "confidence": "8 chances sur 10" if rank % 2 else "6 chances sur 10, à confirmer",
        }
        for rank, domain in enumerate(domains)
    ]


def _people(count: int) -> list[dict[str, Any]]:
    names = ["Awa DIALLO", "Moussa TRAORÉ", "ߝߊ߬ߕߎ߬ ߞߎߦߊߕߋ߫", "عَائِشَة جَلُو", LONG_NAME]
    return [
        {
            "name": names[rank % len(names)],
            "matricule": f"612 {rank:03d}/A",
            "cadre": "Infirmier d’État",
            "structure": "Centre de santé de Fatick",
            "marks": [
                ("P", "P", "E", "P", "A", "P", "P", "", "P", "P")[(rank + n) % 10]
                for n in range(10)
            ],
        }
        for rank in range(count)
    ]


def _sheet(long: bool) -> dict[str, Any]:
    days = 5 if long else 3
    return {
        "columns": [
            {
                "day": f"{('lun.', 'mar.', 'mer.', 'jeu.', 'ven.')[day]} {day + 13} oct.",
                "part": part,
            }
            for day in range(days)
            for part in ("matin", "après-midi")
        ],
        "lines": [
            {key: line[key] for key in ("name", "cadre", "structure")}
            | {"marks": line["marks"][: 2 * days]}
            for line in _people(40 if long else 5)
        ],
        "trainers": [{"name": "Ibrahima SALL", "half_days": "toutes"}],
        "closed_on": "2026-10-16",
    }


def _report(long: bool) -> dict[str, Any]:
    table = [
        ["Compte", "Nombre"],
        ["Inscriptions", "28"],
        ["Agents formés", "26"],
        ["Femmes", "15"],
    ]
    return {
        "facts": [["Formateurs", "Ibrahima SALL"]],
        "sections": [
            {"heading": "Chiffres de la session", "text": [], "table": table, "align": "lr"},
            {
                "heading": "Points discutés",
                "text": [
                    "Le réseau du centre tombe chaque après-midi\u00a0; un relais est demandé."
                ]
                * (12 if long else 1),
            },
        ],
    }


_OWN: dict[str, Any] = {
    contract.ATTENDANCE: lambda long: {
        "attended": {"half_days": 9, "of": 10, "hours": 33.75}
        if long
        else {"half_days": 6, "of": 6, "hours": 18.0}
    },
    contract.TRAINING: lambda long: {
        "rule": "au moins 80 % des demi-journées, et le test de fin passé"
        if long
        else "80 % des demi-journées",
        "themes": _themes(long),
        "result": "",
    },
    contract.COMPETENCE: lambda long: {
        "exam": {
            "title": "Compétences numériques des personnels de santé, session d’automne"
            if long
            else "Compétences numériques",
            "held_on": "2026-10-20",
            "place": "Kaolack",
            "framework": "DigComp 2.2",
            "supervised": True,
        },
        "levels": _levels(long),
    },
    contract.TRAINER: lambda long: {
        "led": {
            "half_days": 48 if long else 6,
            "hours": 144.0 if long else 18.0,
            "sessions": [
                {
                    "title": "Bases de la santé numérique"
                    + (" et sécurité du poste" if long else ""),
                    "dates": "du 13 au 15 octobre 2026",
                    "place": "Fatick",
                    "half_days": "6",
                    "hours": "18",
                }
            ]
            * (8 if long else 1),
        }
    },
    contract.SHEET: _sheet,
    contract.REPORT: _report,
    contract.CONVOCATION: lambda long: {
        "meeting": {
            "starts": "lundi 13 octobre 2026 à 8 h 30",
            "place": "Région médicale, salle de conférences",
            "contact": "formation@sante.exemple",
        }
    },
    contract.MISSION: lambda long: {
        "mission": {
            "purpose": "Animer la session DIRECCT-07 de formation aux bases de la santé numérique",
            "destination": "Fatick",
            "departs_on": "2026-10-12",
            "returns_on": "2026-10-16",
            "transport": "véhicule de service",
            "funding": "budget du programme DIRECCT",
        }
    },
    contract.DECISION: lambda long: {
        "people": [
            {key: line[key] for key in ("name", "matricule", "cadre", "structure")}
            for line in _people(60 if long else 5)
        ],
    },
    contract.FREE: lambda long: {"fields": {}},
}
