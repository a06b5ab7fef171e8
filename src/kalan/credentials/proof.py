"""What each kind of act proves, and what it does not: said before one chooses it."""

from __future__ import annotations

from kalan.credentials.models import ActTemplate

_K = ActTemplate.Kind

# Kind → (what it proves, what it does not).
WORDS: dict[str, tuple[str, str]] = {
    _K.ATTENDANCE: (
        "Les demi-journées suivies, à telles dates.",
        "Ni que le programme est achevé, ni un niveau.",
    ),
    _K.TRAINING: (
        "La règle du programme est remplie ; les thèmes suivis.",
        "Aucun niveau de compétence.",
    ),
    _K.COMPETENCE: (
        "Un niveau par domaine, mesuré à un examen surveillé, jusqu’à telle date.",
        "Ni un diplôme, ni un droit d’exercer.",
    ),
    _K.TRAINER: (
        "Les demi-journées animées et leur durée.",
        "Ni un diplôme, ni un droit de former ailleurs.",
    ),
    _K.SHEET: ("Les présences notées, demi-journée par demi-journée.", "Pas une réussite."),
    _K.REPORT: (
        "Ce que les données disent de la session au jour du rapport.",
        "Pas les compétences des personnes.",
    ),
    _K.CONVOCATION: ("La personne est attendue à telle date.", "Pas sa présence."),
    _K.MISSION: ("Le déplacement est autorisé.", "Pas que la mission a eu lieu."),
    _K.DECISION: (
        "Les agents nommés sont mis en formation.",
        "Ni leur présence, ni leur réussite.",
    ),
    _K.FREE: (
        "Le signataire a émis ce texte pour les personnes du tableau.",
        "Kalan ne garantit pas ce que l’acte déclare.",
    ),
    _K.FILES: (
        "Le signataire a signé ce fichier tel quel.",
        "Kalan ne garantit pas ce que le document déclare.",
    ),
}
# Where the acts of each kind come from, in a few words.
SOURCES: dict[str, str] = {
    _K.COMPETENCE: "depuis un examen publié",
    _K.FREE: "depuis un tableau de noms",
    _K.FILES: "depuis une archive de PDF",
}
FROM_RECORDS = "depuis une session ou un programme"
