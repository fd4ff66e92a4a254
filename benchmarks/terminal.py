"""A program in a pseudo-terminal of 120x40, its output read as it comes and stamped with its arrival.

What the terminal would do with it is left out: no byte is interpreted, a marker is looked for in
the raw bytes. So the measured program shares the machine with next to nothing.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import threading
import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Self

from benchmarks import programs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from mcast_tui.services.lab.host import Host

COLUMNS, LINES = 120, 40
PATIENCE_S = 20.0


class Terminal:
    """Starts a program on a host of the lab; a context manager that kills it."""

    def __init__(self, host: Host, argv: Sequence[str]) -> None:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", LINES, COLUMNS, 0, 0))
        self._data = bytearray()
        self._arrivals: list[tuple[int, float]] = []  # how many bytes there were, and since when
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._drain, name="terminal", daemon=True)
        self.started_at = time.perf_counter()
        self.process: subprocess.Popen[bytes] = host.popen(
            argv,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=programs.environment(),
        )
        os.close(theirs)
        self._reader.start()

    def _drain(self) -> None:
        while True:
            try:
                chunk = os.read(self._ours, 1 << 16)
            except OSError:  # EIO: the program has ended and nobody holds the other end
                chunk = b""
            at = time.perf_counter()
            with self._news:
                self._data += chunk
                self._arrivals.append((len(self._data), at))
                self._news.notify_all()
            if not chunk:
                return

    @property
    def size(self) -> int:
        """How many bytes have come so far."""
        return len(self._data)

    def write(self, keys: str) -> float:
        """Press keys; return when."""
        at = time.perf_counter()
        os.write(self._ours, keys.encode())
        return at

    def arrival(self, marker: str, since: int = 0) -> float:
        """Wait until `marker` has come at or after byte `since`; return when its last byte came."""
        wanted = marker.encode()
        deadline = time.perf_counter() + PATIENCE_S
        with self._news:
            while (found := self._data.find(wanted, since)) < 0:
                if not self._news.wait(deadline - time.perf_counter()):
                    raise TimeoutError(f"{marker!r} did not come; at last: {bytes(self._data[-2000:])!r}")
            end = found + len(wanted)
            return self._arrivals[bisect_left(self._arrivals, end, key=lambda arrival: arrival[0])][1]

    def close(self) -> None:
        """End the program and take the terminal away."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
