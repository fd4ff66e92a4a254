"""IGMP: the octets behind an IP header -> a message of version 1, 2 or 3 (RFC 1112, 2236, 3376).

Checks what the octets alone can prove; checksum and header are `heard`'s affair. What stands behind the
last field is ignored, as RFC 3376 sections 4.1.10 and 4.2.11 demand.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from mcast_tui.wire.membership.message import (
    LONGEST_MESSAGE,
    GroupReport,
    Leave,
    MembershipMessage,
    Protocol,
    Query,
    RecordReport,
    Refused,
)
from mcast_tui.wire.membership.records import (
    NO_GROUP,
    TOO_LONG,
    decode_floating,
    decode_long_query,
    decode_records,
)

QUERY, REPORT_V1, REPORT_V2, LEAVE, REPORT_V3 = 0x11, 0x12, 0x16, 0x17, 0x22

_SHORT = struct.Struct("!BBHI")  # type, code, checksum, group
_RECORD_COUNT = struct.Struct("!H")
_SHORT_SIZE, _LONG_QUERY = 8, 12

_TOO_SHORT = Refused("an IGMP message shorter than 8 octets")
_NO_VERSION = Refused("an IGMP query of a length no version has (RFC 3376 section 7.1)")
NOT_IGMP = Refused("IGMP, but no query, report or leave")


def decode_igmp(octets: bytes) -> MembershipMessage | Refused:
    """Return the message, or why it is none."""
    if len(octets) < _SHORT_SIZE:
        return _TOO_SHORT
    if len(octets) > LONGEST_MESSAGE:
        return TOO_LONG
    kind, code, _, number = _SHORT.unpack_from(octets)
    if kind == REPORT_V3:
        (count,) = _RECORD_COUNT.unpack_from(octets, _SHORT_SIZE - _RECORD_COUNT.size)
        records = decode_records(octets, _SHORT_SIZE, count, IPv4Address)
        return records if isinstance(records, Refused) else RecordReport(Protocol.IGMPV3, records)
    group = IPv4Address(number)
    if kind == QUERY:
        return _decode_query(octets, code, group)
    if kind not in {REPORT_V1, REPORT_V2, LEAVE}:
        return NOT_IGMP
    if not group.is_multicast:
        return NO_GROUP
    if kind == LEAVE:
        return Leave(Protocol.IGMPV2, group)
    return GroupReport(Protocol.IGMPV1 if kind == REPORT_V1 else Protocol.IGMPV2, group)


def _decode_query(octets: bytes, code: int, group: IPv4Address) -> Query | Refused:
    """Tell the version by length and code: RFC 3376 section 7.1."""
    asked = None if group.is_unspecified else group
    if len(octets) == _SHORT_SIZE:
        if code == 0:  # the group of a version 1 query is ignored: RFC 1112 appendix I
            return Query(Protocol.IGMPV1, None, (), None)
        if asked is not None and not asked.is_multicast:
            return NO_GROUP
        return Query(Protocol.IGMPV2, asked, (), code / 10)
    if len(octets) < _LONG_QUERY:
        return _NO_VERSION
    if asked is not None and not asked.is_multicast:
        return NO_GROUP
    return decode_long_query(Protocol.IGMPV3, octets, _SHORT_SIZE, asked, decode_floating(code, 4) / 10)
