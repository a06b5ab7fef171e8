"""Forms of the imports: the file, its columns, the names to confirm, the doubts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from kalan.base.imports.reader import Inspection
from kalan.base.imports.registry import Kind
from kalan.base.models import ImportRow, ImportRun


def _unmark(field: forms.Field) -> None:
    """Leave « (facultatif) » out: the list itself says that nothing may be chosen."""
    vars(field)["unmarked"] = True


class UploadForm(forms.Form):
    file = forms.FileField(
        label="Fichier",
        help_text="Un classeur .xlsx ou un fichier .csv (tout séparateur), titres en première "
        "ligne.",
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv,.txt"}),
    )

    def __init__(self, *args: Any, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = settings.KALAN_UPLOAD_MAX_BYTES // (1024 * 1024)
        self.fields["file"].error_messages["required"] = (
            f"Le fichier dépasse {limit} Mo et n’a pas été gardé. Retirez les images et les "
            "feuilles inutiles, ou découpez-le en plusieurs."
            if too_large
            else "Choisissez un fichier."
        )
        self.fields["file"].error_messages["empty"] = (
            "Le fichier est vide. Choisissez un fichier qui contient des lignes."
        )


class SourceForm(forms.Form):
    """Where the table stands in the file."""

    sheet = forms.ChoiceField(label="Feuille", required=False)
    header_row = forms.IntegerField(
        label="Ligne des titres", min_value=1, max_value=25, help_text="De 1 à 25."
    )

    def __init__(self, inspection: Inspection, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault(
            "initial",
            {"sheet": inspection.source.sheet, "header_row": inspection.source.header_row},
        )
        super().__init__(*args, **kwargs)
        if len(inspection.sheets) > 1:
            sheet = self.fields["sheet"]
            assert isinstance(sheet, forms.ChoiceField)
            sheet.choices = [(name, name) for name in inspection.sheets]
        else:
            del self.fields["sheet"]


class ColumnsForm(forms.Form):
    """One list of columns for each field of the kind, then what it asks once for the file."""

    def __init__(self, kind: Kind, run: ImportRun, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        columns = [("", "— aucune colonne —")] + [
            (str(number), title or f"(colonne {number + 1}, sans titre)")
            for number, title in enumerate(run.columns)
        ]
        for field in kind.fields:
            self.fields[f"f-{field.name}"] = forms.ChoiceField(
                label=field.label,
                help_text=field.help,
                choices=columns,
                required=field.required,
                initial=str(run.mapping[field.name]) if field.name in run.mapping else "",
            )
            _unmark(self.fields[f"f-{field.name}"])  # name and structure: in one column or another
        for option in kind.options:
            shared: dict[str, Any] = {
                "label": option.label,
                "help_text": option.help,
                "required": option.required,
                "initial": run.options.get(option.name, ""),
            }
            if option.type == "date":
                widget = forms.DateInput(attrs={"type": "date"})
                self.fields[f"o-{option.name}"] = forms.CharField(widget=widget, **shared)
            else:
                found = option.choices(list(run.scope)) if option.choices else []
                self.fields[f"o-{option.name}"] = forms.ChoiceField(
                    choices=[("", "— choisir —"), *found], **shared
                )

    def mapping(self) -> dict[str, int]:
        chosen = {name[2:]: value for name, value in self.cleaned_data.items() if name[:2] == "f-"}
        return {name: int(value) for name, value in chosen.items() if value != ""}

    def options(self) -> dict[str, str]:
        return {name[2:]: str(v) for name, v in self.cleaned_data.items() if name[:2] == "o-"}


class NamesForm(forms.Form):
    """For each unknown name: one of the nearest (the likeliest is proposed), or none of them."""

    def __init__(self, run: ImportRun, *args: Any, shown: int = 100, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for index, question in enumerate(run.questions[:shown]):
            candidates = question["candidates"]
            choices = [("", "— à décider plus tard —")]
            choices += [(str(c["id"]), f"{c['label']} ({c['score']} %)") for c in candidates]
            choices.append(("none", "Aucun de ces noms : laisser ces lignes refusées"))
            rows = question["rows"]
            self.fields[f"q-{index}"] = forms.ChoiceField(
                label=f"« {question['value']} »",
                help_text=f"{rows} ligne{'s' if rows > 1 else ''} du fichier",
                choices=choices,
                required=False,
                initial=str(candidates[0]["id"]) if candidates else "",
            )
            _unmark(self.fields[f"q-{index}"])

    def answers(self) -> dict[int, str]:
        return {int(name[2:]): value for name, value in self.cleaned_data.items() if value}


def decision_field(row: ImportRow, kind: Kind) -> str:
    """The list of choices for one doubt, as a drawn form field."""
    choices = [("", "— à décider —")]
    for candidate in row.detail.get("candidates", []):
        if not candidate.get("blocked"):
            choices.append((f"use:{candidate['id']}", f"{kind.use_label} {candidate['label']}"))
    choices += [("create", kind.create_label), ("skip", "Ignorer la ligne")]
    select = forms.Select(choices=choices, attrs={"aria-label": f"Décision, ligne {row.number}"})
    return select.render(f"d-{row.number}", row.decision)
