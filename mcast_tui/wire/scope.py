"""How far a packet to an address may go: the named blocks of the registries, and the kinds of broadcast.

The tables are the RFCs'; nothing here asks the machine. What routers and switches really do
with an address is not known here, so the notes say what the RFC says they should do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Interface

LIMITED_BROADCAST = IPv4Address("255.255.255.255")


class Kind(Enum):
    """What sort of destination an address is, as seen from a host with given networks."""

    MULTICAST = "multicast"
    LIMITED_BROADCAST = "limited broadcast"
    DIRECTED_BROADCAST = "directed broadcast"
    NETWORK_ADDRESS = "network address"
    """The all-zeros host address: an old broadcast form; unicast to Linux since 5.14."""
    UNICAST = "unicast"


def classify(address: IPv4Address | IPv6Address, networks: Iterable[IPv4Interface]) -> Kind:
    """Return the kind of `address` for a host with these networks.

    A directed broadcast looks like any other address to a host outside its network, and is
    UNICAST here unless its network is given. /31 and /32 have no broadcast address (RFC 3021).
    """
    if address.is_multicast:
        return Kind.MULTICAST
    if address == LIMITED_BROADCAST:
        return Kind.LIMITED_BROADCAST
    for network in (interface.network for interface in networks):
        if network.prefixlen > 30 or network.version != address.version:
            continue
        if address == network.broadcast_address:
            return Kind.DIRECTED_BROADCAST
        if address == network.network_address:
            return Kind.NETWORK_ADDRESS
    return Kind.UNICAST


@dataclass(frozen=True, slots=True)
class Scope:
    """A named block of addresses."""

    name: str
    """The registry's word for it, short: ``link-local``, ``SSM``."""
    reference: str
    """Where it is defined: ``RFC 5771 section 4``."""
    note: str
    """One sentence on what follows from it."""


def scope_of(address: IPv4Address | IPv6Address) -> Scope:
    """Return the narrowest named block that holds `address`."""
    if isinstance(address, IPv6Address):
        return _scope_of_ipv6(address)
    return next(scope for network, scope in _IPV4_SCOPES if address in network)


def _scope_of_ipv6(address: IPv6Address) -> Scope:
    if not address.is_multicast:
        return next(scope for network, scope in _IPV6_UNICAST_SCOPES if address in network)
    flags, extent = address.packed[1] >> 4, address.packed[1] & 0xF
    name, note = _IPV6_EXTENTS.get(extent, ("unassigned", "No extent is assigned to this scope value."))
    if flags == _PREFIX | _TRANSIENT and not any(address.packed[2:4]):
        return Scope(f"SSM, {name}", "RFC 4607, RFC 7346", f"{note} A join needs a source.")
    kinds = [text for flag, text in _IPV6_FLAGS if flags & flag]
    if flags & _UNDEFINED_FLAG:
        kinds.append("flag not defined")
    return Scope(name, "RFC 7346, RFC 4291 section 2.7", f"{note} {', '.join(kinds) or 'well-known'}.")


_TRANSIENT, _PREFIX, _RENDEZVOUS, _UNDEFINED_FLAG = 1, 2, 4, 8
_IPV6_FLAGS = (
    (_TRANSIENT, "transient (T)"),
    (_PREFIX, "from a unicast prefix (P, RFC 3306)"),
    (_RENDEZVOUS, "rendezvous point embedded (R, RFC 3956)"),
)
_IPV6_EXTENTS = {
    0x0: ("reserved", "Packets to scope 0 are not sent."),
    0x1: ("interface-local", "Stays inside this host."),
    0x2: ("link-local", "No router forwards it."),
    0x3: ("realm-local", "Stays inside one realm, such as a mesh network."),
    0x4: ("admin-local", "Stays inside the smallest zone an administrator configured."),
    0x5: ("site-local", "Stays inside a site."),
    0x8: ("organization-local", "Stays inside an organization."),
    0xE: ("global", "May go anywhere that is multicast-routed."),
    0xF: ("reserved", "Treated as global."),
}

_UNFORWARDED = "No router forwards it, whatever its TTL."
_UNASSIGNED = "Reserved: assigned to nobody."

_IPV4_SCOPES = tuple(
    (IPv4Network(block), Scope(name, reference, note))
    for block, name, reference, note in (
        # Narrow blocks stand before the wide ones that hold them.
        (
            "255.255.255.255/32",
            "limited broadcast",
            "RFC 919 section 7",
            "Every host of the link; never forwarded.",
        ),
        ("224.0.0.0/24", "link-local", "RFC 5771 section 4", _UNFORWARDED),
        (
            "224.0.1.0/24",
            "internetwork control",
            "RFC 5771 section 5",
            "Control traffic that may cross routers.",
        ),
        ("224.0.0.0/16", "ad-hoc I", "RFC 5771 section 6", "Assigned to applications one by one."),
        ("224.1.0.0/16", "reserved", "RFC 5771 section 3", _UNASSIGNED),
        ("224.2.0.0/16", "SDP/SAP", "RFC 5771 section 7", "For sessions announced by SAP (RFC 2974)."),
        ("224.3.0.0/16", "ad-hoc II", "RFC 5771 section 6", "Assigned to applications one by one."),
        ("224.4.0.0/16", "ad-hoc II", "RFC 5771 section 6", "Assigned to applications one by one."),
        ("232.0.0.0/8", "SSM", "RFC 4607, RFC 5771 section 8", "Source-specific: a join needs a source."),
        ("233.252.0.0/24", "MCAST-TEST-NET", "RFC 6676", "For documentation and examples only."),
        ("233.252.0.0/14", "ad-hoc III", "RFC 5771 section 6", "Assigned to applications one by one."),
        ("233.0.0.0/8", "GLOP", "RFC 3180", "Belongs to the AS whose number is in its middle bytes."),
        ("234.0.0.0/8", "unicast-prefix-based", "RFC 6034", "Belongs to the owner of the prefix inside it."),
        (
            "239.255.0.0/16",
            "site-local",
            "RFC 2365 section 6.1",
            "Admin-scoped, local: the smallest such zone.",
        ),
        (
            "239.192.0.0/14",
            "organization-local",
            "RFC 2365 section 6.2",
            "Admin-scoped: inside an organization.",
        ),
        ("239.0.0.0/8", "admin-scoped", "RFC 2365", "Stays inside a zone an administrator configured."),
        ("224.0.0.0/4", "reserved", "RFC 5771 section 3", _UNASSIGNED),
        ("0.0.0.0/8", "this network", "RFC 1122 section 3.2.1.3", "Not a destination."),
        ("127.0.0.0/8", "loopback", "RFC 1122 section 3.2.1.3", "Stays inside this host."),
        ("169.254.0.0/16", "link-local unicast", "RFC 3927", "No router forwards it."),
        ("10.0.0.0/8", "private unicast", "RFC 1918", "Stays inside an organization."),
        ("172.16.0.0/12", "private unicast", "RFC 1918", "Stays inside an organization."),
        ("192.168.0.0/16", "private unicast", "RFC 1918", "Stays inside an organization."),
        ("240.0.0.0/4", "reserved unicast", "RFC 1112 section 4", "Class E: many systems refuse it."),
        (
            "0.0.0.0/0",
            "unicast",
            "RFC 791",
            "One host, or a broadcast address of a network that is not ours.",
        ),
    )
)
_IPV6_UNICAST_SCOPES = tuple(
    (IPv6Network(block), Scope(name, reference, note))
    for block, name, reference, note in (
        ("::/128", "unspecified", "RFC 4291 section 2.5.2", "Not a destination."),
        ("::1/128", "loopback", "RFC 4291 section 2.5.3", "Stays inside this host."),
        ("fe80::/10", "link-local unicast", "RFC 4291 section 2.5.6", "No router forwards it."),
        ("fc00::/7", "unique local unicast", "RFC 4193", "Stays inside an organization."),
        ("::/0", "unicast", "RFC 4291", "One host."),
    )
)
