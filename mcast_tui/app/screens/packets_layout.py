"""What the Packets screen's centre shows beside its log, and where: rules without a widget.

Where there is room the detail, or on the wire the streams, stand below the log; where there is none,
one of them may take its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from mcast_tui.app.widgets.hex_view import WIDE_CELLS

BELOW_WIDTH: Final = 100
"""Columns of the terminal from which on something stands below the log; under it, in its place."""

BELOW_HEIGHT: Final = 22
"""Rows of the pane from which on ten are left for the log."""

WIDE_HEX_WIDTH: Final = WIDE_CELLS + 52
"""Columns of the pane from which on the dump may have 16 bytes a row beside the fields."""


class Room(NamedTuple):
    """How large things are, in cells."""

    terminal_width: int
    width: int
    height: int
    """Of the pane, as its width."""

    @property
    def is_for_two(self) -> bool:
        """Whether something can stand below the log."""
        return self.terminal_width >= BELOW_WIDTH and self.height >= BELOW_HEIGHT


@dataclass(slots=True)
class PaneLayout:
    """What the person asked to see beside the log."""

    is_on_wire: bool = False
    """There are streams to be seen."""
    is_below_open: bool = True
    """In room for two: something stands below the log."""
    has_streams_below: bool = True
    """And on the wire that is the streams, until a packet is selected."""
    is_detail_full: bool = False
    """In less room: the detail stands in the log's place."""
    has_streams_full: bool = False
    """Or the streams do."""

    def show(self, *, is_on_wire: bool) -> None:
        """Another view begins: on the wire with its streams."""
        self.is_on_wire, self.has_streams_below, self.has_streams_full = is_on_wire, True, False

    def select(self, *, is_packet: bool) -> None:
        """On the wire the detail of a packet takes the streams' place, until none is selected."""
        if self.is_on_wire:
            self.has_streams_below = not is_packet

    def toggle_detail(self, room: Room) -> None:
        """Show the detail, or hide it; streams below the log make way for it."""
        if self._are_streams_below(room):
            self.has_streams_below = False
        elif room.is_for_two:
            self.is_below_open = not self.is_below_open
        else:
            self.is_detail_full, self.has_streams_full = not self.is_detail_full, False

    def show_streams(self, room: Room) -> None:
        """Show the streams."""
        if room.is_for_two:
            self.has_streams_below = self.is_below_open = True
        else:
            self.has_streams_full, self.is_detail_full = True, False

    def leave_streams(self, room: Room) -> None:
        """Go back to the log, which streams below it do not hide."""
        if not room.is_for_two:
            self.go_back()

    def go_back(self) -> None:
        """Give the log its place again."""
        self.is_detail_full = self.has_streams_full = False

    @property
    def hides_log(self) -> bool:
        return self.is_detail_full or self.has_streams_full

    def is_detail_open(self, room: Room) -> bool:
        """Whether the detail is asked for, wherever it stands; it shows once a packet is selected."""
        return self.is_below_open if room.is_for_two else self.is_detail_full

    def shows_streams(self, room: Room) -> bool:
        return self._are_streams_below(room) or self.has_streams_full

    def _are_streams_below(self, room: Room) -> bool:
        return room.is_for_two and self.is_below_open and self.is_on_wire and self.has_streams_below

    def arrange(self, room: Room) -> dict[str, bool]:
        """Return which classes the pane has, and has not; in room for two nothing takes the log's place."""
        if room.is_for_two:
            self.go_back()
        are_streams_below = self._are_streams_below(room)
        return {
            "-detail-below": room.is_for_two and self.is_below_open and not are_streams_below,
            "-detail-full": self.is_detail_full,
            "-streams-below": are_streams_below,
            "-streams-full": self.has_streams_full,
            "-wide-hex": room.is_for_two and room.width >= WIDE_HEX_WIDTH,
        }
