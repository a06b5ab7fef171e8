"""The form in which a question of any type is written: without script, lines are added by a button.

What is typed becomes the form of our files (decision 0012), which ``play`` reads.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django import forms
from django.http import QueryDict

from kalan.skills.models import FrameworkNode, Item, ItemBank, ItemVersion
from kalan.skills.play.content import to_own
from kalan.skills.play.shape import Picture, Stored

AUDIENCE = [
    ("infirmier", "infirmiers"),
    ("sage-femme", "sages-femmes"),
    ("medecin", "médecins"),
    ("gestionnaire", "gestionnaires"),
    ("asc", "agents de santé communautaires"),
]
COUNTRIES = [("sn", "Sénégal"), ("ml", "Mali"), ("fr", "France")]
LEVELS = [
    ("-2", "très facile (−2)"),
    ("-1", "facile (−1)"),
    ("0", "moyenne (0)"),
    ("1", "difficile (1)"),
    ("2", "très difficile (2)"),
]
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_BREAK = re.compile(r"<br\s*/?>")


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


def _number(label: str, **more: Any) -> forms.FloatField:
    return forms.FloatField(label=label, localize=True, **more)


class ItemForm(forms.Form):
    """What all types have; ``__init__`` adds what the type asks."""

    code = forms.CharField(
        label="Code", max_length=60, help_text="Par exemple CYB-101 : il ne change plus."
    )
    domain = forms.ModelChoiceField(FrameworkNode.objects.none(), label="Domaine")
    competency = forms.ModelChoiceField(
        FrameworkNode.objects.none(), label="Compétence", required=False, empty_label="(aucune)"
    )
    text = forms.CharField(label="Question", widget=_area(4))
    explanation = forms.CharField(
        label="Explication, montrée après la réponse",
        required=False,
        widget=_area(3),
        help_text="Pourquoi, en deux phrases.",
    )
    source = forms.CharField(
        label="Source",
        required=False,
        help_text="Loi, guide ou norme ; vide si c’est la pratique courante.",
    )
    level = forms.ChoiceField(
        label="Difficulté, selon vous",
        choices=[*LEVELS, ("", "un nombre, ci-dessous")],
        required=False,
        initial="0",
    )
    difficulty = _number(
        "Difficulté en nombre",
        required=False,
        min_value=-4,
        max_value=4,
        help_text="Entre −4 et 4, si aucun des mots ne convient.",
    )
    audience = forms.MultipleChoiceField(
        label="Pour qui", choices=AUDIENCE, required=False, widget=forms.CheckboxSelectMultiple
    )
    countries = forms.MultipleChoiceField(
        label="Où", choices=COUNTRIES, required=False, widget=forms.CheckboxSelectMultiple
    )
    accessible = forms.BooleanField(
        label="Peut se répondre avec un lecteur d’écran", required=False, initial=True
    )
    picture = forms.FileField(
        label="Ajouter une image",
        required=False,
        help_text="PNG, JPEG, GIF ou WebP, 60 Ko au plus. Elle se place à la fin de la question, "
        "ou là où vous écrivez {img:1}.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
    )
    alt = forms.CharField(
        label="Ce que montre l’image",
        required=False,
        max_length=300,
        help_text="Une phrase pour qui ne la voit pas. Obligatoire avec une image.",
    )

    def __init__(
        self,
        *args: Any,
        bank: ItemBank,
        kind: str,
        version: ItemVersion | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.kind, self.version = kind, version
        nodes = FrameworkNode.objects.filter(framework=bank.framework_id).order_by("rank", "pk")
        for name in ("domain", "competency"):
            field: Any = self.fields[name]
            field.queryset = nodes.filter(kind=name)
            field.label_from_instance = lambda node: f"{node.code} · {node.name}"
        _FIELDS[kind](self.fields)
        self.pictures: list[Picture] = []
        if version:
            self.pictures = list(version.content.get("images", []))
            del self.fields["code"]
            self.fields["seen"] = forms.IntegerField(widget=forms.HiddenInput)
            self.fields["note"] = forms.CharField(
                label="Ce qui change, et pourquoi", required=False, max_length=300
            )
            for rank, picture in enumerate(self.pictures, start=1):
                self.fields[f"drop_{rank}"] = forms.BooleanField(
                    label=f"Retirer l’image {rank} : {picture['alt']}", required=False
                )

    @property
    def first(self) -> list[forms.BoundField]:
        """What stands before the lines: the question, and what its type asks."""
        names = ("code", "domain", "competency", "text", "answer", "tolerance", "unit")
        return [self[name] for name in names if name in self.fields]

    @property
    def rest(self) -> list[forms.BoundField]:
        """What stands after them."""
        before = {field.name for field in self.first}
        of_lines = ("fixed", "typos", "case", "accents")
        found = [field for field in self.visible_fields() if field.name not in before]
        return sorted(found, key=lambda field: field.name not in of_lines)

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if values.get("difficulty") is None:
            if not values.get("level"):
                self.add_error("difficulty", "Dites la difficulté par un mot ou par un nombre.")
            else:
                values["difficulty"] = float(values["level"])
        if values.get("picture") and not values.get("alt", "").strip():
            self.add_error("alt", "Décrivez l’image en une phrase, pour qui ne la voit pas.")
        return values


def _choices(fields: dict[str, forms.Field]) -> None:
    fields["fixed"] = forms.BooleanField(label="Garder les réponses dans cet ordre", required=False)


def _truth(fields: dict[str, forms.Field]) -> None:
    fields["answer"] = forms.ChoiceField(
        label="La phrase est", choices=[("1", "vraie"), ("0", "fausse")], widget=forms.RadioSelect
    )


def _numeric(fields: dict[str, forms.Field]) -> None:
    fields["answer"] = _number("Réponse")
    fields["tolerance"] = _number(
        "Écart accepté", required=False, min_value=0, help_text="0 : la réponse exacte seulement."
    )
    fields["unit"] = forms.CharField(label="Unité", required=False, max_length=40)


def _spelling(fields: dict[str, forms.Field]) -> None:
    for name, label in (
        ("typos", "Accepter de petites fautes de frappe"),
        ("case", "Les majuscules comptent"),
        ("accents", "Les accents comptent"),
    ):
        fields[name] = forms.BooleanField(label=label, required=False, initial=name == "typos")


def _gaps(fields: dict[str, forms.Field]) -> None:
    fields["text"].help_text = "Écrivez {{1}}, {{2}}… là où sont les trous."


def _nothing(fields: dict[str, forms.Field]) -> None:
    return None


_FIELDS: dict[str, Any] = {
    "single": _choices,
    "multiple": _choices,
    "truefalse": _truth,
    "numeric": _numeric,
    "short": _spelling,
    "matching": _nothing,
    "ordering": _nothing,
    "cloze": _gaps,
}


class Row(forms.Form):
    """A line: empty ones are left out, so no field is marked as optional."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        for field in self.fields.values():
            field.unmarked = True  # type: ignore[attr-defined]


class ChoiceRow(Row):
    text = forms.CharField(label="Réponse proposée", required=False)
    right = forms.BooleanField(label="Juste", required=False)
    feedback = forms.CharField(label="Ce qui est dit à qui la choisit", required=False)
    weight = _number("Points (%), si ce n’est pas le partage habituel", required=False)


class AnswerRow(Row):
    text = forms.CharField(label="Réponse acceptée", required=False)
    weight = _number("Points (%), 100 si vide", required=False)


class PairRow(Row):
    left = forms.CharField(label="À gauche (vide : un leurre)", required=False)
    right = forms.CharField(label="À droite", required=False)


class StepRow(Row):
    text = forms.CharField(label="Étape, dans le bon ordre", required=False)


class GapRow(Row):
    answers = forms.CharField(
        label="Réponses du trou, une par ligne",
        required=False,
        widget=_area(3),
        help_text="Une étoile devant la juste (*réponse) : la personne choisit dans une liste ; "
        "sans étoile, elle écrit, et chacune est acceptée.",
    )
    typos = forms.BooleanField(label="Accepter de petites fautes de frappe", required=False)


ROWS: dict[str, tuple[type[forms.Form], int, str]] = {
    "single": (ChoiceRow, 4, "Réponses"),
    "multiple": (ChoiceRow, 4, "Réponses"),
    "short": (AnswerRow, 3, "Réponses acceptées"),
    "matching": (PairRow, 4, "Paires"),
    "ordering": (StepRow, 4, "Étapes"),
    "cloze": (GapRow, 2, "Trous"),
}
MOST_ROWS = 12


def rows_of(kind: str, data: QueryDict | None, initial: list[dict[str, Any]]) -> Any:
    """The lines of a question of ``kind``; None for a type without lines.

    ``ajouter`` in ``data`` asks for two more empty ones.
    """
    if kind not in ROWS:
        return None
    row, usual, _ = ROWS[kind]
    made = forms.formset_factory(row, extra=0, max_num=MOST_ROWS, validate_max=True)
    if data is None:
        empty: list[dict[str, Any]] = [{}] * max(usual - len(initial), 0)
        return made(initial=[*initial, *empty], prefix="l")
    if "ajouter" in data:
        data = data.copy()
        count = data.get("l-TOTAL_FORMS", "")
        number = int(count) if count.isascii() and count.isdigit() else usual
        data["l-TOTAL_FORMS"] = str(min(number + 2, MOST_ROWS))
    return made(data, prefix="l")


def own_of(kind: str, values: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What was typed in the form of our files. Texts with a tag are HTML, else plain."""
    own: dict[str, Any] = {"type": kind}
    own |= {name: values[name].strip() for name in ("text", "explanation", "source")}
    match kind:
        case "single" | "multiple":
            own["choices"] = [_choice(row) for row in rows if row.get("text")]
            own["fixed"] = values["fixed"]
        case "truefalse":
            own["answer"] = values["answer"] == "1"
        case "numeric":
            own["answer"] = _whole(values["answer"])
            own["tolerance"] = _whole(values["tolerance"] or 0)
            own["unit"] = values["unit"]
        case "short":
            own["answers"] = [_answer(row) for row in rows if row.get("text")]
            own |= {name: values[name] for name in ("typos", "case", "accents")}
        case "matching":
            full = [row for row in rows if row.get("right")]
            own["pairs"] = [row for row in full if row.get("left")]
            own["extra"] = [row["right"] for row in full if not row.get("left")]
        case "ordering":
            own["steps"] = [row["text"] for row in rows if row.get("text")]
        case "cloze":
            own["gaps"] = [_gap(row) for row in rows if row.get("answers", "").strip()]
    own["html"] = bool(_TAG.search(" ".join(_texts(own))))
    return own


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _choice(row: dict[str, Any]) -> dict[str, Any]:
    one = {"text": row["text"], "right": row["right"], "feedback": row["feedback"]}
    if row.get("weight") is not None:
        one |= {"weight": row["weight"], "right": row["weight"] > 0}
    return one


def _answer(row: dict[str, Any]) -> Any:
    if row.get("weight") in (None, 100):
        return row["text"]
    return {"text": row["text"], "weight": row["weight"]}


def _gap(row: dict[str, Any]) -> dict[str, Any]:
    lines = [line.strip() for line in row["answers"].splitlines() if line.strip()]
    if any(line.startswith("*") for line in lines):
        choices = [{"text": line.lstrip("* "), "right": line.startswith("*")} for line in lines]
        return {"choices": choices}
    return {"answers": lines, "typos": row["typos"]}


def _texts(own: Any) -> list[str]:
    if isinstance(own, dict):
        return [text for value in own.values() for text in _texts(value)]
    if isinstance(own, list):
        return [text for value in own for text in _texts(value)]
    return [own] if isinstance(own, str) else []


def initial_of(item: Item, stored: Stored) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the form's values, its lines) for a question that exists."""
    own = to_own(stored)
    if not _TAG.search(_BREAK.sub(" ", " ".join(_texts(own)))):
        own = _plain(own)
    levels = {float(code): code for code, _ in LEVELS}
    level = levels.get(item.difficulty, "")
    values: dict[str, Any] = {
        name: own[name]
        for name in ("text", "explanation", "source", "fixed", "tolerance", "unit")
        if name in own
    }
    values |= {
        "domain": item.domain_id,
        "competency": item.competency_id,
        "level": level,
        "difficulty": None if level else item.difficulty,
        "audience": item.audience,
        "countries": item.countries,
        "accessible": item.accessible,
    }
    match stored.kind:
        case "truefalse":
            values["answer"] = "1" if own["answer"] else "0"
        case "numeric":
            values["answer"] = own["answer"]
        case "short":
            values |= {name: own[name] for name in ("typos", "case", "accents")}
    return values, _rows(stored.kind, own)


def _rows(kind: str, own: dict[str, Any]) -> list[dict[str, Any]]:
    match kind:
        case "single" | "multiple":
            return list(own["choices"])
        case "short":
            return [one if isinstance(one, dict) else {"text": one} for one in own["answers"]]
        case "matching":
            return [*own["pairs"], *({"left": "", "right": one} for one in own["extra"])]
        case "ordering":
            return [{"text": step} for step in own["steps"]]
        case "cloze":
            return [_gap_row(gap) for gap in own["gaps"]]
    return []


def _gap_row(gap: dict[str, Any]) -> dict[str, Any]:
    if "choices" in gap:
        lines = [f"{'*' if one['right'] else ''}{one['text']}" for one in gap["choices"]]
        return {"answers": "\n".join(lines), "typos": False}
    lines = [one["text"] if isinstance(one, dict) else one for one in gap["answers"]]
    return {"answers": "\n".join(lines), "typos": gap.get("typos", False)}


def _plain(own: Any) -> Any:
    """Texts of a question without a tag but line breaks, as somebody would type them."""
    if isinstance(own, dict):
        return {name: _plain(value) for name, value in own.items()}
    if isinstance(own, list):
        return [_plain(value) for value in own]
    return unescape(_BREAK.sub("\n", own)) if isinstance(own, str) else own
