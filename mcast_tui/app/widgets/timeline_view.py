"""The timeline: what happened to memberships, newest last, unmoved while somebody reads further up."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from mcast_tui.app.fit import MUTED
from mcast_tui.app.widgets.cursor_rows import CursorRows
from mcast_tui.app.widgets.timeline_entry import entry_line
from mcast_tui.services.membership.timeline import Timeline

if TYPE_CHECKING:
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.widgets.membership_table import Key
    from mcast_tui.services.membership.facts import TimelineEntry

EMPTY = "Nothing yet. What happens to memberships, here and elsewhere, shows here."


class TimelineView(CursorRows):
    """Draws a `Timeline`, all of it or what is about one group; keeps no more of it than that does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "edge(0)", "Oldest", show=False, id="timeline.oldest"),
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
        super().__init__(self.row, glyphs, id="timeline")
        self.cursor = None  # it follows
        self._timeline = Timeline()
        self._only: Key | None = None
        self._hidden_before = 0
        self._taken = 0  # what `added` of the timeline was at the last look
        self._numbers: list[int] = []
        self._entries: list[TimelineEntry] = []
        self._seen = 0
        self._said = (True, 0)

    @property
    def is_following(self) -> bool:
        return self.cursor is None

    @property
    def chosen(self) -> TimelineEntry | None:
        """The entry under the cursor; None while it follows."""
        at = self.cursor
        return self._entries[at] if at is not None and at < len(self._entries) else None

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
        self._taken, self._numbers, self._entries, self.cursor = self._hidden_before, [], [], None
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
        self.set_total(len(self._entries), Content.styled(f" {EMPTY}", f"{MUTED} italic"))
        self._arrange()

    def _forget(self) -> None:
        """Let go of what the timeline let go of; what is read stays where it is as long as it is there."""
        gone = bisect_left(self._numbers, self._timeline.added - len(self._timeline))
        if not gone:
            return
        del self._numbers[:gone], self._entries[:gone]
        if self.cursor is not None:
            self.cursor = max(0, self.cursor - gone) if self._entries else None
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
        return entry_line(self._entries[y], self.row_width - 1, self._glyphs)

    # -- keys and mouse

    def on_resize(self) -> None:
        if self.is_following:
            self.call_after_refresh(self._arrange)

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        if self.is_following and round(new) < round(old) and round(new) < self.max_scroll_y:
            self.put_cursor(round(new) + max(1, self.size.height) - 1)  # the wheel, the scrollbar

    def action_follow(self) -> None:
        """Go to the newest entry and stay there."""
        self.cursor = None
        self._arrange()
        self.refresh()
        self.post_message(self.CursorMoved(None))

    def put_cursor(self, to: int) -> None:
        """Put the cursor on an entry, which ends the following, and say so."""
        if not self._entries:
            return
        if self.is_following:
            self._seen = self._taken
        super().put_cursor(to)
        self._say()
        self.post_message(self.CursorMoved(self.chosen))
