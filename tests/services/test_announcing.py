"""What was joined again and does not arrive is announced some more times: when, when not, and what for."""

from __future__ import annotations

import re
import time
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcast_tui.net.link_monitor import Overrun
from mcast_tui.net.sender import SendOptions
from mcast_tui.services.lab.classroom.resident.querier import Querier
from mcast_tui.services.membership import unheard
from mcast_tui.services.membership.facts import What
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.kernel_tables import parse_counters
from mcast_tui.wire.membership.source_filter import FilterMode, SourceFilter
from tests.peers import PATIENCE_S, socat_peer, tcpdump_on
from tests.services.nodes import node_on
from tests.services.test_healing import ASM4, ASM6, JOIN_TOLD, SSM4, Healing, announced_on, healed, send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from mcast_tui.services.lab.lan import Lab

HOUR_S = 3600.0
MODE_IS_EXCLUDE = "2"


@asynccontextmanager
async def joined_on(lab: Lab, *endpoints: str) -> AsyncIterator[Healing]:
    """Run a node on host 1 that has joined these; nobody has sent anything."""
    async with node_on(lab.host(1)) as node:
        groups = [group for each in endpoints for group in await node.join(parse_endpoint(each))]
        yield Healing(node, lab.host(1), lab.host(2), groups, [])


def renewed(here: Healing) -> float:
    """Have all groups joined again, as after a loss of news; return when."""
    here.node._take_link_news([Overrun()])
    return time.monotonic()


def announced(here: Healing, now: float) -> list[str]:
    """Let the healer look at that time; return the groups it announced."""
    before = here.node.timeline.added
    here.node.healer.announce_again(now)
    entries = here.node.timeline.since(before)
    assert {(entry.what, entry.who, entry.origin) for entry in entries} <= {
        (What.REPORT, "this app", "setsockopt")
    }
    return [f"{entry.group}: {entry.text}" for entry in entries]


@pytest.fixture(autouse=True)
def nobody_looks_but_the_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the node goes on: what it does of itself is a test of its own."""
    if "by_itself" not in request.node.name:
        at_hand = unheard.AGAIN_AFTER_S
        monkeypatch.setattr(unheard, "AGAIN_AFTER_S", tuple(each + HOUR_S for each in at_hand))


async def test_what_does_not_arrive_is_announced_a_few_times_and_then_no_more(lab: Lab) -> None:
    async with joined_on(lab, ASM4) as here:
        begun = renewed(here) + HOUR_S
        said = "239.5.5.5: left and joined anew: no packets of others since it was joined again {} s ago"
        told = {after: announced(here, begun + after) for after in (1, 3, 4, 9, 11, 34, 36, 100, 10_000)}
    assert {after: texts for after, texts in told.items() if texts} == {
        3: [said.format(3603)],
        11: [said.format(3611)],
        36: [said.format(3636)],
    }
    assert not here.node.healer._announcer._unheard._rounds


async def test_who_is_joined_again_meanwhile_begins_anew(lab: Lab) -> None:
    async with joined_on(lab, ASM4) as here:
        begun = renewed(here) + HOUR_S
        assert len(announced(here, begun + 11)) == 1
        begun = renewed(here) + HOUR_S
        assert not announced(here, begun + 1)
        assert [len(announced(here, begun + after)) for after in (3, 11, 36)] == [1, 1, 1]


async def test_what_arrives_is_let_go_and_what_we_send_ourselves_is_no_arrival(lab: Lab) -> None:
    async with joined_on(lab, ASM4, SSM4, ASM6) as here:
        of_any, of_one, of_six = here.groups
        begun = renewed(here) + HOUR_S
        for group in (of_any, of_six):
            before = group.intake.tally.packets
            await here.node.send(group.endpoint, b"is anybody there?\n", SendOptions())
            await here.until(lambda group=group, before=before: group.intake.tally.packets > before, "ours")
        assert len(announced(here, begun + 3)) == 3
        here.groups.remove(of_any)
        await here.until_packets_flow()
        assert [text.partition(": ")[0] for text in announced(here, begun + 11)] == ["239.5.5.5"]
        assert of_one.intake.tally.packets


async def test_what_came_in_such_numbers_that_not_all_is_looked_at_is_taken_to_arrive(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unheard, "NEWEST_ROWS", 2)
    async with joined_on(lab, ASM4, "239.5.5.6%eth0:5000") as here:
        begun = renewed(here) + HOUR_S
        busy, lone = here.groups
        before = busy.intake.tally.packets + lone.intake.tally.packets
        send(here.sender, lone)
        for _ in range(3):
            send(here.sender, busy)
        await here.until(
            lambda: busy.intake.tally.packets + lone.intake.tally.packets == before + 4, "all packets"
        )
        assert not announced(here, begun + 3)


@pytest.mark.parametrize("becomes", ["left", "without carrier", "gone"])
async def test_what_cannot_arrive_any_more_is_let_go(lab: Lab, becomes: str) -> None:
    async with joined_on(lab, ASM4, ASM6) as here:
        begun = renewed(here) + HOUR_S
        if becomes == "left":
            for group in here.groups:
                await here.node.leave(group)
        elif becomes == "gone":
            lab.remove(1)
            await here.until_told("gone, and its memberships")
        else:
            lab.cut(1)
            await here.until_told("no carrier")
        assert not announced(here, begun + 3)
        assert not here.node.healer._announcer._unheard._rounds


async def test_what_another_program_holds_as_well_is_left_alone(lab: Lab) -> None:
    async with joined_on(lab, ASM4, "239.5.5.6%eth0:5000", "239.5.5.6%eth0:5001") as here:
        begun = renewed(here) + HOUR_S
        with socat_peer(lab.host(1), "239.5.5.5", 5000, "reuseaddr"):
            texts = announced(here, begun + 3)
        assert [text.partition(": ")[0] for text in texts] == ["239.5.5.6", "239.5.5.6"]


async def test_many_are_announced_by_and_by_and_told_in_one_line(lab: Lab) -> None:
    async with joined_on(lab, "239.7.0.0%eth0:5000+599") as here:
        begun = renewed(here) + HOUR_S
        many = "None: {} memberships left and joined anew, {}:5000 the first: no packets of others"
        assert announced(here, begun + 3) == [many.format(500, "239.7.0.0")]
        await here.node.leave(here.groups[500])
        send(here.sender, here.groups[501])
        await here.until(lambda: here.groups[501].intake.tally.packets, "a packet")
        assert announced(here, begun + 4) == [many.format(98, "239.7.1.246")]
        assert announced(here, begun + 5) == []


def set_port(lab: Lab, *words: str) -> None:
    """Do this to the switch's port to host 1, as ``ip link`` says it."""
    lab.switch.run(["ip", "link", "set", lab.lans[0].port(1), *words])


def multicasts_in(lab: Lab) -> int:
    """Return how many packets the kernel of host 1 took in as a member."""
    with lab.host(1).entered():
        return parse_counters(Path("/proc/thread-self/net/netstat").read_text()).values["IpExt.InMcastPkts"]


async def ask_once(lab: Lab) -> None:
    """Let host 2 ask who is a member, and never again: from then on the switch sends to members only."""
    with tcpdump_on(lab.host(1), "igmp") as wire:
        with lab.host(2).entered():
            querier = Querier(interface=lab.host(2).interface, version=3, interval_s=125, response_s=0.1)
        querier.send(0)
        querier.close()
        await announced_on(wire, "239.5.5.5", times=1, kinds=MODE_IS_EXCLUDE)


async def test_packets_flow_once_a_group_is_announced_of_which_the_switch_lost_the_reports(
    make_lab: Callable[..., Lab],
) -> None:
    lab = make_lab(3, snooping=True)
    async with joined_on(lab, ASM4, SSM4) as here:
        await ask_once(lab)
        with socat_peer(lab.host(3), "239.5.5.5", 5000) as witness:
            lab.cut(1)
            await here.until_told("no carrier")
            with tcpdump_on(lab.host(1), "igmp") as wire:
                lab.plug(1)
                set_port(lab, "nomaster")  # the event loop has no turn in between
                await here.until_told(*healed(here.groups))
                await announced_on(wire, "239.5.5.5", times=JOIN_TOLD)
            set_port(lab, "master", lab.lans[0].bridge)
            before = multicasts_in(lab)
            for _ in range(5):
                for group in here.groups:
                    send(here.sender, group)
            await witness.will_hear("tick", 5)
            assert multicasts_in(lab) == before
            here.happens(here.node.healer.announce_again, time.monotonic() + HOUR_S + 3)
            await here.until_packets_flow()
            assert multicasts_in(lab) > before


async def test_behind_a_port_that_listens_and_learns_packets_flow_again_by_itself(
    make_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spanning tree at its fastest listens and learns for 2 s each, and the reports of a join take 1 s."""
    monkeypatch.setattr(unheard, "AGAIN_AFTER_S", (1.0, 3.0, 8.0, 20.0))
    lab = make_lab(2, snooping=True)
    lab.set_bridges(br_stp_state=1, br_forward_delay=200)  # in 1/100 s
    async with joined_on(lab, ASM4) as here:
        await ask_once(lab)
        lab.cut(1)
        await here.until_told("no carrier")
        set_port(lab, "up")
        await here.until_told(*healed(here.groups))
        before = multicasts_in(lab)
        await here.until_packets_flow(within_s=PATIENCE_S)  # the port is later than the link
        assert multicasts_in(lab) > before
        await here.until_told(
            "report eth0 239.5.5.5: left and joined anew: no packets of others since it was joined"
        )


G1, G2, SIX = b"\xef\5\5\5", b"\xe8\5\5\5", ip_address("ff15::55").packed


def octets(*parts: bytes) -> bytes:
    """Return the pattern of a message whose parts have two octets, a checksum, between them."""
    return b"..".join(map(re.escape, parts))


JOINED = {
    2: [octets(b"\x16\0", G1), octets(b"\x16\0", G2), octets(b"\x83\0", bytes(4) + SIX)],
    3: [
        octets(b"\4\0\0\1" + G1 + ip_address("192.168.10.9").packed),
        octets(b"\5\0\0\1" + G2 + ip_address("192.168.10.2").packed),
        octets(b"\4\0\0\0" + SIX),
    ],
}
LEFT = [octets(b"\x17\0", G1), octets(b"\x17\0", G2), octets(b"\x84\0", bytes(4) + SIX)]
ANNOUNCED = {
    2: [left + b".*" + joined for left, joined in zip(LEFT, JOINED[2], strict=True)],
    3: [b".*".join([joined] * 3) for joined in JOINED[3]],
}
"""By the version of IGMP: a join is reported twice; the older versions say that it was left before."""


@pytest.mark.parametrize("version", [2, 3])
async def test_what_is_announced_is_reported_in_every_version_with_its_filter(lab: Lab, version: int) -> None:
    for setting in (
        f"4.conf.eth0.force_igmp_version={version}",
        f"6.conf.eth0.force_mld_version={version - 1}",
    ):
        lab.host(1).run(["sysctl", "-qw", f"net.ipv{setting}"])
    with tcpdump_on(lab.host(3), "igmp or icmp6 or (ip6[6] = 0 and ip6[40] = 58)") as wire:

        async def said(patterns: Sequence[bytes]) -> None:
            def are_there() -> bool:
                return all(re.search(each, wire.output.data, re.DOTALL) for each in patterns)

            await wire.output.awaited(are_there, "the reports")

        async with joined_on(lab, SSM4, ASM6) as here:
            blocking = SourceFilter(FilterMode.EXCLUDE, (ip_address("192.168.10.9"),))
            here.groups += await here.node.join(parse_endpoint(ASM4), sources=blocking)
            await said(JOINED[version])
            now = time.monotonic()
            here.node.healer._announcer.watch(here.groups, now - HOUR_S - 3)
            assert len(announced(here, now)) == 3
            await said(ANNOUNCED[version])
            assert str(here.groups[-1].filter) == "EXCLUDE {192.168.10.9}"
