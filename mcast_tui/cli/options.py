"""Options that several verbs share, and how they become values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcast_tui.config import BOUNDS
from mcast_tui.errors import EndpointError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.address import Endpoint

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


def receiving_options(function: Function) -> Function:
    """Add the options of every verb that receives."""
    return _add(function, _RECEIVING)


def sending_options(function: Function) -> Function:
    """Add the options of every verb that sends."""
    return _add(function, _SENDING)


def _add(function: Function, options: tuple[Callable[[Function], Function], ...]) -> Function:
    for option in reversed(options):
        function = option(function)
    return function


def settings_from(values: dict[str, Any]) -> Settings:
    """Return the settings of file and environment with the command line's values over them."""
    from mcast_tui.config import load_settings
    from mcast_tui.wire.address import parse_network

    ranges = tuple(parse_network(text) for text in values.pop("ranges", ()))
    return load_settings().override(ranges=ranges or None, **values)


def parse_endpoints(texts: tuple[str, ...]) -> list[Endpoint]:
    """Return the endpoints, or raise `EndpointError` for the first that cannot be read.

    Whether an address is a directed broadcast address only the interfaces tell: joining checks that.
    """
    from mcast_tui.wire.address import parse_endpoint

    return [parse_endpoint(text) for text in texts]


def require_endpoints(texts: tuple[str, ...], verb: str) -> list[Endpoint]:
    """As `parse_endpoints`, but none at all is an error that shows what one looks like."""
    if not texts:
        raise EndpointError("", 0, "there is none", f"For example: mcast-tui {verb} 224.1.0.1:6666")
    return parse_endpoints(texts)
