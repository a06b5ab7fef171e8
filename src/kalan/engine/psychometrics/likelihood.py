"""Log-likelihoods of persons over a grid, and the expected counts that come back from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kalan.engine.psychometrics.data import Bank, Floats, Responses
from kalan.engine.psychometrics.errors import DataError
from kalan.engine.psychometrics.models import log_probabilities

BLOCK = 1 << 17  # answers worked on at a time: about 60 MB at 61 points


def check_categories(bank: Bank, responses: Responses) -> None:
    """Refuse an answer in a category that its item does not have (bank aligned with responses)."""
    beyond = np.flatnonzero(responses.category > bank.top[responses.item])
    if beyond.size:
        place = int(beyond[0])
        item = responses.item[place]
        raise DataError(
            f"Question « {responses.items[item]} » : réponse {responses.category[place]} alors que "
            f"la banque lui donne les catégories 0 à {bank.top[item]}. Corrigez l’un ou l’autre."
        )


def blocks(responses: Responses, size: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Ranges of persons (first, beyond the last) of about ``size`` answers each."""
    first = 0
    while first < responses.n_persons:
        goal = responses.start[first] + size
        beyond = int(np.searchsorted(responses.start, goal, side="right")) - 1
        beyond = min(max(beyond, first + 1), responses.n_persons)
        yield first, beyond
        first = beyond


def sum_by_person(values: NDArray[np.float64], start: NDArray[np.int64]) -> Floats:
    """(persons, …) sums of consecutive rows; a person without a row gets zeros."""
    out = np.zeros((start.size - 1, *values.shape[1:]))
    there = np.flatnonzero(np.diff(start) > 0)
    if there.size:
        out[there] = np.add.reduceat(values, start[there], axis=0)
    return out


def log_likelihood(bank: Bank, responses: Responses, theta: Floats) -> Floats:
    """(P, Q) ln L of each person at each point; bank aligned with ``responses.items``."""
    check_categories(bank, responses)
    table = log_probabilities(bank, theta)
    out = np.empty((responses.n_persons, theta.size))
    for first, beyond in blocks(responses):
        low, high = responses.start[first], responses.start[beyond]
        rows = table[responses.item[low:high], responses.category[low:high]]
        out[first:beyond] = sum_by_person(rows, responses.start[first : beyond + 1] - low)
    return out
