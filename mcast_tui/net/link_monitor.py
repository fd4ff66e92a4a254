"""What the kernel tells unasked, by ``rtnetlink(7)``, of links and addresses, and of memberships.

Needs no privilege. It speaks for the network namespace of the thread that opened the socket, and tells
changes only: how things stand is asked with `net.interfaces`, once before and again after an `Overrun`. Of
memberships the kernel tells the host's first join and last leave of a group on an interface, not those of
each socket, and not that they end with their interface; kernels before 6.14 or so tell nothing of them.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias

from mcast_tui.errors import NetworkRefused, describe_errno
from mcast_tui.net import rtnetlink
from mcast_tui.net.interfaces import IFF_LOWER_UP, IFF_UP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Interface, IPv6Interface

    from mcast_tui.wire.literal import Address

SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1
RTNLGRP_LINK = 1
RTNLGRP_IPV4_IFADDR = 5
RTNLGRP_IPV6_IFADDR = 9
RTNLGRP_IPV4_MCADDR = 37
RTNLGRP_IPV6_MCADDR = 38

_RECEIVE_SIZE = 1 << 16
_MOST_DATAGRAMS = 512
"""Read at once, so that whoever joins groups without end cannot keep the reader from anything else; the
kernel's default buffer holds fewer."""


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """An interface is new, or something of it is: told for every change, also of what is not here."""

    index: int
    name: str
    is_up: bool
    has_carrier: bool


@dataclass(frozen=True, slots=True)
class LinkGone:
    """An interface was deleted, or taken into another network namespace."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class AddressAdded:
    """An interface has one more address."""

    index: int
    address: IPv4Interface | IPv6Interface


@dataclass(frozen=True, slots=True)
class AddressRemoved:
    """An interface has lost an address."""

    index: int
    address: IPv4Interface | IPv6Interface


@dataclass(frozen=True, slots=True)
class GroupAdded:
    """This host has become a member of a group on an interface: RTM_NEWMULTICAST."""

    group: Address
    ifindex: int


@dataclass(frozen=True, slots=True)
class GroupRemoved:
    """This host is no member of a group on an interface any more: RTM_DELMULTICAST."""

    group: Address
    ifindex: int


@dataclass(frozen=True, slots=True)
class Overrun:
    """More happened than the socket could hold: what was told is not all, so ask how things stand."""


News: TypeAlias = LinkChanged | LinkGone | AddressAdded | AddressRemoved | GroupAdded | GroupRemoved | Overrun


_ADDRESSES: dict[int, type[AddressAdded | AddressRemoved]] = {
    rtnetlink.RTM_NEWADDR: AddressAdded,
    rtnetlink.RTM_DELADDR: AddressRemoved,
}
_MEMBERSHIPS: dict[int, type[GroupAdded | GroupRemoved]] = {
    rtnetlink.RTM_NEWMULTICAST: GroupAdded,
    rtnetlink.RTM_DELMULTICAST: GroupRemoved,
}


class _Listening:
    """A socket that hears some rtnetlink groups; non-blocking, so for an event loop's ``add_reader``."""

    GROUPS: ClassVar[tuple[int, ...]]
    ATTEMPTED: ClassVar[str]

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        try:
            self._sock = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        except OSError as error:
            raise self._refusal(error) from error
        try:
            self._sock.bind((0, 0))  # the kernel gives it an address; without one it is told nothing
            for group in self.GROUPS:
                self._sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
        except OSError as error:
            self._sock.close()
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> NetworkRefused:
        number = error.errno or 0
        return NetworkRefused(self.ATTEMPTED, describe_errno(number), errno=number)

    def fileno(self) -> int:
        return self._sock.fileno()

    def read(self) -> list[News]:
        """Return what was told since the last call, oldest first; never waits.

        There may be more when it has read as many datagrams as it does at once: the socket stays readable.
        """
        news: list[News] = []
        for _ in range(_MOST_DATAGRAMS):
            try:
                data = self._sock.recv(_RECEIVE_SIZE)
            except BlockingIOError:
                break
            except OSError:  # ENOBUFS: netlink(7)
                news.append(Overrun())
                continue
            news += decode_news(data)
        return news

    def close(self) -> None:
        """Close the socket; again is harmless."""
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LinkMonitor(_Listening):
    """Hears of links and addresses. Raises NetworkRefused where netlink is not allowed."""

    GROUPS = (RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR)
    ATTEMPTED = "follow the network interfaces"


class GroupMonitor(_Listening):
    """Hears of this host's memberships. Raises NetworkRefused where the kernel does not tell them (EINVAL).

    A socket of its own: ten thousand joins overrun it, and must not cost the news of a link.
    """

    GROUPS = (RTNLGRP_IPV4_MCADDR, RTNLGRP_IPV6_MCADDR)
    ATTEMPTED = "follow the memberships of this host"


def decode_news(data: bytes) -> Iterator[News]:
    """Yield what one netlink datagram tells; what we do not follow, or cannot read, is skipped."""
    for kind, _flags, body in rtnetlink.decode_messages(data):
        if kind in {rtnetlink.RTM_NEWLINK, rtnetlink.RTM_DELLINK}:
            link = rtnetlink.decode_link(body)
            if link is None or rtnetlink.is_bridge_port(body):
                continue
            if kind == rtnetlink.RTM_DELLINK:
                yield LinkGone(link.index, link.name)
            else:
                yield LinkChanged(
                    link.index, link.name, bool(link.flags & IFF_UP), bool(link.flags & IFF_LOWER_UP)
                )
        elif kind in _ADDRESSES and (found := rtnetlink.decode_address(body)):
            yield _ADDRESSES[kind](found.index, found.address)
        elif kind in _MEMBERSHIPS and (member := rtnetlink.decode_group(body)):
            yield _MEMBERSHIPS[kind](member.group, member.index)
