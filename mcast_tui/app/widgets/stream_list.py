"""Streams on the wire: who sends to which group, how much, and whether anybody here is a member."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from mcast_tui import human
from mcast_tui.app.fit import MUTED, shorten
from mcast_tui.app.palette import source_color
from mcast_tui.app.widgets.columns import Column, fit_cells, line_of, titles_of
from mcast_tui.app.widgets.cursor_rows import CursorRows
from mcast_tui.app.widgets.heading import Heading
from mcast_tui.app.widgets.packet_link import protocol_name
from mcast_tui.services.tap.traffic import Standing
from mcast_tui.wire.address import address_and_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.tap.traffic import StreamNow

COLUMNS: Final = {
    "source": Column("Source", 15),
    "destination": Column("Destination", 21),
    "rate": Column("   /s", 5),
    "bytes": Column("  Bytes", 7),
    "seen": Column("Seen", 7),
    "vlan": Column("VLAN", 4),
    "standing": Column("Member here", 11),
}
"""From left to right."""
DROPPED: Final = ("vlan", "seen", "bytes")
"""What a narrow list does without, the first first."""
WIDENED: Final = (("destination", 30), ("source", 39), ("destination", 47))
"""Who gets the cells that are left, and up to how many: a whole IPv6 address, with its port."""
STANDINGS: Final = {
    Standing.OURS: ("this app", "$success"),
    Standing.OTHERS: ("others", ""),
    Standing.NOBODY: ("nobody", "bold $warning"),
    Standing.UNKNOWN: ("?", MUTED),
    None: ("-", MUTED),
}
NOBODY: Final = "Nobody was seen to send to a group or broadcast address so far."
UNKNOWN: Final = "Not known while the tap is closed."


def fit_columns(width: int) -> dict[str, int]:
    """Return the cells of each column that fits."""
    return fit_cells({name: column.least for name, column in COLUMNS.items()}, width, DROPPED, WIDENED)


class StreamList(CursorRows):
    """One row a stream, in the order of the destinations; one row has the cursor."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("J", "join", "Join the group of this stream", id="streams.join"),
    ]
    HELP = (
        "Who was seen to send to which group or broadcast address; a source can be forged. Member here:\n"
        "this app, others on this host, or nobody here, so that only the tap sees it. J joins one."
    )

    class JoinWanted(Message):
        """The person wants to join the group of this stream."""

        def __init__(self, wanted: StreamNow) -> None:
            super().__init__()
            self.wanted = wanted

    class TitlesChanged(Message):
        """Other columns fit now."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(self.row, glyphs)
        self._streams: Sequence[StreamNow] = ()
        self._now = 0
        self._cells = fit_columns(0)

    @property
    def chosen(self) -> StreamNow | None:
        """The stream under the cursor."""
        at = self.cursor
        return self._streams[at] if at is not None and at < len(self._streams) else None

    @property
    def titles(self) -> str:
        return titles_of(COLUMNS, self._cells)

    def show(self, streams: Sequence[StreamNow], now: int, *, is_open: bool) -> None:
        """Draw these at `now`, ns since the epoch; the cursor stays on its stream.

        None of them says nothing while the tap is not open.
        """
        chosen, at = self.chosen, self.cursor
        self._streams, self._now = streams, now
        self.set_total(len(streams), Content.styled(f" {NOBODY if is_open else UNKNOWN}", MUTED))
        if chosen is not None:
            keys = (row for row, each in enumerate(streams) if each.key == chosen.key)
            self.cursor = next(keys, self.cursor)
        if self.cursor != at:
            self.reveal()
        if (self.chosen is None) != (chosen is None):
            self.refresh_bindings()

    def row(self, y: int) -> Content:
        each, cells, ellipsis = self._streams[y], self._cells, self._glyphs.ellipsis
        stream = each.stream
        place = address_and_port(str(stream.destination), stream.port)
        if stream.protocol is not None:
            place += f" {protocol_name(stream.protocol)}"
        hue = source_color(stream.source, dark=self.app.current_theme.dark)
        age = human.format_age(max(0.0, (self._now - stream.last_seen) / 1e9))
        said = {
            "source": (shorten(str(stream.source), cells["source"], ellipsis), hue),
            "destination": (shorten(place, cells["destination"], ellipsis), "bold"),
            "rate": (f"{human.format_compact(each.packets_per_s):>5}", ""),
            "bytes": (f"{human.format_compact(stream.bytes):>7}", ""),
            "seen": (age, MUTED),
            "vlan": ("-" if stream.vlan is None else str(stream.vlan), ""),
            "standing": STANDINGS[each.standing],
        }
        own = f" {self._glyphs.own} sent here" if stream.is_outgoing else ""
        return line_of(said, cells, ellipsis).append(own)

    def on_resize(self) -> None:
        self._cells = fit_columns(self.row_width)
        self.post_message(self.TitlesChanged())

    def action_join(self) -> None:
        if self.chosen is not None:
            self.post_message(self.JoinWanted(self.chosen))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return self.chosen is not None if action == "join" else True


def say_missing(forgotten: int, uncounted: int) -> str:
    """Say how many streams made room for later ones, and how many packets were evicted before any look."""
    gone = f", {human.format_count(forgotten)} made room" if forgotten else ""
    return f"{gone}, {human.format_count(uncounted)} packets not counted" if uncounted else gone


class StreamPanel(Vertical):
    """The list under its heading."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.list = StreamList(glyphs)
        self._heading = Heading("STREAMS ON THE WIRE")
        self._titles = Heading("", classes="stream-titles")

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self._titles
        yield self.list

    def show(self, streams: Sequence[StreamNow], now: int, missing: str, *, is_open: bool) -> None:
        """Draw these, and say what is missing among them: `say_missing`."""
        self._heading.show("STREAMS ON THE WIRE", f"{len(streams)}{missing}, v here and back ")
        self.list.show(streams, now, is_open=is_open)

    def on_stream_list_titles_changed(self, event: StreamList.TitlesChanged) -> None:
        event.stop()
        self._titles.show(self.list.titles)
