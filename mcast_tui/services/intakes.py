"""Every socket that is read, and what all of them have counted: looked at where something moved.

Ten thousand groups are ten thousand sockets: asking each of them every second would cost more than reading
what they receive. The receiver says which it has read since; the others are looked at in turn, because the
kernel may drop what never comes to be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from mcast_tui.net.intake import Admission, Intake
    from mcast_tui.net.receiver import Receiver

IN_TURN = 256
"""Sockets looked at each time though nothing came: all, for whoever has fewer. One costs a microsecond."""


@dataclass(slots=True)
class Counted:
    """What sockets had counted when they were looked at last."""

    bytes: int = 0
    dropped: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A read of one socket failed since it was looked at before."""

    label: str
    errno: int


class Intakes:
    """Has sockets read by the receiver, and keeps the sum of what they counted, closed ones included."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._names: dict[Intake, Callable[[], str]] = {}
        self._seen: dict[Intake, tuple[int, int, int, int]] = {}
        self._unseen: list[Intake] = []
        self._turn: Iterator[Intake] = iter(())
        self._failures: list[Failure] = []
        self._smallest_buffer: int | None = None
        self.counted = Counted()
        """As of the last `look`; it never goes back."""

    def read(
        self, sock: socket.socket, port: int, admission: Admission | None, name: Callable[[], str]
    ) -> Intake:
        """Have a socket read from now on, as `Receiver.add`; `name` is asked when it has to be told."""
        intake = self._receiver.add(sock, port, admission)
        self._names[intake] = name
        self._unseen.append(intake)
        self._smallest_buffer = None
        return intake

    def replace(self, intake: Intake, sock: socket.socket) -> None:
        """Read another socket in its place; what it counted goes on."""
        self._receiver.replace(intake, sock)
        self._smallest_buffer = None

    def stop(self, intake: Intake) -> None:
        """Have a socket read no more, and keep what it counted; the caller closes it."""
        self._receiver.remove(intake)
        self._look_at(intake)
        del self._names[intake], self._seen[intake]
        self._smallest_buffer = None

    def look(self) -> AbstractSet[Intake]:
        """Bring `counted` up to date; return the intakes of which something is new, or that are new."""
        due = {*self._receiver.take_moved(), *self._unseen, *self._next_in_turn()}
        self._unseen.clear()
        return {intake for intake in due if intake in self._names and self._look_at(intake)}

    def _next_in_turn(self) -> list[Intake]:
        turn = list(islice(self._turn, IN_TURN))
        if not turn:
            self._turn = iter(tuple(self._names))
            turn = list(islice(self._turn, IN_TURN))
        return turn

    def _look_at(self, intake: Intake) -> bool:
        """Add what is new of one socket to the sum; tell whether anything is."""
        before = self._seen.get(intake)
        now = (intake.tally.bytes, intake.dropped(), intake.tally.refused, intake.errors)
        if now == before:
            return False
        self._seen[intake] = now
        was_bytes, was_dropped, was_refused, had_failed = before or (0, 0, 0, 0)
        self.counted.bytes += now[0] - was_bytes
        self.counted.dropped += now[1] - was_dropped
        self.counted.refused += now[2] - was_refused
        if now[3] != had_failed:
            self._failures.append(Failure(self._names[intake](), intake.last_errno or 0))
        return True

    def take_failures(self) -> list[Failure]:
        """Return the reads that failed, as far as `look` has seen them, each once."""
        failures, self._failures = self._failures, []
        return failures

    def smallest_buffer(self) -> int | None:
        """Return the smallest receive buffer the kernel gave any of them, in bytes; None without a socket."""
        if self._smallest_buffer is None:
            self._smallest_buffer = min((intake.receive_buffer() for intake in self._names), default=None)
        return self._smallest_buffer
