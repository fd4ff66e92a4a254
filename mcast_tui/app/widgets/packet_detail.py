"""The detail of one packet: its fields with their origins, its payload as text and as bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.containers import Container
from textual.getters import query_one

from mcast_tui.app.widgets.field_list import FieldList
from mcast_tui.app.widgets.hex_view import HexView
from mcast_tui.app.widgets.packet_fields import explain_packet, title
from mcast_tui.safe import clamp_cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.widgets.packet_fields import Wire
    from mcast_tui.wire.columns import Packet

NOTHING_SELECTED: Final = (
    "No packet selected.",
    "Click one, or press up: the log stands",
    "still, and its fields are shown here,",
    "each with where it comes from.",
)
EVICTED: Final = "payload evicted: newer packets took its place in the ring"
EMPTY: Final = "no payload: an empty datagram"


class PacketDetail(Container):
    """Fields and text beside the hex dump; one above the other where there is no room for both."""

    fields = query_one(FieldList)
    dump = query_one(HexView)

    def __init__(self, interface_name: Callable[[int], str | None], glyphs: Glyphs) -> None:
        super().__init__()
        self._interface_name = interface_name
        self._glyphs = glyphs
        self.packet: Packet | None = None
        self._wire: Wire | None = None

    def compose(self) -> ComposeResult:
        yield FieldList(self._glyphs, NOTHING_SELECTED)
        yield HexView()

    def show(self, packet: Packet | None, wire: Wire | None = None) -> None:
        """Show a packet, with what a tap adds if one saw it; None is "nothing selected"."""
        self.packet, self._wire = packet, wire
        if packet is None:
            self.fields.show("", (), None)
            self.dump.show(None)
            return
        fields = explain_packet(packet, self._interface_name, wire)
        self.fields.show(clamp_cells(title(packet, self._interface_name), 200), fields, packet.payload)
        self.dump.show(packet.payload, EVICTED if packet.payload is None else EMPTY)

    def update_wire(self, wire: Wire | None) -> None:
        """Show what a tap adds by now to the same packet, where that has changed."""
        if self.packet is not None and wire != self._wire:
            self._wire = wire
            self.fields.update_fields(explain_packet(self.packet, self._interface_name, wire))
