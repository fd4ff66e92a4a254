"""The frame as a whole: keys, notices, and that every way out leaves groups and terminal as they were."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from textual.binding import Binding

from mcast_tui.app.widgets.footer import OTHERWISE, SHOWN
from mcast_tui.services.notice import Level, Notice
from tests.app.frame import frame_on
from tests.peers import PATIENCE_S
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.lab.host import Host

pytestmark = pytest.mark.usefixtures("shared_lab")

GROUP_IN_TABLE = "010001E0"
"""224.1.0.1 as /proc/net/igmp writes it."""


def is_member(host: Host) -> bool:
    return GROUP_IN_TABLE in host.run(["cat", "/proc/net/igmp"]).stdout


async def test_every_binding_of_ours_has_an_id_so_that_it_can_be_changed(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        nodes = [frame.app, frame.app.main, *frame.app.main.query("*")]
        ours = [node for node in nodes if type(node).__module__.startswith("mcast_tui.")]
        for node in ours:
            for binding in type(node).__dict__.get("BINDINGS", ()):
                assert isinstance(binding, Binding)
                assert binding.id, binding


async def test_no_printable_key_is_global_and_none_needs_alt(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.type("12giJLuqy?: FGI")
        assert frame.line == "12giJLuqy?: FGI"
        assert len(frame.node.groups) == 1
        for active in frame.app.screen.active_bindings.values():
            assert not active.binding.key.startswith("alt+") or active.binding.id is None


async def test_the_footer_shows_only_keys_that_do_something_here(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(200, 40)) as frame:
        words = {name: word for name, word, _ in SHOWN}
        for place in ("1", "2", "g", "i"):
            await frame.press("escape", place)
            shown = [str(item.content).split(" ", 1)[1] for item in frame.stage.footer.items]
            assert shown
            assert set(shown) <= {words[name] for name in frame.keys if name in words} | {*OTHERWISE.values()}


async def test_a_click_on_the_footer_and_on_a_tab_does_what_its_key_does(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(160, 40)) as frame:
        await frame.pilot.click("#tabs", offset=(15, 0))
        await frame.until(lambda: "end follow" in frame.text, "the chat and its keys")
        footer = frame.text.splitlines()[-1]
        await frame.pilot.click("#footer", offset=(footer.index("J join"), 0))
        await frame.until(lambda: frame.line == "/join ", "the begun join")


async def test_escape_leaves_one_layer_at_a_time_and_never_the_app(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(80, 24)) as frame:
        await frame.press("g")
        await frame.type("/jo")
        await frame.press("escape")
        assert not frame.stage.suggestions.is_open
        await frame.press(*["escape"] * 10)
        assert frame.app.is_running
        assert frame.line == "/jo"
        assert frame.app.focused is frame.stage.packets.log_view


async def test_ctrl_c_twice_quits_and_once_does_not(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.type("unsent")
        await frame.press("ctrl+c")
        assert frame.app.is_running
        assert "Press it again to quit" in frame.text
        assert frame.line == "unsent"
        await frame.press("ctrl+c")
        await frame.until(lambda: not frame.app.is_running, "the end")
    assert not is_member(host1)


async def test_a_toast_is_folded_copied_from_and_kept_to_be_read_again(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        notice = Notice(
            Level.ERROR,
            "Cannot send: [bold]no route[/nope].",
            "Add one.",
            "ip route add 224.0.0.0/4 dev eth0",
        )
        for _ in range(14):
            frame.stage.announce(notice)
        await frame.until(lambda: "(×14)" in frame.text, "the count")  # noqa: RUF001  # the sign is meant
        assert "✗ Cannot send: [bold]no route[/nope]." in frame.text
        assert "y copies: ip route add 224.0.0.0/4 dev eth0" in frame.text
        await frame.press("y")
        assert frame.app.clipboard == "ip route add 224.0.0.0/4 dev eth0"
        await frame.press("escape", "escape", "escape")
        await frame.until(lambda: "no route" not in frame.text, "the toasts to go")
        await frame.press("f1")
        await frame.pilot.pause()
        assert any("no route" in str(each.render()) for each in frame.app.screen.query("Static"))


async def test_losses_are_unknown_before_the_first_sample_and_numbers_after(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(140, 40)) as frame:
        await frame.until(lambda: "dropped 0  evicted 0  refused 0  skipped 0" in frame.text, "the zeros")
        assert "- pkt/s" in frame.text or "0 pkt/s" in frame.text


async def test_what_a_filter_refuses_is_counted_in_the_header(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(140, 40), source_port=1234) as frame:
        send_from(host2, b"refused\n", b"refused\n")
        await frame.until(lambda: "▲refused 2" in frame.text, "the count")
        assert "refused\n" not in [line.text for line in frame.node.chat.lines(1)]


async def test_what_the_ring_overwrites_is_counted_in_the_header(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(140, 40)) as frame:
        for _ in range(6):
            send_from(host2, *[b"x"] * 2000)
            await asyncio.sleep(0)
        await frame.until(lambda: "▲evicted" in frame.text or "▲dropped" in frame.text, "the loss")


async def test_ascii_draws_nothing_else(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1", ascii=True, size=(160, 40), note="demo: no network") as frame:
        send_from(host2, b"plain\n")
        await frame.enter("mine")
        await frame.until(lambda: "plain" in frame.text and "+ looped" in frame.text, "both lines")
        for keys in (["escape", "1"], ["2"], ["up"], ["i", "slash"], ["escape", "escape", "question_mark"]):
            await frame.press(*keys)
            await frame.pilot.pause()
            drawn = {character for character in frame.text if not character.isascii()}
            assert drawn <= set("▁▂▃▄▅▆▇█"), drawn  # the ends of a scrollbar are Textual's own


async def test_without_colour_the_selection_and_our_own_lines_still_stand_out(
    host1: Host, monkeypatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.press("2")
        await frame.enter("mine")
        await frame.until(lambda: "✓ looped" in frame.text, "our line")
        assert "▸ 224.1.0.1:6666" in frame.text
        assert "you" in frame.text


async def test_when_the_app_crashes_the_groups_are_left_all_the_same(host1: Host) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # it is raised when the block ends
        async with frame_on(host1, "224.1.0.1") as frame:
            assert is_member(host1)
            frame.app.call_later(lambda: 1 // 0)
            await frame.until(lambda: not frame.app.is_running, "the end")
    assert not is_member(host1)


class Terminal:
    """The command on a pseudo terminal of 100 by 30, as a shell would run it."""

    def __init__(self, host: Host, *arguments: str) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        os.set_blocking(self._master, False)
        self.settings = termios.tcgetattr(self._slave)
        self.written = bytearray()
        self.process = host.popen(
            [sys.executable, "-m", "mcast_tui", *arguments],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            preexec_fn=self._take_terminal,
            env={**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"},
        )

    def _take_terminal(self) -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    def until(self, condition: Callable[[], object]) -> None:
        """Read what is written until the condition holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, bytes(self.written[-2000:])
            if select.select([self._master], [], [], 0.02)[0]:
                self.written += os.read(self._master, 1 << 16)

    def ended(self) -> int:
        """Wait for the end and read its last words; return the exit status."""
        self.until(lambda: self.process.poll() is not None)
        while select.select([self._master], [], [], 0)[0]:
            self.written += os.read(self._master, 1 << 16)
        return self.process.returncode

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    @property
    def is_restored(self) -> bool:
        """Whether the terminal is as it was: its settings, the main screen, the cursor, no mouse."""
        last = bytes(self.written)
        return termios.tcgetattr(self._slave) == self.settings and all(
            last.rfind(off) > last.rfind(on)
            for on, off in (
                (b"[?1049h", b"[?1049l"),
                (b"[?25l", b"[?25h"),
                (b"[?1000h", b"[?1000l"),
                (b"[?2004h", b"[?2004l"),
            )
        )


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_to_end_restores_the_terminal_and_leaves_the_groups(host1: Host, number, status) -> None:
    with Terminal(host1, "224.1.0.1") as terminal:
        terminal.until(lambda: is_member(host1))
        terminal.until(lambda: b"224.1.0.1:6666" in terminal.written)
        terminal.process.send_signal(number)
        assert terminal.ended() == status
        assert terminal.is_restored
    assert not is_member(host1)


def test_ctrl_z_gives_the_terminal_back_and_continuing_draws_again(host1: Host) -> None:
    with Terminal(host1, "224.1.0.1") as terminal:
        terminal.until(lambda: b"224.1.0.1:6666" in terminal.written)
        terminal.type(b"\x1a")
        state = Path(f"/proc/{terminal.process.pid}/stat")
        terminal.until(lambda: state.read_text().rsplit(")", 1)[1].split()[0] == "T")
        terminal.until(lambda: terminal.is_restored)
        seen = len(terminal.written)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until(
            lambda: b"[?1049h" in terminal.written[seen:] and b"224.1.0.1" in terminal.written[seen:]
        )
        terminal.type(b"\x11")
        assert terminal.ended() == 0
        assert terminal.is_restored


def test_only_our_own_escape_sequences_reach_the_terminal_whatever_others_send(
    host1: Host, host2: Host
) -> None:
    hostile = [
        b"\x1b]0;pwned\x07",
        b"\x1b[2J\x1b[999;999H",
        b"\xc2\x9b31m c1",
        "\u202eoverride".encode(),
        b"\x1b]52;c;cHduZWQ=\x07",
        b"\x1bP+q544e\x1b\\",
        b"[@click=app.quit]x[/] [/nope]",
        b"\x00\xff\xfe marker",
    ]
    with Terminal(host1, "224.1.0.1") as terminal:
        terminal.until(lambda: is_member(host1))
        send_from(host2, *hostile)
        terminal.until(lambda: b"marker" in terminal.written)
        terminal.type(b"2")
        terminal.until(lambda: b"escapes shown" in terminal.written)
        terminal.type(b"\x11")
        assert terminal.ended() == 0
    for forbidden in (
        b"\x1b]0;pwned",
        b"\x1b]52;c;cHdu",
        b"\x1bP+q544e",
        b"\xc2\x9b",
        "\u202e".encode(),
        b"\x1b[999;999H",
    ):
        assert forbidden not in terminal.written


async def test_after_a_join_the_log_has_the_keys_and_its_tab_is_marked(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.until(lambda: frame.app.focused is frame.stage.packets.log_view, "the focus")
        first, *others = (item.content for item in frame.stage.tabs.items)
        await frame.until(lambda: first.spans and "$primary" in str(first.spans[-1].style), "the mark")
        assert "$primary" not in str([other.spans for other in others])


async def test_the_footer_says_what_enter_does_while_the_detail_is_open_and_shut(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", size=(200, 40)) as frame:
        await frame.until(lambda: "enter close detail" in frame.text.splitlines()[-1], "the open detail")
        await frame.press("enter")
        await frame.until(lambda: "enter detail" in frame.text.splitlines()[-1], "the shut detail")


async def test_a_signal_that_was_ignored_from_the_start_stays_ignored(host1: Host) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup starts us
    try:
        async with frame_on(host1, "224.1.0.1"):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_the_end_of_the_capture_is_told_once(host1: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        monkeypatch.setattr(frame.node._receiver._thread, "error", ValueError("a fault of ours"))
        frame.node._wake()
        await frame.until(lambda: "Nothing is received any more" in frame.notices[-1], "the notice")
        await frame.until(lambda: "a fault of ours" in frame.text, "the toast")
        for _ in range(3):
            frame.app.main.stage.tick()
            await frame.pilot.pause()
        told = [each for each in frame.stage.notices if "Nothing is received any more" in each.what]
        assert [each.times for each in told] == [1]


async def test_a_callback_that_fails_ends_the_app_and_is_not_swallowed(host1: Host) -> None:
    async def fail() -> None:
        async with frame_on(host1, "224.1.0.1") as frame:
            asyncio.get_running_loop().call_soon(lambda: 1 // 0)
            await frame.until(lambda: frame.app.return_code == 1, "the end")

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not is_member(host1)
