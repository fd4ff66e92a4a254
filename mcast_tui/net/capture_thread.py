"""CaptureThread: the thread that reads for a capture: started, woken and waited for by others.

While one runs, another thread may hold the interpreter for a shorter time than usual: 5 ms would overflow a
small buffer. That is one setting of the whole process, so captures are counted: the last to end restores it.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SWITCH_INTERVAL_S = 0.0005


class CaptureThread:
    """Calls `work` once, which returns soon after `is_closing` is set and `wake_fileno` has become readable.

    `ended` is called on the thread when a fault ends it.
    """

    def __init__(
        self, name: str, work: Callable[[], None], ended: Callable[[BaseException], None] | None
    ) -> None:
        self.error: BaseException | None = None
        """What ended the thread, though nobody closed it."""
        self.is_closing = False
        self._work, self._ended = work, ended
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def wake_fileno(self) -> int:
        """What the work waits for beside its sockets."""
        return self._wake_reader

    def start(self) -> None:
        """Start; once."""
        self._thread.start()
        _switch_interval.shorten()

    def close(self) -> None:
        """End the thread and wait for it, so not from that thread. Idempotent."""
        if self.is_closing:
            return
        self.is_closing = True
        os.write(self._wake_writer, b"\0")
        if self._thread.ident is not None:
            self._thread.join()
            _switch_interval.restore()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - a thread has no caller: the fault is kept and told
            self.error = error
            if self._ended is not None:
                self._ended(error)


class _SwitchInterval:
    """How long a thread may hold the interpreter: short while there is a capture, else as it was before."""

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._captures, self._before = 0, 0.0

    def shorten(self) -> None:
        with self._counting:
            if not self._captures:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, SWITCH_INTERVAL_S))
            self._captures += 1

    def restore(self) -> None:
        with self._counting:
            self._captures -= 1
            if not self._captures:
                sys.setswitchinterval(self._before)


_switch_interval = _SwitchInterval()
