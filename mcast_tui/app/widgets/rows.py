"""A list of one-line rows of which only the visible ones are ever made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from mcast_tui.app.fit import look

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.content import Content
    from textual.events import Click

    from mcast_tui.app.fit import Look


class Rows(ScrollView):
    """Asks for each line on screen; a subclass says how to make one, and how many there are.

    Content objects only: nothing given here is parsed as markup.
    """

    DEFAULT_CSS = """
    Rows { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """

    class RowClicked(Message):
        """Somebody clicked row `y`, counted from the first row, not the first visible one."""

        def __init__(self, rows: Rows, y: int) -> None:
            super().__init__()
            self.rows = rows
            self.y = y

        @property
        def control(self) -> Rows:
            return self.rows

    def __init__(self, row: Callable[[int], Content], *, id: str | None = None) -> None:  # noqa: A002  # Textual's own word
        """`row` returns row `y`, counted from 0; it is cropped to the width."""
        super().__init__(id=id)
        self._row_at = row
        self._on_screen: dict[int, Look] = {}

    def set_row_count(self, count: int) -> None:
        """Say how many rows there are; lays out again only when that changed, draws only if a row did."""
        size = Size(0, count)
        if self.virtual_size != size:
            self.virtual_size = size
        height = self.scrollable_content_region.height
        if any(y not in self._on_screen or self._on_screen[y] != look(self._line(y)) for y in range(height)):
            self.refresh()

    @property
    def row_count(self) -> int:
        return self.virtual_size.height

    @property
    def row_width(self) -> int:
        """Cells a row may fill."""
        return self.scrollable_content_region.width

    def _line(self, y: int) -> Content | None:
        """Return line `y` of those on screen; None where there is no row."""
        number, width = y + self.scroll_offset.y, self.row_width
        return self._row_at(number).truncate(width) if number < self.row_count and width > 0 else None

    def render_line(self, y: int) -> Strip:
        width, line = self.row_width, self._line(y)
        self._on_screen[y] = look(line)
        if line is None:
            return Strip.blank(max(0, width), self.rich_style)
        strips = Visual.to_strips(self, line, width, 1, self.visual_style)
        return strips[0].adjust_cell_length(width, self.rich_style) if strips else Strip.blank(width)

    def on_click(self, event: Click) -> None:
        number = event.y + self.scroll_offset.y
        if number < self.row_count:
            self.post_message(self.RowClicked(self, number))
