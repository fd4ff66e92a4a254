"""A datagram socket as an end, in each of socat's four manners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.services.relay.end import LINGER_S

if TYPE_CHECKING:
    from mcast_tui.services.relay.door import Door
    from mcast_tui.wire.columns import Packet


class DatagramEnd:
    """SENDTO, RECV and DATAGRAM as an end: it has no end of its own."""

    linger_s = LINGER_S
    takes_more = True

    def __init__(self, door: Door) -> None:
        self._door = door

    async def read(self) -> bytes | None:
        """Return the next datagram; one that is empty says nothing, as with socat."""
        while True:
            packet = await self._door.next_packet()
            if packet.payload:
                return packet.payload

    async def write(self, data: bytes) -> None:
        await self._door.send(data)

    async def end_input(self) -> None:
        """Nothing tells a network that no more will come."""


class RequestEnd:
    """RECVFROM as an end: one packet comes out, and what goes in answers its sender."""

    linger_s = LINGER_S
    takes_more = True

    def __init__(self, door: Door, packet: Packet) -> None:
        self.packet = packet
        self.interface_name = door.interface_name(packet)
        self._door = door
        self._is_read = False

    async def read(self) -> bytes | None:
        """Return the packet once, then the end; an empty packet is the end at once."""
        if self._is_read:
            return None
        self._is_read = True
        return self.packet.payload or None

    async def write(self, data: bytes) -> None:
        await self._door.answer(self.packet, data)

    async def end_input(self) -> None:
        """Nothing tells a peer that no more will come."""
