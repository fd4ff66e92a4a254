"""Tap: the one thread that reads packet sockets, run by run, into a sink. It only listens.

As `net.receiver` does, it sleeps in the kernel while nothing comes, so a lone frame is seen at once, and
pauses while traffic flows, for longer: a tap is for looking at. What a look costs is waking up (0.6 ms until
all that code and memory is in the cache again), not the frames: thousands gather where thousands come.
"""

from __future__ import annotations

import ctypes
import select
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mcast_tui.net.capture_thread import CaptureThread
from mcast_tui.net.packet_socket import PacketSocket, open_sockets
from mcast_tui.wire.tpacket import RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.errors import McastError
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.net.packet_socket import Sockets
    from mcast_tui.wire.columns import Column, Columns
    from mcast_tui.wire.membership.message import ControlFrame

FRAMES = 1 << 15
"""Frames of all rings together, as they are opened at first: 64 MiB, 160 ms of 200,000 packets a second."""
LEAST_FRAMES = 1 << 11
MOST_INTERFACES = 16
"""Each has a ring of 4 MiB at least that the kernel cannot swap out. Should all come one by one, each gets
its share of `FRAMES` as it comes: 192 MiB in all."""

PAUSE_S = 0.02
"""The pause after a look: IGMP and MLD are never seen later than that."""
MOST_PER_S = 200_000
"""No pause is longer than a ring takes to fill at this rate, however few came before."""
GATHERED = 0.53
"""What part of a ring is let fill: of the largest a little more than two runs, so that runs are whole, and
end where the ring ends."""
GROWTH = 2
"""How many times as long as the last one a pause may be: what has begun to come may soon be more."""
GLANCE_S = 0.1
"""A pause longer than this has a glance halfway: should more have begun to come, a ring of which `FILLING` is
filled by then is read at once. A glance costs a tenth of a look, for it is waking up as well."""
FILLING = 1 / 3
LATE_S = 0.06
"""How late we may be woken, and the ring still holds all that comes meanwhile."""
DENSE_PER_S = 3000
"""From how many frames a second on they are seen later than after the first pause."""
REMEMBERED = 8
"""Of so many looks the densest counts: who shares a core sends in bursts."""
TICK_S = 1.0
"""How often the interfaces are looked at: are they down, up again, gone, made anew."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
KEPT_BYTES = 16 << 20
"""What the allocator of a process that taps keeps of memory that is free, from then on: each run needs some
megabytes again. To take them from the kernel anew is 100 page faults for a run of small packets, 700 for
one of large ones, and nearly doubles what a packet costs (measured: 80 to 139 ns, 339 to 600)."""


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

    Sockets for `prepared` interfaces, if that is more, are opened at once: to `follow` as many then needs
    no privilege. `heard` gets the frames that may hold IGMP or MLD, and `ended` what ends the thread though
    nobody closed the tap; both are called on that thread.
    """

    def __init__(
        self,
        interfaces: Sequence[Interface],
        sink: Sink,
        *,
        heard: Callable[[tuple[ControlFrame, ...]], None],
        ended: Callable[[BaseException], None] | None = None,
        is_promiscuous: bool = False,
        prepared: int = 0,
    ) -> None:
        """Raise `McastError` where one of them cannot be tapped; then none is."""
        self.counts = Counts()
        self.sockets: tuple[PacketSocket, ...] = ()
        self._spare: list[Sockets] = []
        self._sink, self._heard = sink, heard
        self._at: dict[int, int] = {}
        self._counting = threading.Lock()
        self._poll = select.poll()
        self._bells = select.poll()
        self._thread = CaptureThread("mcast-tui tap", self._run, ended)
        for waiting in (self._poll, self._bells):
            waiting.register(self._thread.wake_fileno, select.POLLIN)
        self._is_promiscuous = is_promiscuous
        self._pause = PAUSE_S
        self._rates: deque[float] = deque(maxlen=REMEMBERED)
        try:
            while len(self._spare) < prepared:
                self._spare.append(open_sockets())
            for interface in interfaces:
                self._open(interface, len(interfaces))
        except BaseException:
            self.close()
            raise

    def _open(self, interface: Interface, sharing: int) -> None:
        share = FRAMES // sharing
        frames = max(LEAST_FRAMES, 1 << share.bit_length() - 1)
        sockets = self._spare.pop() if self._spare else open_sockets()
        try:
            opened = PacketSocket(sockets, interface, frames, is_promiscuous=self._is_promiscuous)
        except BaseException:
            self._spare.append(sockets)
            raise
        self._at[opened.fileno()] = 0
        self._poll.register(opened, select.POLLIN)
        self._bells.register(opened.bell, select.POLLIN)
        self.sockets += (opened,)

    def follow(self, interfaces: Sequence[Interface]) -> None:
        """Tap those of `interfaces` as well that are not tapped yet, within two seconds.

        They get the sockets of one that is gone for good, or some that were prepared, and only then new ones.
        Raise `McastError` where one cannot be tapped.
        """
        known = {each.interface.name for each in self.sockets}
        known_indexes = {each.interface.index for each in self.sockets if not each.is_gone}
        present = {each.name for each in interfaces}
        free = [each for each in self.sockets if each.is_gone and each.interface.name not in present]
        for interface in interfaces:
            if interface.name in known or interface.index in known_indexes:
                continue
            if free:
                free.pop().interface = interface
            elif len(self.sockets) < MOST_INTERFACES:
                self._open(interface, max(len(interfaces), len(self.sockets) + 1))

    @property
    def heard(self) -> tuple[str, ...]:
        """The names of the interfaces that are heard now."""
        return tuple(each.interface.name for each in self.sockets if each.refused is None)

    @property
    def refusals(self) -> tuple[McastError, ...]:
        """Why some of the interfaces are not heard now."""
        return tuple(each.refused for each in self.sockets if each.refused is not None)

    @property
    def error(self) -> BaseException | None:
        """What ended the thread, though nobody closed the tap."""
        return self._thread.error

    def start(self) -> None:
        """Start reading; once."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and wait for it, so not from that thread; close the sockets. Idempotent."""
        if self._thread.is_closing:
            return
        self._thread.close()
        self.count()
        # Side by side: with each the kernel waits until nobody can be looking at it, some 10 ms.
        left: tuple[PacketSocket | Sockets, ...] = (*self.sockets, *self._spare)
        closing = [threading.Thread(target=each.close) for each in left]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

    def count(self) -> Counts:
        """Ask the kernel for its counts, unless the tap is closed; return all of them."""
        with self._counting:
            if all(each.fileno() >= 0 for each in self.sockets):
                both = [each.statistics() for each in self.sockets]
                self.counts.captured = sum(captured for captured, _ in both)
                self.counts.dropped = sum(dropped for _, dropped in both)
        return self.counts

    def _run(self) -> None:
        _warm_allocator()
        looked_at = read_at = time.monotonic()
        count = 0
        while not self._thread.is_closing:
            most, is_more = self._read_ready()
            count += most
            now = time.monotonic()
            if not is_more:
                self._let_gather(count / (now - read_at))
                count, read_at = 0, now
            if now - looked_at >= TICK_S:
                looked_at = now
                self._look_again()
        self._read_rest()

    def _read_ready(self) -> tuple[int, bool]:
        """Wait until a socket is ready, read a run from each that is.

        Return how many frames the largest had, and whether more may be waiting.
        """
        ready = dict(self._poll.poll(TICK_S * 1000))
        most, is_more = 0, False
        for opened in self.sockets:
            events = ready.get(opened.fileno(), 0)
            if events & select.POLLERR:
                opened.check()
            if events & select.POLLIN:
                count = self._read(opened)
                most = max(most, count)
                is_more |= count > 0 and self._holds(opened, RUN // 4)
        return most, is_more

    def _read_rest(self) -> None:
        """Read what lies in the rings, and at most a ring more of each."""
        for opened in self.sockets:
            for _ in range(2 * opened.ring.frames // RUN + 2):
                if not self._read(opened):
                    break

    def _let_gather(self, per_s: float) -> None:
        """Pause until much of a ring should be filled, or IGMP or MLD came; so many frames came a second."""
        self._rates.append(per_s)
        longest, self._pause = GROWTH * self._pause, PAUSE_S
        if per_s >= DENSE_PER_S:
            frames = min(each.ring.frames for each in self.sockets)
            waiting = max(map(self._waiting, self.sockets))
            self._pause = min(longest, gathering_s(frames, waiting, max(self._rates)))
        begun = time.monotonic()
        has_glance = self._pause > GLANCE_S
        is_rung = self._wait_for_bells(self._pause / 2 if has_glance else self._pause)
        if has_glance and not is_rung and not self._is_filling():
            is_rung = self._wait_for_bells(self._pause / 2)
        if is_rung:
            time.sleep(max(0.0, begun + PAUSE_S - time.monotonic()))

    def _wait_for_bells(self, seconds: float) -> bool:
        """Wait for so long, or until IGMP or MLD came, or the tap is closed; return whether either is so."""
        rung = dict(self._bells.poll(seconds * 1000))
        for opened in self.sockets:
            if opened.bell.fileno() in rung:
                opened.silence()
        return bool(rung)

    def _waiting(self, opened: PacketSocket) -> int:
        return opened.ring.waiting(self._at[opened.fileno()])

    def _holds(self, opened: PacketSocket, count: int) -> bool:
        return opened.ring.holds(self._at[opened.fileno()], count)

    def _is_filling(self) -> bool:
        return any(self._holds(opened, int(FILLING * opened.ring.frames)) for opened in self.sockets)

    def _look_again(self) -> None:
        for opened in self.sockets:
            opened.check()

    def _read(self, opened: PacketSocket) -> int:
        ring, at = opened.ring, self._at[opened.fileno()]
        run = ring.read(at)
        if run is None:
            return 0
        if len(run.kept):
            self._sink.append_blocks(run.columns, run.blocks, run.firsts, run.kept)
        if run.control_frames:
            self._heard(run.control_frames)
        ring.release(at, run.frames)
        self.counts.refused += run.refused
        self.counts.control_skipped += run.control_skipped
        self._at[opened.fileno()] = (at + run.frames) % ring.frames
        return run.frames


def gathering_s(frames: int, waiting: int, per_s: float) -> float:
    """Return how long to let `per_s` a second gather in a ring of `frames` that holds `waiting` already."""
    room = min(GATHERED * frames, frames - LATE_S * per_s) - waiting
    return max(PAUSE_S, min(room / per_s, frames / MOST_PER_S))


def _warm_allocator() -> None:
    """Have the allocator of this process keep what is freed, up to a bound, where it can be told so.

    And give it, for the calling thread, what a run needs: taken in the middle of a flood, it made the first
    runs last 30 ms.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        np.full(KEPT_BYTES // 2, 1, np.uint8)
