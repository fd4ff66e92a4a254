"""The live packet log: a view of a ring that costs the same however fast packets arrive.

Nothing is told to it per packet. `tick` looks how far the ring has got and, when a frame is
due, asks for the visible rows in one bulk read. It follows the newest packet until the user
moves up, selects or pauses; then it stands still on rows it holds itself, and only the user
makes it follow again.

It draws with `render_lines` and no border, padding or opacity of its own: that belongs to its
container. `slow_path` sends it through Textual's own way of drawing instead; both look alike.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip

from mcast_tui.app.widgets.frame_rate import FrameRate
from mcast_tui.app.widgets.line_scroll import LineScroll
from mcast_tui.app.widgets.packet_columns import Fit, fit_columns
from mcast_tui.app.widgets.packet_paint import PacketPaint
from mcast_tui.app.widgets.packet_row import format_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.segment import Segment
    from textual.events import Click, MouseScrollDown, MouseScrollUp, Resize
    from textual.geometry import Region
    from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.widgets.packet_lines import PacketLines
    from mcast_tui.app.widgets.packet_row import Row

WHEEL_LINES = 3
"""Lines per notch of the wheel, as in most terminals."""


class PacketLog(LineScroll, can_focus=True, inherit_bindings=False):
    """Shows the lines of a `PacketLines`; see the module for how it follows and stands still."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = PacketPaint.CLASSES
    DEFAULT_CSS = PacketPaint.CSS
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]  # Textual's own is a list of a union
        Binding("up,k", "move(-1)", "Up", id="log.up", show=False),
        Binding("down,j", "move(1)", "Down", id="log.down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", id="log.page_up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", id="log.page_down", show=False),
        Binding("home", "oldest", "Oldest", id="log.oldest", show=False),
        Binding("F,end,G,ctrl+t", "follow", "Follow", id="log.follow"),
        Binding("space", "toggle_pause", "Pause", id="log.pause"),
    ]

    slow_path = False

    class FollowChanged(Message):
        """The log began or ceased to follow or pause, or the count of lines below the view changed."""

        def __init__(self, *, following: bool, paused: bool, pending: int) -> None:
            super().__init__()
            self.following = following
            self.paused = paused
            self.pending = pending

    class RowSelected(Message):
        """The user put the cursor on a row; None when it went away with the view it was in."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    class FitChanged(Message):
        """Other columns fit now; the header above has to say so."""

    def __init__(
        self,
        lines: PacketLines,
        interface_name: Callable[[int], str | None],
        glyphs: Glyphs,
        *,
        is_remote: bool = False,
    ) -> None:
        super().__init__()
        self.lines = lines
        self.interface_name = interface_name
        self.glyphs = glyphs
        self.rate = FrameRate(is_remote=is_remote)
        self.is_following = True
        self.is_paused = False
        self.cursor: int | None = None
        self._height_before = 0  # the last size we were told of
        self.empty_text: Sequence[str] = ()
        """Sentences to show while there is no line at all."""
        self._base = 0  # the line at the top of what can be scrolled
        self._stop = 0  # one past the newest line that can be scrolled to
        self._known = 0  # one past the newest line at the last frame
        self._seen = 0  # one past the newest line that was on screen
        self._said = (True, False, 0)
        self._digits = 0
        self._fit = fit_columns(0, 0)
        self._paint: PacketPaint | None = None

    # -- what is shown

    @property
    def fit(self) -> Fit:
        """The columns that fit now."""
        return self._fit

    @property
    def top(self) -> int:
        """The line at the top of the view."""
        return self._base + self.scroll_offset.y

    @property
    def height(self) -> int:
        """Rows on screen."""
        return self.size.height

    @property
    def line_count(self) -> int:
        """Lines that can be scrolled to."""
        return self._stop - self._base

    @property
    def pending(self) -> int:
        """Lines that arrived below the view since it stopped following."""
        return 0 if self.is_live else max(0, self.lines.stop - self._seen)

    @property
    def is_live(self) -> bool:
        """Whether the view moves with the newest packet."""
        return self.is_following and not self.is_paused

    def show(self, lines: PacketLines, empty_text: Sequence[str] = ()) -> None:
        """Show other lines, from their newest."""
        self.lines = lines
        self.empty_text = empty_text
        self.is_following, self.is_paused = True, False
        self._base = self._stop = self._known = self._seen = 0
        self._select(None)
        lines.extend()
        self._redraw()

    def say_when_empty(self, empty_text: Sequence[str]) -> None:
        """Show these sentences while there is no line."""
        if empty_text != self.empty_text:
            self.empty_text = empty_text
            if not self.line_count:
                self.refresh(self.size.region)

    def tick(self) -> None:
        """Take in what the ring has got; draw if a frame is due and would look different."""
        now = time.monotonic()
        self.rate.count(self.lines.extend(), now)
        if not self.rate.is_due(now):
            return
        if self.lines.stop != self._known:
            self._known = self.lines.stop
            self.rate.drew(now)
            self._redraw()
            self.call_after_refresh(self._measure, now)
        self._say()

    def follow(self) -> None:
        """Go to the newest packet and stay there; ends a pause."""
        self.is_following, self.is_paused = True, False
        self._redraw()
        self._say()

    def pause(self) -> None:
        """Stand still; the capture goes on."""
        self._hold()
        self.is_paused = True
        self._say()

    def resume(self) -> None:
        """End a pause; the view follows again if it did before."""
        self.is_paused = False
        self._redraw()
        self._say()

    # -- keys and mouse

    def action_follow(self) -> None:
        self.follow()

    def action_toggle_pause(self) -> None:
        if self.is_paused:
            self.resume()
        else:
            self.pause()

    def action_move(self, lines: int) -> None:
        """Move the cursor; one that is out of sight first comes back into the view.

        While the log follows, the newest packet is where the person is, wherever the cursor was left.
        """
        was_left = self.is_following and self.cursor is not None
        self._stand_still()
        first, stop = self._view()
        if was_left:
            self._put_cursor(stop - 1)
        elif self.cursor is None or not first <= self.cursor < stop:
            self._put_cursor(stop - 1 if lines < 0 else first)
        else:
            self._put_cursor(self.cursor + lines)

    def action_move_page(self, pages: int) -> None:
        cursor = None if self.is_following else self.cursor
        self._stand_still()
        first, stop = self._view()
        here = cursor if cursor is not None and first <= cursor < stop else stop - 1
        self._put_cursor(here + pages * max(1, self.height - 1))

    def action_oldest(self) -> None:
        """Go to the oldest packet that is still whole once it and its neighbours are held."""
        self._stand_still()
        oldest = self.lines.start
        self.lines.hold(oldest, oldest + self.height)
        while oldest < self._stop - 1 and self.lines.row(oldest) is None:
            oldest += 1
        self._put_cursor(oldest)

    def on_click(self, event: Click) -> None:
        line = self.top + event.y
        if line < self._stop:
            self._stand_still()
            self._put_cursor(line)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.prevent_default().stop()
        self._stand_still()
        self._scroll_view(self.scroll_offset.y - WHEEL_LINES)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.prevent_default().stop()
        if not self.is_live:
            self._scroll_view(self.scroll_offset.y + WHEEL_LINES)

    # The scrollbar speaks in these; Textual moves the view after we stopped it from running away.
    def on_scroll_to(self, message: ScrollTo) -> None:
        message.animate = False
        self._stand_still()

    def on_scroll_up(self, message: ScrollUp) -> None:
        message.prevent_default().stop()
        self._stand_still()
        self._scroll_view(self.scroll_offset.y - self.height)

    def on_scroll_down(self, message: ScrollDown) -> None:
        message.prevent_default().stop()
        if not self.is_live:
            self._scroll_view(self.scroll_offset.y + self.height)

    def _stand_still(self) -> None:
        """Stop following, and hold what is on screen so that the ring cannot take it away."""
        if self.is_following:
            self._hold()
            self.is_following = False
            self._say()

    def _hold(self) -> None:
        if self.is_live:
            first, self._seen = self._view()
            self.lines.hold(first, self._seen)

    def _put_cursor(self, line: int) -> None:
        """Put the cursor on a line and bring it into the view."""
        if self._stop == self._base:
            return
        self.cursor = min(max(line, self._base), self._stop - 1)
        self._show_cursor()
        self.lines.hold(*self._view())
        self._select(self.cursor)
        self.refresh(self.size.region)

    def _show_cursor(self) -> None:
        if self.cursor is None:
            return
        y = self.cursor - self._base
        lowest_top, highest_top = y - self.height + 1, y
        self._scroll_view(min(max(self.scroll_offset.y, lowest_top), highest_top))

    def _select(self, line: int | None) -> None:
        self.cursor = line
        self.post_message(self.RowSelected(None if line is None else self.lines.row(line)))

    def _say(self) -> None:
        state = following, paused, pending = self.is_following, self.is_paused, self.pending
        if state != self._said:
            self._said = state
            self.post_message(self.FollowChanged(following=following, paused=paused, pending=pending))

    def _measure(self, asked_at: float) -> None:
        self.rate.cost(time.monotonic() - asked_at)

    # -- scrolling

    def _view(self) -> tuple[int, int]:
        """Return the lines on screen, [first, stop)."""
        first = self.top
        return first, max(first, min(first + self.height, self._stop))

    def _redraw(self) -> None:
        """Take in new lines, keep the view where it belongs, and draw."""
        was_full = self._stop - self.top >= self.height
        if not self.is_paused:
            self._stop = self.lines.stop
        if self.is_live:
            self._base = min(self.lines.start, self._stop)
        self.place(self.line_count, self.line_count if self.is_live else self.scroll_offset.y)
        if self.is_live:
            self._seen = self._stop
        self._fit_columns()
        if self.is_live or not was_full:
            self.refresh(self.size.region)  # not refresh(): that would draw the scrollbar too

    def _scroll_view(self, y: int) -> None:
        """Scroll a view that stands still to row `y`, as near as the lines allow."""
        if self.place(self.line_count, y):
            self._seen = max(self._seen, self._view()[1])
            self._fit_columns()
            self.refresh(self.size.region)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._seen = max(self._seen, self._view()[1])

    def on_resize(self, _event: Resize) -> None:
        self._fit_columns()
        if self.is_live:
            self._redraw()
        elif self.cursor is not None and self.top <= self.cursor <= self.top + self._height_before:
            self._show_cursor()  # it was on screen, or at most the pill's row had pushed it out
        self._height_before = self.height

    def _fit_columns(self) -> None:
        """Choose the columns; a longer number elsewhere does not shift the rows of a still view."""
        newest = (self.lines.number_at(self._view()[1] - 1) or 0) + 1
        self._digits = len(str(newest)) if self.is_live else max(self._digits, len(str(newest)))
        fit = fit_columns(self.size.width, self._digits, is_tapped=self.lines.is_tapped)
        if fit != self._fit:
            self._fit = fit
            self.post_message(self.FitChanged())

    # -- drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._paint = None  # made when it is drawn: component styles are not ready here the first time

    def render_lines(self, crop: Region) -> list[Strip]:
        if self.slow_path:
            return super().render_lines(crop)
        width = self.size.width
        filters, background = self.app.get_line_filters(), self.background_colors[1]
        strips = []
        for row in self._rows(crop.y, crop.bottom):
            segments = row
            for line_filter in filters:
                segments = line_filter.apply(segments, background)
            strips.append(Strip(segments, width))
        if crop.column_span == (0, width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def render_line(self, y: int) -> Strip:
        return Strip(next(self._rows(y, y + 1)), self.size.width)

    def _rows(self, start: int, stop: int) -> Iterator[list[Segment]]:
        """Yield the segments of the rows [start, stop) of the view."""
        paint = self._paint = self._paint or PacketPaint(self)
        width = self.size.width
        if not self.line_count:
            for y in range(start, stop):
                yield paint.empty(self.empty_text, y, width, self.height)
            return
        first, end = self._view()
        if self.is_live:
            self.lines.read(first, end)
        else:
            self.lines.hold(first, end)
        for line in range(first + start, first + stop):
            row = self.lines.row(line)
            is_cursor = line == self.cursor
            if line >= end:
                yield paint.blank(width)
            elif row is None:
                yield paint.overwritten(self.lines.number_at(line), width, is_cursor=is_cursor)
            else:
                text = format_row(row, self._fit, self.interface_name, self.glyphs)
                yield paint.row(row, text, is_cursor=is_cursor)
