"""Other hosts' memberships as their reports tell them, with a clock turned by hand."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_interface
from types import SimpleNamespace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.net.interfaces import Interface
from mcast_tui.services.events import MembershipNews
from mcast_tui.services.membership.facts import QuerierFacts, What
from mcast_tui.services.membership.members import MOST_SOURCES, Members, filter_after
from mcast_tui.services.membership.news import facts_of
from mcast_tui.services.membership.timeline import Timeline
from mcast_tui.services.membership.wire_log import MOST_ENTRIES
from mcast_tui.services.membership.wire_watch import MOST_RECORDS, WireWatch
from mcast_tui.services.tap.tap import TapState
from mcast_tui.wire.membership.message import (
    GroupRecord,
    GroupReport,
    Heard,
    Leave,
    Protocol,
    Query,
    RecordReport,
    RecordType,
)
from mcast_tui.wire.membership.source_filter import NOBODY, FilterMode, SourceFilter
from tests.wire.membership_frames import frame_of, packet_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.services.membership.facts import TimelineEntry
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import ControlFrame, MembershipMessage

S = 1_000_000_000
START = 1_700_000_000 * S
ETH0, ETH1 = 3, 4
GROUP, GROUP6 = ip_address("239.5.5.5"), ip_address("ff15::5")
A, B, C = "192.168.10.2", "192.168.10.3", "fe80::2"
ONE, TWO, THREE = (IPv4Address(f"192.0.2.{number}") for number in (1, 2, 3))
V1, V2, V3 = Protocol.IGMPV1, Protocol.IGMPV2, Protocol.IGMPV3
IS_IN, IS_EX, TO_IN, TO_EX, ALLOW, BLOCK = RecordType
GENERAL = Query(V3, None, (), 10.0, suppress=False, robustness=2, interval_s=125)
HEARD = Heard(START, ETH0, False, ip_address(A), GROUP, 1, bytes(6), None, GENERAL)


class Table:
    """Members heard on eth0 and eth1, and how each is told."""

    def __init__(self, *, most: int = 4096) -> None:
        self.members = Members(most=most)
        self.members.listen_on([ETH0, ETH1])
        self.queriers: list[QuerierFacts] = []
        self.now_s = 0.0

    @property
    def now(self) -> int:
        return START + round(self.now_s * S)

    def hear(self, who: str, message: MembershipMessage, **facts: object) -> list[str]:
        """Take in a message; return what it is told as."""
        heard = Heard(
            self.now,
            ETH0,
            False,
            ip_address(who),
            ip_address("224.0.0.22"),
            1,
            b"\2\0\0\0\0\1",
            None,
            message,
        )
        return told(self.members.hear(replace(heard, **facts), "eth0"))

    def report(self, who: str, kind: RecordType | int, *sources: Address, **facts: object) -> list[str]:
        """Take in a report with one record about the group."""
        return self.hear(who, report(GroupRecord(kind, GROUP, sources)), **facts)

    def asked(self, *, every_s: float = 125, by: str = "192.168.10.9") -> None:
        """A general query is heard now, of a querier with these values."""
        address = ip_address(by)
        self.queriers = [
            QuerierFacts(
                ETH0, address.version, address, bytes(6), V3, START, self.now,
                every_s, "announced (QQIC)", 2, 10.0, is_elected=True, is_off_subnet=False,
            )
        ]  # fmt: skip

    def until(self, now_s: float) -> list[TimelineEntry]:
        """Turn the clock, polling each second."""
        entries = []
        while self.now_s < now_s:
            self.now_s = min(self.now_s + 1, now_s)
            entries += self.members.poll(self.now, self.queriers)
        return entries

    def of(self, group: Address = GROUP, ifindex: int = ETH0) -> dict[str, str]:
        """Return who is listed, with the filter."""
        return {str(each.address): str(each.filter) for each in self.members.of(ifindex, group)}


def report(*records: GroupRecord) -> RecordReport:
    return RecordReport(V3 if records[0].group.version == 4 else Protocol.MLDV2, records)


def told(entries: list[TimelineEntry]) -> list[str]:
    return [f"{each.what.value} {each.who} {each.group}: {each.text}" for each in entries]


def test_a_join_and_a_leave_are_told_once_however_often_they_are_reported():
    table = Table()
    joined = f"join {A} {GROUP}: joined: IGMPv3 CHANGE_TO_EXCLUDE_MODE {{}}"
    assert table.report(A, TO_EX) == [joined]
    table.until(1)
    assert table.report(A, TO_EX) == []
    table.asked()
    assert table.report(A, IS_EX) == []
    assert table.of() == {A: "EXCLUDE {}"}
    [member] = table.members.of(ETH0, GROUP)
    assert (member.first_reported_at, member.last_reported_at) == (START, START + S)
    left = f"leave {A} {GROUP}: left: IGMPv3 CHANGE_TO_INCLUDE_MODE {{}}"
    assert table.report(A, TO_IN) == [left]
    assert table.report(A, TO_IN) == []
    assert table.of() == {}
    assert table.members.groups() == ()


def test_who_answers_a_query_unknown_is_a_member_already_and_who_only_leaves_is_nothing():
    table = Table()
    assert table.report(A, IS_EX, ONE) == [
        f"join {A} {GROUP}: a member already: IGMPv3 MODE_IS_EXCLUDE {{192.0.2.1}}"
    ]
    for kind in (TO_IN, BLOCK, IS_IN, ALLOW, 99):  # of no source
        assert table.report(B, kind) == []
    assert table.report(B, BLOCK, ONE) == []
    assert table.of() == {A: "EXCLUDE {192.0.2.1}"}


def test_a_source_that_is_allowed_is_not_the_whole_filter_of_a_host_nobody_heard_before():
    """It may have blocked it, and hear all others."""
    table = Table()
    assert table.report(A, ALLOW, ONE) == [
        f"join {A} {GROUP}: a member, new or already: IGMPv3 ALLOW_NEW_SOURCES {{192.0.2.1}}"
    ]
    assert table.report(B, IS_IN, ONE) == [
        f"join {B} {GROUP}: a member already: IGMPv3 MODE_IS_INCLUDE {{192.0.2.1}}"
    ]
    assert table.of() == {A: "None", B: "None"}
    assert table.report(A, IS_EX) == []
    assert table.of()[A] == "EXCLUDE {}"
    [left] = table.members.hear(
        replace(HEARD, source=ip_address(B), message=report(GroupRecord(BLOCK, GROUP, (ONE,)))), "eth0"
    )
    assert (left.what, left.is_seen) == (What.LEAVE, False)
    assert left.text == "left, unless it hears other sources: IGMPv3 BLOCK_OLD_SOURCES {192.0.2.1}"


def test_the_answer_to_a_general_query_is_the_whole_filter_and_to_one_about_sources_is_not():
    table = Table()
    table.hear("0.0.0.0", GENERAL)
    table.report(A, IS_IN, ONE)
    assert table.of() == {A: "INCLUDE {192.0.2.1}"}
    table.hear("192.168.10.9", Query(V3, GROUP, (ONE,), 10.0))
    table.report(B, IS_IN, ONE)
    assert table.of()[B] == "None"
    table.until(11)
    table.report("192.168.10.4", IS_IN, ONE)
    assert table.of()["192.168.10.4"] == "None"


def test_who_did_not_answer_a_general_query_was_no_member_unless_something_was_missed():
    table = Table()
    table.hear("192.168.10.9", GENERAL)
    table.until(11)
    assert table.report(A, ALLOW, ONE) == [
        f"join {A} {GROUP}: joined: IGMPv3 ALLOW_NEW_SOURCES {{192.0.2.1}}"
    ]
    assert table.of() == {A: "INCLUDE {192.0.2.1}"}
    assert "a member, new or already" in table.report(B, ALLOW, ONE, ifindex=ETH1)[0]
    table.members.miss(table.now)
    table.until(12)
    table.report(B, ALLOW, ONE)
    assert table.of()[B] == "None"
    table.members.listen_on([ETH1])
    table.members.listen_on([ETH0, ETH1])
    table.report(A, ALLOW, ONE)
    assert table.of() == {A: "None"}


def test_sources_are_followed_until_the_last_is_blocked():
    table = Table()
    table.hear("192.168.10.9", GENERAL)
    table.until(11)
    assert table.report(A, ALLOW, ONE) == [
        f"join {A} {GROUP}: joined: IGMPv3 ALLOW_NEW_SOURCES {{192.0.2.1}}"
    ]
    assert table.report(A, ALLOW, TWO, ONE) == []
    assert table.of() == {A: "INCLUDE {192.0.2.1, 192.0.2.2}"}
    assert table.report(A, BLOCK, ONE) == []
    assert table.of() == {A: "INCLUDE {192.0.2.2}"}
    assert table.report(A, BLOCK, TWO) == [f"leave {A} {GROUP}: left: IGMPv3 BLOCK_OLD_SOURCES {{192.0.2.2}}"]
    # Linux says both when the last socket closes: one leave.
    table.report(A, ALLOW, ONE)
    both = report(GroupRecord(TO_IN, GROUP), GroupRecord(BLOCK, GROUP, (ONE,)))
    assert len(table.hear(A, both)) == 1


def test_an_answer_about_sources_does_not_stand_for_the_whole_filter():
    """RFC 3376 section 5.2: asked about sources, a host names those of them it hears."""
    table = Table()
    table.report(A, TO_EX, ONE)
    table.report(A, IS_IN, TWO)
    assert table.of() == {A: "EXCLUDE {192.0.2.1}"}
    table.report(B, TO_IN, ONE, TWO)
    table.report(B, IS_IN, TWO)
    assert table.of()[B] == "INCLUDE {192.0.2.1, 192.0.2.2}"


def test_older_versions_tell_of_members_and_of_no_sources():
    table = Table()
    assert table.hear(A, GroupReport(V2, GROUP)) == [
        f"join {A} {GROUP}: a member, new or already: IGMPv2 Membership Report"
    ]
    assert table.hear(A, GroupReport(V1, GROUP)) == []
    assert table.report(A, ALLOW, ONE) == []
    assert table.of() == {A: "None"}
    assert table.report(A, IS_EX) == []
    assert table.of() == {A: "EXCLUDE {}"}
    assert table.hear(B, Leave(V2, GROUP)) == []
    assert table.hear(A, Leave(V2, GROUP)) == [f"leave {A} {GROUP}: left: IGMPv2 Leave Group"]
    assert table.hear(C, GroupReport(Protocol.MLDV1, GROUP6)) == [
        f"join {C} {GROUP6}: a member, new or already: MLDv1 Report"
    ]
    assert table.hear(C, Leave(Protocol.MLDV1, GROUP6)) == [f"leave {C} {GROUP6}: left: MLDv1 Done"]


def test_members_are_kept_apart_by_interface_and_group_and_listed_by_address():
    table = Table()
    table.report("192.168.10.10", TO_EX)
    table.report(A, TO_EX)
    table.report(B, TO_EX, ifindex=ETH1)
    table.hear(C, report(GroupRecord(TO_EX, GROUP6)))
    assert list(table.of()) == [A, "192.168.10.10"]
    assert list(table.of(ifindex=ETH1)) == [B]
    groups = table.members.groups()
    assert {(each.ifindex, each.group): len(each.members) for each in groups} == {
        (ETH0, GROUP): 2,
        (ETH1, GROUP): 1,
        (ETH0, GROUP6): 1,
    }
    assert table.members.groups() is groups
    table.members.listen_on([ETH1])
    assert [(each.ifindex, each.group) for each in table.members.groups()] == [(ETH1, GROUP)]


def test_what_is_no_report_of_another_host_on_this_link_is_not_counted():
    table = Table()
    assert table.report(A, TO_EX, is_outgoing=True) == []
    assert table.report(A, TO_EX, vlan=7) == []
    assert table.report(A, TO_EX, ifindex=99) == []
    assert table.report("0.0.0.0", TO_EX) == []
    assert table.hear("::", report(GroupRecord(TO_EX, GROUP6))) == []
    assert table.hear(A, Query(V3, GROUP, (), 10.0)) == []
    assert len(table.members) == 0


def test_a_member_not_heard_for_the_querier_s_interval_has_left_by_inference():
    table = Table()
    table.asked(every_s=20)
    table.report(A, TO_EX)
    table.until(10)
    table.report(B, TO_EX)
    table.asked(every_s=20)
    assert table.until(49) == []
    [entry] = table.until(50)
    assert told([entry]) == [f"leave {A} {GROUP}: not heard for 50 s"]
    assert (entry.is_seen, entry.origin, entry.what, entry.filter) == (False, "tap", What.LEAVE, None)
    table.report(B, IS_EX)
    assert table.until(99) == []
    assert list(table.of()) == [B]


def test_without_a_query_since_silence_is_said_to_prove_nothing():
    table = Table()
    table.report(A, TO_EX)
    table.hear(C, report(GroupRecord(TO_EX, GROUP6)))
    assert table.until(259) == []
    doubt = "not heard for 260 s, though nobody asked: it may be a member still"
    assert told(table.until(261)) == [f"leave {A} {GROUP}: {doubt}", f"leave {C} {GROUP6}: {doubt}"]
    table.hear(A, GroupReport(V2, GROUP))
    table.until(270)
    table.asked()
    assert told(table.until(600)) == [
        f"leave {A} {GROUP}: not heard for 260 s, though in IGMPv2 another member may answer in its place"
    ]


def test_nobody_has_left_while_the_machine_slept_or_frames_were_not_looked_at():
    table = Table()
    table.asked()
    table.until(1)
    table.report(A, TO_EX)
    table.now_s += 5000
    assert table.members.poll(table.now, table.queriers) == []
    woken = table.now_s
    assert table.until(woken + 200) == []
    table.members.miss(table.now)
    assert table.until(woken + 459) == []
    assert len(table.until(woken + 460)) == 1


def test_who_was_not_heard_for_longest_gives_way_and_that_is_told_once():
    table = Table(most=3)
    for number in (1, 2, 3, 1):
        assert "several" not in str(table.report(f"192.168.10.{number}", TO_EX))
    assert table.report("192.168.10.4", TO_EX)[1:] == [
        "report several None: more than 3 members: those not heard for longest are left out"
    ]
    assert list(table.of()) == ["192.168.10.1", "192.168.10.3", "192.168.10.4"]
    assert len(table.report("192.168.10.5", TO_EX)) == 1
    assert table.members.displaced == 2


def test_more_sources_than_are_kept_leave_the_filter_unknown_until_it_is_told_anew():
    table = Table()
    many = tuple(IPv4Address(int(ONE) + number) for number in range(MOST_SOURCES + 1))
    table.report(A, TO_IN, *many)
    assert table.of() == {A: "None"}
    table.report(A, BLOCK, *many)
    assert table.of() == {A: "None"}
    table.report(A, TO_IN, *many[1:], *many[1:])
    [member] = table.members.of(ETH0, GROUP)
    assert member.filter == SourceFilter(FilterMode.INCLUDE, many[1:])


def test_a_program_is_told_the_filter_another_host_reported():
    table = Table()
    [entry] = table.members.hear(replace(HEARD, message=report(GroupRecord(TO_IN, GROUP, (ONE,)))), "eth0")
    facts = facts_of(MembershipNews(entry), START)
    assert {name: facts[name] for name in ("event", "who", "seen", "users", "filter", "sources")} == {
        "event": "join",
        "who": A,
        "seen": True,
        "users": None,
        "filter": "INCLUDE",
        "sources": ["192.0.2.1"],
    }


# -- as the wire watch feeds it


class Tap:
    """A tap on eth0 at which these frames wait."""

    state = TapState(is_open=True, interfaces=("eth0",), way="by hand")

    def __init__(self, frames: Iterable[ControlFrame]) -> None:
        self.frames = list(frames)

    def control_frames(self) -> list[ControlFrame]:
        frames, self.frames = self.frames, []
        return frames


def drained(*frames: ControlFrame) -> tuple[WireWatch, list[TimelineEntry]]:
    """Return a watch that took these frames in on a host with the address 192.168.10.1, and what it told."""
    own = ip_interface("192.168.10.1/24")
    eth0 = Interface(ETH0, "eth0", True, True, True, False, 1500, (own,))
    timeline = Timeline()
    explainer = SimpleNamespace(hear=lambda _: None)
    watch = WireWatch(SimpleNamespace(interfaces=(eth0,), timeline=timeline, explainer=explainer))
    watch.tap = Tap(frames)
    watch.drain()
    return watch, list(timeline.since(0))


def joining(who: str, count: int = 1, **facts: object) -> ControlFrame:
    """A frame in which a host joins so many groups."""
    records = (GroupRecord(TO_EX, IPv4Address(int(GROUP) + number)) for number in range(count))
    return frame_of(packet_of(report(*records), source=IPv4Address(who)), ifindex=ETH0, **facts)


def test_reports_of_this_host_itself_make_no_member_whichever_interface_they_came_in_by():
    watch, entries = drained(
        joining("192.168.10.1", is_outgoing=True), joining("192.168.10.1"), joining("192.168.10.2")
    )
    assert [each.what for each in entries] == [What.REPORT, What.REPORT, What.REPORT, What.JOIN]
    [heard] = watch.heard_groups()
    assert (heard.ifindex, heard.group) == (ETH0, GROUP)
    assert [str(member.address) for member in heard.members] == ["192.168.10.2"]


def test_a_flood_is_followed_only_so_far_and_told_only_so_far():
    """Own reports, of however many groups, take no room from those of others."""
    flood = [joining(f"192.168.11.{number}", 15) for number in range(200)]
    flood += [joining(f"192.168.12.{number}", 100) for number in range(16)]
    watch, entries = drained(joining("192.168.10.1", 350, is_outgoing=True), *flood)
    assert sum(len(each.members) for each in watch.heard_groups()) == 200 * 15 + 10 * 100 <= MOST_RECORDS
    assert watch.skipped == 6
    assert len(entries) == MOST_ENTRIES + 1
    assert (entries[-1].what, entries[-1].who, entries[-1].group) == (What.REPORT, "several", None)
    assert "more entries in the same moment" in entries[-1].text


# -- any sequence

sources = st.lists(st.sampled_from((ONE, TWO, THREE)), max_size=4).map(tuple)
kinds = st.one_of(st.sampled_from(RecordType), st.integers(7, 255))
groups = st.integers(1, 4).map(lambda number: IPv4Address(f"239.0.0.{number}"))
messages = st.one_of(
    st.lists(st.builds(GroupRecord, kinds, groups, sources), min_size=1, max_size=4).map(
        lambda records: report(*records)
    ),
    st.builds(GroupReport, st.sampled_from((V1, V2)), groups),
    st.builds(Leave, st.just(V2), groups),
)
steps = st.tuples(st.integers(1, 6), messages, st.integers(0, 90))


@given(st.lists(steps, max_size=60))
def test_any_sequence_keeps_the_bound_and_the_timeline_adds_up_to_the_list(
    sequence: list[tuple[int, MembershipMessage, int]],
) -> None:
    """Who joined and did not leave since is listed, but for who was displaced."""
    table = Table(most=5)
    standing: set[str] = set()
    for who, message, later_s in sequence:
        table.now_s += later_s
        entries = table.members.poll(table.now, table.queriers)
        heard = Heard(
            table.now, ETH0, False, ip_address(f"192.168.10.{who}"), GROUP, 1, bytes(6), None, message
        )
        entries += table.members.hear(heard, "eth0")
        for entry in entries:
            key = f"{entry.who} {entry.group}"
            if entry.what is What.JOIN:
                standing.add(key)
            elif entry.what is What.LEAVE:
                assert key in standing
                standing.remove(key)
        listed = {
            f"{member.address} {each.group}" for each in table.members.groups() for member in each.members
        }
        assert len(listed) == len(table.members) <= 5
        assert listed <= standing
        assert len(standing) - len(listed) <= table.members.displaced
        if not table.members.displaced:
            assert listed == standing


@given(st.lists(st.tuples(kinds, sources), max_size=20))
def test_a_filter_is_what_a_router_that_keeps_each_source_would_conclude(
    records: list[tuple[RecordType | int, tuple[Address, ...]]],
) -> None:
    """The reference asks, source by source, whether it is heard: RFC 3376 sections 6.4.1 and 6.4.2."""
    known = NOBODY
    heard = dict.fromkeys((ONE, TWO, THREE, IPv4Address("192.0.2.99")), False)
    for kind, named in records:
        known = filter_after(known, GroupRecord(kind, GROUP, named))
        for source in heard:
            is_named = source in named
            if kind in (TO_IN, IS_EX, TO_EX):
                heard[source] = is_named if kind is TO_IN else not is_named
            elif is_named and kind in (IS_IN, ALLOW, BLOCK):
                heard[source] = kind is not BLOCK
        assert {source: known.admits(source) for source in heard} == heard
