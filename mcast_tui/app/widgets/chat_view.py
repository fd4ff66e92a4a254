"""The conversation of one group: newest line last, unmoved while somebody reads further up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from mcast_tui.app.chat_layout import (
    STATE_WIDTH,
    TIME_WIDTH,
    Measures,
    Row,
    clock,
    measure,
    rows_of,
    sender_of,
    state_of,
)
from mcast_tui.app.fit import MUTED, cut
from mcast_tui.app.palette import source_color
from mcast_tui.app.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.chat import Line, Pane


LINES_AT_ONCE = 50
"""Older lines laid out in one go, a millisecond each at worst; the rest follows, frame by frame."""


class ChatView(Rows, can_focus=True):
    """Draws a `services.chat.Pane`; asks for nothing, sends nothing.

    At another width, or of another pane, the newest lines are laid out first and the older ones
    behind them a few at a time, so that no frame waits for a thousand hostile lines.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", "Up", show=False, id="chat.up"),
        Binding("down,j", "scroll_by(1)", "Down", show=False, id="chat.down"),
        Binding("pageup", "scroll_page(-1)", "Page up", show=False, id="chat.page_up"),
        Binding("pagedown", "scroll_page(1)", "Page down", show=False, id="chat.page_down"),
        Binding("home", "oldest", "Oldest line", show=False, id="chat.oldest"),
        Binding("end,F,G", "follow", "Newest line", id="chat.follow"),
    ]
    HELP = "What was said in the selected group. Scrolling up stops following; End goes back to the newest."

    class FollowChanged(Message):
        """Whether the newest line is kept in view, and how many came since it is not."""

        def __init__(self, view: ChatView, *, following: bool, pending: int) -> None:
            super().__init__()
            self.view = view
            self.following = following
            self.pending = pending

        @property
        def control(self) -> ChatView:
            return self.view

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own word
        super().__init__(self.row, id=id)
        self._glyphs = glyphs
        self._pane: Pane | None = None
        self._drawn: tuple[int, int, int, int] | None = None
        self._rows: list[Row] = []
        self._layout: dict[int, tuple[Line, list[Row]]] = {}
        self._measures = Measures(0, 0)
        self._measured = 0
        self._oldest: int | None = None
        self._unread = 0
        self._unread_from: int | None = None
        self._hidden_before = 0
        self._following = True
        self._seen = 0

    @property
    def is_following(self) -> bool:
        return self._following

    @property
    def pending(self) -> int:
        """Lines that came since the newest is not kept in view."""
        return 0 if self._following or self._pane is None else self._pane.added - self._seen

    @property
    def is_empty(self) -> bool:
        return not self._rows

    def show(self, pane: Pane | None, *, hidden_before: int = 0) -> None:
        """Draw this pane from now on, with the unread mark before the first line that is unread now.

        It says how many `Pane.unread` counts: text lines of others. Below it there may be more lines: ours,
        those of payloads that are no text, and what came while somebody looked.
        """
        self._pane = pane
        self._unread = pane.unread if pane else 0
        self._unread_from = pane.unread_from if pane and pane.unread else None
        self._hidden_before = hidden_before
        self._measures = Measures(0, 0)
        self._drawn = None
        self._following = True
        self.update_lines()

    def update_lines(self) -> None:
        """Draw what came or changed; costs next to nothing when nothing did."""
        pane, width = self._pane, self.row_width
        state = (pane.revision if pane else -1, width, self._hidden_before, self._unread_from or 0)
        if state == self._drawn or width <= 0:
            return
        self._drawn = state
        anchor = None if self._following else self._anchor()
        self._lay_out(
            tuple(pane.lines) if pane else (), pane.added if pane else 0, anchor[0] if anchor else None
        )
        self.set_row_count(len(self._rows))
        if self._following:
            self._seen = pane.added if pane else 0
            self.scroll_to(y=len(self._rows), animate=False, force=True, immediate=True)
        elif anchor is not None:
            self._restore(anchor)
        self._tell()

    def _lay_out(self, lines: Sequence[Line], added: int, anchored: int | None) -> None:
        """Make rows of the lines from the oldest that is due on; `anchored` is always among them."""
        begin = max(added - len(lines), self._hidden_before)
        oldest = self._oldest_due(lines, added, begin, anchored)
        layout: dict[int, tuple[Line, list[Row]]] = {}
        rows: list[Row] = []
        for number in range(oldest, added):
            line = lines[number - added]
            known = self._layout.get(number)
            if known is None or known[0] is not line:
                known = (line, list(rows_of(line, number, self._measures, self._glyphs)))
            layout[number] = known
            if number == self._unread_from and number > begin:
                rows.append(self._unread_row(number))
            rows += known[1]
        self._layout, self._rows, self._oldest = layout, rows, oldest
        if oldest > begin:
            self._drawn = None
            self.call_after_refresh(self.update_lines)

    def _oldest_due(self, lines: Sequence[Line], added: int, begin: int, anchored: int | None) -> int:
        """Return the oldest line to lay out now: `LINES_AT_ONCE` more than before, fewest when anew."""
        if self._fit_columns(lines, added) or self._oldest is None:
            due = added - LINES_AT_ONCE
            return max(begin, due if anchored is None else min(due, anchored))
        return max(begin, self._oldest - LINES_AT_ONCE)

    def _fit_columns(self, lines: Sequence[Line], added: int) -> bool:
        """Fit the columns to the senders that came; tell whether all must be laid out anew.

        The sender's column only grows while width and pane stay the same, so only new lines are
        measured and nobody makes it go back and forth.
        """
        is_anew = self._measures.width != self.row_width
        came = lines if is_anew else lines[max(0, len(lines) - (added - self._measured)) :]
        measures = measure(came, self.row_width)
        self._measured = added
        if not is_anew and measures.sender <= self._measures.sender:
            return False
        self._measures = measures
        self._layout.clear()
        return True

    def _unread_row(self, number: int) -> Row:
        said = f" {self._unread} new "
        dash = self._glyphs.dash
        side = dash * max(2, (self.row_width - len(said)) // 2)
        return Row(f"{side}{said}{side}", "$warning", number=number, heads=True)

    def _anchor(self) -> tuple[int, int] | None:
        """Return (line, row within it) of the first row in view."""
        top = self.scroll_offset.y
        if top >= len(self._rows):
            return None
        number = self._rows[top].number
        begin = next(at for at, row in enumerate(self._rows) if row.number == number)
        return number, top - begin

    def _restore(self, anchor: tuple[int, int]) -> None:
        number, offset = anchor
        at = next((at for at, row in enumerate(self._rows) if row.number >= number), 0)
        self.scroll_to(y=at + offset, animate=False, force=True, immediate=True)

    def row(self, y: int) -> Content:
        row = self._rows[y]
        if row.line is None:
            indent = 0 if row.heads else self._measures.indent
            return Content.assemble(" " * indent, (row.text, row.style))
        return self._first_row(row, row.line)

    def _first_row(self, row: Row, line: Line) -> Content:
        measures = self._measures
        color = "$primary"
        if not line.own and line.source is not None:
            color = source_color(line.source, dark=self.app.current_theme.dark)
        words, state_style = state_of(line, self._glyphs)
        time = (f"{clock(line.at):<{TIME_WIDTH}}", MUTED)
        name = cut(Content(sender_of(line)), measures.sender, self._glyphs.ellipsis).plain
        sender = (f"{name} ", f"bold {color}" if line.own else color)
        if row.heads:
            return Content.assemble(time, sender, (words, state_style))
        text = Content.styled(row.text, row.style).truncate(measures.text(own=line.own), pad=True)
        return Content.assemble(time, sender, text, (f"{words:>{STATE_WIDTH}}" if words else "", state_style))

    def on_resize(self) -> None:
        self.call_after_refresh(self.update_lines)

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        at_end = round(new) >= self.max_scroll_y
        if round(new) < round(old) and not at_end:
            self._stop_following()
        elif at_end and not self._following and round(new) > round(old):
            self.action_follow()

    def _stop_following(self) -> None:
        if self._following:
            self._following = False
            self._seen = self._pane.added if self._pane else 0
            self._tell()

    def action_scroll_by(self, rows: int) -> None:
        self.scroll_relative(y=rows, animate=False)

    def action_scroll_page(self, pages: int) -> None:
        self.scroll_relative(y=pages * max(1, self.size.height - 1), animate=False)

    def action_oldest(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_follow(self) -> None:
        """Go to the newest line and stay there."""
        self._following = True
        self._drawn = None
        self.update_lines()

    def _tell(self) -> None:
        self.post_message(self.FollowChanged(self, following=self._following, pending=self.pending))
