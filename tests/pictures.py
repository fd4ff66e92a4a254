"""Pictures of LANs that were never built, for tests of how they are drawn."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

from mcast_tui.services.lab.classroom.faults import InterfaceSettings
from mcast_tui.services.lab.classroom.parts import Member, Sender
from mcast_tui.services.lab.classroom.picture import (
    Heard,
    HostState,
    LinkState,
    MemberState,
    Picture,
    SenderState,
)
from mcast_tui.services.lab.classroom.scene import Watch
from mcast_tui.services.lab.classroom.switch_state import PortCounters, PortEntry, SwitchState
from mcast_tui.wire.kernel_tables import HostGroup

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.scene import Scene

GROUP = ip_address("239.1.1.1")


def entry(
    port: int, left_s: float | None = 3.0, group: str = "239.1.1.1", source: str | None = None
) -> PortEntry:
    origin = None if source is None else ip_address(source)
    return PortEntry(f"lan0port{port}", ip_address(group), origin, is_include=False, left_s=left_s)


def switch(lan: int = 0, **facts: object) -> SwitchState:
    """Return a switch that snoops and asks by itself, but for the facts given."""
    known = SwitchState(
        lan,
        snooping=True,
        querier=True,
        igmp_version=3,
        query_interval_s=10.0,
        membership_interval_s=4.0,
        querier_address=IPv4Address("192.168.10.254"),
        querier_port=None,
        querier_left_s=None,
        entries=(),
    )
    return replace(known, **facts)


def host(number: int, *joined: str, users: int = 1, **facts: object) -> HostState:
    """Return a host that is a member of these groups, by its kernel."""
    groups = ("224.0.0.1", *joined)
    rows = tuple(
        HostGroup(2, "eth0", ip_address(group), users, False, False, 3 if ":" not in group else None)
        for group in groups
    )
    settings = {f"eth{lan}": InterfaceSettings(0, 0) for lan in (0, 1)}
    known = HostState(number, IPv4Address(f"192.168.10.{number}"), rows, {}, settings, None, None)
    return replace(known, **facts)


def link(
    number: int, lan: int = 0, *, into: int = 0, out: int = 0, is_up: bool = True, loss: int = 0
) -> LinkState:
    """Return a cable by which `into` packets came to the switch and `out` went to the host."""
    counters = PortCounters(is_up, out, out * 1000, into, into * 1000)
    return LinkState(number, lan, f"lan{lan}port{number}", counters, loss)


def member(name: str, number: int, heard: int = 0, *, serial: int = 1, **facts: object) -> MemberState:
    rows = (Heard("stream", "192.168.10.1", "239.1.1.1", heard, 0, 1),) if heard else ()
    return MemberState(Member(name, number, **{"group": GROUP, **facts}), serial, rows, 0)


def sender(
    name: str, number: int, sent: int = 0, *, serial: int = 1, errno: int = 0, **facts: object
) -> SenderState:
    return SenderState(Sender(name, number, **{"to": GROUP, **facts}), serial, sent, sent, 0, errno)


def picture(
    hosts: list[HostState] | int = 3,
    *parts: MemberState | SenderState,
    at: float = 100.0,
    switches: tuple[SwitchState, ...] | None = None,
    links: list[LinkState] | None = None,
) -> Picture:
    """Return a picture of these hosts, or of that many, each with a cable on which nothing passed."""
    there = [host(number) for number in range(1, hosts + 1)] if isinstance(hosts, int) else hosts
    cables = [link(each.number) for each in there] if links is None else links
    members = {part.member.name: part for part in parts if isinstance(part, MemberState)}
    senders = {part.sender.name: part for part in parts if isinstance(part, SenderState)}
    return Picture(at, switches or (switch(),), tuple(cables), tuple(there), members, senders)


def scene(*pictures: Picture, selected: int = 1) -> Scene:
    """Return what is drawn once these were taken."""
    watch = Watch()
    for each in pictures:
        watch.add(each)
    found = watch.scene(selected)
    assert found is not None
    return found
