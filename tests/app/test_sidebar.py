"""The sidebar: groups with the kernel's answer, peers, and the one selection that drives everything."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from mcast_tui.app.widgets.sidebar import SPARK_WIDTH, GroupEntry
from mcast_tui.net import kernel
from tests.app.frame import frame_on
from tests.peers import socat_peer
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

pytestmark = pytest.mark.usefixtures("shared_lab")


async def test_a_joined_group_shows_what_the_kernel_says_of_it(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "192.168.10.3,232.1.1.1:5000") as frame:
        await frame.until(lambda: "users 1 EXCLUDE{}" in frame.text, "the any-source membership")
        await frame.until(lambda: "users 1 INCLUDE{192.168.10.3}" in frame.text, "the source-specific one")


async def test_another_program_s_membership_is_counted_by_the_kernel_and_shown(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.until(lambda: "users 1 EXCLUDE{}" in frame.text, "ours alone")
        with socat_peer(host1, "224.1.0.1", 6666, "reuseaddr"):
            await frame.until(lambda: "users 2 EXCLUDE{}" in frame.text, "both")


async def test_the_selection_scopes_log_peers_chat_and_target(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1", "224.1.0.2", size=(170, 40)) as frame:
        send_from(lab.host(2), b"from two\n")
        send_from(lab.host(3), b"from three\n", group="224.1.0.2")
        await frame.until(lambda: "from two" in frame.text and "PEERS on 224.1.0.1:6666" in frame.text, "one")
        await frame.until(lambda: "● 192.168.10.2" in frame.text, "its peer")
        assert "from three" not in frame.text
        assert frame.chip == "→ 224.1.0.1:6666 eth0 ttl 1 loop"
        await frame.press("g", "down")
        await frame.until(lambda: "from three" in frame.text and "● 192.168.10.3" in frame.text, "the other")
        assert "from two" not in frame.text
        assert frame.chip == "→ 224.1.0.2:6666 eth0 ttl 1 loop"
        await frame.press("home")
        await frame.until(lambda: "from two" in frame.text and "from three" in frame.text, "all traffic")
        assert frame.chip == "choose a group"


async def test_a_click_selects_a_group_and_a_click_on_a_peer_begins_a_message(
    host1: Host, host2: Host
) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2") as frame:
        send_from(host2, b"hello\n")
        await frame.pilot.click("#groups", offset=(5, 0))
        await frame.until(lambda: frame.stage.desk.selected is None, "all traffic")
        await frame.until(lambda: frame.stage.sidebar.peers.row_count == 1, "the peer")
        await frame.pilot.click("#peers", offset=(5, 0))
        await frame.until(lambda: frame.line == "/msg 192.168.10.2:40000 ", "the begun message")


async def test_a_click_on_join_begins_a_join(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.pilot.click("#groups", offset=(5, 3))
        await frame.until(lambda: frame.line == "/join ", "the begun join")


async def test_f5_f6_and_ctrl_n_walk_the_groups(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2", "224.1.0.3") as frame:
        selected = lambda: frame.stage.desk.selected and frame.stage.desk.selected.label  # noqa: E731
        await frame.until(lambda: selected() == "224.1.0.1:6666", "the first")
        await frame.press("f6")
        assert selected() == "224.1.0.2:6666"
        await frame.press("f5", "f5")
        assert selected() is None
        await frame.press("f5")
        assert selected() == "224.1.0.3:6666"
        send_from(host2, b"unread\n", group="224.1.0.2")
        await frame.until(lambda: "•1" in frame.text, "an unread line")
        await frame.press("ctrl+n")
        assert selected() == "224.1.0.2:6666"


async def test_a_hundred_groups_are_listed_and_walked_without_a_widget_each(host1: Host) -> None:
    async with frame_on(host1, size=(120, 30)) as frame:
        await frame.enter("/join 239.1.0.0+99")
        await frame.joined(100)
        assert "Joined 239.1.0.0:6666 and 99 more on eth0." in frame.notices
        await frame.press("f5", "f5")
        await frame.until(lambda: "▸ 239.1.0.99:6666" in frame.text, "the last group in view")
        assert len(frame.app.screen.query("#groups *")) == 0


async def test_the_same_group_on_two_interfaces_is_told_apart(make_lab) -> None:
    lab = make_lab(2, lans=2)
    async with frame_on(lab.host(1), "224.1.0.1%eth0", "224.1.0.1%eth1") as frame:
        await frame.until(lambda: "224.1.0.1%eth0:6666" in frame.text, "the first")
        assert "224.1.0.1%eth1:6666" in frame.text


@pytest.mark.own_lab
async def test_a_membership_lost_with_its_interface_is_called_lost_and_never_held(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with frame_on(host1, "224.1.0.1", size=(170, 40)) as frame:
        frame.stage.desk.selected.joined_at -= 60 * 10**9
        await frame.until(lambda: "the membership is held; silence so far" in frame.text, "the silence")
        host1.run(["ip", "link", "delete", "eth0"])
        await frame.until(lambda: "not a member any more - joined again once" in frame.text, "the loss")
        assert "the membership is held" not in frame.text
        monkeypatch.setattr(kernel, "read_memberships", unreadable)
        await frame.until(lambda: "membership not read" in frame.text, "the unknown")
        await frame.until(lambda: "not a member" not in frame.text, "no claim that it is none")


def unreadable() -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


async def test_unreadable_tables_are_unknown_and_harm_nothing(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        monkeypatch.setattr(kernel, "read_memberships", unreadable)
        await frame.enter("/join 224.1.0.2")
        await frame.joined(2)
        await frame.until(lambda: frame.text.count("membership not read") == 2, "the unknown")


async def test_a_run_of_groups_is_drawn_once_and_not_once_a_group(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        told: list[int] = []
        take_events = frame.stage.take_events

        def count(events) -> None:
            told.append(len(events))
            take_events(events)

        monkeypatch.setattr(frame.stage, "take_events", count)
        await frame.enter("/join 239.1.0.0+49")
        await frame.joined(51)
        # Each group, the run of them on the timeline, and what joining them did.
        await frame.until(lambda: 52 in told, "all at once")


async def test_a_long_name_of_a_group_keeps_its_port_apart_from_the_number_of_peers(host1: Host) -> None:
    async with frame_on(host1, "fd00:10::2,[ff35::42]:6667") as frame:
        await frame.until(lambda: "PEERS on" in frame.text, "the heading")
        heading = next(row for row in frame.text.splitlines() if "PEERS on" in row)[:36]
        assert "…" in heading
        assert heading.rstrip().endswith(":6667 0")


async def test_a_long_number_of_unread_lines_keeps_apart_from_the_rate(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        groups = frame.stage.sidebar.groups
        total = GroupEntry(0, "All traffic", None)
        groups.show(total, [1], lambda _: GroupEntry(1, "224.1.0.1:6666", 123_400.0, unread=12_345), 0)
        assert str(groups.row(1)).endswith("123k •99+")
        groups.show(total, [1], lambda _: GroupEntry(1, "224.1.0.1:6666", 123_400.0, unread=99), 0)
        assert str(groups.row(1)).endswith("123k  •99")


async def test_a_list_in_which_nothing_changed_is_not_drawn_again(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        quiet = "▁" * SPARK_WIDTH + " users 1 EXCLUDE{}"
        await frame.until(lambda: quiet in frame.text, "a history in which nothing happened")
        groups = frame.stage.sidebar.groups
        drawn: list[int] = []
        draw = groups.render_line
        monkeypatch.setattr(groups, "render_line", lambda y: (drawn.append(y), draw(y))[1])

        frame.stage.show_rates()
        await frame.pilot.pause()
        assert drawn == []

        groups.show(GroupEntry(0, "All that comes", None), (), groups._entry_of, 0)
        await frame.pilot.pause()
        assert 0 in drawn
