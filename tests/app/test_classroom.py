"""The classroom as a person uses it: keys change a real LAN, lessons play on it, and it goes with the app."""

from __future__ import annotations

import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from textual.binding import Binding

from mcast_tui.app.classroom import pace
from mcast_tui.app.classroom.app import ClassroomApp
from mcast_tui.app.classroom.screen import ClassroomScreen
from mcast_tui.app.widgets.footer import SHOWN
from mcast_tui.errors import PermissionRefused
from mcast_tui.services.lab.classroom import lectern as classroom_lectern
from mcast_tui.services.lab.classroom.lessons import find_scenario
from mcast_tui.services.lab.classroom.live_lan import LanPlan
from mcast_tui.services.lab.classroom.runner import Runner
from tests.app.screen import Screen
from tests.lab.test_lessons import WRONG
from tests.lab.test_nothing_left import (
    FORBID_USER_NAMESPACES,
    UNPRIVILEGED,
    await_end,
    living_of,
    still_there,
)
from tests.peers import PATIENCE_S, requires, wait_until
from tests.pty_app import COMMAND, CTRL_C, CTRL_Q, PtyApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from mcast_tui.services.lab.classroom.lectern import Lectern
    from mcast_tui.services.lab.classroom.picture import Picture
    from mcast_tui.services.lab.classroom.scenario import Scenario
    from mcast_tui.services.lab.host import Host

NAMES = {" ": "space", ":": "colon", ".": "full_stop", ",": "comma", "%": "percent_sign"}
SIZES = [(1, 1), (2, 2), (200, 50), (3, 40), (80, 24), (200, 3), (40, 12), (120, 40), (110, 12), (160, 29)]


@pytest.fixture(autouse=True)
def keys_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a key wait for what was asked before it as long as tests wait for anything."""
    monkeypatch.setattr(classroom_lectern, "BUSY_S", PATIENCE_S)


@dataclass
class Classroom(Screen):
    """The app over a LAN."""

    app: ClassroomApp

    @property
    def lectern(self) -> Lectern:
        return self.app.classroom._lectern

    @property
    def told(self) -> list[str]:
        return [" ".join(part for part in (each.what, each.fix) if part) for each in self.lectern.news]

    async def answer(self, key: str, text: str) -> None:
        """Press a key that asks, and answer in place of what is offered."""
        line, field = self.app.classroom.ask_line, self.app.classroom.ask_line.input
        await self.until(lambda: not line.is_open, "the end of the question before")
        await self.press(key)
        await self.until(lambda: field.has_focus, "the question")
        field.value = text
        await self.press("enter")

    async def until_seen(self, condition: Callable[[Picture], object], what: str = "it") -> None:
        """Wait until this holds of a picture of the LAN that the test itself takes."""

        async def is_seen() -> object:
            return condition(await self.lectern._lan.look())

        await self.until(is_seen, what)

    async def step(self) -> None:
        """Do the next step of the lesson and wait for what it expects."""
        done = len(self.lectern.lesson.results)
        await self.press("space")
        await self.until(lambda: len(self.lectern.lesson.results) == done + 1, "the step")


@asynccontextmanager
async def classroom(
    scenario: Scenario | None = None, *, size: tuple[int, int] = (120, 40), **plan: object
) -> AsyncIterator[Classroom]:
    app = ClassroomApp(LanPlan(**{"hosts": 3, **plan}), scenario)
    async with app.run_test(size=size) as pilot:
        room = Classroom(app, pilot)
        await room.until(
            lambda: isinstance(app.screen, ClassroomScreen) and room.lectern.scene, "the picture"
        )
        yield room


# -- free play -----------------------------------------------------------------------------------------------


async def test_keys_do_to_the_marked_host_and_the_switch_what_they_say() -> None:
    async with classroom() as room:
        await room.press("s")
        await room.until(lambda: room.app.classroom.ask_line.is_open, "the question")
        await room.press("enter")  # takes what is offered
        await room.until_seen(lambda now: any(state.sent for state in now.senders.values()), "a packet sent")
        await room.press("2", "j")
        await room.until(lambda: "host1 sends to it" in room.text, "what is worth joining")
        await room.press("enter")
        await room.until_seen(
            lambda now: any(state.heard for state in now.members.values()), "a packet heard"
        )
        before = await room.lectern._lan.look()
        assert before.host(2).users(next(iter(before.members.values())).member.group, "eth0") == 1
        await room.until_seen(
            lambda now: now.link(3, 0).counters.bytes_out > before.link(3, 0).counters.bytes_out + 5_000,
            "flooding to host 3",
        )
        await room.press("n", "Q")
        await room.until_seen(lambda now: now.switches[0].snooping and now.switches[0].querier, "snooping")
        await room.until_seen(lambda now: {each.port for each in now.switches[0].entries} >= {"lan0port2"})
        listed = "switch: lists (*,239.1.2.3) at port 2"
        await room.until(lambda: any(what.startswith(listed) for what in room.told), "word of the entry")
        await room.press("right", "c")
        await room.until_seen(lambda now: not now.link(3, 0).counters.is_up, "the pulled cable")
        await room.press("c")
        await room.until_seen(lambda now: now.link(3, 0).counters.is_up, "the plugged cable")
        await room.press("r", "v")
        await room.until_seen(lambda now: now.host(3).settings["eth0"].rp_filter == 1, "rp_filter")
        await room.until_seen(lambda now: now.host(3).settings["eth0"].force_igmp_version == 2, "IGMPv2")
        await room.answer("d", "40 %")
        await room.until_seen(lambda now: now.link(3, 0).loss_percent == 40, "the loss")
        await room.until(lambda: "drops 40%" in room.text and "rp_filter strict" in room.text, "the faults")
        await room.press("left", "l")
        await room.until_seen(lambda now: not now.members, "the leave")
        await room.press("Q")
        await room.until_seen(lambda now: now.switches[0].igmp_version == 2, "IGMPv2 of the querier")
        await room.press("1", "s")
        await room.until_seen(lambda now: not now.senders, "the stop")
        assert "you: the cable of host 3 is plugged in" in room.told


async def test_an_answer_that_is_wrong_is_refused_at_once_and_kept_to_be_mended() -> None:
    async with classroom() as room:
        field = room.app.classroom.ask_line.input
        await room.answer("j", "239.1.2.300")
        await room.until(lambda: "239.1.2.300" in " ".join(room.told), "the refusal")
        assert field.value == "239.1.2.300"
        await room.until(lambda: field.has_focus, "the field")
        field.value = "239.1.2.30"
        await room.press("enter")
        await room.until_seen(lambda now: now.members, "the join")
        await room.until(lambda: not room.app.classroom.ask_line.is_open, "the end of the question")
        await room.press("2", "l")
        await room.until(lambda: "it is a member of none. j joins one." in " ".join(room.told), "why not")
        await room.press("7")
        await room.until(lambda: "There is no host 7." in room.told, "why not")
        await room.press("d", "escape")
        assert not room.app.classroom.ask_line.is_open
        await room.press("right")
        assert room.lectern.selected == 3


async def test_tab_and_arrows_write_what_could_be_meant_and_letters_are_no_keys_meanwhile() -> None:
    async with classroom() as room:
        field = room.app.classroom.ask_line.input
        await room.press("j")
        await room.until(lambda: field.value == "239.1.2.3", "what is offered")
        await room.press("tab")
        assert field.value == "232.1.1.1"
        await room.press("down")
        assert field.value == "224.0.0.251:5353"
        await room.press("ctrl+u")
        await room.until(lambda: not field.value, "an empty field")
        await room.press("b", "r", "tab")
        assert field.value == "broadcast"
        assert room.lectern.selected == 1
        await room.press("enter")
        await room.until_seen(lambda now: now.members, "the member")
        await room.until(lambda: "hears port 5000" in room.text, "the member on the picture")


async def test_a_host_on_two_lans_is_asked_about_its_cable_and_one_with_two_groups_about_the_group() -> None:
    async with classroom(hosts=3, lans=((1, 2), (2, 3))) as room:
        await room.answer("j", "239.1.2.3")  # host 1
        await room.answer("j", "239.1.2.4")
        await room.until_seen(lambda now: len(now.members) == 2, "two members")
        await room.until(lambda: room.text.count("joined 239.1.2.") == 2, "them on the picture")
        await room.answer("l", "(*,239.1.2.3):5000")
        await room.until_seen(
            lambda now: [each.member.group.packed[3] for each in now.members.values()] == [4]
        )
        await room.press("2")
        await room.answer("c", "eth1")
        await room.until_seen(lambda now: not now.link(2, 1).counters.is_up, "the cable on LAN 1")
        assert (await room.lectern._lan.look()).link(2, 0).counters.is_up
        await room.until(lambda: "switch br1" in room.text, "the second switch")


async def test_the_source_that_is_offered_is_that_of_the_lan_it_is_sent_on() -> None:
    async with classroom(hosts=2, lans=((1, 2), (1, 2))) as room:
        await room.answer("s", "239.1.2.3%eth1")
        await room.until_seen(lambda now: now.senders, "the sender")
        await room.press("2", "j")
        await room.until(lambda: "192.168.11.1,239.1.2.3" in room.text, "its address there")


async def test_a_click_marks_a_host_plays_a_lesson_and_does_what_a_key_of_the_footer_does() -> None:
    async with classroom() as room:
        board = room.app.classroom.board
        area = board._board.hosts[3]
        await room.pilot.click("#board", offset=(area.x + 2, area.y + 1))
        await room.until(lambda: room.lectern.selected == 3, "the mark")
        footer = room.text.splitlines()[-1]
        await room.pilot.click("#footer", offset=(footer.index("n snoop"), 0))
        await room.until_seen(lambda now: now.switches[0].snooping, "snooping")
        await room.pilot.click("#lesson", offset=(8, 3))
        await room.pilot.click("#lesson", offset=(8, 3))
        await room.until(lambda: room.lectern.lesson is not None, "a lesson")


async def test_any_size_and_back_leaves_the_classroom_as_it_was() -> None:
    async with classroom(find_scenario("flooding")) as room:
        await room.step()
        for width, height in SIZES:
            await room.pilot.resize_terminal(width, height)
            await room.pilot.pause()
            rows = room.text.splitlines()
            assert len(rows) == height
        for width, height in ((80, 24), (120, 40), (200, 50)):
            await room.pilot.resize_terminal(width, height)
            await room.until(lambda: all(f"host{n} " in room.text for n in (1, 2, 3)), "every host")
            assert "A stream, and nobody who wants it" in room.text
            assert "switch br0" in room.text


async def test_on_a_small_screen_the_last_event_and_all_of_the_list_are_within_reach() -> None:
    async with classroom(size=(80, 24)) as room:
        await room.until(lambda: "✓ a LAN of 3 hosts is up" in room.text, "the last event")
        await room.press("n")
        await room.until(lambda: "you: the switch snoops" in room.text, "the next one")
        await room.press(*["down"] * 24)
        await room.until(lambda: "drop a part of its packets" in room.text, "the end of the list")
        await room.press("up")
        await room.until(lambda: "▸ 6" in room.text, "the mark")


async def test_what_happens_again_is_told_again_in_its_place() -> None:
    async with classroom() as room:
        await room.press("n", "n", "n")
        await room.until(lambda: sum(each.startswith("you") for each in room.told) == 3, "all three")
        assert [each.split(":")[1] for each in room.told if each.startswith("you")] == [
            " the switch snoops",
            " the switch snoops no more",
            " the switch snoops",
        ]


async def test_every_binding_has_an_id_and_every_key_of_the_footer_does_something() -> None:
    async with classroom(size=(200, 50)) as room:
        nodes = [room.app, room.app.classroom, *room.app.classroom.query("*")]
        for node in nodes:
            if type(node).__module__.startswith("mcast_tui."):
                for binding in type(node).__dict__.get("BINDINGS", ()):
                    assert isinstance(binding, Binding)
                    assert binding.id, binding
        words = {name: word for name, word, _ in SHOWN}
        keys = {each.binding.id for each in room.app.screen.active_bindings.values() if each.enabled}
        shown = [str(item.content).split(" ", 1)[1] for item in room.app.classroom._footer.items]
        assert set(shown) <= {words[name] for name in keys if name in words}
        assert {"play", "join", "send", "snoop", "querier", "cable", "drop", "lessons", "keys"} <= set(shown)
        assert "next step" not in shown  # no lesson is played
        await room.press("question_mark")
        await room.until(lambda: "KEYS THAT WORK HERE" in room.text and "Join a group on it" in room.text)


# -- lessons -------------------------------------------------------------------------------------------------


async def test_a_lesson_is_chosen_stepped_begun_anew_and_left_and_its_lan_is_played_on() -> None:
    async with classroom() as room:
        await room.press("down", "up", "enter")
        await room.until(
            lambda: room.lectern.lesson is not None and room.lectern.scene is not None, "the lesson"
        )
        assert "LESSON 1 of 7" in room.text
        await room.step()
        await room.until(lambda: "✓ port 3 carries stream" in room.text, "the claim, and that it holds")
        await room.step()
        await room.until_seen(lambda now: now.host(2).memberships and now.members, "the member")
        lan = room.lectern._lan
        await room.press("b")
        await room.until(lambda: room.lectern._lan not in {None, lan}, "another LAN")
        await room.until(
            lambda: room.lectern.lesson.results == [] and room.lectern.scene is not None, "the beginning"
        )
        await room.step()
        lan = room.lectern._lan
        await room.press("f")
        await room.until(lambda: room.lectern.lesson is None, "free play")
        assert room.lectern._lan is lan
        assert (await lan.look()).senders
        await room.press("3", "n")
        await room.until_seen(lambda now: now.switches[0].snooping, "snooping")


async def test_a_lesson_runs_by_itself_until_it_is_over_or_told_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "READING_S", 0.05)
    async with classroom(find_scenario("leak")) as room:
        await room.press("a")
        await room.until(lambda: room.lectern.lesson.is_over, "its end")
        await room.until(lambda: not room.app.classroom.pace.is_automatic, "the waiting")
        assert all(result.holds for result in room.lectern.lesson.results)
        await room.until(lambda: "All of it was so." in room.text, "its last words")
        monkeypatch.setattr(pace, "READING_S", 3600)
        await room.press("b")
        await room.until(lambda: room.lectern.lesson is not None and not room.lectern.lesson.results, "anew")
        await room.press("a")
        await room.until(lambda: len(room.lectern.lesson.results) == 1, "a step")
        await room.press("a")
        assert not room.app.classroom.pace.is_automatic
        await room.step()
        assert len(room.lectern.lesson.results) == 2


async def test_a_lesson_that_runs_by_itself_waits_where_something_is_not_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "READING_S", 0.05)
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG)
    async with classroom(find_scenario(str(path))) as room:
        await room.press("a")
        await room.until(lambda: len(room.lectern.lesson.results) == 2, "the step that is not so")
        assert not room.app.classroom.pace.is_automatic
        await room.until(lambda: "✗ viewer receives none of stream" in room.text, "what is not so")


async def test_another_lesson_may_be_begun_in_the_midst_of_a_step() -> None:
    waiting = find_scenario("four-minutes")
    async with classroom(waiting) as room:
        await room.step()
        await room.step()
        await room.press("space")  # four minutes: some seconds
        await room.until(lambda: room.lectern.lesson.running is not None, "the step")
        await room.press("p")
        await room.until(lambda: "OR PLAY FREELY" in room.text, "the list")
        await room.press("enter")
        await room.until(
            lambda: room.lectern.lesson is not None and room.lectern.lesson.scenario.name == "flooding",
            "the other",
        )
        await room.step()
        assert room.lectern.lesson.results[0].holds


async def test_a_lan_that_is_refused_ends_the_app_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: Runner) -> None:
        raise PermissionRefused("build a virtual LAN", "the test says so")

    monkeypatch.setattr(Runner, "start", refuse)
    app = ClassroomApp(LanPlan())
    assert await app.run_async(headless=True, size=(80, 24)) == 3
    assert "the test says so" in str(app.refused)


# -- on a terminal -------------------------------------------------------------------------------------------


def test_a_lesson_on_a_terminal_and_however_it_ends_nothing_is_left(host1: Host) -> None:
    for end, status in ((CTRL_Q, 0), (CTRL_C + CTRL_C, 0), (signal.SIGTERM, 143)):
        with PtyApp(host1, "lab", "--lesson", "flooding") as app:
            app.until_shown("LESSON 1 of 7", "host3 192.168.10.3", "switch br0")
            app.type(" ")
            app.until_shown("✓ port 3 carries stream")
            made, everyone = living_of(app.process.pid)
            assert len(made) == 5  # its own, the switch's, three hosts'
            app.signal(end) if isinstance(end, signal.Signals) else app.type(end)
            assert app.ended() == status
            assert app.left_undone() == []
        await_end(everyone - {app.process.pid})
        assert still_there(made) == set()


def test_a_classroom_that_is_killed_leaves_nothing(host1: Host) -> None:
    with PtyApp(host1, "lab", "--hosts", "2", "--ascii") as app:
        app.until_shown("LESSONS", "host2 192.168.10.2")
        assert app.text.isascii()
        app.type("j239.9.9.9\r")  # in one burst: the question is open before the answer comes
        app.until_shown("joined 239.9.9.9")
        wait_until(lambda: len(living_of(app.process.pid)[0]) == 4, "its namespaces")
        made, everyone = living_of(app.process.pid)
        app.signal(signal.SIGKILL)
        app.ended()
    await_end(everyone - {app.process.pid})
    assert still_there(made) == set()


def test_keys_typed_in_one_burst_are_obeyed_in_their_turn_also_after_an_answer(host1: Host) -> None:
    with PtyApp(host1, "lab") as app:
        app.until_shown("LESSONS", "host3 192.168.10.3")
        app.type("s\r2j\rjbr\t\r3d50\r2l")
        app.until_shown("→ 239.1.2.3", "joined 239.1.2.3", "hears port 5000", "drops 50%", "host2 leaves")
        assert "OR PLAY FREELY" in app.text  # no Enter has played a lesson


def test_without_a_terminal_it_shows_its_help(host1: Host) -> None:
    done = host1.run([*COMMAND, "lab"], input="")
    assert "Usage: mcast-tui lab" in done.stdout
    assert "--lesson" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--lesson", "nonsense"), 2, "nonsense"),
        (("--hosts", "3", "shell"), 2, "--hosts before a command is for the classroom"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_built(
    host1: Host, arguments: tuple[str, ...], status: int, said: str
) -> None:
    with PtyApp(host1, "lab", *arguments) as app:
        assert app.ended() == status
        assert said in " ".join(app.text.split())
        assert app.left_undone() == []


@requires("unshare", "setpriv")
def test_where_namespaces_are_forbidden_the_remedy_is_told(host1: Host) -> None:
    argv = ["unshare", "-Ur", "sh", "-c", FORBID_USER_NAMESPACES, *UNPRIVILEGED, *COMMAND]
    with PtyApp(host1, "lab", argv=argv) as app:
        assert app.ended() == 3
        said = " ".join(app.text.split())
        assert "User namespaces are switched off." in said
        assert "sysctl user.max_user_namespaces=10000" in said
