"""What one view of the Packets screen is about: which packets of which ring, and what is said of none.

It asks a ring for packets and a tap how it stands; it draws nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mcast_tui.app.fit import wrap_words
from mcast_tui.app.widgets.packet_fields import Wire
from mcast_tui.app.widgets.packet_lines import PacketLines
from mcast_tui.app.widgets.tap_words import NOT_KNOWN, tap_words
from mcast_tui.safe import safe_text
from mcast_tui.wire.columns import address_from_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.app.widgets.packet_row import Row
    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.capture.selection import Predicate
    from mcast_tui.services.tap.tap import Closed
    from mcast_tui.services.tap.traffic import TapTraffic

WIRE_TITLE: Final = "the wire"
SENTENCE_CELLS: Final = 70
"""So wide are lines of words in the middle of an empty log."""


class Scope(NamedTuple):
    """A view of a ring; two that show the same packets under the same title are equal."""

    ring: PacketRing
    predicate: Predicate | None = None
    """Selects packets by the columns `names`; None: all of them."""
    title: str = ""
    """A name of others: to be shown through `safe`."""
    names: Sequence[str] | None = None
    traffic: TapTraffic | None = None
    """The tap whose ring it is; None where it is that of our own sockets."""

    @classmethod
    def of_wire(cls, traffic: TapTraffic) -> Scope:
        """Return the view of what a tap sees."""
        return cls(traffic.tap.ring, title=WIRE_TITLE, traffic=traffic)

    def lines(self, *, with_refused: bool, hidden_before: int) -> PacketLines:
        """Return its packets as lines, from the packet of this number on."""
        return PacketLines(
            self.ring, self.predicate, self.names, with_refused=with_refused, hidden_before=hidden_before
        )

    @property
    def closed(self) -> Closed | None:
        """Why its tap hears nothing; None where it does, or where none is needed."""
        return self.traffic.tap.state.closed if self.traffic is not None else None

    def empty_text(self, *, is_cleared: bool) -> tuple[str, ...]:
        """Return what is said while there is no packet, in lines."""
        if (closed := self.closed) is not None:
            return closed_text(closed)
        if is_cleared:
            return ("The view was cleared; the packets are still there.", "/clear undo shows them again.")
        where = f" on {safe_text(self.title)}" if self.title else ""
        return (f"Nothing{where} yet.", "A packet shows here the moment it arrives.")

    def wire_of(self, row: Row | None) -> Wire | None:
        """Return what the tap knows beyond the packet; None where no tap saw it."""
        if row is None or row.link is None or self.traffic is None:
            return None
        group = address_from_words(row.destination_high, row.destination_low)
        vlan = row.link.vlan if row.link.vlan >= 0 else None
        return Wire(row.link, self.traffic.standing(group, row.ifindex or None, vlan))


def closed_text(closed: Closed) -> tuple[str, ...]:
    """Return why nothing is seen of the wire, and what would help."""
    words = tap_words(closed)
    why = (line for sentence in words.why for line in wrap_words(sentence, SENTENCE_CELLS))
    command = (f"{words.lead}; y copies it:", words.command) if words.command else ()
    return (NOT_KNOWN, *why, *command)
