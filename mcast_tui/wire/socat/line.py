"""The socat line that does what one of us does, or what a peer would run: printed to be copied, never run.

Every form was tried with socat 1.7.4.4. It has no (S,G) join (``ip-add-source-membership`` is documented
but not built in), so a source becomes a `range` of one address: the same packets are shown. Of a run of
groups only the first is used, for one socat sends to one group. `local` is the interface name or own
address on the machine where the line will be run; without it the endpoint's own interface is written, and
with neither a placeholder.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from typing import TYPE_CHECKING

from mcast_tui.wire.place import Place
from mcast_tui.wire.socat.address import CommandAddress, DatagramAddress, Manner, Network, SocatAddress
from mcast_tui.wire.socat.format import format_socat
from mcast_tui.wire.socat.places import meeting_place

if TYPE_CHECKING:
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.literal import Address

OWN_ADDRESS = "OWN_ADDRESS"
"""Stands where the peer must write its own IPv4 address."""
INTERFACE = "INTERFACE"
"""Stands where the peer must write the name of its interface: socat joins IPv6 groups by name."""

HOSTNAME = CommandAddress("", None, "cat >/dev/null; hostname")
"""A server's command that reads its input: socat loses the answer of one that does not."""

_LINK_LOCAL = 2
_GLOBAL = 0xE


def peer_command(endpoint: Endpoint, local: str | None = None) -> str:
    """Return the line of a peer that talks with everyone at `endpoint`: the tutorial's examples 3 and 4."""
    return talking(Place(endpoint), local)


def talking(place: Place, local: str | None = None) -> str:
    """Return the line that hears everyone at the place and sends from its port."""
    return socat_line("STDIO", _member(_sender(place, local, bound=True), place, local))


def listening(place: Place, local: str | None = None) -> str:
    """Return the line that prints what arrives at the place."""
    return socat_line("-u", _receiver(place, local, Manner.RECV), "STDIO")


def sending(
    place: Place, local: str | None = None, *, bound: bool = True, source: Address | None = None
) -> str:
    """Return the line that sends its input to the place, from its port if `bound`, and from `source`."""
    return socat_line("-u", "STDIO", replace(_sender(place, local, bound=bound), local_address=source))


def exchanging(
    place: Place,
    local: str | None = None,
    *,
    wait_s: float,
    bound: bool = False,
    source: Address | None = None,
) -> str:
    """Return the line that sends to one address and prints what that one answers, for `wait_s` in the end."""
    client = replace(_sender(place, local, bound=bound), manner=Manner.SENDTO, local_address=source)
    return socat_line("-t", f"{wait_s:g}", "STDIO", replace(client, broadcast=False))


def asking(
    place: Place, local: str | None = None, *, source: Address | None = None, wait_s: float | None = None
) -> str:
    """Return the line of a client: it sends from a port of its own and prints what comes back.

    `wait_s` is for answers once its input has ended; socat's own patience is half a second.
    """
    client = replace(_sender(place, local, bound=False), ranges=_ranges(place), local_address=source)
    return socat_line(*(() if wait_s is None else ("-t", f"{wait_s:g}")), "STDIO", client)


def answering(place: Place, command: CommandAddress, local: str | None = None) -> str:
    """Return the line of a server: it runs `command` for each datagram and answers with what it prints."""
    server = replace(
        _receiver(place, local, Manner.RECVFROM),
        fork=True,
        most_children=place.most_children,
        unicast_hop_limit=place.unicast_hop_limit,
        traffic_class=place.traffic_class,
    )
    # With pipes: by its own way socat loses the answer of a command that ends before it was given the packet.
    return socat_line(server, f"{format_socat(command)},pipes")


def meeting(address: DatagramAddress, *, sends: bool, hears: bool) -> str:
    """Return the line of a peer of a socat that has this address, which sends, hears, or does both.

    Raises EndpointError where only the addresses of its host would tell where they meet.
    """
    end = replace(meeting_place(address, sends=sends), interface=None)
    place = Place(end, local_port=address.source_port)
    if address.manner is Manner.RECV or not sends:
        return sending(place, bound=False)
    if address.manner is Manner.RECVFROM:
        return asking(place)
    if not hears:
        return listening(place)
    return (
        talking(place)
        if address.memberships or address.local_port == end.port
        else answering(place, HOSTNAME)
    )


def socat_line(*words: str | SocatAddress) -> str:
    """Return a shell line that runs socat with these options and addresses."""
    texts = (word if isinstance(word, str) else format_socat(word) for word in words)
    return shlex.join(["socat", *texts])


def _receiver(place: Place, local: str | None, manner: Manner) -> DatagramAddress:
    end = place.endpoint
    heard = DatagramAddress(
        "",
        manner,
        end.family,
        end.protocol,
        local_port=None if end.protocol is not None else end.port,
        reuse_address=end.protocol is None,
    )
    return _member(heard, place, local)


def _member(address: DatagramAddress, place: Place, local: str | None) -> DatagramAddress:
    """Return the address with what makes it hear the place."""
    end, here = place.endpoint, local or place.endpoint.interface
    if end.is_multicast:
        name = (here or OWN_ADDRESS) if end.family == 4 else _name(here)
        joined = replace(end, interface=name, source=None, count=1)
        address = replace(address, memberships=(joined,))
    return replace(
        address, ranges=_ranges(place), source_port=place.source_port, receive_buffer=place.receive_buffer
    )


def _sender(place: Place, local: str | None, *, bound: bool) -> DatagramAddress:
    """Return the address that sends to the place as its terms say."""
    end, here = place.endpoint, local or place.outgoing or place.endpoint.interface
    port = place.local_port or (end.port if bound else None)
    sends = DatagramAddress(
        "",
        Manner.DATAGRAM,
        end.family,
        end.protocol,
        remote=_remote(end, here),
        local_port=None if end.protocol is not None else port,
        # It only permits, and a directed broadcast address is not known as one here.
        broadcast=end.family == 4 and not end.is_multicast,
        loop=place.loop if end.is_multicast else None,
        traffic_class=place.traffic_class,
    )
    if end.is_multicast:
        sends = replace(sends, multicast_hop_limit=place.hop_limit)
    else:
        sends = replace(sends, unicast_hop_limit=place.hop_limit)
    return _by_interface(sends, end, here)


def _by_interface(sends: DatagramAddress, end: Endpoint, here: str | None) -> DatagramAddress:
    """Return the address with the interface to send by: without one it needs a route for the group."""
    if here is None:
        return sends
    if end.family == 4 and _is_ipv4(here):
        return replace(sends, multicast_interface=here) if end.is_multicast else sends
    is_name = not here.isdecimal() and ":" not in here
    if is_name and (end.family == 4 or (end.is_multicast and not _is_link_local(end))):
        return replace(sends, device=here)
    return sends


def _remote(end: Endpoint, here: str | None) -> Endpoint:
    # socat takes neither an IPv6 address for an interface, nor a %NAME beyond link-local scope.
    zone = _name(here) if end.family == 6 and _is_link_local(end) else None
    return replace(end, interface=zone, source=None, count=1)


def _ranges(place: Place) -> tuple[Network, ...]:
    if place.endpoint.source is not None:
        return (ip_network(place.endpoint.source),)
    return place.ranges


def _name(here: str | None) -> str:
    return INTERFACE if here is None or ":" in here else here


def _is_link_local(end: Endpoint) -> bool:
    extent = end.address.packed[1] & 0xF if end.is_multicast else _GLOBAL
    return end.address.is_link_local or extent <= _LINK_LOCAL


def _is_ipv4(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv4Address)
    except ValueError:
        return False
