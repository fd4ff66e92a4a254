"""Ancillary data of one datagram (``cmsg(3)``) in, `PacketInfo` out, and from there into a row.

The general way: any order, any messages, for the rows whose layout `wire.batch` does not
expect and for the portable ``recvmsg`` path. Messages we do not know, and those cut short,
are skipped; any bytes at all are walked to an end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mcast_tui.wire.columns import MAPPED, Addressed, Columns, Flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ControlMessage: TypeAlias = tuple[int, int, bytes]
"""Level, type, data: what ``socket.recvmsg`` returns a list of."""

# Linux values, spelled out because CPython names few of them and those from 3.12 or 3.14 on.
SO_TIMESTAMP = ((1, 29), (1, 63))  # socket(7); _OLD and _NEW differ on 32-bit machines only
SO_TIMESTAMPNS = ((1, 35), (1, 64))
IP_TOS, IP_TTL, IP_PKTINFO = (0, 1), (0, 2), (0, 8)  # ip(7)
IPV6_PKTINFO, IPV6_HOPLIMIT, IPV6_TCLASS = (41, 50), (41, 52), (41, 67)  # RFC 3542 section 6

MSG_TRUNC = 0x20
"""The datagram was longer than the buffer: recvmsg(2)."""

HEADER = struct.Struct("@Nii")  # struct cmsghdr: length with this header, level, type
_ALIGNMENT = struct.calcsize("@N")
_TIME = struct.Struct("@qq")  # seconds; nanoseconds or microseconds
_IN_PKTINFO = struct.Struct("@I")  # ifindex; then two addresses in network order: ip(7)
_IN_PKTINFO_ADDRESSES = struct.Struct("!II")  # ipi_spec_dst, ipi_addr
_IN6_PKTINFO_ADDRESS = struct.Struct("!QQ")
_INT = struct.Struct("@i")


@dataclass(slots=True)
class PacketInfo:
    """What the kernel said about one received datagram, beyond its payload."""

    received_at: int | None = None
    """ns since the epoch."""

    ifindex: int | None = None
    """Interface it arrived on."""

    local_address: int | None = None
    """ipi_spec_dst: the receiving interface's IPv4 address as a number. 0 when it has none."""

    destination: tuple[int, int] | None = None
    """Header destination as the two words of an address column; for multicast the group."""

    hop_limit: int | None = None
    """TTL (IPv4) or hop limit (IPv6) on arrival, not as sent."""

    traffic_class: int | None = None
    """TOS byte (IPv4) or traffic class (IPv6)."""

    @property
    def addressed(self) -> Addressed:
        """How the sender addressed it, as far as what the kernel said decides that."""
        if self.destination is None:
            return Addressed.UNKNOWN
        high, low = self.destination
        if high or low >> 32 != MAPPED >> 32:
            return Addressed.MULTICAST if high >> 56 == 0xFF else Addressed.UNICAST
        address = low & 0xFFFF_FFFF
        if address >> 28 == 0xE:
            return Addressed.MULTICAST
        if self.ifindex and self.local_address is not None:
            # For unicast the kernel answers with the header destination itself, for broadcast never.
            return Addressed.UNICAST if address == self.local_address else Addressed.BROADCAST
        # Queued before IP_PKTINFO was on, or a dual-stack socket: the local address was not looked up.
        return Addressed.BROADCAST if address == 0xFFFF_FFFF else Addressed.UNKNOWN


def walk_control(control: bytes) -> Iterator[ControlMessage]:
    """Yield the messages of a raw control buffer; the last may be cut (MSG_CTRUNC). Garbage ends the walk."""
    offset = 0
    while offset + HEADER.size <= len(control):
        length, level, kind = HEADER.unpack_from(control, offset)
        if length < HEADER.size:
            return
        yield level, kind, control[offset + HEADER.size : offset + length]
        offset += -(-length // _ALIGNMENT) * _ALIGNMENT


def decode_ancdata(messages: Iterable[ControlMessage]) -> PacketInfo:
    """Read the control messages we know; skip unknown and truncated ones."""
    info = PacketInfo()
    for level, kind, data in messages:
        key = (level, kind)
        if key == IP_PKTINFO and len(data) >= _IN_PKTINFO.size + _IN_PKTINFO_ADDRESSES.size:
            (info.ifindex,) = _IN_PKTINFO.unpack_from(data)
            info.local_address, address = _IN_PKTINFO_ADDRESSES.unpack_from(data, _IN_PKTINFO.size)
            info.destination = 0, MAPPED | address
        elif key == IPV6_PKTINFO and len(data) >= _IN6_PKTINFO_ADDRESS.size + _IN_PKTINFO.size:
            info.destination = _IN6_PKTINFO_ADDRESS.unpack_from(data)
            (info.ifindex,) = _IN_PKTINFO.unpack_from(data, _IN6_PKTINFO_ADDRESS.size)
        elif key in SO_TIMESTAMPNS and len(data) >= _TIME.size:
            info.received_at = _nanoseconds(*_TIME.unpack_from(data))
        elif key in SO_TIMESTAMP and len(data) >= _TIME.size:
            seconds, microseconds = _TIME.unpack_from(data)
            info.received_at = _nanoseconds(seconds, microseconds * 1000)
        elif key in (IP_TTL, IPV6_HOPLIMIT) and len(data) >= _INT.size:
            info.hop_limit = _INT.unpack_from(data)[0] & 0xFF
        elif key == IPV6_TCLASS and len(data) >= _INT.size:
            info.traffic_class = _INT.unpack_from(data)[0] & 0xFF
        elif key == IP_TOS and data:
            info.traffic_class = data[0]  # one byte, unlike all the others
    return info


def _nanoseconds(seconds: int, nanoseconds: int) -> int:
    """Return the time as ns, wrapped to 64 bits as the column (and the vectorised path) wraps it."""
    return (seconds * 1_000_000_000 + nanoseconds + (1 << 63)) % (1 << 64) - (1 << 63)


def fill_row(columns: Columns, row: int, info: PacketInfo, now: int) -> None:
    """Write what `info` knows, and "unknown" for the rest, into a row; `now` is the time of reading, in ns.

    Source, ports and length are not its business; the flags are set to KERNEL_TIME or nothing.
    """
    columns["received_at"][row] = now if info.received_at is None else info.received_at
    columns["flags"][row] = 0 if info.received_at is None else Flag.KERNEL_TIME
    columns["destination"][row] = info.destination or (0, 0)
    columns["local_address"][row] = info.local_address or 0
    columns["ifindex"][row] = info.ifindex or 0
    columns["hop_limit"][row] = -1 if info.hop_limit is None else info.hop_limit
    columns["traffic_class"][row] = -1 if info.traffic_class is None else info.traffic_class
    columns["addressed"][row] = info.addressed
