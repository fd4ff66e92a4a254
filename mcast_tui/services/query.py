"""Questions from one port and what comes back to it: the client of the socat tutorial, examples 1 and 2.

The round-trip time of an answer is the kernel's time of its arrival less the time just before the last
question that was sent by then. Both are wall clock, the only one the kernel stamps with: when that clock
was set in between, or the kernel took no time, the round-trip time is unknown.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.services.follower import Follower

if TYPE_CHECKING:
    from typing import Self

    from mcast_tui.net.sender import SendOptions, Sent
    from mcast_tui.services.node import Node
    from mcast_tui.services.open_ports import OpenPort
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.columns import Packet

MOST_REMEMBERED = 4096
"""Questions whose times are kept; an answer to an older one has no round-trip time any more."""

CLOCK_STEP_NS = 10_000_000
"""The wall clock was set when it moved that much against the monotonic one, which nobody can set."""
_HELD_UP_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """A packet that came to the port we ask from; also a refused one, and the copy of our own question."""

    packet: Packet
    rtt_ns: int | None
    """Since the last question sent before it arrived; None when that is not known."""

    @property
    def is_of_others(self) -> bool:
        """Whether it counts as an answer: neither our own copy nor refused."""
        return not self.packet.own and not self.packet.refused


@dataclass(frozen=True, slots=True)
class _Asked:
    at: int
    """Wall clock, ns."""
    clock_offset: int


class Query:
    """Asks `destination` from one port and yields what arrives there; a context manager that holds the port.

    `from_port` 0 is one of the kernel's choice, which no other program shares. Raw IP has no ports.
    """

    def __init__(
        self, node: Node, destination: Endpoint, options: SendOptions, *, from_port: int = 0
    ) -> None:
        self._node = node
        self._destination = destination
        self._options = options
        self._from_port = from_port
        self._asked: deque[_Asked] = deque(maxlen=MOST_REMEMBERED)
        self.questions = 0
        """Datagrams that the kernel took."""

    def __enter__(self) -> Self:
        place = self._destination
        ports = self._node.groups.ports
        self._follower = Follower(self._node)
        self.port: OpenPort = ports.hold(place.family, self._from_port, protocol=place.protocol)
        return self

    def __exit__(self, *_: object) -> None:
        self._node.groups.ports.release(self.port)

    async def ask(self, payload: bytes, destination: Endpoint) -> Sent:
        """Send one question to one address of the destination's run; raises `McastError`."""
        sent = await self._node.send_from(self.port, destination, payload, self._options)
        self._asked.append(_Asked(sent.sent_at, clock_offset()))
        self.questions += 1
        return sent

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Answer:
        """Wait for the next packet; raises `NetworkRefused` when the capture has stopped."""
        return self._answer(await anext(self._follower))

    def next_waiting(self) -> Answer | None:
        """Return the next one that is there already, None when all were read."""
        packet = self._follower.next_waiting()
        return None if packet is None else self._answer(packet)

    @property
    def evicted(self) -> int:
        """Packets that the ring gave up before they were read."""
        return self._follower.evicted

    def _answer(self, packet: Packet) -> Answer:
        return Answer(packet, self._round_trip_ns(packet) if packet.kernel_time else None)

    def _round_trip_ns(self, packet: Packet) -> int | None:
        sent_before = bisect_right(self._asked, packet.received_at, key=lambda asked: asked.at)
        if not sent_before:
            return None
        asked = self._asked[sent_before - 1]
        was_set = abs(clock_offset() - asked.clock_offset) > CLOCK_STEP_NS
        return None if was_set or asked.at > packet.received_at else packet.received_at - asked.at


def clock_offset() -> int:
    """Return by how much the wall clock is ahead of the monotonic one, in ns; only setting it changes it."""
    while True:
        before = time.monotonic_ns()
        wall = time.time_ns()
        if time.monotonic_ns() - before < _HELD_UP_NS:  # otherwise we were held up between the two
            return wall - before
