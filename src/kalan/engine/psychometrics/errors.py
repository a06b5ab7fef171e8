"""What is wrong with data given to the engine."""

from __future__ import annotations

import errno


class DataError(ValueError):
    """The data cannot be used; the message names row, column or item, and the remedy (French)."""


def unreadable(error: OSError) -> str:
    """Why a file could not be opened, with the remedy (French): the system's words are English."""
    known = {
        errno.ENOENT: "fichier introuvable. Vérifiez le chemin et le nom.",
        errno.EISDIR: "c’est un dossier. Donnez le fichier qu’il contient.",
        errno.EACCES: "accès refusé. Demandez le droit de lire ce fichier.",
    }
    return known.get(error.errno or 0, f"fichier illisible ({error.strerror}).")
