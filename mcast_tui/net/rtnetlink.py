"""Links, addresses, memberships over ``rtnetlink(7)``: pure decoding, and one way to ask the kernel.

Written by hand because it is small and starts in a millisecond, and because the kernel's multicast
notifications (RTM_NEWMULTICAST, since 6.14) use the same messages. Who listens for messages that come
unasked: `net.link_monitor`. Unknown messages and attributes are skipped, so a newer kernel never breaks an
older mcast-tui; a malformed message ends the walk.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.wire.literal import Address

NLMSG_ERROR = 2
NLMSG_DONE = 3
RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22
RTM_NEWMULTICAST = 56
RTM_DELMULTICAST = 57

NLM_F_REQUEST = 0x1
NLM_F_DUMP_INTR = 0x10
NLM_F_DUMP = 0x300

IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_MULTICAST = 7

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port: netlink(7)
LINK = struct.Struct("=BxHiII")  # family, device type, index, flags, change mask: struct ifinfomsg
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index: struct ifaddrmsg
_ATTRIBUTE = struct.Struct("=HH")  # length, type: struct rtattr
_ATTRIBUTE_TYPE = 0x3FFF  # without the nested and byte-order flags

RECEIVE_SIZE = 1 << 16
"""The kernel fills dumps to 32 KiB a message at most (NLMSG_GOODSIZE and the reader's own size)."""

_DUMP_ATTEMPTS = 5
"""A dump is flagged when the table changed meanwhile; one that keeps changing has no one true answer."""


@dataclass(frozen=True, slots=True)
class Link:
    """One interface as RTM_NEWLINK tells it."""

    index: int
    name: str
    flags: int
    """IFF_* of ``netdevice(7)``."""
    mtu: int
    mac: bytes = b""
    """Its link-layer address; empty where it has none."""


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """One address of an interface as RTM_NEWADDR tells it."""

    index: int
    address: IPv4Interface | IPv6Interface
    """Our own end, also on a point-to-point link, with the prefix length."""


@dataclass(frozen=True, slots=True)
class LinkGroup:
    """One group an interface is a member of, as RTM_NEWMULTICAST tells it."""

    index: int
    group: Address


def decode_messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (type, flags, body) of each netlink message in one datagram."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, _sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield kind, flags, data[offset + _HEADER.size : offset + length]
        offset += length + 3 & ~3


def walk_attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (type, content) of each attribute of a message body."""
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > len(data):
            return
        yield kind & _ATTRIBUTE_TYPE, data[offset + _ATTRIBUTE.size : offset + length]
        offset += length + 3 & ~3


def decode_attributes(data: bytes) -> dict[int, bytes]:
    """Return the attributes of a message body by type; of two alike the last one counts."""
    return dict(walk_attributes(data))


def decode_error(content: bytes) -> OSError | None:
    """Read the body of NLMSG_ERROR; None when it says that all went well."""
    (number,) = struct.unpack_from("=i", content)
    return OSError(-number, os.strerror(-number)) if number else None


def encode_message(kind: int, flags: int, body: bytes) -> bytes:
    """Return a request to the kernel."""
    return _HEADER.pack(_HEADER.size + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body


def decode_link(body: bytes) -> Link | None:
    """Read the body of RTM_NEWLINK; None when it does not name an interface."""
    if len(body) < LINK.size:
        return None
    _family, _type, index, flags, _change = LINK.unpack_from(body)
    attributes = decode_attributes(body[LINK.size :])
    if IFLA_IFNAME not in attributes:
        return None
    name = os.fsdecode(attributes[IFLA_IFNAME].rstrip(b"\0"))
    mtu = int.from_bytes(attributes.get(IFLA_MTU, b""), sys.byteorder)
    return Link(index, name, flags, mtu, attributes.get(IFLA_ADDRESS, b""))


def is_bridge_port(body: bytes) -> bool:
    """Tell whether a link message is about an interface as a port of a bridge.

    A bridge that loses a port tells RTM_DELLINK of it, in its own address family: the interface stays.
    """
    return body[:1] == bytes([socket.AF_BRIDGE])


def decode_address(body: bytes) -> LinkAddress | None:
    """Read the body of RTM_NEWADDR; None when it is neither IPv4 nor IPv6."""
    if len(body) < _ADDRESS.size:
        return None
    family, prefix_length, _flags, _scope, index = _ADDRESS.unpack_from(body)
    attributes = decode_attributes(body[_ADDRESS.size :])
    # IFA_ADDRESS is the peer on a point-to-point link; IFA_LOCAL, where present, is always ours.
    packed = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS, b"")
    if family == socket.AF_INET and len(packed) == 4 and prefix_length <= 32:
        return LinkAddress(index, IPv4Interface((packed, prefix_length)))
    if family == socket.AF_INET6 and len(packed) == 16 and prefix_length <= 128:
        return LinkAddress(index, IPv6Interface((packed, prefix_length)))
    return None


def decode_group(body: bytes) -> LinkGroup | None:
    """Read the body of RTM_NEWMULTICAST; None when it is neither IPv4 nor IPv6."""
    if len(body) < _ADDRESS.size:
        return None
    family, _prefix_length, _flags, _scope, index = _ADDRESS.unpack_from(body)
    packed = decode_attributes(body[_ADDRESS.size :]).get(IFA_MULTICAST, b"")
    if family == socket.AF_INET and len(packed) == 4:
        return LinkGroup(index, IPv4Address(packed))
    if family == socket.AF_INET6 and len(packed) == 16:
        return LinkGroup(index, IPv6Address(packed))
    return None


def dump_links() -> list[Link]:
    """Return every interface of this thread's network namespace, in the kernel's order."""
    return [link for body in _dump(RTM_GETLINK, RTM_NEWLINK) if (link := decode_link(body))]


def dump_addresses() -> list[LinkAddress]:
    """Return every IPv4 and IPv6 address of this thread's network namespace, in the kernel's order."""
    return [address for body in _dump(RTM_GETADDR, RTM_NEWADDR) if (address := decode_address(body))]


def _dump(request: int, answer: int) -> list[bytes]:
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    ) as sock:
        return dump_on(sock, request, answer, bytes([socket.AF_UNSPEC]))


def dump_on(sock: socket.socket, request: int, answer: int, body: bytes) -> list[bytes]:
    """Return the bodies of all `answer` messages to a dump request, from one state of the table.

    Raises OSError.
    """
    for _ in range(_DUMP_ATTEMPTS):
        bodies, is_whole = _dump_once(sock, request, answer, body)
        if is_whole:
            break
    return bodies


def _dump_once(sock: socket.socket, request: int, answer: int, body: bytes) -> tuple[list[bytes], bool]:
    """Ask once; also say whether the table stayed the same while it was read."""
    sock.send(encode_message(request, NLM_F_DUMP, body))
    bodies: list[bytes] = []
    is_whole = True
    while True:
        for kind, flags, content in decode_messages(sock.recv(RECEIVE_SIZE)):
            is_whole = is_whole and not flags & NLM_F_DUMP_INTR
            if kind == NLMSG_DONE:
                return bodies, is_whole
            if kind == NLMSG_ERROR and (error := decode_error(content)):
                raise error
            if kind == answer:
                bodies.append(content)
