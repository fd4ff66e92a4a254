"""The watch over a real LAN: the tap's queriers, countdowns and reports reach whoever listens to the node."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import NetworkRefused
from mcast_tui.net.link_monitor import GroupMonitor
from mcast_tui.services.events import Explained, MembershipNews, QuerierLost
from mcast_tui.services.lab.classroom.live_lan import LanPlan, LiveLan, SwitchTimes
from mcast_tui.services.lab.wiring import SWITCH_NUMBER
from mcast_tui.services.membership import table_watch, wire_watch
from mcast_tui.services.membership.facts import What
from mcast_tui.services.membership.querier_record import SECOND
from mcast_tui.services.membership.table import HostTable
from mcast_tui.services.membership.wire_log import MOST_ENTRIES
from mcast_tui.services.tap.tap import TapCounts, TapState
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.membership.message import ControlFrame, Protocol
from mcast_tui.wire.membership.source_filter import ANY_SOURCE
from mcast_tui.wire.tpacket import LARGEST_CAPTURE
from tests.peers import Program, eventually, socat_peer
from tests.services.nodes import node_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.events import Event
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab
    from mcast_tui.services.membership.watch import MembershipWatch
    from mcast_tui.services.node import Node

GROUP, GROUP6 = IPv4Address("239.1.1.1"), IPv6Address("ff15::1")


def heard(node: Node) -> list[tuple[str, str, str]]:
    """Return kind, group and who of what the tap told so far."""
    entries = node.timeline.since(0)
    return [(each.what.value, str(each.group), each.who) for each in entries if each.origin == "tap"]


def answered(node: Node, group: IPv4Address | IPv6Address, since: int) -> bool:
    """Whether the tap heard this host answer for a group after that time."""
    return any(
        (each.group, each.who) == (group, "this host") and "MODE_IS_EXCLUDE" in each.text and each.at > since
        for each in node.timeline.since(0)
    )


def alarms(node: Node) -> dict[IPv4Address | IPv6Address, int]:
    """Return when the last alarm of each group was."""
    return {each.group: each.at for each in node.timeline.since(0) if each.what is What.ALARM and each.group}


def known(node: Node) -> list[tuple[object, bool]]:
    """Return the queriers of IPv4, and whether each is the elected one."""
    queriers = node.memberships.queriers()
    return [(each.address, each.is_elected) for each in queriers if each.family == 4]


def said_of(querier: object, node: Node) -> list[str]:
    """Return what was told of one, without what its query said."""
    entries = [each for each in node.timeline.since(0) if each.what is What.QUERIER]
    return [each.text.partition(":")[0] for each in entries if each.who == str(querier)]


def forgotten(database: Program, group: IPv4Address | IPv6Address) -> list[int]:
    """Return when the switch ceased to send a group to host 1, ns since the epoch, as iproute2 told it."""
    ended = rf"Timestamp: \w+ (.+) (\d+) usec\nDeleted dev br0 port lan0port1 grp {group} "
    times = re.findall(ended, database.output.data.decode())
    return [
        round(time.mktime(time.strptime(at, "%b %d %H:%M:%S %Y"))) * SECOND + int(microseconds) * 1000
        for at, microseconds in times
    ]


def said_of_tap(node: Node) -> list[str]:
    return [each.text for each in node.timeline.since(0) if each.what is What.TAP]


async def test_a_querier_is_known_and_its_loss_is_told_before_the_prune(
    make_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between both there are 1.5 s, of which looking once a second could take 1."""
    monkeypatch.setattr(wire_watch, "POLL_S", 0.05)
    lab = make_lab(1, snooping=True)
    lab.set_bridges(br_mcast_query_intvl=200)  # in 1/100 s
    told: list[Event] = []
    async with node_on(lab.host(1)) as node:
        node.subscribe(told.append)
        await node.join(parse_endpoint(f"{GROUP}%eth0"))
        watch = node.memberships
        watch.listen()
        assert watch.tap.is_open
        assert watch.tap.where == "on eth0 in this process"
        lab.set_querier(on=True)
        await eventually(watch.queriers, "a querier")
        await eventually(lambda: ("query", "None", "192.168.10.254") in heard(node), "an IGMP query")
        querier = next(each for each in watch.queriers() if each.family == 4)
        assert (querier.address, querier.protocol) == (IPv4Address("192.168.10.254"), Protocol.IGMPV3)
        assert (querier.interval_s, querier.interval_origin) == (2, "announced (QQIC)")
        await eventually(lambda: ("report", str(GROUP), "this host") in heard(node), "our answer")
        lab.set_querier(on=False)
        await eventually(lambda: any(isinstance(each, QuerierLost) for each in told), "the loss")
        [alarm] = [
            entry for entry in node.timeline.since(0) if entry.what is What.ALARM and entry.group == GROUP
        ]
        [prune] = [each for each in watch.prunes() if each.group == GROUP]
        assert prune.is_overdue
        assert alarm.at < prune.expires_at


async def test_the_switch_forgets_when_the_countdown_says_and_not_before_the_alarm(
    make_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel ends an entry on time or up to 0.26 s later: its timers of seconds are that coarse."""
    monkeypatch.setattr(wire_watch, "POLL_S", 0.05)
    lab, groups = make_lab(1, snooping=True), (GROUP, GROUP6)
    # In 1/100 s. It is to forget after what its queries imply, 2 x 1 s + 1 s: it does not work that out.
    lab.set_bridges(br_mcast_query_intvl=100, br_mcast_startup_query_intvl=100, br_mcast_membership_intvl=300)
    with Program(lab.switch, ["stdbuf", "-oL", "bridge", "-timestamp", "monitor", "mdb"]) as database:
        async with node_on(lab.host(1)) as node:
            watch = node.memberships
            watch.listen()
            for group in groups:
                await node.join(parse_endpoint(f"{group}%eth0"))
            lab.set_querier(on=True)
            for who in (each(SWITCH_NUMBER).ip for each in (lab.lans[0].address4, lab.lans[0].link_local)):
                query = ("query", "None", str(who))
                await eventually(lambda query=query: heard(node).count(query) > 1, f"two queries of {who}")
            lab.set_querier(on=False)
            await eventually(lambda: {*groups} <= {*alarms(node)}, "the alarms")
            for group in groups:
                [prune] = [each for each in watch.prunes() if each.group == group]
                assert prune.is_report_seen
                await database.output.awaited(lambda group=group: forgotten(database, group), "the prune")
                [forgotten_at] = forgotten(database, group)
                assert alarms(node)[group] < prune.expires_at
                assert alarms(node)[group] < forgotten_at
                assert -0.05 < (forgotten_at - prune.expires_at) / SECOND < 0.75


async def test_a_querier_another_member_and_our_own_report_are_heard_of_ipv6_as_well(
    make_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire_watch, "POLL_S", 0.05)
    lab = make_lab(2, snooping=True)
    lab.set_bridges(br_mcast_query_intvl=200)  # in 1/100 s
    host2, switch = lab.host(2).link_local, lab.lans[0].link_local(SWITCH_NUMBER).ip
    explained: list[Explained] = []
    async with node_on(lab.host(1)) as node:
        node.explainer.is_on = True
        node.subscribe(lambda event: explained.append(event) if isinstance(event, Explained) else None)
        watch = node.memberships
        watch.listen()
        await node.join(parse_endpoint(f"{GROUP6}%eth0"))
        sent = "The kernel sent an MLDv2 report to ff02::16: CHANGE_TO_EXCLUDE_MODE {}"

        def is_seen() -> bool:
            steps = explained[-1].explanation.steps
            return any(step.is_seen and step.text.startswith(sent) for step in steps)

        await eventually(is_seen, "what the tap heard of our join")
        with socat_peer(lab.host(2), str(GROUP6)):
            await eventually(lambda: ("report", str(GROUP6), str(host2)) in heard(node), "the other's report")
            [group] = [each for each in watch.heard_groups() if each.group == GROUP6]
            [member] = group.members
            assert (member.address, member.protocol, member.filter) == (host2, Protocol.MLDV2, ANY_SOURCE)
            assert ("join", str(GROUP6), str(host2)) in heard(node)
        await eventually(lambda: ("leave", str(GROUP6), str(host2)) in heard(node), "that it left")
        assert GROUP6 not in {each.group for each in watch.heard_groups()}
        lab.set_querier(on=True)
        await eventually(lambda: ("query", "None", str(switch)) in heard(node), "an MLD query")
        [querier] = [each for each in watch.queriers() if each.family == 6]
        assert (querier.address, querier.protocol, querier.is_elected) == (switch, Protocol.MLDV2, True)
        assert (querier.interval_s, querier.interval_origin) == (2, "announced (QQIC)")
        asked = querier.first_heard_at
        await eventually(lambda: answered(node, GROUP6, asked), "our answer")
        [prune] = [each for each in watch.prunes() if each.group == GROUP6]
        assert (prune.is_report_seen, prune.is_overdue) == (True, False)
        assert prune.last_reported_at > asked
        assert prune.origin == f"querier {switch}: 2 x 2 s + 1 s, announced (QQIC)"
        assert prune.expires_at == prune.last_reported_at + 5 * SECOND


async def test_who_wins_an_election_is_told_and_who_yields_is_not_said_to_be_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The Linux bridge asks, and elects by itself; then host 2 asks, whose address is lower."""
    monkeypatch.setattr(wire_watch, "POLL_S", 0.05)
    times = SwitchTimes(query_interval_s=1, response_s=1, other_querier_s=2.5)
    lost: list[Event] = []
    with LiveLan(LanPlan(hosts=2, snooping=True, times=times)) as lan:
        host2, switch = lan.lab.host(2).address4, lan.lab.lans[0].address4(SWITCH_NUMBER).ip
        async with node_on(lan.lab.host(1)) as node:
            node.subscribe(lambda event: lost.append(event) if isinstance(event, QuerierLost) else None)
            node.memberships.listen()
            lan.set_switch_querier(on=True)
            await eventually(lambda: known(node) == [(switch, True)], "the switch as the querier")
            lan.ask(2, interval_s=1, response_s=0.1)
            await eventually(lambda: known(node) == [(host2, True), (switch, False)], "the takeover")
            won = f"is the querier now instead of {switch}, whose address is higher"
            asked = heard(node).count(("query", "None", str(switch)))
            await eventually(lambda: known(node) == [(host2, True)], "the end of the other querier present")
            assert heard(node).count(("query", "None", str(switch))) == asked
            assert (said_of(host2, node), said_of(switch, node)) == ([won], ["is the querier"])
            assert (await lan.look()).switches[0].querier_address == host2
            assert not lost
            lan.stop_asking(2)
            await eventually(lambda: known(node) == [(switch, True)], "the switch as the querier again")
            assert [event.querier.address for event in lost] == [host2]
            assert said_of(host2, node) == [won, "querier lost"]
            again = f"is the querier now instead of {host2}, which is silent"
            assert said_of(switch, node) == ["is the querier", again]


async def test_a_switch_that_asks_on_beside_who_won_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_watch, "POLL_S", 0.05)
    times = SwitchTimes(query_interval_s=1, response_s=1, other_querier_s=0.01)  # it forgets at once who won
    with LiveLan(LanPlan(hosts=2, snooping=True, times=times)) as lan:
        host2, switch = lan.lab.host(2).address4, lan.lab.lans[0].address4(SWITCH_NUMBER).ip
        async with node_on(lan.lab.host(1)) as node:
            node.memberships.listen()
            lan.set_switch_querier(on=True)
            await eventually(lambda: known(node) == [(switch, True)], "the switch as the querier")
            lan.ask(2, interval_s=1, response_s=0.1)
            beside = f"asks on beside {host2}"
            await eventually(lambda: beside in said_of(switch, node), "that it asks on")
            asked = heard(node).count(("query", "None", str(switch)))
            await eventually(
                lambda: heard(node).count(("query", "None", str(switch))) > asked, "another query of it"
            )
            assert said_of(switch, node) == ["is the querier", beside]
            assert known(node) == [(host2, True), (switch, False)]


async def test_what_was_inferred_of_a_join_is_seen_once_the_tap_hears_it(host1: Host) -> None:
    explained: list[Explained] = []
    async with node_on(host1) as node:
        node.explainer.is_on = True
        node.subscribe(lambda event: explained.append(event) if isinstance(event, Explained) else None)
        node.memberships.listen()
        await node.join(parse_endpoint(f"{GROUP}%eth0"))
        assert "The kernel sends an IGMPv3 report" in str(explained[0].explanation.steps)
        report = "The kernel sent an IGMPv3 report to 224.0.0.22: CHANGE_TO_EXCLUDE_MODE {}"

        def is_seen() -> bool:
            steps = explained[-1].explanation.steps
            return any(step.is_seen and step.text.startswith(report) for step in steps)

        assert not is_seen()
        await eventually(is_seen, "what the tap heard")


async def test_others_on_this_host_and_on_the_lan_are_told_apart(lab: Lab) -> None:
    news: list[tuple[str, str]] = []

    def take(event: Event) -> None:
        if isinstance(event, MembershipNews) and event.entry.group == GROUP:
            news.append((event.entry.what.value, event.entry.who))

    async with node_on(lab.host(1)) as node:
        node.subscribe(take)
        node.memberships.follow()
        node.memberships.listen()
        with socat_peer(lab.host(1), str(GROUP)), socat_peer(lab.host(2), str(GROUP)):
            wanted = {("join", "other"), ("report", "this host"), ("report", "192.168.10.2")}
            await eventually(lambda: wanted <= set(news), "both joins")
        await eventually(lambda: ("leave", "other") in news, "the leave")
        [row] = [row for row in node.memberships.rows() if str(row.group) == "224.0.0.1" and row.ifindex != 1]
        assert row.who == "kernel"


@pytest.mark.parametrize("group", ["239.1.1.1", "ff15::42"])
async def test_what_another_program_joins_and_leaves_is_told_as_the_kernel_gives_notice_of_it(
    host1: Host, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    """Nothing else has the tables read: the clock does not come to it."""
    with host1.entered():
        try:
            GroupMonitor().close()
        except NetworkRefused as refused:
            pytest.skip(str(refused))  # a kernel before 6.14
    monkeypatch.setattr(table_watch, "POLL_S", 3600.0)

    def told() -> list[tuple[str, str, str]]:
        entries = [each for each in node.timeline.since(0) if str(each.group) == group]
        return [(each.what.value, each.who, each.origin) for each in entries]

    joined, left = ("join", "other", "RTM_NEWMULTICAST"), ("leave", "other", "RTM_DELMULTICAST")
    async with node_on(host1) as node:
        node.memberships.follow()
        with socat_peer(host1, group):
            await eventually(lambda: told() == [joined], lambda: f"the notice of the join; {told()}")
        await eventually(lambda: told() == [joined, left], lambda: f"the notice of the leave; {told()}")


async def test_a_fault_of_the_watch_is_raised_at_its_end_and_leaves_no_tap_open(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(wire_watch.QuerierWatch, "poll", fail)

    async def run() -> None:
        async with node_on(host1) as node:
            watch = node.memberships
            watch.follow()
            watch.listen()
            watches.append(watch)
            await eventually(watch.wire._polling.done, "the fault")
            meanwhile.append((watch.tap.is_open, str(watch.tap.error)))
            told.extend(each.text for each in node.timeline.since(0) if each.what is What.ALARM)

    watches: list[MembershipWatch] = []
    meanwhile, told = [], []
    with pytest.raises(ValueError, match="a fault of ours"):
        await run()
    fault = "stopped: ValueError: a fault of ours"
    assert meanwhile == [(False, f"Cannot listen to the wire: what listens {fault}.")]
    assert told == [f"what listens to the wire {fault}"]
    [watch] = watches
    assert all(each.fileno() < 0 for each in watch.wire.tap._tap.sockets)
    assert watch._following.done()


async def test_tables_that_nobody_reads_any_more_are_not_shown_as_they_were(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a fault of ours")

    async def run() -> None:
        async with node_on(host1) as node:
            watch = node.memberships
            watch.follow()
            assert watch.rows()
            monkeypatch.setattr(HostTable, "read", fail)
            await node.join(parse_endpoint(f"{GROUP}%eth0"))
            await eventually(watch._following.done, "the fault")
            with pytest.raises(OSError, match="what reads them stopped: ValueError: a fault of ours"):
                watch.rows()
            told.extend(entry.text for entry in node.timeline.since(0) if entry.what is What.ALARM)

    told: list[str] = []
    with pytest.raises(ValueError, match="a fault of ours"):
        await run()
    assert told == ["what reads the kernel's tables stopped: ValueError: a fault of ours"]


async def test_countdowns_begin_when_the_tap_is_open_and_end_when_it_is_not(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody asks nothing is heard, and nothing else says that they are others."""
    monkeypatch.setattr(wire_watch, "POLL_S", 0.01)
    tap = Flooded([])
    tap.state = TapState(is_open=False)
    monkeypatch.setattr(wire_watch, "TapService", lambda **_: tap)
    async with node_on(host1) as node:
        watch = node.memberships
        await node.join(parse_endpoint(f"{GROUP}%eth0"))
        assert not watch.prunes()
        watch.listen()
        assert not watch.prunes()
        tap.state = Flooded.state
        await eventually(watch.prunes, "the countdown")
        tap.state = TapState(is_open=False)
        await eventually(lambda: not watch.prunes(), "the end of the countdown")


@pytest.mark.parametrize("is_same", [False, True], ids=["other-index", "same-index"])
async def test_a_tapped_interface_that_is_deleted_is_not_said_to_be_heard_until_it_is_back(
    lab: Lab, is_same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcast_tui.net.tap.TICK_S", 0.05)
    monkeypatch.setattr(wire_watch, "POLL_S", 0.02)
    async with node_on(lab.host(1)) as node:
        watch = node.memberships
        watch.listen()
        assert watch.tap.interfaces == ("eth0",)
        before = lab.host(1).ifindex
        lab.remove(1)
        await eventually(lambda: "eth0 is gone" in str(watch.tap.error), "that it is gone")
        assert not watch.tap.is_open
        await eventually(lambda: said_of_tap(node), "that the wire is not heard")
        lab.insert(1, ifindex=before if is_same else before + 20)
        await eventually(lambda: watch.tap.is_open, "that it is heard again")
        await eventually(lambda: len(said_of_tap(node)) > 1, "that the wire is heard")
        lost, found = said_of_tap(node)
        assert lost.startswith("the wire is not heard any more: eth0 is ")  # down, and then gone
        assert found == "the wire is heard on eth0 in this process"
        with socat_peer(lab.host(2), str(GROUP)):
            await eventually(lambda: ("report", str(GROUP), "192.168.10.2") in heard(node), "a report")


async def test_a_flood_of_reports_is_decoded_at_a_bounded_rate_and_the_rest_is_counted(host1: Host) -> None:
    report = bytes.fromhex("46c000280000400001020000c0a80a02e0000016940400002200e9fb0000000104000000ef010101")
    summed = bytearray(report)
    summed[10:12] = checksum(report[:24]).to_bytes(2, "big")
    frame = ControlFrame(1, 2, is_outgoing=False, source_mac=bytes(6), vlan=None, packet=bytes(summed))
    async with node_on(host1) as node:
        watch = node.memberships.wire
        watch.tap = Flooded([frame] * 1000)
        watch.drain()
        assert sum(what == "report" for what, _, _ in heard(node)) == wire_watch.MOST_FRAMES
        assert watch.skipped == 1000 - wire_watch.MOST_FRAMES
        garbage = ControlFrame(1, 2, is_outgoing=False, source_mac=bytes(6), vlan=None, packet=b"\x46\0")
        watch.tap.frames = [garbage] * 3
        watch.drain()
        assert sum(watch.refused.values()) == 3


async def test_reports_of_many_records_keep_neither_the_event_loop_nor_a_query_from_being_heard(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    ifindex = host1.ifindex
    long = frame_of(ifindex, b"\x22\0\0\0\0\0\0\xb4" + b"".join(map(record, range(180))))
    query = frame_of(ifindex, bytes.fromhex("116400000000000002 7d0000"))
    forwarded = replace(long, is_outgoing=True)
    tap = Flooded([*[long] * 500, query, *[long] * 3000, *[forwarded] * 100])
    monkeypatch.setattr(wire_watch, "TapService", lambda **_: tap)
    async with node_on(host1) as node:
        watch = node.memberships
        watch.listen()
        await eventually(watch.queriers, "the querier")
        most = wire_watch.MOST_LONG + wire_watch.MOST_LONG_OUTGOING
        await eventually(lambda: watch.wire.skipped >= 3600 - most, "the count of what was skipped")
        await eventually(lambda: heard(node)[-1][0] == "alarm", "that something was missed")
        assert f"{watch.wire.skipped} frames not looked at" in node.timeline.since(0)[-1].text
        tap.counts = TapCounts(dropped=5, not_fed=6, control_skipped=7)
        await eventually(
            lambda: "18 frames not looked at" in node.timeline.since(0)[-1].text, "the tap's losses"
        )


async def test_queries_of_many_forged_queriers_are_told_at_a_bounded_rate(host1: Host) -> None:
    ifindex = host1.ifindex
    body = bytes.fromhex("116400000000000002 7d0000")
    frames = [frame_of(ifindex, body, source=bytes((10, 0, 0, 255 - number))) for number in range(250)]
    async with node_on(host1) as node:
        node.memberships.wire.tap = Flooded(frames)
        node.memberships.wire.drain()
        assert node.timeline.added <= MOST_ENTRIES + 1
        assert node.timeline.since(0)[-1].text.endswith("more entries in the same moment")


async def test_a_flood_of_reports_does_not_hide_a_change_of_querier(host1: Host) -> None:
    ifindex = host1.ifindex
    body = b"\x22\0\0\0\0\0\0" + bytes([31]) + b"".join(map(record, range(31)))
    query = frame_of(ifindex, bytes.fromhex("116400000000000002 7d0000"), source=b"\x0a\0\0\1")
    async with node_on(host1) as node:
        node.memberships.wire.tap = Flooded([*[frame_of(ifindex, body)] * wire_watch.MOST_LONG, query])
        node.memberships.wire.drain()
        assert node.timeline.added == MOST_ENTRIES + 1
        told = [f"{each.what.value} {each.text}" for each in node.timeline.since(0)[-3:]]
        assert told[0].startswith("querier is the querier: IGMPv3 general query")
        assert told[1].startswith("alarm its address is in none of this interface's networks")
        assert told[2].endswith("more entries in the same moment")


async def test_a_report_too_long_for_the_tap_is_told_and_no_verdict_rests_on_what_was_not_heard(
    make_lab: Callable[..., Lab],
) -> None:
    """Linux fills a report up to the MTU, and tells of 600 groups in a few of 4832 octets at most."""
    async with node_on(make_lab(1, mtu=9000).host(1)) as node:
        watch = node.memberships
        watch.listen()
        await node.join(parse_endpoint("239.7.0.0%eth0:5000+599"))
        long = f"not heard: longer than the {LARGEST_CAPTURE} octets that the tap keeps of one"
        await eventually(lambda: any(long in each.text for each in node.timeline.since(0)), "the long report")
        assert watch.wire.refused == {}
        assert not any(each.is_report_seen for each in watch.prunes())


async def test_frames_that_the_tap_hands_over_as_it_ends_start_nothing_any_more(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(Flooded):
        def __init__(self, heard: Callable[[], None]) -> None:
            super().__init__([])
            self.heard = heard

        async def close(self) -> None:
            self.heard()

    monkeypatch.setattr(wire_watch, "TapService", Late)
    async with node_on(host1) as node:
        node.memberships.listen()
    assert node.memberships.wire._draining is None


async def test_what_a_guest_behind_a_bridge_reports_is_not_said_to_be_this_host_s(host1: Host) -> None:
    body = b"\x16\0\0\0\xef\1\1\1"
    own, guest = (
        frame_of(host1.ifindex, body, source) for source in (host1.address4.packed, b"\xc0\xa8\x0a\x4d")
    )
    async with node_on(host1) as node:
        node.memberships.wire.tap = Flooded([replace(each, is_outgoing=True) for each in (own, guest)])
        node.memberships.wire.drain()
        reports = [each for each in heard(node) if each[0] == "report"]
        assert reports == [("report", str(GROUP), "this host"), ("report", str(GROUP), "192.168.10.77")]


def record(number: int) -> bytes:
    return b"\4\0\0\0" + (0xEF000000 + number).to_bytes(4, "big")


def frame_of(ifindex: int, body: bytes, source: bytes = b"\xc0\xa8\x0a\x02") -> ControlFrame:
    """Return IGMP in IPv4 with both checksums right."""
    message = bytearray(body)
    message[2:4] = checksum(body).to_bytes(2, "big")
    head = bytearray(b"\x46\xc0" + (24 + len(body)).to_bytes(2, "big") + b"\0\0\0\0\1\2\0\0" + source)
    head += b"\xe0\0\0\1\x94\4\0\0"
    head[10:12] = checksum(head).to_bytes(2, "big")
    return ControlFrame(time.time_ns(), ifindex, False, bytes(6), None, bytes(head + message))


class Flooded:
    """A tap on which more comes than anybody can read."""

    state = TapState(is_open=True, interfaces=("eth0",), way="by a test")
    counts = TapCounts()

    def __init__(self, frames: list[ControlFrame]) -> None:
        self.frames = frames

    def start(self) -> None:
        """It is open from the beginning."""

    def control_frames(self) -> list[ControlFrame]:
        frames, self.frames = self.frames, []
        return frames

    async def close(self) -> None:
        """Nothing is open."""


def checksum(octets: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    total = sum(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
