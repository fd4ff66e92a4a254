"""The names of groups that many people meet: IANA's registries, and the standards that chose their own.

A name says what a group is set aside for. Who really uses it on a network is not known here, and in the
administratively scoped block 239.0.0.0/8 anyone may. Blocks of addresses are `scope`'s affair.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address


def group_name(group: Address) -> str | None:
    """Return the name of a well-known group; None for others."""
    if (name := _NAMES.get(group)) is not None:
        return name
    return _ipv4_name(group) if isinstance(group, IPv4Address) else _ipv6_name(group)


def _ipv4_name(group: IPv4Address) -> str | None:
    universe = int(group) & 0xFFFF
    if group in _SACN and 1 <= universe <= _LAST_UNIVERSE:
        return f"sACN universe {universe} (E1.31)"
    return None


def _ipv6_name(group: IPv6Address) -> str | None:
    if group in _SOLICITED_NODE:
        return f"solicited-node of ...{group.exploded[-7:]} (neighbor discovery)"
    if group in _NODE_INFORMATION:
        return "node information query"
    first, low = group.packed[:2], int(group) & ((1 << 112) - 1)
    if first[0] == 0xFF and first[1] >> 4 == 0:  # well-known, whatever the scope: RFC 4291 section 2.7
        return _IPV6_ANY_SCOPE.get(low)
    return None


_SACN, _LAST_UNIVERSE = IPv4Network("239.255.0.0/16"), 63_999
_SOLICITED_NODE = IPv6Network("ff02::1:ff00:0/104")  # RFC 4291 section 2.7.1
_NODE_INFORMATION = IPv6Network("ff02::2:ff00:0/104")  # RFC 4620 section 5

_NAMES: dict[Address, str] = {
    ip_address(group): name
    for group, name in {
        "224.0.0.0": "base address (reserved)",
        "224.0.0.1": "all hosts",
        "224.0.0.2": "all routers",
        "224.0.0.4": "DVMRP routers",
        "224.0.0.5": "OSPF, all routers",
        "224.0.0.6": "OSPF, designated routers",
        "224.0.0.9": "RIP version 2",
        "224.0.0.10": "EIGRP routers",
        "224.0.0.12": "DHCP servers and relays",
        "224.0.0.13": "PIM routers",
        "224.0.0.14": "RSVP encapsulation",
        "224.0.0.18": "VRRP",
        "224.0.0.19": "IS-IS over IP",
        "224.0.0.20": "IS-IS over IP",
        "224.0.0.21": "IS-IS over IP",
        "224.0.0.22": "IGMPv3 reports",
        "224.0.0.25": "RGMP",
        "224.0.0.102": "HSRPv2 and GLBP",
        "224.0.0.106": "all snoopers (RFC 4286)",
        "224.0.0.107": "PTP peer delay",
        "224.0.0.109": "MANET routers of the link",
        "224.0.0.251": "mDNS",
        "224.0.0.252": "LLMNR",
        "224.0.0.253": "Teredo",
        "224.0.1.1": "NTP",
        "224.0.1.22": "SVRLOC (SLPv1)",
        "224.0.1.24": "Microsoft WINS locator",
        "224.0.1.35": "SLPv1 directory agents",
        "224.0.1.39": "Cisco RP announce (Auto-RP)",
        "224.0.1.40": "Cisco RP discovery (Auto-RP)",
        "224.0.1.41": "H.323 gatekeepers",
        "224.0.1.60": "HP device discovery",
        "224.0.1.75": "SIP, all servers",
        "224.0.1.84": "Jini announcement",
        "224.0.1.85": "Jini request",
        "224.0.1.129": "PTP, default domain",
        "224.0.1.130": "PTP version 1, alternate domain 1",
        "224.0.1.131": "PTP version 1, alternate domain 2",
        "224.0.1.132": "PTP version 1, alternate domain 3",
        "224.0.1.187": "CoAP, all nodes",
        "224.0.23.12": "KNXnet/IP",
        "224.2.127.254": "SAP announcements, global",
        "232.43.211.234": "ssmping",
        "239.195.255.255": "SAP announcements, organization-local",
        "239.255.0.1": "DDS (RTPS) discovery, or sACN universe 1",
        "239.255.255.246": "UPnP events",
        "239.255.255.250": "SSDP (UPnP), WS-Discovery",
        "239.255.255.253": "SLPv2",
        "239.255.255.255": "SAP announcements, site-local",
        "ff01::1": "all nodes of this host",
        "ff01::2": "all routers of this host",
        "ff02::1": "all nodes",
        "ff02::2": "all routers",
        "ff02::4": "DVMRP routers",
        "ff02::5": "OSPFv3, all routers",
        "ff02::6": "OSPFv3, designated routers",
        "ff02::9": "RIPng routers",
        "ff02::a": "EIGRP routers",
        "ff02::b": "mobile agents",
        "ff02::d": "PIM routers",
        "ff02::e": "RSVP encapsulation",
        "ff02::12": "VRRP",
        "ff02::16": "MLDv2 reports",
        "ff02::1a": "RPL nodes",
        "ff02::6a": "all snoopers (RFC 4286)",
        "ff02::6b": "PTP peer delay",
        "ff02::6d": "MANET routers of the link",
        "ff02::1:1": "link name",
        "ff02::1:2": "DHCPv6 servers and relays",
        "ff02::1:3": "LLMNR",
        "ff05::2": "all routers of the site",
        "ff05::1:3": "DHCPv6 servers of the site",
    }.items()
}

_IPV6_ANY_SCOPE = {
    0xC: "SSDP (UPnP), WS-Discovery",
    0xFB: "mDNS",
    0xFD: "CoAP, all nodes",
    0x101: "NTP",
    0x116: "SLPv2 service agents (SVRLOC)",
    0x123: "SLPv2 directory agents (SVRLOC-DA)",
    0x130: "UPnP events",
    0x181: "PTP, default domain",
    0x182: "PTP version 1, alternate domain 1",
    0x183: "PTP version 1, alternate domain 2",
    0x184: "PTP version 1, alternate domain 3",
    0x2_7FFE: "SAP announcements",
}
"""By the group identifier that stands behind ``ff0X::``, for any scope X."""
