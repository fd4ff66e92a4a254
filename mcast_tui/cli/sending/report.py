"""What ``send`` says of what went out: each datagram while they are few, then a line a second; the sum."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcast_tui.cli.sending.pacing import FASTEST_UNASKED
from mcast_tui.cli.talk import talk
from mcast_tui.human import counted
from mcast_tui.wire.address import address_and_port

if TYPE_CHECKING:
    from mcast_tui.cli.sending.departure import Departure
    from mcast_tui.net.sender import Sent
    from mcast_tui.wire.address import Endpoint

TOLD_SINGLY = 10
BETWEEN_LINES_S = 1.0


class Report:
    """Counts what went out and tells it on stderr; `rate` is what was asked for, None when nothing was."""

    def __init__(self, departure: Departure, rate: float | None, *, is_held: bool) -> None:
        self._departure = departure
        self._rate = rate
        self._is_held = is_held
        self.packets = 0
        self._bytes = 0
        self._first = self._last = self._told = 0.0

    def note(self, sent: Sent, destination: Endpoint) -> None:
        """Count a datagram that the kernel has just taken."""
        self._last = time.monotonic()
        if not self.packets:
            self._first = self._last
        self.packets += 1
        self._bytes += sent.length
        if self.packets <= TOLD_SINGLY:
            self._told = self._last
            self._tell(sent, destination)
            if self.packets == 1:
                self._departure.tell_reach(sent.destination)
        elif self._last - self._told >= BETWEEN_LINES_S:
            self._told = self._last
            talk(f"{self.packets} packets so far{self._reached()}")

    def _tell(self, sent: Sent, destination: Endpoint) -> None:
        interface = self._departure.interface
        by = f"by {interface.name}" if interface else "by the routes"
        talk(f"sent {counted(sent.length, 'byte')} to {destination} from {self._origin(sent)} {by}")

    def _origin(self, sent: Sent) -> str:
        source = self._departure.source_towards(sent.destination)
        if source is None:
            port = "" if sent.source_port is None else f" and port {sent.source_port}"
            return f"an address of the kernel's choice{port}"
        if sent.source_port is None:
            return str(source)
        return address_and_port(str(source), sent.source_port)

    def _reached(self) -> str:
        """Return the rate so far, over the time from the first packet to the last."""
        elapsed_s = self._last - self._first
        return f", {(self.packets - 1) / elapsed_s:.1f}/s" if elapsed_s > 0 else ""

    def sum_up(self, *, was_stopped: bool) -> None:
        """Tell the sum, unless every datagram was told and nothing else is to be said."""
        if not self.packets or not (was_stopped or self.packets > TOLD_SINGLY or self._rate):
            return
        asked = f", {self._rate:g}/s asked" if self._rate else ""
        if self._is_held and not self._rate and self.packets > TOLD_SINGLY:
            asked = f", held to {FASTEST_UNASKED}/s; --yes lifts that"
        before = " before it was stopped" if was_stopped else ""
        talk(
            f"in all {counted(self.packets, 'packet')}, {counted(self._bytes, 'byte')} "
            f"in {self._last - self._first:.3f} s{self._reached()}{asked}{before}"
        )
