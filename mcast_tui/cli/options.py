"""Options that several verbs share, and how they become values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcast_tui.config import BOUNDS
from mcast_tui.errors import EndpointError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.place import Place

Function = TypeVar("Function", bound="Callable[..., Any]")


def _bounds(setting: str) -> click.IntRange:
    """Return the values an option may have: those of the setting it overrides."""
    return click.IntRange(*BOUNDS[setting])


_RECEIVING = (
    click.option("-i", "--interface", metavar="IF", help="Interface for endpoints that name none."),
    click.option(
        "--range",
        "ranges",
        metavar="CIDR",
        multiple=True,
        help="Accept only sources in this network; repeatable. Others are counted as refused.",
    ),
    click.option("--source-port", type=_bounds("source_port"), help="Accept only this source port."),
    click.option("--ring-packets", type=_bounds("ring_packets"), help="Packets to keep. [default: 1000000]"),
    click.option(
        "--ring-bytes", type=_bounds("ring_bytes"), help="Payload bytes to keep. [default: 33554432]"
    ),
    click.option(
        "--receive-buffer", type=_bounds("receive_buffer"), help="Receive buffer to ask for, in bytes."
    ),
)

_SENDING = (
    click.option(
        "--ttl", "hop_limit", type=_bounds("hop_limit"), help="TTL or hop limit to groups. [default: 1]"
    ),
    click.option(
        "--loop/--no-loop", default=None, help="Whether members on this host hear it. [default: loop]"
    ),
)


_RAW = (
    click.option(
        "--raw",
        type=click.IntRange(0, 255),
        metavar="PROTOCOL",
        help="Raw IP of this protocol number in place of UDP; it has no ports. Needs CAP_NET_RAW.",
    ),
)


def receiving_options(function: Function) -> Function:
    """Add the options of every verb that receives."""
    return _add(function, _RECEIVING)


def sending_options(function: Function) -> Function:
    """Add the options of every verb that sends."""
    return _add(function, _SENDING)


def raw_option(function: Function) -> Function:
    """Add ``--raw PROTOCOL`` (the parameter `raw`, an int or None); `as_raw` carries it out."""
    return _add(function, _RAW)


def _add(function: Function, options: tuple[Callable[[Function], Function], ...]) -> Function:
    for option in reversed(options):
        function = option(function)
    return function


def settings_from(values: dict[str, Any], places: Sequence[Place] = ()) -> Settings:
    """Return the settings of file and environment with the command line's values over them.

    A receive buffer is one for the whole run: the largest that a place asks for, unless it is an option.
    Raises `UsageError` for a place at which the ranges would refuse everything.
    """
    from mcast_tui.config import load_settings
    from mcast_tui.wire.address import parse_network

    ranges = tuple(parse_network(text) for text in values.pop("ranges", ()))
    settings = load_settings().override(ranges=ranges or None, **values)
    for place in places:
        _refuse_deafness(place, settings.ranges)
    asked = [place.receive_buffer for place in places if place.receive_buffer is not None]
    if asked and values.get("receive_buffer") is None:
        return settings.override(receive_buffer=max(asked))
    return settings


def _refuse_deafness(place: Place, ranges: Sequence[IPv4Network | IPv6Network]) -> None:
    family = place.endpoint.family
    if place.is_filtered or not ranges or any(network.version == family for network in ranges):
        return
    everything = "0.0.0.0/0" if family == 4 else "::/0"
    raise UsageError(
        f"accept packets at {place} from {', '.join(map(str, ranges))} only",
        f"it is an IPv{family} address, and no range is: nothing would be accepted",
        remedy=f"Name an IPv{family} network, too; --range {everything} is all of them.",
    )


def read_places(texts: tuple[str, ...], *, serves: bool = False) -> list[Place]:
    """Return where to take part, endpoints and socat addresses alike; raises `EndpointError`.

    `serves` allows what a socat address says of commands.
    """
    from mcast_tui.wire.place import parse_places

    return [place for text in texts for place in parse_places(text, serves=serves)]


def require_places(
    texts: tuple[str, ...], verb: str, raw: int | None = None, *, serves: bool = False
) -> list[Place]:
    """As `read_places`, raw ones if a protocol is given; none at all is an error with an example."""
    if not texts:
        raise EndpointError("", 0, "there is none", f"For example: mcast-tui {verb} 224.1.0.1:6666")
    places = read_places(texts, serves=serves)
    endpoints = as_raw([place.endpoint for place in places], raw)
    return [replace(place, endpoint=endpoint) for place, endpoint in zip(places, endpoints, strict=True)]


def as_raw(endpoints: Iterable[Endpoint], protocol: int | None) -> list[Endpoint]:
    """Return the endpoints as ``--raw`` means them: raw IP of `protocol`, for there are no ports there.

    None leaves them as they are. Raises `UsageError` where a port was written, or ``ip://`` with
    another protocol: one of the two would have to be ignored.
    """
    return [_as_raw(endpoint, protocol) for endpoint in endpoints]


def _as_raw(endpoint: Endpoint, protocol: int | None) -> Endpoint:
    from mcast_tui.wire.address import DEFAULT_PORT

    if protocol is None or endpoint.protocol == protocol:
        return endpoint
    if endpoint.protocol is not None:
        raise UsageError(
            f"use {endpoint} with --raw {protocol}",
            f"it names protocol {endpoint.protocol} itself",
            remedy="Name the protocol once.",
        )
    if endpoint.names_port or endpoint.port != DEFAULT_PORT:
        raise UsageError(
            f"use {endpoint} with --raw {protocol}",
            "raw IP has no ports",
            remedy=f"Leave out :{endpoint.port}.",
        )
    return replace(endpoint, port=0, protocol=protocol)
