"""One picture of the LAN: what the kernels of its hosts and its switch say, and what members counted.

Frozen, pulled, cheap: a few milliseconds for a handful of hosts. Nothing in it is remembered from what
was asked for, unless a field says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.services.lab.wiring import Lan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address

    from mcast_tui.services.lab.classroom.faults import InterfaceSettings
    from mcast_tui.services.lab.classroom.parts import Member, Sender
    from mcast_tui.services.lab.classroom.switch_state import PortCounters, SwitchState
    from mcast_tui.wire.kernel_tables import HostGroup


@dataclass(frozen=True, slots=True)
class Heard:
    """What a member counted from one sender to one destination."""

    sender: str
    """The name in the payload; empty for what no sender of the lab sent."""
    source: str
    destination: str
    received: int
    lost: int
    """Numbers missing between those that came."""
    hop_limit: int
    """TTL on arrival of the last one; -1 when the kernel did not say."""


@dataclass(frozen=True, slots=True)
class MemberState:
    """A member and what it has heard since it joined."""

    member: Member
    serial: int
    """Another number each time it joins anew, with counts from zero."""
    heard: tuple[Heard, ...]
    uncounted: int
    """Packets beside those: of senders more numerous than a member tells apart."""

    def from_sender(self, name: str) -> Heard:
        """Return what it heard of one sender, over all addresses."""
        rows = [row for row in self.heard if row.sender == name]
        return Heard(
            name,
            rows[-1].source if rows else "",
            rows[-1].destination if rows else "",
            sum(row.received for row in rows),
            sum(row.lost for row in rows),
            rows[-1].hop_limit if rows else -1,
        )


@dataclass(frozen=True, slots=True)
class SenderState:
    """A sender and what it has sent since it was started."""

    sender: Sender
    serial: int
    """Another number each time it is started anew, with counts from zero."""
    sent: int
    """Before the other counts of the picture were taken."""
    sent_after: int
    """After them: what was sent between one picture's `sent_after` and a later one's `sent` was sent between
    the counts of both, however long it took to take them."""
    failed: int
    """Times the kernel refused."""
    errno: int
    """Why, the last time; 0 when it never did."""


@dataclass(frozen=True, slots=True)
class HostState:
    """One host as its own kernel tells it."""

    number: int
    address: IPv4Address
    memberships: tuple[HostGroup, ...]
    """/proc/net/igmp and igmp6."""
    counters: Mapping[str, int]
    """/proc/net/snmp and netstat, by names such as ``TcpExt.IPReversePathFilter``."""
    settings: Mapping[str, InterfaceSettings]
    """By interface."""
    queries: int | None
    """Queries that our querier there has sent; None where none of ours runs."""
    routes: int | None
    """Sources and groups our multicast router there has an entry for; None where none of ours runs."""

    def users(self, group: object, interface: str) -> int:
        """Return how many sockets hold a group on an interface; 0 when the host is no member."""
        rows = (row for row in self.memberships if row.group == group and row.interface == interface)
        return sum(row.users for row in rows)


@dataclass(frozen=True, slots=True)
class LinkState:
    """The cable of a host on a LAN."""

    host: int
    lan: int
    port: str
    """The switch's name for its end."""
    counters: PortCounters
    loss_percent: int
    """What the switch was told to lose of what it sends to the host."""

    @property
    def interface(self) -> str:
        """What the host calls its end."""
        return Lan(self.lan).interface

    @property
    def address(self) -> IPv4Address:
        """The address of the host's end."""
        return Lan(self.lan).address4(self.host).ip


@dataclass(frozen=True, slots=True)
class LinkRates:
    """Packets and bytes a second between two pictures."""

    packets_out: float
    """To the host."""
    bytes_out: float
    packets_in: float
    """From the host."""
    bytes_in: float


@dataclass(frozen=True, slots=True)
class Picture:
    """The LAN at one moment."""

    taken_at: float
    """By the monotonic clock, in seconds."""
    switches: tuple[SwitchState, ...]
    """One for each LAN."""
    links: tuple[LinkState, ...]
    hosts: tuple[HostState, ...]
    members: Mapping[str, MemberState]
    senders: Mapping[str, SenderState]

    def host(self, number: int) -> HostState:
        return self.hosts[number - 1]

    def links_of(self, host: int) -> list[LinkState]:
        """Return the cables of a host, one for each LAN it is on."""
        return [link for link in self.links if link.host == host]

    def link(self, host: int, lan: int) -> LinkState:
        return next(link for link in self.links if (link.host, link.lan) == (host, lan))

    def rates_since(self, earlier: Picture) -> dict[tuple[int, int], LinkRates]:
        """Return the rates of every link, by host and LAN, between an earlier picture and this one."""
        seconds = max(self.taken_at - earlier.taken_at, 1e-3)
        before = {(link.host, link.lan): link.counters for link in earlier.links}
        rates = {}
        for link in self.links:
            old, new = before.get((link.host, link.lan), link.counters), link.counters
            rates[link.host, link.lan] = LinkRates(
                (new.packets_out - old.packets_out) / seconds,
                (new.bytes_out - old.bytes_out) / seconds,
                (new.packets_in - old.packets_in) / seconds,
                (new.bytes_in - old.bytes_in) / seconds,
            )
        return rates
