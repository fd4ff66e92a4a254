"""What the kernel says of a switch and of its ports: snooping, querier, members, counters."""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from mcast_tui.net.rtnetlink import (
    IFLA_IFNAME,
    LINK,
    RTM_GETLINK,
    RTM_NEWLINK,
    decode_attributes,
    walk_attributes,
)
from mcast_tui.services.membership.facts import is_solicited_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.classroom.netlink import Netlink
    from mcast_tui.wire.literal import Address

RTM_GETMDB = 86  # its answers are of this type too
IFLA_LINKINFO, IFLA_STATS64, IFLA_CARRIER = 18, 23, 33
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
BR_SNOOPING, BR_QUERIER, BR_MEMBERSHIP, BR_OTHER_QUERIER, BR_QUERY = 23, 25, 31, 32, 33  # IFLA_BR_MCAST_*
BR_IGMP_VERSION, BR_QUERIER_STATE = 43, 47
QUERIER_ADDRESS, QUERIER_PORT, QUERIER_LEFT = 1, 2, 3  # BRIDGE_QUERIER_IP_*
MDBA_MDB, MDBA_MDB_ENTRY, MDBA_MDB_ENTRY_INFO = 1, 1, 1
MDB_TIMER, MDB_SOURCES, MDB_MODE, MDB_SOURCE = 1, 2, 3, 4  # MDBA_MDB_EATTR_*
SOURCE_ADDRESS, SOURCE_TIMER = 1, 2  # MDBA_MDB_SRCATTR_*
MCAST_INCLUDE = 1
USER_HZ = 100
"""Bridge intervals and timers are in 1/100 s: clock_t, the same on every architecture."""
UP = 0x1
OF_IPV6 = frozenset(map(IPv6Address, ("ff01::1", "ff02::1", "ff01::2", "ff02::2", "ff05::2", "ff02::6a")))
"""All nodes, all routers (RFC 4291 section 2.7.1), all snoopers (RFC 4286): kernels join them unasked."""

_STATS = struct.Struct("=4Q")  # received packets, sent packets, received bytes, sent bytes
_ENTRY = struct.Struct("=IBBH16sH2x")  # struct br_mdb_entry: port, state, flags, VLAN, address, protocol
_ETH_P_IP = socket.htons(0x0800)


@dataclass(frozen=True, slots=True)
class PortEntry:
    """One line of the switch's multicast database: packets of this group go out of this port."""

    port: str
    """The switch's name for the port; its own, ``br0``, for the switch as a member."""
    group: Address
    source: Address | None
    """For (S,G); None for (*,G)."""
    is_include: bool
    """Of (*,G): whether only the sources that have lines of their own are wanted there."""
    left_s: float | None
    """When it expires unless a report comes; None: not by a timer, as (*,G) that lives by its sources."""


@dataclass(frozen=True, slots=True)
class SwitchState:
    """One switch as the kernel tells it."""

    lan: int
    snooping: bool
    querier: bool
    """Whether it may ask for members itself."""
    igmp_version: int
    """What it speaks when it asks."""
    query_interval_s: float
    membership_interval_s: float
    """How long an entry lives after a report."""
    querier_address: IPv4Address | None
    """Who asks, its own address included; None when nobody does."""
    querier_port: str | None
    """Where that querier is; None when it is the switch itself, or nobody."""
    querier_left_s: float | None
    """When another querier counts as gone unless it asks again."""
    entries: tuple[PortEntry, ...]


@dataclass(frozen=True, slots=True)
class PortCounters:
    """What has passed a port since it was laid, seen from the switch."""

    is_up: bool
    packets_out: int
    """To the host."""
    bytes_out: int
    packets_in: int
    """From the host."""
    bytes_in: int


def port_number(port: str) -> str:
    """Return the host a port's cable leads to: ``2`` of ``lan0port2``; the switch itself is ``switch``."""
    _, found, number = port.partition("port")
    return number if found else "switch"


def is_own_use(group: Address) -> bool:
    """Tell a group that IPv6 has for itself, for neighbour discovery as well: no program asked for it."""
    return group in OF_IPV6 or is_solicited_node(group)


def read_switch(netlink: Netlink) -> tuple[tuple[SwitchState, ...], dict[str, PortCounters]]:
    """Return every switch, and the counters of every port by its name."""
    links = [_decode_link(body) for body in netlink.dump(RTM_GETLINK, RTM_NEWLINK, LINK.pack(0, 0, 0, 0, 0))]
    names = {index: name for index, name, _, _ in links}
    tables = netlink.dump(RTM_GETMDB, RTM_GETMDB, bytes([socket.AF_BRIDGE]) + bytes(7))
    entries = {}
    for table in tables:
        (bridge,) = struct.unpack_from("=4xI", table)  # struct br_port_msg
        entries[bridge] = _decode_entries(table[8:], names)
    states, ports = [], {}
    for index, name, flags, attributes in links:
        info = decode_attributes(attributes.get(IFLA_LINKINFO, b""))
        if info.get(IFLA_INFO_KIND) == b"bridge\0":
            options = decode_attributes(info.get(IFLA_INFO_DATA, b""))
            states.append(_switch(int(name.removeprefix("br")), options, entries.get(index, ()), names))
        elif name.startswith("lan"):
            ports[name] = _counters(flags, attributes)
    return tuple(states), ports


def _decode_link(body: bytes) -> tuple[int, str, int, dict[int, bytes]]:
    _family, _type, index, flags, _change = LINK.unpack_from(body)
    attributes = decode_attributes(body[LINK.size :])
    return index, attributes[IFLA_IFNAME].rstrip(b"\0").decode("ascii"), flags, attributes


def _counters(flags: int, attributes: dict[int, bytes]) -> PortCounters:
    received, sent, bytes_received, bytes_sent = _STATS.unpack_from(attributes[IFLA_STATS64])
    return PortCounters(bool(flags & UP), sent, bytes_sent, received, bytes_received)


def _switch(
    lan: int, options: dict[int, bytes], entries: tuple[PortEntry, ...], names: dict[int, str]
) -> SwitchState:
    state = decode_attributes(options.get(BR_QUERIER_STATE, b""))
    address, port = state.get(QUERIER_ADDRESS), state.get(QUERIER_PORT)
    left = state.get(QUERIER_LEFT)
    return SwitchState(
        lan,
        snooping=bool(_number(options[BR_SNOOPING])),
        querier=bool(_number(options[BR_QUERIER])),
        igmp_version=_number(options[BR_IGMP_VERSION]),
        query_interval_s=_number(options[BR_QUERY]) / USER_HZ,
        membership_interval_s=_number(options[BR_MEMBERSHIP]) / USER_HZ,
        querier_address=IPv4Address(address) if address and any(address) else None,
        querier_port=names.get(_number(port)) if port else None,
        querier_left_s=_number(left) / USER_HZ if left else None,
        entries=entries,
    )


def _decode_entries(attributes: bytes, names: dict[int, str]) -> tuple[PortEntry, ...]:
    """Read RTM_NEWMDB; how long (S,G) has left is told with (*,G)."""
    found: list[PortEntry] = []
    of_sources: dict[tuple[str, Address, Address | None], float | None] = {}
    for info in _infos(attributes):
        if (decoded := _entry(info, names)) is not None:
            entry, timers = decoded
            found.append(entry)
            of_sources |= {(entry.port, entry.group, source): left for source, left in timers.items()}
    return tuple(
        entry if entry.source is None else replace(entry, left_s=entry.left_s or of_sources.get(_key(entry)))
        for entry in found
    )


def _infos(attributes: bytes) -> Iterator[bytes]:
    """Yield what is said of each entry: they are attributes alike, so they are walked, not looked up."""
    for kind, table in walk_attributes(attributes):
        if kind == MDBA_MDB:
            for _, group in walk_attributes(table):
                yield from (info for kind, info in walk_attributes(group) if kind == MDBA_MDB_ENTRY_INFO)


def _key(entry: PortEntry) -> tuple[str, Address, Address | None]:
    return entry.port, entry.group, entry.source


def _entry(info: bytes, names: dict[int, str]) -> tuple[PortEntry, dict[Address, float | None]] | None:
    """Return an entry, and of (*,G) how long each of its sources has left."""
    port, _state, _flags, _vlan, packed, protocol = _ENTRY.unpack_from(info)
    if not protocol:
        return None  # of a MAC address, which only hands set
    more = decode_attributes(info[_ENTRY.size :])
    group = IPv4Address(packed[:4]) if protocol == _ETH_P_IP else IPv6Address(packed)
    source = more.get(MDB_SOURCE)
    sources = (decode_attributes(one) for _, one in walk_attributes(more.get(MDB_SOURCES, b"")))
    entry = PortEntry(
        names.get(port, "?"),
        group,
        None if source is None else _address(source),
        is_include=more.get(MDB_MODE, b"\0")[0] == MCAST_INCLUDE,
        left_s=_seconds(more.get(MDB_TIMER)),
    )
    return entry, {_address(one[SOURCE_ADDRESS]): _seconds(one.get(SOURCE_TIMER)) for one in sources}


def _address(packed: bytes) -> Address:
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


def _seconds(timer: bytes | None) -> float | None:
    """Return what is left of a timer; None where none runs."""
    return _number(timer) / USER_HZ if timer and _number(timer) else None


def _number(content: bytes) -> int:
    return int.from_bytes(content, sys.byteorder)
