"""A socat address where an endpoint may stand: where it says to take part, and on what terms."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from mcast_tui.errors import EndpointError
from mcast_tui.wire.address import DEFAULT_PORT, LIMITED_BROADCAST, Endpoint
from mcast_tui.wire.place import Place
from mcast_tui.wire.socat.address import DatagramAddress, Manner
from mcast_tui.wire.socat.parse import parse_socat

if TYPE_CHECKING:
    from collections.abc import Iterable

WHAT = "socat address"


def places_of(text: str, *, serves: bool = False) -> tuple[Place, ...]:
    """Return a place for each group the address joins, else for its destination, else for its port."""
    address = _datagram_address(text, serves=serves)
    if address.manner is Manner.SENDTO:
        remedy = "Use DATAGRAM to hear everybody; mcast-tui send --wait and mcast-tui socat know SENDTO."
        raise EndpointError(text, 0, "SENDTO hears nobody but its destination", remedy, what=WHAT)
    if address.local_address is not None:
        reason = f"bound to {address.local_address} it would hear only what is sent to exactly that address"
        raise EndpointError(text, 0, reason, "Leave the address out: bind=:PORT.", what=WHAT)
    return tuple(_on_terms(endpoint, address) for endpoint in _joined_by(address))


def destination_of(text: str) -> Place:
    """Return where the address sends to; raises EndpointError for one that only receives."""
    address = _datagram_address(text)
    if address.remote is None:
        remedy = f"Write UDP{address.family}-DATAGRAM:ADDRESS:PORT, or use mcast-tui listen or serve."
        raise EndpointError(text, 0, f"{address.manner.value} has no destination", remedy, what=WHAT)
    if address.local_address is not None:
        reason, remedy = (
            "bind cannot choose the source address here",
            "Say it with --bind, or write bind=:PORT.",
        )
        raise EndpointError(text, 0, reason, remedy, what=WHAT)
    if address.memberships:
        remedy = "Leave it out; mcast-tui chat and mcast-tui socat hear the group as well."
        raise EndpointError(text, 0, "who only sends or asks joins no group", remedy, what=WHAT)
    place = _on_terms(replace(address.remote, interface=_interface_towards(address)), address)
    if address.manner is not Manner.SENDTO:
        return place
    # It hears its destination alone.
    port = None if address.protocol is not None else address.remote.port
    return replace(place, ranges=(ip_network(address.remote.address),), source_port=port)


def meeting_place(address: DatagramAddress, *, sends: bool) -> Endpoint:
    """Return where a peer and this address meet: where it sends to if it does, else where it first hears.

    Raises EndpointError where only its host could tell.
    """
    if address.remote is not None and sends:
        return address.remote
    if address.protocol is None and not address.local_port:
        raise EndpointError(address.text, 0, "the kernel chooses its port", "Add bind=:PORT.", what=WHAT)
    if address.local_address is not None and not address.memberships:
        return Endpoint(address.local_address, _heard_port(address), protocol=address.protocol)
    return next(iter(_joined_by(replace(address, remote=None))))


def _datagram_address(text: str, *, serves: bool = False) -> DatagramAddress:
    """Read a socat address that is a datagram socket, without what only `mcast-tui socat` can do."""
    address = parse_socat(text)
    if not isinstance(address, DatagramAddress):
        remedy = "As an endpoint write a datagram address; mcast-tui socat takes two of any kind."
        raise EndpointError(text, 0, "this is no place on the network", remedy, what=WHAT)
    unheeded = {
        "sndbuf": address.send_buffer is not None,
        "max-children": address.most_children is not None and not serves,
        "reuseport": address.reuse_port,
    }
    for name, is_given in unheeded.items():
        if is_given:
            raise EndpointError(text, 0, f"{name} means nothing here", "Leave it out.", what=WHAT)
    if address.fork and not serves:
        remedy = "mcast-tui serve answers each datagram by a command; leave fork out."
        raise EndpointError(text, 0, "fork means nothing here", remedy, what=WHAT)
    return address


def _joined_by(address: DatagramAddress) -> Iterable[Endpoint]:
    """Return the endpoints that hear what the socat address hears."""
    remote, port = address.remote, _heard_port(address)
    if address.memberships:
        return [
            replace(each, port=port, protocol=address.protocol, interface=each.interface or address.device)
            for each in address.memberships
        ]
    if remote is not None:
        return [replace(remote, port=port, interface=_interface_towards(address))]
    if address.family == 4:  # no group: unicast and broadcast to the port
        return [Endpoint(LIMITED_BROADCAST, port, address.device, protocol=address.protocol)]
    reason = "it joins no group, and IPv6 has no broadcast"
    raise EndpointError(address.text, 0, reason, "Add ipv6-join-group=[GROUP]:INTERFACE.", what=WHAT)


def _heard_port(address: DatagramAddress) -> int:
    if address.protocol is not None:
        return 0
    if address.local_port:
        return address.local_port
    return address.remote.port if address.remote else DEFAULT_PORT


def _interface_towards(address: DatagramAddress) -> str | None:
    zone = address.remote.interface if address.remote else None
    to_group = address.remote is not None and address.remote.is_multicast
    return zone or (address.multicast_interface if to_group else None) or address.device


def _on_terms(endpoint: Endpoint, address: DatagramAddress) -> Place:
    return Place(
        endpoint,
        ranges=address.ranges,
        source_port=address.source_port,
        hop_limit=address.multicast_hop_limit if endpoint.is_multicast else address.unicast_hop_limit,
        unicast_hop_limit=address.unicast_hop_limit,
        loop=address.loop,
        outgoing=(address.multicast_interface if endpoint.is_multicast else None) or address.device,
        traffic_class=address.traffic_class,
        receive_buffer=address.receive_buffer,
        most_children=address.most_children,
        local_port=address.local_port or None,
        destination=None if _is_destination(endpoint, address) else address.remote,
    )


def _is_destination(endpoint: Endpoint, address: DatagramAddress) -> bool:
    """Return whether what the address sends goes to the endpoint, as far as it sends."""
    remote = address.remote
    return remote is None or (remote.address, remote.port) == (endpoint.address, endpoint.port)
