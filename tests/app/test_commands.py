"""Slash commands in the app: they do what they say, or say in words what would be right."""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

import pytest

from mcast_tui.app.screens.help import HelpScreen
from mcast_tui.app.widgets.sidebar import PeerList
from mcast_tui.services.command import COMMANDS
from tests.app.frame import frame_on
from tests.peers import socat, tcpdump_on
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

pytestmark = pytest.mark.usefixtures("shared_lab")


async def test_join_and_leave_and_the_undo_in_the_toast(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.enter("/join 224.1.0.2:7000")
        await frame.joined(2)
        assert frame.stage.desk.selected.label == "224.1.0.2:7000"
        await frame.enter("/leave")
        await frame.joined(1)
        assert "u joins it again" in frame.text
        await frame.press("escape", "u")
        await frame.joined(2)
        assert frame.groups == ["224.1.0.1:6666", "224.1.0.2:7000"]
        assert "main.undo_leave" not in frame.keys


async def test_a_socat_address_is_joined_on_its_terms_and_joined_again_on_them(lab: Lab) -> None:
    host1, host2, host3 = (lab.host(number) for number in (1, 2, 3))
    async with frame_on(host1) as frame:
        await frame.enter(
            "/join UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,range=192.168.10.2/32,"
            "ip-add-membership=224.1.0.1:192.168.10.1,ip-multicast-ttl=3"
        )
        await frame.joined()
        assert frame.stage.desk.options(frame.stage.desk.selected).hop_limit == 3
        await frame.enter("/leave")
        await frame.joined(0)
        await frame.press("escape", "u")
        await frame.joined()
        send_from(host3, b"from outside of the range\n")
        send_from(host2, b"from within\n")
        await frame.until(lambda: frame.node.ring.head == 2, "both packets")
        seen = [frame.node.ring.packet(number) for number in (0, 1)]
        assert {str(packet.source): packet.refused for packet in seen} == {
            "192.168.10.2": False,
            "192.168.10.3": True,
        }
        assert frame.stage.desk.options(frame.stage.desk.selected).hop_limit == 3


async def test_a_misspelt_socat_address_is_refused_where_it_is_wrong(host1: Host) -> None:
    async with frame_on(host1) as frame:
        await frame.enter("/join UDP4-DATAGRAM:224.1.0.1:6666,rnage=10.0.0.0/8")
        await frame.until(lambda: "range" in frame.text, "the nearest option")
        assert len(frame.node.groups) == 0


async def test_socat_shows_the_line_of_a_peer_to_be_copied(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1:7000") as frame:
        await frame.enter("/socat")
        await frame.until(lambda: bool(frame.stage.notices), "the notice")
        notice = next(iter(frame.stage.notices))
        wanted = "socat STDIO UDP4-DATAGRAM:224.1.0.1:7000,bind=:7000,ip-add-membership=224.1.0.1:OWN_ADDRESS"
        assert wanted in [each.command for each in frame.stage.notices], notice


async def test_leaving_the_last_group_leads_back_to_the_start_page(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.press("L")
        await frame.joined(0)
        await frame.until(lambda: "No groups joined." in frame.text, "the start page")


REFUSED = {
    "/join 192.168.10.7": "unicast",
    "/join 224.1.0.1": "joined already",
    "/join 224.1.0.9 if eth7": "eth7",
    "/join nonsense": "nonsense",
    "/join 224.1.0.1:65536": "port",
    "/leave 224.9.9.9": "it is not joined",
    "/jion 224.1.0.1": "Did you mean /join?",
    "/msg 224.1.0.1 hi": "/send",
    "/send broadcast hi": "-b",
    "/send 192.168.10.255 hi": "-b",
    "/ttl 300": "0 to 255",
    "/hex 6": "hexadecimal",
    "/if eth7": "eth7",
    "/help jion": "/help join",
}


async def test_what_cannot_be_done_says_why_and_the_line_stays_to_be_mended(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        for line, said in REFUSED.items():
            assert said in await frame.refusal_of(line), line
            assert frame.groups == ["224.1.0.1:6666"]


async def test_an_ssm_group_without_a_source_is_warned_about_and_the_fix_is_begun(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.enter("/join 232.1.2.3:5000")
        await frame.joined(2)
        assert any("source-specific (RFC 4607" in notice for notice in frame.notices)
        assert frame.line == "/join 232.1.2.3:5000 from "


async def test_msg_goes_to_one_host_and_send_b_to_all(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1") as frame:
        with (
            socat(lab.host(2), "-", "UDP4-RECV:6666,reuseaddr") as two,
            socat(lab.host(3), "-", "UDP4-RECV:6666,reuseaddr") as three,
        ):
            await frame.enter("/msg 192.168.10.2 only you")
            assert await two.will_hear("only you")
            await frame.enter("/send -b broadcast to everyone")
            assert await two.will_hear("to everyone")
            assert await three.will_hear("to everyone")
            assert "only you" not in three.lines


async def test_hex_sends_exactly_those_bytes_and_ttl_is_on_the_wire(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1") as frame:
        with tcpdump_on(lab.host(2), "udp port 6666") as wire:
            await frame.enter("/ttl 7")
            await frame.enter("/hex 00 ff 1b 0a")
            [seen] = await wire.will_see(1)
    assert (seen.payload, seen.hop_limit) == (b"\x00\xff\x1b\x0a", 7)


async def test_if_chooses_where_what_is_sent_leaves(make_lab) -> None:
    lab = make_lab(2, lans=2)
    async with frame_on(lab.host(1), "224.1.0.1%eth0") as frame:
        with tcpdump_on(lab.host(2), "udp port 6666", "eth1") as wire:
            await frame.enter("/if eth1")
            await frame.until(lambda: "eth1" in frame.chip, "the chip")
            await frame.enter("over there")
            [seen] = await wire.will_see(1)
    assert seen.payload == b"over there\n"


async def test_clear_hides_and_undo_shows_again_in_log_and_chat(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        send_from(host2, b"still here\n")
        for tab in "12":
            await frame.press("escape", tab)
            await frame.until(lambda: "still here" in frame.text, "the line")
            await frame.enter("/clear")
            await frame.until(lambda: "still here" not in frame.text, "the clearing")
            assert "1 hidden." in frame.notices[-1]
            await frame.enter("/clear undo")
            await frame.until(lambda: "still here" in frame.text, "the line again")
            assert "1 shown again." in frame.notices[-1]


async def test_what_was_cleared_is_not_hidden_from_a_group_that_is_joined_again(
    host1: Host, host2: Host
) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        send_from(host2, b"still here\n")
        await frame.until(lambda: "still here" in frame.text, "the packet")
        await frame.enter("/clear")
        await frame.until(lambda: "The view was cleared" in frame.text, "the clearing")
        await frame.enter("/leave")
        await frame.joined(0)
        await frame.enter("/join 224.1.0.1")
        await frame.joined(1)
        await frame.until(lambda: "still here" in frame.text, "the packet again")


async def test_pause_holds_the_log_while_packets_are_still_captured(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.enter("/pause")
        await frame.until(lambda: frame.stage.packets.log_view.is_paused, "the pause")
        send_from(host2, b"meanwhile\n")
        await frame.until(lambda: frame.node.ring.head == 1, "the packet")
        await frame.enter("/follow")
        await frame.until(lambda: "meanwhile" in frame.text, "the packet on screen")


async def test_help_shows_keys_that_work_commands_and_what_happened(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(120, 60)) as frame:
        await frame.press("question_mark")
        await frame.until(lambda: isinstance(frame.app.screen, HelpScreen), "help")
        await frame.until(lambda: "KEYS THAT WORK HERE" in frame.text, "its text")
        shown = "\n".join(str(each.render()) for each in frame.app.screen.query("Static"))
        assert all(command.usage in shown for command in COMMANDS)
        assert "Joined 224.1.0.1:6666 on eth0." in shown
        await frame.press("escape")
        await frame.until(lambda: not isinstance(frame.app.screen, HelpScreen), "the way back")
        await frame.enter("/help join")
        await frame.until(
            lambda: "Example" in frame.text and "/join 232.1.1.1:5000" in frame.text, "one command"
        )


async def test_the_palette_offers_every_command_and_every_group(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2", size=(120, 90)) as frame:
        await frame.press("ctrl+p")
        await frame.until(lambda: "Go to 224.1.0.2:6666" in frame.text, "the palette")
        for command in COMMANDS:
            assert command.usage in frame.text
        await frame.press(*"goto", "space", *"224", "full_stop", "1", "full_stop", "0", "full_stop", "2")
        await frame.press("backspace", "backspace")
        await frame.press("escape", "escape")


async def test_quit_ends_the_app_and_leaves_the_groups(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.enter("/quit")
        await frame.until(lambda: not frame.app.is_running, "the end")
    assert "010001E0" not in host1.run(["cat", "/proc/net/igmp"]).stdout


async def test_broadcast_is_sent_with_the_ttl_of_broadcast_and_never_with_none(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1") as frame:
        with tcpdump_on(lab.host(2), "udp port 6666") as wire:
            await frame.enter("/send -b broadcast to everyone")
            [seen] = await wire.will_see(1)
        assert seen.hop_limit == 1
        await frame.enter("/join broadcast")
        await frame.joined(2)
        await frame.enter("/ttl 0")
        await frame.until(lambda: "a broadcast with 1 at the least" in frame.notices[-1], "the refusal")
        assert frame.line == "/ttl 0"


async def test_msg_to_a_link_local_peer_is_begun_with_its_interface_and_arrives(lab: Lab) -> None:
    async with frame_on(lab.host(1), "[ff02::42%eth0]:6666") as frame:
        with lab.host(2).entered(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"hei\n", ("ff02::42", 6666, 0, socket.if_nametoindex("eth0")))
            await frame.until(lambda: frame.stage.sidebar.peers.row_count == 1, "the peer")
            [heard] = frame.node.monitor.peers(frame.stage.desk.selected)
            place = f"[{heard.address}%eth0]:{heard.port}"
            assert heard.address.is_link_local
            await frame.type("/msg ")
            assert place in [each.text for each in frame.stage.composer._completion.candidates]
            frame.stage.composer.write("")
            frame.app.main.begin_message(PeerList.PeerChosen(heard))
            assert frame.line == f"/msg {place} "
            await frame.enter("only you")
            await frame.until(lambda: select.select([peer], [], [], 0)[0], "the message")
            assert peer.recv(100) == b"only you\n"
