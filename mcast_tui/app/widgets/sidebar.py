"""The groups we joined with their rates, and who was heard in the selected one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from mcast_tui import human
from mcast_tui.app.fit import MUTED, cut, sparkline
from mcast_tui.app.palette import source_color
from mcast_tui.app.widgets.heading import Heading
from mcast_tui.app.widgets.rows import Rows
from mcast_tui.services.desk import ALL_TRAFFIC

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.monitor import Peer

LINES_PER_GROUP = 2
SPARK_WIDTH = 10
RATE_WIDTH = 6
UNREAD_WIDTH = 5
MOST_UNREAD = 99
"""Beyond it only that there are more is said, so that the number never touches the rate beside it."""
QUIET_AFTER_S = 60
"""A peer not heard for so long gets a hollow mark; it says nothing about whether he is there."""


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """One group as the list shows it."""

    id: int
    label: str
    rate: float | None
    history: tuple[float | None, ...] = ()
    unread: int = 0
    kernel: str = ""
    """The kernel's own words for the membership: ``users 2 EXCLUDE{}``."""
    alarm: str = ""
    """What is going to end it, in a few words; empty while nothing is known to."""
    is_off: bool = False
    """Nothing can come: the tap is closed."""


class GroupList(Rows, can_focus=True):
    """All traffic, the wire if it is listened to, the groups, and a way to join one more. Moving selects."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Previous group", show=False, id="groups.up"),
        Binding("down,j", "move(1)", "Next group", show=False, id="groups.down"),
        Binding("home", "edge(0)", "All traffic", show=False, id="groups.first"),
        Binding("end", "edge(1)", "Last group", show=False, id="groups.last"),
        Binding("enter", "enter", "To the log", show=False, id="groups.enter"),
    ]
    HELP = "The groups you joined. Up and down select one; the log, the peers, the chat and the input follow."

    class Selected(Message):
        """The person chose a group, or what else `services.desk` has a number for."""

        def __init__(self, group_id: int, *, entered: bool) -> None:
            super().__init__()
            self.group_id = group_id
            self.entered = entered
            """Whether he is done choosing: clicked or pressed enter."""

    class JoinWanted(Message):
        """The person asked for one more group."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(self.row, id="groups")
        self._glyphs = glyphs
        self._total: GroupEntry = GroupEntry(ALL_TRAFFIC, "All traffic", None)
        self._wire: GroupEntry | None = None
        self._group_ids: Sequence[int] = ()
        self._entry_of: Callable[[int], GroupEntry] = lambda group_id: GroupEntry(group_id, "", None)
        self._selected = ALL_TRAFFIC

    def show(
        self,
        total: GroupEntry,
        group_ids: Sequence[int],
        entry_of: Callable[[int], GroupEntry],
        selected: int,
        wire: GroupEntry | None = None,
    ) -> None:
        """Draw these; `total` stands for all traffic, `entry_of` is asked for the groups on screen only.

        `wire` is the entry of the tap; None where nobody asked for one.
        """
        moved = selected != self._selected
        self._total, self._group_ids, self._entry_of = total, group_ids, entry_of
        self._selected, self._wire = selected, wire
        self.set_row_count(self._head + LINES_PER_GROUP * len(group_ids) + 1)
        if moved:
            self._reveal()

    @property
    def _head(self) -> int:
        """Rows above the groups."""
        return 1 if self._wire is None else 1 + LINES_PER_GROUP

    def row(self, y: int) -> Content:
        if y == 0:
            return self._name_row(self._total)
        if self._wire is not None and y < self._head:
            return self._kernel_row(self._wire) if y > 1 else self._name_row(self._wire)
        index, part = divmod(y - self._head, LINES_PER_GROUP)
        if index >= len(self._group_ids):
            return Content.assemble("  ", ("+", "$success"), (" join a group", MUTED), ("  J", "$primary"))
        entry = self._entry_of(self._group_ids[index])
        return self._kernel_row(entry) if part else self._name_row(entry)

    def _name_row(self, entry: GroupEntry) -> Content:
        selected = entry.id == self._selected
        mark = self._glyphs.pointer if selected else " "
        rate = human.format_compact(entry.rate)
        count = f"{MOST_UNREAD}+" if entry.unread > MOST_UNREAD else str(entry.unread)
        unread = f"{self._glyphs.unread}{count}" if entry.unread else ""
        room = self.row_width - 2 - RATE_WIDTH - UNREAD_WIDTH
        style = MUTED if entry.is_off else ""
        name = Content.styled(entry.label, f"bold {style}" if selected else style)
        return Content.assemble(
            (f"{mark} ", "$primary"),
            cut(name, room, self._glyphs.ellipsis),
            (f"{rate:>{RATE_WIDTH}}", "" if entry.rate else MUTED),
            (f"{unread:>{UNREAD_WIDTH}}", "bold $warning"),
        )

    def _kernel_row(self, entry: GroupEntry) -> Content:
        if entry.alarm:
            alarm = Content.styled(f"{self._glyphs.warning} {entry.alarm}  ", "bold $warning")
            return cut(
                alarm.append(Content.styled(entry.kernel, MUTED)), self.row_width, self._glyphs.ellipsis
            )
        room = self.row_width - 2
        width = max(0, min(SPARK_WIDTH, room - len(entry.kernel) - 1))
        spark = f"{sparkline(entry.history, width, self._glyphs.spark)} " if width else ""
        kernel = cut(Content.styled(entry.kernel, MUTED), max(0, room - len(spark)), self._glyphs.ellipsis)
        return Content.assemble("  ", (spark, "$primary"), kernel)

    def on_rows_row_clicked(self, event: Rows.RowClicked) -> None:
        event.stop()
        index = self._index_at(event.y)
        ids = self._ids()
        if index >= len(ids):
            self.post_message(self.JoinWanted())
        else:
            self.post_message(self.Selected(ids[index], entered=True))

    def action_move(self, step: int) -> None:
        ids = self._ids()
        here = ids.index(self._selected) if self._selected in ids else 0
        self.post_message(self.Selected(ids[max(0, min(len(ids) - 1, here + step))], entered=False))

    def action_edge(self, last: int) -> None:
        self.post_message(self.Selected(self._ids()[-1 if last else 0], entered=False))

    def action_enter(self) -> None:
        self.post_message(self.Selected(self._selected, entered=True))

    def _ids(self) -> list[int]:
        return [ALL_TRAFFIC, *([] if self._wire is None else [self._wire.id]), *self._group_ids]

    def _index_at(self, y: int) -> int:
        """Return which entry row `y` belongs to; one past the last is the way to join."""
        return 0 if y == 0 else 1 + (y - 1) // LINES_PER_GROUP

    def _reveal(self) -> None:
        """Scroll so far that the selected group is on screen."""
        ids = self._ids()
        index = ids.index(self._selected) if self._selected in ids else 0
        # Below the first row each entry has as many, the wire too.
        top = 0 if index == 0 else 1 + (index - 1) * LINES_PER_GROUP
        height = self.scrollable_content_region.height
        if top < self.scroll_offset.y or top + LINES_PER_GROUP > self.scroll_offset.y + height:
            self.scroll_to(y=top, animate=False)


class PeerList(Rows):
    """Who was heard in the selected group, most recent first."""

    class PeerChosen(Message):
        """The person clicked a peer."""

        def __init__(self, peer: Peer) -> None:
            super().__init__()
            self.peer = peer

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(self.row, id="peers")
        self._glyphs = glyphs
        self._peers: Sequence[Peer] = ()
        self._now = 0

    def show(self, peers: Sequence[Peer], now: int) -> None:
        """Draw these; `now` is wall clock, ns since the epoch."""
        self._peers, self._now = peers, now
        self.set_row_count(len(peers))

    def row(self, y: int) -> Content:
        peer = self._peers[y]
        age = max(0.0, (self._now - peer.last_seen) / 1e9)
        mark = self._glyphs.inferred if age > QUIET_AFTER_S else self._glyphs.seen
        color = source_color(peer.address, dark=self.app.current_theme.dark)
        said = "you" if peer.own else human.format_age(age)
        room = self.row_width - 2 - 9
        address = cut(Content.styled(str(peer.address), color), room, self._glyphs.ellipsis)
        return Content.assemble((f"{mark} ", color), address, (f"{said:>9}", MUTED))

    def on_rows_row_clicked(self, event: Rows.RowClicked) -> None:
        event.stop()
        self.post_message(self.PeerChosen(self._peers[event.y]))


class Sidebar(Vertical):
    """Both lists under their headings."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="sidebar")
        self.groups = GroupList(glyphs)
        self.peers = PeerList(glyphs)
        self._group_heading = Heading("GROUPS", id="group-heading")
        self._peer_heading = Heading("PEERS", ellipsis=glyphs.ellipsis, id="peer-heading")

    def compose(self) -> ComposeResult:
        yield self._group_heading
        yield self.groups
        yield self._peer_heading
        yield self.peers

    def on_mount(self) -> None:
        self._group_heading.show("GROUPS", f"{'/s':>{RATE_WIDTH}}{'new':>{UNREAD_WIDTH}}")

    def show_peers(self, where: str, peers: Sequence[Peer], now: int) -> None:
        """Draw the peers of the group of that label."""
        self._peer_heading.show(f"PEERS on {where}" if where else "PEERS", str(len(peers)))
        self.peers.show(peers, now)
