"""A hidden cell cannot be got back from what is published."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from kalan.indicators.suppression import THRESHOLD, hidden_cells

small = st.one_of(st.integers(0, 8), st.integers(0, 60))


@st.composite
def sex_tables(draw: st.DrawFn) -> list[list[int]]:
    """Territories × (women, men, unknown, all), the last row for everybody: people who stand in
    no territory or in several make the total differ from the sum."""
    territories = draw(st.lists(st.tuples(small, small, small), min_size=1, max_size=6))
    outside = draw(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)))
    rows = [[*row, sum(row)] for row in territories]
    total = [sum(row[c] for row in territories) + outside[c] for c in range(3)]
    return [*rows, [*total, sum(total)]]


@st.composite
def single_columns(draw: st.DrawFn) -> list[list[int]]:
    column = draw(st.lists(small, min_size=1, max_size=8))
    return [[value] for value in column] + [[sum(column) + draw(st.integers(0, 6))]]


def equations(
    grid: list[list[int]], hidden: frozenset[tuple[int, int]], row_totals: bool
) -> list[dict[tuple[int, int], Fraction]]:
    """The sums a reader can write, their known parts taken out (the knowns do not matter to what
    is determined): column sums, and with row totals the row sums."""
    rows, columns = len(grid), len(grid[0])
    found = []
    for c in range(columns):
        found.append({(r, c): Fraction(-1 if r == rows - 1 else 1) for r in range(rows)})
    if row_totals:
        for r in range(rows):
            found.append({(r, c): Fraction(-1 if c == columns - 1 else 1) for c in range(columns)})
    return [{cell: k for cell, k in line.items() if cell in hidden} for line in found]


def solved(lines: list[dict[tuple[int, int], Fraction]]) -> set[tuple[int, int]]:
    """The unknowns with one value only: Gauss-Jordan in exact fractions."""
    rows = [dict(line) for line in lines if line]
    done: list[dict[tuple[int, int], Fraction]] = []
    while rows:
        row = rows.pop()
        if not row:
            continue
        pivot = min(row)
        row = {cell: k / row[pivot] for cell, k in row.items()}
        for other in [*rows, *done]:
            if factor := other.get(pivot):
                for cell, k in row.items():
                    value = other.get(cell, Fraction(0)) - factor * k
                    if value:
                        other[cell] = value
                    else:
                        other.pop(cell, None)
        done.append(row)
    return {next(iter(row)) for row in done if len(row) == 1}


@given(sex_tables())
@settings(max_examples=300, deadline=None)
def test_no_hidden_cell_of_a_sex_table_can_be_computed(grid: list[list[int]]) -> None:
    hidden = hidden_cells(grid, row_totals=True)
    assert solved(equations(grid, hidden, True)) == set()


@given(single_columns())
@settings(max_examples=200, deadline=None)
def test_no_hidden_cell_of_a_column_can_be_computed(grid: list[list[int]]) -> None:
    hidden = hidden_cells(grid, row_totals=False)
    assert solved(equations(grid, hidden, False)) == set()


@given(sex_tables())
@settings(max_examples=200, deadline=None)
def test_every_count_of_one_to_four_is_hidden(grid: list[list[int]]) -> None:
    hidden = hidden_cells(grid, row_totals=True)
    shown = {grid[r][c] for r, c in product(range(len(grid)), range(4)) if (r, c) not in hidden}
    assert shown & set(range(1, THRESHOLD)) == set()


@given(st.lists(st.integers(0, 7), min_size=2, max_size=4), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_counting_all_possibilities_leaves_each_hidden_cell_in_doubt(
    column: list[int], outside: int
) -> None:
    """The strongest reader: tries every whole number that fits the published sum."""
    grid = [[value] for value in column] + [[sum(column) + outside]]
    hidden = hidden_cells(grid, row_totals=False)
    unknown = sorted(r for r, _ in hidden if r < len(column))
    top = max(column) + THRESHOLD
    if not unknown or (len(column), 0) in hidden:
        return  # without the total, anything fits
    rest = sum(column[r] for r in unknown)
    fits = [v for v in product(range(rest + 1), repeat=len(unknown)) if sum(v) == rest]
    assert top > 0
    assert [len({v[i] for v in fits}) >= THRESHOLD for i in range(len(unknown))] == [True] * len(
        unknown
    )


def test_large_cells_stay() -> None:
    grid = [[60, 40, 0, 100], [50, 50, 0, 100], [110, 90, 0, 200]]
    assert hidden_cells(grid, row_totals=True) == frozenset()


def test_a_small_cell_takes_a_second_one_with_it() -> None:
    # Three trainers in one region: the next smallest region is hidden too.
    assert hidden_cells([[3], [9], [6], [18]], row_totals=False) == {(0, 0), (2, 0)}


def test_two_small_cells_that_sum_to_less_than_five_take_a_third() -> None:
    assert hidden_cells([[2], [2], [9], [30], [43]], row_totals=False) == {(0, 0), (1, 0), (2, 0)}


def test_a_single_territory_hides_the_total_too() -> None:
    assert hidden_cells([[3], [60]], row_totals=False) == {(0, 0), (1, 0)}


def test_few_men_hide_the_women_since_the_sum_is_shown() -> None:
    grid = [[30, 2, 0, 32], [20, 40, 0, 60], [50, 42, 0, 92]]
    hidden = hidden_cells(grid, row_totals=True)
    assert {(0, 1), (0, 0), (1, 1), (1, 0)} == hidden


def test_the_reader_of_these_tests_does_solve_what_can_be_solved() -> None:
    grid = [[3, 9, 0, 12], [9, 6, 0, 15], [12, 15, 0, 27]]
    alone = frozenset({(0, 0)})
    assert solved(equations(grid, alone, True)) == {(0, 0)}
    two_loops_joined = frozenset({(0, 0), (0, 1), (1, 1)})
    assert solved(equations(grid, two_loops_joined, True)) == two_loops_joined
