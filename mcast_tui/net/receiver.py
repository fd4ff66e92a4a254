"""Receiver: the one thread that reads all sockets, batch by batch, into a sink.

It sleeps in the kernel while nothing comes, so a lone datagram is seen at once. While
traffic flows but does not fill the batches, it pauses before the next read: a batch of many
costs little more than a batch of one. It takes one batch from each ready socket in turn, so
that a flooded one does not starve the others.

A socket in trouble is counted (`Intake.errors`) and read on; a fault of ours, or of the
sink, ends the thread and stands in `Receiver.error`.
"""

from __future__ import annotations

import selectors
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from mcast_tui.net.capture_thread import CaptureThread
from mcast_tui.net.intake import Admission, Intake, Tally
from mcast_tui.net.reading import Read, find_recvmmsg, read_by_recvmsg
from mcast_tui.wire.batch import BATCH_SIZE, Batch
from mcast_tui.wire.raw import RawBatch

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from mcast_tui.wire.columns import Column, Columns

__all__ = ["Admission", "Intake", "Receiver", "Sink", "Tally"]

PAUSE_S = 0.001
"""The pause before the next read when no socket filled a batch, so all are drained. It costs 200 datagrams of
buffer at full speed."""


class Sink(Protocol):
    """Where batches go. The arrays are lent: the next batch is written over them."""

    def append(self, columns: Columns, payloads: Column) -> None: ...


class Receiver:
    """Reads every socket added to it and appends what comes to `sink`, on a thread of its own.

    `mark` is called with each batch before the sink is, to set flags. `ended` is called on the
    thread when a fault ends it. `use_recvmmsg` forces one of the two ways to read; None
    takes the fast one where there is one.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        mark: Callable[[Columns, Column], None] | None = None,
        ended: Callable[[BaseException], None] | None = None,
        use_recvmmsg: bool | None = None,
    ) -> None:
        fast = None if use_recvmmsg is False else find_recvmmsg()
        if use_recvmmsg and fast is None:
            raise ValueError("this machine has no recvmmsg(2)")
        self.method = "recvmmsg" if fast else "recvmsg"
        self._read: Read = fast or read_by_recvmsg
        self._sink = sink
        self._mark = mark
        # By family and whether raw; those of raw IP, which few use, are made for its first socket.
        self._batches = {(family, False): Batch(family, BATCH_SIZE) for family in (4, 6)}
        self._thread = CaptureThread("mcast-tui receiver", self._run, ended)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._thread.wake_fileno, selectors.EVENT_READ)
        self._touching = threading.RLock()  # held while the thread touches a socket
        self._moved: deque[Intake] = deque()

    @property
    def error(self) -> BaseException | None:
        """What ended the thread, though nobody closed the receiver."""
        return self._thread.error

    def start(self) -> None:
        """Start reading; once."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and wait for it, so not from that thread; the sockets stay open. Idempotent."""
        self._thread.close()
        self._selector.close()

    def add(self, sock: socket.socket, port: int, admission: Admission | None = None) -> Intake:
        """Read `sock`, which is bound to `port`, or is a raw one and `port` 0, from now on."""
        intake = Intake(sock, port, admission or Admission())
        if intake.protocol is not None and (intake.family, True) not in self._batches:
            self._batches[intake.family, True] = RawBatch(intake.family, BATCH_SIZE)
        self._selector.register(sock, selectors.EVENT_READ, intake)
        return intake

    def remove(self, intake: Intake) -> None:
        """Stop reading an intake; on return the thread no longer touches its socket. Idempotent."""
        with self._touching:
            if intake.is_open:
                intake.is_open = False
                self._selector.unregister(intake.sock)

    def replace(self, intake: Intake, sock: socket.socket) -> None:
        """Read `sock`, bound and joined alike, in place of the intake's own, which the caller then closes.

        What still lies in the old one is read first, so nothing more should be coming in there.
        """
        with self._touching:
            while self._read_batch(intake) == BATCH_SIZE:
                pass
            intake.dropped_before = intake.dropped()
            self._selector.unregister(intake.sock)
            intake.sock = sock
            self._selector.register(sock, selectors.EVENT_READ, intake)

    def take_moved(self) -> Iterator[Intake]:
        """Yield the intakes that were read since they were taken before."""
        while self._moved:
            intake = self._moved.popleft()
            intake.is_moved = False  # first: what is counted from here on marks it again
            yield intake

    def _run(self) -> None:
        for batch in tuple(self._batches.values()):  # another thread may add one
            batch.warm()
        while not self._thread.is_closing:
            if self._read_ready() < BATCH_SIZE:
                time.sleep(PAUSE_S)

    def _read_ready(self) -> int:
        """Wait until a socket is ready, read a batch from each that is; return the size of the largest."""
        largest = 0
        for key, _events in self._selector.select():
            if key.data is not None:
                largest = max(largest, self._read_batch(key.data))
        return largest

    def _read_batch(self, intake: Intake) -> int:
        batch = self._batches[intake.family, intake.protocol is not None]
        with self._touching:
            if not intake.is_open:  # removed between the wait and now
                return 0
            columns = self._read(intake, batch)
            rows = len(columns["length"])
            if rows:
                payloads = batch.payloads[:rows]
                intake.admit(columns)
                if self._mark is not None:
                    self._mark(columns, payloads)
                self._sink.append(columns, payloads)
                intake.count(columns)
            if not intake.is_moved:
                intake.is_moved = True
                self._moved.append(intake)
            return rows
