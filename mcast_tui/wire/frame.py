"""Tapped Ethernet frames, a whole run of them at once, decoded into the columns of packets.

What is IPv4 or IPv6 becomes a row: UDP with its ports, any other protocol as RAW. A later fragment of a
datagram has no ports, so it is RAW as well. A frame whose headers contradict themselves, or end before they
are whole, is refused and counted, never raised; what is no IP at all is left out, as the socket's filter
leaves it out.

Nearly all frames have their headers where `plain` frames have them; `wire.frame_headers` finds those of the
others (tags, options, extension headers, fragments), so that one decoding serves all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from mcast_tui.wire.columns import ADDRESS_WORDS, MAPPED, Addressed, Column, Columns, ColumnTypes, Flag
from mcast_tui.wire.frame_headers import LEAD, Found, find_headers

UDP = 17
ETHERNET_SIZE = 14
UDP_HEADER_SIZE = 8
PLAIN_UDP_AT = ETHERNET_SIZE + 20 + UDP_HEADER_SIZE
"""Where the payload of UDP in plain IPv4 begins, counted from the MAC header."""
UNTAGGED = -1

_BROADCAST_MAC = 0xFFFF_FFFF_FFFF
_BROADCAST4 = 0xFFFF_FFFF
_TYPE_IPV4, _TYPE_IPV6 = 0x0800, 0x86DD
_PLAIN4, _PLAIN4_BITS = 0x4500 << 48, 0xFF00 << 48 | 0x3FFF
"""Of an IPv4 header's first word: version 4, five words of header, no fragment."""
_LOW_16, _LOW_32 = 0xFFFF, 0xFFFF_FFFF
_KERNEL_TIME, _RAW = np.uint8(Flag.KERNEL_TIME), np.uint8(Flag.RAW)  # numpy takes a Flag for a 64-bit number
_TRUNCATED, _FRAGMENT = np.uint8(Flag.TRUNCATED), np.uint8(Flag.FRAGMENT)


class Direction(IntEnum):
    """Which way a tapped frame passed the interface."""

    UNKNOWN = 0
    INCOMING = 1
    OUTGOING = 2
    """This host sent it, whichever of its programs."""
    OTHER_HOST = 3
    """Incoming, for the MAC address of another host: only a promiscuous tap sees those."""


LINK_COLUMNS: ColumnTypes = {
    "source_mac": (np.dtype("<u8"), 1),  # its 48 bits
    "destination_mac": (np.dtype("<u8"), 1),
    "vlan": (np.dtype("<i2"), 1),  # identifier of the outermost tag; -1 = untagged
    "ether_type": (np.dtype("<u2"), 1),  # of the innermost header: 0x0800, 0x86dd
    "direction": (np.dtype("u1"), 1),  # Direction
}
"""What a tapped row has beside `wire.columns.COLUMNS`."""


class Link(NamedTuple):
    """The `LINK_COLUMNS` of one row, in their order, as plain integers."""

    source_mac: int
    destination_mac: int
    vlan: int
    """-1: untagged."""
    ether_type: int
    direction: int
    """A `Direction`."""

    @property
    def is_outgoing(self) -> bool:
        """This host sent it."""
        return self.direction == Direction.OUTGOING


@dataclass(frozen=True, slots=True)
class Decoded:
    """The rows of a run of frames, one for each frame; `is_sound` says which of them to keep."""

    columns: Columns
    """Those of the packet that a frame tells, and of `LINK_COLUMNS` all but `direction`."""
    payload_at: Column
    """Where each payload begins, counted from the MAC header."""
    kept: Column
    """Bytes of each payload that were captured."""
    is_sound: Column | None
    """None: all."""
    refused: int
    """Frames that claim to be IP and are not sound."""


_SINGLE_FIELDS = (
    *("protocol", "hop_limit", "traffic_class"),
    *("source_port", "destination_port", "udp_length", "transport_length"),
)


@dataclass(slots=True)
class _Rows:
    """The fields of all frames."""

    protocol: Column
    hop_limit: Column
    traffic_class: Column
    source: Column
    destination: Column
    source_port: Column
    destination_port: Column
    udp_length: Column
    transport_at: Column | int
    transport_length: Column
    is_raw: Column | None = None
    """None: all are UDP with ports."""
    is_fragment: Column | None = None
    """None: none is."""
    is_ip: Column | None = None
    """None: all are."""


def decode_words(words: Column, frames: Column, captured: Column, lengths: Column) -> Decoded:
    """Decode `frames`, one a row, each after `LEAD` octets of anything; at least `HEAD` octets a row.

    `captured` is how many octets from the MAC header on are in the row, `lengths` how many were on the wire.
    `words` are the first `HEAD` octets of the rows, each 8 of them a line, and may be changed.
    So these are: 0 destination MAC, 1 source MAC and EtherType; of plain IPv4 then 2 up to the fragment
    offset, 3 up to the source, 4 destination and ports, 5 UDP length; of plain IPv6 2 up to the hop limit,
    3 and 4 source, 5 and 6 destination, 7 the UDP header.
    """
    types = words[1].astype("<u2")
    is_plain4 = types == _TYPE_IPV4
    is_plain4 &= words[2] & _PLAIN4_BITS == _PLAIN4
    found: Found | None = None
    is_v4: Column | None = None
    if not is_plain4.all():
        is_plain = (types == _TYPE_IPV6) & (words[2] >> 60 == 6) & _has_no_extension(words[2])
        is_plain |= is_plain4
        odd = np.flatnonzero(~is_plain)
        is_v4 = types == _TYPE_IPV4
        if len(odd):
            found = find_headers(frames, captured, odd)
            words[:, odd] = found.heads.view(">u8").T
            types[odd] = words[1, odd]
            is_v4[odd] = found.family == 4
    return _decode(words, types, is_v4, found, captured, lengths)


def _has_no_extension(word: Column) -> Column:
    """Return by word 2 which are followed by no extension header (RFC 8200 section 4)."""
    following = (word >> 8).astype("u1")
    plain: Column = (following != 0) & (following != 43) & (following != 44) & (following != 60)
    return plain


def _decode(
    words: Column,
    types: Column,
    is_v4: Column | None,
    found: Found | None,
    captured: Column,
    lengths: Column,
) -> Decoded:
    rows = _v4_rows(words) if is_v4 is None else _mixed_rows(words, is_v4)
    flags = np.full(len(captured), _KERNEL_TIME)
    vlan: Column = np.full(len(captured), UNTAGGED, np.int16)
    is_udp = rows.protocol == UDP
    if found is not None:
        odd = found.rows
        is_udp[odd] = (found.protocol == UDP) & ~found.is_later_fragment
        flags[odd] |= np.where(found.is_fragment, _FRAGMENT, np.uint8(0))
        vlan[odd] = found.vlan
        _put_found(rows, found, len(captured))
    if not is_udp.all():
        rows.is_raw = ~is_udp
        flags[rows.is_raw] |= _RAW
    columns = {
        "destination_mac": words[0] & _BROADCAST_MAC,
        "source_mac": words[1] >> 16,
        "ether_type": types,
        "vlan": vlan,
        "source": rows.source,
        "destination": rows.destination,
        "hop_limit": rows.hop_limit,
        "traffic_class": rows.traffic_class,
        "flags": flags,
    }
    columns["addressed"] = _addressed(words, is_v4, columns)
    payload_at = _payload(rows, columns, len(captured))
    return _kept(rows, columns, payload_at, found, captured, lengths)


def _put_found(rows: _Rows, found: Found, count: int) -> None:
    """Put what was found in the odd rows in the place of what a plain frame would have there."""
    odd = found.rows
    rows.protocol[odd], rows.transport_length[odd] = found.protocol, found.transport_length
    rows.transport_at = _each(rows.transport_at, count)
    rows.transport_at[odd] = found.transport_at
    rows.is_ip = np.ones(count, bool)
    rows.is_ip[odd] = found.family > 0
    rows.is_fragment = np.zeros(count, bool)
    rows.is_fragment[odd] = found.is_fragment


def _payload(rows: _Rows, columns: Columns, count: int) -> Column:
    """Add the columns of the ports and of the payload's length; return where each payload begins."""
    length = rows.udp_length - UDP_HEADER_SIZE
    payload_at = _each(rows.transport_at, count) + UDP_HEADER_SIZE
    source_port, destination_port = rows.source_port, rows.destination_port
    if rows.is_raw is not None:
        length = np.where(rows.is_raw, rows.transport_length, length)
        payload_at -= np.where(rows.is_raw, UDP_HEADER_SIZE, 0)
        source_port = np.where(rows.is_raw, 0, source_port)
        destination_port = np.where(rows.is_raw, rows.protocol, destination_port)
    columns |= {"length": length, "source_port": source_port, "destination_port": destination_port}
    return payload_at


def _soundness(rows: _Rows, payload_at: Column, ends: Column, captured: Column, lengths: Column) -> Column:
    """Return which are IP, contradict themselves nowhere, and have all their headers captured."""
    is_sound: Column = rows.udp_length <= rows.transport_length
    if rows.is_fragment is not None:
        is_sound |= rows.is_fragment  # the rest of it is in later fragments
    is_sound &= rows.udp_length >= UDP_HEADER_SIZE
    if rows.is_raw is not None:
        is_sound |= rows.is_raw & (rows.transport_length >= 0)  # a header longer than its packet is none
    is_sound &= captured >= payload_at
    is_sound &= ends <= lengths
    if rows.is_ip is not None:
        is_sound &= rows.is_ip
    return is_sound


def _kept(
    rows: _Rows,
    columns: Columns,
    payload_at: Column,
    found: Found | None,
    captured: Column,
    lengths: Column,
) -> Decoded:
    """Say which rows are sound, and how much of each payload is there."""
    ends = rows.transport_at + rows.transport_length
    is_sound = _soundness(rows, payload_at, ends, captured, lengths)
    is_all_sound = is_sound.all()
    kept = np.minimum(captured, ends)
    kept -= payload_at
    np.minimum(kept, columns["length"], out=kept)
    if not is_all_sound:
        np.maximum(kept, 0, out=kept)
    if (cut := kept < columns["length"]).any():
        columns["flags"][cut] |= _TRUNCATED
    if is_all_sound:
        return Decoded(columns, payload_at, kept, None, 0)
    foreign = 0 if found is None else int(np.count_nonzero(found.is_foreign))
    refused = len(is_sound) - int(np.count_nonzero(is_sound)) - foreign
    return Decoded(columns, payload_at, kept, is_sound, refused)


def _v4_rows(words: Column) -> _Rows:
    return _Rows(
        protocol=(words[3] >> 48).astype("u1"),
        hop_limit=(words[3] >> 56).astype("u1"),
        traffic_class=(words[2] >> 48).astype("u1"),
        source=_mapped(words[3] & _LOW_32),
        destination=_mapped(words[4] >> 32),
        source_port=(words[4] >> 16).astype("<u2"),
        destination_port=words[4].astype("<u2"),
        udp_length=(words[5] >> 48).view("<i8"),
        transport_at=ETHERNET_SIZE + 20,
        transport_length=(words[2] >> 32 & _LOW_16).view("<i8") - 20,
    )


def _v6_rows(words: Column) -> _Rows:
    return _Rows(
        protocol=(words[2] >> 8).astype("u1"),
        hop_limit=words[2].astype("u1"),
        traffic_class=(words[2] >> 52).astype("u1"),
        source=np.ascontiguousarray(words[3:5].T),
        destination=np.ascontiguousarray(words[5:7].T),
        source_port=(words[7] >> 48).astype("<u2"),
        destination_port=(words[7] >> 32).astype("<u2"),
        udp_length=(words[7] >> 16 & _LOW_16).view("<i8"),
        transport_at=ETHERNET_SIZE + 40,
        transport_length=(words[2] >> 16 & _LOW_16).view("<i8"),
    )


def _mixed_rows(words: Column, is_v4: Column) -> _Rows:
    """Return the rows of a run that is not IPv4 alone."""
    if not is_v4.any():
        return _v6_rows(words)
    rows, other = _v4_rows(words), _v6_rows(words)
    where, is_v6 = is_v4[:, None], ~is_v4
    transport_at = np.where(is_v4, rows.transport_at, other.transport_at)
    for name in _SINGLE_FIELDS:
        np.copyto(getattr(rows, name), getattr(other, name), where=is_v6)
    return _Rows(
        rows.protocol,
        rows.hop_limit,
        rows.traffic_class,
        np.where(where, rows.source, other.source),
        np.where(where, rows.destination, other.destination),
        rows.source_port,
        rows.destination_port,
        rows.udp_length,
        transport_at,
        rows.transport_length,
    )


def _each(value: Column | int, rows: int) -> Column:
    """Return one number for each row."""
    return value if isinstance(value, np.ndarray) else np.full(rows, value)


def _mapped(address: Column) -> Column:
    """Return IPv4 addresses as an address column has them."""
    words = np.zeros((len(address), ADDRESS_WORDS), "<u8")
    np.bitwise_or(address, MAPPED, out=words[:, 1])
    return words


def _addressed(words: Column, is_v4: Column | None, columns: Columns) -> Column:
    """Return how each was addressed: by its IP destination, and the Ethernet one for a subnet's broadcast."""
    is_group = words[4] >> 60 == 0xE
    if is_v4 is not None:
        is_group = np.where(is_v4, is_group, words[5] >> 56 == 0xFF)
    addressed = np.full(len(is_group), Addressed.MULTICAST, np.uint8)
    if not is_group.all():
        is_broadcast = columns["destination_mac"] == _BROADCAST_MAC
        is_broadcast |= words[4] >> 32 == _BROADCAST4
        if is_v4 is not None:
            is_broadcast &= is_v4  # IPv6 knows none
        one = np.where(is_broadcast, Addressed.BROADCAST, Addressed.UNICAST)
        np.copyto(addressed, one, where=~is_group, casting="unsafe")
    return addressed


def align_payloads(frames: Column, decoded: Decoded) -> None:
    """Move every payload in its row to where that of UDP in plain IPv4 begins; cut what has no room there."""
    room = frames.shape[1] - LEAD - PLAIN_UDP_AT
    if len(decoded.kept) and int(decoded.kept.max()) > room:
        np.minimum(decoded.kept, room, out=decoded.kept)
    is_elsewhere = decoded.payload_at != PLAIN_UDP_AT
    if not is_elsewhere.any():
        return
    to = LEAD + PLAIN_UDP_AT
    for at in np.unique(decoded.payload_at[is_elsewhere]).tolist():
        rows = np.flatnonzero((decoded.payload_at == at) & (decoded.kept > 0))
        if len(rows):
            longest = int(decoded.kept[rows].max())
            frames[rows, to : to + longest] = frames[rows, LEAD + at : LEAD + at + longest]
