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
    memberships: tuple[Endpoint, ...] = ()
    """Groups to join, each with its interface as written, and its source if it is one of (S,G)."""
    ranges: tuple[Network, ...] = ()
    source_port: int | None = None
    """Only packets from this port are accepted."""
    broadcast: bool = False
    """Whether sending to a broadcast address is permitted."""
    fork: bool = False
    most_children: int | None = None
    hop_limit: int | None = None
    """Of what is sent: of groups by ``ip-multicast-ttl``, of one host by ``ttl``."""
    loop: bool | None = None
    multicast_interface: str | None = None
    """``ip-multicast-if``: name, index or address."""
    device: str | None = None
    """``so-bindtodevice``: send and receive by this interface alone."""
    traffic_class: int | None = None
    reports: frozenset[Report] = frozenset()
    receive_buffer: int | None = None
    send_buffer: int | None = None


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
