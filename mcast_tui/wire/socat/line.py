"""The socat command that takes part where we do: printed for people to copy, never run.

Every form was tried with socat 1.7.4.4. It has no (S,G) join (``ip-add-source-membership`` is
documented but not built in), so a source becomes a `range` of one address: same packets shown.
"""

from __future__ import annotations

import shlex
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcast_tui.wire.address import Endpoint

OWN_ADDRESS = "OWN_ADDRESS"
"""Stands where the peer must write its own IPv4 address."""
INTERFACE = "INTERFACE"
"""Stands where the peer must write the name of its interface: socat joins IPv6 groups by name."""


def peer_command(endpoint: Endpoint, local: str | None = None) -> str:
    """Return the shell line a peer runs to talk with everyone at `endpoint`.

    `local` is the interface name or own address on the peer's machine; without it the endpoint's
    own interface is written, and with neither a placeholder. Of a run only the first address is
    used: one socat sends to one group.
    """
    here = local or endpoint.interface
    options = _ipv4_options(endpoint, here) if endpoint.family == 4 else _ipv6_options(endpoint, here)
    if endpoint.source:
        options.append(f"range={_bracketed(str(endpoint.source))}/{endpoint.source.max_prefixlen}")
    return f"socat STDIO {shlex.quote(','.join(options))}"


def _ipv4_options(endpoint: Endpoint, here: str | None) -> list[str]:
    options = [f"UDP4-DATAGRAM:{endpoint.address}:{endpoint.port}", f"bind=:{endpoint.port}"]
    is_address = here is not None and _is_ipv4(here)
    if endpoint.is_multicast:
        options.append(f"ip-add-membership={endpoint.address}:{here or OWN_ADDRESS}")
        if is_address:
            options.append(f"ip-multicast-if={here}")  # or sending needs a route for the group
    else:
        options.append("broadcast")  # it only permits; a directed broadcast address is not known as one here
    if here is not None and not is_address and not here.isdecimal():
        options.append(f"so-bindtodevice={here}")  # likewise, where the interface is named
    return options


def _ipv6_options(endpoint: Endpoint, here: str | None) -> list[str]:
    # socat takes neither an IPv6 address for an interface, nor a %NAME beyond link-local scope.
    name = INTERFACE if here is None or ":" in here else here
    is_link_local = endpoint.address.is_link_local or _extent(endpoint) <= _LINK_LOCAL
    place = f"[{endpoint.address}%{name}]" if is_link_local else f"[{endpoint.address}]"
    options = [f"UDP6-DATAGRAM:{place}:{endpoint.port}", f"bind=[::]:{endpoint.port}"]
    if endpoint.is_multicast:
        options.append(f"ipv6-join-group=[{endpoint.address}]:{name}")
        if not is_link_local and not name.isdecimal():
            options.append(f"so-bindtodevice={name}")  # or it leaves by the first route for ff00::/8
    return options


_LINK_LOCAL = 2
_GLOBAL = 0xE


def _extent(endpoint: Endpoint) -> int:
    """Return the scope value of an IPv6 group; a unicast address counts as global."""
    return endpoint.address.packed[1] & 0xF if endpoint.is_multicast else _GLOBAL


def _is_ipv4(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv4Address)
    except ValueError:
        return False


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
