"""Forms of tests: the list's filters, a draft, its blueprint in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.text import slugify

from kalan.assessment.models import Test
from kalan.assessment.policy import CAPABILITIES
from kalan.people.actor import Actor
from kalan.people.models import OrgNode
from kalan.skills.models import ItemBank
from kalan.skills.selectors.items import banks_visible_to

PURPOSES = {
    Test.Purpose.SHORT: "une vingtaine de questions qui s’adaptent à la personne ; un niveau "
    "d’ensemble et une première idée de chaque domaine.",
    Test.Purpose.FULL: "un domaine à la fois, avec une pause entre deux ; le niveau de chaque "
    "domaine est sûr.",
    Test.Purpose.CERTIFICATION: "en salle, surveillé, sans correction affichée ; des questions "
    "calibrées seulement, puis un jury.",
    Test.Purpose.FIXED: "deux formes équivalentes, l’une avant une session, l’autre après ; à "
    "l’écran ou sur papier.",
    Test.Purpose.PRACTICE: "quelques questions avec leur explication, sans niveau annoncé.",
}
# How often one question may be shown, as a share of the persons.
CAPS = [
    ("", "Sans plafond"),
    ("0.5", "à 1 personne sur 2 au plus"),
    ("0.4", "à 2 personnes sur 5 au plus"),
    ("0.3", "à 3 personnes sur 10 au plus"),
    ("0.25", "à 1 personne sur 4 au plus"),
    ("0.2", "à 1 personne sur 5 au plus"),
    ("0.15", "à 3 personnes sur 20 au plus"),
    ("0.1", "à 1 personne sur 10 au plus"),
]
PRECISIONS = [
    ("", "Sans exigence : toutes les questions prévues sont posées"),
    ("0.5", "Indicative (écart-type 0,50)"),
    ("0.4", "Sûre (écart-type 0,40)"),
    ("0.3", "Très sûre, test plus long (écart-type 0,30)"),
]
MOST = 60  # questions of a domain


def _choices(known: list[tuple[str, str]], value: float | None) -> list[tuple[str, str]]:
    """The choices, with the value that stands when it is none of them."""
    if value is None or f"{value:g}" in dict(known):
        return known
    said = f"{value:g}".replace(".", ",")
    return [*known, (f"{value:g}", f"autre ({said})")]


class TestFilters(forms.Form):
    """What the list of tests is narrowed by."""

    __test__ = False

    q = forms.CharField(label="Titre ou code", required=False, max_length=100)
    purpose = forms.ChoiceField(
        label="Usage", required=False, choices=[("", "Tous"), *Test.Purpose.choices]
    )
    state = forms.ChoiceField(
        label="État", required=False, choices=[("", "Tous"), *Test.State.choices]
    )
    bank = forms.ModelChoiceField(
        ItemBank.objects.none(),
        label="Banque",
        required=False,
        to_field_name="uid",
        empty_label="Toutes",
    )

    def __init__(self, *args: Any, banks: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["bank"].queryset = banks  # type: ignore[attr-defined]
        self.fields["bank"].label_from_instance = lambda bank: bank.name  # type: ignore[attr-defined]


class NewTestForm(forms.Form):
    """A new draft: what it is for, on which bank, held by whom."""

    title = forms.CharField(label="Titre", max_length=200, help_text="Ce que liront les personnes.")
    purpose = forms.ChoiceField(label="À quoi il sert", widget=forms.RadioSelect)
    bank = forms.ModelChoiceField(ItemBank.objects.none(), label="Banque de questions")
    node = forms.ModelChoiceField(
        OrgNode.objects.none(),
        label="Territoire",
        help_text="Ses responsables, et ceux des territoires au-dessous, pourront l’employer.",
    )

    def __init__(self, *args: Any, actor: Actor, **more: Any) -> None:
        super().__init__(*args, **more)
        fields: dict[str, Any] = self.fields
        fields["purpose"].choices = [
            (purpose.value, f"{purpose.label.capitalize()} : {said}")
            for purpose, said in PURPOSES.items()
        ]
        banks = banks_visible_to(actor).select_related("framework").order_by("name", "pk")
        fields["bank"].queryset = banks
        fields["bank"].label_from_instance = lambda bank: bank.name
        nodes = OrgNode.objects.filter(actor.scope(CAPABILITIES["tests.edit"]))
        fields["node"].queryset = nodes.filter(
            kind__in=["country", "region", "district"], merged_into__isnull=True
        ).order_by("path")

    def code(self) -> str:
        """A code from the title, not used yet."""
        base = slugify(self.cleaned_data["title"])[:50] or "test"
        taken = set(Test.objects.filter(code__startswith=base).values_list("code", flat=True))
        code, number = base, 2
        while code in taken:
            code, number = f"{base}-{number}", number + 1
        return code


class RulesForm(forms.Form):
    """What may change even after publication."""

    title = forms.CharField(label="Titre", max_length=200)
    introduction = forms.CharField(
        label="Présentation",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Lue avant de commencer : à quoi sert le test, combien de temps il prend.",
    )
    open = forms.BooleanField(
        label="Ouvert à toute personne connectée, sans campagne ni examen", required=False
    )
    retake_days = forms.IntegerField(
        label="Jours entre deux passages", min_value=0, max_value=3650, help_text="0 : sans délai."
    )
    attempts = forms.IntegerField(
        label="Nombre de passages",
        min_value=0,
        max_value=100,
        help_text="0 : autant qu’on veut.",
    )
    watch_focus = forms.BooleanField(
        label="Noter quand la personne quitte la page", required=False,
        help_text="Montré au surveillant et à la personne, jamais puni tout seul ; éteint pour "
        "les technologies d’assistance.",
    )  # fmt: skip

    def __init__(self, *args: Any, test: Test, **more: Any) -> None:
        names = ("title", "introduction", "open", "retake_days", "attempts", "watch_focus")
        more["initial"] = {name: getattr(test, name) for name in names} | more.get("initial", {})
        super().__init__(*args, **more)

    def values(self) -> dict[str, Any]:
        """Fields for services.tests.edit."""
        return dict(self.cleaned_data)


class BlueprintForm(RulesForm):
    """A draft with its blueprint; ``domains``: {code: name} of the bank's framework."""

    minutes = forms.IntegerField(
        label="Durée en minutes", required=False, min_value=1, max_value=600,
        help_text="Vide : sans limite de temps.",
    )  # fmt: skip
    length_min = forms.IntegerField(
        label="Questions en tout, au moins", required=False, min_value=1, max_value=300
    )
    length_max = forms.IntegerField(
        label="Questions en tout, au plus", required=False, min_value=1, max_value=300,
        help_text="Vide : la somme des domaines.",
    )  # fmt: skip
    cap = forms.ChoiceField(
        label="Une question n’est montrée qu’…",
        required=False,
        help_text="Plus le plafond est bas, moins les questions circulent, et plus il en faut.",
    )
    precision = forms.ChoiceField(
        label="Précision demandée",
        required=False,
        help_text="Le test s’arrête plus tôt pour qui l’atteint.",
    )
    feedback = forms.BooleanField(
        label="Montrer la bonne réponse et l’explication après chaque question", required=False
    )
    forms_wanted = forms.IntegerField(
        label="Nombre de formes équivalentes", min_value=1, max_value=6, required=False
    )

    def __init__(self, *args: Any, test: Test, domains: Mapping[str, str], **more: Any) -> None:
        self.test, self.domains = test, domains
        plan: dict[str, Any] = test.plan
        length = plan.get("length")
        spread = length if isinstance(length, Mapping) else {"min": length, "max": length}
        cap, precision = plan.get("r_max"), plan.get("sd_target")
        initial: dict[str, Any] = {
            "minutes": test.minutes,
            "length_min": spread.get("min"),
            "length_max": spread.get("max"),
            "cap": "" if cap is None else f"{cap:g}",
            "precision": "" if precision is None else f"{precision:g}",
            "feedback": plan.get("feedback", False),
            "forms_wanted": plan.get("forms", 2),
        }
        for rank, code in enumerate(domains):
            quota = plan.get("domains", {}).get(code)
            initial[f"in{rank}"] = quota is not None
            initial[f"min{rank}"] = (quota or {}).get("min")
            initial[f"max{rank}"] = (quota or {}).get("max")
        super().__init__(*args, test=test, initial=initial, **more)
        fields: dict[str, Any] = self.fields
        fields["cap"].choices = _choices(CAPS, cap)
        fields["precision"].choices = _choices(PRECISIONS, precision)
        for rank, name in enumerate(domains.values()):
            fields[f"in{rank}"] = forms.BooleanField(label=name, required=False)
            for end, said in (("min", "au moins"), ("max", "au plus")):
                fields[f"{end}{rank}"] = forms.IntegerField(
                    label=f"{name}, questions {said}", required=False, min_value=0, max_value=MOST
                )
        if test.purpose != Test.Purpose.FIXED:
            del fields["forms_wanted"]
        else:
            del fields["cap"], fields["precision"]

    def quotas(self) -> list[tuple[Any, Any, Any]]:
        """The bound fields of each domain: chosen, at least, at most."""
        return [
            (self[f"in{n}"], self[f"min{n}"], self[f"max{n}"]) for n in range(len(self.domains))
        ]

    def rest(self) -> list[Any]:
        """The other bound fields, in order."""
        own = {f"{part}{n}" for n in range(len(self.domains)) for part in ("in", "min", "max")}
        return [self[name] for name in self.fields if name not in own]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        chosen = least = 0
        for rank, name in enumerate(self.domains.values()):
            if not values.get(f"in{rank}"):
                continue
            chosen += 1
            least += values.get(f"min{rank}") or 0
            low, high = values.get(f"min{rank}"), values.get(f"max{rank}")
            if low is not None and high is not None and high < low:
                self.add_error(
                    f"max{rank}", f"{name} : « au plus » ne peut être sous « au moins »."
                )
            if high == 0:
                self.add_error(f"max{rank}", f"{name} : décochez ce domaine, ou mettez 1 ou plus.")
        most = values.get("length_max")
        if most is not None and most < max(least, values.get("length_min") or 0):
            self.add_error(
                "length_max",
                f"C’est moins que ce qui est demandé au moins ({least} par les domaines).",
            )
        if not chosen and not self.errors:
            self.add_error(None, "Cochez au moins un domaine.")
        return values

    def plan(self) -> dict[str, Any]:
        """The plan as JSON: what the form does not show stays as it was."""
        values = self.cleaned_data
        body: dict[str, Any] = {k: v for k, v in self.test.plan.items() if k != "length"}
        body["domains"] = {}
        for rank, (code, name) in enumerate(self.domains.items()):
            if values[f"in{rank}"]:
                ends = {"min": values[f"min{rank}"], "max": values[f"max{rank}"]}
                given = {end: value for end, value in ends.items() if value is not None}
                body["domains"][code] = {"name": name} | given
        ends = {"min": values["length_min"], "max": values["length_max"]}
        if given := {end: value for end, value in ends.items() if value is not None}:
            body["length"] = given
        if "cap" in self.fields:
            body["r_max"] = float(values["cap"]) if values["cap"] else None
            body["sd_target"] = float(values["precision"]) if values["precision"] else None
        else:
            body["forms"] = values["forms_wanted"] or 2
        body["feedback"] = values["feedback"]
        return body

    def values(self) -> dict[str, Any]:
        names = ("title", "introduction", "open", "retake_days", "attempts", "watch_focus")
        found = {name: self.cleaned_data[name] for name in (*names, "minutes")}
        return found | {"plan": self.plan()}
