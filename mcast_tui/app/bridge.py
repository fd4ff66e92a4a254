"""Between the node and the screen: rates are pulled on a clock, facts are pushed as they come.

A packet that ends a silence is drawn at once; after it the screen asks again at frame rate
until it has drawn everything. One timer a second asks for rates and the kernel's tables.
Nothing here is done per packet.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from mcast_tui.app.widgets.frame_rate import FrameRate, is_behind_ssh
from mcast_tui.errors import McastError
from mcast_tui.services.events import Explained, GroupJoined, GroupLeft, MembershipNews
from mcast_tui.services.kernel_views import read_views
from mcast_tui.services.membership.facts import What

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.app import App
    from textual.timer import Timer
    from textual.worker import Worker

    from mcast_tui.net.kernel import KernelView
    from mcast_tui.services.events import Event
    from mcast_tui.services.node import Node

FRAME_S = 1 / 30
LATEST_S = 0.25
"""What a widget put off, because its frame was not due, is drawn no later than this."""
SAMPLE_S = 1.0
KERNEL_APART_S = 2.0
"""Between two readings of the kernel's tables; more when one takes long: of ten thousand groups 50 ms."""
KERNEL_SHARE = 0.005
"""Of the time, what reading them may take while nothing happens."""


class Display(Protocol):
    """What the bridge needs of the screen."""

    def tick(self) -> None:
        """Draw what arrived: a frame is due."""

    def sample(self, kernel: Mapping[int, KernelView | None]) -> None:
        """Draw rates, losses and what the kernel says: a second is over."""

    def take_events(self, events: Sequence[Event]) -> None:
        """These things happened."""


class Bridge:
    """Runs the clocks of one app over one node, from `start` to `stop`."""

    def __init__(self, node: Node, display: Display) -> None:
        self._node = node
        self._display = display
        self._timers: list[Timer] = []
        self._wire_timer: Timer | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._rate = FrameRate(is_remote=is_behind_ssh())
        self._head = self._drawn = 0
        self._following: Worker[None] | None = None
        self._kernel_due = 0.0
        self._kernel: Mapping[int, KernelView | None] = {}
        self._stopped = False
        self._untold: list[Event] = []

    def start(self, app: App[int]) -> None:
        """Begin; the node must have been entered."""
        self._unsubscribe = self._node.subscribe(lambda event: self._tell(app, event))
        self._wire_timer = app.set_interval(
            FRAME_S, lambda: self._while_shown(app, self._display.tick), name="wire", pause=True
        )
        self._timers = [
            self._wire_timer,
            app.set_interval(LATEST_S, lambda: self._while_shown(app, self._draw), name="frame"),
            app.set_interval(SAMPLE_S, lambda: self._while_shown(app, self.sample), name="sample"),
        ]
        self._following = app.run_worker(self._follow(app), name="follow the ring")
        self.sample()

    def stop(self) -> None:
        """End every clock; a second call does nothing."""
        if self._following is not None:
            self._following.cancel()
            self._following = None
        for timer in self._timers:
            timer.stop()
        self._timers.clear()
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def watch_wire(self, is_watched: bool) -> None:  # noqa: FBT001  # a callback's one argument
        """Draw at frame rate while what a tap sees is on screen: nobody tells when its ring has grown."""
        if self._wire_timer is not None:
            (self._wire_timer.resume if is_watched else self._wire_timer.pause)()

    def _tell(self, app: App[int], event: Event) -> None:
        # Not at once: the node tells in the middle of joining, and of a run of groups one by one;
        # the screen waits until all of that is done, and is drawn once.
        self._untold.append(event)
        if len(self._untold) == 1:
            app.call_later(self._show_events, app)

    def _show_events(self, app: App[int]) -> None:
        events, self._untold = self._untold, []
        self._display.take_events(events)
        if any(map(_changes_memberships, events)):
            self.read_kernel()
            self._while_shown(app, lambda: self._display.sample(self._kernel))
        self._while_shown(app, self._draw)

    async def _follow(self, app: App[int]) -> None:
        """Draw whenever the ring has grown; sleep in between, for ever when nothing comes."""
        while not self._stopped:
            try:
                await self._node.wait_beyond(self._drawn)
            except McastError:
                self._stopped = True  # the node told so by an event
                return
            self._while_shown(app, self._frame)
            await asyncio.sleep(FRAME_S)

    @staticmethod
    def _while_shown(app: App[int], draw: Callable[[], None]) -> None:
        """Draw, unless the widgets are being taken down: a timer outlives them by a moment."""
        if app.is_running:
            draw()

    def _frame(self) -> None:
        now = time.monotonic()
        head = self._node.ring.head
        self._rate.count(head - self._head, now)
        self._head = head
        if not self._rate.is_due(now):
            return
        self._rate.drew(now)
        self._drawn = head
        self._draw()
        self._rate.cost(time.monotonic() - now)

    def _draw(self) -> None:
        self._node.chat.poll()
        self._display.tick()

    def sample(self) -> None:
        """Read rates, losses and, when it is time, the kernel's tables."""
        now = time.monotonic()
        self._node.sample(now)
        if now >= self._kernel_due:
            self.read_kernel()
        self._display.sample(self._kernel)
        self._check_capture()

    def read_kernel(self) -> None:
        """Read what the kernel says of every membership now; what cannot be read is unknown, and shown so."""
        begun = time.monotonic()
        self._kernel = read_views(self._node.groups)
        now = time.monotonic()
        self._kernel_due = now + max(KERNEL_APART_S, (now - begun) / KERNEL_SHARE) - SAMPLE_S / 2

    def _check_capture(self) -> None:
        if self._stopped:
            return
        try:
            self._node.check_capture()
        except McastError:
            self._stopped = True  # likewise


def _changes_memberships(event: Event) -> bool:
    """Tell whether our own memberships are others now than they were: news of other hosts change nothing."""
    if isinstance(event, MembershipNews):
        return event.entry.what in {What.LINK, What.HEALED, What.FILTER}
    return isinstance(event, GroupJoined | GroupLeft | Explained)
