"""Answers that nobody gave: what a simulated person would have posted to reach a category.

For the demonstration and for tests: the right answer comes from the key, the others from random
choices that ``grade`` sorted. Simulated sittings carry a flag and never enter a real calibration.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from kalan.skills.play.given import Given
from kalan.skills.play.grade import grade, ideal, top
from kalan.skills.play.shape import FALSE, TRUE, Choice, Content, Gap, Stored

TRIES = 300  # random answers looked at before a category is left empty
IDLE = 12  # tries in a row that bring nothing new, once every category has an answer
KEPT = 4  # different answers kept for a category


def answers(stored: Stored, draw: random.Random) -> list[list[Given]]:
    """For each category 0 … top, answers that reach it; the last holds the ideal one.

    A category that no random answer reached holds the answers of the one below: the blank one is
    always there.
    """
    found: list[list[Given]] = [[] for _ in range(top(stored) + 1)]
    found[-1].append(ideal(stored))
    idle = 0
    for _ in range(TRIES):
        given = _mixed(ideal(stored), _guess(stored.content, draw), draw)
        kept = found[grade(stored, given).category]
        new = len(kept) < KEPT and given not in kept
        if new:
            kept.append(given)
        idle = 0 if new else idle + 1
        if idle >= IDLE and all(found):
            break
    found[0] = found[0] or [Given()]
    for number in range(1, len(found)):
        found[number] = found[number] or found[number - 1]
    return found


def _mixed(right: Given, guess: Given, draw: random.Random) -> Given:
    """The guess, or some of its parts put into the right answer: chance seldom gets near it."""
    if draw.random() < 0.5:
        return guess
    if "pairs" in right:
        other = guess["pairs"]
        return Given(pairs={k: draw.choice([v, v, other[k]]) for k, v in right["pairs"].items()})
    if "gaps" in right:
        said = guess["gaps"]
        return Given(gaps={k: draw.choice([v, said[k]]) for k, v in right["gaps"].items()})
    if "ranks" in right:
        # Cut in two and put together the other way round: all but one step follow the right one.
        number = len(right["ranks"])
        cut = draw.randrange(1, number)
        ranks = {step: (rank + cut - 1) % number + 1 for step, rank in right["ranks"].items()}
        return Given(ranks=ranks)
    return guess


def _guess(content: Content, draw: random.Random) -> Given:
    """Something that a person might tick or write without knowing."""
    match content["kind"]:
        case "single":
            return Given(choice=_one(content["choices"], draw))
        case "truefalse":
            return Given(choice=draw.choice([TRUE, FALSE]))
        case "multiple":
            return Given(choices=_some(content["choices"], draw))
        case "numeric":
            return Given(text=str(draw.randrange(1, 200)))
        case "short":
            return Given(text="je ne sais pas")
        case "matching":
            rights = content["rights"]
            return Given(pairs={one["id"]: _one(rights, draw) for one in content["lefts"]})
        case "ordering":
            ranks = list(range(1, len(content["steps"]) + 1))
            draw.shuffle(ranks)
            return Given(
                ranks={step["id"]: rank for step, rank in zip(content["steps"], ranks, strict=True)}
            )
        case "cloze":
            gaps = {
                str(number): _gap(gap, draw) for number, gap in enumerate(content["gaps"], start=1)
            }
            return Given(gaps=gaps)


def _one(choices: Sequence[Choice], draw: random.Random) -> str:
    return draw.choice(choices)["id"]


def _some(choices: Sequence[Choice], draw: random.Random) -> list[str]:
    return sorted(one["id"] for one in choices if draw.random() < 0.5) or [_one(choices, draw)]


def _gap(gap: Gap, draw: random.Random) -> str | list[str]:
    match gap["kind"]:
        case "choice":
            return _one(gap["choices"], draw)
        case "several":
            return _some(gap["choices"], draw)
        case "text":
            return "je ne sais pas"
        case "number":
            return str(draw.randrange(1, 200))
