"""The indicators, as definitions: what each counts, over what, and what it does not prove.

Four counts are never mixed: accounts, people, registrations, people trained. Codes
are those of ``/chiffres.json``, of targets and of addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal[
    "sessions",
    "structures",
    "people",
    "registrations",
    "accounts",
    "days",
    "%",
    "/5",
    "money",
    "pairs",
    "platforms",
]


@dataclass(frozen=True)
class Definition:
    """``counts``: which of the counts it is, as printed beside the figure. ``records``: what the
    list behind it holds (see selectors.records); "" when the list is another page's."""

    code: str
    label: str
    counts: str
    rule: str
    unit: Unit
    numerator: str = ""
    denominator: str = ""
    by: tuple[str, ...] = ()
    caveat: str = ""
    records: str = ""
    money: bool = False  # only for who may see amounts


_PEOPLE = ("territoire", "structure", "cadre", "sexe", "tranche d’âge", "thème", "période")
_PRESENCE = "La présence ne prouve pas la compétence : elle prouve qu’on était là."

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "sessions",
        "Sessions tenues",
        "sessions",
        "Comptée une fois tenue et clôturée, à la date de sa dernière demi-journée.",
        "sessions",
        by=("territoire du lieu", "thème", "période"),
        records="sessions",
    ),
    Definition(
        "agents_formes",
        "Agents formés",
        "personnes formées",
        "Personne du registre qui a suivi la part de demi-journées que demande le programme ; "
        "une seule fois par filtre, quel que soit le nombre de sessions.",
        "people",
        by=_PEOPLE,
        caveat=_PRESENCE,
        records="people",
    ),
    Definition(
        "femmes",
        "Femmes formées",
        "personnes formées",
        "Agents formés dont le sexe renseigné est féminin ; jamais déduit du prénom.",
        "people",
        by=_PEOPLE,
        caveat=_PRESENCE,
        records="people",
    ),
    Definition(
        "part_femmes",
        "Part des femmes",
        "personnes formées",
        "Au-delà de 5 % de sexe non renseigné, l’intervalle possible remplace les décimales.",
        "%",
        numerator="femmes formées",
        denominator="agents formés dont le sexe est connu",
        by=_PEOPLE,
        caveat="Une part proche de celle du personnel ne dit pas que l’accès a été égal.",
        records="people",
    ),
    Definition(
        "sexe_inconnu",
        "Sexe non renseigné",
        "personnes formées",
        "Agents formés dont le sexe n’est pas renseigné au registre.",
        "people",
        by=_PEOPLE,
        records="people",
    ),
    Definition(
        "structures",
        "Structures touchées",
        "structures",
        "Structure dont au moins un agent a été formé, d’après son poste à la date de la session.",
        "structures",
        by=("territoire", "période"),
        caveat="Une structure touchée peut n’avoir qu’un agent formé.",
        records="structures",
    ),
    Definition(
        "structures_beneficiaires",
        "Structures bénéficiaires",
        "structures",
        "Structure inscrite sur la liste cible du programme, touchée ou non.",
        "structures",
        by=("territoire",),
        records="targets",
    ),
    Definition(
        "formateurs",
        "Formateurs mobilisés",
        "personnes",
        "A animé au moins une demi-journée. Jamais formateur et participant d’une même session.",
        "people",
        by=("employeur", "territoire du lieu", "période"),
        records="trainers",
    ),
    Definition(
        "autres_participants",
        "Autres participants formés",
        "personnes formées",
        "Personnes nommées hors registre (presse, partenaires) qui ont rempli la règle.",
        "people",
        by=("territoire", "période"),
        caveat=_PRESENCE,
        records="outsiders",
    ),
    Definition(
        "anonymes",
        "Participants comptés sans nom",
        "personnes non nommées",
        "Comptes sans noms, exacts ou arrondis ; jamais additionnés aux personnes nommées.",
        "people",
        by=("territoire du lieu", "période"),
        caveat="Une même personne peut avoir été comptée plusieurs fois.",
        records="anonymous",
    ),
    Definition(
        "inscriptions",
        "Inscriptions",
        "inscriptions",
        "Toute inscription à une session tenue, absents compris.",
        "registrations",
        by=_PEOPLE,
        caveat="Une personne inscrite à deux sessions y figure deux fois.",
        records="registrations",
    ),
    Definition(
        "journees_stagiaires",
        "Journées-stagiaires",
        "journées",
        "Demi-journées de présence divisées par deux.",
        "days",
        numerator="demi-journées de présence",
        denominator="2",
        by=_PEOPLE,
        caveat=_PRESENCE,
        records="registrations",
    ),
    Definition(
        "achevement",
        "Taux d’achèvement",
        "inscriptions",
        "Inscriptions qui ont rempli la règle du programme, parmi toutes les inscriptions.",
        "%",
        numerator="inscriptions qui remplissent la règle",
        denominator="inscriptions, absents compris",
        by=_PEOPLE,
        caveat=_PRESENCE,
        records="registrations",
    ),
    Definition(
        "plateformes",
        "Plateformes en ligne",
        "plateformes",
        "Plateformes d’apprentissage du programme.",
        "platforms",
        records="accounts",
    ),
    Definition(
        "comptes",
        "Comptes créés",
        "comptes",
        "Comptes ouverts sur la plateforme du programme ; ni accès à Kalan ni comptes d’essai.",
        "accounts",
        by=("territoire de l’agent rapproché", "période"),
        caveat="Un compte n’est pas une personne : il y en a de partagés et de jamais ouverts.",
        records="accounts",
    ),
    Definition(
        "comptes_actives",
        "Comptes activés",
        "comptes",
        "Comptes dont la première connexion a eu lieu.",
        "accounts",
        by=("territoire de l’agent rapproché", "période"),
        records="accounts",
    ),
    Definition(
        "comptes_actifs",
        "Comptes actifs",
        "comptes",
        "Comptes utilisés depuis le début de la période (sans période : au moins une fois).",
        "accounts",
        by=("territoire de l’agent rapproché", "période"),
        caveat="Une connexion ne dit rien de ce qui a été appris.",
        records="accounts",
    ),
    Definition(
        "couverture",
        "Couverture",
        "personnes formées",
        "Formés et en poste ce jour-là, parmi les agents en poste ce jour-là ; "
        "les partants sont comptés à part.",
        "%",
        numerator="agents formés et en poste ce jour-là",
        denominator="agents en poste ce jour-là, au registre",
        by=("territoire", "structure", "cadre", "sexe"),
        caveat="Ne vaut que ce que vaut le registre : un agent absent du registre n’y est pas.",
        records="coverage",
    ),
    Definition(
        "satisfaction",
        "Satisfaction",
        "réponses anonymes",
        "Moyenne des réponses anonymes, sur 5 ; rien au-dessous de 5 réponses.",
        "/5",
        numerator="somme des moyennes",
        denominator="réponses",
        by=("thème", "territoire du lieu", "période"),
        caveat="Être satisfait n’est pas avoir appris.",
        records="satisfaction",
    ),
    Definition(
        "cout_par_personne",
        "Coût par personne formée",
        "montant",
        "Dépenses des sessions dans la monnaie du programme, par personne formée.",
        "money",
        numerator="dépenses des sessions",
        denominator="agents formés et autres participants formés",
        by=("territoire du lieu", "période"),
        caveat="Ne compte que les dépenses saisies ; les autres monnaies ne sont pas converties.",
        records="costs",
        money=True,
    ),
    Definition(
        "feuilles",
        "Sessions avec feuille de présence",
        "sessions",
        "Sessions dont la feuille signée est jointe (scan ou photo).",
        "sessions",
        numerator="sessions avec feuille",
        denominator="sessions tenues",
        by=("territoire du lieu", "période"),
        records="sheets",
    ),
    Definition(
        "doublons",
        "Doublons possibles non résolus",
        "paires de fiches",
        "Paires de fiches d’agents formés qui sont peut-être une seule personne.",
        "pairs",
        caveat="Les chiffres de personnes peuvent être trop hauts d’autant.",
        records="duplicates",
    ),
)

BY_CODE: dict[str, Definition] = {definition.code: definition for definition in DEFINITIONS}

_LATEST = "Chacun compte une fois, par son dernier test de positionnement terminé dans le filtre."
_SMALL = "Jamais montré en dessous de 10 personnes."

# Not among DEFINITIONS: they rest on results, not on sessions, and are never public.
SKILLS: tuple[Definition, ...] = (
    Definition(
        "niveau_domaine",
        "Niveau par domaine",
        "personnes mesurées",
        f"Niveau le plus probable de chaque personne dans le domaine, mesuré à part. {_LATEST}",
        "people",
        by=("domaine", "territoire", "cadre", "sexe"),
        caveat=_SMALL,
    ),
    Definition(
        "part_niveau",
        "Part à un niveau ou plus",
        "personnes mesurées",
        f"Part des personnes dont le niveau est celui demandé ou un plus haut. {_LATEST}",
        "%",
        numerator="personnes à ce niveau ou plus",
        denominator="personnes mesurées dans le domaine",
        by=("domaine", "territoire", "cadre", "sexe"),
        caveat="Ceux qui passent le test ne sont pas tirés au sort : ils ne disent pas le pays.",
    ),
    Definition(
        "progres_programme",
        "Progrès par programme",
        "personnes aux deux tests",
        "Moyenne des progrès des sessions entre le test d’avant et celui d’après, chacune pour "
        "le nombre de ses personnes.",
        "people",
        by=("programme",),
        caveat="Sans groupe témoin, un progrès n’est pas la preuve d’un effet.",
    ),
)
