"""The composition root: a `Node` owns the sockets, the capture thread, the ring and the services.

It is an async context manager; leaving it gives every membership up and closes every
socket, whatever happened in between. Both front ends drive this one object and nothing
below it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from mcast_tui.capture.ring import PacketRing
from mcast_tui.errors import McastError, NetworkRefused
from mcast_tui.net.echo import EchoBook
from mcast_tui.net.intake import Admission
from mcast_tui.net.interfaces import list_interfaces
from mcast_tui.net.ports import raise_file_limit
from mcast_tui.net.receiver import Receiver
from mcast_tui.services.chat import DIRECT, Chat, LineState, own_line
from mcast_tui.services.events import (
    CaptureStopped,
    DatagramRefused,
    DatagramSent,
    Event,
    GroupJoined,
    GroupLeft,
    GroupsImpaired,
    IntakeFailed,
    MembershipNews,
)
from mcast_tui.services.groups import Groups
from mcast_tui.services.membership.announcing import Announcer
from mcast_tui.services.membership.explainer import Explainer
from mcast_tui.services.membership.facts import What
from mcast_tui.services.membership.healing import Healer
from mcast_tui.services.membership.joins import change_entry, entries_of
from mcast_tui.services.membership.link_watch import LinkWatch
from mcast_tui.services.membership.timeline import Timeline
from mcast_tui.services.monitor import Monitor, Snapshot
from mcast_tui.services.outgoing import Outgoing
from mcast_tui.services.placement import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.net.link_monitor import News
    from mcast_tui.net.sender import SendOptions, Sent
    from mcast_tui.services.group import Group
    from mcast_tui.services.membership.watch import MembershipWatch
    from mcast_tui.services.open_ports import OpenPort
    from mcast_tui.services.settings import Settings
    from mcast_tui.services.source_change import SourceChange
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.columns import Column, Columns, Packet
    from mcast_tui.wire.membership.source_filter import SourceFilter


LOOK_AROUND_S = 1.0
"""Between two looks at what nobody tells us of."""


class Node:
    """Everything that runs, behind one door."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ring = PacketRing(settings.ring_packets, settings.ring_bytes)
        self._echoes = EchoBook()
        self._receiver = Receiver(
            _Arrival(self.ring, self._wake), mark=self._echoes.mark, ended=lambda _fault: self._wake()
        )
        self.groups = Groups(
            self._receiver,
            receive_buffer=settings.receive_buffer,
            admission=Admission(settings.ranges, settings.source_port),
        )
        self.monitor = Monitor(self.ring, self.groups)
        self.chat = Chat(self.ring, self.groups)
        self.timeline = Timeline(lambda entry: self._tell(MembershipNews(entry)))
        self.link_monitor = LinkWatch()
        announcer = Announcer(self.groups, self.ring, self.timeline)
        self.healer = Healer(self.groups, self.timeline, self._tell_impaired, announcer)
        self.explainer = Explainer(self.groups, self._tell)
        self._outgoing = Outgoing(settings, self.groups, self._echoes, self.healer.moved)
        self._memberships: MembershipWatch | None = None
        self._link_news: list[News] = []
        self._clock: asyncio.TimerHandle | None = None
        self.interfaces: tuple[Interface, ...] = ()
        self._held = ExitStack()
        self._listeners: list[Callable[[Event], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Event()
        self._wake_pending = False
        self._stop_told = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        with ExitStack() as held:
            held.callback(self._receiver.close)
            raise_file_limit()
            held.callback(self.link_monitor.close)
            self.link_monitor.open()
            self.link_monitor.subscribe(self._take_link_news)
            self.healer.begin(self.refresh_interfaces())
            held.callback(self._stop_clock)
            self._look_around()
            self._receiver.start()
            held.callback(self.groups.close)
            self._held = held.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._held:
            if self._memberships is not None:
                await self._memberships.close()

    @property
    def memberships(self) -> MembershipWatch:
        """What is known of memberships, those of others too; it follows nothing before it is asked to."""
        if self._memberships is None:
            from mcast_tui.services.membership.watch import MembershipWatch  # most verbs do without

            self._memberships = MembershipWatch(self)
        return self._memberships

    # -- facts, pushed -------------------------------------------------------------------

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call `callback` with each event, on the event loop; return what ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def publish(self, event: Event) -> None:
        """Tell every listener of an event that a service beside the node found out."""
        self._tell(event)

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    # -- packets, pulled -----------------------------------------------------------------

    async def wait_beyond(self, head: int) -> int:
        """Wait until the ring has grown beyond `head` packets; return its head.

        Raises `NetworkRefused` if the capture thread ended, for then nothing would ever come.
        """
        while self.ring.head <= head:
            self._arrived.clear()
            if self.ring.head > head:
                break
            self.check_capture()
            await self._arrived.wait()
        return self.ring.head

    def check_capture(self) -> None:
        """Raise if the capture thread ended by a fault."""
        if self._receiver.error is not None:
            reason = f"{type(self._receiver.error).__name__}: {self._receiver.error}"
            if not self._stop_told:
                self._stop_told = True
                self._tell(CaptureStopped(reason))
            raise NetworkRefused("receive", f"the capture thread stopped: {reason}")

    def sample(self, now: float) -> Snapshot:
        """Take the monitor's sample at monotonic time `now`; see what became of interfaces and sockets."""
        self.link_monitor.deliver()
        snapshot = self.monitor.sample(now)
        for failure in self.groups.intakes.take_failures():
            self._tell(IntakeFailed(failure.label, failure.errno))
        return snapshot

    def _wake(self) -> None:
        """Wake the waiters from the capture thread: at most one call is under way at a time."""
        if not self._wake_pending and not self._arrived.is_set() and self._loop is not None:
            self._wake_pending = True
            self._loop.call_soon_threadsafe(self._awake)

    def _awake(self) -> None:
        self._wake_pending = False
        self._arrived.set()

    # -- interfaces come and go ------------------------------------------------------------

    def _take_link_news(self, news: Sequence[News]) -> None:
        self._link_news += news
        self._heal()

    def _heal(self) -> None:
        """Let the groups follow what the kernel told of interfaces, or what a look at them shows."""
        news, is_polled = self._link_news, not self.link_monitor.is_live
        try:
            interfaces = self.refresh_interfaces()
        except McastError:
            return  # no descriptor is left, say: the news are kept for the next look
        self._link_news = []
        self.healer.take(news, interfaces, is_polled=is_polled)

    def _look_around(self) -> None:
        """See, once a second, whether the machine slept, and what nobody told or could act on."""
        assert self._loop is not None  # called from the loop it was entered in
        self._clock = self._loop.call_later(LOOK_AROUND_S, self._look_around)
        self.healer.check_sleep(time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic())
        if self._link_news:
            self._heal()
        elif not self.link_monitor.is_live:
            self._heal()
            self.healer.verify()
        self.healer.announce_again(time.monotonic())

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()

    def _tell_impaired(self, groups: tuple[Group, ...], error: McastError) -> None:
        self._tell(GroupsImpaired(groups, error))

    # -- joining and sending -------------------------------------------------------------

    def refresh_interfaces(self) -> tuple[Interface, ...]:
        """Read the interfaces again; they come and go."""
        self.interfaces = self._outgoing.interfaces = list_interfaces()
        own = {address.ip for interface in self.interfaces for address in interface.addresses}
        # An interface without an address sends from 0.0.0.0.
        self._echoes.set_own_addresses(own | {IPv4Address(0)})
        return self.interfaces

    async def join(
        self,
        endpoint: Endpoint,
        admission: Admission | None = None,
        sources: SourceFilter | None = None,
    ) -> list[Group]:
        """Join every address of the endpoint's run, or none of them; see `Groups.join`."""
        if endpoint.interface is None and self.settings.interface is not None:
            endpoint = replace(endpoint, interface=self.settings.interface)
        interfaces = self.refresh_interfaces()
        watched = self.explainer.watch_join(endpoint, interfaces)
        joined = self.groups.join(endpoint, interfaces, admission, sources)
        for group in joined:
            self._tell(GroupJoined(group))
        self._note(What.JOIN, joined)
        watched.joined(joined)
        return joined

    def _note(self, what: What, groups: Sequence[Group]) -> None:
        for entry in entries_of(what, groups):
            self.timeline.add(entry)

    async def leave(self, group: Group) -> None:
        """Leave a group; its packets stay in the ring."""
        self.chat.poll()
        before = group.filter  # while its socket can be asked
        watched = self.explainer.watch(group)
        self.groups.leave(group)
        self._tell(GroupLeft(group))
        self._note(What.LEAVE, [group])
        watched.left(group, before)

    async def change_sources(self, group: Group, change: SourceChange) -> SourceFilter:
        """Change whom a group hears; return the filter as the kernel says it. See `Groups.change_sources`."""
        self.chat.poll()  # what arrived before is of the sources of before
        before = group.filter
        watched = self.explainer.watch(group)
        read = self.groups.change_sources(group, change)
        self.timeline.add(change_entry(group, change, read))
        watched.changed(group, change, before)
        return read

    async def send(self, destination: Endpoint, payload: bytes, options: SendOptions) -> Sent:
        """Send one datagram from the group's port, or for unicast from a private one.

        A private port, because another process may share the group's port and would take the
        answer. Raises `McastError`; the line in the chat says what became of it.
        """
        group = self.groups.find(destination, self.interfaces)
        if options.ifindex is None:
            options = replace(options, ifindex=self._outgoing.ifindex_towards(destination, group))
        self.chat.poll()  # what arrived before stands before it
        pane = self.chat.pane(group.id if group else DIRECT)
        line = own_line(destination, payload, group, kind_of(destination, self.interfaces))
        if pane is not None:
            pane.add(line)
        try:
            port = self._outgoing.port_towards(destination)
            sent = await self._outgoing.send(port, destination, payload, options)
        except McastError as refusal:
            if pane is not None:
                pane.change(line, replace(line, state=LineState.FAILED, error=refusal))
            self._tell(DatagramRefused(refusal))
            raise
        if pane is not None:
            pane.change(line, replace(line, state=LineState.SENT, source_port=sent.source_port))
        self._tell(DatagramSent(sent, group))
        return sent

    async def send_from(
        self, port: OpenPort, destination: Endpoint, payload: bytes, options: SendOptions
    ) -> Sent:
        """Send one datagram from a port that is held (`groups.ports.hold`); raises `McastError`."""
        if options.ifindex is None:
            options = replace(options, ifindex=self._outgoing.ifindex_towards(destination))
        return await self._outgoing.send(port, destination, payload, options)

    async def reply(self, packet: Packet, payload: bytes, options: SendOptions | None = None) -> Sent:
        """Answer the sender of `packet` from the port and address it was sent to; raises `McastError`.

        `options` is for hop limit and traffic class.
        """
        return await self._outgoing.reply(packet, payload, options)


class _Arrival:
    """The receiver's sink: the ring, and a word to whoever waits."""

    def __init__(self, ring: PacketRing, wake: Callable[[], None]) -> None:
        self._ring = ring
        self._wake = wake

    def append(self, columns: Columns, payloads: Column) -> None:
        self._ring.append(columns, payloads)
        self._wake()
