"""What a test must be: length, quotas, exposure, stop rules; read from JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from kalan.engine.psychometrics.errors import DataError, unreadable
from kalan.engine.psychometrics.scoring import METHODS, Method

Blank = Literal["wrong", "missing"]
SelectAt = Literal["theta", "cut"]
HEADS = ["length", "quotas", "r_max", "estimator", "stop", "prior", "seed"]
CHOICES = ["spread", "spread_until", "blank", "select_at"]


@dataclass(frozen=True)
class Quota:
    """Least and most items of an area."""

    minimum: int
    maximum: int


@dataclass(frozen=True)
class Decision:
    """Stop when the posterior P(θ ≥ cut) leaves [alpha, 1 − alpha]."""

    cut: float
    alpha: float = 0.025


@dataclass(frozen=True)
class Sprt:
    """Wald's test of cut + delta against cut − delta with errors alpha and beta."""

    cut: float
    delta: float = 0.25
    alpha: float = 0.05
    beta: float = 0.05


@dataclass(frozen=True)
class StopRules:
    """None: the rule is not used. ``flat``: the SE fell by less than this over ``window`` answers;
    ``information``: floor for the best item left."""

    se: float | None = None
    flat: float | None = None
    window: int = 5
    information: float | None = None
    decision: Decision | None = None
    sprt: Sprt | None = None


@dataclass(frozen=True)
class Blueprint:
    """A test's plan. ``spread`` items stand for the first draw, one more than 1 until
    ``spread_until`` answers are in: the next item is drawn among so many best."""

    minimum: int
    maximum: int
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    cap: float | None = None  # r_max, largest share of persons who may get an item
    estimator: Method = "EAP"
    stop: StopRules = StopRules()
    spread: int = 20
    spread_until: int = 1
    blank: Blank = "wrong"
    select_at: SelectAt = "theta"  # "cut": items that inform most at the decision's cut
    mean: float = 0.0
    sd: float = 1.0
    seed: int = 1

    def spread_at(self, step: int) -> int:
        """Among how many of the best items the item after ``step`` answers is drawn."""
        if step >= self.spread_until:
            return 1
        return max(1, round(self.spread * (1 - step / self.spread_until)))


def read_blueprint(path: Path) -> Blueprint:
    """A blueprint from a JSON file; what is wrong is named by its key."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_object)
    except OSError as error:
        raise DataError(f"Plan « {path} » : {unreadable(error)}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"Plan « {path} » : ce n’est pas de l’UTF-8. Enregistrez-le en UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"Plan « {path} », ligne {error.lineno}, colonne {error.colno} : ce n’est pas du JSON. "
            'Écrivez par exemple {"length": 30}.'
        ) from error
    return blueprint_from(data)


def blueprint_object(text: str) -> object:
    """Decoded JSON text of a plan; a key written twice and text that is no JSON are refused."""
    try:
        found: object = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise DataError(
            f"Plan, ligne {error.lineno}, colonne {error.colno} : ce n’est pas du JSON. "
            'Écrivez par exemple {"length": 30}.'
        ) from error
    return found


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A key written twice would silently keep its last value."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise DataError(f"Plan, « {key} » : présent deux fois. Gardez-en un.")
        found[key] = value
    return found


def blueprint_from(data: object) -> Blueprint:
    """A blueprint from decoded JSON.

    ``{"length": 30 | {"min", "max"}, "quotas": {AREA: 6 | {"min", "max"}}, "r_max": 0.2,
    "estimator": "EAP", "stop": {"se", "flat", "window", "information",
    "decision": {"cut", "alpha"}, "sprt": {"cut", "delta", "alpha", "beta"}},
    "spread", "spread_until", "blank": "wrong" | "missing", "select_at": "theta" | "cut",
    "prior": {"mean", "sd"}, "seed"}``; only ``length`` is required.
    """
    node = Node("plan", data)
    node.only(HEADS + CHOICES)
    if "length" not in node.data:
        raise DataError('Plan, « length » : absent. Écrivez par exemple "length": 30.')
    length = _span(node, "length")
    quotas = node.child("quotas")
    prior = node.child("prior")
    prior.only(["mean", "sd"])
    found = Blueprint(
        minimum=length.minimum,
        maximum=length.maximum,
        quotas={area: _span(quotas, area, least=0) for area in quotas.data},
        cap=node.real("r_max", None, 0.0, 1.0),
        estimator=cast(Method, node.choice("estimator", "EAP", METHODS)),
        stop=_stop_rules(node.child("stop")),
        spread=node.whole("spread", 20, 1),
        spread_until=node.whole("spread_until", 1, 0),
        blank=cast(Blank, node.choice("blank", "wrong", ("wrong", "missing"))),
        select_at=_select_at(node),
        mean=node_default(prior.real("mean", 0.0, -4.0, 4.0), 0.0),
        sd=node_default(prior.real("sd", 1.0, 0.05, 10.0), 1.0),
        seed=node.whole("seed", 1, 0),
    )
    return found


def node_default(value: float | None, default: float) -> float:
    return default if value is None else value


def _select_at(node: Node) -> SelectAt:
    chosen = node.choice("select_at", "theta", ("theta", "cut"))
    if chosen == "cut" and "decision" not in node.child("stop").data:
        raise DataError("Plan, « select_at » : « cut » demande « stop.decision ».")
    return cast(SelectAt, chosen)


def _stop_rules(node: Node) -> StopRules:
    node.only(["se", "flat", "window", "information", "decision", "sprt"])
    decision = sprt = None
    if "decision" in node.data:
        of = node.child("decision")
        of.only(["cut", "alpha"])
        decision = Decision(of.needed("cut"), node_default(of.real("alpha", None, 0, 0.5), 0.025))
    if "sprt" in node.data:
        of = node.child("sprt")
        of.only(["cut", "delta", "alpha", "beta"])
        sprt = Sprt(
            of.needed("cut"),
            node_default(of.real("delta", None, 0, 5), 0.25),
            node_default(of.real("alpha", None, 0, 0.5), 0.05),
            node_default(of.real("beta", None, 0, 0.5), 0.05),
        )
    return StopRules(
        se=node.real("se", None, 0.0, 10.0),
        flat=node.real("flat", None, 0.0, 10.0),
        window=node.whole("window", 5, 1),
        information=node.real("information", None, 0.0, 1e6),
        decision=decision,
        sprt=sprt,
    )


def _span(node: Node, key: str, least: int = 1) -> Quota:
    """A number, or {"min", "max"}."""
    value = node.data[key]
    if isinstance(value, Mapping):
        of = node.child(key)
        of.only(["min", "max"])
        found = Quota(of.whole("min", least, least), of.whole("max", -1, least))
        if found.maximum < found.minimum:
            raise DataError(f"Plan, « {of.path} » : « max » est requis et vaut au moins « min ».")
        return found
    number = node.whole(key, least, least)
    return Quota(number, number)


class Node:
    """A JSON object with the path that leads to it, for the messages."""

    def __init__(self, path: str, data: object) -> None:
        self.path = path
        if not isinstance(data, Mapping):
            raise DataError(f"Plan, « {path} » : un objet {{…}} est attendu.")
        self.data: Mapping[str, Any] = data

    def name(self, key: str) -> str:
        return key if self.path == "plan" else f"{self.path}.{key}"

    def only(self, known: list[str]) -> None:
        for key in self.data:
            if key not in known:
                raise DataError(
                    f"Plan, « {self.name(key)} » : clé inconnue. Clés possibles : "
                    f"{', '.join(known)}."
                )

    def child(self, key: str) -> Node:
        return Node(self.name(key), self.data.get(key, {}))

    def needed(self, key: str) -> float:
        value = self.real(key, None, -10.0, 10.0, open_ends=False)
        if value is None:
            raise DataError(f"Plan, « {self.name(key)} » : absent. Donnez un nombre.")
        return value

    def real(
        self,
        key: str,
        default: float | None,
        low: float,
        high: float,
        *,
        open_ends: bool = True,
    ) -> float | None:
        value = self.data.get(key, default)
        if value is None:
            return None
        good = isinstance(value, int | float) and not isinstance(value, bool)
        inside = good and low <= value <= high and not (open_ends and low == 0 and value == 0)
        if not inside:
            raise DataError(
                f"Plan, « {self.name(key)} » : {value!r} ; un nombre entre {low:g} et {high:g} "
                "est attendu."
            )
        return float(value)

    def whole(self, key: str, default: int, low: int) -> int:
        value = self.data.get(key, default)
        if key in self.data and (not isinstance(value, int) or isinstance(value, bool)):
            raise DataError(f"Plan, « {self.name(key)} » : {value!r} ; un entier est attendu.")
        if key in self.data and value < low:
            raise DataError(f"Plan, « {self.name(key)} » : {value} ; au moins {low}.")
        return int(value)

    def choice(self, key: str, default: str, known: tuple[str, ...]) -> str:
        value = self.data.get(key, default)
        if value not in known:
            raise DataError(
                f"Plan, « {self.name(key)} » : {value!r} ; l’un de {', '.join(known)} est attendu."
            )
        return str(value)
