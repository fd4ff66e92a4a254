"""Text of the kernel's tables in /proc/net -> values: who joined what, which sources, what was lost.

Takes text that `net.kernel` read; opens nothing. A line that cannot be read is skipped and
counted, so that a newer kernel's extra column or a torn read never hides the other lines. The
tables speak for the network namespace they were read in, and for all its processes together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcast_tui.wire.literal import Address

ByteOrder: TypeAlias = Literal["little", "big"]
Row = TypeVar("Row")

ADDRESSES = 16_384
"""Kept as they were read: tables are read again and again, and are mostly what they were; half the time goes
into addresses."""

_WORD = re.compile(r"[^ \t]+")


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """The rows that could be read, in the kernel's order, and how many lines could not."""

    rows: tuple[Row, ...]
    skipped: int


@dataclass(frozen=True, slots=True)
class HostGroup:
    """One group this host is a member of on one interface: a line of igmp or igmp6."""

    ifindex: int
    interface: str
    group: Address
    users: int
    """Memberships that hold it, of all processes; the kernel's own count among them."""
    is_timer_running: bool
    """A report is due."""
    is_last_reporter: bool
    """Nobody answered the last query before us; told only where IGMPv1/v2 or MLDv1 is spoken."""
    igmp_version: int | None
    """The version in force, which the file's title calls Querier: not who the querier is. None for IPv6."""


@dataclass(frozen=True, slots=True)
class HostFilter:
    """One source that memberships of this host name: a line of mcfilter or mcfilter6.

    A group joined from any source, with nothing blocked, has no line.
    """

    ifindex: int
    interface: str
    group: Address
    source: Address
    including: int
    """Sockets that want this source."""
    excluding: int
    """Sockets that block it."""


@dataclass(frozen=True, slots=True)
class UdpSocket:
    """One UDP socket of this network namespace: a line of udp or udp6."""

    local_address: Address
    local_port: int
    receive_queue: int
    """Bytes waiting, counted as the kernel charges them: payload and overhead."""
    uid: int
    inode: int
    """As ``/proc/PID/fd`` shows it: ``socket:[17912]``."""
    drops: int
    """Datagrams that were meant for it and lost, since it was opened."""


@dataclass(frozen=True, slots=True)
class Counters:
    """The kernel's counters since boot, of this network namespace."""

    values: Mapping[str, int]
    """By the name to show: ``Udp.RcvbufErrors``, ``TcpExt.IPReversePathFilter``, ``Ip6InMcastPkts``."""
    skipped: int


def parse_igmp(text: str, byteorder: ByteOrder) -> Table[HostGroup]:
    """Read /proc/net/igmp; its groups are words in host byte order, so pass `sys.byteorder`."""
    rows: list[HostGroup] = []
    skipped = 0
    device: tuple[int, str, int] | None = None  # of the group lines that follow
    for line in _lines(text, "Idx"):
        try:
            if not line.startswith("\t"):
                device = None  # should this line be unreadable, its groups are not the interface's before
                device = _igmp_device(line)
            elif device is None:
                skipped += 1
            else:
                rows.append(_igmp_group(line, *device, byteorder))
        except (ValueError, IndexError):
            skipped += 1
    return Table(tuple(rows), skipped)


def _igmp_device(line: str) -> tuple[int, str, int]:
    place, _, rest = line.partition(":")
    ifindex, name = _words(place)
    _count, version = rest.split()
    return int(ifindex), name, int(version.removeprefix("V"))


def _igmp_group(line: str, ifindex: int, name: str, version: int, byteorder: ByteOrder) -> HostGroup:
    group, users, timer, reporter = line.split()[:4]
    return HostGroup(
        ifindex,
        name,
        _address_of_words(group, byteorder),
        int(users),
        is_timer_running=timer.startswith("1:"),
        is_last_reporter=reporter == "1",
        igmp_version=version,
    )


_MLD_TIMER_RUNNING, _MLD_LAST_REPORTER = 0x01, 0x02  # MAF_* of the kernel's net/if_inet6.h


def parse_igmp6(text: str) -> Table[HostGroup]:
    """Read /proc/net/igmp6."""
    return _table(_lines(text), _igmp6_group)


def _igmp6_group(line: str) -> HostGroup:
    ifindex, name, group, users, flags, _timer = _words(line)[:6]
    return HostGroup(
        int(ifindex),
        name,
        _address(group),
        int(users),
        is_timer_running=bool(int(flags, 16) & _MLD_TIMER_RUNNING),
        is_last_reporter=bool(int(flags, 16) & _MLD_LAST_REPORTER),
        igmp_version=None,
    )


def parse_mcfilter(text: str) -> Table[HostFilter]:
    """Read /proc/net/mcfilter or /proc/net/mcfilter6; both are in network byte order."""
    return _table(_lines(text, "Idx"), _filter)


def _filter(line: str) -> HostFilter:
    ifindex, name, group, source, including, excluding = _words(line)[:6]
    return HostFilter(
        int(ifindex),
        name,
        _address(group.removeprefix("0x")),
        _address(source.removeprefix("0x")),
        int(including),
        int(excluding),
    )


def parse_udp(text: str, byteorder: ByteOrder) -> Table[UdpSocket]:
    """Read /proc/net/udp or /proc/net/udp6; addresses are words in host byte order: pass `sys.byteorder`."""
    return _table(_lines(text, "sl"), lambda line: _udp_socket(line, byteorder))


def _udp_socket(line: str, byteorder: ByteOrder) -> UdpSocket:
    fields = line.split()
    address, port = fields[1].split(":")
    _sending, receiving = fields[4].split(":")
    return UdpSocket(
        _address_of_words(address, byteorder),
        int(port, 16),
        int(receiving, 16),
        uid=int(fields[7]),
        inode=int(fields[9]),
        drops=int(fields[12]),
    )


def parse_counters(text: str) -> Counters:
    """Read /proc/net/snmp or /proc/net/netstat: pairs of lines, names and then values."""
    values: dict[str, int] = {}
    skipped = 0
    titles: list[str] | None = None
    for line in _lines(text):
        fields = line.split()
        if titles is None:
            titles = fields
        elif fields[0] == titles[0] and len(fields) == len(titles):
            try:
                numbers = [int(number) for number in fields[1:]]
            except ValueError:
                skipped += 2
            else:
                section = fields[0].removesuffix(":")
                values.update((f"{section}.{name}", n) for name, n in zip(titles[1:], numbers, strict=True))
            titles = None
        else:
            skipped += 1
            titles = fields  # perhaps the names of the next pair
    return Counters(values, skipped + (titles is not None))


def parse_counters6(text: str) -> Counters:
    """Read /proc/net/snmp6: a name and a value a line."""
    pairs = _table(_lines(text), _counter)
    return Counters(dict(pairs.rows), pairs.skipped)


def _counter(line: str) -> tuple[str, int]:
    name, number = line.split()
    return name, int(number)


def _lines(text: str, title: str | None = None) -> list[str]:
    """Return the lines that hold something, without the title line that begins with `title`."""
    lines = [line for line in text.split("\n") if line.strip()]
    has_title = bool(lines) and title is not None and lines[0].split()[0] == title
    return lines[1:] if has_title else lines


def _words(line: str) -> list[str]:
    """Split a line that has an interface in it: a name may hold what only Unicode takes for a blank."""
    return line.split() if line.isascii() and line.isprintable() else _WORD.findall(line)


def _table(lines: list[str], parse: Callable[[str], Row]) -> Table[Row]:
    rows: list[Row] = []
    for line in lines:
        try:
            rows.append(parse(line))
        except (ValueError, IndexError):
            continue
    return Table(tuple(rows), len(lines) - len(rows))


@lru_cache(ADDRESSES)
def _address(hexadecimal: str) -> Address:
    """Return the address whose bytes are written in network order."""
    octets = bytes.fromhex(hexadecimal)
    return IPv4Address(octets) if len(octets) == 4 else IPv6Address(octets)


@lru_cache(ADDRESSES)
def _address_of_words(hexadecimal: str, byteorder: ByteOrder) -> Address:
    """Return the address written as 32-bit numbers, each read from memory in the host's byte order."""
    if byteorder == "big":
        return _address(hexadecimal)
    words = (hexadecimal[at : at + 8] for at in range(0, len(hexadecimal), 8))
    return _address("".join(bytes.fromhex(word)[::-1].hex() for word in words))
