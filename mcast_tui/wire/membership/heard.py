"""A tapped frame -> the membership message it carries, or why a host or router would ignore it.

What receivers must ignore is refused, never an exception: a wrong checksum, a fragment, a packet that was
sent in part, for IPv4 what RFC 1122 section 3.2.1 discards, for MLD all that RFC 3810 sections 6.2 and 7.4
demand; and what was captured in part. Of IGMP neither TTL nor Router Alert is checked, for Linux checks
neither, although RFC 3376 section 9.1 asks hosts to ignore queries without the alert: a wrong TTL is told and
not refused.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, NamedTuple

from mcast_tui.wire.membership.igmp import NOT_IGMP, decode_igmp
from mcast_tui.wire.membership.message import Heard, Query, Refused
from mcast_tui.wire.membership.mld import NOT_MLD, decode_mld

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import ControlFrame, MembershipMessage

_IPV4 = struct.Struct(
    "!BxHxxHBBH4s4s"
)  # version and words, length, fragment, TTL, protocol, checksum, addresses
_IPV6 = struct.Struct("!IHBB16s16s")  # version, payload length, next header, hop limit, addresses
_MORE_FRAGMENTS_AND_OFFSET = 0x3FFF
_HOP_BY_HOP, _IGMP, _FRAGMENT, _ICMPV6 = 0, 2, 44, 58
_PAD1, _ROUTER_ALERT = 0, 5  # RFC 8200 section 4.2, RFC 2711
_ALERT_FOR_MLD = b"\0\0"
_DISCARD_IF_UNKNOWN = 0xC0
"""The two bits of an option's type that say what becomes of the packet where nobody knows the option."""
_BROADCAST = IPv4Address("255.255.255.255")

CUT_BY_TAP = Refused("longer than the tap keeps of a frame")
"""The only one that is no fault of the frame: a host or router would not ignore it."""
_CUT = Refused("sent in part")
_NO_IP = Refused("no IPv4 or IPv6 packet")
_BAD_HEADER = Refused("a bad IP header")
_BAD_CHECKSUM = Refused("a wrong checksum")
_IN_FRAGMENTS = Refused("a fragment of a packet")
_OTHER_PROTOCOL = Refused("neither IGMP nor MLD")
_BAD_SOURCE = Refused("the source is no host's address (RFC 1122 section 3.2.1.3)")
_NOT_LINK_LOCAL = Refused("MLD from a source that is not link-local (RFC 3810 sections 5.1.14 and 5.2.13)")
_HOP_LIMIT = Refused("MLD with a hop limit other than 1 (RFC 3810 sections 6.2 and 7.4)")
_NO_ALERT = Refused("MLD without a Router Alert option (RFC 3810 sections 6.2 and 7.4)")
_BAD_OPTIONS = Refused("bad hop-by-hop options")
NOT_MEMBERSHIP = frozenset({_OTHER_PROTOCOL.reason, NOT_IGMP.reason, NOT_MLD.reason})
"""The reasons that are no fault: it is something else."""


class _Opened(NamedTuple):
    source: Address
    destination: Address
    hop_limit: int
    message: MembershipMessage


def hear(frame: ControlFrame) -> Heard | Refused:
    """Return the message of a frame with who said it where, or why it is not heard."""
    opened = _open(frame.packet)
    if isinstance(opened, Refused):
        return CUT_BY_TAP if opened is _CUT and frame.is_cut else opened
    return Heard(
        received_at=frame.received_at,
        ifindex=frame.ifindex,
        is_outgoing=frame.is_outgoing,
        source=opened.source,
        destination=opened.destination,
        hop_limit=opened.hop_limit,
        source_mac=frame.source_mac,
        vlan=frame.vlan,
        message=opened.message,
    )


def hear_igmp(octets: bytes, source: Address) -> MembershipMessage | Refused:
    """Return the message that is the whole payload of a packet from `source`, or why it is not heard."""
    if source.is_multicast or source.is_loopback or source == _BROADCAST:
        return _BAD_SOURCE
    return decode_igmp(octets) if _sum(octets) == 0xFFFF else _BAD_CHECKSUM


def hear_mld(
    octets: bytes, source: Address, destination: Address, hop_limit: int
) -> MembershipMessage | Refused:
    """Return the same of MLD, whose checksum covers the addresses as well: RFC 8200 section 8.1."""
    pseudo_header = source.packed + destination.packed + struct.pack("!II", len(octets), _ICMPV6)
    if _sum(pseudo_header + octets) != 0xFFFF:
        return _BAD_CHECKSUM
    message = decode_mld(octets)
    if isinstance(message, Refused):
        return message
    # Without an address yet a host reports all the same, for neighbor discovery: RFC 3810 section 5.2.13.
    may_be_unspecified = not isinstance(message, Query)
    if not source.is_link_local and not (may_be_unspecified and source.is_unspecified):
        return _NOT_LINK_LOCAL
    return message if hop_limit == 1 else _HOP_LIMIT


def _open(packet: bytes) -> _Opened | Refused:
    version = packet[0] >> 4 if packet else None
    if version == 4:
        return _open_ipv4(packet)
    return _open_ipv6(packet) if version == 6 else _NO_IP


def _open_ipv4(packet: bytes) -> _Opened | Refused:
    if len(packet) < _IPV4.size:
        return _CUT
    first, length, fragment, hop_limit, protocol, _, *addresses = _IPV4.unpack_from(packet)
    header = (first & 0xF) * 4
    if header < _IPV4.size or length < header:
        return _BAD_HEADER
    if length > len(packet):
        return _CUT
    if _sum(packet[:header]) != 0xFFFF:
        return _BAD_HEADER
    if protocol != _IGMP:
        return _OTHER_PROTOCOL
    if fragment & _MORE_FRAGMENTS_AND_OFFSET:
        return _IN_FRAGMENTS
    source, destination = map(IPv4Address, addresses)
    message = hear_igmp(packet[header:length], source)  # a frame may be padded
    return message if isinstance(message, Refused) else _Opened(source, destination, hop_limit, message)


def _open_ipv6(packet: bytes) -> _Opened | Refused:
    if len(packet) < _IPV6.size:
        return _CUT
    _, payload, following, hop_limit, *addresses = _IPV6.unpack_from(packet)
    end = _IPV6.size + payload
    if end > len(packet):
        return _CUT
    at, has_alert = _IPV6.size, False
    if following == _HOP_BY_HOP:
        if at + 2 > end or (body := at + (packet[at + 1] + 1) * 8) > end:
            return _BAD_OPTIONS
        alert = _find_alert(packet[at + 2 : body])
        if isinstance(alert, Refused):
            return alert
        following, at, has_alert = packet[at], body, alert
    if following != _ICMPV6:
        return _IN_FRAGMENTS if following == _FRAGMENT else _OTHER_PROTOCOL
    source, destination = map(IPv6Address, addresses)
    message = hear_mld(packet[at:end], source, destination, hop_limit)
    if isinstance(message, Refused):
        return message
    return _Opened(source, destination, hop_limit, message) if has_alert else _NO_ALERT


def _find_alert(options: bytes) -> bool | Refused:
    """Tell whether a Router Alert for MLD is among these options."""
    at, found = 0, False
    while at < len(options):
        kind = options[at]
        if kind == _PAD1:
            at += 1
            continue
        body = at + 2
        if body > len(options) or (after := body + options[at + 1]) > len(options):
            return _BAD_OPTIONS
        if kind & _DISCARD_IF_UNKNOWN:
            return _BAD_OPTIONS
        found = found or (kind == _ROUTER_ALERT and options[body:after] == _ALERT_FOR_MLD)
        at = after
    return found


def _sum(octets: bytes) -> int:
    """Return the ones' complement sum of the 16-bit words, which is 0xFFFF where the checksum is right.

    Byte order does not matter to that: RFC 1071 section 2.
    """
    padded = octets + b"\0" * (len(octets) % 2)
    total = sum(memoryview(padded).cast("H"))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
