"""How a datagram leaves: from which port, by which interface, from which of our addresses.

A group is answered from its own port, as the peers of the socat tutorial expect; one host from a
private port, because another process may share the group's port and would take the answer. A `reply`
goes back the way its request came: from the port and the address it was sent to.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mcast_tui.errors import NetworkRefused, UsageError
from mcast_tui.net.interfaces import resolve_interface
from mcast_tui.net.sender import SendOptions, Sent, send_datagram
from mcast_tui.services.placement import kind_of
from mcast_tui.wire.address import Endpoint
from mcast_tui.wire.columns import Addressed
from mcast_tui.wire.scope import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcast_tui.net.echo import EchoBook
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.group import Group
    from mcast_tui.services.groups import Groups
    from mcast_tui.services.open_ports import OpenPort
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.columns import Packet

SEND_TIMEOUT_S = 2.0
"""How long a datagram may wait for room in the send buffer before it is given up."""
PAUSE_S = 0.001
"""Between two attempts while the send buffer is full."""


class Outgoing:
    """Chooses how a datagram leaves, and sends it."""

    def __init__(
        self, settings: Settings, groups: Groups, echoes: EchoBook, moved: Mapping[int, int]
    ) -> None:
        self._settings = settings
        self._groups = groups
        self._echoes = echoes
        self._moved = moved
        """Where interfaces are now that were deleted and came back: former index -> index."""
        self.interfaces: tuple[Interface, ...] = ()
        """As they are now; whoever looks at them keeps this true."""

    def port_towards(self, destination: Endpoint) -> OpenPort:
        """Return the port to send from: the group's while it is joined, else a private one."""
        if kind_of(destination, self.interfaces) is not Kind.UNICAST:
            port = self._groups.ports.find(destination.family, destination.port, destination.protocol)
            if port is not None:
                return port
        return self._groups.ports.private(destination.family, destination.protocol)

    def ifindex_towards(self, destination: Endpoint, group: Group | None = None) -> int | None:
        """Choose the interface: the one named, the group's, the user's; None leaves it to the routes."""
        if destination.interface is not None:
            return resolve_interface(destination.interface, self.interfaces).index
        if group is not None and group.interface is not None:
            return group.interface.index
        if self._settings.interface is not None and destination.is_multicast:
            return resolve_interface(self._settings.interface, self.interfaces).index
        return None

    async def reply(self, packet: Packet, payload: bytes, options: SendOptions | None = None) -> Sent:
        """Send to the sender of `packet` from where it was addressed: its port, its interface, our address.

        `options` is for the rest: hop limit, traffic class. Raises `McastError`, also when the port is
        not open any more.
        """
        port = self._groups.ports.find(packet.source.version, packet.destination_port or 0, packet.protocol)
        destination = Endpoint(packet.source, packet.source_port or 0, protocol=packet.protocol)
        if port is None:
            raise UsageError(f"reply to {destination}", "the port it was sent to is closed by now")
        unicast = packet.destination if packet.addressed is Addressed.UNICAST else None
        source = unicast or packet.local_address
        way = replace(options or SendOptions(), ifindex=packet.ifindex, source=source)
        return await self.send(port, destination, payload, way)

    async def send(self, port: OpenPort, destination: Endpoint, payload: bytes, options: SendOptions) -> Sent:
        """Send one datagram from `port`, waiting a bounded time for room; raises `McastError`."""
        interface = self._interface_at(options.ifindex)
        if interface is not None:
            options = replace(options, ifindex=interface.index)
        if interface is not None and interface.is_loopback and destination.family == 4:
            options = replace(options, source=options.source or interface.ipv4)
        deadline = time.monotonic() + SEND_TIMEOUT_S
        while True:
            try:
                return send_datagram(
                    port.socket,
                    payload,
                    destination.address,
                    destination.port,
                    options,
                    interface_name=interface.name if interface else None,
                    echoes=self._echoes,
                )
            except BlockingIOError as full:
                if time.monotonic() > deadline:
                    raise NetworkRefused(
                        f"send to {destination}",
                        f"the send buffer stayed full for {SEND_TIMEOUT_S:g} s",
                        errno=full.errno,
                    ) from full
            await asyncio.sleep(PAUSE_S)

    def _interface_at(self, ifindex: int | None) -> Interface | None:
        """Return the interface of this index, also of one it had before it was deleted and came back."""
        by_index = {interface.index: interface for interface in self.interfaces}
        if ifindex is None:
            return None
        return by_index.get(ifindex) or by_index.get(self._moved.get(ifindex, ifindex))
