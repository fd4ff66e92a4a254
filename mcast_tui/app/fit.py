"""Making text fit a width: cut or shortened with a mark, wrapped, or a row of pieces that give way in turn.

Pure: text or contents in, text or contents out. What they say is the caller's.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import set_cell_size
from textual.content import Content

from mcast_tui import human
from mcast_tui.safe import clamp_cells

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from textual.content import Span

    Look: TypeAlias = tuple[str, tuple[Span, ...]] | None
    """None: nothing is there."""


MUTED = "$foreground 60%"
"""The style of what is less important; a CSS ``$text-muted`` means nothing inside a content."""


def look(line: Content | None) -> Look:
    """Return what tells two lines on screen apart; `Content` itself compares the text alone."""
    return None if line is None else (line.plain, tuple(line.spans))


def break_command(command: str, width: int) -> list[str]:
    """Break a shell line after commas and spaces into parts of at most `width` cells, where it has any."""
    parts = [""]
    for piece in re.split(r"(?<=[, ])", command):
        if parts[-1] and len(parts[-1]) + len(piece) > width:
            parts.append("")
        parts[-1] += piece
    return parts


@dataclass(slots=True)
class Piece:
    """One thing to show, in several lengths: the first is the whole, the last may be empty."""

    lengths: tuple[Content, ...]
    yields: tuple[int, ...]
    """For each step to the next length, its turn: the lowest turn of all pieces is taken first."""
    chosen: int = 0

    @property
    def content(self) -> Content:
        return self.lengths[self.chosen]

    @property
    def next_turn(self) -> int | None:
        return self.yields[self.chosen] if self.chosen < len(self.yields) else None


def total_width(pieces: Sequence[Piece], gap: int) -> int:
    """Return the cells the pieces take side by side, empty ones and their gaps not counted."""
    widths = [piece.content.cell_length for piece in pieces if piece.content.cell_length]
    return sum(widths) + gap * max(0, len(widths) - 1)


def fit(pieces: Sequence[Piece], width: int, gap: int = 2) -> None:
    """Shorten the pieces, cheapest first, until they fit `width` or nothing can be shortened."""
    while total_width(pieces, gap) > width:
        yielding = [piece for piece in pieces if piece.next_turn is not None]
        if not yielding:
            return
        min(yielding, key=lambda piece: piece.next_turn or 0).chosen += 1


def spread(left: Sequence[Piece], right: Sequence[Piece], width: int, gap: int = 2) -> Content:
    """Return one line of `width` cells: `left` from the left, `right` at the right end."""
    fit([*left, *right], width, gap)
    start, end = _joined(left, gap), _joined(right, gap)
    space = width - start.cell_length - end.cell_length
    if space < 0:
        return start.append(" ").append(end).truncate(max(0, width))
    return Content.assemble(start, " " * space, end)


def _joined(pieces: Sequence[Piece], gap: int) -> Content:
    return Content(" " * gap).join(piece.content for piece in pieces if piece.content.cell_length)


HEADROOM = 4 / 3


def sparkline(history: Sequence[float | None], width: int, levels: str) -> str:
    """Draw the newest `width` values with these eight levels, the newest at the right end.

    The highest stands at three quarters: a steady rate is a line with air above it, not a wall.
    """
    newest = history[-width:] if width > 0 else ()
    ceiling = max((value for value in newest if value is not None), default=0.0) * HEADROOM
    return human.sparkline(newest, ceiling).translate(str.maketrans(human.BARS, levels)).rjust(width)


def cut(content: Content, width: int, ellipsis: str) -> Content:
    """Return `content` in exactly `width` cells, with a mark where something was cut off."""
    if content.cell_length <= width:
        return content.truncate(width, pad=True)
    return content.truncate(max(0, width - 1)).append(ellipsis if width > 0 else "")


def exactly(text: str, cells: int) -> str:
    """Return safe `text` in exactly `cells` cells: cut with an ellipsis, or followed by blanks."""
    text = clamp_cells(text, cells)
    # Textual places what follows by its own table of widths: that one has the last word.
    return text.ljust(cells) if text.isascii() else set_cell_size(text, cells)


def shorten(text: str, cells: int, ellipsis: str) -> str:
    """Return `text` cut in its middle to at most `cells` characters: prefix, ellipsis, suffix."""
    if len(text) <= cells:
        return text
    suffix = (cells - 1) // 2
    prefix = cells - 1 - suffix
    return text[:prefix] + ellipsis + (text[-suffix:] if suffix else "")


def compact(source_filter: object) -> str:
    """Return a source filter in fewer cells: ``INCLUDE{192.0.2.1}``."""
    return str(source_filter).replace(" {", "{")


def wrap_words(text: str, cells: int) -> list[str]:
    """Return our own words in lines of at most `cells` cells; a longer word is broken."""
    return textwrap.wrap(text, max(1, cells))
