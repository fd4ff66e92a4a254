"""A page of cells to draw on: text, lines and boxes at places, read back as rows.

Pure. What would lie outside is left out, so nothing is ever wider than its pane. Every character
takes one cell: names on the LAN are ours, and the glyphs are those of `palette`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from textual.content import Content

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.y + self.height

    def inner(self) -> Area:
        """Return what a frame drawn along the edge leaves, with a cell of air at both sides."""
        return Area(self.x + 2, self.y + 1, max(0, self.width - 4), max(0, self.height - 2))

    def holds(self, x: int, y: int) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom


@dataclass(frozen=True, slots=True)
class Frame:
    """The characters of a box."""

    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str
    across: str
    down: str


@dataclass(frozen=True, slots=True)
class Pen:
    """What boxes and cables are drawn with."""

    box: Frame
    selected: Frame
    idle: str
    """A cable on which nothing passes."""
    busy: str
    packet: str
    """What moves along a busy one."""
    right: str
    left: str
    gone: str
    """Where a cable should be."""


UNICODE = Pen(
    Frame("╭", "╮", "╰", "╯", "─", "│"), Frame("┏", "┓", "┗", "┛", "━", "┃"), "─", "━", "●", "▸", "◂", "╌"
)
ASCII = Pen(
    Frame("+", "+", "+", "+", "-", "|"), Frame("#", "#", "#", "#", "=", "#"), "-", "=", "*", ">", "<", "."
)
"""Under ``--ascii``."""

Words = tuple[str, str]
"""A text and its style."""
Line = tuple[Words, ...]


class Canvas:
    """Draws; a later stroke covers an earlier one."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = max(0, width), max(0, height)
        self._cells: list[list[Words]] = [[(" ", "")] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, text: str, style: str = "", until: int | None = None) -> int:
        """Write from column `x` on, at most up to column `until`; return the column after the text."""
        end = min(x + len(text), self.width if until is None else min(until, self.width))
        if 0 <= y < self.height:
            row = self._cells[y]
            for at in range(max(0, x), end):
                row[at] = (text[at - x], style)
        return max(x, end)

    def put_words(self, x: int, y: int, words: Iterable[Words], until: int) -> int:
        """Write differently styled texts one after the other; return the column after the last."""
        for text, style in words:
            x = self.put(x, y, text, style, until)
        return x

    def box(self, area: Area, frame: Frame, style: str = "") -> None:
        """Draw a frame along the edge of an area, and clear what is inside."""
        if area.width < 2 or area.height < 2:
            return
        across = frame.across * (area.width - 2)
        self.put(area.x, area.y, frame.top_left + across + frame.top_right, style)
        for y in range(area.y + 1, area.bottom - 1):
            self.put(area.x, y, frame.down, style)
            self.put(area.x + 1, y, " " * (area.width - 2))
            self.put(area.right - 1, y, frame.down, style)
        self.put(area.x, area.bottom - 1, frame.bottom_left + across + frame.bottom_right, style)

    def rows(self) -> list[Content]:
        """Return the page, row by row."""
        return [
            Content.assemble(
                *(
                    ("".join(cell[0] for cell in run), style)
                    for style, run in groupby(row, key=lambda cell: cell[1])
                )
            )
            for row in self._cells
        ]
