"""StreamTable: who was seen on the wire to send to which group or broadcast address, and how much.

Worked out of the ring by a cursor, column by column, when somebody asks.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mcast_tui.wire.columns import Addressed, Column, Columns, Flag, address_from_words, ports_and_protocol
from mcast_tui.wire.frame import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.wire.literal import Address

STREAMS = 1024
"""Streams kept, those heard last. A LAN has fewer; spoofed sources must not grow the table."""
CHUNK = 65_536
"""Rows looked at at a time, so that a first look at a full ring stays in small arrays."""

_LATER = np.uint8(Flag.RAW | Flag.FRAGMENT)  # numpy takes a Flag for a 64-bit number
_KEYS = ("source", "destination", "destination_port", "ifindex", "vlan", "direction")
_COLUMNS = (*_KEYS, "source_port", "addressed", "flags", "length", "received_at", "source_mac")

Key: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """What one source sent to one group or broadcast address, port and all; a source can be forged."""

    source: Address
    destination: Address
    port: int | None
    """None: raw IP has no ports."""
    protocol: int | None
    """Raw IP: the protocol number; None is UDP."""
    ifindex: int
    vlan: int | None
    """None: untagged."""
    is_outgoing: bool
    """This host sent it."""
    source_mac: bytes
    """Of the last packet."""
    packets: int
    bytes: int
    """Of payload."""
    first_seen: int
    last_seen: int
    """ns since the epoch."""


class StreamTable:
    """The streams of a tap's ring. Later fragments, which have no ports, count for none of them."""

    def __init__(self, ring: PacketRing) -> None:
        self._ring = ring
        self._cursor = 0
        self._streams: dict[Key, Stream] = {}
        # Odd numbers nobody can know: streams are told apart by a sum, and must not be made to agree in it.
        self._factors = [np.uint64(secrets.randbits(64) | 1) for _ in range(8)]
        self.evicted = 0
        """Packets that were gone from the ring before anybody asked: they are in no stream."""
        self.forgotten = 0
        """Streams that had to make room for later ones."""

    def update(self) -> Sequence[Stream]:
        """Read what came since the last call; return the streams, most recent first."""
        head = self._ring.head
        while self._cursor < head:
            stop = min(head, max(self._cursor, self._ring.tail) + CHUNK)
            first, columns = self._ring.read(self._cursor, stop, _COLUMNS)
            self.evicted += first - self._cursor
            self._cursor = max(stop, first)
            self._add(columns)
        return sorted(self._streams.values(), key=lambda stream: stream.last_seen, reverse=True)

    def _add(self, columns: Columns) -> None:
        chosen = columns["addressed"] >= Addressed.BROADCAST
        chosen &= columns["flags"] & _LATER != _LATER
        if not chosen.any():
            return
        if not chosen.all():
            columns = {name: column[chosen] for name, column in columns.items()}
        newest, which = self._distinct(columns)
        packets = np.bincount(which).tolist()
        octets = np.bincount(which, columns["length"]).tolist()
        order = np.argsort(newest)  # rows are in the order of arrival
        self.forgotten += max(0, len(order) - STREAMS)
        for place in order[-STREAMS:].tolist():
            self._hear(columns, int(newest[place]), packets[place], int(octets[place]))

    def _distinct(self, columns: Columns) -> tuple[Column, Column]:
        """Return the newest row of each stream, and to which stream each row belongs."""
        total = np.zeros(len(columns["flags"]), np.uint64)
        words = [columns["source"][:, 0], columns["source"][:, 1]]
        words += [columns["destination"][:, 0], columns["destination"][:, 1]]
        words += [columns[name] for name in _KEYS[2:]]
        for word, factor in zip(words, self._factors, strict=True):
            mixed = word.astype(np.uint64) * factor
            total ^= mixed ^ mixed >> np.uint64(29)
            total *= np.uint64(0x9E37_79B9_7F4A_7C15)
        total ^= columns["flags"] & np.uint8(Flag.RAW)
        _, first, which = np.unique(total[::-1], return_index=True, return_inverse=True)
        return len(total) - 1 - first, which[::-1]

    def _hear(self, columns: Columns, row: int, packets: int, octets: int) -> None:
        flags, vlan = int(columns["flags"][row]), int(columns["vlan"][row])
        _, port, protocol = ports_and_protocol(
            int(columns["source_port"][row]), int(columns["destination_port"][row]), flags
        )
        seen = Stream(
            address_from_words(*columns["source"][row].tolist()),
            address_from_words(*columns["destination"][row].tolist()),
            port,
            protocol,
            int(columns["ifindex"][row]),
            vlan if vlan >= 0 else None,
            bool(columns["direction"][row] == Direction.OUTGOING),
            int(columns["source_mac"][row]).to_bytes(6, "big"),
            packets,
            octets,
            int(columns["received_at"][row]),
            int(columns["received_at"][row]),
        )
        key = (seen.source, seen.destination, port, protocol, seen.ifindex, seen.vlan, seen.is_outgoing)
        before = self._streams.pop(key, None)
        if before is not None:
            seen = replace(
                seen,
                packets=before.packets + packets,
                bytes=before.bytes + octets,
                first_seen=before.first_seen,
            )
        self._streams[key] = seen
        if len(self._streams) > STREAMS:
            self._streams.pop(next(iter(self._streams)))
            self.forgotten += 1
