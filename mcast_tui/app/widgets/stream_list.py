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
from mcast_tui.app.widgets.heading import Heading
from mcast_tui.app.widgets.packet_link import protocol_name
from mcast_tui.app.widgets.rows import Rows
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


class StreamList(Rows, can_focus=True):
    """One row a stream, in the order of the destinations; one row has the cursor."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Previous stream", show=False, id="streams.up"),
        Binding("down,j", "move(1)", "Next stream", show=False, id="streams.down"),
        Binding("home", "edge(0)", "First stream", show=False, id="streams.first"),
        Binding("end", "edge(1)", "Last stream", show=False, id="streams.last"),
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
        super().__init__(self.row)
        self._glyphs = glyphs
        self._streams: Sequence[StreamNow] = ()
        self._now = 0
        self._cursor = 0
        self._is_open = False
        self._cells = fit_columns(0)

    @property
    def chosen(self) -> StreamNow | None:
        """The stream under the cursor."""
        return self._streams[self._cursor] if self._cursor < len(self._streams) else None

    @property
    def titles(self) -> str:
        return titles_of(COLUMNS, self._cells)

    def show(self, streams: Sequence[StreamNow], now: int, *, is_open: bool) -> None:
        """Draw these at `now`, ns since the epoch; the cursor stays on its stream.

        None of them says nothing while the tap is not open.
        """
        chosen, self._is_open = self.chosen, is_open
        self._streams, self._now = streams, now
        if chosen is not None:
            keys = (at for at, each in enumerate(streams) if each.key == chosen.key)
            self._cursor = next(keys, max(0, min(self._cursor, len(streams) - 1)))
        self.set_row_count(len(streams) or 1)

    def row(self, y: int) -> Content:
        if y >= len(self._streams):
            return Content.styled(f" {NOBODY if self._is_open else UNKNOWN}", MUTED)
        is_chosen = y == self._cursor
        mark = self._glyphs.cursor if is_chosen else " "
        line = Content.assemble((mark, "$primary"), self._line(self._streams[y]))
        if not is_chosen:
            return line
        tint = "bold reverse" if self.app.no_color else "bold on $primary 25%"
        return line.truncate(self.row_width, pad=True).stylize(tint)

    def _line(self, each: StreamNow) -> Content:
        stream, cells, ellipsis = each.stream, self._cells, self._glyphs.ellipsis
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

    def action_move(self, step: int) -> None:
        self._put_cursor(self._cursor + step)

    def action_edge(self, last: int) -> None:
        self._put_cursor(len(self._streams) - 1 if last else 0)

    def action_join(self) -> None:
        if self.chosen is not None:
            self.post_message(self.JoinWanted(self.chosen))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return self.chosen is not None if action == "join" else True

    def on_rows_row_clicked(self, event: Rows.RowClicked) -> None:
        event.stop()
        self._put_cursor(event.y)

    def _put_cursor(self, to: int) -> None:
        self._cursor = max(0, min(to, len(self._streams) - 1))
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        wanted = min(max(top, self._cursor - height + 1), self._cursor)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True, immediate=True)
        self.refresh()


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

    def show(self, streams: Sequence[StreamNow], now: int, uncounted: int, *, is_open: bool) -> None:
        """Draw these; `uncounted` packets were evicted before anybody asked whose they were."""
        missing = f", {human.format_count(uncounted)} packets not counted" if uncounted else ""
        self._heading.show("STREAMS ON THE WIRE", f"{len(streams)}{missing}, v here and back ")
        self.list.show(streams, now, is_open=is_open)

    def on_stream_list_titles_changed(self, event: StreamList.TitlesChanged) -> None:
        event.stop()
        self._titles.show(self.list.titles)
