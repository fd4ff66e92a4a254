"""``groups GROUP INTERFACE``: which memberships are meant."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.net.interfaces import list_interfaces, resolve_interface

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

    from mcast_tui.wire.literal import Address


@dataclass(frozen=True, slots=True)
class MembershipFilter:
    """Passes what is of one of these groups, and on one of these interfaces; none named passes all.

    What is of no interface and no group passes: that nothing is heard any more, for one.
    """

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    interfaces: frozenset[str] = frozenset()
    """By name: it outlives an interface that is deleted and made again."""

    def __call__(self, interface: str | None, group: Address | None) -> bool:
        if interface is None and group is None:
            return True
        is_there = not self.interfaces or interface in self.interfaces
        return is_there and (not self.networks or any(group in network for network in self.networks if group))


def choose(words: Iterable[str], interfaces: Iterable[str]) -> MembershipFilter:
    """Return the filter of these words, groups or interfaces, and interfaces; raises `UsageError`."""
    networks: list[IPv4Network | IPv6Network] = []
    names = list(interfaces)
    for word in words:
        network = _network(word)
        if network is None:
            names.append(word)
        else:
            networks.append(network)
    present = list_interfaces() if names else ()
    chosen = frozenset(resolve_interface(name, present).name for name in names)
    return MembershipFilter(tuple(networks), chosen)


def _network(word: str) -> IPv4Network | IPv6Network | None:
    """Return a group, or network of groups; None for what may be an interface: by its address, too."""
    try:
        network = ip_network(word)
    except ValueError as fault:
        if "/" in word:
            raise UsageError(
                f"read the groups {word!r}", str(fault), remedy="For example: 239.0.0.0/8."
            ) from None
        return None
    if network.is_multicast:
        return network
    if network.num_addresses == 1 and "/" not in word:
        return None
    remedy = "IPv4 groups are in 224.0.0.0/4, IPv6 groups in ff00::/8."
    raise UsageError(f"show {word}", "these are no groups", remedy=remedy)
