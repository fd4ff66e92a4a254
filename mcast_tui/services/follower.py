"""A reader of the ring that keeps its place: packet after packet, for what acts on each of them.

For a request to be answered or a reply to be timed, not for a stream: each packet becomes an object.
What prints streams reads columns (`cli.commands.listen`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.wire.columns import Flag

if TYPE_CHECKING:
    from mcast_tui.services.node import Node
    from mcast_tui.wire.columns import Packet


_NOT_FOR_US = np.uint8(Flag.OWN | Flag.REFUSED)


class Follower:
    """Yields every packet that arrives after it was made, refused and own ones included."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._cursor = node.ring.head
        self.evicted = 0
        """Packets the ring gave up, whole or only their payload, before they could be read."""

    @property
    def waiting(self) -> int:
        """Packets of others, none of them refused, that have arrived and were not read."""
        _, columns = self._node.ring.read(self._cursor, self._node.ring.head, ("flags",))
        return int(np.count_nonzero(columns["flags"] & _NOT_FOR_US == 0))

    def __aiter__(self) -> Follower:
        return self

    async def __anext__(self) -> Packet:
        """Wait for the next packet; raises `NetworkRefused` when the capture has stopped."""
        while True:
            packet = self.next_waiting()
            if packet is not None:
                return packet
            await self._node.wait_beyond(self._cursor)

    def next_waiting(self) -> Packet | None:
        """Return the next packet that is there already, None when all were read."""
        ring = self._node.ring
        while self._cursor < ring.head:
            packet = ring.packet(self._cursor)
            if packet is None:
                self.evicted += ring.tail - self._cursor
                self._cursor = ring.tail
                continue
            self._cursor += 1
            if packet.payload is not None:
                return packet
            self.evicted += 1
        return None
