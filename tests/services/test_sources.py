"""A node changes whom its groups hear: real senders on other hosts, and the kernel's word for it."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import NetworkRefused, UsageError
from mcast_tui.net import sockopt
from mcast_tui.net.kernel import read_memberships
from mcast_tui.net.membership import Membership
from mcast_tui.services.actions import Actions
from mcast_tui.services.desk import Desk
from mcast_tui.services.events import Explained, MembershipNews
from mcast_tui.services.membership.facts import What
from mcast_tui.services.source_change import Change, SourceChange
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.membership.source_filter import FilterMode, SourceFilter
from tests.peers import eventually
from tests.services.nodes import node_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host, Lab
    from mcast_tui.services.node import Node

pytestmark = pytest.mark.usefixtures("shared_lab")

GROUPS = {4: "239.1.1.1", 6: "ff15::42"}
FAMILIES = pytest.mark.parametrize("family", [4, 6])
EVERY_KIND = pytest.mark.parametrize(
    ("family", "notation"),
    [
        (4, "{source}239.1.1.1%eth0:6666"),
        (6, "{source}[ff15::42%eth0]:6666"),
        (4, "ip://{source}239.1.1.1%eth0:253"),
        (6, "ip://{source}[ff15::42%eth0]:253"),
    ],
    ids=["udp4", "udp6", "raw4", "raw6"],
)
MARK = {4: "239.1.1.9", 6: "ff15::9"}
"""A group without a filter: what a host says there comes after what it said before."""


def address_of(host: Host, family: int):
    return host.address4 if family == 4 else host.address6


def endpoint_of(notation: str, source=None):
    mark = "@" if notation.startswith("ip://") else ","
    return parse_endpoint(notation.format(source=f"{source}{mark}" if source else ""))


class Speakers:
    """Hosts that speak to a group, one datagram each, and then where everybody is heard."""

    def __init__(self, node: Node, endpoint, *hosts: Host) -> None:
        self._node = node
        self._endpoint = endpoint
        self._hosts = hosts
        self._marked = 0

    async def heard(self, *expected) -> set[str]:
        """Let each speak; return who was heard in the group once all of it has been through.

        When a mark is read, what was said before it waits in its socket and is read in the next round of
        the receiver at the latest. So a mark that is sent after one that was sent after it is the proof. The
        expected are waited for first: two processors may hand on out of turn what each was given.
        """
        head = self._node.ring.head
        for host in self._hosts:
            self._speak(host, GROUPS, self._endpoint.protocol)
        await eventually(
            lambda: set(map(str, expected)) <= set(self._sources(head, GROUPS)), "a packet of each"
        )
        for _ in range(3):
            for host in self._hosts:
                self._speak(host, MARK, None)
            self._marked += len(self._hosts)
            await eventually(lambda: len(self._sources(0, MARK)) >= self._marked, "the marks")
        return set(self._sources(head, GROUPS))

    def _sources(self, first: int, groups: dict[int, str]) -> list[str]:
        packets = [self._node.ring.packet(number) for number in range(first, self._node.ring.head)]
        return [
            str(packet.source)
            for packet in packets
            if packet is not None and str(packet.destination) == groups[self._endpoint.family]
        ]

    def _speak(self, host: Host, groups: dict[int, str], protocol: int | None) -> None:
        family = self._endpoint.family
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        raw = (socket.SOCK_RAW, protocol) if protocol else (socket.SOCK_DGRAM, 0)
        with host.entered(), socket.socket(kind, *raw) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
            sock.bind((str(address_of(host, family)), 0))
            sock.sendto(b"here", (groups[family], 0 if protocol else 6666))


async def change(node: Node, group, kind: Change, *sources) -> str:
    read = await node.change_sources(group, SourceChange(kind, sources))
    view = read_memberships().view(group.endpoint.address, group.ifindex)
    assert (view.filter_mode, set(view.sources)) == (read.mode.name, set(read.sources))
    assert group.filter == read
    return str(read)


@EVERY_KIND
async def test_who_is_blocked_is_not_heard_from_that_moment_and_the_others_are(lab: Lab, family, notation):
    two, three = lab.host(2), lab.host(3)
    a, b = (address_of(host, family) for host in (two, three))
    async with node_on(lab.host(1)) as node:
        await node.join(parse_endpoint(f"[{MARK[family]}%eth0]:6666" if family == 6 else f"{MARK[4]}%eth0"))
        [group] = await node.join(endpoint_of(notation))
        speakers = Speakers(node, group.endpoint, two, three)
        assert await speakers.heard(a, b) == {str(a), str(b)}
        assert await change(node, group, Change.BLOCK, a) == f"EXCLUDE {{{a}}}"
        assert await speakers.heard(b) == {str(b)}
        assert await change(node, group, Change.UNBLOCK, a) == "EXCLUDE {}"
        assert await speakers.heard(a, b) == {str(a), str(b)}
        assert await change(node, group, Change.ONLY, a) == f"INCLUDE {{{a}}}"
        assert await speakers.heard(a) == {str(a)}
        assert group.label.startswith(str(endpoint_of(notation.replace("%eth0", ""))))


@EVERY_KIND
async def test_sources_come_and_go_and_all_they_ever_said_is_the_group_s(lab: Lab, family, notation):
    two, three = lab.host(2), lab.host(3)
    a, b = (address_of(host, family) for host in (two, three))
    async with node_on(lab.host(1)) as node:
        await node.join(parse_endpoint(f"[{MARK[family]}%eth0]:6666" if family == 6 else f"{MARK[4]}%eth0"))
        [group] = await node.join(endpoint_of(notation, a))
        speakers = Speakers(node, group.endpoint, two, three)
        assert await speakers.heard(a) == {str(a)}
        assert await change(node, group, Change.ADD, b) == f"INCLUDE {{{a}, {b}}}"
        assert await speakers.heard(a, b) == {str(a), str(b)}
        assert await change(node, group, Change.DROP, a) == f"INCLUDE {{{b}}}"
        assert await speakers.heard(b) == {str(b)}
        _, columns = node.ring.read(0, node.ring.head)
        assert group.selects(columns).sum() == 4
        assert group.endpoint.source == a
        assert node.groups.find(endpoint_of(notation, b), node.interfaces) is group
        await node.leave(group)
        assert read_memberships().view(group.endpoint.address, group.ifindex) is None


@FAMILIES
async def test_what_is_kept_out_from_the_beginning_is_never_heard(lab: Lab, family) -> None:
    two, three = lab.host(2), lab.host(3)
    blocked = SourceFilter(FilterMode.EXCLUDE, (address_of(two, family),))
    notation = f"[{GROUPS[6]}%eth0]:6666" if family == 6 else f"{GROUPS[4]}%eth0"
    async with node_on(lab.host(1)) as node:
        await node.join(parse_endpoint(notation.replace(GROUPS[family], MARK[family])))
        [group] = await node.join(parse_endpoint(notation), sources=blocked)
        assert group.filter == blocked
        other = address_of(three, family)
        assert await Speakers(node, group.endpoint, two, three).heard(other) == {str(other)}


async def test_a_source_is_of_one_group_only_and_what_it_says_stands_once(lab: Lab) -> None:
    a, b = lab.host(2).address4, lab.host(3).address4
    async with node_on(lab.host(1)) as node:
        [first] = await node.join(parse_endpoint(f"{a},232.1.1.1%eth0"))
        [second] = await node.join(parse_endpoint(f"{b},232.1.1.1%eth0"))
        for kind in (Change.ADD, Change.ONLY):
            with pytest.raises(UsageError, match=rf"{b} is heard in {b},232.1.1.1:6666 already.*/leave"):
                await node.change_sources(first, SourceChange(kind, (b,)))
        await node.leave(second)
        assert await change(node, first, Change.ADD, b) == f"INCLUDE {{{a}, {b}}}"
        with pytest.raises(UsageError, match=rf"{a},232.1.1.1:6666 hears INCLUDE"):
            await node.join(parse_endpoint(f"{b},232.1.1.1%eth0"))
        await change(node, first, Change.DROP, b)
        [second] = await node.join(parse_endpoint(f"{b},232.1.1.1%eth0"))
        assert first.shown_sources == (a,)
        assert second.shown_sources == (b,)


@pytest.mark.parametrize(
    ("endpoint", "kind", "source", "reason", "remedy"),
    [
        ("224.1.0.1%eth0", Change.ADD, "192.168.10.2", "hears any source", "/source only 192.168.10.2"),
        ("192.168.10.2,232.1.1.1%eth0", Change.BLOCK, "192.168.10.2", "chosen sources", "/source drop"),
        ("192.168.10.2,232.1.1.1%eth0", Change.DROP, "192.168.10.2", "leave the group", "/leave"),
        ("192.168.10.2,232.1.1.1%eth0", Change.ADD, "192.168.10.2", "heard already", ""),
        ("192.168.10.2,232.1.1.1%eth0", Change.DROP, "192.168.10.3", "is not heard", ""),
        ("224.1.0.1%eth0", Change.UNBLOCK, "192.168.10.3", "is not blocked", ""),
        ("224.1.0.1%eth0", Change.BLOCK, "fd00:10::2", "no IPv4 address", "one family"),
        ("[ff15::42%eth0]:6666", Change.ADD, "fd00:10::2", "hears any source", "/source only fd00:10::2"),
        ("broadcast%eth0", Change.BLOCK, "192.168.10.2", "broadcast has no membership", "--range"),
    ],
)
async def test_what_does_not_fit_is_refused_and_nothing_changes(
    host1: Host, endpoint, kind, source, reason, remedy
) -> None:
    async with node_on(host1) as node:
        [group] = await node.join(parse_endpoint(endpoint))
        events: list[object] = []
        node.subscribe(events.append)
        before = group.filter
        with pytest.raises(UsageError, match=reason) as refused:
            await node.change_sources(group, SourceChange(kind, (parse_endpoint(source).address,)))
        assert remedy in (refused.value.remedy or "")
        assert group.filter == before == (group.membership.filter() if group.membership else None)
        assert not events


@pytest.mark.own_lab
async def test_more_sources_than_the_kernel_holds_are_refused_with_the_limit(host1: Host) -> None:
    async with node_on(host1) as node:
        [group] = await node.join(parse_endpoint("224.1.0.1%eth0"))
        many = tuple(host1.address4 + number for number in range(1, 12))
        with pytest.raises(NetworkRefused, match="than 10") as refused:
            await node.change_sources(group, SourceChange(Change.ONLY, many))
        assert refused.value.command == "sudo sysctl net.ipv4.igmp_max_msf=20"
        assert str(group.membership.filter()) == "EXCLUDE {}"


async def test_a_change_is_told_with_the_filter_as_it_was_read_back(host1: Host) -> None:
    async with node_on(host1) as node:
        node.explainer.is_on = True
        [group] = await node.join(parse_endpoint("224.1.0.1%eth0"))
        events: list[object] = []
        node.subscribe(events.append)
        await node.change_sources(group, SourceChange(Change.BLOCK, (host1.address4 + 1,)))
        [entry] = [event.entry for event in events if isinstance(event, MembershipNews)]
        assert (entry.what, entry.is_seen, entry.who) == (What.FILTER, True, "this app")
        assert entry.text == "block 192.168.10.2: EXCLUDE {192.168.10.2}"
        assert entry.group == group.endpoint.address
        [told] = [event.explanation for event in events if isinstance(event, Explained)]
        assert told is node.explainer.explanation


@FAMILIES
async def test_what_is_shown_is_what_the_kernel_holds_and_not_what_it_was_asked_for(
    host1: Host, monkeypatch: pytest.MonkeyPatch, family
) -> None:
    set_whole = sockopt.set_filter

    def set_but_the_last(sock: socket.socket, group, ifindex: int, wanted: SourceFilter) -> None:
        set_whole(sock, group, ifindex, replace(wanted, sources=wanted.sources[:-1]))

    monkeypatch.setattr(sockopt, "set_filter", set_but_the_last)
    a, b, c = (address_of(host1, family) + number for number in range(1, 4))
    endpoint = parse_endpoint(f"[{GROUPS[6]}%eth0]:6666" if family == 6 else f"{GROUPS[4]}%eth0")
    async with node_on(host1) as node:
        [group] = await node.join(endpoint, sources=SourceFilter(FilterMode.INCLUDE, (a, b)))
        assert group.filter == SourceFilter(FilterMode.INCLUDE, (a,))
        assert group.shown_sources == (a,)
        assert await change(node, group, Change.ONLY, b, c) == f"INCLUDE {{{b}}}"
        assert group.shown_sources == (a, b)
        told = node.timeline.since(0)[-1]
        assert (told.text, str(told.filter)) == (f"hear only {b}, {c}: INCLUDE {{{b}}}", f"INCLUDE {{{b}}}")


class Silent:
    """A frame that shows nothing and keeps what it is told."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def __getattr__(self, name: str):
        return lambda *_, **__: None

    def announce(self, notice) -> None:
        self.notices.append(f"{notice.what} {notice.fix}")


async def test_what_was_left_is_joined_again_with_its_filter(host1: Host) -> None:
    async with node_on(host1) as node:
        desk, frame = Desk(node), Silent()
        actions = Actions(node, desk, frame)
        for line in (
            "/join 192.168.10.2,232.1.1.1:5000 if eth0",
            "/source add 192.168.10.3",
            "/leave",
        ):
            assert await actions.perform(actions.understand(line)), frame.notices
        await actions.undo_leave()
        [group] = node.groups
        assert str(group.membership.filter()) == "INCLUDE {192.168.10.2, 192.168.10.3}"
        assert str(group.endpoint) == "192.168.10.2,232.1.1.1%eth0:5000"


async def test_a_group_whose_filter_cannot_be_read_back_is_not_joined(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_membership: Membership) -> SourceFilter:
        raise OSError(errno.ENOBUFS, "no buffer space available")

    source = ip_address("192.168.10.2")
    async with node_on(host1) as node:
        monkeypatch.setattr(Membership, "filter", fail)
        with pytest.raises(OSError, match="no buffer space"):
            await node.join(endpoint_of("{source}239.1.1.1%eth0:6666", source))
        monkeypatch.undo()

        assert not list(node.groups)
        assert read_memberships().view(ip_address("239.1.1.1"), host1.ifindex) is None
