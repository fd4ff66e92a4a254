"""A child that has the terminal while we wait, as system(3) has it, and how it ended as a status.

The child shares our process group: ctrl+c and ctrl+z reach both, ctrl+c means nothing to us, and
an interactive shell makes groups of its own. What ends us takes the child along.
"""

from __future__ import annotations

import os
import signal
import subprocess
import termios
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

PARTING_S = 0.5
"""How long a child that is told to go may take to write its history."""


def run_in_foreground(start: Callable[[], subprocess.Popen[Any]]) -> int:
    """Start a child, wait for it, return its exit status: 128 + n when signal n ended it."""
    with _deaf_to_keys(), _terminal_given_back() as put_right:
        process = start()
        try:
            _wait(process.pid)
            status = process.wait()
        except BaseException:
            put_right()
            _dismiss(process)
            raise
        if status < 0:
            put_right()
        return status if status >= 0 else 128 - status


def _wait(pid: int) -> None:
    """Return when the child has ended; when it stops itself, as bash's `suspend` does, stop with it."""
    while True:
        seen = os.waitid(os.P_PID, pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
        if seen is None or seen.si_code != os.CLD_STOPPED:
            return
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG)  # this stop has been seen
        if os.getpgid(pid) != os.getpgrp():  # otherwise ctrl+z has stopped, and `fg` started, us both
            os.kill(os.getpid(), signal.SIGSTOP)
            os.killpg(os.getpgid(pid), signal.SIGCONT)


def _dismiss(process: subprocess.Popen[Any]) -> None:
    """Tell the child that its terminal is gone, which shells and their jobs understand."""
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGCONT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PARTING_S)


@contextmanager
def _deaf_to_keys() -> Iterator[None]:
    """Let SIGINT and SIGQUIT be the child's affair. By a handler: a child would inherit SIG_IGN."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        return

    keys = [n for n in (signal.SIGINT, signal.SIGQUIT) if signal.getsignal(n) is not signal.SIG_IGN]
    before = [signal.signal(number, ignore) for number in keys]
    try:
        yield
    finally:
        for number, handler in zip(keys, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _terminal_given_back() -> Iterator[Callable[[], None]]:
    """Take the terminal's foreground again at the end; yields what puts its settings right again."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:  # we have none
        yield lambda: None
        return
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():  # in the background it is not ours to give
            yield lambda: None
            return
        settings = termios.tcgetattr(terminal)
        yield lambda: _take(terminal, settings)
        _take(terminal, None)
    finally:
        os.close(terminal)


def _take(terminal: int, settings: list[Any] | None) -> None:
    """Make our process group the terminal's, and give it its settings; it may be gone."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # or we were stopped for it
    with suppress(OSError, termios.error):
        os.tcsetpgrp(terminal, os.getpgrp())
        if settings is not None:
            termios.tcsetattr(terminal, termios.TCSANOW, settings)
    signal.signal(signal.SIGTTOU, before)
