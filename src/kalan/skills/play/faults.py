"""What an author got wrong, in French, each with its place and remedy."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kalan.engine.formats.checks import number
from kalan.engine.formats.question import BrokenQuestionError
from kalan.skills.play import markup
from kalan.skills.play.grade import grade, ideal
from kalan.skills.play.match import normal
from kalan.skills.play.shape import Accepted, Choice, Content, Key, Parts, Problem, Stored


def problems(stored: Stored) -> list[Problem]:
    """Everything to mend before the question may be used; empty when it is fine."""
    content, key = stored.content, stored.key
    found = [*_common(content, key), *_BY_KIND[stored.kind](content, key)]
    # The last net: a question whose own right answer is not right.
    if not found and not grade(stored, ideal(stored)).right:
        found.append(
            Problem("answers", "La bonne réponse n’obtient pas tous les points\u00a0: revoyez-la.")
        )
    return found


def _common(content: Content, key: Key) -> Iterator[Problem]:
    if not markup.plain(content["text"]) and not content.get("images"):
        yield Problem("text", "La question n’a pas de texte\u00a0: écrivez ce que vous demandez.")
    for pictures in (content.get("images", []), key.get("images", [])):
        for rank, picture in enumerate(pictures, start=1):
            if not picture["alt"]:
                yield Problem(
                    "images",
                    f"L’image {rank} n’a pas de texte de remplacement\u00a0: décrivez en une "
                    "phrase ce qu’elle montre, pour qui ne la voit pas.",
                )
    for what in key.get("lost", []):
        yield Problem(
            "images",
            f"La question cite {what} qui ne peut pas être montrée\u00a0: joignez une image.",
        )


def _alike(texts: list[str]) -> str:
    """The first text that comes twice, but for case and spaces."""
    seen: set[str] = set()
    for text in texts:
        bare = normal(markup.plain(text), case=False, accents=True) or text
        if bare in seen:
            return markup.plain(text)[:60]
        seen.add(bare)
    return ""


def _listed(items: list[Choice], field: str, what: str) -> Iterator[Problem]:
    """Empty texts, and two alike."""
    for rank, one in enumerate(items, start=1):
        if not one["text"].strip():
            yield Problem(field, f"{what} {rank} est vide\u00a0: écrivez son texte ou retirez-la.")
    if twice := _alike([one["text"] for one in items if one["text"].strip()]):
        yield Problem(
            field, f"«\u00a0{twice}\u00a0» est écrit deux fois\u00a0: changez l’un des deux textes."
        )


def _ordered(content: Content, key: Parts) -> list[Choice]:
    """Choices in the author's order, so that ranks in messages are those of the form."""
    by_name = {one["id"]: one for one in content["choices"]}
    return [by_name[name] for name in key["order"]]


def _choices(content: Content, key: Key) -> Iterator[Problem]:
    yield from _listed(_ordered(content, key), "choices", "La réponse")
    if len(content["choices"]) < 2:
        yield Problem("choices", "Il faut au moins deux réponses proposées\u00a0: ajoutez-en.")
    weights = list(key["weights"].values())
    whole = [weight for weight in weights if weight >= 100]
    right = [weight for weight in weights if weight > 0]
    if content["kind"] == "single":
        if not whole:
            yield Problem("choices", "Aucune bonne réponse\u00a0: cochez celle qui est juste.")
        elif len(whole) > 1:
            yield Problem(
                "choices",
                f"{len(whole)} bonnes réponses dans une question à réponse unique\u00a0: "
                "n’en gardez qu’une, ou choisissez «\u00a0plusieurs réponses\u00a0».",
            )
        return
    if not right:
        yield Problem("choices", "Aucune bonne réponse\u00a0: cochez celles qui sont justes.")
    elif abs(sum(right) - 100) > 0.5:
        yield Problem(
            "choices",
            f"Les bonnes réponses valent ensemble {sum(right):g}\u00a0%\u00a0: leur somme doit "
            "faire 100\u00a0%.",
        )
    elif len(right) == len(weights):
        yield Problem(
            "choices", "Toutes les réponses sont bonnes\u00a0: ajoutez-en au moins une fausse."
        )


def _truth(content: Content, key: Key) -> Iterator[Problem]:
    return iter(())


def _accepted(answers: list[Accepted], field: str, *, numbers: bool) -> Iterator[Problem]:
    if not answers or any(not one["text"].strip() for one in answers):
        yield Problem(field, "Une réponse acceptée est vide\u00a0: écrivez-la ou retirez la ligne.")
        return
    if max(one["weight"] for one in answers) < 100:
        yield Problem(
            field, "Aucune réponse ne donne tous les points\u00a0: mettez-en une à 100\u00a0%."
        )
    elif all(one["text"].strip("* ") == "" for one in answers if one["weight"] > 0):
        yield Problem(
            field,
            "Toute réponse serait juste («\u00a0*\u00a0»)\u00a0: écrivez la réponse attendue.",
        )
    if numbers:
        yield from _numbers(answers, field)


def _numbers(answers: list[Accepted], field: str) -> Iterator[Problem]:
    for one in answers:
        if one["text"] != "*":
            try:
                number(one["text"])
            except BrokenQuestionError:
                yield Problem(
                    field,
                    f"«\u00a0{one['text'][:40]}\u00a0» n’est pas un nombre\u00a0: écrivez-le en "
                    "chiffres, sans unité.",
                )
        margin = one.get("tolerance", 0.0)
        if not math.isfinite(margin) or margin < 0:
            yield Problem(field, "La tolérance est un nombre positif ou nul\u00a0: corrigez-la.")


def _numeric(content: Content, key: Key) -> Iterator[Problem]:
    yield from _accepted(key["answers"], "answers", numbers=True)
    if any(not one["multiplier"] for one in key.get("units", [])):
        yield Problem(
            "unit", "Le coefficient d’une unité est nul\u00a0: mettez 1 ou retirez l’unité."
        )


def _short(content: Content, key: Key) -> Iterator[Problem]:
    yield from _accepted(key["answers"], "answers", numbers=False)
    yield from _no_double(key, "answers")


def _no_double(key: Parts, field: str) -> Iterator[Problem]:
    case, accents = key.get("case", False), key.get("accents", False)
    bare = [normal(one["text"], case, accents) for one in key["answers"]]
    weights: dict[str, float] = {}
    for words, one in zip(bare, key["answers"], strict=True):
        if weights.setdefault(words, one["weight"]) != one["weight"]:
            yield Problem(
                field,
                f"«\u00a0{one['text'][:40]}\u00a0» est donné deux fois avec des points "
                "différents\u00a0: n’en gardez qu’un.",
            )


def _pairs(content: Content, key: Key) -> Iterator[Problem]:
    yield from _listed(content["lefts"], "pairs", "La proposition")
    if len(content["lefts"]) < 2 or len(content["rights"]) < 2:
        yield Problem(
            "pairs", "Il faut au moins deux paires et deux réponses différentes\u00a0: ajoutez-en."
        )
    if any(not one["text"].strip() for one in content["rights"]):
        yield Problem("pairs", "Une réponse à associer est vide\u00a0: écrivez-la.")
    elif twice := _alike([one["text"] for one in content["rights"]]):
        yield Problem(
            "pairs",
            f"«\u00a0{twice}\u00a0» est écrit de deux façons à droite\u00a0: "
            "écrivez-le pareil partout.",
        )


def _steps(content: Content, key: Key) -> Iterator[Problem]:
    yield from _listed(content["steps"], "steps", "L’étape")
    if len(content["steps"]) < 2:
        yield Problem(
            "steps", "Il faut au moins deux étapes à remettre dans l’ordre\u00a0: ajoutez-en."
        )


def _gaps(content: Content, key: Key) -> Iterator[Problem]:
    marks = [int(one) for one in markup.GAP.findall(content["text"])]
    count = len(content["gaps"])
    if not count:
        yield Problem(
            "gaps", "Le texte n’a pas de trou\u00a0: écrivez {{1}} là où il faut répondre."
        )
    elif sorted(marks) != list(range(1, count + 1)):
        yield Problem(
            "text",
            f"Le texte doit montrer chacun des {count} trous une fois\u00a0: {{{{1}}}}, {{{{2}}}}…",
        )
    for rank, (shown, gap) in enumerate(zip(content["gaps"], key["gaps"], strict=True), start=1):
        field = f"gap {rank}"
        for one in _gap(shown.get("choices"), gap, numbers=shown["kind"] == "number"):
            yield Problem(field, f"Trou {rank}\u00a0: {one.message[0].lower()}{one.message[1:]}")


def _gap(choices: list[Choice] | None, gap: Parts, *, numbers: bool) -> Iterator[Problem]:
    if choices is None:
        yield from _accepted(gap["answers"], "", numbers=numbers)
        return
    yield from _listed(choices, "", "La réponse")
    if len(choices) < 2:
        yield Problem("", "Il faut au moins deux réponses proposées\u00a0: ajoutez-en.")
    whole = [weight for weight in gap["weights"].values() if weight >= 100]
    if max(gap["weights"].values(), default=0) <= 0:
        yield Problem("", "Aucune bonne réponse\u00a0: cochez celle qui est juste.")
    elif len(whole) > 1:
        yield Problem("", f"{len(whole)} bonnes réponses\u00a0: n’en gardez qu’une.")


_BY_KIND = {
    "single": _choices,
    "multiple": _choices,
    "truefalse": _truth,
    "numeric": _numeric,
    "short": _short,
    "matching": _pairs,
    "ordering": _steps,
    "cloze": _gaps,
}
