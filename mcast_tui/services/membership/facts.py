"""What is known of memberships, as values to show: rows, timeline, queriers, countdowns, explanations.

Each says where it comes from, and whether it was seen or is inferred from something seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcast_tui.net.kernel import KernelView
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import Protocol
    from mcast_tui.wire.membership.source_filter import SourceFilter


@dataclass(frozen=True, slots=True)
class HostMembership:
    """One group this host is a member of on one interface, all its processes together."""

    ifindex: int
    interface: str
    """May hold any bytes a name may hold: to be shown through `safe`."""
    group: Address
    view: KernelView
    """Users, filter mode and sources, and the file that said so."""
    ours: int
    """How many of the users are sockets of this process; the kernel does not say whose the others are."""
    protocol: Protocol | None
    """What the host speaks on this interface for this family now; None when the kernel does not tell."""
    protocol_reason: str
    """Why that version: ``the default``, ``net.ipv4.conf.eth0.force_igmp_version is 2``, ``an older querier
    was heard``. May hold the interface's name, and so any bytes: to be shown through `safe`."""
    name: str | None
    """The name of a well-known group (IANA); None for others."""

    @property
    def is_permanent(self) -> bool:
        """Whether the kernel itself holds it: all-hosts, all-nodes, or an address's solicited-node group."""
        return kernel_users(self.group, 1) > 0

    @property
    def is_of_every_host(self) -> bool:
        """Whether every host is a member, and none reports it: RFC 3376 section 5, RFC 3810 section 6."""
        return self.group in _OF_EVERY_HOST

    @property
    def others(self) -> int:
        """How many users are neither sockets of this process nor the kernel for its own addresses."""
        return max(0, self.view.users - self.ours - kernel_users(self.group, self.view.users))

    @property
    def who(self) -> str:
        """Who holds it, of `THIS_APP`, `KERNEL` and `OTHER`: ``this app, other``."""
        holders = {THIS_APP: self.ours, KERNEL: self.is_permanent, OTHER: self.others}
        return ", ".join(name for name, holds in holders.items() if holds)


def kernel_users(group: Address, users: int) -> int:
    """Return how many of the users of a group may be the kernel itself, for its own addresses.

    One for the group of every host; all for a solicited-node group, which each address that ends so holds.
    """
    if is_solicited_node(group):
        return users
    return min(users, 1) if group in _OF_EVERY_HOST else 0


def is_solicited_node(group: Address) -> bool:
    """Tell whether it is the group of hosts whose addresses end alike: RFC 4291 section 2.7.1."""
    return group.version == 6 and int(group) >> 24 == _SOLICITED_NODE


THIS_APP, KERNEL, OTHER = "this app", "kernel", "other"
"""Who holds a membership. `OTHER`: another process of this host; the kernel does not say which."""
_OF_EVERY_HOST = {IPv4Address("224.0.0.1"), IPv6Address("ff01::1"), IPv6Address("ff02::1")}
_SOLICITED_NODE = int(IPv6Address("ff02::1:ff00:0")) >> 24
"""All but the last 24 bits, which are those of the host's address."""


class What(Enum):
    """The kind of a timeline entry."""

    JOIN = "join"
    LEAVE = "leave"
    FILTER = "filter"
    """A source was added, dropped, blocked or unblocked."""
    REPORT = "report"
    QUERY = "query"
    QUERIER = "querier"
    """Elected, changed, lost, a second one, off-subnet."""
    ALARM = "alarm"
    """Something is going to stop working, or has."""
    LINK = "link"
    """Carrier, up and down, address, name, gone, back."""
    HEALED = "healed"
    """A membership was restored; one that could not be is an ALARM."""
    TAP = "tap"
    """From now on the wire is heard on other interfaces, by another way, or not at all."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened, in the order it was learnt. `text` may hold names: through `safe`."""

    at: int
    """ns since the epoch."""
    what: What
    is_seen: bool
    """False: inferred from what was seen, and marked so."""
    ifindex: int | None
    interface: str | None
    """May hold any bytes a name may hold: to be shown through `safe`."""
    group: Address | None
    who: str
    """The address of who did it; here ``this app``, ``other`` (another process), ``kernel``, or ``this host``
    where it is not known which; ``several`` or ``hosts`` where it was not one, ``nobody`` where none did."""
    text: str
    """In a few words: ``IGMPv3 CHANGE_TO_EXCLUDE_MODE {}``."""
    origin: str
    """How it is known: ``tap``, ``setsockopt``, ``/proc/net/igmp``, ``RTM_NEWMULTICAST``."""
    view: KernelView | None = None
    """What the kernel kept of the group afterwards; None where it keeps nothing, or was not asked."""
    filter: SourceFilter | None = None
    """Whom a socket of ours, or another host by its own reports, hears; None where that is not told."""


@dataclass(frozen=True, slots=True)
class QuerierFacts:
    """A querier heard on one interface, and what its own messages imply."""

    ifindex: int
    family: int
    """4 or 6."""
    address: Address
    """0.0.0.0 where a switch asks without an address of its own."""
    mac: bytes
    protocol: Protocol
    first_heard_at: int
    last_heard_at: int
    """ns since the epoch, of its last general query."""
    interval_s: float
    """Between its general queries: what it announces, else what was measured, else the standard's 125 s."""
    interval_origin: str
    """``announced (QQIC)``, ``measured``, or ``RFC default``."""
    robustness: int
    """What it announces, else the standard's 2."""
    max_response_s: float
    """What it announces, else the standard's 10 s."""
    is_elected: bool
    """False: it should be silent, for one with a lower address is heard; 0.0.0.0 must yield to any."""
    is_off_subnet: bool | None
    """Its address lies in none of this interface's networks; None where nothing follows from that."""
    is_robustness_told: bool = True
    """False before IGMPv3 and MLDv2, and where it says 0, more than the field holds."""
    is_response_told: bool = True
    """False in IGMPv1."""

    @property
    def next_expected_at(self) -> int:
        """When its next general query is due, ns since the epoch."""
        return self.last_heard_at + round(self.interval_s * 1e9)

    @property
    def membership_interval_s(self) -> float:
        """How long a switch keeps a silent member: RFC 3376 section 8.4, RFC 3810 section 9.4."""
        return self.robustness * self.interval_s + self.max_response_s


@dataclass(frozen=True, slots=True)
class HeardMember:
    """Another host that reported a group: by its own words a member, or by those of who used its address."""

    address: Address
    protocol: Protocol
    """Of its last report."""
    filter: SourceFilter | None
    """What its records add up to for a router (RFC 3376 section 6.4, RFC 3810 section 7.4); None where they
    do not tell: before IGMPv3 and MLDv2, where it has not said all of it since we listen, and where it named
    more sources than are kept."""
    first_reported_at: int
    last_reported_at: int
    """ns since the epoch."""


@dataclass(frozen=True, slots=True)
class HeardGroup:
    """A group that other hosts reported on one interface."""

    ifindex: int
    group: Address
    members: tuple[HeardMember, ...]
    """By address. Those that were heard, not all there are: see `members`."""


@dataclass(frozen=True, slots=True)
class PruneCountdown:
    """When a snooping switch would stop forwarding a group here, for want of queries to answer."""

    ifindex: int
    group: Address
    last_reported_at: int
    """ns since the epoch: the last report of this host for it."""
    is_report_seen: bool
    """False: the latest time at which there can have been one unheard stands in for it."""
    expires_at: int
    is_overdue: bool
    """The querier's next query did not come: the alarm."""
    origin: str
    """Where the interval is from: the querier's own values, or the standard's default of 260 s."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of what just happened, with its evidence."""

    is_seen: bool
    text: str
    evidence: str
    """What it rests on: ``setsockopt MCAST_JOIN_GROUP``, ``/proc/net/igmp``, ``RFC 3376 section 5.1``."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a join, leave, block or unblock just did, step by step."""

    at: int
    title: str
    """``You joined 224.1.0.1 on eth0.``"""
    steps: tuple[Step, ...]
