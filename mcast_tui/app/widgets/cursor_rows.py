"""A list of one-line rows of which one may have the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from mcast_tui.app.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.app.palette import Glyphs


class CursorRows(Rows, can_focus=True):
    """Keys and clicks move the cursor; the list scrolls as little as keeps it in view.

    A subclass extends `put_cursor` where somebody has to be told.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("pageup", "move_page(-1)", "Page up", show=False, id="list.page_up"),
        Binding("pagedown", "move_page(1)", "Page down", show=False, id="list.page_down"),
        Binding("home", "edge(0)", "First", show=False, id="list.first"),
        Binding("end", "edge(1)", "Last", show=False, id="list.last"),
    ]

    def __init__(
        self,
        row: Callable[[int], Content],
        glyphs: Glyphs,
        *,
        id: str | None = None,  # noqa: A002  # Textual's own word
    ) -> None:
        """`row` returns row `y` without the cursor's cell, which stands before it."""
        super().__init__(self._marked, id=id)
        self._line_at = row
        self._glyphs = glyphs
        self._total = 0
        self._instead = Content()
        self.cursor: int | None = 0
        """The row that has the cursor, if there is such a row; None: no row has it."""

    def set_total(self, total: int, instead: Content) -> None:
        """Say how many rows there are; `instead` stands there while there is none."""
        self._total, self._instead = total, instead
        if self.cursor is not None:
            self.cursor = self._nearest(self.cursor)
        self.set_row_count(total or 1)

    def put_cursor(self, to: int) -> None:
        """Put the cursor on a row, or on the nearest there is, and bring it into view."""
        self.cursor = self._nearest(to)
        self.reveal()
        self.refresh()

    def reveal(self) -> None:
        """Scroll as little as brings the cursor's row into view, once there is a view."""
        if self.cursor is None or not self.scrollable_content_region.height:
            return
        top = self.scroll_offset.y
        wanted = min(max(top, self.cursor - self._page + 1), self.cursor)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True, immediate=True)

    def _nearest(self, row: int) -> int:
        return max(0, min(row, self._total - 1))

    @property
    def _page(self) -> int:
        """Rows on screen."""
        return max(1, self.scrollable_content_region.height)

    def _marked(self, y: int) -> Content:
        if y >= self._total:
            return self._instead
        is_chosen = y == self.cursor
        mark = self._glyphs.cursor if is_chosen else " "
        line = Content.assemble((mark, "$primary"), self._line_at(y)).truncate(self.row_width, pad=True)
        if not is_chosen:
            return line
        # Without colour a tinted background may not show at all: reverse always does.
        return line.stylize("bold reverse" if self.app.no_color else "bold on $primary 25%")

    # -- keys and mouse

    def on_resize(self) -> None:
        self.reveal()

    def action_move(self, rows: int) -> None:
        self.put_cursor(self._total - 1 if self.cursor is None else self.cursor + rows)

    def action_move_page(self, pages: int) -> None:
        here = self._total - 1 if self.cursor is None else self.cursor
        self.put_cursor(here + pages * max(1, self._page - 1))

    def action_edge(self, last: int) -> None:
        self.put_cursor(self._total - 1 if last else 0)

    def on_rows_row_clicked(self, event: Rows.RowClicked) -> None:
        event.stop()
        self.put_cursor(event.y)
