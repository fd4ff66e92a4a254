"""Where an endpoint lies on this host: what kind of destination it is, and which interface joins it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, UsageError
from mcast_tui.net.interfaces import preferred_interface, resolve_interface
from mcast_tui.wire.scope import Kind, classify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.wire.address import Endpoint


def kind_of(endpoint: Endpoint, interfaces: Iterable[Interface]) -> Kind:
    """Return what sort of destination it is for a host with these interfaces."""
    return classify(endpoint.address, [network for each in interfaces for network in each.networks])


def joinable_kind(endpoint: Endpoint, interfaces: Sequence[Interface]) -> Kind:
    """Return the kind of what is to be joined; refuse what is no group."""
    kind = kind_of(endpoint, interfaces)
    if kind is Kind.NETWORK_ADDRESS:
        raise UsageError(
            f"join {endpoint}",
            "it is the network address, which Linux treats as unicast since 5.14",
            remedy="Use the broadcast address, the last one of the network, or broadcast.",
        )
    if kind is Kind.UNICAST:
        raise UsageError(
            f"join {endpoint}",
            "it is a unicast address, not a group",
            remedy="Groups are 224.0.0.0/4 and ff00::/8; unicast to the "
            f"{'port' if endpoint.protocol is None else 'protocol'} arrives with any group or broadcast.",
        )
    return kind


def joining_interface(endpoint: Endpoint, kind: Kind, interfaces: Sequence[Interface]) -> Interface | None:
    """Return the interface an endpoint names, or the one its kind needs when it names none."""
    if endpoint.interface is not None:
        named = resolve_interface(endpoint.interface, interfaces)
        if kind is Kind.DIRECTED_BROADCAST and not broadcasts_to(named, endpoint):
            raise UsageError(
                f"join {endpoint}", f"it is the broadcast address of another network than {named.name}'s"
            )
        return named
    if kind is Kind.LIMITED_BROADCAST:
        return None
    if kind is Kind.DIRECTED_BROADCAST:
        return next(each for each in interfaces if broadcasts_to(each, endpoint))
    preferred = preferred_interface(interfaces, endpoint.family)
    if preferred is None:
        raise McastError(
            f"join {endpoint}",
            "no interface is up",
            remedy="Bring one up, or name one after the address: 224.1.0.1%eth0.",
            command="ip link",
        )
    return preferred


def broadcasts_to(interface: Interface, endpoint: Endpoint) -> bool:
    """Tell whether the endpoint's address is the broadcast address of one of the interface's networks."""
    return any(each.network.broadcast_address == endpoint.address for each in interface.networks)
