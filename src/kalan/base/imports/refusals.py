"""What is said of a file that cannot be read as a table."""

from __future__ import annotations

from kalan.base.errors import Refused

MAX_ROWS = 300_000
SAVE_AS = "Ouvrez-le dans un tableur et enregistrez-le en .xlsx ou en .csv."


def not_a_table(what: str, remedy: str) -> Refused:
    """A refusal (``not_a_table``) that says ``what`` the file is, and what to do."""
    return Refused(what, remedy=remedy, field="file", code="not_a_table")


def check_rows(last: int, *, above: int = 0) -> None:
    """Refuse (``too_many_rows``) a table whose last row is the file's ``last`` one, when the rows
    under the ``above`` first are more than MAX_ROWS."""
    if last > MAX_ROWS + above:
        raise Refused(
            f"Le fichier a {last} lignes ; la limite est de {MAX_ROWS}.",
            remedy="Découpez-le en plusieurs fichiers.",
            field="file",
            code="too_many_rows",
        )
