"""One datagram out: interface by index, hop limit, loop, traffic class, source port of the socket.

The interface is chosen per datagram (IP_PKTINFO, IPV6_PKTINFO), so groups and 255.255.255.255 need no route
when one is named. Refused before the kernel is asked: a datagram no UDP packet can carry, a link-local IPv6
destination without an interface (the kernel would pick an arbitrary one), a hop limit outside 0-255.
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.net import sockopt
from mcast_tui.net.ports import has_link_scope
from mcast_tui.net.raw import raw_protocol
from mcast_tui.net.refusals import refuse_scopeless
from mcast_tui.net.send_refusals import refuse_send, refuse_too_long

if TYPE_CHECKING:
    from mcast_tui.net.echo import EchoBook
    from mcast_tui.wire.literal import Address

LONGEST_RAW_PAYLOAD = {4: 65535 - 20, 6: 65535}
"""Bytes one IP packet carries: 16 bits of length, which for IPv4 count the header (RFC 791, 8200)."""

LONGEST_PAYLOAD = {4: 65535 - 20 - 8, 6: 65535 - 8}
"""Bytes one UDP datagram carries: 16 bits of length, less the headers they count (RFC 791, 8200, 768)."""

DEFAULT_MULTICAST_HOP_LIMIT = 1
"""Stays on the link: leaving it is a decision (RFC 1112 section 6.1)."""

_LARGEST_OCTET = 255
_IN_PKTINFO = struct.Struct("@I4s4s")  # ifindex, spec_dst, addr: ip(7)
_IN6_PKTINFO = struct.Struct("@16sI")  # addr, ifindex: RFC 3542 section 6
_INT = struct.Struct("@i")
_ANY = bytes(4)
_ANY6 = bytes(16)

AncillaryData = list[tuple[int, int, bytes]]


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How a datagram leaves; None leaves a choice to the kernel."""

    hop_limit: int | None = None
    """TTL or hop limit, 0-255; None is 1 for multicast and the kernel's own for unicast and broadcast."""
    loop: bool = True
    """Whether members on this host hear a multicast datagram; broadcast always comes back."""
    ifindex: int | None = None
    """Interface to leave by; None follows the routes."""
    traffic_class: int | None = None
    """TOS byte or traffic class, 0-255."""
    source: Address | None = None
    """Source address, one of ours; None lets the kernel choose, by loopback 0.0.0.0 for groups."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A datagram the kernel accepted. That it arrived anywhere nobody knows."""

    destination: Address
    port: int
    """0 for raw IP."""
    source_port: int | None
    """None: raw IP has no ports."""
    ifindex: int | None
    """As asked for; None when the routes chose."""
    length: int
    sent_at: int
    """ns since the epoch, taken just before the kernel was handed the datagram."""


def send_datagram(
    sock: socket.socket,
    payload: bytes,
    destination: Address,
    port: int,
    options: SendOptions,
    *,
    interface_name: str | None = None,
    echoes: EchoBook | None = None,
) -> Sent:
    """Send one datagram from `sock`, whose port becomes the source port; from a raw one to `port` 0.

    Raises McastError with a remedy, and BlockingIOError when the socket's send buffer is full: nothing was
    sent then, and the caller may wait until the socket is writable. `interface_name` is for the error, should
    the interface be gone by then. `echoes` learns of the copies that will come back. Two threads must not
    send from one socket: loop and hop limit are the socket's.
    """
    protocol = raw_protocol(sock)
    _check(sock, payload, destination, port, options, protocol)
    source_port: int | None = sock.getsockname()[1] if protocol is None else None
    comes_back = options.loop or not destination.is_multicast
    try:
        if echoes is None or not comes_back:
            sent_at = _send(sock, payload, destination, port, options)
        else:
            with echoes.sending(destination, protocol or port, source_port or 0, payload):
                sent_at = _send(sock, payload, destination, port, options)
    except BlockingIOError:
        raise
    except OSError as error:
        raise refuse_send(
            error, sock, destination, port, len(payload), options.ifindex, interface_name
        ) from error
    return Sent(destination, port, source_port, options.ifindex, len(payload), sent_at)


def _send(sock: socket.socket, payload: bytes, destination: Address, port: int, options: SendOptions) -> int:
    """Hand the datagram to the kernel; return when, in ns since the epoch."""
    if destination.is_multicast:
        limit = options.hop_limit
        sockopt.set_multicast_hop_limit(sock, DEFAULT_MULTICAST_HOP_LIMIT if limit is None else limit)
        sockopt.set_multicast_loop(sock, loop=options.loop)
    ancillary, address = ancillary_data(destination, options), _socket_address(destination, port, options)
    sent_at = time.time_ns()
    sock.sendmsg([payload], ancillary, 0, address)
    return sent_at


def ancillary_data(destination: Address, options: SendOptions) -> AncillaryData:
    """Return the control messages that carry `options`, but for what only a socket option can say.

    That is the multicast hop limit: IP_TTL refuses 0 as a control message, IP_MULTICAST_TTL takes it.
    """
    data: AncillaryData = []
    is_ipv4 = destination.version == 4
    if options.ifindex or options.source:
        data.append(_packet_info(options, is_ipv4=is_ipv4))
    if options.hop_limit is not None and not destination.is_multicast:
        level, kind = (
            (socket.IPPROTO_IP, socket.IP_TTL) if is_ipv4 else (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)
        )
        data.append((level, kind, _INT.pack(options.hop_limit)))
    if options.traffic_class is not None:
        level, kind = (
            (socket.IPPROTO_IP, socket.IP_TOS) if is_ipv4 else (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
        )
        data.append((level, kind, _INT.pack(options.traffic_class)))
    return data


def _packet_info(options: SendOptions, *, is_ipv4: bool) -> tuple[int, int, bytes]:
    """Return the control message that names interface and source; zero leaves either to the kernel."""
    ifindex = options.ifindex or 0
    if is_ipv4:
        source = options.source.packed if options.source else _ANY
        return socket.IPPROTO_IP, sockopt.IP_PKTINFO, _IN_PKTINFO.pack(ifindex, source, _ANY)
    source = options.source.packed if options.source else _ANY6
    return socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _IN6_PKTINFO.pack(source, ifindex)


def _check(
    sock: socket.socket,
    payload: bytes,
    destination: Address,
    port: int,
    options: SendOptions,
    protocol: int | None,
) -> None:
    where = f"port {port}" if protocol is None else f"protocol {protocol}"
    attempted = f"send to {destination} {where}"
    longest = (LONGEST_PAYLOAD if protocol is None else LONGEST_RAW_PAYLOAD)[destination.version]
    if len(payload) > longest:
        raise refuse_too_long(destination, port, len(payload), longest, protocol)
    if (sock.family == socket.AF_INET) != (destination.version == 4):
        raise UsageError(attempted, "the socket and the destination are not of the same IP version")
    if protocol is not None and port:
        raise UsageError(attempted, "raw IP has no ports")
    if protocol is None and not 1 <= port <= 65535:
        raise UsageError(attempted, "a port is a number from 1 to 65535")
    for name, value in (("hop limit", options.hop_limit), ("traffic class", options.traffic_class)):
        if value is not None and not 0 <= value <= _LARGEST_OCTET:
            raise UsageError(attempted, f"the {name} {value} is not a number from 0 to {_LARGEST_OCTET}")
    if options.source is not None and options.source.version != destination.version:
        raise UsageError(attempted, f"the source {options.source} is not of the destination's IP version")
    if options.hop_limit == 0 and not destination.is_multicast:
        raise UsageError(attempted, "only multicast can have a hop limit of 0, which stays on this host")
    if isinstance(destination, IPv6Address) and has_link_scope(destination) and not options.ifindex:
        raise refuse_scopeless(attempted, destination)


def _socket_address(
    destination: Address, port: int, options: SendOptions
) -> tuple[str, int] | tuple[str, int, int, int]:
    if destination.version == 4:
        return str(destination), port
    scope = (options.ifindex or 0) if has_link_scope(destination) else 0
    return str(IPv6Address(int(destination))), port, 0, scope  # without a %zone: the index says it
