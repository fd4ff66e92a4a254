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
from mcast_tui.wire.frame_headers import HEAD, LEAD, Found, find_headers

UDP = 17
ETHERNET_SIZE = 14
UDP_HEADER_SIZE = 8
PLAIN_UDP_AT = ETHERNET_SIZE + 20 + UDP_HEADER_SIZE
"""Where the payload of UDP in plain IPv4 begins, counted from the MAC header."""
UNTAGGED = -1

_BROADCAST_MAC = 0xFFFF_FFFF_FFFF
_TYPE_IPV4, _TYPE_IPV6 = 0x0800, 0x86DD
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


@dataclass(slots=True)
class _Rows:
    """The fields of all frames, as unsigned words of 32 bits where nothing else is said."""

    protocol: Column
    hop_limit: Column
    traffic_class: Column
    source: Column
    destination: Column
    ports: Column
    udp_length: Column
    transport_at: Column | int
    transport_length: Column


def decode_frames(frames: Column, captured: Column, lengths: Column) -> Decoded:
    """Decode `frames`, one a row, each after `LEAD` octets of anything; at least `HEAD` octets a row.

    `captured` is how many octets from the MAC header on are in the row, `lengths` how many were on the wire.
    """
    words = np.ascontiguousarray(frames[:, :HEAD]).view(">u4").T.astype("<u4")
    return decode_words(words, frames, captured, lengths)


def decode_words(words: Column, frames: Column, captured: Column, lengths: Column) -> Decoded:
    """Do as `decode_frames`; `words` are the first `HEAD` octets of the rows, a big-endian word a line."""
    types = words[3] & 0xFFFF
    is_plain4 = types == _TYPE_IPV4
    is_plain4 &= words[4] >> 24 == 0x45  # version 4, five words of header
    is_plain4 &= words[5] & 0x3FFF == 0  # no fragment
    found: Found | None = None
    is_v4: Column | None = None
    if not is_plain4.all():
        is_plain = (types == _TYPE_IPV6) & (words[4] >> 28 == 6) & _has_no_extension(words[5])
        is_plain |= is_plain4
        odd = np.flatnonzero(~is_plain)
        is_v4 = types == _TYPE_IPV4
        if len(odd):
            found = find_headers(frames, captured, odd)
            words[:, odd] = found.heads.view(">u4").T
            is_v4[odd] = found.family == 4
    return _decode(words, is_v4, found, captured.astype(np.int64), lengths)


def _has_no_extension(word: Column) -> Column:
    """Return which words 1 of an IPv6 header are followed by no extension header (RFC 8200 section 4)."""
    following = word >> 8 & 0xFF
    plain: Column = (following != 0) & (following != 43) & (following != 44) & (following != 60)
    return plain


def _decode(
    words: Column, is_v4: Column | None, found: Found | None, captured: Column, lengths: Column
) -> Decoded:
    rows = _v4_rows(words) if is_v4 is None else _mixed_rows(words, is_v4)
    is_sound = np.ones(len(captured), bool)
    flags = np.full(len(captured), _KERNEL_TIME)
    is_udp = rows.protocol == UDP
    vlan: Column = np.full(len(captured), UNTAGGED, np.int16)
    is_fragment = None
    if found is not None:
        odd = found.rows
        rows.protocol[odd], rows.transport_length[odd] = found.protocol, found.transport_length
        rows.transport_at = _each(rows.transport_at, len(captured))
        rows.transport_at[odd] = found.transport_at
        is_udp[odd] = (found.protocol == UDP) & ~found.is_later_fragment
        is_sound[odd] = found.family > 0
        flags[odd] |= np.where(found.is_fragment, _FRAGMENT, np.uint8(0))
        vlan[odd] = found.vlan
        is_fragment = np.zeros(len(captured), bool)
        is_fragment[odd] = found.is_fragment
    columns = {
        **_link_columns(words),
        "vlan": vlan,
        "source": rows.source,
        "destination": rows.destination,
        "hop_limit": rows.hop_limit,
        "traffic_class": rows.traffic_class,
        "flags": flags,
    }
    columns["addressed"] = _addressed(words, is_v4, columns)
    return _with_payload(rows, columns, is_udp, is_fragment, is_sound, captured, lengths, found)


def _with_payload(
    rows: _Rows,
    columns: Columns,
    is_udp: Column,
    is_fragment: Column | None,
    is_sound: Column,
    captured: Column,
    lengths: Column,
    found: Found | None,
) -> Decoded:
    """Work out ports and payload; say what is sound."""
    ends = rows.transport_at + rows.transport_length
    is_sound &= ends <= lengths
    length = rows.udp_length - UDP_HEADER_SIZE
    payload_at = _each(rows.transport_at, len(captured)) + UDP_HEADER_SIZE
    source_port, destination_port = rows.ports >> 16, rows.ports & 0xFFFF
    is_whole = rows.udp_length <= rows.transport_length
    if is_fragment is not None:
        is_whole |= is_fragment  # the rest of it is in later fragments
    is_whole &= rows.udp_length >= UDP_HEADER_SIZE
    is_whole &= captured >= payload_at
    if not is_udp.all():
        is_raw = ~is_udp
        columns["flags"][is_raw] |= _RAW
        length = np.where(is_raw, rows.transport_length, length)
        payload_at -= np.where(is_raw, UDP_HEADER_SIZE, 0)
        source_port = np.where(is_raw, 0, source_port)
        destination_port = np.where(is_raw, rows.protocol, destination_port)
        is_whole |= is_raw
        is_whole &= captured >= payload_at
    is_sound &= is_whole
    kept = np.minimum(captured, ends)
    kept -= payload_at
    np.minimum(kept, length, out=kept)
    np.maximum(kept, 0, out=kept)
    if (cut := kept < length).any():
        columns["flags"][cut] |= _TRUNCATED
    columns |= {"length": length, "source_port": source_port, "destination_port": destination_port}
    if is_sound.all():
        return Decoded(columns, payload_at, kept, None, 0)
    foreign = 0 if found is None else int(np.count_nonzero(found.is_foreign))
    refused = len(is_sound) - int(np.count_nonzero(is_sound)) - foreign
    return Decoded(columns, payload_at, kept, is_sound, refused)


def _v4_rows(words: Column) -> _Rows:
    return _Rows(
        protocol=words[6] >> 16 & 0xFF,
        hop_limit=words[6] >> 24,
        traffic_class=words[4] >> 16 & 0xFF,
        source=_mapped(words[7]),
        destination=_mapped(words[8]),
        ports=words[9],
        udp_length=(words[10] >> 16).astype(np.int64),
        transport_at=ETHERNET_SIZE + 20,
        transport_length=(words[4] & 0xFFFF).astype(np.int64) - 20,
    )


def _v6_rows(words: Column) -> _Rows:
    return _Rows(
        protocol=words[5] >> 8 & 0xFF,
        hop_limit=words[5] & 0xFF,
        traffic_class=words[4] >> 20 & 0xFF,
        source=_address(words[6:10]),
        destination=_address(words[10:14]),
        ports=words[14],
        udp_length=(words[15] >> 16).astype(np.int64),
        transport_at=ETHERNET_SIZE + 40,
        transport_length=(words[5] >> 16).astype(np.int64),
    )


def _mixed_rows(words: Column, is_v4: Column) -> _Rows:
    """Return the rows of a run that is not IPv4 alone."""
    if not is_v4.any():
        return _v6_rows(words)
    rows, other = _v4_rows(words), _v6_rows(words)
    where, is_v6 = is_v4[:, None], ~is_v4
    transport_at = np.where(is_v4, rows.transport_at, other.transport_at)
    for name in ("protocol", "hop_limit", "traffic_class", "ports", "udp_length", "transport_length"):
        np.copyto(getattr(rows, name), getattr(other, name), where=is_v6)
    return _Rows(
        rows.protocol,
        rows.hop_limit,
        rows.traffic_class,
        np.where(where, rows.source, other.source),
        np.where(where, rows.destination, other.destination),
        rows.ports,
        rows.udp_length,
        transport_at,
        rows.transport_length,
    )


def _each(value: Column | int, rows: int) -> Column:
    """Return one number for each row."""
    return value if isinstance(value, np.ndarray) else np.full(rows, value)


def _mapped(word: Column) -> Column:
    """Return IPv4 addresses as an address column has them."""
    address = np.empty((len(word), ADDRESS_WORDS), "<u8")
    address[:, 0] = 0
    np.bitwise_or(word, np.uint64(MAPPED), out=address[:, 1])
    return address


def _address(words: Column) -> Column:
    """Return IPv6 addresses, four lines of words, as an address column has them."""
    address = np.empty((words.shape[1], ADDRESS_WORDS), "<u8")
    for half in (0, 1):
        high, low = words[2 * half].astype("<u8"), words[2 * half + 1]
        high <<= np.uint64(32)
        np.bitwise_or(high, low, out=address[:, half])
    return address


def _link_columns(words: Column) -> Columns:
    destination, source = words[0].astype("<u8"), words[2].astype("<u8")
    destination &= np.uint64(0xFFFF)
    destination <<= np.uint64(32)
    destination |= words[1]
    source <<= np.uint64(16)
    source |= words[3] >> 16
    return {"source_mac": source, "destination_mac": destination, "ether_type": words[3] & 0xFFFF}


def _addressed(words: Column, is_v4: Column | None, columns: Columns) -> Column:
    """Return how each was addressed: by its IP destination, and the Ethernet one for a subnet's broadcast."""
    is_group = words[8] >> 28 == 0xE
    if is_v4 is not None:
        is_group = np.where(is_v4, is_group, words[10] >> 24 == 0xFF)
    addressed = np.full(len(is_group), Addressed.MULTICAST, np.uint8)
    if not is_group.all():
        is_broadcast = columns["destination_mac"] == np.uint64(_BROADCAST_MAC)
        is_broadcast |= words[8] == 0xFFFF_FFFF
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
