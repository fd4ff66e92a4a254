"""Open the socket of a datagram address: its port, its groups, and whose packets are welcome.

Each address has a node of its own: its ring is the queue of what waits to be passed on, and no address
hears what another one joined.
"""

from __future__ import annotations

import errno
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from mcast_tui.errors import NetworkRefused
from mcast_tui.net import sockopt
from mcast_tui.net.intake import Admission
from mcast_tui.net.interfaces import resolve_interface
from mcast_tui.services.node import Node
from mcast_tui.services.placement import kind_of
from mcast_tui.services.relay.door import Door
from mcast_tui.services.settings import Settings
from mcast_tui.wire.address import Endpoint
from mcast_tui.wire.scope import Kind
from mcast_tui.wire.socat.address import DatagramAddress, Manner, Network

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcast_tui.services.open_ports import OpenPort

RING_PACKETS = 65_536
"""Datagrams that may wait to be passed on."""


@asynccontextmanager
async def open_door(address: DatagramAddress) -> AsyncIterator[Door]:
    """Open the socket of an address and join its groups.

    Raises `McastError` when the kernel refuses, or when the address is not of this host.
    """
    settings = Settings(ring_packets=RING_PACKETS)
    if address.receive_buffer is not None:
        settings = settings.override(receive_buffer=address.receive_buffer)
    async with Node(settings) as node:
        _check_local(address, node)
        admission = Admission(_welcome_networks(address), _welcome_port(address))
        port = _hold(address, node, admission)
        device = address.device or address.local_interface
        ifindex = resolve_interface(device, node.interfaces).index if device else None
        _set_up(port, address, ifindex)
        door = Door(address, node, port, ifindex)
        for group in address.memberships:
            interface = group.interface or address.device
            asked = replace(group, port=port.number, protocol=address.protocol, interface=interface)
            door.groups += await node.join(asked, admission)
        yield door


def _welcome_networks(address: DatagramAddress) -> tuple[Network, ...]:
    if address.manner is Manner.SENDTO and address.remote is not None:
        return (ip_network(address.remote.address),)
    return address.ranges


def _welcome_port(address: DatagramAddress) -> int | None:
    if address.manner is Manner.SENDTO and address.remote is not None and address.protocol is None:
        return address.remote.port
    return address.source_port


def _check_local(address: DatagramAddress, node: Node) -> None:
    """Refuse to bind to what is no address of this host; groups and broadcast addresses are fine (ip(7))."""
    local = address.local_address
    if local is None or local.is_unspecified or kind_of(Endpoint(local), node.interfaces) is not Kind.UNICAST:
        return
    for interface in node.interfaces:
        for own in interface.addresses:
            if local == own.ip or (interface.is_loopback and local in own.network):
                return
    raise NetworkRefused(
        f"bind to {local}",
        "it is not an address of this host",
        errno=errno.EADDRNOTAVAIL,
        remedy="Use one of its own addresses, or none.",
        command="ip -brief address",
    )


def _hold(address: DatagramAddress, node: Node, admission: Admission) -> OpenPort:
    """Hold the port of the address; a choice of the kernel's must be shared with the groups to join."""
    ports = node.groups.ports
    number = address.local_port or 0
    if address.protocol is None and number == 0 and address.memberships:
        chosen = ports.hold(address.family, 0)
        number = chosen.number
        ports.release(chosen)
    return ports.hold(address.family, number, admission, protocol=address.protocol)


def _set_up(port: OpenPort, address: DatagramAddress, ifindex: int | None) -> None:
    if ifindex is not None:
        sockopt.bind_to_interface(port.socket, ifindex)
    if address.receive_buffer is not None:
        sockopt.set_receive_buffer(port.socket, address.receive_buffer)
    if address.send_buffer is not None:
        sockopt.set_send_buffer(port.socket, address.send_buffer)
