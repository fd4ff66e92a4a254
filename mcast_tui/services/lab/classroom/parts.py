"""Who takes part on a LAN: members and senders, as a lesson describes them and a host is told them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

from mcast_tui.services.lab.wiring import Lan

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address

NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
"""Names stand in payloads and sentences: lower case words, without what would need quoting."""
PORT = 5000
MAXIMUM_RATE = 1000.0
"""Packets a second of one sender: members count in Python, and what is shown is to be followed by eye."""
SMALLEST_PAYLOAD, LARGEST_PAYLOAD = 64, 1472
"""Bytes: room for the sender's name and number; one unfragmented packet on an Ethernet."""
HEADERS = {4: 42, 6: 62}
"""Bytes a port counts beside a payload, by IP version: Ethernet 14, IP 20 or 40, UDP 8."""


@dataclass(frozen=True, slots=True)
class Member:
    """A socket on a host that is a member of a group, or only listens to a port, and counts what it hears."""

    name: str
    host: int
    group: Address | None = None
    """None: it joins nothing, and hears broadcast and unicast to its port."""
    port: int = PORT
    source: Address | None = None
    """The one source of (S,G); None for any source."""
    lan: int = 0
    bound_to_group: bool = True
    """Whether it is bound to the group's address; else to the wildcard address."""
    hears_all_groups: bool = False
    """IP_MULTICAST_ALL=1, the default of Linux: it hears what anybody on the host joined."""

    @property
    def words(self) -> str:
        """What it is a member of, as engineers write it."""
        if self.group is None:
            return f"port {self.port}"
        return f"({self.source or '*'},{self.group}):{self.port}"


@dataclass(frozen=True, slots=True)
class Sender:
    """A socket on a host that sends numbered packets at a rate."""

    name: str
    host: int
    to: Address
    port: int = PORT
    rate: float = 100.0
    """Packets a second."""
    ttl: int = 1
    """Of multicast; a broadcast leaves with the system's own."""
    payload: int = 1000
    """Bytes."""
    source_port: int = 0
    """0: one that the kernel picks."""
    source: Address | None = None
    """The address it sends from; None for that of its interface."""
    lan: int = 0

    @property
    def comes_from(self) -> Address | None:
        """The address that its packets come from; None for IPv6, where the kernel chooses by scope."""
        own = Lan(self.lan).address4(self.host).ip if self.to.version == 4 else None
        return self.source or own

    @property
    def frame_length(self) -> int:
        """Bytes that a port counts for each of its packets."""
        return self.payload + HEADERS[self.to.version]

    @property
    def words(self) -> str:
        """Where to, and how much."""
        source = f" from {self.source}" if self.source else ""
        ttl = f", ttl {self.ttl}" if self.to.is_multicast else ""
        return f"{self.to}:{self.port}{source}, {self.rate:g} packets/s{ttl}"


def as_words(part: Member | Sender) -> dict[str, Any]:
    """Return the fields of a part as JSON can carry them."""
    return {
        name: str(value) if isinstance(value, IPv4Address | IPv6Address) else value
        for name in part.__slots__
        for value in (getattr(part, name),)
    }
