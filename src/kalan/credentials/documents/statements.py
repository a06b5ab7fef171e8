"""What acts state and nobody edits: titles, what each kind does not prove, how it is signed."""

from __future__ import annotations

from kalan.credentials.documents import contract

DEMO_NOTICE = "Données de démonstration\u00a0: personnes et présences fictives"

# Titles of proofs are fixed; those of other acts are the version's own.
TITLES = {
    contract.ATTENDANCE: "Attestation de présence",
    contract.TRAINING: "Attestation de formation",
    contract.COMPETENCE: "Certificat de compétences",
    contract.TRAINER: "Attestation de formateur",
}

# What each kind does not prove. Printed always, editable by nobody.
LIMITS = {
    contract.ATTENDANCE: (
        "Cette attestation prouve une présence. Elle ne prouve ni des compétences, ni la réussite "
        "à une évaluation."
    ),
    contract.TRAINING: (
        "Cette attestation prouve que la règle du programme a été remplie. Elle ne prouve aucun "
        "niveau de compétence."
    ),
    contract.COMPETENCE: (
        "Ce certificat prouve les niveaux mesurés lors d’un examen surveillé, avec leur marge "
        "d’incertitude. Il n’est ni un diplôme, ni un titre, ni une autorisation d’exercer."
    ),
    contract.TRAINER: (
        "Cette attestation prouve des heures d’animation. Elle ne prouve ni une habilitation de "
        "formateur, ni la réussite des personnes formées."
    ),
    contract.SHEET: (
        "Cette feuille rapporte les présences notées. Un seul cachet la scelle tout entière\u00a0; "
        "elle ne prouve pas de compétences."
    ),
    contract.REPORT: (
        "Ce rapport rend compte de la session d’après les données enregistrées à sa date. Il ne "
        "prouve pas les compétences des personnes."
    ),
    contract.CONVOCATION: "Cette convocation ne prouve pas une présence.",
    contract.MISSION: (
        "Cet ordre de mission autorise le déplacement. Il ne prouve pas que la mission a eu lieu."
    ),
    contract.DECISION: (
        "Cette décision met en formation les agents nommés. Elle ne prouve ni leur présence, ni "
        "leur réussite."
    ),
    contract.FREE: (
        "Cet acte prouve que son signataire l’a émis tel quel. Kalan ne garantit pas ce qu’il "
        "déclare."
    ),
}
# Kind → (what it proves, what it does not): the same said in short, before one chooses a kind.
# "files" are PDFs made elsewhere: Kalan prints nothing on them.
IN_SHORT: dict[str, tuple[str, str]] = {
    contract.ATTENDANCE: (
        "Les demi-journées suivies, à telles dates.",
        "Ni que le programme est achevé, ni un niveau.",
    ),
    contract.TRAINING: (
        "La règle du programme est remplie ; les thèmes suivis.",
        "Aucun niveau de compétence.",
    ),
    contract.COMPETENCE: (
        "Un niveau par domaine, mesuré à un examen surveillé, jusqu’à telle date.",
        "Ni un diplôme, ni un droit d’exercer.",
    ),
    contract.TRAINER: (
        "Les demi-journées animées et leur durée.",
        "Ni un diplôme, ni un droit de former ailleurs.",
    ),
    contract.SHEET: ("Les présences notées, demi-journée par demi-journée.", "Pas une réussite."),
    contract.REPORT: (
        "Ce que les données disent de la session au jour du rapport.",
        "Pas les compétences des personnes.",
    ),
    contract.CONVOCATION: ("La personne est attendue à telle date.", "Pas sa présence."),
    contract.MISSION: ("Le déplacement est autorisé.", "Pas que la mission a eu lieu."),
    contract.DECISION: (
        "Les agents nommés sont mis en formation.",
        "Ni leur présence, ni leur réussite.",
    ),
    contract.FREE: (
        "Le signataire a émis ce texte pour les personnes du tableau.",
        "Kalan ne garantit pas ce que l’acte déclare.",
    ),
    "files": (
        "Le signataire a signé ce fichier tel quel.",
        "Kalan ne garantit pas ce que le document déclare.",
    ),
}

# Kind → what was achieved, as software shows it beside a badge; what it does not prove, too.
ON_BADGES: dict[str, str] = {
    contract.ATTENDANCE: "Présence à une formation, comptée en demi-journées. Ne dit rien "
    "de ce que la personne sait faire.",
    contract.TRAINING: "Formation suivie selon la règle de son programme. Ne dit rien du "
    "niveau de la personne.",
    contract.COMPETENCE: "Niveaux mesurés par un examen surveillé. Ne donne ni grade, ni "
    "droit d’exercer.",
    contract.TRAINER: "Animation de sessions de formation. Ne dit rien de leurs résultats.",
}

# Level of the key → how the act says that it is signed.
STATEMENTS = {
    "trial": ("Signé électroniquement — autorité interne du ministère (essai ou usage interne)"),
    "ministry": "Signé électroniquement — autorité interne du ministère",
    "accredited": "Signé électroniquement — prestataire accrédité",
}
HAND_STATEMENT = "Inscrit au registre\u00a0; signature manuscrite"
