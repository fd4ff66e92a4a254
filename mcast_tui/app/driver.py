"""The terminal as Textual drives it, but robust against what its other end can do.

Textual reads keys as strict UTF-8: one byte that is none, from a terminal with another encoding
or in a paste, would end the app. It takes what follows an ESC in a paste for keys. And a terminal
that goes away is an error to it, told to nobody. Here the byte becomes a character that is seen,
U+FFFD; a paste is one paste, whatever is in it; and the app ends as if it had been sent SIGHUP.
Being stopped and continued waits for its turn in the event loop.
"""

from __future__ import annotations

import os
import select
import signal
from codecs import getincrementaldecoder
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from textual._xterm_parser import XTermParser  # where Textual's own drivers have it from
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Paste

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.app import App

LOOK_AGAIN_S = 0.1
"""How soon the end of the app, or an escape that was only that, is noticed."""
MARK_WITHIN_S = 0.02
"""A terminal sends a mark in one go; an ESC that nothing follows so soon is the key."""
CHUNK = 4096
HUNG_UP = 128 + signal.SIGHUP
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
LONGEST_PASTE = 1 << 20
"""Characters kept of one paste: more than ten datagrams, and a terminal that never ends it cannot fill us."""


class TolerantDriver(LinuxDriver):
    """Textual's driver for Linux with an input thread of our own, and an output that cannot fail."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        if self._file is not None:
            self._file = Output(self._file)  # type: ignore[assignment]  # the three methods are all it is for

    def run_input_thread(self) -> None:
        """Turn bytes into keys, mouse events and pastes until the app ends or the terminal goes away."""
        parser = XTermParser(self._debug)
        decoder = getincrementaldecoder("utf-8")("replace")
        pastes = Pastes()
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], MARK_WITHIN_S if pastes.waits else LOOK_AGAIN_S)[0]:
                data = self._read()
                if not data:
                    self._app.call_later(self._app.exit, HUNG_UP)
                    return
                parts: Iterable[str | Paste] = pastes.feed(decoder.decode(data))
            else:
                parts = pastes.tick()
            for part in parts:
                for message in [part] if isinstance(part, Paste) else parser.feed(part):
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)

    def _sigtstp_application(self, *_: object) -> None:
        # At once, as Textual does it, could be in the midst of a write, whose lock stopping needs too.
        self._loop.call_soon_threadsafe(super()._sigtstp_application)

    def _sigcont_application(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._continue)

    def _continue(self) -> None:
        """Take the terminal again, once: after SIGSTOP, which nobody is told of, it was never given back."""
        if self._auto_restart and not self._must_signal_resume:
            self.suspend_application_mode()
            self._must_signal_resume = True
        super()._sigcont_application()

    def _read(self) -> bytes:
        """Return what was typed; nothing when the terminal is gone."""
        try:
            return os.read(self.fileno, CHUNK)
        except OSError:  # EIO: read(2)
            return b""


class Pastes:
    """Takes bracketed pastes out of what a terminal sends; the rest is keys. Pure."""

    def __init__(self) -> None:
        self._paste: str | None = None  # what came so far of the one that is open
        self._rest = ""  # the beginning of a mark, perhaps

    @property
    def waits(self) -> bool:
        """Whether what may be the beginning of a paste is held back, until `tick`."""
        return self._paste is None and bool(self._rest)

    def feed(self, text: str) -> Iterator[str | Paste]:
        """Yield keys and pastes in their order; the beginning of a mark waits for its end."""
        text, self._rest = self._rest + text, ""
        while text:
            mark = PASTE_BEGINS if self._paste is None else PASTE_ENDS
            before, found, text = text.partition(mark)
            if not found:
                kept = _begun(before, mark)
                before, self._rest = before[: len(before) - kept], before[len(before) - kept :]
            if self._paste is None:
                if before:
                    yield before
                self._paste = "" if found else None
            else:
                self._paste = (self._paste + before)[:LONGEST_PASTE]
                if found:
                    pasted, self._paste = self._paste, None
                    yield Paste(pasted)

    def tick(self) -> Iterator[str]:
        """Yield what looked like the beginning of a paste and, nothing having followed, is none."""
        if self.waits:
            rest, self._rest = self._rest, ""
            yield rest


def _begun(text: str, mark: str) -> int:
    """Return how many characters at the end of `text` begin `mark`."""
    return next((n for n in range(len(mark) - 1, 0, -1) if text.endswith(mark[:n])), 0)


class Output:
    """What is written for a terminal that is gone is lost, and holds nobody up.

    Textual's writer would end at the first error, and the app then wait for room in its queue for ever.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()
