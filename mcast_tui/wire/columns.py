"""The packet record: one numpy array per column, and `Packet`, the read-only view of one row.

A batch, the ring and a selection from it are all `Columns`: a dict of arrays of one
length, keyed by the names in `COLUMNS`. An address column has two unsigned words per row,
high and low, of the IPv6 form of the address (IPv4 as ``::ffff:a.b.c.d``), so one compare
on the low word answers most questions and both families share one ring.

Unknown is never zero by accident: each column's comment names its value for "the kernel
did not say", and `Packet` turns that value into None.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address

Column: TypeAlias = npt.NDArray[Any]
Columns: TypeAlias = dict[str, Column]
ColumnTypes: TypeAlias = dict[str, tuple[np.dtype[Any], int]]
"""Name -> dtype, words per row."""

MAPPED = 0xFFFF_0000_0000
"""Low word of ``::ffff:0.0.0.0``: an IPv4 address is this word plus its 32 bits, high word 0."""


class Addressed(IntEnum):
    """How the sender addressed a packet, read from its header destination."""

    UNKNOWN = 0
    UNICAST = 1
    BROADCAST = 2
    MULTICAST = 3


class Flag(IntFlag):
    """What else is known of a row."""

    OWN = 1
    """We sent it: it is the looped-back copy of a datagram of ours."""
    TRUNCATED = 2
    """The payload was longer than the receive buffer; `length` is the whole, the payload is not."""
    REFUSED = 4
    """A filter after the kernel (--range, --source-port) refused it; it is counted and can be shown."""
    KERNEL_TIME = 8
    """`received_at` is the kernel's; without it, it is when we read the packet."""
    RAW = 16
    """It came in as raw IP: it has no ports, and the column `destination_port` holds its protocol."""
    FRAGMENT = 32
    """Tapped, a fragment: of the first, `length` is that of the whole datagram; a later one is RAW."""


_RAW = np.uint8(Flag.RAW)  # numpy takes a Flag for a 64-bit number

ADDRESS_WORDS = 2

COLUMNS: ColumnTypes = {
    # name: (dtype, words per row)
    "received_at": (np.dtype("<i8"), 1),  # ns since the epoch, wall clock
    "source": (np.dtype("<u8"), ADDRESS_WORDS),  # never unknown
    "destination": (np.dtype("<u8"), ADDRESS_WORDS),  # header destination; :: = unknown
    "local_address": (np.dtype("<u4"), 1),  # IPv4 of the receiving interface; 0 = unknown (always for IPv6)
    "ifindex": (np.dtype("<u4"), 1),  # 0 = unknown
    "source_port": (np.dtype("<u2"), 1),  # RAW: 0, for there is none
    "destination_port": (np.dtype("<u2"), 1),  # RAW: the protocol number
    "hop_limit": (np.dtype("<i2"), 1),  # TTL or hop limit on arrival; -1 = unknown
    "traffic_class": (np.dtype("<i2"), 1),  # TOS byte or traffic class; -1 = unknown
    "length": (np.dtype("<u2"), 1),  # whole payload length, even when TRUNCATED; of RAW, without IP header
    "addressed": (np.dtype("u1"), 1),  # Addressed
    "flags": (np.dtype("u1"), 1),  # Flag
}
"""The record, widest columns first. `capture.ring` adds where the payload lies."""


def empty_columns(rows: int) -> Columns:
    """Return uninitialised columns of `rows` rows."""
    return {
        name: np.empty(rows if words == 1 else (rows, words), dtype)
        for name, (dtype, words) in COLUMNS.items()
    }


def is_raw(columns: Columns) -> Column:
    """Return which rows are raw IP, as a mask."""
    raw: Column = columns["flags"] & _RAW != 0
    return raw


def address_words(address: Address) -> tuple[int, int]:
    """Return the (high, low) words that stand for `address` in an address column."""
    if isinstance(address, IPv4Address):
        return 0, MAPPED | int(address)
    value = int(address)
    return value >> 64, value & 0xFFFF_FFFF_FFFF_FFFF


def address_from_words(high: int, low: int) -> Address:
    """Return the address that an address column holds as `high`, `low`."""
    if high == 0 and low >> 32 == 0xFFFF:
        return IPv4Address(low & 0xFFFF_FFFF)
    return IPv6Address(high << 64 | low)


@dataclass(frozen=True, slots=True)
class Packet:
    """One row, whole, for somebody who looks at it. Never made for a row nobody looks at."""

    number: int
    """Position in the capture, from 0; shown from 1."""
    received_at: int
    """ns since the epoch; the kernel's when `kernel_time`."""
    kernel_time: bool
    source: Address
    source_port: int | None
    """None: raw IP has no ports."""
    destination: Address | None
    """Header destination: for multicast the group, never a local address."""
    destination_port: int | None
    """The port its socket is bound to; None: raw IP has no ports."""
    addressed: Addressed
    ifindex: int | None
    local_address: IPv4Address | None
    """ipi_spec_dst: the receiving interface's address. IPv6 has no such field."""
    hop_limit: int | None
    """TTL (IPv4) or hop limit (IPv6) on arrival, not as sent."""
    traffic_class: int | None
    length: int
    payload: bytes | None
    """What the ring still holds of the payload; None once its bytes were evicted."""
    truncated: bool
    own: bool
    refused: bool
    protocol: int | None = None
    """Raw IP: the protocol number; None is UDP."""


def ports_and_protocol(
    source_port: int, destination_port: int, flags: int
) -> tuple[int | None, int | None, int | None]:
    """Return source port, destination port and raw protocol, as a `Packet` has them, of a row's values."""
    if flags & Flag.RAW:
        return None, None, destination_port
    return source_port, destination_port, None


def packet_from_row(number: int, columns: Columns, row: int, payload: bytes | None) -> Packet:
    """Build the view of row `row` of `columns`, which is packet `number` of the capture."""
    flags = int(columns["flags"][row])
    source = columns["source"][row].tolist()
    destination = columns["destination"][row].tolist()
    local_address = int(columns["local_address"][row])
    hop_limit = int(columns["hop_limit"][row])
    source_port, destination_port, protocol = ports_and_protocol(
        int(columns["source_port"][row]), int(columns["destination_port"][row]), flags
    )
    traffic_class = int(columns["traffic_class"][row])
    return Packet(
        number=number,
        received_at=int(columns["received_at"][row]),
        kernel_time=bool(flags & Flag.KERNEL_TIME),
        source=address_from_words(*source),
        source_port=source_port,
        destination=address_from_words(*destination) if any(destination) else None,
        destination_port=destination_port,
        addressed=Addressed(int(columns["addressed"][row])),
        ifindex=int(columns["ifindex"][row]) or None,
        local_address=IPv4Address(local_address) if local_address else None,
        hop_limit=hop_limit if hop_limit >= 0 else None,
        traffic_class=traffic_class if traffic_class >= 0 else None,
        length=int(columns["length"][row]),
        payload=payload,
        truncated=bool(flags & Flag.TRUNCATED),
        own=bool(flags & Flag.OWN),
        refused=bool(flags & Flag.REFUSED),
        protocol=protocol,
    )
