"""What a join, a leave and a change of sources did: each case by hand, and against a tap on a lab."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

import pytest

from mcast_tui.net.interfaces import Interface
from mcast_tui.net.kernel import KernelView
from mcast_tui.services.membership.deed import Act, Deed, InForce, TableView
from mcast_tui.services.membership.explain import explain
from mcast_tui.services.source_change import Change, SourceChange
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.membership.heard import hear
from mcast_tui.wire.membership.message import (
    ControlFrame,
    GroupRecord,
    GroupReport,
    Heard,
    Protocol,
    RecordReport,
    RecordType,
)
from mcast_tui.wire.membership.source_filter import ANY_SOURCE, FilterMode, SourceFilter
from tests.peers import tcpdump_on
from tests.services.nodes import node_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Lab

ADDRESSES = (ip_interface("192.168.10.1/24"), ip_interface("fe80::1/64"))
ETH0 = Interface(2, "eth0", True, True, True, False, 1500, ADDRESSES)
V3 = InForce(Protocol.IGMPV3, "the default")
A = ip_address("192.0.2.1")
NO_MEMBER = TableView(None)
FROM_A = SourceFilter(FilterMode.INCLUDE, (A,))


def held(users: int, mode: str | None = "EXCLUDE", sources: tuple | None = ()) -> TableView:
    return TableView(KernelView(users, mode, sources, 3, "/proc/net/igmp"))


def deed(act: Act = Act.JOIN, group: str = "239.1.1.1", **facts: object) -> Deed:
    """Return a first join of any source, but for what is said."""
    plain = Deed(
        at=1_000,
        act=act,
        endpoint=parse_endpoint(group),
        interface=ETH0,
        is_broadcast=False,
        in_force=V3,
        asked=(("MCAST_JOIN_GROUP" if act is Act.JOIN else "MCAST_LEAVE_GROUP", 0),),
        socket_before=ANY_SOURCE if act is Act.LEAVE else None,
        socket_after=ANY_SOURCE if act is Act.JOIN else None,
        before=NO_MEMBER if act is Act.JOIN else held(1),
        after=held(1) if act is Act.JOIN else NO_MEMBER,
    )
    return replace(plain, **facts)


def told(subject: Deed, *heard: Heard) -> list[tuple[bool, str, str]]:
    return [(step.is_seen, step.text, step.evidence) for step in explain(subject, heard).steps]


def wire(subject: Deed, *heard: Heard) -> tuple[bool, str, str]:
    """Return the step about the wire: that with the evidence of a tap, or of the section on state changes."""
    words = (
        "The kernel sen",
        "Nothing is sent",
        "nothing is sent",
        "what the kernel reports",
        "what it reports",
    )
    [step] = [each for each in told(subject, *heard) if any(word in each[1] for word in words)]
    return step


def test_a_first_join_is_told_step_by_step() -> None:
    explanation = explain(deed())
    assert explanation.title == "You joined 239.1.1.1 on eth0."
    steps = [(step.is_seen, step.text, step.evidence) for step in explanation.steps]
    assert steps[0] == (
        True,
        "MCAST_JOIN_GROUP for interface index 2: the kernel took it.",
        "setsockopt MCAST_JOIN_GROUP",
    )
    assert steps[1] == (
        True,
        "The socket's filter is EXCLUDE {}: any source is heard.",
        "getsockopt MCAST_MSFILTER",
    )
    assert steps[2] == (
        True,
        "Users of the group on eth0: 0 -> 1; the interface's filter: EXCLUDE {}.",
        "/proc/net/igmp and mcfilter",
    )
    assert steps[3] == (True, "IGMPv3 was in force on eth0: the default.", "/proc/net/igmp")
    assert not steps[4][0]
    assert "IGMPv3 report to 224.0.0.22: CHANGE_TO_EXCLUDE_MODE {};" in steps[4][1]
    assert steps[4][2] == "RFC 3376 section 5.1"
    assert "01:00:5e:01:01:01. That address stands for 31 other groups" in steps[5][1]
    assert "switch that snoops forwards the group" in steps[6][1]
    assert "router" in steps[7][1]
    assert [seen for seen, _, _ in steps] == [True] * 4 + [False] * 4


@pytest.mark.parametrize(
    ("subject", "words", "section"),
    [
        # The second user of a host, and one of several that goes: nothing.
        (deed(before=held(1), after=held(2)), "others of this host hold the group, too: nothing", "5.1"),
        (deed(Act.LEAVE, before=held(2), after=held(1)), "hold the group, too: nothing is sent", "5.1"),
        (deed(Act.LEAVE), "CHANGE_TO_INCLUDE_MODE {};", "5.1"),
        (
            deed(group="192.0.2.1,232.1.1.1", after=held(1, "INCLUDE", (A,)), socket_after=FROM_A),
            "ALLOW_NEW_SOURCES {192.0.2.1};",
            "5.1",
        ),
        (deed(Act.LEAVE, before=held(1, "INCLUDE", (A,))), "BLOCK_OLD_SOURCES {192.0.2.1};", "5.1"),
        (deed(Act.FILTER, after=held(1, sources=(A,))), "BLOCK_OLD_SOURCES {192.0.2.1};", "5.1"),
        (
            deed(Act.FILTER, before=held(1, sources=(A,)), after=held(1)),
            "ALLOW_NEW_SOURCES {192.0.2.1};",
            "5.1",
        ),
        (
            deed(Act.FILTER, after=held(1, "INCLUDE", (A,))),
            "CHANGE_TO_INCLUDE_MODE {192.0.2.1};",
            "5.1",
        ),
        # One of two sockets blocks: the interface lets in what the other one wants.
        (deed(Act.FILTER, before=held(2), after=held(2)), "filter is what it was: nothing is sent", "5.1"),
        (deed(after=held(2, None, None)), "leave open what changed", "5.1"),
        (deed(before=None, after=None), "what the kernel reports is not known", "5.1"),
        # Groups that are never reported, or not here.
        (deed(group="224.0.0.1", before=held(1), after=held(2)), "every host is a member", "section 5"),
        (deed(group="224.0.0.251"), "CHANGE_TO_EXCLUDE_MODE {};", "5.1"),
        (
            deed(group="224.0.0.251", in_force=replace(V3, reports_link_local=False)),
            "does not report groups of 224.0.0.0/24",
            "igmp_link_local_mcast_reports",
        ),
        (deed(group="ff02::1"), "never reported", "RFC 3810 section 6"),
        (deed(group="ff11::42"), "never reported", "RFC 3810 section 6"),
        # The link.
        (deed(interface=replace(ETH0, is_up=False)), "nothing is sent before it is up", "IFF_UP"),
        (deed(interface=replace(ETH0, has_carrier=False)), "no carrier, so nobody hears it", "5.1"),
        (
            deed(group="ff15::42", interface=replace(ETH0, addresses=ADDRESSES[:1])),
            "no IPv6 address: whether the kernel reports from :: is not known",
            "RFC 3810",
        ),
        (deed(further=9), "Likewise for the 9 others", "5.1"),
    ],
)
def test_what_the_kernel_reports_follows_from_the_interface_s_filter(subject, words, section) -> None:
    steps = [(seen, text, evidence) for seen, text, evidence in told(subject) if words in text]
    assert len(steps) == 1, told(subject)
    assert not steps[0][0]
    assert section in steps[0][2]


@pytest.mark.parametrize(
    ("protocol", "act", "group", "words"),
    [
        (Protocol.IGMPV1, Act.JOIN, "239.1.1.1", "IGMPv1 Membership Report to 239.1.1.1 itself"),
        (Protocol.IGMPV1, Act.LEAVE, "239.1.1.1", "Nothing is sent: IGMPv1 has no message for it"),
        (Protocol.IGMPV2, Act.JOIN, "239.1.1.1", "IGMPv2 Membership Report to 239.1.1.1 itself"),
        (Protocol.IGMPV2, Act.LEAVE, "239.1.1.1", "IGMPv2 Leave Group to 224.0.0.2, if it was the last"),
        (Protocol.MLDV1, Act.JOIN, "ff15::42", "MLDv1 Report to ff15::42 itself"),
        (Protocol.MLDV1, Act.LEAVE, "ff15::42", "MLDv1 Done to ff02::2, if it was the last"),
    ],
)
def test_the_old_versions_report_groups_and_no_sources(protocol, act, group, words) -> None:
    old = InForce(protocol, "net.ipv4.conf.eth0.force_igmp_version is 1")
    assert words in wire(deed(act, group, in_force=old))[1]
    chosen = deed(group=f"192.0.2.1,{group}" if act is Act.JOIN and ":" not in group else group, in_force=old)
    chosen = replace(chosen, after=held(1, "INCLUDE", (A,)), socket_after=FROM_A)
    unsaid = [text for seen, text, _ in told(chosen) if "has no words for sources" in text and not seen]
    assert len(unsaid) == 1
    changed = deed(Act.FILTER, group, in_force=old, before=held(1), after=held(1, "EXCLUDE", (A,)))
    assert wire(changed)[1] == f"Nothing is sent: {protocol.value} has no words for sources."


def test_in_the_range_for_single_sources_routers_may_ignore_an_old_report() -> None:
    old = InForce(Protocol.IGMPV2, "an older querier was heard")
    for group, is_ignored in (("232.1.1.1", True), ("239.1.1.1", False)):
        chosen = deed(group=f"192.0.2.1,{group}", in_force=old, socket_after=FROM_A)
        [(text, section)] = [(text, by) for _, text, by in told(chosen) if "no words for sources" in text]
        assert ("a router may ignore such a report" in text) is is_ignored
        assert ("RFC 4604 section 3.5" in section) is is_ignored


def test_a_version_the_kernel_does_not_show_is_not_claimed() -> None:
    hidden = InForce(None, "the kernel does not show it")
    steps = told(deed(group="ff15::42", in_force=hidden))
    assert (
        False,
        "Which version is spoken on eth0: the kernel does not show it.",
        "the kernel's tables",
    ) in steps
    assert any("MLDv2 report to ff02::16, if MLDv2 is in force: CHANGE_TO" in text for _, text, _ in steps)


def test_link_local_groups_are_told_never_to_be_pruned_and_to_pass_no_router() -> None:
    told_of = [text for _, text, _ in told(deed(group="224.0.0.251"))]
    assert any("No switch prunes 224.0.0.0/24 and no router forwards it" in text for text in told_of)
    assert not any("260 s" in text for text in told_of)
    ipv6 = [text for _, text, _ in told(deed(group="ff02::4d43"))]
    assert not any("router" in text for text in ipv6)


def test_a_leave_of_what_was_gone_already_shows_the_errno() -> None:
    gone = deed(Act.LEAVE, asked=(("MCAST_LEAVE_GROUP", 99),), before=NO_MEMBER)
    assert told(gone)[0][1] == "MCAST_LEAVE_GROUP: EADDRNOTAVAIL, the membership was gone already."


@pytest.mark.parametrize(
    ("act", "group", "users", "expected"),
    [
        (Act.JOIN, "224.0.0.1", 2, [(True, "The kernel itself holds it, as on each host.")]),
        (Act.LEAVE, "ff02::1", 1, [(True, "The kernel itself holds it, as on each host.")]),
        (
            Act.JOIN, "ff02::1", 3,
            [
                (True, "The kernel itself holds it, as on each host."),
                (True, "So another socket of this host, ours or not, kept the group."),
            ],
        ),
        (
            Act.JOIN, "ff02::1:ff00:1", 2,
            [(False, "So the kernel held it, for an address of this host, or another socket did.")],
        ),
        (Act.JOIN, "ff02::1:ff00:1", 1, []),
        (Act.JOIN, "239.1.1.1", 2, [(True, "So another socket of this host, ours or not, kept the group.")]),
    ],
)  # fmt: skip
def test_what_the_kernel_holds_itself_is_laid_to_no_socket(act, group, users, expected) -> None:
    before = held(users - 1 if act is Act.JOIN else users + 1) if users > 1 or act is Act.LEAVE else NO_MEMBER
    subject = deed(act, group, before=before, after=held(users))
    words = ("The kernel itself", "So the kernel", "So another", "other sockets")
    assert [each[:2] for each in told(subject) if each[1].startswith(words)] == expected


def test_broadcast_joins_nothing_and_is_told_so() -> None:
    subject = Deed(1, Act.JOIN, parse_endpoint("broadcast"), None, True, InForce(None, ""))
    assert explain(subject).title == "You listen to 255.255.255.255."
    assert "joined nothing" in told(subject)[0][1]
    assert told(replace(subject, act=Act.LEAVE))[0][0]


def heard(message, *, at: int = 2_000, ifindex: int = 2, outgoing: bool = True) -> Heard:
    address = ip_address("224.0.0.22")
    return Heard(at, ifindex, outgoing, A, address, 1, b"\2\0\0\0\0\1", None, message)


def test_what_a_tap_saw_takes_the_place_of_what_was_inferred() -> None:
    group = ip_address("239.1.1.1")
    report = RecordReport(
        Protocol.IGMPV3,
        (
            GroupRecord(RecordType.CHANGE_TO_EXCLUDE_MODE, group),
            GroupRecord(RecordType.CHANGE_TO_EXCLUDE_MODE, group + 1),
        ),
    )
    once = wire(deed(), heard(report))
    words = "The kernel sent an IGMPv3 report to 224.0.0.22: CHANGE_TO_EXCLUDE_MODE {}"
    assert once == (True, f"{words}.", "tap")
    assert wire(deed(), heard(report), heard(report))[1] == f"{words}, twice so far."
    assert wire(deed(), heard(GroupReport(Protocol.IGMPV2, group)))[0]


@pytest.mark.parametrize(
    "other",
    [
        heard(GroupReport(Protocol.IGMPV2, ip_address("239.1.1.1")), at=999),
        heard(GroupReport(Protocol.IGMPV2, ip_address("239.1.1.1")), outgoing=False),
        heard(GroupReport(Protocol.IGMPV2, ip_address("239.1.1.1")), ifindex=3),
        heard(GroupReport(Protocol.IGMPV2, ip_address("239.1.1.2"))),
        heard(
            RecordReport(Protocol.IGMPV3, (GroupRecord(RecordType.MODE_IS_EXCLUDE, ip_address("239.1.1.1")),))
        ),
    ],
    ids=["earlier", "another host's", "another link", "another group", "an answer to a query"],
)
def test_what_a_tap_saw_of_something_else_is_no_evidence(other) -> None:
    assert wire(deed(), other) == wire(deed())


async def test_every_step_holds_against_the_tables_and_a_capture_of_the_wire(lab: Lab) -> None:
    """Join, block, leave: what was inferred is what was sent, and then it counts as seen."""
    host = lab.host(1)
    group = parse_endpoint("239.1.1.1%eth0")
    async with node_on(host) as node:
        node.explainer.is_on = True
        with tcpdump_on(host, "igmp") as tap:
            [joined] = await node.join(group)
            await sent_as_told(node, tap, "CHANGE_TO_EXCLUDE_MODE {}")
            assert "0 -> 1; the interface's filter: EXCLUDE {}" in text_of(node)
            source = lab.host(2).address4
            await node.change_sources(joined, SourceChange(Change.BLOCK, (source,)))
            await sent_as_told(node, tap, f"BLOCK_OLD_SOURCES {{{source}}}")
            assert f"1 -> 1; the interface's filter: EXCLUDE {{{source}}}" in text_of(node)
            [again] = await node.join(parse_endpoint("239.1.1.1%eth0:7000"))
            assert "1 -> 2" in text_of(node)
            await node.leave(again)
            assert "2 -> 1" in text_of(node)
            assert "So another socket of this host, ours or not, kept the group." in text_of(node)
            await node.leave(joined)
            assert "1 -> 0. This host is no member any more." in text_of(node)


def text_of(node) -> str:
    return "\n".join(step.text for step in node.explainer.explanation.steps if step.is_seen)


async def sent_as_told(node, tap, record: str) -> None:
    """Wait until the wire has carried twice what the explanation inferred; it is then told as seen."""
    deed, told = node.explainer._deed, node.explainer.explanation
    [inferred] = [step.text for step in told.steps if "The kernel sends" in step.text]
    claim = inferred.partition(";")[0].replace("sends", "sent")
    assert claim.endswith(f"IGMPv3 report to 224.0.0.22: {record}")
    while True:
        frames = tap.frames()
        seen = [step.text for step in explain(deed, captured(tap, deed)).steps if step.is_seen]
        if f"{claim}, twice so far." in seen:
            return
        await tap.will_see(frames + 1)


def captured(tap, deed) -> list[Heard]:
    """Return the messages of a capture, read by us."""
    data, at, found = tap.output.data, tap.HEADER, []
    while at + 16 <= len(data):
        seconds, fraction, length = struct.unpack_from("=IIi", data, at)
        frame = data[at + 16 : at + 16 + length]
        received_at = seconds * 1_000_000_000 + fraction * 1_000
        outgoing = ControlFrame(received_at, deed.interface.index, True, frame[6:12], None, frame[14:])
        read = hear(outgoing)
        if isinstance(read, Heard):
            found.append(read)
        at += 16 + length
    return found
