"""What the check page says, in French and in English: the one page of Kalan in both.

A table rather than a catalogue: the two stand side by side, and a test holds them to each other.
"""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from kalan.base.dates import long_date

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

# result → (badge, sentence, tone of the notice)
RESULTS: dict[str, dict[str, tuple[str, str, str]]] = {
    "fr": {
        "valid": ("valable", "Ce document figure au registre et il est valable.", "ok"),
        "expired": (
            "expiré",
            "Ce document est authentique, mais sa durée de validité est passée.",
            "warn",
        ),
        "replaced": (
            "remplacé",
            "Ce document a été remplacé par un autre : il ne fait plus foi.",
            "bad",
        ),
        "revoked": ("révoqué", "Ce document a été révoqué : il ne fait plus foi.", "bad"),
        "altered": (
            "non vérifié",
            "Ce fichier n’est pas vérifié : il a été modifié, ou il est incomplet.",
            "bad",
        ),
        "unknown": (
            "inconnu",
            "Aucun document de ce registre ne porte ce code.",
            "bad",
        ),
        "file_unknown": (
            "inconnu",
            "Ce fichier n’est pas un acte de cette plateforme.",
            "bad",
        ),
        "pending": (
            "pas encore signé",
            "Ce document est inscrit au registre, mais sa signature n’y est pas encore portée : "
            "il ne fait pas foi pour l’instant.",
            "warn",
        ),
        "void": ("non émis", "Ce numéro n’a pas été émis : aucun document n’est valable.", "bad"),
        "key_revoked": (
            "non vérifié",
            "La clé qui a signé ce document a été révoquée : il ne peut plus être vérifié. "
            "Demandez un nouveau document à l’émetteur.",
            "bad",
        ),
        "ours": (
            "non vérifié",
            "Ce fichier porte une signature d’ici, mais il ne figure pas au registre : ne vous y "
            "fiez pas.",
            "bad",
        ),
        "unreadable": (
            "non vérifié",
            "Ce fichier n’a pas pu être vérifié : ne vous y fiez pas.",
            "bad",
        ),
    },
    "en": {
        "valid": ("valid", "This document is in the register and it is valid.", "ok"),
        "expired": ("expired", "This document is genuine, but its validity has ended.", "warn"),
        "replaced": (
            "replaced",
            "This document was replaced by another: it no longer holds.",
            "bad",
        ),
        "revoked": ("revoked", "This document was revoked: it no longer holds.", "bad"),
        "altered": (
            "not verified",
            "This file is not verified: it was changed, or part of it is missing.",
            "bad",
        ),
        "unknown": ("unknown", "No document of this register bears this code.", "bad"),
        "file_unknown": ("unknown", "This file is not a document of this platform.", "bad"),
        "pending": (
            "not signed yet",
            "This document is in the register, but its signature is not recorded yet: it does "
            "not hold for now.",
            "warn",
        ),
        "void": ("not issued", "This number was never issued: no document is valid.", "bad"),
        "key_revoked": (
            "not verified",
            "The key that signed this document was revoked: it can no longer be verified. Ask "
            "the issuer for a new document.",
            "bad",
        ),
        "ours": (
            "not verified",
            "This file bears a signature from here, but it is not in the register: do not rely "
            "on it.",
            "bad",
        ),
        "unreadable": (
            "not verified",
            "This file could not be verified: do not rely on it.",
            "bad",
        ),
    },
}

LEVELS = {
    "fr": {
        "trial": "signature électronique d’une autorité interne, pour essai ou usage interne",
        "ministry": "signature électronique, autorité interne du ministère",
        "accredited": "signature électronique, prestataire accrédité",
        "hand": "signé à la main, inscrit au registre",
    },
    "en": {
        "trial": "electronic signature by an internal authority, for trial or internal use",
        "ministry": "electronic signature, the ministry’s own authority",
        "accredited": "electronic signature, accredited provider",
        "hand": "signed by hand, entered in the register",
    },
}

# What the file proves of its own date, by the level of its signature (ETSI EN 319 142-1).
DATES = {
    "fr": {
        "b-b": "aucun : la date est celle du registre (niveau B\u2011B)",
        "b-t": "signature horodatée par {by}, le {on} (niveau B\u2011T)",
        "b-lt": "signature horodatée par {by}, le {on} ; le fichier contient de quoi la vérifier "
        "après l’échéance du certificat (niveau B\u2011LT)",
        "b-lta": "signature horodatée par {by}, le {on} ; valable longtemps après l’échéance du "
        "certificat (niveau B\u2011LTA)",
    },
    "en": {
        "b-b": "none: the date is the register’s (level B\u2011B)",
        "b-t": "signature time-stamped by {by}, {on} (level B\u2011T)",
        "b-lt": "signature time-stamped by {by}, {on}; the file holds what is needed to check it "
        "after the certificate’s end (level B\u2011LT)",
        "b-lta": "signature time-stamped by {by}, {on}; valid long after the certificate’s end "
        "(level B\u2011LTA)",
    },
}

REASONS = {
    "fr": {
        "error": "erreur de nom, de date ou de contenu",
        "not_entitled": "conditions non remplies",
        "fraud": "fraude établie",
        "request": "à la demande de la personne",
        "other": "autre motif",
    },
    "en": {
        "error": "error in the name, a date or the content",
        "not_entitled": "conditions not met",
        "fraud": "fraud established",
        "request": "at the person’s request",
        "other": "another reason",
    },
}

# What each kind of proof does not prove, beside what its title says.
LIMITS = {
    "fr": {
        "attendance": "Il prouve une présence. Il ne dit rien de ce que la personne sait faire.",
        "training": "Il prouve que la formation a été suivie selon la règle du programme. Il ne "
        "dit rien du niveau de la personne.",
        "competence": "Il prouve un niveau le jour d’un examen surveillé. Il ne donne ni grade, ni "
        "droit d’exercer.",
        "trainer": "Il prouve que la personne a animé des sessions. Il ne dit rien de leurs "
        "résultats.",
        "": "La vérification dit que le document vient de cet émetteur. Elle ne dit rien de ce "
        "qu’il contient.",
    },
    "en": {
        "attendance": "It proves attendance. It says nothing of what the person is able to do.",
        "training": "It proves that the training was followed as the programme requires. It says "
        "nothing of the person’s level.",
        "competence": "It proves a level on the day of a supervised exam. It gives neither a grade "
        "nor a right to practise.",
        "trainer": "It proves that the person led sessions. It says nothing of their results.",
        "": "The check says that the document comes from this issuer. It says nothing of its "
        "content.",
    },
}

KINDS_EN = {
    "attendance": "certificate of attendance",
    "training": "certificate of training",
    "competence": "certificate of competence",
    "trainer": "trainer’s certificate",
    "sheet": "attendance sheet",
    "report": "session report",
    "convocation": "invitation to a session",
    "mission": "mission order",
    "decision": "decision on training",
    "free": "official document",
    "files": "official document",
}

# What is wrong with a file: the reasons of a verdict, in plain words.
VERDICTS = {
    "fr": {
        "ok": "Sa signature est intacte et sa chaîne de certificats est reconnue ici.",
        "not_signed": "Ce fichier ne porte aucune signature électronique.",
        "altered": "Le contenu du fichier ne correspond pas à sa signature.",
        "modified_after_signing": "Le fichier a été modifié après sa signature.",
        "untrusted": "Il est signé, mais par un certificat que cette plateforme ne connaît pas.",
        "expired": "Le certificat qui l’a signé avait expiré.",
        "revoked": "Le certificat qui l’a signé a été révoqué.",
        "malformed": "Ce fichier n’est pas un PDF signé que l’on sache lire.",
    },
    "en": {
        "ok": "Its signature is intact and its certificates are trusted here.",
        "not_signed": "This file bears no electronic signature.",
        "altered": "The content of the file does not match its signature.",
        "modified_after_signing": "The file was changed after it was signed.",
        "untrusted": "It is signed, but by a certificate that this platform does not know.",
        "expired": "The certificate that signed it had expired.",
        "revoked": "The certificate that signed it was revoked.",
        "malformed": "This file is not a signed PDF that can be read.",
    },
}

TEXTS: dict[str, dict[str, str]] = {
    "fr": {
        "title": "Vérifier un document",
        "lead": "Ce document est-il authentique, et fait-il toujours foi ?",
        "by_code": "Par le code",
        "code": "Code imprimé sur le document",
        "code_help": "24 lettres et chiffres, par groupes de quatre. Espaces, tirets et "
        "minuscules sont acceptés.",
        "check": "Vérifier",
        "by_file": "Par le fichier PDF",
        "file": "Le fichier reçu, sans l’avoir modifié",
        "file_help": "10 Mo au plus. Le fichier est lu puis oublié : il n’est pas conservé.",
        "choose": "Choisir un fichier",
        "check_file": "Vérifier ce fichier",
        "no_network": "Sans réseau",
        "offline": "Vérifier avec l’appareil photo, même sans réseau",
        "holder": "Titulaire",
        "initials": "initiales",
        "document": "Document",
        "number": "Numéro",
        "issued": "Date",
        "valid_until": "Valable jusqu’au",
        "validity": "Validité",
        "no_end": "sans limite de durée",
        "until": "jusqu’au",
        "issuer": "Émetteur",
        "level": "Signature",
        "stamp": "Horodatage",
        "since": "Depuis le",
        "see_new": "Voir le document qui le remplace",
        "limits": "Ce que ce document ne prouve pas",
        "whose": "Est-ce bien cette personne ?",
        "whose_lead": "Par discrétion, cette page ne montre que des initiales. Recopiez ce qui est "
        "imprimé sur le document : si cela correspond, le nom entier s’affiche.",
        "said": "Nom et prénom, ou année de naissance",
        "show": "Comparer",
        "matches": "Ce que vous avez recopié correspond au document.",
        "no_match": "Ce n’est pas ce qui est inscrit au registre. Recopiez le nom et le prénom, ou "
        "l’année de naissance, tels qu’ils sont imprimés.",
        "download": "Télécharger le document",
        "shared": "Le titulaire a choisi de montrer son nom.",
        "again": "Vérifier un autre document",
        "unknown_help": "Recopiez le code : 24 lettres et chiffres. S’il est bien recopié, le "
        "document ne vient pas d’ici ; demandez-en l’original à la personne.",
        "file_ok": "Le fichier est exactement celui qui a été signé : pas un octet n’a changé.",
        "file_hand": "Le fichier est exactement celui qui a été imprimé. La signature est sur le "
        "papier : comparez avec l’original.",
        "file_bad": "Demandez le fichier d’origine à la personne, ou vérifiez par le code imprimé.",
        "wait_title": "Un peu de patience",
        "wait": "Trop d’essais. Réessayez dans un quart d’heure.",
        "wait_long": "Trop d’essais de nom pour ce code. Pour protéger les personnes, ils "
        "reprennent au plus tôt demain, parfois dans quelques semaines. La vérification par le "
        "code seul et par le fichier continue.",
        "bad_file": "Choisissez le fichier PDF à vérifier.",
        "big_file": "Ce fichier dépasse 10 Mo : les actes de cette plateforme sont plus légers. "
        "Envoyez le fichier d’origine.",
        "bad_code": "Recopiez le code entier : 24 lettres et chiffres.",
        "other_language": "English",
    },
    "en": {
        "title": "Check a document",
        "lead": "Is this document genuine, and does it still hold?",
        "by_code": "By its code",
        "code": "Code printed on the document",
        "code_help": "24 letters and digits, in groups of four. Spaces, hyphens and lower case "
        "are accepted.",
        "check": "Check",
        "by_file": "By the PDF file",
        "file": "The file as received, unchanged",
        "file_help": "10 MB at most. The file is read and forgotten: it is not kept.",
        "choose": "Choose a file",
        "check_file": "Check this file",
        "no_network": "Without a network",
        "offline": "Check with the camera, even without a network (in French)",
        "holder": "Holder",
        "initials": "initials",
        "document": "Document",
        "number": "Number",
        "issued": "Date",
        "valid_until": "Valid until",
        "validity": "Validity",
        "no_end": "no end date",
        "until": "until",
        "issuer": "Issuer",
        "level": "Signature",
        "stamp": "Time-stamp",
        "since": "Since",
        "see_new": "See the document that replaces it",
        "limits": "What this document does not prove",
        "whose": "Is it this person’s?",
        "whose_lead": "For privacy this page shows initials only. Copy what is printed on the "
        "document: if it matches, the full name is shown.",
        "said": "First and last name, or year of birth",
        "show": "Compare",
        "matches": "What you copied matches the document.",
        "no_match": "This is not what the register holds. Copy the first and last name, or the "
        "year of birth, as printed.",
        "download": "Download the document",
        "shared": "The holder chose to show their name.",
        "again": "Check another document",
        "unknown_help": "Copy the code again: 24 letters and digits. If it is right, the document "
        "does not come from here; ask the person for the original.",
        "file_ok": "The file is exactly the one that was signed: not one byte has changed.",
        "file_hand": "The file is exactly the one that was printed. The signature is on paper: "
        "compare it with the original.",
        "file_bad": "Ask the person for the original file, or check by the printed code.",
        "wait_title": "Please wait",
        "wait": "Too many tries. Try again in a quarter of an hour.",
        "wait_long": "Too many tries of a name for this code. To protect people, they open again "
        "tomorrow at the earliest, sometimes in a few weeks. Checking by the code alone and by the "
        "file goes on.",
        "bad_file": "Choose the PDF file to check.",
        "big_file": "This file is larger than 10 MB: documents of this platform are lighter. Send "
        "the original file.",
        "bad_code": "Copy the whole code: 24 letters and digits.",
        "other_language": "Français",
    },
}


def day(value: dt.date | None, language: str) -> str:
    """« 13 mars 2023 », "13 March 2023"."""
    if value is None:
        return ""
    if language == "en":
        return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    return long_date(value)


def proof_of_date(level: str, by: str, at: dt.datetime | None, language: str) -> str:
    """What a file of that level proves of its date, stamped ``by`` that authority ``at`` then."""
    on = day(timezone.localdate(at), language) if at else "–"
    return DATES[language].get(level, "").format(by=by or "–", on=on)
