"""What IGMP and MLD messages say, as values; `igmp` and `mld` read the octets.

The names are the standards': RFC 1112 (IGMPv1), 2236 (IGMPv2), 3376 (IGMPv3), 2710 (MLDv1), 3810 (MLDv2).
RFC 9776 and 9777 took the place of 3376 and 3810 in 2025; everybody still cites the old ones, and so do we.
A sender can write anything into a message: nothing here is more than a claim of its source address.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address


class Protocol(Enum):
    """The protocol and version a message belongs to."""

    IGMPV1 = "IGMPv1"
    IGMPV2 = "IGMPv2"
    IGMPV3 = "IGMPv3"
    MLDV1 = "MLDv1"
    MLDV2 = "MLDv2"

    @property
    def family(self) -> int:
        """4 or 6."""
        return 4 if self.value.startswith("IGMP") else 6


class RecordType(IntEnum):
    """The type of a group record, RFC 3376 section 4.2.12 and RFC 3810 section 5.2.12."""

    MODE_IS_INCLUDE = 1
    MODE_IS_EXCLUDE = 2
    CHANGE_TO_INCLUDE_MODE = 3
    CHANGE_TO_EXCLUDE_MODE = 4
    ALLOW_NEW_SOURCES = 5
    BLOCK_OLD_SOURCES = 6


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """One group record of an IGMPv3 report or address record of an MLDv2 report."""

    type: RecordType | int
    """A number where the standard knows none: receivers ignore such a record (RFC 3376 section 4.2.12)."""
    group: Address
    sources: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A querier asks who is a member."""

    protocol: Protocol
    group: Address | None
    """None: of every group (a general query)."""
    sources: tuple[Address, ...]
    max_response_s: float | None
    """Within what time members answer; None in IGMPv1, which does not say (10 s by RFC 1112)."""
    suppress: bool | None = None
    """The S flag: other routers are not to update their timers. None before IGMPv3 and MLDv2."""
    robustness: int | None = None
    """QRV: how many of its messages may be lost; None before IGMPv3/MLDv2, and where the sender says 0."""
    interval_s: int | None = None
    """QQIC decoded: seconds between its general queries; None before IGMPv3 and MLDv2."""


@dataclass(frozen=True, slots=True)
class GroupReport:
    """A report of IGMPv1, IGMPv2 or MLDv1: the sender is a member of this group."""

    protocol: Protocol
    group: Address


@dataclass(frozen=True, slots=True)
class RecordReport:
    """A report of IGMPv3 or MLDv2: the sender's filters, or changes of them."""

    protocol: Protocol
    records: tuple[GroupRecord, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave Group of IGMPv2, Done of MLDv1: the sender was the last member that reported, and is none now."""

    protocol: Protocol
    group: Address


MembershipMessage: TypeAlias = Query | GroupReport | RecordReport | Leave


@dataclass(frozen=True, slots=True)
class Refused:
    """Octets that are no sound membership message, and why."""

    reason: str
    """One of a few fixed texts, none of it from the wire: a count of each is bounded."""


LONGEST_MESSAGE = 9216
"""Octets, as much as jumbo frames carry; the 8000 records of a 64 kB report could only come in fragments, of
which each is refused. Our tap keeps less of a frame (`tpacket.LARGEST_CAPTURE`): 199 IPv4 records at most."""


@dataclass(frozen=True, slots=True)
class ControlFrame:
    """One tapped frame that may hold IGMP or MLD: the IP packet, and what the link says of it."""

    received_at: int
    """ns since the epoch."""
    ifindex: int
    is_outgoing: bool
    """We, this host, sent it."""
    source_mac: bytes
    vlan: int | None
    """The VLAN identifier of its tag; None: untagged."""
    packet: bytes
    """From the IP header on, as much as was captured."""
    is_cut: bool = False
    """The wire carried more of it than the tap keeps of a frame."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A membership message with who said it where, once it was found sound."""

    received_at: int
    ifindex: int
    is_outgoing: bool
    source: Address
    """Header source; 0.0.0.0 and :: are legal for some messages."""
    destination: Address
    hop_limit: int
    source_mac: bytes
    vlan: int | None
    message: MembershipMessage
