"""Columns of a list: which give way first, who gets what is left, and that a line stands under its titles."""

from __future__ import annotations

import pytest

from mcast_tui.app.widgets.columns import Column, fit_cells, line_cells, line_of, titles_of

COLUMNS = {"who": Column("Who", 6), "much": Column("How much", 4), "when": Column("When", 5)}
LEAST = {name: column.least for name, column in COLUMNS.items()}


@pytest.mark.parametrize(
    ("width", "cells"),
    [
        (0, {"who": 6}),
        (12, {"who": 6, "much": 4}),
        (18, {"who": 6, "much": 4, "when": 5}),
        (20, {"who": 8, "much": 4, "when": 5}),
        (23, {"who": 9, "much": 6, "when": 5}),
        (99, {"who": 12, "much": 6, "when": 5}),
    ],
)
def test_columns_are_dropped_and_widened_in_the_order_asked_for(width: int, cells: dict[str, int]) -> None:
    widened = (("who", 9), ("much", 6), ("who", 12))

    assert fit_cells(LEAST, width, ("when", "much"), widened) == cells


def test_a_line_stands_under_its_titles_and_is_cut_to_its_columns() -> None:
    cells = fit_cells(LEAST, 18, (), ())
    said = {"who": ("somebody", "bold"), "much": ("3", ""), "when": ("now", "")}

    assert titles_of(COLUMNS, cells) == " Who    How  When "
    assert str(line_of(said, cells, ".")) == "someb. 3    now  "
    assert line_of(said, cells, ".").cell_length + 1 == line_cells(cells) == 18
