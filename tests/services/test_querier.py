"""The querier watch with a clock turned by hand, and against the bridge of the lab when it stops asking."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import IPv4Interface, ip_address, ip_interface
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcast_tui.net import sockopt
from mcast_tui.net.interfaces import Interface
from mcast_tui.services.membership.facts import What
from mcast_tui.services.membership.prune import HeldGroup, is_prunable
from mcast_tui.services.membership.querier import Findings, QuerierWatch
from mcast_tui.services.membership.wire_log import RECORDS_TOLD, entries_of
from mcast_tui.wire.kernel_tables import parse_counters
from mcast_tui.wire.membership.heard import hear
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
from tests.peers import tcpdump_on, wait_until
from tests.wire.cases import each_of
from tests.wire.membership_frames import frames_in, packet_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.events import QuerierLost
    from mcast_tui.services.lab.lan import Lab
    from mcast_tui.services.membership.facts import PruneCountdown, TimelineEntry
    from mcast_tui.wire.membership.message import MembershipMessage
    from tests.peers import Capture

S = 1_000_000_000
START = 1_700_000_000 * S
ETH0 = Interface(
    3, "eth0", True, True, True, False, 1500, (IPv4Interface("192.168.10.1/24"), ip_interface("fe80::1/64"))
)
GROUP, GROUP6 = ip_address("239.5.5.5"), ip_address("ff15::5")
ALL, ALL6 = ip_address("224.0.0.1"), ip_address("ff02::1")
V1, V2, V3 = Protocol.IGMPV1, Protocol.IGMPV2, Protocol.IGMPV3
ASK3 = Query(V3, None, (), 10.0, False, 2, 125)
ASK2 = Query(V2, None, (), 10.0)
ASK6 = Query(Protocol.MLDV2, None, (), 10.0, False, 2, 125)
LOW, HIGH, FOREIGN = "192.168.10.100", "192.168.10.200", "10.9.9.1"


class Watched:
    """A watch on eth0 that is polled each second, and all it found."""

    def __init__(self, *groups: str, joined_at: float = 0, interface: Interface = ETH0) -> None:
        self.held = [HeldGroup(3, ip_address(group), START + round(joined_at * S)) for group in groups]
        self.watch = QuerierWatch(lambda: self.held)
        self.now_s = 0.0
        self.entries: list[TimelineEntry] = []
        self.lost: list[QuerierLost] = []
        self.watch.listen_on([interface], START)

    def hear(self, who: str, message: MembershipMessage, **facts: object) -> list[TimelineEntry]:
        heard = Heard(
            received_at=START + round(self.now_s * S),
            ifindex=3,
            is_outgoing=False,
            source=ip_address(who),
            destination=ALL if message.protocol.family == 4 else ALL6,
            hop_limit=1,
            source_mac=b"\2\0\0\0\0\1",
            vlan=None,
            message=message,
        )
        return self.take(self.watch.hear(replace(heard, **facts)))

    def report(self, message: MembershipMessage | None = None) -> None:
        """This host reports, 239.5.5.5 unless told."""
        record = GroupRecord(RecordType.MODE_IS_EXCLUDE, GROUP)
        self.hear("192.168.10.1", message or RecordReport(V3, (record,)), is_outgoing=True)

    def take(self, findings: Findings) -> list[TimelineEntry]:
        self.entries += findings.entries
        self.lost += findings.events
        return list(findings.entries)

    def until(self, now_s: float) -> list[TimelineEntry]:
        """Turn the clock, polling each second, and once at the end."""
        told: list[TimelineEntry] = []
        while self.now_s < now_s:
            self.now_s = min(self.now_s + 1, now_s)
            told += self.take(self.watch.poll(START + round(self.now_s * S)))
        return told

    def countdown(self) -> PruneCountdown:
        [countdown] = self.watch.countdowns()
        return countdown

    def expires_s(self) -> float:
        return (self.countdown().expires_at - START) / S

    @property
    def elected(self) -> list[str]:
        return [str(facts.address) for facts in self.watch.queriers() if facts.is_elected]


def texts(entries: list[TimelineEntry]) -> list[str]:
    return [f"{entry.who}: {entry.text}" for entry in entries]


def test_a_querier_is_known_by_what_its_queries_say():
    watched = Watched()
    assert texts(watched.hear(LOW, ASK3)) == [
        f"{LOW}: is the querier: IGMPv3 general query, max 10 s, QRV 2, every 125 s"
    ]
    assert watched.until(125) == []
    assert watched.hear(LOW, ASK3) == []
    [facts] = watched.watch.queriers()
    assert (str(facts.address), facts.protocol, facts.is_elected, facts.is_off_subnet) == (
        LOW,
        V3,
        True,
        False,
    )
    assert (facts.interval_s, facts.interval_origin, facts.robustness) == (125, "announced (QQIC)", 2)
    assert (facts.first_heard_at, facts.last_heard_at) == (START, START + 125 * S)
    assert (facts.next_expected_at, facts.membership_interval_s) == (START + 250 * S, 260)


def test_an_interval_that_is_not_announced_is_the_default_until_it_is_measured():
    """Queries at start come faster, and one is lost: neither is the interval."""
    watched = Watched()
    known = []
    for at in (0, 15, 75, 195, 255):
        watched.until(at)
        watched.hear(LOW, ASK2)
        [facts] = watched.watch.queriers()
        known.append((facts.interval_s, facts.interval_origin))
    assert known == [(125, "RFC default")] * 3 + [(60, "measured")] * 2


def test_what_a_querier_does_not_say_is_said_to_be_the_default():
    told = {}
    for query in (ASK3, replace(ASK3, robustness=None), ASK2, Query(V1, None, (), None)):
        watched = Watched(str(GROUP))
        for now_s in (0, 20, 40, 60):
            watched.until(now_s)
            watched.hear(LOW, query)
        [facts] = watched.watch.queriers()
        assert (facts.robustness, facts.max_response_s) == (2, 10)
        told[query.protocol, facts.is_robustness_told, facts.is_response_told] = watched.countdown().origin
    assert told == {
        (V3, True, True): f"querier {LOW}: 2 x 125 s + 10 s, announced (QQIC)",
        (V3, False, True): f"querier {LOW}: 2 x 125 s + 10 s, announced (QQIC), 2 by default",
        (V2, False, True): f"querier {LOW}: 2 x 20 s + 10 s, measured, 2 by default",
        (V1, False, False): f"querier {LOW}: 2 x 20 s + 10 s, measured, 2 by default, 10 s by default",
    }


def test_the_alarm_comes_once_and_before_the_prune_and_says_how_long_is_left():
    watched = Watched(str(GROUP))
    watched.hear(LOW, ASK3)
    watched.until(3)
    watched.report()
    assert watched.until(135) == []
    assert (watched.expires_s(), watched.countdown().is_overdue) == (263, False)
    lost, alarm = watched.until(136)
    assert (lost.what, lost.is_seen, lost.who) == (What.QUERIER, True, LOW)
    assert lost.text == "querier lost: silent for 136 s, 125 s is announced (QQIC)"
    assert (alarm.what, alarm.is_seen, alarm.group) == (What.ALARM, False, GROUP)
    assert alarm.text == "no query to answer: a switch that snoops stops forwarding it here in 127 s"
    assert alarm.origin == f"querier {LOW}: 2 x 125 s + 10 s, announced (QQIC)"
    assert [str(event.querier.address) for event in watched.lost] == [LOW]
    assert watched.countdown().is_overdue
    assert watched.until(600) == []
    assert len(watched.lost) == 1
    assert texts(watched.hear(LOW, ASK3)) == [
        f"{LOW}: asks again after 600 s: IGMPv3 general query, max 10 s, QRV 2, every 125 s"
    ]
    assert not watched.countdown().is_overdue


@each_of(
    ("message", "pruned_s"),
    [
        # Of a member that answered at once: the earliest prune.
        (Query(V3, None, (), 1.0, False, 2, 10), 21),
        (Query(V3, None, (), 10.0, False, 1, 125), 135),
        (Query(V3, None, (), 3174.4, False, 1, 1), 3175.4),
        (Query(V1, None, (), None), 260),
        (Query(V3, None, (), 10.0, False, None, 0), 260),
        (Query(V3, None, (), 10.0, False, 7, 125), 885),
    ],
)
def test_the_alarm_comes_before_the_prune_whatever_the_querier_says(message, pruned_s):
    watched = Watched(str(GROUP))
    watched.hear(LOW, message)
    watched.report()
    assert watched.expires_s() == pruned_s
    interval_s = watched.watch.queriers()[0].interval_s
    assert not [entry for entry in watched.until(interval_s) if entry.what is What.ALARM]
    [alarm] = [entry for entry in watched.until(pruned_s - 1) if entry.what is What.ALARM]
    assert "stops forwarding it here in" in alarm.text


def test_mld_counts_down_alike():
    watched = Watched(str(GROUP6))
    watched.hear("fe80::9", ASK6)
    record = GroupRecord(RecordType.MODE_IS_EXCLUDE, GROUP6)
    watched.report(RecordReport(Protocol.MLDV2, (record,)))
    assert watched.expires_s() == 260
    lost, alarm = watched.until(136)
    assert (lost.who, alarm.what, alarm.group) == ("fe80::9", What.ALARM, GROUP6)
    assert watched.watch.queriers()[0].is_off_subnet is None


def test_a_report_starts_the_countdown_anew_and_what_is_none_does_not():
    watched = Watched(str(GROUP), joined_at=1)
    assert (watched.expires_s(), watched.countdown().is_report_seen) == (261, False)
    assert watched.countdown().origin == "no querier heard: the default of 260 s"
    starts = {}
    records = {
        "IS_EX": GroupRecord(RecordType.MODE_IS_EXCLUDE, GROUP),
        "TO_EX": GroupRecord(RecordType.CHANGE_TO_EXCLUDE_MODE, GROUP, (ip_address(LOW),)),
        "ALLOW": GroupRecord(RecordType.ALLOW_NEW_SOURCES, GROUP, (ip_address(LOW),)),
        "BLOCK": GroupRecord(RecordType.BLOCK_OLD_SOURCES, GROUP, (ip_address(LOW),)),
        "other": GroupRecord(RecordType.MODE_IS_EXCLUDE, GROUP + 1),
        "unknown": GroupRecord(9, GROUP),
    }
    messages: dict[str, MembershipMessage] = {
        name: RecordReport(V3, (record,)) for name, record in records.items()
    }
    for at, (name, message) in enumerate({**messages, "v2": GroupReport(V2, GROUP)}.items(), 10):
        watched.until(at)
        watched.report(message)
        starts[name] = (watched.countdown().last_reported_at - START) // S
    assert starts == {
        "IS_EX": 10,
        "TO_EX": 11,
        "ALLOW": 12,
        "BLOCK": 12,
        "other": 12,
        "unknown": 12,
        "v2": 16,
    }
    watched.hear("192.168.10.7", GroupReport(V2, GROUP), received_at=START + 30 * S)
    assert watched.expires_s() == 16 + 260  # a report of another host is not ours
    for left in (
        Leave(V2, GROUP),
        RecordReport(V3, (GroupRecord(RecordType.CHANGE_TO_INCLUDE_MODE, GROUP),)),
    ):
        watched.report(GroupReport(V2, GROUP))
        watched.report(left)
        assert not watched.countdown().is_report_seen


def test_a_report_of_an_earlier_membership_is_not_counted():
    watched = Watched(str(GROUP), joined_at=50)
    watched.report()
    watched.until(60)
    assert (watched.expires_s(), watched.countdown().is_report_seen) == (310, False)


def test_the_lowest_address_wins_and_one_that_asks_on_is_told_once():
    watched = Watched()
    watched.hear(HIGH, ASK3)
    watched.until(10)
    assert texts(watched.hear(LOW, ASK3)) == [
        (
            f"{LOW}: is the querier now instead of {HIGH}, whose address is higher: "
            "IGMPv3 general query, max 10 s, QRV 2, every 125 s"
        )
    ]
    assert watched.elected == [LOW]
    for at, who, told in ((60, HIGH, True), (100, HIGH, False), (110, LOW, False), (150, HIGH, False)):
        watched.until(at)
        said = [f"{HIGH}: asks on beside {LOW}: they do not hear each other, or one does not elect"]
        assert texts(watched.hear(who, ASK3)) == (said if told else [])
    assert watched.elected == [LOW]
    # Falls silent as it should: no alarm, and by and by it is forgotten.
    watched.until(230)
    watched.hear(LOW, ASK3)
    watched.until(350)
    watched.hear(LOW, ASK3)
    assert watched.until(406) == []
    assert [str(facts.address) for facts in watched.watch.queriers()] == [LOW]
    assert watched.lost == []


def test_a_second_querier_of_another_version_is_told_and_takes_over_from_a_silent_one():
    watched = Watched(str(GROUP))
    watched.hear(LOW, ASK3)
    watched.until(100)
    beside, versions, fallback = watched.hear(HIGH, ASK2)
    assert (
        beside.text
        == f"asks beside the querier {LOW}, and should fall silent: IGMPv2 general query, max 10 s"
    )
    assert versions.text == f"speaks IGMPv2, {LOW} IGMPv3"
    assert fallback.text == "hosts fall back to IGMPv2: sources (SSM) are not signalled any more"
    assert (fallback.who, fallback.is_seen, fallback.origin) == ("hosts", False, "RFC 3376 section 7.2.1")
    [took_over] = watched.until(136)
    assert texts([took_over]) == [f"{HIGH}: is the querier now instead of {LOW}, which is silent for 136 s"]
    assert watched.elected == [HIGH]
    assert watched.lost == []  # members are asked on
    assert texts(watched.hear(LOW, ASK3))[0].startswith(f"{LOW}: is the querier now instead of {HIGH}, whose")
    assert watched.elected == [LOW]


def test_a_querier_that_changes_its_version_is_told():
    watched = Watched()
    watched.hear(LOW, ASK3)
    changed, fallback = watched.hear(LOW, ASK2)
    assert changed.text == "speaks IGMPv2 now, IGMPv3 until now"
    assert "fall back to IGMPv2" in fallback.text
    assert texts(watched.hear(LOW, ASK3)) == [f"{LOW}: speaks IGMPv3 now, IGMPv2 until now"]


def test_a_switch_without_an_address_asks_until_one_with_an_address_does_and_wins_against_nobody():
    watched = Watched()
    first, nameless, _ = watched.hear("0.0.0.0", ASK2)
    assert first.text == "is the querier: IGMPv2 general query, max 10 s"
    assert nameless.text == "has no address, and so yields to any querier that has one"
    assert watched.elected == ["0.0.0.0"]
    assert watched.watch.queriers()[0].is_off_subnet is None
    assert watched.hear(HIGH, ASK3)[0].text.startswith(
        "is the querier now instead of 0.0.0.0, which has no address"
    )
    watched.hear("0.0.0.0", ASK2)
    assert watched.elected == [HIGH]


@pytest.mark.parametrize("address", ["192.168.10.0", "192.168.10.255"])
def test_a_query_from_an_address_that_no_host_has_is_an_alarm_once(address):
    watched = Watched()
    alarms = [entry for entry in watched.hear(address, ASK3) if entry.what is What.ALARM]
    assert [entry.who for entry in alarms] == [address]
    assert "no host has its address, the first or last of a network" in alarms[0].text
    assert watched.hear(address, ASK3) == []
    between = Watched(interface=replace(ETH0, addresses=(ip_interface("192.168.10.0/31"),)))
    assert [entry.what for entry in between.hear("192.168.10.1", ASK3)] == [What.QUERIER]


def test_a_query_from_off_subnet_is_an_alarm_once():
    watched = Watched()
    alarms = [entry for entry in watched.hear(FOREIGN, ASK3) if entry.what is What.ALARM]
    assert [entry.who for entry in alarms] == [FOREIGN]
    assert "in none of this interface's networks: a host with rp_filter 1 drops the query" in alarms[0].text
    assert watched.watch.queriers()[0].is_off_subnet
    watched.until(100)
    assert watched.hear(FOREIGN, ASK3) == []
    unnumbered = Watched(interface=replace(ETH0, addresses=()))
    assert [entry.what for entry in unnumbered.hear(FOREIGN, ASK3)] == [What.QUERIER]
    assert unnumbered.watch.queriers()[0].is_off_subnet is None
    unnumbered.watch.listen_on([ETH0], START)
    assert unnumbered.watch.queriers()[0].is_off_subnet
    assert [entry.what for entry in unnumbered.hear(FOREIGN, ASK3)] == [What.ALARM]


def test_what_only_some_members_answer_or_what_is_of_another_link_is_no_general_query():
    watched = Watched()
    assert watched.hear(LOW, Query(V3, GROUP, (), 1.0, False, 2, 125)) == []
    assert watched.hear(LOW, ASK3, vlan=10) == []
    assert watched.hear(LOW, ASK3, ifindex=4) == []
    assert watched.watch.queriers() == ()
    watched.hear(LOW, ASK3, vlan=0)  # a priority tag: IEEE 802.1Q
    assert watched.elected == [LOW]


def test_a_query_that_this_host_does_not_answer_is_an_alarm_once_until_it_answers():
    watched = Watched(str(GROUP), str(GROUP + 1))
    watched.until(1)
    watched.report()
    watched.hear(LOW, ASK3)
    assert watched.until(12) == []
    [alarm] = watched.until(13)
    assert (alarm.what, alarm.who, alarm.is_seen, alarm.group) == (What.ALARM, "this host", False, GROUP + 1)
    assert alarm.text == (
        "this host did not answer the query, as if rp_filter or a firewall had dropped it: a switch that "
        "snoops stops forwarding it here in 247 s, counted from the latest report there can have been"
    )
    told = []
    for answered in (False, True, False):
        watched.hear(LOW, ASK3)
        for group in (GROUP, GROUP + 1)[: 1 + answered]:
            watched.until(watched.now_s + 1)
            watched.report(RecordReport(V3, (GroupRecord(RecordType.MODE_IS_EXCLUDE, group),)))
        told.append(len(watched.until(watched.now_s + 60)))
    assert told == [0, 0, 1]


def test_who_leaves_the_answer_to_others_is_not_alarmed():
    def others(watched: Watched) -> None:
        watched.hear("192.168.10.7", GroupReport(V2, GROUP))

    for query, facts, then in ((ASK2, {}, None), (ASK3, {"is_outgoing": True}, None), (ASK3, {}, others)):
        watched = Watched(str(GROUP))
        watched.until(1)
        watched.hear(LOW, query, **facts)
        if then is not None:
            then(watched)
        assert not [entry for entry in watched.until(60) if entry.what is What.ALARM]


def test_where_nobody_asks_what_is_known_and_what_is_not_is_said_once():
    watched = Watched(str(GROUP))
    assert watched.until(134) == []
    [silence] = watched.until(300)
    assert (silence.what, silence.is_seen, silence.who) == (What.QUERIER, False, "nobody")
    assert "no querier heard for 135 s" in silence.text
    assert silence.text.endswith("which, is not known")
    assert "default" in silence.origin
    assert Watched().until(300) == []
    assert watched.lost == []


def test_after_a_sleep_nothing_is_concluded_from_silence_before_it():
    watched = Watched(str(GROUP))
    watched.hear(LOW, ASK3)
    watched.until(60)
    watched.now_s = 5000
    assert watched.until(5001 + 134) == []
    lost, alarm = watched.until(5001 + 140)
    assert lost.text.startswith("querier lost: silent for 51")
    assert "may have stopped forwarding it" in alarm.text


def test_groups_that_switches_flood_are_not_counted_down():
    prunable = {
        "224.0.0.251": False,
        "224.0.1.1": True,
        "239.5.5.5": True,
        "255.255.255.255": False,
        "ff01::5": False,
        "ff02::1": False,
        "ff02::fb": True,
        "ff15::5": True,
    }
    assert {group: is_prunable(ip_address(group)) for group in prunable} == prunable
    watched = Watched(*prunable)
    assert {str(each.group) for each in watched.watch.countdowns()} == {
        g for g, is_it in prunable.items() if is_it
    }


def test_an_interface_no_longer_listened_on_is_forgotten_and_begins_anew():
    watched = Watched(str(GROUP))
    watched.hear(LOW, ASK3)
    watched.report()
    watched.watch.listen_on([], START + S)
    assert (watched.watch.queriers(), watched.watch.countdowns()) == ((), ())
    watched.watch.listen_on([ETH0], START + 100 * S)
    assert (watched.expires_s(), watched.countdown().is_report_seen) == (360, False)


def test_a_crowd_of_forged_queriers_is_bounded_and_the_elected_one_kept():
    watched = Watched()
    watched.hear("192.168.10.2", ASK3)
    for number in range(3, 200):
        watched.hear(f"192.168.10.{number}", ASK3)
    assert len(watched.watch.queriers()) == 16
    assert watched.elected == ["192.168.10.2"]
    assert sum("further ones are not followed" in entry.text for entry in watched.entries) == 1
    watched.hear("192.168.10.1", ASK3)
    assert (len(watched.watch.queriers()), watched.elected) == (16, ["192.168.10.1"])


def test_ten_thousand_groups_make_one_alarm():
    watched = Watched()
    watched.held = [HeldGroup(3, GROUP + number, START) for number in range(10_000)]
    watched.hear(LOW, ASK3)
    _, alarm = watched.until(136)
    assert alarm.text.endswith(
        "in 124 s, counted from the latest report there can have been; 9999 more groups after it"
    )


def heard_of(message: MembershipMessage, **facts: object) -> Heard:
    source = ip_address("192.168.10.7")
    heard = Heard(START, 3, False, source, ALL, 1, b"\2\0\0\0\0\1", None, message)
    return replace(heard, **facts)


def test_each_record_that_was_heard_is_an_entry_of_the_timeline():
    records = (
        GroupRecord(RecordType.CHANGE_TO_EXCLUDE_MODE, GROUP),
        GroupRecord(RecordType.ALLOW_NEW_SOURCES, GROUP + 1, (ip_address(LOW),)),
    )
    first, second = entries_of(heard_of(RecordReport(V3, records)), "eth0")
    assert (first.at, first.what, first.is_seen, first.interface) == (START, What.REPORT, True, "eth0")
    assert (first.group, first.who, first.origin) == (GROUP, "192.168.10.7", "tap")
    assert first.text == "IGMPv3 CHANGE_TO_EXCLUDE_MODE {}"
    assert (second.group, second.text) == (GROUP + 1, f"IGMPv3 ALLOW_NEW_SOURCES {{{LOW}}}")
    [leave] = entries_of(heard_of(Leave(V2, GROUP), is_outgoing=True), "eth0")
    assert (leave.who, leave.what, leave.group, leave.text) == (
        "this host",
        What.REPORT,
        GROUP,
        "IGMPv2 Leave Group",
    )
    [query] = entries_of(heard_of(ASK2, hop_limit=64, vlan=10), None)
    assert (query.what, query.group) == (What.QUERY, None)
    assert query.text == "IGMPv2 general query, max 10 s, TTL 64 instead of 1, VLAN 10"
    assert [entry.text for entry in entries_of(heard_of(RecordReport(V3, ())), None)] == [
        "IGMPv3 report: no records"
    ]


def test_a_report_of_many_records_makes_a_bounded_number_of_entries():
    report = RecordReport(V3, tuple(GroupRecord(2, GROUP + number) for number in range(1000)))
    entries = entries_of(heard_of(report), "eth0")
    assert len(entries) == RECORDS_TOLD + 1
    assert entries[-1].text == f"IGMPv3 report: and {1000 - RECORDS_TOLD} more records"


def test_the_querier_of_the_bridge_is_heard_and_missed_before_the_prune(make_lab):
    lab = make_lab(1, snooping=True)
    host = lab.host(1)
    group = HeldGroup(host.ifindex, GROUP, START)
    watch = QuerierWatch(lambda: [group])

    def is_answered() -> bool:
        """A query of each family, and after that of IGMP an answer of ours."""
        heard = list(heard_on(lab, wire))
        asked = [each for each in heard if isinstance(each.message, Query)]
        answers = [each for each in heard if _answers(each)]
        return {each.message.protocol.family for each in asked} == {4, 6} and bool(answers)

    with host.entered(), tcpdump_on(host, "igmp or (ip6[6]=0 and ip6[40]=58)") as wire:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as member:
            sockopt.join_group(member, GROUP, host.ifindex)
            lab.set_querier(on=True)
            wire.output.wait(is_answered, "a query answered")
            lab.set_querier(on=False)
        heard = list(heard_on(lab, wire))
    watch.listen_on([replace(ETH0, index=host.ifindex)], heard[0].received_at)
    for each in heard:
        assert not watch.hear(each).events
    elected = {facts.family: facts for facts in watch.queriers()}
    assert str(elected[4].address) == "192.168.10.254"
    assert (elected[4].protocol, elected[6].protocol) == (V3, Protocol.MLDV2)
    assert (elected[4].interval_s, elected[4].robustness, elected[4].max_response_s) == (10, 2, 1)
    [countdown] = watch.countdowns()
    assert countdown.is_report_seen
    assert countdown.expires_at - countdown.last_reported_at == 21 * S
    now, alarms, lost = heard[-1].received_at, [], []
    while now + S < countdown.expires_at:
        now += S
        found = watch.poll(now)
        alarms += [entry for entry in found.entries if entry.what is What.ALARM]
        lost += found.events
    assert [alarm.group for alarm in alarms] == [GROUP]
    assert {event.querier.family for event in lost} == {4, 6}


def test_a_query_that_rp_filter_drops_is_an_alarm_and_one_it_lets_pass_is_not(make_lab):
    lab = make_lab(1)
    host = lab.host(1)
    host.run(["sh", "-c", f"echo 1 >/proc/sys/net/ipv4/conf/{host.interface}/rp_filter"])
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as member:
        with tcpdump_on(host, "igmp") as wire:
            sockopt.join_group(member, GROUP, host.ifindex)
            wire.output.wait(lambda: wire.frames() >= 2, "the report of the join, twice")  # robustness 2
        before = packets_filtered()
        with tcpdump_on(host, "igmp") as wire:
            ask_on_the_cable(lab, FOREIGN)
            wait_until(lambda: packets_filtered() > before, "a packet dropped by rp_filter")
            wire.output.wait(lambda: wire.frames() >= 1, "the query")
        assert alarms_over(lab, wire) == [
            "its address is in none of this interface's networks",
            "this host did not answer the query, as if rp_filter or a firewall had dropped it",
        ]
        with tcpdump_on(host, "igmp") as wire:
            ask_on_the_cable(lab, "192.168.10.254")
            wire.output.wait(lambda: any(map(_answers, heard_on(lab, wire))), "the answer")
        assert alarms_over(lab, wire) == []


def packets_filtered() -> int:
    text = Path("/proc/thread-self/net/netstat").read_text()
    return parse_counters(text).values["TcpExt.IPReversePathFilter"]


def ask_on_the_cable(lab: Lab, source: str) -> None:
    """Send host 1 a general query that is answered within 0.1 s."""
    query = replace(ASK3, max_response_s=0.1)
    frame = bytes.fromhex("01005e000001 020000000009 0800") + packet_of(
        query, source=ip_address(source), destination=ALL
    )
    with lab.switch.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as cable:
        cable.bind((lab.lans[0].port(1), 0))
        cable.send(frame)


def heard_on(lab: Lab, wire: Capture) -> Iterator[Heard]:
    """What a tap on host 1 would hand on of a capture there."""
    host, mac = lab.host(1), lab.lans[0].mac(1)
    for frame in frames_in(wire.output.data):
        heard = hear(replace(frame, ifindex=host.ifindex, is_outgoing=frame.source_mac.hex(":") == mac))
        assert isinstance(heard, Heard)
        yield heard


def alarms_over(lab: Lab, wire: Capture) -> list[str]:
    """Why a watch that was fed with a capture, the clock then turned by hand, raises alarms."""
    host, heard = lab.host(1), list(heard_on(lab, wire))
    start = heard[0].received_at
    watch = QuerierWatch(lambda: [HeldGroup(host.ifindex, GROUP, START)])
    watch.listen_on([replace(ETH0, index=host.ifindex)], start - S)
    entries = [entry for each in heard for entry in watch.hear(each).entries]
    for seconds in range(1, 10):
        entries += watch.poll(start + seconds * S).entries
    return [entry.text.partition(":")[0] for entry in entries if entry.what is What.ALARM]


def _answers(heard: Heard) -> bool:
    message = heard.message
    return isinstance(message, RecordReport) and any(
        record.group == GROUP and record.type is RecordType.MODE_IS_EXCLUDE for record in message.records
    )


def test_a_report_is_the_last_one_only_if_none_can_have_been_missed_since() -> None:
    watched = Watched(str(GROUP))
    watched.hear(LOW, ASK3)
    watched.until(10)
    watched.report()
    assert (watched.expires_s(), watched.countdown().is_report_seen) == (270, True)
    revision = watched.watch.revision
    watched.watch.miss(START + 100 * S)
    assert (watched.expires_s(), watched.countdown().is_report_seen) == (360, False)
    assert watched.watch.revision > revision
    watched.now_s = 110
    watched.report()
    assert (watched.expires_s(), watched.countdown().is_report_seen) == (370, True)


def test_a_report_that_was_not_heard_in_full_is_not_said_to_be_missing() -> None:
    for is_cut in (False, True):
        watched = Watched(str(GROUP))
        watched.until(1)
        watched.hear(LOW, ASK3)
        watched.until(5)
        if is_cut:
            watched.watch.miss_reports(START + 5 * S)
        told = [entry.text for entry in watched.until(60)]
        assert any("did not answer" in text for text in told) is not is_cut
        [lost, *_] = watched.until(145)  # queries are heard all the same
        assert lost.text.startswith("querier lost")


def test_while_not_everything_is_heard_no_querier_is_lost() -> None:
    watched = Watched("239.5.5.5")
    watched.hear(LOW, ASK3)
    for now_s in range(1, 400):
        watched.now_s = now_s
        watched.watch.miss(START + now_s * S)
        watched.take(watched.watch.poll(START + now_s * S))
    assert watched.lost == []
    for now_s in range(400, 600):
        watched.take(watched.watch.poll(START + now_s * S))
    assert len(watched.lost) == 1
