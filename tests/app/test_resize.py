"""Every size: what gives way, what stays, and that no size at all is too small to survive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.app.frame import frame_on
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host

pytestmark = pytest.mark.usefixtures("shared_lab")

SIZES = [
    (1, 1),
    (2, 2),
    (200, 50),
    (3, 40),
    (80, 24),
    (200, 3),
    (40, 12),
    (120, 40),
    (1, 1),
    (99, 19),
    (160, 11),
]


async def test_any_size_and_back_leaves_the_app_as_it_was(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2") as frame:
        send_from(host2, b"a line to lay out again\n", b"\x1b[2J" + b"x" * 300)
        await frame.until(lambda: frame.node.ring.head == 2, "the packets")
        for tab in "12":
            await frame.press("escape", tab)
            for width, height in SIZES:
                await frame.pilot.resize_terminal(width, height)
                await frame.pilot.pause()
                rows = frame.text.splitlines()
                assert len(rows) == height
        await frame.pilot.resize_terminal(120, 40)
        await frame.until(lambda: "a line to lay out again" in frame.text, "the line")
        await frame.until(lambda: "GROUPS" in frame.text, "the sidebar")


async def test_a_new_size_moves_neither_the_reading_position_nor_the_selected_packet(
    host1: Host, host2: Host
) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        send_from(host2, *(b"line %d" % number for number in range(200)))
        await frame.until(lambda: frame.node.ring.head == 200, "the packets")
        log = frame.stage.packets
        log.focus_log()
        await frame.until(lambda: "line 199" in frame.text, "the newest line")
        await frame.press("pageup", "up")
        await frame.until(lambda: log.selected is not None, "a selected packet")
        selected = log.selected
        for width, height in [(80, 24), (200, 50), (40, 12), (120, 40)]:
            await frame.pilot.resize_terminal(width, height)
            await frame.pilot.pause()
            assert log.selected == selected
        assert selected.payload.decode() in frame.text


async def test_the_start_page_survives_every_size(host1: Host) -> None:
    async with frame_on(host1) as frame:
        for width, height in SIZES:
            await frame.pilot.resize_terminal(width, height)
            await frame.pilot.pause()
        await frame.pilot.resize_terminal(80, 24)
        await frame.until(lambda: "No groups joined" in frame.text, "the page")


async def test_below_100_columns_the_sidebar_is_a_drawer(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(80, 24)) as frame:
        assert "GROUPS" not in frame.text
        await frame.press("g")
        await frame.until(lambda: "GROUPS" in frame.text, "the drawer")
        await frame.press("escape")
        await frame.until(lambda: "GROUPS" not in frame.text, "its end")
        await frame.press("g", "enter")
        await frame.until(lambda: "GROUPS" not in frame.text, "its end by enter")
        assert frame.app.focused is frame.stage.packets.log_view


async def test_from_160_columns_on_the_chat_stands_beside_the_log(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(160, 40)) as frame:
        send_from(host2, b"both\n")
        await frame.until(
            lambda: "CHAT 224.1.0.1:6666" in frame.text and frame.text.count("both") == 2, "both"
        )
        await frame.pilot.resize_terminal(159, 40)
        await frame.until(lambda: "CHAT" not in frame.text, "only the log")


async def test_below_20_rows_header_and_tabs_share_one_and_below_12_only_log_and_input_remain(
    host1: Host,
) -> None:
    async with frame_on(host1, "224.1.0.1", size=(120, 19)) as frame:
        first = frame.text.splitlines()[0]
        assert "mcast-tui" in first
        assert "1 Packets" in first
        assert "dropped" in first
        await frame.pilot.resize_terminal(120, 11)
        await frame.until(lambda: "mcast-tui" not in frame.text and "^q" not in frame.text, "the bare log")
        assert frame.text.splitlines()[-1].startswith(" → 224.1.0.1:6666")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_the_input_line_keeps_room_to_type_and_the_footer_only_whole_keys(host1: Host, size) -> None:
    async with frame_on(host1, "239.255.255.250:65535", size=size) as frame:
        assert frame.stage.composer.input.size.width >= 20
        footer = frame.text.splitlines()[-1].rstrip()
        words = [str(item.content) for item in frame.stage.footer.items]
        assert footer.split("  ")[-1] in words
