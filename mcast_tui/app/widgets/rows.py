"""A list of one-line rows of which only the visible ones are ever made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.content import Content
    from textual.events import Click


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

    def set_row_count(self, count: int) -> None:
        """Say how many rows there are; lays out again only when that changed."""
        size = Size(0, count)
        if self.virtual_size != size:
            self.virtual_size = size
        self.refresh()

    @property
    def row_count(self) -> int:
        return self.virtual_size.height

    @property
    def row_width(self) -> int:
        """Cells a row may fill."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        width = self.row_width
        if number >= self.row_count or width <= 0:
            return Strip.blank(max(0, width), self.rich_style)
        content = self._row_at(number).truncate(width)
        strips = Visual.to_strips(self, content, width, 1, self.visual_style)
        return strips[0].adjust_cell_length(width, self.rich_style) if strips else Strip.blank(width)

    def on_click(self, event: Click) -> None:
        number = event.y + self.scroll_offset.y
        if number < self.row_count:
            self.post_message(self.RowClicked(self, number))
