"""Sources and explanations in the app: the commands, what is said of them, and the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcast_tui.app.screens.stage import MEMBERSHIP
from tests.app.frame import frame_on
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

pytestmark = pytest.mark.usefixtures("shared_lab")


async def test_block_and_unblock_say_the_kernel_s_filter_and_the_sidebar_follows(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(160, 40)) as frame:
        await frame.enter("/block 192.168.10.2")
        await frame.until(
            lambda: any("now has EXCLUDE {192.168.10.2}." in each for each in frame.notices), "the filter"
        )
        await frame.until(lambda: "EXCLUDE{192.168" in frame.text, "the kernel's word in the sidebar")
        await frame.enter("/unblock 192.168.10.2")
        await frame.until(lambda: any("now has EXCLUDE {}." in each for each in frame.notices), "the filter")


async def test_a_blocked_speaker_falls_silent_and_the_packets_he_sent_stay(lab: Lab) -> None:
    host1, host2, host3 = (lab.host(number) for number in (1, 2, 3))
    async with frame_on(host1, "224.1.0.1") as frame:
        send_from(host2, b"first\n")
        await frame.until(lambda: "first" in frame.text, "the packet")
        await frame.enter("/source only 192.168.10.3")
        await frame.until(
            lambda: any("now has INCLUDE {192.168.10.3}." in each for each in frame.notices), "the filter"
        )
        send_from(host2, b"second\n")
        send_from(host3, b"third\n")
        await frame.until(lambda: "third" in frame.text, "the packet of the one")
        assert "first" in frame.text
        assert "second" not in frame.text


async def test_a_group_is_not_called_by_a_source_it_no_longer_hears(host1: Host) -> None:
    async with frame_on(host1, "fd00:10::2,[ff35::42]:6667", size=(160, 40)) as frame:
        await frame.enter("/source add fd00:10::3")
        await frame.until(lambda: "fd00:10::3" in frame.notices[-1], "the second source")
        assert frame.groups == ["fd00:10::2,[ff35::42]:6667"]
        await frame.enter("/source drop fd00:10::2")
        await frame.until(
            lambda: frame.notices[-1].startswith("fd00:10::3,[ff35::42]:6667 now has INCLUDE {fd00:10::3}."),
            "the other name",
        )
        await frame.enter("/source only fd00:10::4")
        await frame.until(lambda: "{fd00:10::4}" in frame.notices[-1], "yet another source")
        await frame.until(lambda: "fd00:10::4,[ff35::42]:6667" in frame.groups, "its name")
        await frame.enter(f"/leave {frame.groups[0]}")
        await frame.joined(0)


REFUSED = {
    "/source add 192.168.10.2": "/source only 192.168.10.2 hears nobody else.",
    "/unblock 192.168.10.2": "is not blocked",
    "/block fd00::2": "no IPv4 address",
    "/source sideways 192.168.10.2": "'add', 'drop' or 'only'",
    "/explain snoping": "Did you mean 'snooping'?",
}


async def test_what_cannot_be_done_says_why_and_what_would(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        for line, said in REFUSED.items():
            assert said in await frame.refusal_of(line)


@pytest.mark.own_lab
async def test_explain_goes_to_what_was_done_last(host1: Host) -> None:
    async with frame_on(host1, size=(120, 60)) as frame:
        await frame.press("M")  # who looks there listens to the wire: what is sent now is seen
        await frame.until(lambda: frame.stage.memberships.tap.is_open, "the tap")
        await frame.enter("/join 224.1.0.1")
        await frame.joined()
        await frame.press("escape", "1")
        await frame.until(lambda: frame.stage.centre != MEMBERSHIP, "another screen")
        await frame.enter("/explain")
        await frame.until(lambda: "You joined 224.1.0.1 on eth0." in frame.text, "what was done")
        assert "1 ● MCAST_JOIN_GROUP for interface index" in frame.text
        assert "Users of the group on eth0: 0 -> 1" in frame.text
        sent = "5 ● The kernel sent an IGMPv3 report to 224.0.0.22: CHANGE_TO_EXCLUDE_MODE {}"
        await frame.until(lambda: sent in frame.text, "what the tap saw")


async def test_explain_shows_a_topic(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(120, 60)) as frame:
        await frame.enter("/explain IP_PKTINFO")
        await frame.until(lambda: "How we know to which group a packet was sent" in frame.text, "the topic")
        assert "RFC 3542 section 6" in frame.text


async def test_explain_with_nothing_done_lists_the_topics(host1: Host) -> None:
    async with frame_on(host1) as frame:
        await frame.enter("/explain")
        await frame.until(lambda: bool(frame.notices), "the notice")
        assert "snooping" in frame.notices[-1]
