"""mcast-tui on a pseudo terminal of a lab host: typed at, waited for by what it shows, read byte by byte.

    with PtyApp(host1, "224.1.0.1") as app:
        app.until_shown("users 1")          # the kernel's word: it is a member
        app.type("hello\\r")
        app.until_shown("heard")
        app.type(CTRL_Q)
        assert app.ended() == 0 and app.left_undone() == []

A thread takes in what the app writes, unless told not to; `written` has every byte of it. pyte,
a terminal we did not write, makes the screen of them, but only when somebody looks at it.
`tokens` takes the bytes apart without interpreting them.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import threading
import time
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import pyte
import pytest

from tests.peers import PATIENCE_S

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator, Sequence

    from mcast_tui.services.lab.host import Host

COMMAND = (sys.executable, "-m", "mcast_tui")
CTRL_C, CTRL_Q, CTRL_Z, ESCAPE, ENTER, TAB = "\x03", "\x11", "\x1a", "\x1b", "\r", "\t"
MODES_OF_A_SHELL = {25: True, 7: True} | dict.fromkeys(
    (1000, 1003, 1004, 1006, 1015, 1049, 2004, 2048), False
)
"""DEC private modes as a shell wants them: cursor and line wrap on; mouse, focus reports, the other
screen, bracketed paste and size reports off."""
_UNKNOWN_TO_PYTE = re.compile(r"\x1b\[[<>=][0-9;]*u|\x1b\[\?[0-9;]*\$p")
_UNFINISHED = re.compile(r"\x1b(\[[0-?]*[ -/]*|\][^\x07\x1b]*)?\Z")


class PtyApp:
    """The command, or another `argv`, as a shell would run it; a context manager that ends it."""

    def __init__(
        self,
        host: Host,
        *arguments: str,
        size: tuple[int, int] = (120, 40),
        argv: Sequence[str] = COMMAND,
        controls: bool = True,
        **environment: str,
    ) -> None:
        self.written = bytearray()
        self._news = threading.Condition()
        self._may_read = threading.Event()
        self._may_read.set()
        self._fed, self._decoder = 0, codecs.getincrementaldecoder("utf-8")("replace")
        self._terminal, theirs = pty.openpty()
        self.resize(*size, tell=False)
        self.settings = termios.tcgetattr(self._terminal)
        self.process = host.popen(
            [*argv, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=_take_terminal if controls else os.setsid,
            env=_environment() | environment,
        )
        os.close(theirs)
        self._wake, self._sleep = os.pipe()
        self._reader = threading.Thread(target=self._take_in, name="pty", daemon=True)
        self._reader.start()

    # -- the terminal's side -----------------------------------------------------------------------

    def _take_in(self) -> None:
        while self._may_read.wait():
            ready, _, _ = select.select([self._terminal, self._wake], [], [])
            if self._wake in ready:
                return
            try:
                chunk = os.read(self._terminal, 1 << 16)
            except OSError:  # EIO: nobody holds the other end any more
                return
            with self._news:
                self.written += chunk
                self._news.notify_all()

    def stop_reading(self) -> None:
        """Be a terminal that takes nothing more, but for the one chunk it is waiting for."""
        self._may_read.clear()

    def go_on_reading(self) -> None:
        self._may_read.set()

    def resize(self, columns: int, lines: int, *, tell: bool = True) -> None:
        """Change the size as a window manager does, and signal it as the kernel does."""
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
        if not tell:
            self._screen = pyte.Screen(columns, lines)
            self._stream = pyte.Stream(self._screen)
            return
        self.screen.resize(lines, columns)

    def hang_up(self) -> None:
        """Take the terminal away, as a closed window or a lost line does."""
        self._end_reader()
        os.close(self._terminal)
        self._terminal = -1

    # -- the person's side -------------------------------------------------------------------------

    def type(self, keys: str | bytes) -> None:
        """Press keys. All of it is written, however long: the app reads while we write."""
        data = memoryview(keys.encode() if isinstance(keys, str) else keys)
        while data:
            data = data[os.write(self._terminal, data[:1024]) :]

    def paste(self, text: str | bytes) -> None:
        """Paste as a terminal with bracketed paste does."""
        data = text.encode() if isinstance(text, str) else text
        self.type(b"\x1b[200~" + data + b"\x1b[201~")

    def enter(self, line: str) -> None:
        """Type a line and press Enter."""
        self.type(line + ENTER)

    def click(self, column: int, line: int) -> None:
        """Press and release the left button there, counted from 0 (xterm's SGR mouse mode)."""
        where = f"{column + 1};{line + 1}"
        self.type(f"\x1b[<0;{where}M\x1b[<0;{where}m")

    # -- what is seen ------------------------------------------------------------------------------

    @property
    def screen(self) -> pyte.Screen:
        """What the terminal shows now."""
        with self._news:
            text = self._decoder.decode(bytes(self.written[self._fed :]))
            self._fed = len(self.written)
        text = self._held_back + text
        unfinished = _UNFINISHED.search(text)
        at = unfinished.start() if unfinished else len(text)
        self._held_back = text[at:]
        self._stream.feed(_UNKNOWN_TO_PYTE.sub("", text[:at]))
        return self._screen

    _held_back = ""

    @property
    def rows(self) -> list[str]:
        return self.screen.display

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    def forget(self) -> None:
        """Look from now on with fresh eyes: `screen` leaves out what was written until now."""
        with self._news:
            self._fed = len(self.written)
        self._decoder.reset()
        self._held_back = ""
        self._screen.erase_in_display(2)

    def place_of(self, text: str) -> tuple[int, int]:
        """Return (column, line) of the first place this text stands on screen."""
        for line, row in enumerate(self.rows):
            if (column := row.find(text)) >= 0:
                return column, line
        pytest.fail(f"{text!r} is not on screen:\n{self.text}")

    def since(self, offset: int = 0) -> bytes:
        """Return what was written from byte `offset` on."""
        with self._news:
            return bytes(self.written[offset:])

    # -- waiting -----------------------------------------------------------------------------------

    def until(self, condition: Callable[[], object], what: str = "it") -> None:
        """Wait until the condition holds; fail the test, with the screen, when it never does."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            gone = not self._reader.is_alive() and self.process.poll() is not None
            if (gone and not condition()) or time.monotonic() > deadline:
                pytest.fail(f"{what} never came about (exit status {self.process.poll()}):\n{self.text}")
            with self._news:
                self._news.wait(0.02)

    def until_shown(self, *texts: str) -> None:
        """Wait until each of these stands on screen."""
        self.until(lambda: all(text in self.text for text in texts), " and ".join(texts))

    def until_written(self, marker: bytes, since: int = 0) -> None:
        """Wait until these bytes were written from byte `since` on: cheaper than to look at the screen."""
        self.until(lambda: marker in self.since(since), repr(marker))

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    @property
    def is_stopped(self) -> bool:
        """Whether the process is stopped, as a shell would see it."""
        state = Path(f"/proc/{self.process.pid}/stat").read_text()
        return state.rpartition(")")[2].split()[0] == "T"

    def ended(self) -> int:
        """Wait for the end and for its last words; return the exit status."""
        self.until(lambda: self.process.poll() is not None, "the end")
        self._reader.join(PATIENCE_S)
        return self.process.returncode

    def left_undone(self) -> list[str]:
        """Return what is not as it was before the start: settings and modes of the terminal."""
        problems = [] if termios.tcgetattr(self._terminal) == self.settings else ["termios"]
        modes = {mode >> 5 for mode in self.screen.mode if mode >= 32}  # pyte shifts private modes
        problems += [f"mode {mode}" for mode, on in MODES_OF_A_SHELL.items() if (mode in modes) is not on]
        pushed, popped = (len(re.findall(form, bytes(self.written))) for form in (rb"\[>\d+u", rb"\[<u"))
        return problems if pushed == popped else [*problems, "keyboard protocol"]

    # -- the end -----------------------------------------------------------------------------------

    def _end_reader(self) -> None:
        os.write(self._sleep, b"x")
        self._may_read.set()
        self._reader.join()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._end_reader()
        for descriptor in (self._wake, self._sleep, self._terminal):
            if descriptor >= 0:
                os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _environment() -> dict[str, str]:
    """Return this process's environment without what decides how a terminal app looks."""
    ours = {"NO_COLOR", "TERM", "COLORTERM", "FORCE_COLOR", "COLUMNS", "LINES", "SSH_CONNECTION"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith(("TEXTUAL", "MCAST_"))
    }
    own = {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TEXTUAL_ANIMATIONS": "none",
        "LC_ALL": "C.UTF-8",
    }
    return kept | own | {"XDG_CONFIG_HOME": "/nonexistent"}


# -- what was written, taken apart ---------------------------------------------------------------------


class Token(NamedTuple):
    """One control or escape sequence, or a run of characters between two."""

    text: str
    is_control: bool

    @property
    def form(self) -> str:
        """What kind of control it is: its numbers left out, unless they say which mode is switched."""
        if not self.text.startswith("\x1b[") or self.text[2:3] in {"?", ">", "<", "="}:
            return self.text
        return re.sub(r"\d+(;\d+)*", "N", self.text)


_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI, ECMA-48 5.4
    r"|\x1b[\]PX^_].*?(?:\x1b\\|\x07|\x9c|\Z)"  # OSC, DCS, SOS, PM, APC: a string up to its end
    r"|\x1b[ -/]*[0-~]"  # any other escape sequence
    r"|[\x00-\x1f\x7f-\x9f]",  # C0, DEL, C1
    re.DOTALL,
)


def tokens(written: bytes) -> Iterator[Token]:
    """Take apart what an app wrote; raises UnicodeDecodeError when that is not UTF-8."""
    text, at = written.decode(), 0
    for control in _CONTROL.finditer(text):
        if at < control.start():
            yield Token(text[at : control.start()], is_control=False)
        yield Token(control[0], is_control=True)
        at = control.end()
    if at < len(text):
        yield Token(text[at:], is_control=False)


def whole(written: bytes) -> bytes:
    """Cut off what had begun and not ended when we looked, and the end of what began before."""
    written = written.lstrip(bytes(range(0x80, 0xC0)))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(written)
    if begun := len(decoder.getstate()[0]):
        written = written[:-begun]
    return re.sub(_UNFINISHED.pattern.encode(), b"", written)


_BLANKS_THAT_ACT = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u3164\uffa0")
_MOST_MARKS = 4


def unsafe_in(text: str) -> str:
    """Return the first character, or pile of marks, that has no business on a terminal; empty when none.

    Written from the Unicode categories and not from `mcast_tui.safe`, which it judges: controls,
    format characters (bidi, zero width), surrogates, private and unassigned ones, separators but
    the space, selectors, invisible fillers, and more marks than any letter of a language carries.
    """
    marks = 0
    for character in text:
        if character.isascii():
            marks = 0
            continue
        category = unicodedata.category(character)
        marks = marks + 1 if category.startswith("M") else 0
        is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
        if category[0] in "CZ" or is_selector or character in _BLANKS_THAT_ACT or marks > _MOST_MARKS:
            return f"U+{ord(character):04X} ({category})"
    return ""
