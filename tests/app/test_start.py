"""The start page joins nothing and sends nothing, and one key is enough to begin."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from mcast_tui.app.view_facts import start_presets
from mcast_tui.net.interfaces import Interface
from mcast_tui.net.kernel import KernelView
from mcast_tui.services.membership.facts import HostMembership
from tests.app.frame import frame_on
from tests.peers import socat_peer, tcpdump_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

pytestmark = pytest.mark.usefixtures("shared_lab")


async def test_without_arguments_nothing_is_joined_and_nothing_is_sent(host1: Host, host2: Host) -> None:
    with tcpdump_on(host2) as wire:
        async with frame_on(host1) as frame:
            assert "No groups joined. Nothing has been sent." in frame.text
            assert frame.groups == []
            await frame.press("down", "up", "I", "i", "escape")
            await frame.until(lambda: frame.node.monitor.snapshot().packets_per_s is not None, "two samples")
        with socat_peer(host1) as peer:  # the end of the wait: whatever came before is there when this is
            peer.say("marker")
            seen = await wire.will_see(1)
    assert [packet.payload for packet in seen if packet.destination_port == 6666] == [b"marker\n"]


async def test_enter_joins_what_the_mark_is_on_and_the_log_takes_its_place(host1: Host) -> None:
    async with frame_on(host1) as frame:
        await frame.press("down", "enter")
        await frame.joined()
        assert frame.groups == ["224.0.0.251:5353"]
        assert "No groups joined" not in frame.text
        assert "Joined 224.0.0.251:5353 on eth0." in frame.notices


async def test_a_digit_joins_its_line(host1: Host) -> None:
    async with frame_on(host1) as frame:
        await frame.press("5")
        await frame.joined()
        assert frame.groups == ["192.168.10.255:6666"]


async def test_no_digit_stands_beside_what_it_does_not_show_and_m_shows_memberships(host1: Host) -> None:
    async with frame_on(host1) as frame:
        tabs = frame.text.splitlines()[1]
        assert tabs.split() == ["Packets", "Chat", "M", "Membership"]
        assert "What this host is a member of already: M" in frame.text
        await frame.press("M")
        await frame.until(lambda: "KERNEL /proc/net/igmp" in frame.text, "the memberships")
        assert "4 Membership" in frame.text
        assert frame.groups == []


async def test_an_address_typed_below_is_joined_without_a_command(host1: Host) -> None:
    async with frame_on(host1) as frame:
        await frame.press("i")
        await frame.enter("239.1.2.3:5000")
        await frame.joined()
        assert frame.groups == ["239.1.2.3:5000"]


async def test_an_address_that_is_none_is_refused_at_its_column_and_kept(host1: Host) -> None:
    async with frame_on(host1) as frame:
        await frame.enter("239.1.2.3:0")
        await frame.until(lambda: frame.notices, "a refusal")
        assert frame.groups == []
        assert frame.line == "239.1.2.3:0"
        assert frame.stage.composer.input.selected_text == "0"  # typing replaces what is wrong


async def test_a_group_another_program_holds_is_marked_so(host1: Host, host2: Host) -> None:
    with socat_peer(host1):
        async with frame_on(host1) as frame:
            await frame.until(lambda: "joined by another program" in frame.text, "the mark")


def test_what_is_ours_alone_is_not_said_to_be_another_program_s() -> None:
    """The tables are as read last: a group that was just left may stand in them still."""
    eth0 = Interface(2, "eth0", True, True, True, False, 1500, ())
    view = KernelView(1, "EXCLUDE", (), 3, "/proc/net/igmp")
    ours = HostMembership(2, "eth0", ip_address("224.1.0.1"), view, 1, None, "", None)
    shared = replace(ours, group=ip_address("224.0.0.251"), view=replace(view, users=2))
    elsewhere = replace(shared, group=ip_address("239.255.255.250"), ifindex=3)
    source = SimpleNamespace(rows=lambda: (ours, shared, elsewhere))
    offered, _ = start_presets(SimpleNamespace(join_interface=eth0), source)
    assert [preset.name for preset in offered if preset.joined_by] == ["mDNS discovery"]


async def test_the_interface_is_preselected_and_changes_on_i(lab: Lab) -> None:
    async with frame_on(lab.host(1)) as frame:
        assert "Would join on eth0 192.168.10.1/24" in frame.text
        await frame.press("I")
        await frame.until(lambda: "Would join on lo 127.0.0.1/8" in frame.text, "the other interface")
        await frame.press("I")
        await frame.until(lambda: "Would join on eth0" in frame.text, "the first again")


async def test_the_socat_line_shown_really_is_a_peer(host1: Host) -> None:
    async with frame_on(host1, size=(140, 30)) as frame:
        assert (
            "socat STDIO UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,ip-add-membership=224.1.0.1:" in frame.text
        )
