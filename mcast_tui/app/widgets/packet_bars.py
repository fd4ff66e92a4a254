"""The two one-line bars of the Packets screen: the column titles above the log, the pill below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mcast_tui.app.widgets.packet_columns import format_header
from mcast_tui.human import format_count

if TYPE_CHECKING:
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.widgets.packet_columns import Fit


class ColumnHeader(Widget):
    """The titles of the columns that fit."""

    def __init__(self) -> None:
        super().__init__()
        self._titles = ""

    def show(self, fit: Fit) -> None:
        """Show the titles of these columns."""
        self._titles = format_header(fit)
        self.refresh()

    def render(self) -> Content:
        return Content(self._titles)


class FollowPill(Widget):
    """Says that the log stands still, and how many packets came since; a click makes it follow."""

    class Clicked(Message):
        """The user wants the log to follow again."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._text = ""

    def show(self, *, paused: bool, pending: int) -> None:
        """Say whether the log is paused and how many lines it does not show yet."""
        news = f"{format_count(pending)} new packet{'' if pending == 1 else 's'}"
        how = "paused, space resumes" if paused else "End or F to follow"
        self._text = f" {self._glyphs.down} {news if pending else 'standing still'} - {how} "
        self.refresh()

    def render(self) -> Content:
        pill = Content.styled(self._text, "bold $background on $warning")
        return pill.pad_left(max(0, (self.size.width - pill.cell_length) // 2))

    def on_click(self) -> None:
        self.post_message(self.Clicked())
