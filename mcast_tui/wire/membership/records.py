"""What IGMPv3 and MLDv2 have in common but for the length of an address: queries, records, coded times."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from mcast_tui.wire.membership.message import GroupRecord, Protocol, Query, RecordType, Refused

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address

NO_GROUP = Refused("it is about an address that is no group")
TOO_LONG = Refused("longer than any frame carries")

_RECORD = struct.Struct("!BBH")  # type, words of auxiliary data, number of sources; then group, sources, data
_QUERY_REST = struct.Struct("!BBH")  # S and QRV, QQIC, number of sources; then these
_SUPPRESS = 0x08
_CUT = Refused("a report that ends within its records")
_CUT_SOURCES = Refused("a query that ends within its sources")
_SOURCES_OF_ALL = Refused(
    "a general query that lists sources (RFC 3376 section 4.1.8, RFC 3810 section 5.1.10)"
)
_SIZES: dict[type, int] = {IPv4Address: 4, IPv6Address: 16}
_TYPES: dict[int, RecordType] = {int(kind): kind for kind in RecordType}


def decode_floating(code: int, mantissa_bits: int) -> int:
    """Return the value of a Max Resp Code or QQIC: itself, or a number with three bits of exponent.

    RFC 3376 sections 4.1.1 and 4.1.7 have four bits of mantissa, RFC 3810 section 5.1.3 twelve.
    """
    floating = 1 << (mantissa_bits + 3)
    if code < floating:
        return code
    mantissa = code & ((1 << mantissa_bits) - 1) | (1 << mantissa_bits)
    return mantissa << ((code >> mantissa_bits & 0x7) + 3)


def decode_long_query(
    protocol: Protocol, octets: bytes, at: int, asked: Address | None, max_response_s: float
) -> Query | Refused:
    """Return a query of IGMPv3 or MLDv2, whose S flag and QRV stand at `at`, or why it is none.

    The octets reach to the number of sources at least.
    """
    flags, interval, count = _QUERY_REST.unpack_from(octets, at)
    if asked is None and count:
        return _SOURCES_OF_ALL
    kind = IPv4Address if protocol.family == 4 else IPv6Address
    sources = _decode_sources(octets, at + _QUERY_REST.size, count, kind)
    if sources is None:
        return _CUT_SOURCES
    return Query(
        protocol,
        asked,
        sources,
        max_response_s,
        suppress=bool(flags & _SUPPRESS),
        robustness=_decode_robustness(flags),
        interval_s=decode_floating(interval, 4),
    )


def _decode_robustness(flags: int) -> int | None:
    """Return QRV; None for 0, which stands for a value above 7 (RFC 3376 section 4.1.6)."""
    return flags & 0x07 or None


def _decode_sources(octets: bytes, at: int, count: int, kind: type[Address]) -> tuple[Address, ...] | None:
    """Return `count` addresses; None when there are not so many."""
    size = _SIZES[kind]
    end = at + count * size
    if end > len(octets):
        return None
    return tuple([kind(octets[start : start + size]) for start in range(at, end, size)])


def decode_records(
    octets: bytes, at: int, count: int, kind: type[Address]
) -> tuple[GroupRecord, ...] | Refused:
    """Return `count` records, or why they are none; auxiliary data is skipped (RFC 3376 section 4.2.10)."""
    size = _SIZES[kind]
    records = []
    for _ in range(count):
        body = at + _RECORD.size + size
        if body > len(octets):
            return _CUT
        number, auxiliary_words, source_count = _RECORD.unpack_from(octets, at)
        group = kind(octets[body - size : body])
        if not group.is_multicast:
            return NO_GROUP
        sources = _decode_sources(octets, body, source_count, kind)
        at = body + source_count * size + auxiliary_words * 4
        if sources is None or at > len(octets):
            return _CUT
        records.append(GroupRecord(_TYPES.get(number, number), group, sources))
    return tuple(records)
