"""Every way an interface can change under a joined group: packets flow again, and the timeline says why.

The rows of what Linux does when (measured, with other means) are each a test; the other side is a sender on
another host, the witnesses are the kernel's tables, its time stamps and a tcpdump on a third.
"""

from __future__ import annotations

import asyncio
import errno
import shlex
import socket
import time
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import NetworkRefused
from mcast_tui.net.interfaces import Interface
from mcast_tui.net.kernel import read_memberships
from mcast_tui.net.link_monitor import Overrun
from mcast_tui.net.packet_socket import _refuse_down
from mcast_tui.net.refusals import refuse_socket
from mcast_tui.net.sender import SendOptions
from mcast_tui.services import groups as groups_module
from mcast_tui.services.events import GroupsImpaired
from mcast_tui.services.group import SELECTED_BY
from mcast_tui.services.membership import link_watch
from mcast_tui.services.membership.facts import What
from mcast_tui.services.membership.link_changes import impairment
from mcast_tui.services.source_change import Change, SourceChange
from mcast_tui.wire.address import parse_endpoint
from tests.peers import eventually, socat_peer, tcpdump_on
from tests.services.nodes import node_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence

    from mcast_tui.net.kernel import KernelView
    from mcast_tui.services.group import Group
    from mcast_tui.services.lab.lan import Host, Lab
    from mcast_tui.services.node import Node
    from mcast_tui.wire.address import Endpoint
    from tests.peers import Capture

ASM4, SSM4 = "239.5.5.5%eth0:5000", "192.168.10.2,232.5.5.5%eth0:5000"
ASM6, SSM6 = "[ff15::55%eth0]:5000", "[fd00:10::2],[ff35::55%eth0]:5000"
EVERY_KIND = (ASM4, SSM4, ASM6, SSM6)
AGAIN_WITHIN_S = 2.0
"""Of a cable or card that is back, or an address or name that changed: the budget of the design."""


@dataclass
class Healing:
    """A node on host 1, joined to some groups, and what it told."""

    node: Node
    host: Host
    sender: Host
    groups: list[Group]
    impaired: list[str]
    happened_at: int = field(default_factory=time.time_ns)
    """ns since the epoch: when the last thing happened after which packets are to flow; first, the joins."""

    @property
    def told(self) -> list[str]:
        """What stands on the timeline but our own joins, as ``link eth0: down``."""
        return [
            f"{entry.what.value} {entry.interface}{f' {entry.group}' if entry.group else ''}: {entry.text}"
            for entry in self.node.timeline.since(0)
            if entry.what not in {What.JOIN, What.LEAVE}
        ]

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Let the event loop run until the condition holds."""
        await eventually(condition, lambda: f"{what} ({self.told} {self.impaired})")

    async def until_told(self, *words: str) -> None:
        for each in words:
            await self.until(lambda each=each: any(each in entry for entry in self.told), each)

    def happens(self, deed: Callable[..., object], *args: object, **options: object) -> None:
        """Do this; what brings a link back is to return once that carries packets."""
        deed(*args, **options)
        self.happened_at = time.time_ns()

    async def until_packets_flow(self, *, within_s: float = AGAIN_WITHIN_S) -> None:
        """Send to each group from the other host until one of what was sent from now on has arrived there.

        The first of all since the last event is to have come in time, as the kernel stamped it.
        """
        for group in self.groups:
            before, begun = group.intake.tally.packets, time.time_ns()

            def has_come(group: Group = group, before: int = before, begun: int = begun) -> bool:
                send(self.sender, group)
                return group.intake.tally.packets > before and self._first_after(begun, group) is not None

            await self.until(has_come, f"a packet to {group.label}")
        took_s = {
            group.label: (self._first_after(self.happened_at, group) - self.happened_at) / 1e9
            for group in self.groups
        }
        assert max(took_s.values()) < within_s, f"{took_s} {self.told}"

    def _first_after(self, moment: int, group: Group) -> int | None:
        """Return when the first packet of the group from that moment on came in."""
        _, columns = self.node.ring.read(0, self.node.ring.head, (*SELECTED_BY, "received_at"))
        came_at = columns["received_at"][group.selects(columns)]
        return min((int(each) for each in came_at if each >= moment), default=None)

    def rows(self, group: Group) -> int:
        """Return how many packets of the ring are the group's."""
        _, columns = self.node.ring.read(0, self.node.ring.head, SELECTED_BY)
        return int(group.selects(columns).sum())

    def view(self, group: Group) -> KernelView | None:
        with self.host.entered():
            return read_memberships().view(group.endpoint.address, group.ifindex or 0)

    def change(self, *words: str) -> None:
        """Have ``ip`` do this on the host."""
        self.happens(self.host.run, ["ip", *words])


def send(host: Host, group: Group, payload: bytes = b"tick\n") -> None:
    """Send to a group from the host's own address; raw IP as such."""
    endpoint = group.endpoint
    kind, number = (
        (socket.SOCK_DGRAM, 0) if endpoint.protocol is None else (socket.SOCK_RAW, endpoint.protocol)
    )
    family = socket.AF_INET if endpoint.family == 4 else socket.AF_INET6
    with host.entered(), socket.socket(family, kind, number) as sock:
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, host.address4.packed)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.bind((str(host.address4), 0))
            sock.sendto(payload, (str(endpoint.address), endpoint.port))
        else:
            sock.bind((str(host.address6), 0))
            index = socket.if_nametoindex(host.interface)
            sock.sendto(payload, (str(endpoint.address), endpoint.port, 0, index))


@asynccontextmanager
async def healing_on(lab: Lab, *endpoints: str) -> AsyncIterator[Healing]:
    """Run a node on host 1 that has joined these and hears them; host 2 sends."""
    async with node_on(lab.host(1)) as node:
        groups = [group for each in endpoints for group in await node.join(parse_endpoint(each))]
        impaired: list[str] = []

        def take(event: object) -> None:
            if isinstance(event, GroupsImpaired):
                impaired.append(str(event.error))

        node.subscribe(take)
        here = Healing(node, lab.host(1), lab.host(2), groups, impaired)
        await here.until_packets_flow()
        yield here


def healed(groups: Sequence[Group]) -> list[str]:
    """What is told of these once they are healed."""
    return [
        f"healed eth0 {group.endpoint.address}: joined again: users 1, "
        f"{'INCLUDE' if group.endpoint.source else 'EXCLUDE'} {{{group.endpoint.source or ''}}}"
        for group in groups
    ]


async def test_a_cable_that_is_pulled_and_plugged_in_again_has_its_groups_announced_anew(lab: Lab) -> None:
    with reports_on(lab) as wire:
        async with healing_on(lab, *EVERY_KIND) as here:
            addresses = [str(group.endpoint.address) for group in here.groups]
            await announced_on(wire, *addresses, times=JOIN_TOLD)
            lab.cut(1)
            await here.until_told("link eth0: no carrier: memberships are kept")
            assert any("eth0 has no carrier. Plug its cable in" in error for error in here.impaired)
            here.happens(lab.plug, 1)
            await here.until_told("link eth0: carrier is back", *healed(here.groups))
            await here.until_packets_flow()
            await announced_on(wire, *addresses, times=JOIN_TOLD + 1)


JOIN_TOLD = 2
"""How often Linux tells of a join (RFC 3376 section 8.1): who has seen so many sees a new one next."""
JOINING = ("4", "5")
"""Kinds of records: of a join from any source CHANGE_TO_EXCLUDE, from a chosen one ALLOW_NEW_SOURCES."""


@contextmanager
def reports_on(lab: Lab) -> Iterator[Capture]:
    """Capture IGMP and MLD on host 3; what host 1 has to say of a join it says at once, not within a second.

    Its card is another one, too: what IPv6 says of all groups when an address is new is said by then.
    """
    for setting in ("ipv4.conf.default.igmpv3", "ipv6.conf.default.mldv2"):
        lab.host(1).run(["sysctl", "-qw", f"net.{setting}_unsolicited_report_interval=1"])
    lab.remove(1)
    lab.insert(1)
    with tcpdump_on(lab.host(3), "igmp or icmp6 or (ip6[6] = 0 and ip6[40] = 58)") as wire:
        yield wire


async def announced_on(wire: Capture, *groups: str, times: int, kinds: Collection[str] = JOINING) -> None:
    """Wait until the wire has carried so many IGMPv3 or MLDv2 records of each group, as a rule of joins."""
    types = ("igmp.record_type", "icmpv6.mldr.mar.record_type")
    addresses = ("igmp.maddr", "icmpv6.mldr.mar.multicast_address")
    frames = 1
    while True:
        fields = await asyncio.to_thread(wire.fields, *types, *addresses, at_least=frames)
        told = Counter(
            group
            for type4, type6, group4, group6 in fields
            for kind, group in zip((type4 or type6).split("|"), (group4 or group6).split("|"), strict=False)
            if kind in kinds
        )
        if all(told[group] >= times for group in groups):
            return
        frames = len(fields) + 1


async def test_an_interface_that_was_down_is_received_on_and_sent_by_again_without_its_route(
    lab: Lab,
) -> None:
    async with healing_on(lab, *EVERY_KIND) as here:
        here.change("link", "set", "eth0", "down")
        await here.until_told("link eth0: down: memberships are kept", "address fd00:10::1/64 removed")
        assert any("sudo ip link set eth0 up" in error for error in here.impaired)
        here.change("link", "set", "eth0", "up")
        await here.until_told("link eth0: up", *healed(here.groups[:2]))
        await here.until_packets_flow()
        here.change("address", "add", "fd00:10::1/64", "dev", "eth0", "nodad")
        await here.until_packets_flow()
        await _hears_ourselves(here)


async def _hears_ourselves(here: Healing, group: Group | None = None, payload: bytes = b"from us\n") -> None:
    """Send to the group, by itself the first, and wait for what we sent: out by its interface, and back."""
    group = group or here.groups[0]
    before = here.node.ring.head
    await here.node.send(group.endpoint, payload, SendOptions())
    own = lambda: [  # noqa: E731
        packet
        for number in range(before, here.node.ring.head)
        if (packet := here.node.ring.packet(number)) and packet.payload == payload
    ]
    await here.until(own, "our own datagram")
    assert own()[0].own
    assert own()[0].ifindex == group.ifindex


async def _sources_seen(here: Healing, wire: Capture) -> list[str]:
    """Send to each group; return what others see as the source of that, in the order of the groups."""
    sources = []
    for group in here.groups:
        payload = f"of {time.time_ns()}\n".encode()
        await _hears_ourselves(here, group, payload)
        seen = await wire.will_see(until=payload)
        sources += [str(packet.source) for packet in seen if packet.payload == payload]
    return sources


@pytest.mark.parametrize("is_same", [False, True], ids=["other-index", "same-index"])
async def test_a_recreated_interface_is_joined_anew_under_whichever_index(lab: Lab, is_same: bool) -> None:
    async with healing_on(lab, *EVERY_KIND) as here:
        before = here.groups[0].ifindex
        assert before is not None
        after = before if is_same else before + 20
        counts = {group: group.intake.tally.packets for group in here.groups}
        lab.remove(1)
        await here.until_told("link eth0: gone, and its memberships with it")
        assert any("eth0 is gone" in error and "joined again when" in error for error in here.impaired)
        assert {here.view(group) for group in here.groups} == {None}
        with tcpdump_on(lab.host(3), "igmp") as wire:
            here.happens(lab.insert, 1, ifindex=after)
            await here.until_packets_flow()
            await announced_on(wire, "239.5.5.5", times=1)
        under = f"the same index {before}" if is_same else f"index {after}, formerly {before}"
        await here.until_told(f"link eth0: deleted and back under {under}", *healed(here.groups))
        assert [group.ifindex for group in here.groups] == [after] * 4
        assert [str(view) for view in map(here.view, here.groups)] == [
            "users 1, EXCLUDE {}", "users 1, INCLUDE {192.168.10.2}",
            "users 1, EXCLUDE {}", "users 1, INCLUDE {fd00:10::2}",
        ]  # fmt: skip
        for group in here.groups:  # counts go on, and what came under the old index is the group's still
            assert group.intake.tally.packets > counts[group]
            await here.until(lambda group=group: here.rows(group) == group.intake.tally.packets, "its rows")
        await _hears_ourselves(here)
        sent = await here.node.send(here.groups[0].endpoint, b"x\n", SendOptions(ifindex=before))
        assert sent.ifindex == after


async def test_a_filter_that_was_changed_is_the_filter_again_on_a_recreated_interface(lab: Lab) -> None:
    blocked = ip_address("192.168.10.3")
    async with healing_on(lab, ASM4, ASM6) as here:
        of_any, of_two = here.groups
        await here.node.change_sources(of_any, SourceChange(Change.BLOCK, (blocked,)))
        two = ip_address("fd00:10::2"), ip_address("fd00:10::3")
        await here.node.change_sources(of_two, SourceChange(Change.ONLY, two))
        lab.remove(1)
        await here.until_told("link eth0: gone")
        here.happens(lab.insert, 1, ifindex=(of_any.ifindex or 0) + 20)  # IPv6 hears it by another socket
        await here.until(lambda: all(here.view(group) for group in here.groups), "the memberships")
        await here.until_packets_flow()
        assert [str(group.filter) for group in here.groups] == [
            "EXCLUDE {192.168.10.3}", "INCLUDE {fd00:10::2, fd00:10::3}",
        ]  # fmt: skip
        assert [here.view(group).filter for group in here.groups] == [str(g.filter) for g in here.groups]
        first = here.node.ring.head
        send(lab.host(3), of_any, b"of the blocked one")
        await here.until_packets_flow()
        arrived = [here.node.ring.packet(number) for number in range(first, here.node.ring.head)]
        assert blocked not in {packet.source for packet in arrived}


async def test_an_interface_recreated_between_two_looks_is_noticed_by_the_kernels_news(lab: Lab) -> None:
    async with healing_on(lab, ASM4, ASM6) as here:
        before = here.groups[0].ifindex
        lab.remove(1)  # the event loop has no turn in between
        here.happens(lab.insert, 1, ifindex=before)
        await here.until_told("deleted and back under the same index", *healed(here.groups))
        await here.until_packets_flow()


async def test_a_renamed_interface_keeps_its_groups_under_the_new_name(lab: Lab) -> None:
    async with healing_on(lab, ASM4, ASM6) as here:
        here.change("link", "set", "eth0", "down")
        here.change("link", "set", "eth0", "name", "wan0")
        here.change("link", "set", "wan0", "up")
        here.change("address", "add", "fd00:10::1/64", "dev", "wan0", "nodad")
        await here.until_told("link wan0: renamed, formerly eth0")
        assert [str(group.endpoint) for group in here.groups] == [
            "239.5.5.5%wan0:5000",
            "[ff15::55%wan0]:5000",
        ]
        await here.until_packets_flow()
        await _hears_ourselves(here)


async def test_another_address_is_sent_from_at_once_and_none_at_all_is_warned_of(lab: Lab) -> None:
    with tcpdump_on(lab.host(3), "udp") as wire:
        async with healing_on(lab, ASM4, ASM6) as here:
            assert await _sources_seen(here, wire) == ["192.168.10.1", "fd00:10::1"]
            here.change("address", "add", "192.168.10.77/24", "dev", "eth0")
            here.change("address", "add", "fd00:10::77/64", "dev", "eth0", "nodad")
            here.change("address", "del", "192.168.10.1/24", "dev", "eth0")
            here.change("address", "del", "fd00:10::1/64", "dev", "eth0")
            here.change(
                "address", "replace", "192.168.10.77/24", "dev", "eth0"
            )  # it may have gone with the other
            await here.until_told("address 192.168.10.1/24 removed", "address 192.168.10.77/24 added")
            await here.until_told("address fd00:10::1/64 removed", "address fd00:10::77/64 added")
            await here.until_packets_flow()
            assert await _sources_seen(here, wire) == ["192.168.10.77", "fd00:10::77"]
            here.change("address", "flush", "dev", "eth0", "scope", "global")
            await here.until(
                lambda: any("leaves from 0.0.0.0" in error for error in here.impaired), "the warning"
            )
            await here.until_packets_flow()
            assert await _sources_seen(here, wire) == ["0.0.0.0", "fe80::1"]


async def test_broadcast_is_heard_again_on_a_recreated_interface_and_a_strange_network_is_warned_of(
    lab: Lab,
) -> None:
    async with healing_on(lab, "192.168.10.255:5000", "broadcast%eth0:5001") as here:
        lab.remove(1)
        await here.until_told("gone, and its memberships")
        here.happens(lab.insert, 1)
        await here.until_packets_flow()
        assert not any("not the broadcast address" in error for error in here.impaired)
        here.change("address", "add", "10.9.8.7/24", "dev", "eth0")
        here.change("address", "del", "192.168.10.1/24", "dev", "eth0")
        await here.until(lambda: any("not the broadcast address of eth0" in e for e in here.impaired), "it")
        assert sum("not the broadcast address" in error for error in here.impaired) == 1


async def test_raw_ip_groups_are_joined_anew_by_sockets_that_hear_the_new_index(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        groups = [
            group
            for each in ("ip://239.5.5.5%eth0:253", "ip://[fd00:10::2]@[ff35::55%eth0]:253")
            for group in await node.join(parse_endpoint(each))
        ]
        here = Healing(node, lab.host(1), lab.host(2), groups, [])
        before = [group.ifindex for group in groups]
        lab.remove(1)
        await here.until_told("gone, and its memberships")
        here.happens(lab.insert, 1)
        await here.until_packets_flow()
        assert [group.ifindex for group in groups] != before


async def test_what_another_program_holds_as_well_is_said_not_to_be_announced(lab: Lab) -> None:
    async with healing_on(lab, ASM4) as here:
        with socat_peer(lab.host(1), "239.5.5.5", 5000, "reuseaddr"):
            lab.cut(1)
            await here.until_told("no carrier")
            here.happens(lab.plug, 1)
            await here.until_told("joined again: users 2, EXCLUDE {}; another program holds it too")


async def test_two_groups_of_one_address_leave_both_before_either_joins_again(lab: Lab) -> None:
    with tcpdump_on(lab.host(3), "igmp") as wire:
        async with healing_on(lab, ASM4, "239.5.5.5%eth0:5001") as here:
            await announced_on(wire, "239.5.5.5", times=JOIN_TOLD)
            lab.cut(1)
            await here.until_told("no carrier")
            here.happens(lab.plug, 1)
            await here.until_told("joined again: users 2, EXCLUDE {}")
            await announced_on(wire, "239.5.5.5", times=JOIN_TOLD + 1)
        assert not any("another program" in entry for entry in here.told)


async def test_after_sleep_everything_is_announced_anew(lab: Lab) -> None:
    async with healing_on(lab, ASM4) as here:
        so_far = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
        here.node.healer.check_sleep(so_far)
        here.node.healer.check_sleep(so_far + 0.4)
        assert here.told == []
        here.node.healer.check_sleep(so_far + 3600.4)
        assert here.told[0] == "link None: the machine slept for 3600 s"
        assert here.told[1].startswith("healed eth0 239.5.5.5: joined again: users 1")


async def test_the_node_finds_out_by_itself_that_the_machine_slept(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept_s, clock = 0.0, time.clock_gettime

    def after_sleep(which: int) -> float:
        return clock(which) + (slept_s if which == time.CLOCK_BOOTTIME else 0.0)

    def sleep() -> None:
        nonlocal slept_s
        slept_s = 3600.4

    monkeypatch.setattr(time, "clock_gettime", after_sleep)
    monkeypatch.setattr("mcast_tui.services.node.LOOK_AROUND_S", 0.05)
    with reports_on(lab) as wire:
        async with healing_on(lab, *EVERY_KIND) as here:
            addresses = [str(group.endpoint.address) for group in here.groups]
            await announced_on(wire, *addresses, times=JOIN_TOLD)
            assert here.told == []
            here.happens(sleep)
            await here.until_told("link None: the machine slept for 3600 s", *healed(here.groups))
            await here.until_packets_flow()
            await announced_on(wire, *addresses, times=JOIN_TOLD + 1)
            assert sum("slept" in entry for entry in here.told) == 1


async def test_what_cannot_be_joined_again_is_said_with_the_remedy_and_tried_at_the_next_event(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with healing_on(lab, ASM6) as here:
        lab.remove(1)
        await here.until_told("gone, and its memberships")

        def no_descriptor(*_: object, **__: object) -> None:
            raise refuse_socket(OSError(errno.EMFILE, ""), here.groups[0].endpoint.address, 5000)

        with monkeypatch.context() as patch:
            patch.setattr(groups_module, "open_group", no_descriptor)
            here.happens(lab.insert, 1)
            await here.until_told("alarm eth0 ff15::55: not joined again: this process has as many files")
            assert any("ulimit -n" in error for error in here.impaired)
        here.change("address", "add", "192.168.10.77/24", "dev", "eth0")
        await here.until_told(*healed(here.groups))
        await here.until_packets_flow()


async def test_many_that_cannot_be_joined_again_are_told_once_and_not_again_for_the_same_reason(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(endpoint: Endpoint, *_: object) -> None:
        raise refuse_socket(OSError(errno.EMFILE, ""), endpoint.address, 5000)

    async with healing_on(lab, "[ff15::7:0%eth0]:5000+49") as here:
        lab.remove(1)
        await here.until_told("gone, and its memberships")
        with monkeypatch.context() as patch:
            patch.setattr(groups_module, "_open_bound", refuse)
            here.happens(lab.insert, 1)
            alarm = (
                "alarm eth0: 50 memberships not joined again, [ff15::7:0]:5000 the first: this process has"
            )
            await here.until_told(alarm)
            here.change("address", "add", "192.168.10.77/24", "dev", "eth0")
            await here.until_told("address 192.168.10.77/24 added")
        assert sum("not joined again" in entry for entry in here.told) == 1
        assert [error[:42] for error in here.impaired if "ulimit" in error] == [
            "Cannot join [ff15::7:0]:5000 and 49 more a"
        ]
        here.change("address", "add", "192.168.10.78/24", "dev", "eth0")
        await here.until_told("healed eth0: 50 memberships joined again")


async def test_without_netlink_s_news_the_interfaces_are_looked_at_and_heal_all_the_same(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise NetworkRefused("follow the network interfaces", "Operation not permitted (EPERM)")

    monkeypatch.setattr(link_watch, "LinkMonitor", refuse)
    monkeypatch.setattr("mcast_tui.services.node.LOOK_AROUND_S", 0.1)
    async with healing_on(lab, ASM4, ASM6) as here:
        assert not here.node.link_monitor.is_live
        before = here.groups[0].ifindex
        lab.remove(1)  # and back before anybody looks: only the tables tell
        here.happens(lab.insert, 1, ifindex=before)
        await here.until_told(*healed(here.groups))
        await here.until_packets_flow()
        lab.cut(1)
        await here.until_told("no carrier")
        assert here.node.timeline.since(0)[-1].origin == "RTM_GETLINK"


async def test_many_groups_are_healed_together_and_told_in_one_line(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        groups = await node.join(parse_endpoint("239.7.0.0%eth0:5000+99"))
        here = Healing(node, lab.host(1), lab.host(2), [groups[0], groups[99]], [])
        lab.remove(1)
        await here.until_told("gone, and its memberships")
        here.happens(lab.insert, 1)
        await here.until_told("healed eth0: 100 memberships joined again, 239.7.0.0:5000 the first")
        await here.until_packets_flow()
        assert all(here.view(group) for group in groups)
        assert [entry.text for entry in node.timeline.since(0) if entry.what is What.JOIN] == [
            "239.7.0.0:5000 to 239.7.0.99:5000, 100 groups"
        ]


async def test_an_overrun_of_the_news_makes_us_look_at_everything(lab: Lab) -> None:
    async with healing_on(lab, ASM4) as here:
        here.happens(here.node._take_link_news, [Overrun()])
        assert here.told[0].startswith("healed eth0 239.5.5.5: joined again: users 1")
        await here.until_packets_flow()


async def test_our_joins_and_leaves_stand_on_the_timeline(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        for each in (ASM4, SSM6, "broadcast:5000", "ip://239.5.5.5%eth0:253"):
            [group] = await node.join(parse_endpoint(each))
            await node.leave(group)
        entries = node.timeline.since(0)
    assert [(entry.what, str(entry.group), entry.text) for entry in entries] == [
        (What.JOIN, "239.5.5.5", "port 5000, any source"),
        (What.LEAVE, "239.5.5.5", "port 5000, any source"),
        (What.JOIN, "ff35::55", "port 5000, source fd00:10::2"),
        (What.LEAVE, "ff35::55", "port 5000, source fd00:10::2"),
        (What.JOIN, "239.5.5.5", "protocol 253, any source"),
        (What.LEAVE, "239.5.5.5", "protocol 253, any source"),
    ]
    assert {(entry.who, entry.origin, entry.is_seen) for entry in entries} == {
        ("this app", "setsockopt", True)
    }


async def test_another_interface_with_the_index_of_one_that_is_gone_is_not_taken_for_it(lab: Lab) -> None:
    async with healing_on(lab, ASM4) as here:
        before = here.groups[0].ifindex
        lab.remove(1)
        await here.until_told("gone, and its memberships")
        here.change("link", "add", "other0", "index", str(before), "type", "veth", "peer", "name", "other1")
        here.happens(lab.insert, 1)
        await here.until_told("deleted and back under index", *healed(here.groups))
        await here.until_packets_flow()
        assert str(here.groups[0].endpoint) == "239.5.5.5%eth0:5000"
        assert here.groups[0].ifindex != before
        mine = here.groups[0]
        await here.until(lambda: here.rows(mine) == here.node.ring.head, "every row")
        [other] = await here.node.join(parse_endpoint("239.5.5.5%other0:5000"))
        await here.until(lambda: here.rows(mine) + here.rows(other) == here.node.ring.head, "each row once")
        assert here.rows(other) > 0


def test_a_command_to_copy_is_one_command_whatever_the_interface_is_called() -> None:
    was = Interface(3, "a;reboot", True, True, True, False, 1500, (ip_interface("fe80::1/64"),))
    addressed = replace(was, addresses=(ip_interface("10.0.0.1/8"),))
    found = [
        impairment(was, replace(was, is_up=False)),
        impairment(was, addressed),
        impairment(addressed, was),
        _refuse_down(was.name),
    ]
    # As a shell reads it: an operator outside of quotes would be a word of its own.
    words = [
        list(shlex.shlex(each.command or "", posix=True, punctuation_chars=True)) for each in found if each
    ]
    assert words == [
        ["sudo", "ip", "link", "set", "a;reboot", "up"],
        ["sudo", "sysctl", "net/ipv6/conf/a;reboot/disable_ipv6=0"],
        ["sudo", "ip", "address", "add", "ADDRESS/24", "dev", "a;reboot"],
        ["sudo", "ip", "link", "set", "a;reboot", "up"],
    ]
