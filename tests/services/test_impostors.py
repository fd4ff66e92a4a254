"""What on the wire is not to be believed: messages that hosts ignore, an address of ours that others use."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

from mcast_tui.net.interfaces import Interface
from mcast_tui.services.membership import wire_watch
from mcast_tui.services.membership.facts import What
from mcast_tui.services.membership.impostors import MOST_TOLD, Impostors
from mcast_tui.wire.membership.heard import hear
from mcast_tui.wire.membership.message import GroupReport, Heard, Protocol, Query
from tests.app.test_hostile_membership import send_frames
from tests.peers import eventually
from tests.services.nodes import node_on
from tests.wire.igmp_cases import GROUP
from tests.wire.membership_frames import MAC, body_of, frame_of, igmp_packet, packet_of

if TYPE_CHECKING:
    import pytest

    from mcast_tui.services.lab.host import Host

QUERY = Query(Protocol.IGMPV3, None, (), 1.0, False, 2, 125)


async def test_another_host_that_sends_from_our_address_is_an_alarm_once(host1: Host, host2: Host) -> None:
    query = igmp_packet(body_of(QUERY), source=host1.address4)
    async with node_on(host1) as node:
        node.memberships.listen()
        await eventually(lambda: node.memberships.tap.is_open, "the tap")
        send_frames(host2, [query] * 3, random.Random(1))
        await eventually(lambda: any(each.what is What.ALARM for each in node.timeline.since(0)), "the alarm")
        await eventually(node.memberships.wire.queriers, "the querier")
        alarms = [each for each in node.timeline.since(0) if each.what is What.ALARM]
    assert [(each.who, each.interface) for each in alarms] == [(MAC.hex(":"), "eth0")]
    assert alarms[0].text.startswith(f"{host1.address4} is this host's address, and {MAC.hex(':')} sends")


async def test_messages_that_hosts_ignore_are_counted_on_the_timeline_by_their_reason(
    host1: Host, host2: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire_watch, "POLL_S", 0.05)
    body = body_of(GroupReport(Protocol.IGMPV2, GROUP))
    wrong, other = igmp_packet(body, good=False), igmp_packet(b"\x13" + body[1:])
    async with node_on(host1) as node:
        node.memberships.listen()
        await eventually(lambda: node.memberships.tap.is_open, "the tap")
        send_frames(host2, [other, wrong, wrong, igmp_packet(body[:7])], random.Random(1))

        def told() -> list[str]:
            return [each.text for each in node.timeline.since(0) if "that hosts ignore" in each.text]

        await eventually(lambda: node.memberships.wire.refused.total() == 4, "all of them")
        await eventually(told, "that it is told")
    assert "a wrong checksum (2)" in told()[0] or "a wrong checksum (1)" in told()[0]
    assert "no query, report or leave" not in "".join(told())


def test_interfaces_of_ours_on_the_same_lan_are_no_impostors_and_what_is_told_is_bounded() -> None:
    own = IPv4Interface("192.168.10.2/24")
    eth0 = Interface(1, "eth0", True, True, True, False, 1500, (own,), bytes(6))
    eth1 = replace(eth0, index=2, name="eth1", addresses=(), mac=MAC)
    heard = hear(frame_of(packet_of(QUERY)))
    assert isinstance(heard, Heard)
    heard = replace(heard, ifindex=1, source=own.ip, source_mac=MAC)

    assert list(Impostors().hear(heard, (eth0, eth1))) == []
    assert list(Impostors().hear(heard, (replace(eth0, mac=b""),))) == []  # not known: nothing is said
    impostors = Impostors()
    told = [
        entry
        for number in range(2 * MOST_TOLD)
        for entry in impostors.hear(replace(heard, source_mac=bytes((2, 0, 0, 0, 0, number))), (eth0,))
    ]
    assert len(told) == MOST_TOLD
