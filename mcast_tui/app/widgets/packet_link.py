"""What a tap adds to a packet, in words: which way it passed, its Ethernet header, what it is if not UDP.

Pure: values in, text out. What a payload says of itself is decoded, never shown as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcast_tui.wire.columns import Flag, address_from_words
from mcast_tui.wire.frame import Direction
from mcast_tui.wire.membership.describe import describe
from mcast_tui.wire.membership.heard import NOT_MEMBERSHIP, hear_igmp, hear_mld
from mcast_tui.wire.membership.igmp import decode_igmp
from mcast_tui.wire.membership.message import Refused
from mcast_tui.wire.membership.mld import decode_mld

if TYPE_CHECKING:
    from mcast_tui.app.widgets.packet_row import Row
    from mcast_tui.wire.frame import Link
    from mcast_tui.wire.membership.message import MembershipMessage

PROTOCOLS: Final = {
    1: "ICMP",
    2: "IGMP",
    4: "IPv4 in IP",
    6: "TCP",
    17: "UDP",
    41: "IPv6 in IP",
    47: "GRE",
    50: "ESP",
    51: "AH",
    58: "ICMPv6",
    88: "EIGRP",
    89: "OSPF",
    103: "PIM",
    112: "VRRP",
    132: "SCTP",
}
"""IANA's protocol numbers, those seen to multicast and a few everybody knows."""
ETHER_TYPES: Final = {0x0800: "IPv4", 0x86DD: "IPv6"}

_DIRECTION_WORDS: Final[dict[int, tuple[str, str]]] = {
    Direction.INCOMING: ("in", "in"),
    Direction.OUTGOING: ("out", "out: this host sent it, whichever of its programs"),
    Direction.OTHER_HOST: ("in", "in, for the MAC address of another host"),
    Direction.UNKNOWN: ("?", "unknown"),
}
_FRAGMENT: Final = int(Flag.FRAGMENT)
_IGMP, _ICMPV6 = 2, 58


def direction_word(direction: int) -> str:
    """Return ``in``, ``out`` or ``?``."""
    return _words(direction)[0]


def _words(direction: int) -> tuple[str, str]:
    unknown = _DIRECTION_WORDS[Direction.UNKNOWN]  # what feeds us may say any number
    return _DIRECTION_WORDS.get(direction, unknown)


def protocol_name(protocol: int) -> str:
    """Return what is carried: ``PIM``, ``protocol 253``."""
    return PROTOCOLS.get(protocol, f"protocol {protocol}")


def kind_of_row(row: Row, payload: bytes) -> str:
    """Return what a tapped packet without ports is; a membership message in its own words, or its fault."""
    protocol = row.destination_port
    if row.flags & _FRAGMENT:
        return f"later fragment of {protocol_name(protocol)}: it has no ports"
    if protocol not in {_IGMP, _ICMPV6}:
        return protocol_name(protocol)
    message = _membership_message(row, payload)
    if not isinstance(message, Refused):
        return describe(message)
    if message.reason in NOT_MEMBERSHIP:
        return protocol_name(protocol)
    return f"{protocol_name(protocol)}: {message.reason}; hosts ignore it"


def _membership_message(row: Row, payload: bytes) -> MembershipMessage | Refused:
    """Return the message, or why it is not heard, as far as a row tells; of a cut one only what it says."""
    is_igmp = row.destination_port == _IGMP
    if len(payload) < row.length:
        return decode_igmp(payload) if is_igmp else decode_mld(payload)
    source = address_from_words(row.source_high, row.source_low)
    if is_igmp:
        return hear_igmp(payload, source)
    destination = address_from_words(row.destination_high, row.destination_low)
    return hear_mld(payload, source, destination, row.hop_limit)


def link_fields(link: Link) -> list[tuple[str, str, str]]:
    """Return (name, value, origin) of each fact about the frame."""
    is_known = link.ether_type in ETHER_TYPES
    ether_type = f"0x{link.ether_type:04x}{f' {ETHER_TYPES[link.ether_type]}' if is_known else ''}"
    vlan = "untagged" if link.vlan < 0 else str(link.vlan)
    return [
        ("direction", _words(link.direction)[1], "sockaddr_ll.sll_pkttype"),
        ("MAC from", format_mac(link.source_mac), "frame: forgeable"),
        ("MAC to", format_mac(link.destination_mac), "frame"),
        ("VLAN", vlan, "tpacket2_hdr, or tag in the frame"),
        ("EtherType", ether_type, "frame"),
    ]


def format_mac(mac: int) -> str:
    """Return an Ethernet address as everybody writes it."""
    return mac.to_bytes(6, "big").hex(":")
