"""Forms to prepare a campaign, to write to its people and to narrow its lists."""

from __future__ import annotations

from typing import Any

from django import forms

from kalan.assessment.models import Test
from kalan.base.notifications.templates import channel_label
from kalan.campaigns.models import Campaign, CampaignGroup, CampaignStep, Participant
from kalan.campaigns.selectors.campaigns import cadres_for, territories_for, tests_usable_by
from kalan.campaigns.services.campaigns import Step
from kalan.campaigns.services.groups import Rule, agents_named
from kalan.campaigns.services.messages import CHANNELS
from kalan.people.actor import Actor
from kalan.people.fields import DateField, NodeField
from kalan.people.models import Cadre, OrgNode, Sex
from kalan.training.models import Session, Theme
from kalan.training.selectors.sessions import sessions_visible_to

STEPS = 5
MOST_SESSIONS = 100


class BasicsForm(forms.Form):
    """What is asked, and of whom it is the business."""

    name = forms.CharField(
        label="Nom de la campagne",
        max_length=200,
        help_text="Les participants le lisent : « Mes compétences numériques en santé ».",
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        node = NodeField(
            label="Territoire ou structure qui la tient",
            nodes=territories_for(actor),
            help_text="Ses responsables la suivent et peuvent la modifier.",
        )
        node.propose()
        if len(node.labels()) == 1:  # who manages one structure need not write its name
            node.initial = next(iter(node.labels().values()))
        self.fields["node"] = node
        self._known, choices = _step_choices(actor)
        for number in range(1, STEPS + 1):
            self.fields[f"step{number}"] = forms.ChoiceField(
                label="Test à passer" if number == 1 else f"Étape {number}",
                choices=[("", "Choisissez" if number == 1 else "Aucune"), *choices],
                required=number == 1,
                help_text="Une seule étape : une campagne de test. Plusieurs : un parcours."
                if number == 1
                else "",
            )

    def steps(self) -> list[Step]:
        """The chosen steps in order, without the empty ones."""
        codes = [self.cleaned_data.get(f"step{number}") for number in range(1, STEPS + 1)]
        return [self._known[code] for code in codes if code]


def _step_choices(actor: Actor) -> tuple[dict[str, Step], list[Any]]:
    # What a campaign is for comes first; before-and-after tests belong to a session.
    tests = list(tests_usable_by(actor).order_by("title", "pk"))
    tests.sort(key=lambda test: test.purpose == Test.Purpose.FIXED)
    themes = list(Theme.objects.order_by("name", "pk"))
    open_states = [Session.State.PLANNED, Session.State.CONVOKED, Session.State.POSTPONED]
    sessions = list(
        sessions_visible_to(actor)
        .filter(state__in=open_states)
        .order_by("start", "pk")[:MOST_SESSIONS]
    )
    every: list[Step] = [*tests, *themes, *sessions]
    known = {step_code(one): one for one in every}
    groups = [
        ("Tests", [(step_code(one), one.title) for one in tests]),
        ("Une formation sur un thème", [(step_code(one), one.name) for one in themes]),
        (
            "Une session prévue",
            [(step_code(one), f"{one.title}, {one.start:%d/%m/%Y}") for one in sessions],
        ),
    ]
    return known, [(label, choices) for label, choices in groups if choices]


def step_code(step: Step) -> str:
    """How a step is named in the form: "test:12"."""
    kind = {Test: "test", Theme: "theme", Session: "session"}[type(step)]
    return f"{kind}:{step.pk}"


def basics_initial(campaign: Campaign, steps: list[CampaignStep]) -> dict[str, Any]:
    values: dict[str, Any] = {"name": campaign.name, "node": campaign.node}
    for number, row in enumerate(steps, start=1):
        step = row.test or row.session or row.theme
        if step is not None:
            values[f"step{number}"] = step_code(step)
    return values


class GroupForm(forms.Form):
    """Places and cadres, and people by matricule; both may be given."""

    more = forms.CharField(
        label="Autres lieux",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Un par ligne.",
    )
    cadres = forms.ModelMultipleChoiceField(
        label="Cadres",
        queryset=Cadre.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Aucun coché : tous les cadres.",
    )
    agents = forms.CharField(
        label="Ou une liste de matricules",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Un par ligne. Ces personnes s’ajoutent à celles du lieu.",
    )

    def __init__(self, *args: Any, actor: Actor, country: str, now: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor, self.now = actor, now
        node = NodeField(
            label="Lieu : région, district ou structure",
            nodes=territories_for(actor),
            required=False,
            help_text="Les agents en poste dans ce lieu aujourd’hui.",
        )
        node.propose()
        self.fields["node"] = node
        more = [node.prepare_value(place) for place in self.initial.get("more", [])]
        self.initial["more"] = "\n".join(more)
        self.fields["cadres"].queryset = cadres_for(country)  # type: ignore[attr-defined]
        self.order_fields(["node", "more", "cadres", "agents"])

    def clean_more(self) -> list[OrgNode]:
        field = self.fields["node"]
        assert isinstance(field, NodeField)
        lines = (line.strip() for line in self.cleaned_data["more"].splitlines())
        return [field.clean(line) for line in lines if line]

    def clean_agents(self) -> list[Any]:
        found, unknown = agents_named(self.actor, self.cleaned_data["agents"], now=self.now)
        if unknown:
            shown = ", ".join(unknown[:10]) + ("…" if len(unknown) > 10 else "")
            raise forms.ValidationError(
                f"Aucun agent en activité de votre territoire n’a ces matricules : {shown}. "
                "Corrigez-les ou retirez-les."
            )
        return found

    def rules(self) -> list[Rule]:
        """What the form says: nothing, one rule or two."""
        values = self.cleaned_data
        made = []
        places = dict.fromkeys([values["node"], *values["more"]])
        for node in places:
            if node is not None:
                made.append(Rule(node=node, cadres=list(values["cadres"])))
        if values["agents"]:
            made.append(Rule(agents=values["agents"]))
        return made

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        placed = values.get("node") is not None or values.get("more")
        if not self.errors and values.get("cadres") and not placed:
            self.add_error("node", "Choisissez le lieu où ces cadres travaillent.")
        return values


def group_initial(rules: list[CampaignGroup]) -> dict[str, Any]:
    """What the form says of rules that it made: one choice of cadres for all places."""
    values: dict[str, Any] = {}
    for row in rules:
        if row.node is not None:
            if "node" in values:
                values["more"] = [*values.get("more", []), row.node]
            values.setdefault("node", row.node)
            values["cadres"] = [cadre.pk for cadre in row.cadres.all()]
        else:
            values["agents"] = "\n".join(
                sorted(agent.matricule or "" for agent in row.agents.all())
            )
    return values


class RulesForm(forms.Form):
    """Dates, message, and who sees what."""

    opens_on = DateField(label="Premier jour")
    closes_on = DateField(label="Dernier jour")
    message = forms.CharField(
        label="Message aux participants",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Pourquoi cette campagne, à quoi serviront les résultats.",
    )
    sharing = forms.ChoiceField(
        label="Qui voit le résultat d’une personne ?",
        choices=[
            (Campaign.Sharing.PARTICIPANT, "Elle seule, tant qu’elle ne le partage pas"),
            (Campaign.Sharing.MANAGER, "Ses responsables aussi : c’est dit avant de commencer"),
        ],
        widget=forms.RadioSelect,
        initial=Campaign.Sharing.PARTICIPANT,
    )
    anyone = forms.BooleanField(
        label="Toute personne qui a le code peut participer",
        required=False,
        initial=True,
        help_text="Décoché : seulement les personnes de la liste.",
    )
    history = forms.BooleanField(
        label="Un résultat récent peut être repris",
        required=False,
        help_text="Qui a passé ce test depuis moins de six mois choisit de reprendre son résultat "
        "ou de le repasser. Décoché : tout le monde passe le test.",
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = values.get("opens_on"), values.get("closes_on")
        if start and end and end < start:
            self.add_error("closes_on", "La fin est avant le début. Échangez les deux dates.")
        return values


class ChannelsForm(forms.Form):
    channels = forms.MultipleChoiceField(
        label="Écrire par",
        choices=[(code, channel_label(code)) for code in CHANNELS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        initial=list(CHANNELS),
        help_text="Par e-mail si la personne a une adresse, sinon par SMS.",
    )


class CampaignFilters(forms.Form):
    q = forms.CharField(label="Nom ou code", required=False, max_length=100)
    state = forms.ChoiceField(
        label="État", required=False, choices=[("", "Tous"), *Campaign.State.choices]
    )
    kind = forms.ChoiceField(
        label="Genre", required=False, choices=[("", "Tous"), *Campaign.Kind.choices]
    )


class GroupFilters(forms.Form):
    """Narrows by what the participants' snapshot says."""

    structure = forms.ChoiceField(label="Structure", required=False)
    cadre = forms.ChoiceField(label="Cadre", required=False)

    def __init__(
        self,
        *args: Any,
        structures: list[tuple[str, str]],
        cadres: list[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["structure"].choices = [("", "Toutes"), *structures]  # type: ignore[attr-defined]
        self.fields["cadre"].choices = [("", "Tous"), *cadres]  # type: ignore[attr-defined]


class PeopleFilters(GroupFilters):
    q = forms.CharField(label="Nom", required=False, max_length=100)
    state = forms.ChoiceField(
        label="État",
        required=False,
        choices=[
            ("", "Tous"),
            ("waiting", "n’a pas terminé"),
            *Participant.State.choices,
            ("shared", "résultat partagé"),
        ],
    )
    domaine = forms.CharField(required=False, widget=forms.HiddenInput)
    niveau = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ("q", "state", "structure", "cadre")


class ResultFilters(GroupFilters):
    sex = forms.ChoiceField(
        label="Sexe",
        required=False,
        choices=[("", "Tous"), (Sex.FEMALE.value, "femmes"), (Sex.MALE.value, "hommes")],
    )
    test = forms.ChoiceField(label="Test", required=False)
    field_order = ("test", "structure", "cadre", "sex")

    def __init__(self, *args: Any, tests: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(tests) > 1:
            self.fields["test"].choices = tests  # type: ignore[attr-defined]
        else:
            del self.fields["test"]
