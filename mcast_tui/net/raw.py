"""Open raw IP sockets (``raw(7)``): by protocol number, without ports; for those who hold CAP_NET_RAW.

They behave as the UDP sockets of `net.ports` do: one of its own per group, one per protocol for unicast
and broadcast, neither of them hearing what the other hears. Left to itself the kernel would do otherwise,
and more so for IPv6, where it neither keeps groups from a socket that is bound to no address nor asks the
source filter of one that is bound to its group. A socket filter says both. Every raw socket of a protocol
gets a copy of each datagram; none takes it away from another program.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.net import sockopt
from mcast_tui.net.ports import bind_with_metadata
from mcast_tui.net.refusals import refuse_bind, refuse_raw, refuse_socket
from mcast_tui.wire.membership.source_filter import FilterMode, SourceFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.wire.literal import Address

_WILDCARD: dict[int, Address] = {4: IPv4Address(0), 6: IPv6Address(0)}
_LARGEST_PROTOCOL = 255

# Classic BPF, as in linux/filter.h: load a word or a byte of the IP header, compare, return how much to keep.
_LOAD_WORD, _LOAD_BYTE, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x30, 0x15, 0x06
_NETWORK_HEADER = 0xFFF0_0000  # SKF_NET_OFF
_SOURCE, _DESTINATION = _NETWORK_HEADER + 8, _NETWORK_HEADER + 24  # in an IPv6 header: RFC 8200 section 3
_NOTHING: sockopt.FilterStep = (_RETURN, 0, 0, 0)
_ALL: sockopt.FilterStep = (_RETURN, 0, 0, 0xFFFF_FFFF)

_REJECT_ALL = (_NOTHING,)
_ACCEPT_ALL = (_ALL,)
_NO_GROUP_V6 = ((_LOAD_BYTE, 0, 0, _DESTINATION), (_JUMP_IF_EQUAL, 0, 1, 0xFF), _NOTHING, _ALL)


def raw_protocol(sock: socket.socket) -> int | None:
    """Return the protocol number of a raw socket; None of any other."""
    return sock.proto if sock.type == socket.SOCK_RAW else None


def open_raw(family: int, protocol: int, *, receive_buffer: int) -> socket.socket:
    """Open the socket that hears unicast and broadcast of `protocol`, and that we send from."""
    program = _ACCEPT_ALL if family == 4 else _NO_GROUP_V6
    return _open(_WILDCARD[family], protocol, program, receive_buffer=receive_buffer)


def open_raw_group(
    group: Address,
    protocol: int,
    *,
    receive_buffer: int,
    interface: Interface | None = None,
    source: Address | None = None,
) -> socket.socket:
    """Open a socket bound to `group`: it hears this group and protocol only, where `net.membership` joins it.

    An IPv6 socket belongs to `interface` alone, as those of `net.ports.open_group` do, and hears only
    `source` if one is named.
    """
    scope = interface if isinstance(group, IPv6Address) else None
    program = _heeding(SourceFilter(FilterMode.INCLUDE, (source,))) if source else _ACCEPT_ALL
    return _open(group, protocol, program, receive_buffer=receive_buffer, scope=scope)


def heed_sources(sock: socket.socket, sources: SourceFilter) -> None:
    """Have a raw socket of a group hear what `sources` admits, which the kernel does for IPv4 alone.

    Nothing is to be done for a socket that is not raw.
    """
    if raw_protocol(sock) is not None:
        sockopt.attach_filter(sock, _heeding(sources))


def _heeding(sources: SourceFilter) -> Sequence[sockopt.FilterStep]:
    """Return the program that compares the four words of the source with those of each one listed."""
    listed, others = (_ALL, _NOTHING) if sources.mode is FilterMode.INCLUDE else (_NOTHING, _ALL)
    program: list[sockopt.FilterStep] = []
    for source in sources.sources:
        if source.version == 4:
            return _ACCEPT_ALL  # of IPv4 the kernel asks the source filter itself
        for offset in range(0, 16, 4):
            word = int.from_bytes(source.packed[offset : offset + 4], "big")
            to_the_next = 2 * (12 - offset) // 4 + 1
            program += [(_LOAD_WORD, 0, 0, _SOURCE + offset), (_JUMP_IF_EQUAL, 0, to_the_next, word)]
        program.append(listed)
    return [*program, others]


def _open(
    address: Address,
    protocol: int,
    program: Sequence[sockopt.FilterStep],
    *,
    receive_buffer: int,
    scope: Interface | None = None,
) -> socket.socket:
    if not 1 <= protocol <= _LARGEST_PROTOCOL:
        raise UsageError(
            f"open raw IP protocol {protocol}",
            f"the kernel opens raw sockets for protocols 1 to {_LARGEST_PROTOCOL}",
            remedy="253 and 254 are there for experiments (RFC 3692).",
        )
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
    except PermissionError as error:
        raise refuse_raw(error, address, protocol) from error
    except OSError as error:
        raise refuse_socket(error, address, 0, protocol) from error
    try:
        # It hears the whole protocol from birth: what came before it was bound is not for it.
        sockopt.attach_filter(sock, _REJECT_ALL)
        _forget_what_came(sock)
        sockopt.set_header_by_kernel(sock)
        bind_with_metadata(sock, address, 0, receive_buffer, scope)
        sockopt.attach_filter(sock, program)
    except OSError as error:
        sock.close()
        raise refuse_bind(error, address, 0, scope, protocol) from error
    return sock


def _forget_what_came(sock: socket.socket) -> None:
    """Empty the socket's queue, to which nothing is added meanwhile."""
    while True:
        try:
            sock.recv(1)
        except BlockingIOError:
            return
