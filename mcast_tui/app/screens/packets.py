"""The Packets screen's centre: column titles, the live log, the "new packets" pill, the detail.

`PacketsPane` owns no socket and starts no timer: it reads a ring, and asks a tap what else it saw,
when it is told to. The frame mounts it and speaks to it like this::

    pane = PacketsPane(ring, interface_name, glyphs)   # interface_name: ifindex -> name, or None
    pane.show(group.selects, group.label, SELECTED_BY) # scope it; show(None, "") is every packet
    pane.show_wire(traffic) # what a tap sees, in place of the ring
    pane.tick()             # 30 times a second while it is on screen; it skips frames by itself
    pane.pause(), pane.resume(), pane.toggle_pause()   # the display only: the capture goes on
    pane.follow()           # the newest packet at the bottom; the only way it follows again
    pane.clear(), pane.undo_clear()                    # -> how many packets are hidden, shown again
    pane.forget(group.label)                           # it was left: joined again, it is not cleared
    pane.toggle_refused()   # refused packets are hidden at first
    pane.selected           # the packet in the detail, or None
    pane.skipped            # packets this view never got to see: the fourth loss counter

Its messages are `PacketSelected`, `FollowChanged`, `PauseChanged`, `ReplyRequested` and `JoinWanted`. Its
stylesheet is `packets.tcss` beside this file; it loads that itself.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.getters import query_one
from textual.message import Message

from mcast_tui.app.palette import UNICODE
from mcast_tui.app.screens.packets_layout import PaneLayout, Room
from mcast_tui.app.screens.packets_scope import Scope
from mcast_tui.app.widgets.frame_rate import is_behind_ssh
from mcast_tui.app.widgets.packet_bars import ColumnHeader, FollowPill
from mcast_tui.app.widgets.packet_detail import PacketDetail
from mcast_tui.app.widgets.packet_log import PacketLog
from mcast_tui.app.widgets.packet_row import packet_of
from mcast_tui.app.widgets.stream_list import StreamList, StreamPanel, say_missing
from mcast_tui.human import format_count
from mcast_tui.safe import show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.widgets.packet_row import Row
    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.capture.selection import Predicate
    from mcast_tui.services.tap.streams import Stream
    from mcast_tui.services.tap.traffic import TapTraffic
    from mcast_tui.wire.columns import Packet


class PacketsPane(Vertical):
    """The live log of a ring and the detail of one packet; see the module for its use."""

    DEFAULT_CSS = Path(__file__).with_name("packets.tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]  # Textual's own is a list of a union
        Binding("enter", "toggle_detail", "Detail", id="packets.detail"),
        Binding("escape", "close_detail", "Back to the log", id="packets.back", show=False),
        Binding("y", "copy_hex", "Copy hex", id="packets.copy_hex", show=False),
        Binding("Y", "copy_text", "Copy text", id="packets.copy_text", show=False),
        Binding("r", "reply", "Reply", id="packets.reply", show=False),
        Binding("x", "toggle_refused", "Refused", id="packets.refused", show=False),
        Binding("v", "go_to_streams", "Streams on the wire, and back", id="packets.streams"),
    ]

    header = query_one(ColumnHeader)
    log_view = query_one(PacketLog)
    pill = query_one(FollowPill)
    detail = query_one(PacketDetail)
    streams = query_one(StreamPanel)

    class PacketSelected(Message):
        """The user selected a packet by its number; None when the view it was in went away."""

        def __init__(self, number: int | None) -> None:
            super().__init__()
            self.number = number

    class FollowChanged(Message):
        """The log began or ceased to follow, or `pending`, the lines below the view, changed."""

        def __init__(self, *, following: bool, pending: int) -> None:
            super().__init__()
            self.following = following
            self.pending = pending

    class PauseChanged(Message):
        """The log was paused or resumed."""

        def __init__(self, *, paused: bool) -> None:
            super().__init__()
            self.paused = paused

    class ReplyRequested(Message):
        """The user wants to answer the sender of this packet."""

        def __init__(self, packet: Packet) -> None:
            super().__init__()
            self.packet = packet

    class JoinWanted(Message):
        """The user wants to join the group of this stream."""

        def __init__(self, stream: Stream) -> None:
            super().__init__()
            self.stream = stream

    def __init__(
        self,
        ring: PacketRing,
        interface_name: Callable[[int], str | None],
        glyphs: Glyphs = UNICODE,
        *,
        is_remote: bool | None = None,
        id: str | None = None,  # noqa: A002  # Textual's own word
    ) -> None:
        super().__init__(id=id)
        self._received = ring
        self._scope = Scope(ring)
        self._interface_name = interface_name
        self._glyphs = glyphs
        self._is_remote = is_behind_ssh() if is_remote is None else is_remote
        self._row: Row | None = None  # the one in the detail
        self._cleared: dict[str, int] = {}  # title -> packets before this number are hidden
        self._with_refused = False
        self._layout = PaneLayout()
        self._was_paused = False

    def compose(self) -> ComposeResult:
        yield ColumnHeader()
        lines = self._scope.lines(with_refused=False, hidden_before=0)
        yield PacketLog(lines, self._interface_name, self._glyphs, is_remote=self._is_remote)
        yield FollowPill(self._glyphs)
        yield PacketDetail(self._interface_name, self._glyphs)
        yield StreamPanel(self._glyphs)

    def on_mount(self) -> None:
        self._show_lines()

    # -- the frame's side

    @property
    def selected(self) -> Packet | None:
        """The packet in the detail."""
        return self.detail.packet

    @property
    def skipped(self) -> int:
        """Packets the ring evicted before this view looked at them: they came too fast, or unseen."""
        return self.log_view.lines.skipped

    def show(self, predicate: Predicate | None, title: str, names: Sequence[str] | None = None) -> None:
        """Show the packets that `predicate` selects by the columns `names`; all of them when None.

        What is shown already stays as it is, with its reading position and its selected packet.
        """
        self._show(Scope(self._received, predicate, title, names))

    def show_wire(self, traffic: TapTraffic) -> None:
        """Show what a tap sees, as `show` does; while it is closed, why, and what would open it."""
        self._show(Scope.of_wire(traffic))
        if self.is_attached:
            self.log_view.say_when_empty(self._empty_text())
            self.detail.update_wire(self._scope.wire_of(self._row))  # who is a member may have changed since
            self.show_streams()

    def _show(self, scope: Scope) -> None:
        if scope == self._scope:
            return
        self._scope = scope
        self._layout.show(is_on_wire=scope.traffic is not None)
        if self.is_attached:
            self._show_lines()
            self._arrange()

    def show_streams(self) -> None:
        """Draw who sends what, if that is on screen."""
        traffic = self._scope.traffic
        if traffic is not None and self._layout.shows_streams(self._room):
            streams, tap = traffic.streams(time.monotonic()), traffic.tap
            missing = say_missing(tap.forgotten_streams, tap.streamless)
            self.streams.show(streams, time.time_ns(), missing, is_open=tap.state.is_open)

    def _show_lines(self) -> None:
        hidden_before = self._cleared.get(self._scope.title, 0)
        lines = self._scope.lines(with_refused=self._with_refused, hidden_before=hidden_before)
        self.log_view.show(lines, self._empty_text())

    def _empty_text(self) -> tuple[str, ...]:
        return self._scope.empty_text(is_cleared=self._scope.title in self._cleared)

    def tick(self) -> None:
        """Draw what arrived, if a frame is due."""
        self.log_view.tick()

    def pause(self) -> None:
        """Let the display stand still; the capture goes on."""
        self.log_view.pause()

    def resume(self) -> None:
        """End a pause."""
        self.log_view.resume()

    def toggle_pause(self) -> None:
        """Pause, or end the pause."""
        self.log_view.action_toggle_pause()

    def follow(self) -> None:
        """Show the newest packet and those that come."""
        self.log_view.follow()

    def focus_log(self) -> None:
        """Give the keys to the log."""
        self.log_view.focus()

    def clear(self) -> int:
        """Hide what this view has got so far; return how many lines that are."""
        lines = self.log_view.lines
        lines.extend()
        hidden = lines.stop - lines.start
        self._cleared[self._scope.title] = self._scope.ring.head
        self._show_lines()
        return hidden

    def undo_clear(self) -> int:
        """Show again what `clear` hid from this view and the ring still has; return how many lines."""
        hidden = self.log_view.lines.hidden
        self._cleared.pop(self._scope.title, None)
        self._show_lines()
        return hidden

    def forget(self, title: str) -> None:
        """Let what was cleared from this view be shown when it is asked for again: its group was left."""
        self._cleared.pop(title, None)

    def toggle_refused(self) -> None:
        """Show or hide the packets that a filter of ours refused."""
        self._with_refused = not self._with_refused
        self._show_lines()
        shown = "shown, marked" if self._with_refused else "hidden again"
        mark = f" {self._glyphs.failed}" if self._with_refused else ""
        self.notify(f"Refused packets are {shown}{mark}.", markup=False)

    @property
    def _command_shown(self) -> str:
        """The shell line that stands in the empty log; empty where none does."""
        closed = self._scope.closed
        return "" if closed is None or self.log_view.line_count else closed.command

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        match action:
            case "close_detail":
                return self._layout.hides_log
            case "go_to_streams":
                return self._scope.traffic is not None
        return True

    def action_toggle_detail(self) -> None:
        """Show or hide the detail; with nothing selected yet, select the newest packet on screen."""
        self._layout.toggle_detail(self._room)
        if self.is_detail_open and self.selected is None:
            self.log_view.action_move(-1)
        self._arrange()

    def action_close_detail(self) -> None:
        self._layout.go_back()
        self._arrange()

    def action_go_to_streams(self) -> None:
        """Go to the streams, showing them; from there, back to the log."""
        was_there = self.streams.list.has_focus
        if was_there:
            self._layout.leave_streams(self._room)
        else:
            self._layout.show_streams(self._room)
        self._arrange()
        self.show_streams()
        self.call_after_refresh((self.log_view if was_there else self.streams.list).focus)

    def action_copy_hex(self) -> None:
        self._copy("hex", lambda payload: payload.hex(" "))

    def action_copy_text(self) -> None:
        self._copy("text", lambda payload: "\n".join(show(line).text for line in payload.split(b"\n")))

    def _copy(self, form: str, convert: Callable[[bytes], str]) -> None:
        """Copy the selected payload through the terminal (OSC 52) and say how much that is."""
        packet, command = self.selected, self._command_shown
        if packet is None and command:
            self.app.copy_to_clipboard(command)
            self.notify(f"Copied: {command}", markup=False)
        elif packet is None:
            self._refuse("Select a packet first: nothing was copied.")
        elif packet.payload is None:
            self._refuse("The payload was evicted from the ring: nothing was copied.")
        else:
            self.app.copy_to_clipboard(convert(packet.payload))
            kept, whole = len(packet.payload), packet.length
            of_whole = f" of {format_count(whole)}" if kept < whole else ""
            self.notify(f"Copied {format_count(kept)}{of_whole} bytes as {form}.", markup=False)

    def action_reply(self) -> None:
        if self.selected is None:
            self._refuse("Select a packet first: its sender is who a reply goes to.")
        else:
            self.post_message(self.ReplyRequested(self.selected))

    def action_toggle_refused(self) -> None:
        self.toggle_refused()

    def _refuse(self, why: str) -> None:
        self.notify(why, severity="warning", markup=False)

    # -- what the log says

    @on(PacketLog.FitChanged)
    def show_titles(self) -> None:
        self.header.show(self.log_view.fit)

    @on(PacketLog.FollowChanged)
    def show_pill(self, message: PacketLog.FollowChanged) -> None:
        message.stop()
        self.pill.show(paused=message.paused, pending=message.pending)
        self.set_class(message.paused or not message.following, "-standing")
        if message.paused != self._was_paused:
            self._was_paused = message.paused
            self.post_message(self.PauseChanged(paused=message.paused))
        self.post_message(self.FollowChanged(following=message.following, pending=message.pending))

    @on(PacketLog.RowSelected)
    def show_packet(self, message: PacketLog.RowSelected) -> None:
        message.stop()
        row = self._row = message.row
        packet = None if row is None else self._scope.ring.packet(row.number)
        if row is not None and (packet is None or packet.payload is None):
            packet = packet_of(row, row.payload)  # the log held a copy: more than the ring has left
        self.detail.show(packet, self._scope.wire_of(row))
        if self._scope.traffic is not None:
            self._layout.select(is_packet=packet is not None)
            self._arrange()
        self.post_message(self.PacketSelected(None if packet is None else packet.number))

    @on(StreamList.JoinWanted)
    def join_stream(self, message: StreamList.JoinWanted) -> None:
        message.stop()
        self.post_message(self.JoinWanted(message.wanted.stream))

    @on(FollowPill.Clicked)
    def follow_again(self) -> None:
        self.follow()

    # -- where the parts stand

    @property
    def _room(self) -> Room:
        return Room(self.app.size.width, *self.size)

    @property
    def is_detail_open(self) -> bool:
        """Whether the detail is asked for, wherever it stands; it shows once a packet is selected."""
        return self._layout.is_detail_open(self._room)

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Put the parts where they belong at this size, and the keys where the user looks."""
        had_focus = self.has_focus_within
        for name, is_set in self._layout.arrange(self._room).items():
            self.set_class(is_set, name)
        if had_focus and not (self._layout.shows_streams(self._room) and self.streams.list.has_focus):
            (self.detail.fields if self._layout.is_detail_full else self.log_view).focus()
        self.refresh_bindings()
