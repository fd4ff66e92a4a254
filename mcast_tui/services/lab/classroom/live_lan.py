"""A LAN that is changed while it runs, and looked at: the engine of the classroom.

Every method blocks for milliseconds and may be called by any thread: a picture at any time, changes one
after the other. From an event loop `perform` and `look` do the same in a thread. What is changed is told to
the kernel or to our program on the host, and has been done when the call returns; what the LAN then makes of
it, the next picture shows.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from mcast_tui.errors import McastError, UsageError
from mcast_tui.services.lab.classroom import faults
from mcast_tui.services.lab.classroom.household import Household
from mcast_tui.services.lab.classroom.netlink import Netlink
from mcast_tui.services.lab.classroom.parts import as_words
from mcast_tui.services.lab.classroom.picture import (
    Heard,
    HostState,
    LinkState,
    MemberState,
    Picture,
    SenderState,
)
from mcast_tui.services.lab.classroom.switch_state import read_switch
from mcast_tui.services.lab.lan import Lab
from mcast_tui.wire.kernel_tables import parse_counters, parse_igmp, parse_igmp6

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.services.lab.classroom.actions import Action
    from mcast_tui.services.lab.classroom.parts import Member, Sender
    from mcast_tui.services.lab.host import Host

CENTISECONDS = 100


@dataclass(frozen=True, slots=True)
class SwitchTimes:
    """The switches' timers in seconds, as short as a lesson needs them (RFC 3376 section 8 has the usual)."""

    query_interval_s: float = 10.0
    """Between its own queries: usually 125. The kernel takes no less than 1."""
    response_s: float = 1.0
    """How long members may take to answer: usually 10. It filters this long after a querier has appeared."""
    membership_s: float = 25.0
    """How long an entry lives after a report: usually 260."""
    other_querier_s: float = 255.0
    """How long another querier counts as there after a query."""
    last_member_s: float = 0.2
    """How long it waits for others after a leave: usually 1, asked twice."""

    def options(self) -> dict[str, int]:
        """Return them as pyroute2 names a bridge's options, in 1/100 s."""
        seconds = {
            "br_mcast_query_intvl": self.query_interval_s,
            "br_mcast_startup_query_intvl": max(1.0, self.response_s),
            "br_mcast_query_response_intvl": self.response_s,
            "br_mcast_membership_intvl": self.membership_s,
            "br_mcast_querier_intvl": self.other_querier_s,
            "br_mcast_last_member_intvl": self.last_member_s,
        }
        return {name: round(value * CENTISECONDS) for name, value in seconds.items()}


@dataclass(frozen=True, slots=True)
class LanPlan:
    """What LAN to build."""

    hosts: int = 3
    lans: tuple[tuple[int, ...], ...] = ()
    """The hosts on each LAN; empty: one LAN with all of them."""
    snooping: bool = False
    querier: bool = False
    """Whether the switch itself asks for members."""
    times: SwitchTimes = SwitchTimes()


class LiveLan:
    """A lab with our program on every host; a context manager."""

    def __init__(self, plan: LanPlan) -> None:
        """Build it; raises PermissionRefused and NetworkRefused, and then nothing is left."""
        attached = plan.lans or None
        self.lab = Lab(plan.hosts, attached=attached, snooping=plan.snooping)
        self.plan = plan
        self._members: dict[str, tuple[Member, int]] = {}
        self._senders: dict[str, tuple[Sender, int]] = {}
        self._serials = count()
        self._losses: dict[str, int] = {}
        self._talks: list[Netlink] = []
        self._is_closed = False
        self._looking = threading.Lock()
        try:
            self.lab.set_bridges(**plan.times.options())
            if plan.querier:
                self.lab.set_querier(on=True)
            self._households = [Household(host) for host in self.lab.hosts]
            for anchored in (self.lab.switch, *self.lab.hosts):
                self._talks.append(Netlink(anchored.place))
            with self.lab.switch.entered():
                self._port_index = {name: index for index, name in socket.if_nameindex()}
        except BaseException:
            self.close()
            raise

    async def perform(self, action: Action) -> None:
        """Carry out an action without holding up the event loop; raises McastError.

        A thread cannot be called off: whoever is cancelled meanwhile is so once the action has ended.
        """
        acting = asyncio.ensure_future(asyncio.to_thread(action.perform, self))
        try:
            await asyncio.shield(acting)
        finally:
            await asyncio.wait([acting])

    async def look(self) -> Picture:
        """Take a picture without holding up the event loop; raises McastError."""
        return await asyncio.to_thread(self.picture)

    def join(self, member: Member) -> None:
        """Let a member join; one of that name leaves first."""
        self.leave(member.name)
        how = as_words(member)
        for left_out in ("host", "lan"):
            del how[left_out]
        interface = self.interface(member.host, member.lan)
        self._household(member.host).order(f"join {member.words}", "join", interface=interface, **how)
        self._members[member.name] = member, next(self._serials)

    def leave(self, name: str) -> None:
        """Let a member leave and close its socket; again is harmless."""
        if name in self._members:
            member, _ = self._members.pop(name)
            self._household(member.host).order(f"leave {member.words}", "leave", name=name)

    def start(self, sender: Sender) -> None:
        """Start a sender; one of that name stops first."""
        self.stop(sender.name)
        how = as_words(sender)
        for left_out in ("host", "lan"):
            del how[left_out]
        interface = self.interface(sender.host, sender.lan)
        self._household(sender.host).order(f"send to {sender.to}", "start", interface=interface, **how)
        self._senders[sender.name] = sender, next(self._serials)

    def stop(self, name: str) -> None:
        """Stop a sender; again is harmless."""
        if name in self._senders:
            sender, _ = self._senders.pop(name)
            self._household(sender.host).order(f"stop sending to {sender.to}", "stop", name=name)

    def ask(self, host: int, *, interval_s: float, response_s: float, version: int = 3, lan: int = 0) -> None:
        """Make a host an IGMP querier on a LAN, as a router is."""
        interface = self.interface(host, lan)
        times = {"interval_s": interval_s, "response_s": response_s}
        self._household(host).order("query members", "query", interface=interface, version=version, **times)

    def stop_asking(self, host: int) -> None:
        """Let a host query no more; again is harmless."""
        self._household(host).order("query no more", "hush")

    def route(self, host: int, boundaries: Sequence[str] = ()) -> None:
        """Make a host a multicast router between its LANs; groups inside a boundary are not forwarded."""
        interfaces = [lan.interface for lan in self.lab.host(host).lans]
        self._household(host).order(
            "route multicast", "route", interfaces=interfaces, boundaries=list(boundaries)
        )

    def stop_routing(self, host: int) -> None:
        """Let a host forward nothing more; again is harmless."""
        self._household(host).order("route no more", "unroute")

    def set_switch_querier(self, *, on: bool, version: int = 3) -> None:
        """Let the switches ask for members themselves, in this version of IGMP, or not."""
        self.lab.set_bridges(br_mcast_querier=int(on), br_mcast_igmp_version=version)

    def set_snooping(self, *, on: bool) -> None:
        """Let the switches learn members, or flood."""
        self.lab.set_snooping(on=on)

    def set_times(self, times: SwitchTimes) -> None:
        """Set the switches' timers; those that run already keep their end."""
        self.lab.set_bridges(**times.options())

    def set_igmp_version(self, host: int, version: int, lan: int = 0) -> None:
        """Have a host speak this version of IGMP on a LAN; 0 lets it follow the querier."""
        self._set_interface(host, lan, faults.FORCE_IGMP_VERSION, version)

    def set_rp_filter(self, host: int, mode: int, lan: int = 0) -> None:
        """Set the reverse path filter of a host's interface: 0 off, 1 strict, 2 loose."""
        self._set_interface(host, lan, faults.RP_FILTER, mode)

    def _set_interface(self, host: int, lan: int, setting: int, value: int) -> None:
        with self.lab.host(host).entered():
            ifindex = socket.if_nametoindex(self.interface(host, lan))
        faults.set_interface(self._talks[host], ifindex, setting, value)

    def cut(self, host: int, lan: int = 0) -> None:
        """Pull a host's cable."""
        self.interface(host, lan)
        self.lab.cut(host, lan)

    def plug(self, host: int, lan: int = 0) -> None:
        """Plug a host's cable in again; it carries packets when this returns."""
        self.interface(host, lan)
        self.lab.plug(host, lan)

    def lose(self, host: int, percent: int, lan: int = 0) -> None:
        """Lose a part of what the switch sends to a host, picked at random; 0 loses nothing."""
        self.interface(host, lan)
        port = self.lab.lans[lan].port(host)
        if self._losses.pop(port, 0):
            faults.lose_nothing(self._talks[0], self._port_index[port])
        if percent:
            faults.lose(self._talks[0], self._port_index[port], percent)
            self._losses[port] = percent

    def interface(self, host: int, lan: int) -> str:
        """Return the name of a host's interface on a LAN; raises UsageError when it is not on it."""
        numbers = range(1, len(self.lab.hosts) + 1)
        if host not in numbers or lan not in {one.number for one in self.lab.host(host).lans}:
            raise UsageError(f"use host {host} on LAN {lan}", "there is no such host on that LAN")
        return self.lab.lans[lan].interface

    def picture(self) -> Picture:
        """Look at every host and switch; raises McastError when one of them is gone."""
        with self._looking:
            if self._is_closed:
                raise McastError("look at the LAN", "it has been taken down")
            return self._take_picture()

    def _take_picture(self) -> Picture:
        running, joined = dict(self._senders), dict(self._members)
        sent_before = self._sent(running)
        told = [household.order("look", "tell") for household in self._households]
        switches, ports = read_switch(self._talks[0])
        sent_after = self._sent(running)
        settings = [faults.read_settings(talk) for talk in self._talks[1:]]
        return Picture(
            time.monotonic(),
            switches,
            links=tuple(
                LinkState(host.number, lan.number, port, ports[port], self._losses.get(port, 0))
                for host in self.lab.hosts
                for lan in host.lans
                for port in (lan.port(host.number),)
            ),
            hosts=tuple(map(_host_state, self.lab.hosts, told, settings)),
            members={
                name: MemberState(
                    *joined[name], tuple(Heard(*row) for row in counts["heard"]), counts["uncounted"]
                )
                for answer in told
                for name, counts in answer["members"].items()
                if name in joined
            },
            senders={
                name: SenderState(
                    *running[name],
                    counts["sent"],
                    sent_after[name]["sent"],
                    counts["failed"],
                    counts["errno"],
                )
                for name, counts in sent_before.items()
                if name in sent_after
            },
        )

    def _sent(self, running: dict[str, tuple[Sender, int]]) -> dict[str, dict[str, int]]:
        """Return what the senders among `running` have sent, by their own counts."""
        counts: dict[str, dict[str, int]] = {}
        for host in sorted({sender.host for sender, _ in running.values()}):
            counts.update(self._household(host).order("look", "sent"))
        return {name: told for name, told in counts.items() if name in running}

    def _household(self, host: int) -> Household:
        if not 1 <= host <= len(self._households):
            raise UsageError(f"use host {host}", f"the LAN has hosts 1 to {len(self._households)}")
        return self._households[host - 1]

    def close(self) -> None:
        """Take the LAN down; again is harmless."""
        self._is_closed = True
        with self._looking:
            for talk in self._talks:
                talk.close()
            self.lab.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _host_state(host: Host, told: dict[str, Any], settings: dict[str, faults.InterfaceSettings]) -> HostState:
    tables = told["tables"]
    memberships = parse_igmp(tables["igmp"], sys.byteorder).rows + parse_igmp6(tables["igmp6"]).rows
    counters = {**parse_counters(tables["snmp"]).values, **parse_counters(tables["netstat"]).values}
    return HostState(
        host.number, host.address4, memberships, counters, settings, told["queries"], told["routes"]
    )
