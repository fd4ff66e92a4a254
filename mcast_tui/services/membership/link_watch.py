"""The kernel's news of links and memberships, on an event loop, to whoever subscribed.

`net.link_monitor` does the listening. Where netlink sockets are refused nothing is told and `is_live` is
False: then the interfaces are to be looked at on a clock.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

from mcast_tui.errors import McastError
from mcast_tui.net.link_monitor import GroupMonitor, LinkMonitor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.net.link_monitor import News

    Listener: TypeAlias = "Callable[[Sequence[News]], None]"


class LinkWatch:
    """Listens from `open` to `close`, both on the thread and in the network namespace of the event loop."""

    def __init__(self) -> None:
        self._held = ExitStack()
        self._links: LinkMonitor | None = None
        self._memberships: GroupMonitor | None = None
        self._link_listeners: list[Listener] = []
        self._membership_listeners: list[Listener] = []

    @property
    def is_live(self) -> bool:
        """Whether changes of links and addresses are told."""
        return self._links is not None

    @property
    def has_multicast_notifications(self) -> bool:
        """Whether changes of memberships are told: somebody has subscribed to them, and this kernel tells."""
        return self._memberships is not None

    def open(self) -> None:
        """Begin to listen for links and addresses; where that is refused, `is_live` stays False."""
        try:
            self._links = self._held.enter_context(LinkMonitor())
        except McastError:
            return
        self._read_by(self._links, self.deliver)

    def _read_by(self, monitor: LinkMonitor | GroupMonitor, deliver: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(monitor, deliver)
        self._held.callback(loop.remove_reader, monitor)

    def close(self) -> None:
        """End; nobody is told anything any more. Again is harmless."""
        self._held.close()
        self._links = self._memberships = None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with what is told of links and addresses; return what ends that."""
        self._link_listeners.append(listener)
        return lambda: self._link_listeners.remove(listener)

    def subscribe_memberships(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with what is told of this host's memberships; return what ends that.

        Older kernels tell nothing. The socket is opened for the first listener: joining is no slower before.
        """
        self._membership_listeners.append(listener)
        if self._links is not None and self._memberships is None:
            try:
                self._memberships = self._held.enter_context(GroupMonitor())
            except McastError:
                self._memberships = None
            else:
                self._read_by(self._memberships, self.deliver_memberships)
        return lambda: self._membership_listeners.remove(listener)

    def deliver(self) -> None:
        """Tell what has come of links and addresses by now, not waiting for the event loop's turn."""
        if self._links is not None and (news := self._links.read()):
            for listener in tuple(self._link_listeners):
                listener(news)

    def deliver_memberships(self) -> None:
        """Tell what has come of memberships by now, likewise."""
        if self._memberships is not None and (news := self._memberships.read()):
            for listener in tuple(self._membership_listeners):
                listener(news)
