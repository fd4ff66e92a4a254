"""The open socket of a datagram address: what comes in through it, and how a datagram leaves.

What the node's sockets are not by themselves the address makes of them: bound to one address means that only
what was sent to exactly it is passed on, bound to one device likewise. Unlike socat's, they hear no group but
those they join themselves (IP_MULTICAST_ALL=0, ip(7)), and share their port with whoever shares it
(``reuseaddr``). What the range or the source port refuses is counted, as is what was lost before it was read.
"""

from __future__ import annotations

import asyncio
import errno
from dataclasses import astuple, dataclass
from operator import add
from typing import TYPE_CHECKING

from mcast_tui.errors import PermissionRefused, UsageError
from mcast_tui.net.interfaces import name_by_index, resolve_interface
from mcast_tui.net.sender import SendOptions
from mcast_tui.services.follower import Follower
from mcast_tui.services.placement import kind_of
from mcast_tui.wire.address import Endpoint
from mcast_tui.wire.scope import Kind

if TYPE_CHECKING:
    from mcast_tui.services.group import Group
    from mcast_tui.services.node import Node
    from mcast_tui.services.open_ports import OpenPort
    from mcast_tui.wire.columns import Packet
    from mcast_tui.wire.socat.address import DatagramAddress

AT_ONCE = 64
"""Packets passed over between two looks at signals and everything else: what is refused may be a flood."""
_BROADCASTS = {Kind.LIMITED_BROADCAST, Kind.DIRECTED_BROADCAST}


@dataclass(frozen=True, slots=True)
class Toll:
    """What did not get through, each for its own reason."""

    refused: int = 0
    """By range, source port, or because SENDTO hears one address alone."""
    dropped: int = 0
    """By the kernel, for want of room in the socket's buffer."""
    evicted: int = 0
    """By us, because what arrived could not be passed on fast enough."""
    unanswered: int = 0
    """Requests of RECVFROM,fork that still waited for their turn in the end."""

    def __add__(self, other: Toll) -> Toll:
        return Toll(*map(add, astuple(self), astuple(other)))


class Door:
    """The open socket of an address: what may come in through it, and how a datagram leaves."""

    def __init__(self, address: DatagramAddress, node: Node, port: OpenPort, ifindex: int | None) -> None:
        self.address = address
        self.node = node
        self.port = port
        self.groups: list[Group] = []
        self._device = ifindex
        self._follower = Follower(node)
        local = address.local_address
        self._local = None if local is None or local.is_unspecified else local

    @property
    def description(self) -> str:
        """What is open, in words."""
        joined = [f"joined {group.endpoint}" for group in self.groups]
        remote = [f"sending to {self.address.remote}"] if self.address.remote else []
        return ", ".join([f"opened {self.port.label}", *joined, *remote])

    def interface_name(self, packet: Packet) -> str | None:
        """Return the name of the interface a packet came in by; None when the kernel did not say."""
        return name_by_index(self.node.interfaces, packet.ifindex)

    async def next_packet(self) -> Packet:
        """Wait for the next packet that a socket of this address hears and accepts; raises `McastError`."""
        passed_over = 0
        while True:
            packet = await anext(self._follower)
            if not packet.refused and self._is_heard(packet):
                return packet
            passed_over += 1
            if passed_over % AT_ONCE == 0:
                await asyncio.sleep(0)

    def _is_heard(self, packet: Packet) -> bool:
        """Whether the kernel would have given it to a socket that is bound as the address says."""
        if self._local is not None and packet.destination != self._local:
            return False
        return self._device is None or packet.ifindex == self._device

    async def send(self, payload: bytes) -> None:
        """Send to the remote; raises `McastError`."""
        remote = self.address.remote
        if remote is None:
            raise UsageError(
                f"send by {self.address.text}",
                f"{self.address.manner.value} only receives",
                remedy="Relay one way only (-u, or -U the other way round), or use RECVFROM or DATAGRAM.",
            )
        kind = kind_of(remote, self.node.interfaces)
        if kind in _BROADCASTS and not self.address.broadcast:
            raise PermissionRefused(
                f"send to {remote}",
                "it is a broadcast address",
                errno=errno.EACCES,
                remedy=f"Permit it: {self.address.text},broadcast",
            )
        await self.node.send_from(self.port, remote, payload, self._options(remote))

    async def answer(self, packet: Packet, payload: bytes) -> None:
        """Send to the sender of `packet`, from where it was addressed; raises `McastError`."""
        limit, traffic_class = self.address.unicast_hop_limit, self.address.traffic_class
        await self.node.reply(packet, payload, SendOptions(hop_limit=limit, traffic_class=traffic_class))

    def _options(self, destination: Endpoint) -> SendOptions:
        address, by, to_group = self.address, None, destination.is_multicast
        if destination.interface is None:  # a %zone says it already
            by = (address.multicast_interface if to_group else None) or address.device
        local = self._local
        is_source = local is not None and kind_of(Endpoint(local), self.node.interfaces) is Kind.UNICAST
        return SendOptions(
            hop_limit=address.multicast_hop_limit if to_group else address.unicast_hop_limit,
            loop=address.loop is not False,
            ifindex=resolve_interface(by, self.node.interfaces).index if by else None,
            traffic_class=address.traffic_class,
            source=local if is_source else None,
        )

    def lost(self) -> Toll:
        """Return what was lost here so far."""
        snapshot = self.node.monitor.sample(0)
        waiting = self._follower.waiting if self.address.fork else 0
        return Toll(snapshot.refused or 0, snapshot.dropped or 0, self._follower.evicted, waiting)
