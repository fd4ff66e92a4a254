"""The Ethernet address a group is sent to, and the groups that share it.

An interface and many switches filter by that address only, so whoever is a member of one group is handed
the packets of its aliases too; the kernel then drops what nobody here joined.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address

_CARRIED_BITS = 23
_CARRIED = (1 << _CARRIED_BITS) - 1
_FIRST_GROUP = int(IPv4Address("224.0.0.0"))
ALIASES = 32
"""Groups to one address: five of the 28 bits of a group are not carried (RFC 1112 section 6.4)."""


def group_mac(group: Address) -> str:
    """Return the Ethernet address of a group: RFC 1112 section 6.4, RFC 2464 section 7."""
    if isinstance(group, IPv4Address):
        octets = b"\x01\x00\x5e" + (int(group) & _CARRIED).to_bytes(3, "big")
    else:
        octets = b"\x33\x33" + group.packed[12:]
    return octets.hex(":")


def aliases(group: Address) -> tuple[IPv4Address, ...]:
    """Return the 32 IPv4 groups of this group's Ethernet address, itself among them, in order.

    None for IPv6, where 2**80 addresses share one: nobody would list them.
    """
    if not isinstance(group, IPv4Address):
        return ()
    carried = int(group) & _CARRIED
    return tuple(IPv4Address(_FIRST_GROUP + (high << _CARRIED_BITS) + carried) for high in range(ALIASES))


def flooded_alias(group: Address) -> IPv4Address | None:
    """Return the alias in 224.0.0.0/24, whose packets switches send to every port (RFC 4541 section 2.1.2).

    A switch that filters by Ethernet address floods all its aliases with it. None when there is none.
    """
    if not isinstance(group, IPv4Address) or int(group) & _CARRIED > 0xFF:
        return None
    return IPv4Address(_FIRST_GROUP + (int(group) & 0xFF))
