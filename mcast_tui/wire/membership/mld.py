"""MLD: an ICMPv6 message -> a message of version 1 or 2 (RFC 2710, 3810).

Checks what the octets alone can prove; checksum and headers are `heard`'s affair. What stands behind the
last field is ignored, as RFC 3810 sections 5.1.12 and 5.2.11 demand.
"""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

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

QUERY, REPORT_V1, DONE, REPORT_V2 = 130, 131, 132, 143

_HEADER = struct.Struct(
    "!BBHHH"
)  # type, code, checksum; maximum response code and reserved, or number of records
_HEADER_SIZE, _V1_SIZE, _LONG_QUERY = 8, 24, 28

_TOO_SHORT = Refused("an MLD message shorter than its version has it")
_NO_VERSION = Refused("an MLD query of a length no version has (RFC 3810 section 8.1)")
NOT_MLD = Refused("ICMPv6, but no MLD")


def decode_mld(octets: bytes) -> MembershipMessage | Refused:
    """Return the message, or why it is none."""
    if len(octets) < _HEADER_SIZE:
        return _TOO_SHORT
    if len(octets) > LONGEST_MESSAGE:
        return TOO_LONG
    kind, _, _, code, count = _HEADER.unpack_from(octets)
    if kind == REPORT_V2:
        records = decode_records(octets, _HEADER_SIZE, count, IPv6Address)
        return records if isinstance(records, Refused) else RecordReport(Protocol.MLDV2, records)
    if kind not in {QUERY, REPORT_V1, DONE}:
        return NOT_MLD
    if len(octets) < _V1_SIZE:
        return _TOO_SHORT
    group = IPv6Address(octets[_HEADER_SIZE:_V1_SIZE])
    is_general = kind == QUERY and group.is_unspecified
    if not is_general and not group.is_multicast:
        return NO_GROUP
    if kind == QUERY:
        return _decode_query(octets, code, None if is_general else group)
    return GroupReport(Protocol.MLDV1, group) if kind == REPORT_V1 else Leave(Protocol.MLDV1, group)


def _decode_query(octets: bytes, code: int, asked: IPv6Address | None) -> Query | Refused:
    """Tell the version by length: RFC 3810 section 8.1."""
    if len(octets) == _V1_SIZE:
        return Query(Protocol.MLDV1, asked, (), code / 1000)
    if len(octets) < _LONG_QUERY:
        return _NO_VERSION
    return decode_long_query(Protocol.MLDV2, octets, _V1_SIZE, asked, decode_floating(code, 12) / 1000)
