"""The timeline: what happened to memberships, newest last, unmoved while somebody reads further up."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from mcast_tui.app.fit import MUTED
from mcast_tui.app.widgets.rows import Rows
from mcast_tui.app.widgets.timeline_entry import entry_line
from mcast_tui.services.membership.timeline import Timeline

if TYPE_CHECKING:
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.widgets.membership_table import Key
    from mcast_tui.services.membership.facts import TimelineEntry

EMPTY = "Nothing yet. What happens to memberships, here and elsewhere, shows here."


class TimelineView(Rows, can_focus=True):
    """Draws a `Timeline`, all of it or what is about one group; keeps no more of it than that does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="timeline.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="timeline.down"),
        Binding("pageup", "move_page(-1)", "Page up", show=False, id="timeline.page_up"),
        Binding("pagedown", "move_page(1)", "Page down", show=False, id="timeline.page_down"),
        Binding("home", "oldest", "Oldest", show=False, id="timeline.oldest"),
        Binding("end,F,G", "follow", "Newest", id="timeline.follow"),
    ]
    HELP = (
        "What happened to memberships. A filled mark was seen, a hollow one is inferred from what was.\n"
        "Moving up stops following; End goes back to the newest. Enter shows all that is known of an entry."
    )

    class StateChanged(Message):
        """It began or ceased to follow, or `pending` changed."""

    class CursorMoved(Message):
        """The person chose an entry; None when it follows again."""

        def __init__(self, entry: TimelineEntry | None) -> None:
            super().__init__()
            self.entry = entry

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(self.row, id="timeline")
        self._glyphs = glyphs
        self._timeline = Timeline()
        self._only: Key | None = None
        self._hidden_before = 0
        self._taken = 0  # what `added` of the timeline was at the last look
        self._numbers: list[int] = []
        self._entries: list[TimelineEntry] = []
        self._cursor: int | None = None  # the number of an entry; None while it follows
        self._seen = 0
        self._said = (True, 0)

    @property
    def is_following(self) -> bool:
        return self._cursor is None

    @property
    def chosen(self) -> TimelineEntry | None:
        """The entry under the cursor; None while it follows."""
        at = self._place()
        return None if at is None else self._entries[at]

    @property
    def only(self) -> Key | None:
        """The group it is narrowed to."""
        return self._only

    @property
    def pending(self) -> int:
        """Entries that came since the newest is not kept in view."""
        return 0 if self.is_following else len(self._numbers) - bisect_left(self._numbers, self._seen)

    def show(self, timeline: Timeline, only: Key | None = None) -> None:
        """Draw this timeline; of one group alone if `only` says which."""
        if timeline is not self._timeline or only != self._only:
            self._timeline, self._only = timeline, only
            self._read_anew()
        else:
            self.update_entries()

    def clear(self, *, undo: bool) -> int:
        """Hide what is in it, or show it again; return how many entries that concerned."""
        shown = len(self._entries)
        self._hidden_before = 0 if undo else self._timeline.added
        self._read_anew()
        return abs(len(self._entries) - shown)

    def update_entries(self) -> None:
        """Take in what came; costs next to nothing when nothing did."""
        if self._timeline.added != self._taken:
            self._take_in()

    def _read_anew(self) -> None:
        self._taken, self._numbers, self._entries, self._cursor = self._hidden_before, [], [], None
        self._take_in()

    def _take_in(self) -> None:
        came = self._timeline.since(self._taken)
        first = self._timeline.added - len(came)
        self._taken = self._timeline.added
        for number, entry in enumerate(came, first):
            if self._only is None or self._only == (entry.ifindex, entry.group):
                self._numbers.append(number)
                self._entries.append(entry)
        if came:
            self._forget()
        self.set_row_count(len(self._entries) or 1)
        self._arrange()

    def _forget(self) -> None:
        """Let go of what the timeline let go of; what is read stays where it is as long as it is there."""
        gone = bisect_left(self._numbers, self._timeline.added - len(self._timeline))
        if not gone:
            return
        del self._numbers[:gone], self._entries[:gone]
        if self._cursor is not None:
            self._cursor = max(self._cursor, self._numbers[0]) if self._numbers else None
            self._scroll(max(0, self.scroll_offset.y - gone))

    def _arrange(self) -> None:
        if self.is_following:
            self._seen = self._taken
            self._scroll(len(self._entries))
        self._say()

    def _scroll(self, y: int) -> None:
        self.scroll_to(y=y, animate=False, force=True, immediate=True)

    def _say(self) -> None:
        if (self.is_following, self.pending) != self._said:
            self._said = (self.is_following, self.pending)
            self.post_message(self.StateChanged())

    # -- drawing

    def row(self, y: int) -> Content:
        if not self._entries:
            return Content.styled(f" {EMPTY}", f"{MUTED} italic")
        entry = self._entries[y]
        is_chosen = self._numbers[y] == self._cursor
        mark = self._glyphs.cursor if is_chosen else " "
        line = Content.assemble((mark, "$primary"), entry_line(entry, self.row_width - 1, self._glyphs))
        line = line.truncate(self.row_width, pad=True)
        if not is_chosen:
            return line
        return line.stylize("bold reverse" if self.app.no_color else "bold on $primary 25%")

    # -- keys and mouse

    def on_resize(self) -> None:
        if self.is_following:
            self.call_after_refresh(self._arrange)

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        if self.is_following and round(new) < round(old) and round(new) < self.max_scroll_y:
            self._put_cursor(round(new) + max(1, self.size.height) - 1)  # the wheel, the scrollbar

    def action_move(self, step: int) -> None:
        at = self._place()
        self._go(len(self._entries) - 1 if at is None and step < 0 else (at or 0) + step)

    def action_move_page(self, pages: int) -> None:
        at = self._place()
        here = len(self._entries) - 1 if at is None else at
        self._go(here + pages * max(1, self.size.height - 1))

    def action_oldest(self) -> None:
        self._go(0)

    def action_follow(self) -> None:
        """Go to the newest entry and stay there."""
        self._cursor = None
        self._arrange()
        self.refresh()
        self.post_message(self.CursorMoved(None))

    def on_rows_row_clicked(self, event: Rows.RowClicked) -> None:
        event.stop()
        self._go(event.y)

    def _place(self) -> int | None:
        """Return where the cursor's entry is now; the oldest one stands in for one that is gone."""
        if self._cursor is None or not self._entries:
            return None
        return min(bisect_left(self._numbers, self._cursor), len(self._entries) - 1)

    def _go(self, to: int) -> None:
        if not self._entries:
            return
        self._put_cursor(to)
        at = self._place() or 0
        height = max(1, self.size.height)
        self._scroll(min(max(self.scroll_offset.y, at - height + 1), at))
        self.refresh()

    def _put_cursor(self, to: int) -> None:
        if self.is_following:
            self._seen = self._taken
        self._cursor = self._numbers[max(0, min(to, len(self._numbers) - 1))]
        self._say()
        self.post_message(self.CursorMoved(self.chosen))
