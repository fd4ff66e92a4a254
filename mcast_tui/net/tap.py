"""Tap: the one thread that reads packet sockets, run by run, into a sink. It only listens.

As `net.receiver` does, it sleeps in the kernel while nothing comes and pauses while traffic flows, longer
than that: a tap is for looking at, and a run of a thousand frames costs little more than one of ten.
"""

from __future__ import annotations

import ctypes
import os
import select
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mcast_tui.net.packet_socket import PacketSocket
from mcast_tui.wire.tpacket import RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.errors import McastError
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.wire.columns import Column, Columns
    from mcast_tui.wire.membership.message import ControlFrame

FRAMES = 1 << 14
"""Frames of all rings together: 32 MiB, 80 ms of minimal packets at 200,000 a second."""
LEAST_FRAMES = 1 << 11
MOST_INTERFACES = 16
"""Rings of 4 MiB each that the kernel cannot swap out."""

PAUSE_S = 0.02
TICK_S = 1.0
"""How often an interface that is down is looked at again, and the kernel's counts are read."""
SWITCH_INTERVAL_S = 0.0005  # as net.receiver has it

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
KEPT_BYTES = 16 << 20
"""What the allocator keeps of memory that is free: each run needs some 2 MiB again, and to take them from the
kernel anew, page by page, would cost more than all the decoding."""


class Sink(Protocol):
    """Where runs go; what is in them is lent."""

    def append_blocks(self, columns: Columns, blocks: Column, firsts: Column, lengths: Column) -> None: ...


@dataclass(slots=True)
class Counts:
    """What became of the frames of all interfaces since the tap was opened."""

    captured: int = 0
    """Frames the kernel put into the rings."""
    dropped: int = 0
    """Frames that found their ring full."""
    refused: int = 0
    """Frames that claim to be IP and contradict themselves, or are cut within their headers."""
    control_skipped: int = 0
    """IGMP and MLD messages that came too many at once to be looked at one by one."""


class Tap:
    """Captures from `interfaces` of the calling thread's network namespace into `sink`.

    `heard` gets the frames that may hold IGMP or MLD, and `ended` what ends the thread though nobody
    closed the tap; both are called on that thread.
    """

    def __init__(
        self,
        interfaces: Sequence[Interface],
        sink: Sink,
        *,
        heard: Callable[[tuple[ControlFrame, ...]], None],
        ended: Callable[[BaseException], None] | None = None,
        is_promiscuous: bool = False,
    ) -> None:
        """Raise `McastError` where one of them cannot be tapped; then none is."""
        self.counts = Counts()
        self.error: BaseException | None = None
        self.sockets: list[PacketSocket] = []
        self._sink, self._heard, self._ended = sink, heard, ended
        self._at: dict[int, int] = {}
        self._counting = threading.Lock()
        self._poll = select.poll()
        self._wake_reader, self._wake_writer = os.pipe()
        self._poll.register(self._wake_reader, select.POLLIN)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="mcast-tui tap", daemon=True)
        self._switch_interval = 0.0
        share = FRAMES // max(1, len(interfaces))
        frames = max(LEAST_FRAMES, 1 << share.bit_length() - 1)
        try:
            for interface in interfaces:
                self._open(interface, frames, is_promiscuous=is_promiscuous)
        except BaseException:
            self._close_sockets()
            raise

    def _open(self, interface: Interface, frames: int, *, is_promiscuous: bool) -> None:
        opened = PacketSocket(interface, frames, is_promiscuous=is_promiscuous)
        self.sockets.append(opened)
        self._at[opened.fileno()] = 0
        self._poll.register(opened, select.POLLIN)

    @property
    def heard(self) -> tuple[str, ...]:
        """The names, as they were when it was opened, of the interfaces that are heard now."""
        return tuple(each.interface.name for each in self.sockets if each.refused is None)

    @property
    def refusals(self) -> tuple[McastError, ...]:
        """Why some of the interfaces are not heard now."""
        return tuple(each.refused for each in self.sockets if each.refused is not None)

    def start(self) -> None:
        """Start reading; once."""
        _keep_free_memory()
        self._switch_interval = sys.getswitchinterval()
        sys.setswitchinterval(min(self._switch_interval, SWITCH_INTERVAL_S))
        self._thread.start()

    def close(self) -> None:
        """End the thread and wait for it, so not from that thread; close the sockets. Idempotent."""
        if self._closing:
            return
        self._closing = True
        os.write(self._wake_writer, b"\0")
        if self._thread.ident is not None:
            self._thread.join()
            sys.setswitchinterval(self._switch_interval)
        self.count()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for opened in self.sockets:
            opened.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def count(self) -> Counts:
        """Ask the kernel for its counts, unless the tap is closed; return all of them."""
        with self._counting:
            if all(each.fileno() >= 0 for each in self.sockets):
                both = [each.statistics() for each in self.sockets]
                self.counts.captured = sum(captured for captured, _ in both)
                self.counts.dropped = sum(dropped for _, dropped in both)
        return self.counts

    def _run(self) -> None:
        try:
            looked_at = time.monotonic()
            while not self._closing:
                if self._read_ready() < RUN:
                    time.sleep(PAUSE_S)
                if time.monotonic() - looked_at >= TICK_S:
                    looked_at = time.monotonic()
                    self._look_again()
        except BaseException as error:  # noqa: BLE001 - a thread has no caller: the fault is kept and told
            self.error = error
            if self._ended is not None:
                self._ended(error)

    def _read_ready(self) -> int:
        """Wait until a socket is ready, read a run from each that is; return how many frames that were."""
        ready = dict(self._poll.poll(TICK_S * 1000))
        count = 0
        for opened in self.sockets:
            events = ready.get(opened.fileno(), 0)
            if events & select.POLLERR:
                self._check(opened)
            if events & select.POLLIN:
                count += self._read(opened)
        return count

    def _look_again(self) -> None:
        for opened in self.sockets:
            if opened.refused is not None and not opened.is_gone:
                self._check(opened)

    def _check(self, opened: PacketSocket) -> None:
        opened.check()
        if opened.is_gone:
            self._poll.unregister(opened)

    def _read(self, opened: PacketSocket) -> int:
        ring, at = opened.ring, self._at[opened.fileno()]
        count = ring.ready(at)
        if not count:
            return 0
        run = ring.read(at, count, opened.interface.index)
        if len(run.kept):
            self._sink.append_blocks(run.columns, run.blocks, run.firsts, run.kept)
        if run.control_frames:
            self._heard(run.control_frames)
        ring.release(at, count)
        self.counts.refused += run.refused
        self.counts.control_skipped += run.control_skipped
        self._at[opened.fileno()] = (at + count) % ring.frames
        return count


def _keep_free_memory() -> None:
    """Have the allocator of this process keep what is freed, up to a bound, where it can be told so."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
