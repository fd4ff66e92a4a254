"""How the datagrams of ``send`` and ``query`` leave this host: the options both have, made values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcast_tui.cli.options import as_raw, settings_from
from mcast_tui.cli.talk import talk
from mcast_tui.errors import EndpointError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.net.sender import SendOptions
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.place import Place

Function = TypeVar("Function", bound="Callable[..., Any]")

LONGEST_WAIT_S = 31_536_000.0
"""A year: what is longer is a slip, and more than some calls of the kernel take."""


class Finite(click.FloatRange):
    """A number of a range that is one: neither ``nan`` nor ``inf``, which click lets pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number", param, ctx)
        return number


class Octet(click.IntRange):
    """A number from 0 to 255, written in decimal or as ``0xb8``."""

    def __init__(self) -> None:
        super().__init__(0, 255)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = int(value, 0) if isinstance(value, str) else value
        except ValueError:
            self.fail(f"{value!r} is no number; write for example 184 or 0xb8", param, ctx)
        return super().convert(number, param, ctx)


WAIT = Finite(0, LONGEST_WAIT_S)
"""Seconds to wait for answers."""


def tos_option(function: Function) -> Function:
    """Add ``--tos`` (the parameter `tos`, an int or None)."""
    described = "TOS byte or traffic class, 0-255, also as 0xb8. [default: 0]"
    return click.option("--tos", type=Octet(), metavar="BYTE", help=described)(function)


def bind_option(function: Function) -> Function:
    """Add ``--bind`` (the parameter `bind`, as written); `parse_bind` reads it."""
    described = (
        "Send from this address of this host, and port. Only the source is set by it: the socket stays bound "
        "to no address, for one bound to an interface's address hears neither groups nor broadcast."
    )
    return click.option("--bind", metavar="ADDRESS[:PORT]", help=described)(function)


@dataclass(frozen=True, slots=True)
class Departure:
    """How datagrams leave: what the kernel is told, and the interface it names."""

    options: SendOptions
    interface: Interface | None
    """None follows the routes."""

    def source_towards(self, address: Address) -> Address | None:
        """Return the address the kernel sends from to `address`; None where it does not tell beforehand."""
        from mcast_tui.net.interfaces import route_source

        return self.options.source or route_source(address, self.interface)

    def tell_reach(self, address: Address) -> None:
        """Say so where what is sent to a group leaves this host by no interface."""
        if self.options.hop_limit != 0 or not address.is_multicast:
            return
        limit = "TTL" if address.version == 4 else "hop limit"
        reach = "stays on this host, where only its members hear it"
        if not self.options.loop:
            reach = "does not leave this host, and --no-loop keeps it from those here: nobody hears it"
        talk(f"  warning: with a {limit} of 0 it {reach}")


def destination_at(text: str, raw: int | None, **terms: Any) -> Place:
    """Return where to send, and on the terms that `terms` leave None; raises `EndpointError`."""
    from mcast_tui.wire.place import parse_destination

    place = parse_destination(text)
    [endpoint] = as_raw([place.endpoint], raw)
    return replace(
        place, endpoint=endpoint, **{name: value for name, value in terms.items() if value is not None}
    )


def departure(place: Place, source: Address | None = None) -> Departure:
    """Return how to send there: on its terms, else to groups as the settings say, else as the routes go.

    Raises `UsageError` for an interface there is not, and for a source that is not ours.
    """
    from mcast_tui.net.interfaces import list_interfaces, resolve_interface
    from mcast_tui.net.sender import SendOptions

    destination, interface = place.endpoint, place.outgoing
    hop_limit, loop = place.hop_limit, place.loop
    interfaces = list_interfaces()
    if interface is not None and destination.interface is not None:
        _refuse_another(interface, destination, interfaces)
    if destination.is_multicast:
        settings = settings_from({"interface": interface, "hop_limit": hop_limit, "loop": loop})
        interface, hop_limit, loop = settings.interface, settings.hop_limit, settings.loop
    elif destination.is_limited_broadcast:
        interface = settings_from({"interface": interface}).interface
    name = interface if destination.interface is None else destination.interface
    chosen = None if name is None else resolve_interface(name, interfaces)
    if source is not None:
        _refuse_foreign(source, destination, chosen, interfaces)
    elif chosen is not None and chosen.is_loopback and destination.family == 4:
        source = chosen.ipv4
    options = SendOptions(
        hop_limit=hop_limit,
        loop=loop is not False,
        ifindex=chosen.index if chosen else None,
        traffic_class=place.traffic_class,
        source=source,
    )
    return Departure(options, chosen)


def _refuse_another(interface: str, destination: Endpoint, interfaces: Sequence[Interface]) -> None:
    """Raise unless ``--interface`` is the one the endpoint names: one of two would have to be ignored."""
    from mcast_tui.net.interfaces import resolve_interface

    named = resolve_interface(destination.interface or "", interfaces)
    if resolve_interface(interface, interfaces) != named:
        raise UsageError(
            f"send to {destination} by {interface}",
            f"the endpoint names {named.name}",
            remedy="Leave one of them out.",
        )


def _refuse_foreign(
    source: Address, destination: Endpoint, chosen: Interface | None, interfaces: Sequence[Interface]
) -> None:
    """Raise unless `source` is an address of this host that can send to `destination`."""
    attempted = f"send to {destination} from {source}"
    if source.version != destination.family:
        raise UsageError(attempted, f"one is IPv{destination.family}, the other IPv{source.version}")
    bound = isinstance(source, IPv6Address) and source.is_link_local and chosen is not None
    where = [chosen] if bound and chosen else interfaces
    own = [address.ip for each in where for address in each.addresses if address.version == source.version]
    if source not in own:
        there_are = (
            f"There are {', '.join(map(str, own))}." if own else f"There is no IPv{source.version} one."
        )
        on = (
            f"{chosen.name} does not have this address"
            if bound and chosen
            else "it is no address of this host"
        )
        raise UsageError(attempted, on, remedy=there_are, command="ip -brief address")


def parse_bind(text: str) -> tuple[Address, int | None]:
    """Read ``ADDRESS[:PORT]``, IPv6 in brackets as soon as a port follows; raises `EndpointError`."""
    from mcast_tui.wire.address import parse_endpoint

    try:
        bound = parse_endpoint(text, 0)
    except EndpointError as fault:
        raise _no_source(text, fault.column, fault.reason) from None
    if bound.interface is not None:
        raise _no_source(text, text.index("%"), "an interface does not belong there")
    if bound.is_multicast or bound.is_limited_broadcast or bound.protocol is not None:
        raise _no_source(text, 0, "it is not the address of one host")
    return bound.address, bound.port or None


def _no_source(text: str, column: int, reason: str) -> EndpointError:
    remedy = (
        "Write an address of this host, as 192.168.10.2 or 192.168.10.2:6666; a port alone is --source-port."
    )
    return EndpointError(text, column, reason, remedy, what="source address")
