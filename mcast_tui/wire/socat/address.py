"""What a socat address says, as values: a datagram socket, the standard streams, or a command.

`wire.socat.parse` reads them from text, `services.relay` runs two of them against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.literal import Address

Network: TypeAlias = IPv4Network | IPv6Network


class Manner(Enum):
    """The four ways socat opens a datagram socket."""

    SENDTO = "SENDTO"
    """Send to one address, accept from that address and port alone."""
    RECV = "RECV"
    """Receive everything on the port, never send."""
    RECVFROM = "RECVFROM"
    """Receive one datagram and answer its sender; with `fork`, each datagram by a child of its own."""
    DATAGRAM = "DATAGRAM"
    """Send to one address, accept from anyone in the range."""


class Report(Enum):
    """A fact about its packet that a command is told only when the address asks for it."""

    PACKET_INFO = "pktinfo"
    HOP_LIMIT = "hop limit"
    TRAFFIC_CLASS = "traffic class"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class DatagramAddress:
    """``UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,...`` and its relatives."""

    text: str
    """As it was written."""
    manner: Manner
    family: int
    """4 or 6."""
    protocol: int | None = None
    """Raw IP: the protocol number. None is UDP."""
    remote: Endpoint | None = None
    """Where to send: of SENDTO and DATAGRAM, None for the others; a %zone is its interface."""
    local_port: int | None = None
    """The port of RECV and RECVFROM, or of ``bind``; None lets the kernel choose, as with raw IP."""
    local_address: Address | None = None
    """The address of ``bind``; None is every address."""
    local_interface: str | None = None
    """The %zone of a link-local address of ``bind``, as written."""
    memberships: tuple[Endpoint, ...] = ()
    """Groups to join, each with its interface as written, and its source if it is one of (S,G).

    Their port is `local_port`, and 0 where the kernel is to choose it.
    """
    ranges: tuple[Network, ...] = ()
    source_port: int | None = None
    """Only packets from this port are accepted."""
    broadcast: bool = False
    """Whether sending to a broadcast address is permitted."""
    fork: bool = False
    most_children: int | None = None
    """``max-children``; None is without bound."""
    unicast_hop_limit: int | None = None
    """``ttl``, ``ipv6-unicast-hops``: of what is sent to anything but a group."""
    multicast_hop_limit: int | None = None
    """``ip-multicast-ttl``: of what is sent to a group."""
    loop: bool | None = None
    """``ip-multicast-loop``: whether this host hears what it sends to a group."""
    multicast_interface: str | None = None
    """Where packets to groups leave: an own IPv4 address (``ip-multicast-if``), or an index with IPv6."""
    device: str | None = None
    """``so-bindtodevice``: send and receive by this interface alone."""
    traffic_class: int | None = None
    reports: frozenset[Report] = frozenset()
    receive_buffer: int | None = None
    """In bytes, as asked for: the kernel doubles it."""
    send_buffer: int | None = None
    reuse_address: bool = False
    """``reuseaddr``: asked for, or left out; without it is refused, for our ports are always shared."""
    reuse_port: bool = False
    ipv6_only: bool = False
    """``ipv6only``: asked for, or left out; our IPv6 sockets never hear IPv4."""

    @property
    def hop_limit(self) -> int | None:
        """Of what this address sends to its destination; an answer to one sender is unicast."""
        to_group = self.remote is not None and self.remote.is_multicast
        return self.multicast_hop_limit if to_group else self.unicast_hop_limit


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """``STDIO`` and its synonym ``-``: standard input to read, standard output to write."""

    text: str


@dataclass(frozen=True, slots=True)
class CommandAddress:
    """``EXEC:program arguments`` or ``SYSTEM:shell line``: read its output, write its input."""

    text: str
    argv: tuple[str, ...] | None
    """Of EXEC, split as socat splits; None for SYSTEM."""
    shell: str | None
    """Of SYSTEM, the line for sh -c; None for EXEC."""
    stderr: bool = False
    """Whether what it says on standard error counts as output."""


SocatAddress: TypeAlias = DatagramAddress | StreamAddress | CommandAddress
