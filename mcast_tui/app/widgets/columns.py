"""The columns of a list: which of them fit a width, in how many cells, their titles, and a line under them.

Pure: widths and texts in, text out. What a column says, and which gives way first, is the list's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from mcast_tui.app.fit import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Column(NamedTuple):
    """One column: its title, and the fewest cells it takes."""

    title: str
    least: int


def fit_cells(
    least: Mapping[str, int], width: int, dropped: Iterable[str], widened: Iterable[tuple[str, int]]
) -> dict[str, int]:
    """Return the cells of each column, by name and from left to right, so that a line fits `width`.

    Columns are `dropped` until their `least` cells fit, the first first. Cells that are left go to who
    is `widened` up to how many, the first first. What is in neither always has its least.
    """
    cells = dict(least)
    for name in dropped:
        if line_cells(cells) <= width:
            break
        cells.pop(name, None)
    for name, most in widened:
        if name in cells:
            cells[name] += max(0, min(width - line_cells(cells), most - cells[name]))
    return cells


def line_cells(cells: Mapping[str, int]) -> int:
    """Return the cells of a line: the cursor's, the columns' and one between two of them."""
    return 1 + sum(cells.values()) + len(cells) - 1


def titles_of(columns: Mapping[str, Column], cells: Mapping[str, int]) -> str:
    """Return the titles over these columns, the cursor's cell before them."""
    return " " + " ".join(columns[name].title[:width].ljust(width) for name, width in cells.items())


def line_of(said: Mapping[str, tuple[str, str]], cells: Mapping[str, int], ellipsis: str) -> Content:
    """Return a line without the cursor's cell; `said` is the text of each column and its style."""
    return Content(" ").join(
        cut(Content.styled(*said[name]), width, ellipsis) for name, width in cells.items()
    )
