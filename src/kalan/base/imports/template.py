"""An empty workbook for one kind of import: titles on a first sheet, help and example on a second
(an example row among the data would be imported one day)."""

from __future__ import annotations

import io

from kalan.base.imports.registry import Kind

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(kind: Kind) -> bytes:
    import xlsxwriter  # only here: a tenth of what a start of the program imports

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF1"})
    data, notes = book.add_worksheet("Données"), book.add_worksheet("Consignes et exemple")
    data.freeze_panes(1, 0)
    for column, title in enumerate(("Colonne", "Obligatoire", "Exemple", "Consigne")):
        notes.write_string(0, column, title, bold)
    notes.set_column(0, 2, 28)
    notes.set_column(3, 3, 80)
    for number, field in enumerate(kind.fields):
        data.write_string(0, number, field.label, bold)
        data.set_column(number, number, max(12, len(field.label) + 4))
        cells = (field.label, "oui" if field.required else "", field.example, field.help)
        for column, text in enumerate(cells):
            notes.write_string(number + 1, column, text)
    book.close()
    return out.getvalue()
