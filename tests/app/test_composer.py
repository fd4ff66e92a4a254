"""The input line: target, counter, drafts, history, completion, pastes - and no text is ever lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import UsageError
from mcast_tui.services import request, saying
from mcast_tui.services.chat import LineState
from mcast_tui.services.target import MOST_LINES
from tests.app.frame import frame_on
from tests.peers import socat_peer

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

pytestmark = pytest.mark.usefixtures("shared_lab")


async def test_the_counter_counts_bytes_with_the_newline_and_warns_of_fragments(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.type("hei")
        assert frame.counter == "4/1472 B"
        frame.stage.composer.write("ü" * 735 + "x")
        await frame.pilot.pause()
        assert frame.counter == "1472/1472 B"
        frame.stage.composer.write("ü" * 736)
        await frame.pilot.pause()
        assert frame.counter == "1473/65507 B fragments"
        assert frame.app.main.query_one("#counter").has_class("-fragments")
        frame.stage.composer.write("/join 224.1.0.1")
        await frame.pilot.pause()
        assert frame.counter == ""


async def test_over_ipv6_the_counter_knows_ipv6_s_numbers(host1: Host) -> None:
    async with frame_on(host1, "[ff15::42]:6666") as frame:
        frame.stage.composer.write("x" * 1451)
        await frame.pilot.pause()
        assert frame.counter == "1452/1452 B"
        assert "hops 1" in frame.chip
        frame.stage.composer.write("x" * 65_527)
        await frame.pilot.pause()
        assert frame.counter == "65528/65527 B too long"


async def test_a_text_no_datagram_can_carry_is_refused_and_stays(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        text = "x" * 70_000
        await frame.paste(text)
        assert frame.counter == "70001/65507 B too long"
        await frame.press("enter")
        await frame.until(lambda: frame.notices[1:], "a refusal")
        assert "at most 65 507" in frame.notices[-1]
        assert frame.line == text
        assert not frame.node.chat.lines(1)


async def test_a_target_that_reaches_further_turns_amber(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        chip = frame.app.main.query_one("#chip")
        assert chip.has_class("-plain")
        await frame.enter("/ttl 16")
        await frame.until(lambda: chip.has_class("-caution"), "amber")
        assert frame.chip == "▲ → 224.1.0.1:6666 eth0 ttl 16 loop"
        assert "It may pass 15 routers" in frame.notices[-1]
        await frame.enter("/ttl 1")
        await frame.until(lambda: chip.has_class("-plain"), "plain again")


async def test_each_group_keeps_its_draft_and_its_ttl(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2") as frame:
        await frame.enter("/ttl 5")
        await frame.until(lambda: "ttl 5" in frame.chip, "the ttl")
        await frame.type("for one")
        await frame.press("f6")
        assert frame.line == ""
        assert "ttl 1 " in frame.chip
        await frame.type("for two")
        await frame.press("f5")
        assert frame.line == "for one"
        assert "ttl 5 " in frame.chip
        await frame.press("f6")
        assert frame.line == "for two"


async def test_up_walks_the_history_and_down_comes_back_to_the_draft(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.enter("one")
        await frame.enter("two")
        await frame.type("thr")
        await frame.press("up")
        assert frame.line == "two"
        await frame.press("up", "up")
        assert frame.line == "one"
        await frame.press("down", "down")
        assert frame.line == "thr"


async def test_ctrl_r_searches_the_history_and_enter_takes_without_sending(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.enter("find me")
        await frame.enter("not this")
        await frame.until(lambda: len(frame.node.chat.lines(1)) == 2, "both lines")
        await frame.press("ctrl+r")
        await frame.type("me")
        await frame.until(lambda: "find me" in frame.text, "the find")
        await frame.press("enter")
        assert frame.line == "find me"
        assert len(frame.node.chat.lines(1)) == 2
        await frame.press("ctrl+r", "escape")
        assert not frame.stage.suggestions.is_open


async def test_tab_completes_and_again_goes_to_the_next(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2") as frame:
        await frame.type("/l")
        assert frame.stage.suggestions.is_open
        await frame.press("tab")
        assert frame.line == "/leave"
        await frame.press("tab")
        assert frame.line == "/loop"
        await frame.press("tab")
        assert frame.line == "/leave"
        await frame.press("shift+tab")
        assert frame.line == "/loop"


async def test_the_only_candidate_is_completed_with_a_space_for_the_next_word(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.type("/jo")
        await frame.press("tab")
        assert frame.line == "/join "
        await frame.type("239")
        await frame.press("tab")
        assert frame.line == "/join 239.255.255.250:1900 "
        await frame.press("tab", "tab")
        assert frame.line == "/join 239.255.255.250:1900 from"


async def test_tab_on_an_empty_line_moves_the_focus_and_escape_closes_the_popup_first(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.type("/")
        await frame.press("escape")
        assert not frame.stage.suggestions.is_open
        assert frame.app.focused is frame.stage.composer.input
        await frame.press("backspace", "tab")
        assert frame.app.focused is not frame.stage.composer.input


async def test_a_paste_of_lines_asks_and_y_sends_each_as_a_datagram(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1") as frame:
        with socat_peer(lab.host(2)) as peer:
            await frame.paste("one\rtwo\r\rfour\r")
            assert "Send 4 datagrams?" in frame.text
            assert not frame.node.chat.lines(1)
            await frame.press("y")
            assert await peer.will_hear("four")
            assert peer.lines[-4:] == ["one", "two", "", "four"]
    assert "4 of 4 datagrams sent." in frame.notices


async def test_o_sends_the_paste_as_one_datagram_and_n_nothing(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1") as frame:
        await frame.paste("one\ntwo")
        await frame.press("n")
        assert frame.app.focused is frame.stage.composer.input
        await frame.paste("one\ntwo")
        await frame.press("o")
        await frame.until(lambda: frame.node.ring.head, "the datagram")
        packet = frame.node.ring.packet(0)
        assert packet is not None
        assert packet.payload == b"one\ntwo"
        assert frame.node.ring.head == 1


async def test_five_hundred_pasted_lines_all_arrive_in_order(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1") as frame:
        with socat_peer(lab.host(2)) as peer:
            await frame.paste("\n".join(f"line {number:03}" for number in range(500)))
            assert "Send 500 datagrams?" in frame.text
            await frame.press("y")
            assert await peer.will_hear("line 499")
            assert peer.lines == [f"line {number:03}" for number in range(500)]


async def test_ctrl_c_stops_a_paste_and_what_is_left_is_asked_about_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saying, "PACE_S", 0.05)  # so that it lasts until the key is pressed
    async with frame_on(lab.host(1), "224.1.0.1") as frame:
        await frame.paste("\n".join(f"line {number:03}" for number in range(500)))
        await frame.press("y")
        await frame.until(lambda: "/500" in frame.counter, "the progress")
        await frame.press("ctrl+c")
        await frame.until(lambda: "Stopped" in frame.notices[-1], "the stop")
        sent = int(frame.notices[-1].split(", ")[1].split(" ")[0])
        await frame.until(lambda: f"Send {500 - sent} datagrams?" in frame.text, "the question")
        assert frame.app.is_running


async def test_who_goes_to_the_input_line_while_a_screen_is_laid_out_stays_there(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        for tab in ("chat", "membership", "packets"):
            frame.app.main.action_show_tab(tab)
            frame.app.main.action_type()
            await frame.pilot.pause()
            assert frame.stage.composer.input.has_focus, tab
            await frame.press("escape")


async def test_keys_that_lead_to_the_input_line_lead_back_to_a_paste_that_waits_for_its_answer(
    host1: Host,
) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.paste("one\ntwo")
        await frame.press("tab", "i", "n")
        await frame.until(lambda: "Send 2 datagrams?" not in frame.text, "the question to be gone")
        await frame.paste("three\nfour")
        await frame.press("tab", "escape")
        await frame.until(lambda: "Send 2 datagrams?" not in frame.text, "the question to be gone")
        await frame.enter("still here")
        await frame.until(lambda: "still here" in frame.text, "what was typed afterwards")
        assert [line.text for line in frame.node.chat.lines(1)] == ["still here"]


async def test_leaving_the_search_puts_back_what_was_being_typed(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.enter("sent before")
        await frame.type("half a line")
        await frame.press("ctrl+r", "x", "escape")
        assert frame.line == "half a line"


@pytest.mark.own_lab
async def test_a_paste_that_fails_midway_keeps_the_lines_that_were_not_sent(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saying, "PACE_S", 0.02)  # so that midway lasts long enough to be met
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.paste("\n".join(f"line {number:03}" for number in range(400)))
        await frame.press("y")
        await frame.until(lambda: len(frame.node.chat.lines(1)) > 5, "some lines")
        host1.run(["ip", "link", "set", "eth0", "down"])
        await frame.until(lambda: "of 400 datagrams sent" in frame.notices[-1], "the failure")
        sent = sum(line.state is not LineState.FAILED for line in frame.node.chat.lines(1))
        assert f"{sent} of 400 datagrams sent" in frame.notices[-1]
        await frame.until(lambda: f"Send {400 - sent} datagrams?" in frame.text, "the question")


async def test_a_pasted_escape_never_reaches_the_field_and_that_is_said(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.paste("a\x1b]0;x\x07b\u202e")
        assert frame.line == "a]0;xb"
        assert frame.notices[-1].startswith("3 characters of the paste were left out")


@pytest.mark.parametrize("size", [(120, 40), (40, 12)])
async def test_a_line_of_any_width_can_be_typed_and_sent(host1: Host, size) -> None:
    async with frame_on(host1, "224.1.0.1", size=size) as frame:
        await frame.paste("世界" * 100)
        await frame.press("enter")
        await frame.until(lambda: frame.node.chat.lines(1), "the line")
        assert frame.node.chat.lines(1)[0].text == "世界" * 100


async def test_a_line_goes_where_it_was_entered_for_though_another_group_is_selected_by_its_turn(
    host1: Host,
) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2") as frame:
        async with frame.stage.actions._in_order:  # as while a paste is being sent
            await frame.enter("for the first")
            await frame.enter("/ttl 9")
            await frame.press("f6")
            assert frame.stage.desk.selected.label == "224.1.0.2:6666"
        await frame.until(lambda: "TTL 9 to 224.1.0.1:6666." in frame.notices[-1], "the ttl")
        assert [line.text for line in frame.node.chat.lines(1)] == ["for the first"]
        assert not frame.node.chat.lines(2)
        assert "ttl 1 " in frame.chip


async def test_a_line_that_failed_goes_back_to_the_draft_of_the_group_it_was_for(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2") as frame:
        async with frame.stage.actions._in_order:  # as while a paste is being sent
            await frame.enter("/loop off")
            await frame.enter("/if nosuch0")
            await frame.press("f6")
            assert frame.line == ""
        await frame.until(lambda: "nosuch0" in frame.notices[-1], "the refusal")
        assert frame.line == ""
        await frame.press("f5")
        assert frame.line == "/if nosuch0"


async def test_what_was_entered_for_a_group_that_is_left_by_its_turn_is_refused(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2") as frame:
        async with frame.stage.actions._in_order:
            await frame.press("L")
            await frame.press("L")
            await frame.enter("too late")
        await frame.until(
            lambda: sum("224.1.0.1:6666 was left meanwhile" in each for each in frame.notices) == 2,
            "refusals",
        )
        assert frame.groups == ["224.1.0.2:6666"]
        assert not frame.node.chat.lines(2)
        assert frame.line == ""


async def test_more_lines_than_can_be_sent_one_by_one_in_reasonable_time_are_not(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.paste("\n".join("x" * (MOST_LINES + 1)))
        await frame.until(lambda: "5 001 lines; at most 5 000 are sent one by one" in frame.text, "the limit")
        await frame.press("y")
        assert frame.stage.composer.is_asking
        await frame.press("n")
        await frame.stage.actions.send_lines(["x"] * (MOST_LINES + 1))
        assert "0 of 5 001 datagrams sent" in frame.notices[-1]
        assert isinstance(frame.stage.actions.last_error, UsageError)
        assert not frame.node.chat.lines(1)


async def test_the_last_error_is_that_of_the_latest_request(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        doing = frame.stage.actions
        assert doing.understand("/ttl many") is None
        assert isinstance(doing.last_error, UsageError)
        assert await doing.perform(request.SetHopLimit(2))
        assert doing.last_error is None
        assert not await doing.perform(request.SetInterface("nosuch0"))
        assert "nosuch0" in str(doing.last_error)


async def test_a_refused_line_stays_out_of_the_field_when_another_has_followed_it(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        line = frame.stage.composer.input
        line.focus()
        for text in ("/hex zz", "/ttl 3"):  # both are entered before either is looked at
            line.value = text
            await line.action_submit()
        await frame.until(lambda: any("hexadecimal" in said for said in frame.notices), "the refusal")
        await frame.until(
            lambda: frame.stage.desk.options(frame.stage.desk.selected).hop_limit == 3, "the TTL"
        )
        assert line.value == ""
        await frame.press("up", "up")
        assert line.value == "/hex zz"


async def test_ctrl_u_takes_a_refused_line_away_as_a_shell_does(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.enter("/join 224.1.0.2 on eth0")  # the word at fault is selected
        await frame.until(lambda: not frame.stage.composer.input.selection.is_empty, "the selected word")
        await frame.press("end", "ctrl+u")
        assert frame.stage.composer.input.value == ""
        await frame.enter("/hex zz")
        await frame.until(lambda: not frame.stage.composer.input.selection.is_empty, "the selected word")
        await frame.press("ctrl+u")
        assert frame.stage.composer.input.value == ""


async def test_the_empty_field_says_what_belongs_there(host1: Host) -> None:
    async with frame_on(host1) as frame:
        await frame.until(lambda: "address or /command" in frame.text, "the hint of the start page")
        await frame.enter("224.1.0.1")
        await frame.joined()
        await frame.until(lambda: "message or /command" in frame.text, "the hint of a group")
