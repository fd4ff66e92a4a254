"""What a lesson claims, checked against counters: what members received, ports sent, kernels tell.

What a sender's packets are to show is not decided before it has sent a number of them between the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui import human
from mcast_tui.services.lab.classroom.switch_state import port_number
from mcast_tui.services.lab.classroom.verdict import Judged, Verdict

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from mcast_tui.services.lab.classroom.verdict import Window
    from mcast_tui.wire.literal import Address

PACKETS = 20
"""Sent in between before a claim about them is decided."""
PACKETS_FOR_CHANCE = 100
"""The same where packets are lost at random: none of 100 lost at 20 % has a chance of 1 in 5 billion."""


def _judged(evidence: str, *, is_so: bool) -> Judged:
    return Judged(Verdict.HOLDS if is_so else Verdict.FAILS, evidence)


def _compared(evidence: str, *, sent: int, moved: int, expected: int, is_wanted: bool) -> Judged:
    """Judge whether a counter moved as far as packets sent would move it; open until enough were sent.

    Queries, reports and neighbour discovery move it too, but far less: what lies between is neither.
    """
    if sent < PACKETS:
        return Judged(Verdict.OPEN, evidence)
    return _judged(evidence, is_so=moved > expected / 2 if is_wanted else moved < expected / 4)


@dataclass(frozen=True, slots=True)
class Receives:
    """What a member's own counts say of a sender: ``all`` without a gap, ``some`` with gaps, ``none``."""

    member: str
    sender: str
    share: str

    def judge(self, window: Window) -> Judged:
        if self.member not in window.now.members:
            return Judged(Verdict.FAILS, f"{self.member} has not joined")
        sent = window.sent(self.sender)
        received, lost = window.heard(self.member, self.sender, window.before)
        missing = f", {lost} missing between them" if received else ""
        counted = f"{self.member} received {received}{missing}"
        evidence = f"{self.sender} sent at least {sent}, {counted}"
        return Judged(self._verdict(sent, received, lost), evidence)

    def _verdict(self, sent: int, received: int, lost: int) -> Verdict:
        if self.share == "all":
            if lost or (sent >= 2 * PACKETS and received < PACKETS):
                return Verdict.FAILS
            return Verdict.HOLDS if received >= PACKETS else Verdict.OPEN
        if self.share == "none":
            return Verdict.FAILS if received else Verdict.HOLDS if sent >= PACKETS else Verdict.OPEN
        if sent < PACKETS_FOR_CHANCE:
            return Verdict.OPEN
        return Verdict.HOLDS if received and lost else Verdict.FAILS


@dataclass(frozen=True, slots=True)
class GoesOn:
    """That a member has received a number of packets since the step began, whatever came after."""

    member: str
    sender: str

    def judge(self, window: Window) -> Judged:
        received, _ = window.heard(self.member, self.sender, window.began)
        evidence = f"{self.member} has received {received} of {self.sender} since"
        return _judged(evidence, is_so=received >= PACKETS)


@dataclass(frozen=True, slots=True)
class ArrivesWith:
    """The TTL that a member's kernel told of the last packet of a sender."""

    member: str
    sender: str
    ttl: int

    def judge(self, window: Window) -> Judged:
        state = window.now.members.get(self.member)
        heard = state.from_sender(self.sender) if state else None
        if heard is None or not heard.received:
            return Judged(Verdict.FAILS, f"{self.member} has heard nothing of {self.sender}")
        evidence = f"the last packet of {self.sender} came with ttl {heard.hop_limit}"
        return _judged(evidence, is_so=heard.hop_limit == self.ttl)


@dataclass(frozen=True, slots=True)
class Carries:
    """Whether the switch sends a sender's packets to a host, by the bytes its port counted."""

    host: int
    lan: int
    sender: str
    is_carried: bool

    def judge(self, window: Window) -> Judged:
        sent = window.sent(self.sender)
        state = window.now.senders.get(self.sender)
        if state is None:
            return Judged(Verdict.FAILS, f"{self.sender} is not sending")
        earlier, later = window.before.link(self.host, self.lan), window.now.link(self.host, self.lan)
        moved = later.counters.bytes_out - earlier.counters.bytes_out
        expected = sent * state.sender.frame_length
        evidence = (
            f"{self.sender} sent at least {sent} packets, {expected} bytes; the port sent {moved} bytes"
        )
        return _compared(evidence, sent=sent, moved=moved, expected=expected, is_wanted=self.is_carried)


@dataclass(frozen=True, slots=True)
class Lists:
    """Whether the switch's multicast database has a group at a host's port."""

    host: int
    lan: int
    group: Address
    source: Address | None
    is_listed: bool

    def judge(self, window: Window) -> Judged:
        port = window.now.link(self.host, self.lan).port
        entries = window.now.switches[self.lan].entries
        found = [
            one for one in entries if (one.port, one.group, one.source) == (port, self.group, self.source)
        ]
        same = [one for one in entries if (one.group, one.source) == (self.group, self.source)]
        ports = " and ".join(sorted(port_number(one.port) for one in same))
        what = f"({self.source or '*'},{self.group})"
        evidence = f"the mdb has {what} at {f'port {ports}' if ports else 'no port'}"
        if found and found[0].left_s is not None:
            evidence += f", at {port_number(port)} for another {found[0].left_s:.1f} s"
        return _judged(evidence, is_so=bool(found) is self.is_listed)


@dataclass(frozen=True, slots=True)
class HasUsers:
    """How many sockets hold a group on a host, by its own kernel."""

    host: int
    lan: int
    group: Address
    users: int

    def judge(self, window: Window) -> Judged:
        users = window.now.host(self.host).users(self.group, f"eth{self.lan}")
        file = "igmp" if self.group.version == 4 else "igmp6"
        evidence = f"/proc/net/{file} of host {self.host}: {human.counted(users, 'user')}"
        return _judged(evidence, is_so=users == self.users)


@dataclass(frozen=True, slots=True)
class Speaks:
    """Which version of IGMP a host speaks, by its own kernel."""

    host: int
    lan: int
    version: int

    def judge(self, window: Window) -> Judged:
        spoken = {
            row.igmp_version
            for row in window.now.host(self.host).memberships
            if row.interface == f"eth{self.lan}" and row.igmp_version is not None
        }
        told = ", ".join(f"V{version}" for version in sorted(spoken)) or "nothing"
        evidence = f"/proc/net/igmp of host {self.host} says {told}"
        return _judged(evidence, is_so=spoken == {self.version})


@dataclass(frozen=True, slots=True)
class Counts:
    """Whether a counter of a host's kernel moves with a sender's packets."""

    host: int
    counter: str
    sender: str
    is_counted: bool

    def judge(self, window: Window) -> Judged:
        sent = window.sent(self.sender)
        old, new = window.before.host(self.host).counters, window.now.host(self.host).counters
        if self.counter not in new:
            return Judged(Verdict.FAILS, f"host {self.host} has no counter {self.counter}")
        moved = new[self.counter] - old[self.counter]
        evidence = f"{self.sender} sent at least {sent}, {self.counter} of host {self.host} moved by {moved}"
        return _compared(evidence, sent=sent, moved=moved, expected=sent, is_wanted=self.is_counted)


@dataclass(frozen=True, slots=True)
class KnowsQuerier:
    """Whom the switch holds for the querier: an address, itself, or nobody."""

    lan: int
    who: IPv4Address | None

    def judge(self, window: Window) -> Judged:
        switch = window.now.switches[self.lan]
        known = switch.querier_address
        if known is None:
            evidence = "the switch knows no querier"
        elif switch.querier_port is None:
            evidence = f"the switch asks itself, as {known}"
        else:
            left = "" if switch.querier_left_s is None else f", for another {switch.querier_left_s:.1f} s"
            evidence = (
                f"the switch knows the querier {known} at port {port_number(switch.querier_port)}{left}"
            )
        return _judged(evidence, is_so=known == self.who)
