"""Every socket option this project sets or reads: one function each, and the constants CPython does not name.

The numbers are Linux's (``include/uapi/linux/in.h``, ``in6.h``, ``asm-generic/socket.h``); the ``SO_*`` ones
differ on mips, sparc, parisc and alpha. Functions let the ``OSError`` of ``setsockopt(2)`` pass: who opens,
joins or sends knows what was attempted, and makes the refusal of it (`net.refusals`).
"""

from __future__ import annotations

import ctypes
import socket
import struct
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from mcast_tui.wire.membership.source_filter import FilterMode, SourceFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.wire.literal import Address

SO_ATTACH_FILTER = 26
SO_DETACH_FILTER = 27
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
SO_MEMINFO = 55
SO_BINDTOIFINDEX = 62

IP_HDRINCL = 3
IP_PKTINFO = 8
IP_RECVTTL = 12
IP_MULTICAST_ALL = 49
IPV6_MULTICAST_ALL = 29
IPV6_HDRINCL = 36

# Protocol-independent multicast options (RFC 3678 section 5): the same numbers at level IP and level IPV6.
MCAST_JOIN_GROUP = 42
MCAST_LEAVE_GROUP = 45
MCAST_JOIN_SOURCE_GROUP = 46
MCAST_LEAVE_SOURCE_GROUP = 47
MCAST_MSFILTER = 48

LARGEST_RECEIVE_BUFFER = 1 << 30
"""The kernel doubles what is asked for in an int: more would overflow it."""

FilterStep = tuple[int, int, int, int]
"""One step of a classic BPF program, struct sock_filter: code, jump if true, jump if false, operand."""

_SOCK_FILTER = struct.Struct("@HBBI")
_SOCK_FPROG = struct.Struct("@HP")
_MEMINFO = struct.Struct("@9I")
_SOCKADDR_STORAGE = 128
# Native alignment on purpose: sockaddr_storage is aligned like a long, so "0L" pads as the C compiler does.
_GROUP_REQ = struct.Struct(f"@I0L{_SOCKADDR_STORAGE}s")
_GROUP_SOURCE_REQ = struct.Struct(f"@I0L{_SOCKADDR_STORAGE}s{_SOCKADDR_STORAGE}s")
_GROUP_FILTER = struct.Struct(f"@I0L{_SOCKADDR_STORAGE}sII")


def set_reuse_address(sock: socket.socket) -> None:
    """Let other sockets that ask the same share the port; multicast and broadcast reach them all."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def set_broadcast(sock: socket.socket) -> None:
    """Allow sending to broadcast addresses; without it the kernel answers EACCES."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)


def set_v6only(sock: socket.socket) -> None:
    """Keep IPv4 away from an AF_INET6 socket: a mix of both has no fixed ancillary layout."""
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def set_own_memberships_only(sock: socket.socket) -> None:
    """Deliver only groups this socket joined, not those anybody on the host joined (IP_MULTICAST_ALL=0)."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)


def set_receive_metadata(sock: socket.socket) -> None:
    """Ask for time, pktinfo, hop limit and traffic class of each datagram, and nothing more.

    Must be called before ``bind(2)``: a datagram queued earlier has no pktinfo. These four and no other
    give the fixed layout that `wire.batch` decodes.
    """
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)


def set_receive_buffer(sock: socket.socket, size: int) -> int:
    """Ask for a receive buffer of `size` bytes and return what the kernel gave.

    With CAP_NET_ADMIN the limit ``net.core.rmem_max`` is passed over; without, it caps silently.
    """
    size = min(size, LARGEST_RECEIVE_BUFFER)
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    return receive_buffer(sock)


def set_send_buffer(sock: socket.socket, size: int) -> None:
    """Ask for a send buffer of `size` bytes; ``net.core.wmem_max`` caps it silently."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)


def receive_buffer(sock: socket.socket) -> int:
    """Return the receive buffer in bytes of kernel memory: twice what was granted, for its bookkeeping."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def dropped(sock: socket.socket) -> int:
    """Return how many datagrams the kernel dropped on this socket since it was opened (SO_MEMINFO)."""
    drops: int = _MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size))[8]
    return drops


def bind_to_interface(sock: socket.socket, ifindex: int) -> None:
    """Send and receive through one interface only; needs no privilege the first time."""
    sock.setsockopt(socket.SOL_SOCKET, SO_BINDTOIFINDEX, ifindex)


def bound_interface(sock: socket.socket) -> int:
    """Return the index of the one interface this socket is bound to; 0 when it is bound to none."""
    return sock.getsockopt(socket.SOL_SOCKET, SO_BINDTOIFINDEX)


def set_header_by_kernel(sock: socket.socket) -> None:
    """Have the kernel write the IP header of what a raw socket sends: for protocol 255 it would not."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 0)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_HDRINCL, 0)


def attach_filter(sock: socket.socket, program: Sequence[FilterStep]) -> None:
    """Let only those datagrams reach the socket that a classic BPF `program` accepts; it replaces the last.

    What it rejects is counted nowhere, so not as dropped either. Needs no privilege.
    """
    steps = b"".join(_SOCK_FILTER.pack(*step) for step in program)
    buffer = ctypes.create_string_buffer(steps, len(steps))
    pointer = ctypes.addressof(buffer)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, _SOCK_FPROG.pack(len(program), pointer))


def detach_filter(sock: socket.socket) -> None:
    """Take the program of `attach_filter` away again."""
    sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def set_multicast_hop_limit(sock: socket.socket, hop_limit: int) -> None:
    """Set the TTL or hop limit of multicast sent from here; 0 stays on this host."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, hop_limit)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, hop_limit)


def set_multicast_loop(sock: socket.socket, *, loop: bool) -> None:
    """Say whether members on this host hear what is sent from here; a property of the sender."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, int(loop))
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, int(loop))


def join_group(sock: socket.socket, group: Address, ifindex: int, source: Address | None = None) -> None:
    """Join (*,G), or (S,G) with a source, on one interface."""
    option = MCAST_JOIN_GROUP if source is None else MCAST_JOIN_SOURCE_GROUP
    sock.setsockopt(_level(sock), option, _membership_request(group, ifindex, source))


def leave_group(sock: socket.socket, group: Address, ifindex: int, source: Address | None = None) -> None:
    """Leave what `join_group` joined with the same arguments."""
    option = MCAST_LEAVE_GROUP if source is None else MCAST_LEAVE_SOURCE_GROUP
    sock.setsockopt(_level(sock), option, _membership_request(group, ifindex, source))


def read_filter(sock: socket.socket, group: Address, ifindex: int) -> SourceFilter | None:
    """Return this socket's filter for a group on an interface; None when it has not joined it there.

    Through libc, because ``socket.getsockopt`` cannot hand the kernel the question (RFC 3678 section 5.2).
    """
    counted = _ask_filter(sock, group, ifindex, room=0)
    answer = counted and (_ask_filter(sock, group, ifindex, room=counted[1]) if counted[1] else counted)
    if answer is None:
        return None
    mode, _count, slots = answer
    each = range(0, len(slots), _SOCKADDR_STORAGE)
    return SourceFilter(FilterMode(mode), tuple(_address(slots[at : at + _SOCKADDR_STORAGE]) for at in each))


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _ask_filter(
    sock: socket.socket, group: Address, ifindex: int, *, room: int
) -> tuple[int, int, bytes] | None:
    """Return the mode, how many sources there are, and as many of them as there is `room` for."""
    question = _GROUP_FILTER.pack(ifindex, _sockaddr(group), 0, room)
    buffer = ctypes.create_string_buffer(question, len(question) + room * _SOCKADDR_STORAGE)
    length = ctypes.c_uint32(len(buffer))
    level, option = _level(sock), MCAST_MSFILTER
    if _libc().getsockopt(sock.fileno(), level, option, buffer, ctypes.byref(length)) != 0:
        return None
    _ifindex, _group, mode, count = _GROUP_FILTER.unpack_from(buffer.raw)
    return mode, count, buffer.raw[_GROUP_FILTER.size : length.value]


def set_filter(sock: socket.socket, group: Address, ifindex: int, wanted: SourceFilter) -> None:
    """Put `wanted` in place of this socket's filter for a group it has joined: all of it, or nothing.

    EINVAL: not joined. ENOBUFS: more sources than net.ipv4.igmp_max_msf or net.ipv6.mld_max_msf.
    """
    head = _GROUP_FILTER.pack(ifindex, _sockaddr(group), wanted.mode, len(wanted.sources))
    slots = (_sockaddr(source).ljust(_SOCKADDR_STORAGE, b"\0") for source in wanted.sources)
    sock.setsockopt(_level(sock), MCAST_MSFILTER, head + b"".join(slots))


def _level(sock: socket.socket) -> int:
    return socket.IPPROTO_IPV6 if sock.family == socket.AF_INET6 else socket.IPPROTO_IP


def _membership_request(group: Address, ifindex: int, source: Address | None) -> bytes:
    """Pack a ``struct group_req``, or with a source a ``struct group_source_req``."""
    if source is None:
        return _GROUP_REQ.pack(ifindex, _sockaddr(group))
    return _GROUP_SOURCE_REQ.pack(ifindex, _sockaddr(group), _sockaddr(source))


def _sockaddr(address: Address) -> bytes:
    if address.version == 4:
        return struct.pack("@H2x4s", socket.AF_INET, address.packed)
    return struct.pack("@H2xI16sI", socket.AF_INET6, 0, address.packed, 0)


def _address(sockaddr: bytes) -> Address:
    """Return the address in a ``struct sockaddr_storage``."""
    (family,) = struct.unpack_from("@H", sockaddr)
    if family == socket.AF_INET:
        return IPv4Address(sockaddr[4:8])
    return IPv6Address(sockaddr[8:24])
