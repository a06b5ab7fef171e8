"""The E-step: marginal log-likelihood and expected answers at each node, by blocks of persons.

Complete or nearly complete answers go through matrix products of one-hot rows, sparse ones through
scipy's compressed rows. Blocks keep memory bounded and the posterior inside the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kalan.engine.psychometrics.data import Floats, Responses
from kalan.engine.psychometrics.likelihood import blocks

PERSONS = 4096  # persons of a block
DENSE_SHARE = 0.10  # answers over persons × items from which products of one-hot rows are quicker


@dataclass(frozen=True, eq=False)
class Block:
    """Persons ``first`` to ``beyond``; ``rows``: categories (B, n), −1 missing, or None where
    ``sparse`` (one-hot rows B × nK, and its transpose) is used."""

    first: int
    beyond: int
    rows: NDArray[np.int8] | None
    sparse: tuple[Any, Any] | None


@dataclass(frozen=True, eq=False)
class Expected:
    """``loglik`` = Σ weight · ln L; ``counts`` (n, K, Q) expected answers; ``persons`` (G, Q)."""

    loglik: float
    counts: Floats
    persons: Floats


class Data:
    """Answers ready for E-steps. ``group`` (P) numbers from 0; persons without an answer or of
    weight 0 must have been taken out."""

    def __init__(
        self, responses: Responses, group: NDArray[np.int64], categories: int, groups: int
    ) -> None:
        self.n, self.K, self.groups = responses.n_items, categories, groups
        self.n_persons, self.weight, self.group = responses.n_persons, responses.weight, group
        answers = responses.item.size
        self.complete = answers == self.n_persons * self.n
        self.dense = answers >= DENSE_SHARE * self.n_persons * self.n
        self.responses = responses
        self._blocks: dict[str, list[Block]] = {}

    def blocks(self, dtype: DTypeLike) -> list[Block]:
        kind = "dense" if self.dense else np.dtype(dtype).str
        if kind not in self._blocks:
            self._blocks[kind] = list(self._cut(dtype))
        return self._blocks[kind]

    def _cut(self, dtype: DTypeLike) -> Iterator[Block]:
        answers = self.responses
        for first in range(0, self.n_persons, PERSONS):
            beyond = min(first + PERSONS, self.n_persons)
            low, high = answers.start[first], answers.start[beyond]
            item = answers.item[low:high].astype(np.int64)
            category = answers.category[low:high]
            start = answers.start[first : beyond + 1] - low
            if self.dense:
                rows = np.full((beyond - first, self.n), -1, np.int8)
                rows[np.repeat(np.arange(beyond - first), np.diff(start)), item] = category
                yield Block(first, beyond, rows, None)
            else:
                yield Block(first, beyond, None, self._compressed(item, category, start, dtype))

    def _compressed(
        self, item: Any, category: Any, start: Any, dtype: DTypeLike
    ) -> tuple[Any, Any]:
        from scipy.sparse import csr_array  # late: scoring a test never needs scipy

        ones = np.ones(item.size, dtype)
        code = (item * self.K + category).astype(np.int32)
        shape = (start.size - 1, self.n * self.K)
        rows = csr_array((ones, code, start.astype(np.int32)), shape=shape)
        return rows, rows.T.tocsr()

    def one_hot(self, block: Block, dtype: DTypeLike) -> Any:
        """B × columns of ``table``: complete answers leave category 0 out, which the rest fixes."""
        if block.rows is None:
            assert block.sparse is not None
            return block.sparse[0]
        rows = block.rows
        if self.complete and self.K == 2:
            return rows.astype(dtype)
        kept = np.arange(1 if self.complete else 0, self.K, dtype=np.int8)
        hot = rows[:, :, None] == kept
        return hot.reshape(rows.shape[0], -1).astype(dtype)

    def table(self, log_p: Floats, dtype: DTypeLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """(columns, Q) log-probabilities in the order of ``one_hot``, and what to add to all."""
        if self.dense and self.complete:
            rest = (log_p[:, 1:] - log_p[:, :1]).reshape(-1, log_p.shape[2])
            return rest.astype(dtype), log_p[:, 0].sum(axis=0).astype(dtype)
        return log_p.reshape(-1, log_p.shape[2]).astype(dtype), np.zeros(log_p.shape[2], dtype)

    def posterior(
        self, block: Block, hot: Any, table: Any, base: Any, log_prior: Any
    ) -> tuple[NDArray[Any], Floats]:
        """(B, Q) posterior weights summing to each person's weight, and (B) ln L."""
        w = hot @ table
        w += (log_prior + base)[self.group[block.first : block.beyond]]
        peak = w.max(axis=1, keepdims=True)
        w -= peak
        np.exp(w, out=w)
        total = w.sum(axis=1)
        w *= (self.weight[block.first : block.beyond] / total).astype(w.dtype)[:, None]
        return w, np.log(total.astype(np.float64)) + peak[:, 0]

    def expect(self, log_p: Floats, log_prior: Floats, dtype: DTypeLike = np.float64) -> Expected:
        """One E-step; ``log_prior`` (G, Q) log weight of each node in each group."""
        table, base = self.table(log_p, dtype)
        prior = log_prior.astype(dtype)
        counts = np.zeros(table.shape)
        persons = np.zeros(log_prior.shape)
        loglik = 0.0
        for block in self.blocks(dtype):
            hot = self.one_hot(block, dtype)
            w, log_l = self.posterior(block, hot, table, base, prior)
            loglik += float(self.weight[block.first : block.beyond] @ log_l)
            counts += (hot.T if block.sparse is None else block.sparse[1]) @ w
            if self.groups == 1:
                persons[0] += w.sum(axis=0)
            else:
                group = self.group[block.first : block.beyond]
                for g in np.unique(group):
                    persons[g] += w[group == g].sum(axis=0)
        return Expected(loglik, self._by_item(counts, persons), persons)

    def _by_item(self, counts: Floats, persons: Floats) -> Floats:
        if not (self.dense and self.complete):
            return counts.reshape(self.n, self.K, -1)
        rest = counts.reshape(self.n, self.K - 1, -1)
        first = persons.sum(axis=0) - rest.sum(axis=1)
        return np.concatenate([first[:, None], rest], axis=1)


def collapsed(
    responses: Responses, group: NDArray[np.int64]
) -> tuple[Responses, NDArray[np.int64]]:
    """Equal patterns of a group joined into one row with the sum of their weights, where a pattern
    fits into 62 bits; the rows as they are elsewhere. Ids are dropped."""
    base = int(responses.category.max(initial=0)) + 2
    groups = int(group.max(initial=0)) + 1
    if responses.n_items * np.log2(base) + np.log2(groups) > 62:
        return responses, group
    place = np.array([base**i for i in range(responses.n_items)], np.int64)
    key = group * base**responses.n_items
    for low, high in blocks(responses):
        answers = slice(responses.start[low], responses.start[high])
        value = place[responses.item[answers]] * (responses.category[answers].astype(np.int64) + 1)
        key[low:high] += _integer_sums(value, responses.start[low : high + 1] - answers.start)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    if first.size > 0.8 * key.size:
        return responses, group
    kept = responses.keep(first)
    weight = np.bincount(inverse, responses.weight, first.size).astype(np.float64)
    joined = Responses(kept.items, kept.start, kept.item, kept.category, weight)
    return joined, group[first]


def _integer_sums(value: NDArray[np.int64], start: NDArray[np.int64]) -> NDArray[np.int64]:
    total = np.concatenate(([0], np.cumsum(value)))  # may wrap around: differences stay right
    found: NDArray[np.int64] = total[start[1:]] - total[start[:-1]]
    return found
