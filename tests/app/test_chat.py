"""Talking with real socat peers through the app, and seeing what everybody said for what it is."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from textual.app import App

from mcast_tui.app.chat_layout import rows_of
from mcast_tui.app.palette import UNICODE
from mcast_tui.app.widgets import chat_view
from mcast_tui.app.widgets.chat_view import LINES_AT_ONCE, ChatView
from mcast_tui.services.chat import DirectRows, Line, LineState, Pane
from mcast_tui.wire.columns import Addressed
from tests.app.frame import frame_on
from tests.peers import socat, socat_peer, tcpdump_on
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

pytestmark = pytest.mark.usefixtures("shared_lab")


async def test_a_line_goes_to_every_socat_as_text_and_newline_and_theirs_are_shown(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1") as frame:
        with (
            socat_peer(lab.host(2)) as two,
            socat_peer(lab.host(3)) as three,
            tcpdump_on(lab.host(3)) as wire,
        ):
            await frame.press("2")
            await frame.enter("who is on 6666?")
            assert await two.will_hear("who is on 6666?")
            assert await three.will_hear("who is on 6666?")
            two.say("me, host2")
            assert await three.will_hear("me, host2")
            await frame.until(lambda: "me, host2" in frame.text, "the answer")
            [ours] = [each for each in await wire.will_see(2) if each.source == lab.host(1).address4]
    assert (ours.payload, ours.hop_limit, ours.source_port) == (b"who is on 6666?\n", 1, 6666)


async def test_our_line_is_shown_as_heard_once_it_came_back_and_as_sent_without_loop(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.press("2")
        await frame.enter("with an echo")
        await frame.until(lambda: "✓ looped" in frame.text, "the mark")
        await frame.enter("/loop off")
        await frame.enter("without")
        await frame.until(
            lambda: (
                [(line.text, line.state) for line in frame.node.chat.lines(1)][1:]
                == [("without", LineState.SENT)]
            ),
            "the line, sent",
        )
        assert "no loop" in frame.chip


@pytest.mark.own_lab
async def test_a_line_that_cannot_be_sent_says_why_and_is_given_back(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        host1.run(["ip", "link", "set", "eth0", "down"])
        await frame.press("2")
        await frame.enter("into the dark")
        await frame.until(lambda: "not sent" in frame.text, "the failure")
        await frame.until(lambda: frame.line == "into the dark", "the line again")
        assert frame.notices[-1].startswith("Cannot send")


async def test_escapes_and_markup_are_shown_and_never_run(host1: Host, host2: Host) -> None:
    hostile = b"\x1b]0;pwned\x07[@click=app.quit]free beer[/] lol [/nope] \xe2\x80\xaeright"
    async with frame_on(host1, "224.1.0.1", size=(170, 40)) as frame:
        send_from(host2, hostile)
        for tab in "21":
            await frame.press(tab)
            await frame.until(lambda: "␛]0;pwned␇[@click" in frame.text, "the text")
            assert "escapes shown, not run" in frame.text  # in the chat, beside the log at this width
            assert "\x1b" not in frame.text
            assert "\u202e" not in frame.text
        assert frame.app.is_running


async def test_unread_lines_are_counted_marked_and_read_by_looking(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.press("2")
        send_from(host2, b"seen\n")
        await frame.until(lambda: "seen" in frame.text, "the first line")
        await frame.press("1")
        send_from(host2, b"one\n", b"two\n")
        await frame.until(lambda: "2 Chat •2" in frame.text, "the unread mark")
        await frame.press("2")
        await frame.until(lambda: "─ 2 new ─" in frame.text, "the separator")
        await frame.until(lambda: "Chat •" not in frame.text, "the mark to go")


async def test_the_divider_stands_before_the_first_unread_line_and_counts_what_the_badge_counts(
    host1: Host, host2: Host
) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.press("2")
        send_from(host2, b"seen\n")
        await frame.until(lambda: "seen" in frame.text, "the first line")
        await frame.press("1")
        send_from(host2, b"\xff\x00\xfe")  # counted by no badge
        send_from(host2, b"unread one\n")
        send_from(host2, b"\xff\x00\xfe\xfd")
        send_from(host2, b"unread two\n")
        await frame.until(lambda: "2 Chat •2" in frame.text, "the unread mark")
        await frame.enter("mine")
        await frame.until(lambda: len(frame.node.chat.lines(1)) == 6, "our own line")
        await frame.press("escape", "2")
        await frame.until(lambda: " new ─" in frame.text, "the divider")
        await frame.until(lambda: "looped" in frame.text, "our own line")
        send_from(host2, b"while it is looked at\n")
        await frame.until(lambda: "while it is" in frame.text, "a line that never was unread")
        rows = ["seen", "3 bytes", "─ 2 new ─", "unread one", "4 bytes", "unread two", "mine", "while it is"]
        said = [next((words for words in rows if words in row), None) for row in frame.text.splitlines()]
        assert [words for words in said if words] == rows


async def test_scrolling_up_holds_the_view_and_the_pill_leads_back(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(120, 24)) as frame:
        await frame.press("2")
        send_from(host2, *(f"line {number:03}\n".encode() for number in range(60)))
        await frame.until(lambda: "line 059" in frame.text, "the last line")
        view = frame.stage.chat.view
        view.focus()
        await frame.press("pageup", "pageup")
        await frame.until(lambda: not view.is_following, "the stop")
        chat = lambda: [row[36:] for row in frame.text.splitlines()[3:18]]  # noqa: E731
        before = chat()
        assert any("line 0" in row for row in before)
        send_from(host2, *(f"line {number:03}\n".encode() for number in range(60, 90)))
        await frame.until(lambda: "30 new lines - End to follow" in frame.text, "the pill")
        assert [row.rstrip(" ▁▂▃▄▅▆▇█") for row in chat()] == [row.rstrip(" ▁▂▃▄▅▆▇█") for row in before]
        await frame.press("end")
        await frame.until(lambda: "line 089" in frame.text, "the newest")
        assert view.is_following


async def test_one_group_s_chat_never_shows_another_s(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1", "224.1.0.2") as frame:
        await frame.press("2")
        send_from(lab.host(2), b"for one\n")
        send_from(lab.host(2), b"for two\n", group="224.1.0.2")
        await frame.until(lambda: "for one" in frame.text, "the first group's line")
        assert "for two" not in frame.text
        await frame.press("f6")
        await frame.until(lambda: "for two" in frame.text, "the second group's line")
        assert "for one" not in frame.text


async def test_unicast_is_shown_beside_the_groups_and_answers_go_to_the_one(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1") as frame:
        with socat(lab.host(2), "-", f"UDP4-DATAGRAM:{lab.host(1).address4}:6666,bind=:7777") as peer:
            peer.say("psst")
            await frame.press("f5", "2")
            await frame.until(lambda: "[to you only] psst" in frame.text, "the unicast line")
            await frame.press("1")
            await frame.until(lambda: "psst" in frame.text, "the packet")
            await frame.press("up", "r")
            await frame.until(lambda: "only → 192.168.10.2:7777" in frame.chip, "the reply target")
            await frame.enter("got it")
            assert await peer.will_hear("got it")
            await frame.press("escape")
            assert frame.chip == "choose a group"
            await frame.press("escape", "2")
            await frame.until(lambda: "[to 192.168.10.2:7777 only] got it" in frame.text, "our answer")


async def test_broadcast_is_labelled_and_its_target_cautions(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "broadcast") as frame:
        await frame.press("2")
        with socat(host2, "-u", "-", "UDP4-DATAGRAM:192.168.10.255:6666,broadcast") as peer:
            peer.say("to all")
            await frame.until(lambda: "[broadcast] to all" in frame.text, "the broadcast")
        assert frame.chip.startswith("▲ → broadcast:6666")


async def test_lines_that_come_faster_than_anybody_reads_are_counted_as_skipped(
    host1: Host, host2: Host
) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.press("2")
        send_from(host2, *(b"flood %d\n" % number for number in range(2000)))
        await frame.until(lambda: frame.node.chat.skipped() > 0, "a skip")
        await frame.until(lambda: "skipped: too fast to read; see Packets" in frame.text, "the note")


async def test_an_empty_chat_says_how_a_peer_joins_in(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(150, 40)) as frame:
        await frame.press("2")
        await frame.until(
            lambda: "Nobody has said anything on 224.1.0.1:6666 yet." in frame.text, "the words"
        )
        assert "socat STDIO UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666" in frame.text
        assert "Anyone on this LAN can read and forge these messages." in frame.text


class ViewApp(App[None]):
    """A `ChatView` alone on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.view = ChatView(UNICODE)

    def compose(self) -> ComposeResult:
        yield self.view


def add_line(pane: Pane, text: str, source: str = "192.168.10.3") -> None:
    pane.add(
        Line(
            at=0,
            source=ip_address(source),
            source_port=6666,
            destination=None,
            destination_port=6666,
            text=text,
            state=LineState.RECEIVED,
            addressed=Addressed.MULTICAST,
        )
    )


async def test_of_another_pane_the_newest_lines_are_laid_out_first_and_the_others_frame_by_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pane = Pane(DirectRows())
    for number in range(500):
        add_line(pane, f"line {number}")
    laid_out: list[int] = []

    def noted(line: Line, number: int, *rest: object) -> object:
        laid_out.append(number)
        return rows_of(line, number, *rest)

    app = ViewApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.view.show(pane)
        while app.view.row_count < 500:
            await pilot.pause()
        monkeypatch.setattr(chat_view, "rows_of", noted)
        app.view.show(pane)
        assert laid_out == list(range(500 - LINES_AT_ONCE, 500))
        assert app.view.row(app.view.row_count - 1).plain.rstrip().endswith("line 499")
        while app.view.row_count < 500:
            await pilot.pause()
        assert app.view.row(0).plain.rstrip().endswith("line 0")
        assert sorted(laid_out) == list(range(500))
        assert all(later == one + 1 for one, later in pairwise(laid_out) if (one + 1) % LINES_AT_ONCE)
        assert app.view.scroll_offset.y == app.view.max_scroll_y


async def test_a_reader_further_up_keeps_his_line_while_the_chat_is_laid_out_anew() -> None:
    pane = Pane(DirectRows())
    for number in range(300):
        add_line(pane, f"line {number}")
    app = ViewApp()
    async with app.run_test(size=(100, 20)) as pilot:
        app.view.show(pane)
        while app.view.row_count < 300:
            await pilot.pause()
        app.view.scroll_to(y=120, animate=False, immediate=True)
        assert not app.view.is_following
        add_line(pane, "from afar", "fd00:1234:5678:9abc:def0:1234:5678:9abc")
        app.view.update_lines()
        while app.view.row_count < 301:
            await pilot.pause()
        top = app.view.row(app.view.scroll_offset.y).plain
        assert top.rstrip().endswith("line 120")


async def test_a_sender_s_column_that_grew_does_not_shrink_again_and_lay_everything_out_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pane = Pane(DirectRows())
    add_line(pane, "long", "fd00:1234:5678:9abc:def0:1234:5678:9abc")
    laid_out: list[int] = []

    def noted(line: Line, number: int, *rest: object) -> object:
        laid_out.append(number)
        return rows_of(line, number, *rest)

    app = ViewApp()
    async with app.run_test(size=(100, 20)):
        app.view.show(pane)
        monkeypatch.setattr(chat_view, "rows_of", noted)
        for number in range(1, 1200):
            add_line(pane, f"short {number}", f"10.0.0.{number % 200}")
            if number % 100 == 99:
                app.view.update_lines()
        assert laid_out == list(range(1, 1200))
