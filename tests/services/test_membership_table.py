"""The host's memberships: rows by the kernel's tables, changes told once, with their origin."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.net.kernel import KernelView, protocol_in_force
from mcast_tui.net.link_monitor import GroupAdded, GroupRemoved
from mcast_tui.services.membership import table_watch
from mcast_tui.services.membership.facts import HostMembership, TimelineEntry, What
from mcast_tui.services.membership.table import HostTable, diff
from mcast_tui.services.membership.table_watch import TableWatch
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.membership.message import Protocol
from tests.peers import PATIENCE_S, eventually, requires, socat_peer
from tests.services.nodes import node_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcast_tui.services.lab.lan import Host

GROUP, OTHER_GROUP = ip_address("239.1.1.1"), ip_address("ff15::42")
IGMP, MCFILTER = "/proc/net/igmp", "/proc/net/mcfilter"
AT = 1_700_000_000_000_000_000


def row(
    users: int = 1, *, group=GROUP, ours: int = 0, mode: str = "EXCLUDE", sources=(), ifindex: int = 2
) -> HostMembership:
    origin = "/proc/net/igmp" if group.version == 4 else "/proc/net/igmp6"
    view = KernelView(users, mode, tuple(map(ip_address, sources)), 3, origin)
    return HostMembership(ifindex, "eth0", group, view, ours, Protocol.IGMPV3, "the default", None)


STAYS = row(group=ip_address("224.0.0.1"))
"""As long as it is there, so is the interface."""


def told(entries: list[TimelineEntry]) -> list[tuple[What, str, str, str]]:
    return [(entry.what, entry.who, entry.text, entry.origin) for entry in entries]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [row()], [(What.JOIN, "other", "users 0 -> 1, EXCLUDE {}", IGMP)]),
        ([row()], [row(2)], [(What.JOIN, "other", "users 1 -> 2, EXCLUDE {}", IGMP)]),
        ([row(2)], [row()], [(What.LEAVE, "other", "users 2 -> 1, EXCLUDE {}", IGMP)]),
        ([row()], [], [(What.LEAVE, "other", "users 1 -> 0", IGMP)]),
        ([row()], [row()], []),
        ([], [row(1, ours=1)], []),  # our own joins are told by whoever joins
        ([row(1, ours=1)], [row(2, ours=1)], [(What.JOIN, "other", "users 1 -> 2, EXCLUDE {}", IGMP)]),
        ([row(2, ours=1)], [row(1)], []),
        (
            [row(mode="INCLUDE", sources=["10.0.0.1"])],
            [row(mode="INCLUDE", sources=["10.0.0.1", "10.0.0.2"])],
            [(What.FILTER, "other", "INCLUDE {10.0.0.1} -> INCLUDE {10.0.0.1, 10.0.0.2}", MCFILTER)],
        ),
        (
            [row()],
            [row(sources=["10.0.0.9"])],
            [(What.FILTER, "other", "EXCLUDE {} -> EXCLUDE {10.0.0.9}", MCFILTER)],
        ),
        ([row(3, ours=1)], [row(3, ours=2)], [(What.LEAVE, "other", "users 3 -> 3, EXCLUDE {}", IGMP)]),
    ],
)  # fmt: skip
def test_a_change_by_others_is_told_and_our_own_is_not(before, after, expected) -> None:
    assert told(diff([STAYS, *before], [STAYS, *after], AT)) == expected


def test_what_goes_with_its_interface_is_laid_to_nobody() -> None:
    [gone, permanent] = diff([row(), STAYS], [row(ifindex=3)], AT)[:2]
    assert told([gone, permanent]) == [
        (What.LEAVE, "kernel", "users 1 -> 0, with the interface", IGMP),
        (What.LEAVE, "kernel", "users 1 -> 0, with the interface", IGMP),
    ]


def test_a_notice_of_the_kernel_is_the_origin_and_the_time_of_the_change_it_tells() -> None:
    other = row(group=ip_address("239.1.1.2"))
    noticed = {(2, GROUP): {What.JOIN: AT - 5}, (2, other.group): {What.LEAVE: AT - 3}}
    first, second = diff([STAYS], [STAYS, row(), other], AT, noticed)
    assert (first.at, first.origin) == (AT - 5, "RTM_NEWMULTICAST")
    assert (second.at, second.origin) == (AT, IGMP)
    assert first.view == row().view


@pytest.mark.parametrize(
    ("of", "who"),
    [
        (row(), "other"),
        (row(ours=1), "this app"),
        (row(2, ours=1), "this app, other"),
        (STAYS, "kernel"),
        (row(2, group=ip_address("224.0.0.1"), ours=1), "this app, kernel"),
        (row(2, group=ip_address("ff02::1")), "kernel, other"),
        (row(2, group=ip_address("ff02::1:ff00:1")), "kernel"),  # of two addresses that end alike
    ],
)
def test_who_holds_a_group_is_told_as_far_as_it_is_known(of: HostMembership, who: str) -> None:
    assert of.who == who


async def test_our_own_sockets_are_told_from_those_of_another_process(host1: Host) -> None:
    async with node_on(host1) as node:
        table = HostTable(node.groups)
        await node.join(parse_endpoint("239.1.1.1%eth0:6666"))
        await node.join(parse_endpoint("239.1.1.1%eth0:6667"))
        with socat_peer(host1, "239.1.1.1", 6668):
            [mine] = [each for each in table.read() if each.group == GROUP]
        assert (mine.view.users, mine.ours, mine.others, mine.who) == (3, 2, 1, "this app, other")
        assert (mine.protocol, mine.protocol_reason, mine.interface) == (
            Protocol.IGMPV3,
            "the default",
            "eth0",
        )
        after = table.read()
        assert [each.who for each in after if each.group == GROUP] == ["this app"]
        assert table.read() is after  # nothing changed: nothing was made anew


def test_the_version_in_force_has_its_reason(host1: Host) -> None:
    def in_force(family: int, **settings: int) -> tuple[Protocol | None, str]:
        for name, value in settings.items():
            interface, setting = name.split("__")
            host1.run(["sysctl", "-w", f"net.ipv{family}.conf.{interface}.{setting}={value}"])
        with host1.entered():
            return protocol_in_force(index, "eth0", family)

    index = host1.ifindex
    assert in_force(4) == (Protocol.IGMPV3, "the default")
    assert in_force(6)[0] is None
    of_one, of_all = "net.ipv4.conf.eth0.force_igmp_version", "net.ipv4.conf.all.force_igmp_version"
    assert in_force(4, eth0__force_igmp_version=2) == (Protocol.IGMPV2, f"{of_one} is 2")
    assert in_force(4, all__force_igmp_version=3) == (Protocol.IGMPV2, f"{of_one} is 2")
    assert in_force(4, all__force_igmp_version=1) == (Protocol.IGMPV1, f"{of_all} is 1")
    assert in_force(6, eth0__force_mld_version=1)[0] is Protocol.MLDV1
    assert in_force(6, all__force_mld_version=2) == (
        Protocol.MLDV2,
        "net.ipv6.conf.all.force_mld_version is 2",
    )


@asynccontextmanager
async def watching(host: Host) -> AsyncIterator[tuple[TableWatch, list[TimelineEntry]]]:
    """Follow the tables of a host; the first reading is done."""
    entries: list[TimelineEntry] = []
    with host.entered():
        watch = TableWatch(HostTable(), entries.append)
        watch.look()
        running = asyncio.create_task(watch.run())
        try:
            yield watch, entries
        finally:
            await end(running)


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@requires("socat")
async def test_joins_and_leaves_of_another_process_are_found_in_the_tables(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_watch, "POLL_S", 0.05)
    async with watching(host1) as (watch, entries):
        assert not entries  # how things stood at first is no news
        peer = await asyncio.to_thread(socat_peer, host1, str(OTHER_GROUP))
        await eventually(lambda: of_it(entries), "the join")
        assert OTHER_GROUP in {each.group for each in watch.rows}
        await asyncio.to_thread(peer.close)
        await eventually(lambda: len(of_it(entries)) == 2, "the leave")
    entries = of_it(entries)
    assert [(each.what, each.group, each.interface, each.is_seen) for each in entries] == [
        (What.JOIN, OTHER_GROUP, "eth0", True),
        (What.LEAVE, OTHER_GROUP, "eth0", True),
    ]
    assert {each.origin for each in entries} == {"/proc/net/igmp6"}
    assert (entries[0].view.users, entries[1].view) == (1, None)


def of_it(entries: list[TimelineEntry]) -> list[TimelineEntry]:
    """Return what is told of the group; the kernel joins those of its addresses by and by."""
    return [entry for entry in entries if entry.group == OTHER_GROUP]


class Table:
    """Tables that a test turns by hand, and that are as dear to read as it says."""

    def __init__(self, *readings: tuple[HostMembership, ...] | OSError, cost_s: float = 0) -> None:
        self.readings = itertools.chain(readings, itertools.repeat(readings[-1]))
        self.read_at: list[float] = []
        self.cost_s = cost_s

    def read(self) -> tuple[HostMembership, ...]:
        begun = time.thread_time()
        while time.thread_time() - begun < self.cost_s:
            pass
        self.read_at.append(time.monotonic())
        now = next(self.readings)
        if isinstance(now, OSError):
            raise now
        return now


def test_what_was_joined_and_left_between_two_readings_is_known_by_the_notices() -> None:
    entries: list[TimelineEntry] = []
    watch = TableWatch(Table((STAYS,)), entries.append)
    watch.look()
    watch.take([GroupAdded(GROUP, 2), GroupRemoved(GROUP, 2)])
    watch.look()
    watch.look()
    assert [(each.what, each.who, each.interface, each.origin) for each in entries] == [
        (What.JOIN, "this host", "eth0", "RTM_NEWMULTICAST"),
        (What.LEAVE, "this host", "eth0", "RTM_DELMULTICAST"),
    ]


def test_a_leave_that_is_noticed_after_the_tables_were_read_is_not_told_again() -> None:
    entries: list[TimelineEntry] = []
    watch = TableWatch(Table((STAYS, row()), (STAYS,)), entries.append)
    watch.look()
    watch.look()
    watch.take([GroupRemoved(GROUP, 2)])
    watch.look()
    assert told(entries) == [(What.LEAVE, "other", "users 1 -> 0", IGMP)]


def test_a_join_and_a_leave_that_are_noticed_on_either_side_of_a_reading_are_both_told() -> None:
    entries: list[TimelineEntry] = []
    watch = TableWatch(Table((STAYS,)), entries.append)
    watch.look()
    watch.take([GroupAdded(GROUP, 2)])
    watch.look()
    assert entries == []
    watch.take([GroupRemoved(GROUP, 2)])
    watch.look()
    assert [each.what for each in entries] == [What.JOIN, What.LEAVE]


def test_a_join_whose_leave_is_never_noticed_is_not_waited_for_without_end() -> None:
    watch = TableWatch(Table((STAYS,)), [].append)
    watch.look()
    watch.take(GroupAdded(GROUP + number, 2) for number in range(table_watch.MOST_NOTICES))
    watch.look()
    watch.look()
    assert not watch._noticed


async def test_what_we_join_and_leave_is_told_by_us_and_never_as_seen_of_the_host(host1: Host) -> None:
    async with node_on(host1) as node:
        noticed: list[object] = []
        node.memberships.follow()
        node.link_monitor.subscribe_memberships(noticed.extend)
        gone = GroupRemoved(GROUP, host1.ifindex)
        for is_long in (True, False):
            [group] = await node.join(parse_endpoint("239.1.1.1%eth0"))
            if is_long:
                await eventually(lambda: GROUP in {each.group for each in node.memberships.rows()}, "its row")
            await node.leave(group)
            await eventually(lambda: GROUP not in {each.group for each in node.memberships.rows()}, "no row")
            await eventually(lambda: gone in noticed, "the news")
            node.memberships._tables.look()
            noticed.clear()
        entries = [each for each in node.timeline.since(0) if each.group == GROUP]
    assert [each.who for each in entries] == ["this app"] * 4


def test_tables_that_cannot_be_read_leave_the_last_rows_and_say_why() -> None:
    entries: list[TimelineEntry] = []
    watch = TableWatch(Table((STAYS,), OSError(13, "no"), (STAYS, row())), entries.append)
    watch.look()
    watch.look()
    assert (watch.rows, watch.error.errno, entries) == ((STAYS,), 13, [])
    watch.look()
    assert (watch.error, [each.what for each in entries]) == (None, [What.JOIN])


async def test_however_much_happens_reading_takes_its_share_of_time_only(monkeypatch) -> None:
    """A flood of notices, and tables that take 1 ms: a pause of 4 ms at least follows each reading."""
    monkeypatch.setattr(table_watch, "SHARE", 0.2)
    table = Table((STAYS,), cost_s=0.001)
    watch = TableWatch(table, [].append)
    running = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while len(table.read_at) < 5:
                watch.take(GroupAdded(GROUP + number, 2) for number in range(100))
                await asyncio.sleep(0)
    finally:
        await end(running)
    for before, after in itertools.pairwise(table.read_at):
        assert after - before >= 5 * table.cost_s
