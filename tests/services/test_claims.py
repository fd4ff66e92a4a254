"""A claim is decided by packets: open until enough were sent, and only what both pictures enclose counts."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from mcast_tui.services.lab.classroom.claims import (
    PACKETS,
    PACKETS_FOR_CHANCE,
    Carries,
    GoesOn,
    Lists,
    Receives,
)
from mcast_tui.services.lab.classroom.parts import Member, Sender
from mcast_tui.services.lab.classroom.picture import Heard, LinkState, MemberState, Picture, SenderState
from mcast_tui.services.lab.classroom.switch_state import PortCounters, PortEntry, SwitchState
from mcast_tui.services.lab.classroom.verdict import Verdict, Window

GROUP = IPv4Address("239.1.1.1")
MEMBER, SENDER = Member("viewer", 2, GROUP), Sender("stream", 1, GROUP)


def picture(sent=0, received=0, lost=0, moved=0, *, serial=1, took=0):
    """A picture in which these were counted; `took` packets were sent while it was taken."""
    heard = Heard("stream", "192.168.10.1", "239.1.1.1", received, lost, 1)
    return Picture(
        0.0,
        (),
        (LinkState(3, 0, "lan0port3", PortCounters(True, 0, moved, 0, 0), 0),),
        (),
        {"viewer": MemberState(MEMBER, serial, (heard,), 0)},
        {"stream": SenderState(SENDER, serial, sent, sent + took, 0, 0)},
    )


def judge(claim, before, now):
    return claim.judge(Window(before, before, now)).verdict


@pytest.mark.parametrize(
    ("share", "sent", "received", "lost", "expected"),
    [
        ("all", PACKETS, PACKETS, 0, Verdict.HOLDS),
        ("all", PACKETS, PACKETS - 1, 0, Verdict.OPEN),
        ("all", PACKETS, PACKETS, 1, Verdict.FAILS),
        ("all", 2 * PACKETS, PACKETS - 1, 0, Verdict.FAILS),
        ("none", PACKETS - 1, 0, 0, Verdict.OPEN),
        ("none", PACKETS, 0, 0, Verdict.HOLDS),
        ("none", 1, 1, 0, Verdict.FAILS),
        ("some", PACKETS_FOR_CHANCE - 1, 50, 9, Verdict.OPEN),
        ("some", PACKETS_FOR_CHANCE, 50, 9, Verdict.HOLDS),
        ("some", PACKETS_FOR_CHANCE, 99, 0, Verdict.FAILS),
        ("some", PACKETS_FOR_CHANCE, 0, 0, Verdict.FAILS),
    ],
)
def test_what_a_member_receives_is_judged_by_its_counts(share, sent, received, lost, expected):
    before = picture(sent=1000, received=500, lost=7)
    now = picture(sent=1000 + sent, received=500 + received, lost=7 + lost)
    assert judge(Receives("viewer", "stream", share), before, now) is expected


def test_packets_sent_while_a_picture_is_taken_prove_nothing():
    claim = Receives("viewer", "stream", "none")
    assert judge(claim, picture(took=PACKETS), picture(sent=PACKETS)) is Verdict.OPEN
    assert judge(claim, picture(took=PACKETS), picture(sent=2 * PACKETS)) is Verdict.HOLDS


def test_counts_from_before_a_member_joined_anew_do_not_count():
    claim = GoesOn("viewer", "stream")
    before = picture(received=1000)
    assert judge(claim, before, picture(received=1000 + PACKETS)) is Verdict.HOLDS
    assert judge(claim, before, picture(received=PACKETS - 1, serial=2)) is Verdict.FAILS
    assert judge(claim, before, picture(received=PACKETS, serial=2)) is Verdict.HOLDS


def test_who_is_no_member_and_who_does_not_send_fail_a_claim():
    nobody = replace(picture(), members={}, senders={})
    assert judge(Receives("viewer", "stream", "none"), nobody, nobody) is Verdict.FAILS
    assert judge(GoesOn("viewer", "stream"), nobody, nobody) is Verdict.FAILS
    assert judge(Carries(3, 0, "stream", is_carried=False), nobody, nobody) is Verdict.FAILS


@pytest.mark.parametrize(
    ("share", "carried", "silent"),
    [
        (0.0, Verdict.FAILS, Verdict.HOLDS),
        (0.4, Verdict.FAILS, Verdict.FAILS),
        (1.0, Verdict.HOLDS, Verdict.FAILS),
    ],
)
def test_a_port_carries_a_stream_by_its_bytes_and_what_is_between_is_neither(share, carried, silent):
    before, now = picture(), picture(sent=PACKETS, moved=int(PACKETS * SENDER.frame_length * share))
    assert judge(Carries(3, 0, "stream", is_carried=True), before, now) is carried
    assert judge(Carries(3, 0, "stream", is_carried=False), before, now) is silent
    few = picture(sent=PACKETS - 1)
    assert judge(Carries(3, 0, "stream", is_carried=False), before, few) is Verdict.OPEN


def test_the_evidence_about_an_entry_is_of_that_source_and_names_the_port_as_the_claim_does():
    source = IPv4Address("192.168.10.1")
    listed = (
        PortEntry("lan0port3", GROUP, None, is_include=True, left_s=None),
        PortEntry("lan0port3", GROUP, source, is_include=True, left_s=2.5),
        PortEntry("lan0port1", GROUP, None, is_include=False, left_s=9.0),
    )
    switch = SwitchState(0, True, True, 3, 1.0, 4.0, None, None, None, listed)
    now = replace(picture(), switches=(switch,))
    found = Lists(3, 0, GROUP, source, is_listed=True).judge(Window(now, now, now))
    assert (found.verdict, found.evidence) == (
        Verdict.HOLDS,
        "the mdb has (192.168.10.1,239.1.1.1) at port 3, at 3 for another 2.5 s",
    )


def test_a_packet_of_ipv6_is_twenty_bytes_longer_on_the_wire():
    six = replace(SENDER, to=IPv6Address("ff15::42"))
    assert (SENDER.frame_length, six.frame_length) == (1042, 1062)
