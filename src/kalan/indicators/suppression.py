"""Small-cell suppression for published tables: no Django, no records, only numbers.

A count of people from 1 to 4 is hidden, together with other cells, so that nobody can get it back
by subtraction from the totals (the method is the complementary suppression of
statistical offices: Hundepool et al., *Statistical Disclosure Control*, 2012, ch. 4).

The table is a grid whose last row is the total of the rows above. Hidden cells are the edges of a
graph between rows and columns: a cell can be computed from what is published exactly when its edge
is a bridge of that graph. So cells are added until no hidden cell is a bridge, and until the
hidden cells of each published total are two or more and together at least 5.

The reader is supposed to know how many people stand outside the rows or in several of them: a
pessimistic assumption, since that is not published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

THRESHOLD = 5

Cell = tuple[int, int]
Grid = Sequence[Sequence[int]]


def hidden_cells(grid: Grid, *, row_totals: bool) -> frozenset[Cell]:
    """Return the cells (row, column) of ``grid`` to hide. The last row holds the totals.

    ``row_totals``: the last column is the sum of the others in its row (sex: F + M + unknown =
    all); without it the columns have nothing to do with each other.
    """
    return frozenset(_Table(grid, row_totals).suppress())


class _Table:
    def __init__(self, grid: Grid, row_totals: bool) -> None:
        self.grid = grid
        self.rows, self.columns = len(grid), len(grid[0]) if grid else 0
        self.row_totals = row_totals
        self.hidden: set[Cell] = {
            (r, c)
            for r in range(self.rows)
            for c in range(self.columns)
            if 0 < grid[r][c] < THRESHOLD
        }

    def suppress(self) -> set[Cell]:
        while (extra := self._weak_line() or self._bridge()) is not None:
            self.hidden.add(extra)
        return self.hidden

    def _lines(self) -> Iterator[tuple[list[Cell], Cell]]:
        """Each published sum: its parts, and its total."""
        if self.rows > 1:
            for c in range(self.columns):
                yield [(r, c) for r in range(self.rows - 1)], (self.rows - 1, c)
        if self.row_totals:
            for r in range(self.rows):
                yield [(r, c) for c in range(self.columns - 1)], (r, self.columns - 1)

    def _weak_line(self) -> Cell | None:
        """The next cell to hide in a sum whose hidden parts are too few or too small."""
        for parts, total in self._lines():
            mine = [cell for cell in parts if cell in self.hidden]
            free = [cell for cell in parts if cell not in self.hidden]
            if total in self.hidden:
                if not mine and free:
                    return min(free, key=self._cost)
            elif mine and (len(mine) < 2 or sum(map(self._value, mine)) < THRESHOLD):
                some = [cell for cell in free if self._value(cell)]
                return min(some, key=self._cost) if some else total
        return None

    def _value(self, cell: Cell) -> int:
        return self.grid[cell[0]][cell[1]]

    def _cost(self, cell: Cell) -> tuple[bool, bool, int, Cell]:
        """What hiding this cell costs the reader: totals most, then large numbers."""
        total = cell[0] == self.rows - 1 or (self.row_totals and cell[1] == self.columns - 1)
        return total, self._value(cell) == 0, self._value(cell), cell

    def _bridge(self) -> Cell | None:
        """A cell that closes a loop over a hidden cell which could be computed, if any."""
        for r, c in sorted(self.hidden):
            side = self._reach(r, without=(r, c))
            if self.rows + c in side:
                continue
            crossing = [
                (row, column)
                for row in range(self.rows)
                for column in range(self.columns)
                if (row, column) not in self.hidden
                and (row in side) != (self.rows + column in side)
            ]
            if crossing:
                return min(crossing, key=self._cost)
        return None

    def _reach(self, start: int, without: Cell) -> set[int]:
        """Rows (0…) and columns (rows…) joined to row ``start`` by hidden cells but one.

        Without row totals, rows constrain nothing: they are all joined by a free node (-1).
        """
        neighbours: dict[int, set[int]] = {}
        for r, c in self.hidden - {without}:
            neighbours.setdefault(r, set()).add(self.rows + c)
            neighbours.setdefault(self.rows + c, set()).add(r)
        if not self.row_totals:
            neighbours[-1] = set(range(self.rows))
            for r in range(self.rows):
                neighbours.setdefault(r, set()).add(-1)
        seen, queue = {start}, [start]
        while queue:
            for node in neighbours.get(queue.pop(), ()):
                if node not in seen:
                    seen.add(node)
                    queue.append(node)
        return seen
