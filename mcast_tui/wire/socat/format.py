"""The values of `wire.socat.address` back as socat's text: what `parse` reads as the same value again.

One canonical form: the family in the type, the options in one order, each once, nothing that is
the default. A (S,G) membership is written as socat documents it, though Debian's build has no such option.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.wire.socat.address import CommandAddress, DatagramAddress, Manner, Report, SocatAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.literal import Address

_SPECIAL = frozenset("\\,:=!'\"()[]{}")
_SPECIAL_IN_VALUE = frozenset("\\:[")
"""What the second cut of a membership looks at."""
_C_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def format_socat(address: SocatAddress) -> str:
    """Return the address in socat's words, quoted for socat but not for a shell."""
    match address:
        case DatagramAddress():
            return ",".join([_opening(address), *_options(address)])
        case CommandAddress():
            return ",".join([_command(address), *(["stderr"] if address.stderr else [])])
        case _:
            return "STDIO"


def _command(address: CommandAddress) -> str:
    if address.argv is None:
        return f"SYSTEM:{_escape(address.shell or '')}"
    return f"EXEC:{_escape(' '.join(map(_argument, address.argv)))}"


def _argument(text: str) -> str:
    """Return one argument as EXEC splits its command: a space ends it, quotes hold even an empty one."""
    return f'"{_escape(text)}"' if not text or " " in text else _escape(text)


def _opening(address: DatagramAddress) -> str:
    transport = "UDP" if address.protocol is None else "IP"
    number = address.protocol
    if number is None:
        number = address.local_port if address.remote is None else address.remote.port
    kind = f"{transport}{address.family}-{address.manner.value}"
    if address.remote is None:
        return f"{kind}:{number}"
    return f"{kind}:{_host(address.remote.address, address.remote.interface)}:{number}"


def _options(address: DatagramAddress) -> Iterator[str]:
    yield from _bind(address)
    for group in address.memberships:
        yield _membership(group)
    for network in address.ranges:
        base = _host(network.network_address, None)
        yield f"range={base}/{network.prefixlen}"
    if address.source_port is not None:
        yield f"sourceport={address.source_port}"
    yield from _on_sending(address)
    if address.device is not None:
        yield f"so-bindtodevice={_escape(address.device)}"
    for report in Report:
        if report in address.reports:
            yield _REPORTS[report][address.family]
    for name, size in (("rcvbuf", address.receive_buffer), ("sndbuf", address.send_buffer)):
        if size is not None:
            yield f"{name}={size}"
    for name in ("reuse_address", "reuse_port", "ipv6_only", "fork"):
        if getattr(address, name):
            yield _SWITCHES[name]
    if address.most_children is not None:
        yield f"max-children={address.most_children}"


_SWITCHES = {"reuse_address": "reuseaddr", "reuse_port": "reuseport", "ipv6_only": "ipv6only", "fork": "fork"}
_REPORTS = {
    Report.PACKET_INFO: {4: "ip-pktinfo", 6: "ipv6-recvpktinfo"},
    Report.HOP_LIMIT: {4: "ip-recvttl", 6: "ipv6-recvhoplimit"},
    Report.TRAFFIC_CLASS: {4: "ip-recvtos", 6: "ipv6-recvtclass"},
    Report.TIMESTAMP: {4: "so-timestamp", 6: "so-timestamp"},
}


def _bind(address: DatagramAddress) -> Iterator[str]:
    """Yield the option bind; the port of RECV and RECVFROM stands before the options."""
    host = (
        "" if address.local_address is None else _host(address.local_address, _twice(address.local_interface))
    )
    sends = address.manner in (Manner.SENDTO, Manner.DATAGRAM)
    port = address.local_port if sends and address.protocol is None else None
    if host and port is None:
        yield f"bind={host}"
    elif port is not None:
        yield f"bind={host}:{port}"


def _membership(group: Endpoint) -> str:
    place = _escape(_twice(group.interface) or "")
    if group.family == 6:
        return f"ipv6-join-group=[{group.address}]:{place or '0'}"
    if group.source is not None:
        return f"ip-add-source-membership={group.address}:{place or '0.0.0.0'}:{group.source}"
    return f"ip-add-membership={group.address}:{place or '0.0.0.0'}"


def _on_sending(address: DatagramAddress) -> Iterator[str]:
    """Yield what is about outgoing packets; for IPv6 groups socat has only the bare socket options."""
    if address.broadcast:
        yield "broadcast"
    names = _SENDING[address.family]
    loop = None if address.loop is None else int(address.loop)
    facts = (
        address.multicast_interface,
        address.multicast_hop_limit,
        loop,
        address.unicast_hop_limit,
        address.traffic_class,
    )
    yield from (f"{name}{fact}" for name, fact in zip(names, facts, strict=True) if fact is not None)


_SENDING = {
    4: ("ip-multicast-if=", "ip-multicast-ttl=", "ip-multicast-loop=", "ttl=", "tos="),
    6: (
        "setsockopt-int=41:17:",
        "setsockopt-int=41:18:",
        "setsockopt-int=41:19:",
        "ipv6-unicast-hops=",
        "ipv6-tclass=",
    ),
}


def _twice(text: str | None) -> str | None:
    """Prepare a text for a value that is cut a second time."""
    return text and _escape(text, _SPECIAL_IN_VALUE)


def _host(address: Address, zone: str | None) -> str:
    if address.version == 4:
        return str(address)
    return f"[{address}%{_escape(zone)}]" if zone else f"[{address}]"


def _escape(text: str, special: frozenset[str] = _SPECIAL) -> str:
    """Put a backslash before everything that socat would take for its own."""
    return "".join(
        f"\\{character}" if character in special else _C_ESCAPES.get(character, character)
        for character in text
    )
