"""Prose as lines that are no wider than the terminal."""

from __future__ import annotations

import shutil
import textwrap

NARROWEST, WIDEST = 40, 100
"""Below this words are torn apart; above, lines are too long to read."""


def terminal_width() -> int:
    """Return how wide lines may be: as COLUMNS or the terminal says, 80 where neither does."""
    return min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)


def wrap(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """Break a text into lines at blanks only: what is to be typed or copied keeps its hyphens."""
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
