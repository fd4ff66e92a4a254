"""Open the sockets: one per port for unicast and broadcast, one per group and port for multicast.

All are non-blocking, of one family (AF_INET6 is v6only), share their port, hear only their own memberships,
and ask for every datagram's metadata before they are bound. Who opens one closes it. Refused: ports outside
1-65535, and what the kernel refuses (`net.refusals` says why).
"""

from __future__ import annotations

import resource
import socket
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.net import sockopt
from mcast_tui.net.refusals import refuse_bind, refuse_socket

if TYPE_CHECKING:
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.wire.literal import Address

_WILDCARD: dict[int, Address] = {4: IPv4Address(0), 6: IPv6Address(0)}
_LARGEST_PORT = 65535


def open_port(family: int, port: int, *, receive_buffer: int) -> socket.socket:
    """Open the socket that hears unicast and broadcast to `port`, and that we send from.

    Sending from here gives datagrams the group's port as source port, which socat peers expect.
    Several programs may share the port; unicast then reaches the one that was bound last.
    """
    _check_port(port)
    return _open(_WILDCARD[family], port, receive_buffer=receive_buffer)


def open_group(
    group: Address, port: int, *, receive_buffer: int, interface: Interface | None = None
) -> socket.socket:
    """Open a socket bound to `group`: it hears this group and port only, where `net.membership` joins it.

    An IPv4 socket may hold joins on several interfaces. An IPv6 socket belongs to `interface` alone, because
    IPV6_MULTICAST_ALL=0 does not compare interfaces as IP_MULTICAST_ALL=0 does: it would hear the group
    wherever any socket on the host joined it. Link-local groups (ff02::/16) cannot do without one.
    """
    _check_port(port)
    scope = interface if isinstance(group, IPv6Address) else None
    return _open(group, port, receive_buffer=receive_buffer, scope=scope)


def open_ephemeral(family: int, *, receive_buffer: int = 1 << 20) -> socket.socket:
    """Open a socket on a port the kernel picks and nobody else may share: for private answers."""
    return _open(_WILDCARD[family], 0, receive_buffer=receive_buffer)


def raise_file_limit() -> int:
    """Raise this process's soft limit of open files to the hard one and return it: each group costs one."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def has_link_scope(address: IPv6Address) -> bool:
    """Whether `address` means nothing without an interface: fe80::/10, ff01::/16 and ff02::/16 (RFC 4007)."""
    return address.is_link_local or (address.is_multicast and address.packed[1] & 0xF in (1, 2))


def _check_port(port: int) -> None:
    if not 1 <= port <= _LARGEST_PORT:
        raise UsageError(f"open port {port}", f"a port is a number from 1 to {_LARGEST_PORT}")


def _open(
    address: Address, port: int, *, receive_buffer: int, scope: Interface | None = None
) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    except OSError as error:
        raise refuse_socket(error, address, port) from error
    try:
        if family == socket.AF_INET6:
            sockopt.set_v6only(sock)
        if port:
            sockopt.set_reuse_address(sock)
        bind_with_metadata(sock, address, port, receive_buffer, scope)
    except OSError as error:
        sock.close()
        raise refuse_bind(error, address, port, scope) from error
    return sock


def bind_with_metadata(
    sock: socket.socket, address: Address, port: int, receive_buffer: int, scope: Interface | None
) -> None:
    """Make a socket one of ours and bind it: what came before its options were set would lack its metadata.

    Raises OSError as the kernel does.
    """
    sockopt.set_broadcast(sock)
    sockopt.set_own_memberships_only(sock)
    sockopt.set_receive_metadata(sock)
    sockopt.set_receive_buffer(sock, receive_buffer)
    if scope is not None:
        sockopt.bind_to_interface(sock, scope.index)
    if sock.family == socket.AF_INET6:
        sock.bind((str(address), port, 0, scope.index if scope else 0))
    else:
        sock.bind((str(address), port))
