"""What is served: groups that were joined, addresses of our own, and which packets are requests.

A group's port takes everything sent to it: to the group, by broadcast, and to any address of this host, as
socat's RECVFROM does. A port that only addresses of our own name serves what is sent to these, nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mcast_tui.errors import UsageError
from mcast_tui.net.interfaces import resolve_interface
from mcast_tui.services.placement import kind_of
from mcast_tui.wire.columns import Flag, address_words, is_raw
from mcast_tui.wire.scope import Kind

if TYPE_CHECKING:
    from mcast_tui.net.intake import Admission
    from mcast_tui.services.group import Group
    from mcast_tui.services.node import Node
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.columns import Column, Columns
    from mcast_tui.wire.literal import Address

COLUMNS = ("flags", "source", "destination", "destination_port")
"""The columns `Doors.requests` looks at."""

_NOT_REQUESTS = np.uint8(Flag.OWN | Flag.REFUSED)
_Port: TypeAlias = "tuple[int, int | None, int]"
"""Family, raw protocol, number: as `services.open_ports` tells ports apart."""


class Doors:
    """The ports at which requests are taken."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.groups: list[Group] = []
        self._hosts: dict[_Port, list[Address]] = {}

    async def open(self, endpoint: Endpoint, admission: Admission | None = None) -> list[Group]:
        """Join the endpoint's groups, or hold the port of an address of ours; return the groups.

        Raises `McastError`, also for a unicast address that is not this host's.
        """
        if kind_of(endpoint, self._node.refresh_interfaces()) is not Kind.UNICAST:
            joined = await self._node.join(endpoint, admission)
            self.groups += joined
            return joined
        named = endpoint.interface
        interfaces = (
            self._node.interfaces if named is None else [resolve_interface(named, self._node.interfaces)]
        )
        own = {each.ip for interface in interfaces for each in interface.addresses}
        loops = any(interface.is_loopback for interface in interfaces)
        for single in endpoint.each():
            if single.address not in own and not (loops and single.address.is_loopback):
                raise UsageError(
                    f"serve {single}",
                    f"it is not an address of {'this host' if named is None else interfaces[0].name}",
                    remedy="Name a group, broadcast, or one of this host's addresses.",
                    command="ip address",
                )
            self._node.groups.ports.hold(single.family, single.port, admission, protocol=single.protocol)
            self._hosts.setdefault((single.family, single.protocol, single.port), []).append(single.address)
        return []

    def requests(self, columns: Columns) -> Column:
        """Return which rows are requests: neither our own, nor refused, nor for an address not served."""
        chosen: Column = columns["flags"] & _NOT_REQUESTS == 0
        grouped = {(each.port.family, each.port.protocol, each.port.number) for each in self.groups}
        for port, addresses in self._hosts.items():
            if port not in grouped:
                chosen &= ~_came_by(columns, port) | _is_one_of(columns["destination"], addresses)
        return chosen


def _came_by(columns: Columns, port: _Port) -> Column:
    family, protocol, number = port
    source = columns["source"]
    is_ipv4: Column = (source[:, 0] == 0) & (source[:, 1] >> np.uint64(32) == 0xFFFF)
    by_port: Column = columns["destination_port"] == (number if protocol is None else protocol)
    by_port &= is_raw(columns) == (protocol is not None)
    by_port &= is_ipv4 == (family == 4)
    return by_port


def _is_one_of(words: Column, addresses: list[Address]) -> Column:
    found = np.zeros(len(words), bool)
    for address in addresses:
        high, low = address_words(address)
        found |= (words[:, 0] == np.uint64(high)) & (words[:, 1] == np.uint64(low))
    return found
