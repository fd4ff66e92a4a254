"""What the wire says of memberships: the tap's control frames, decoded, told, and fed to who keeps track.

Nothing is listened to before `listen`: a tap changes which frames the card lets through, and costs a share
of a processor where much passes. What is heard goes on the node's timeline; what this host itself was heard
to report makes the explanation of the last join, leave or change say so.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from mcast_tui.errors import NetworkRefused
from mcast_tui.human import counted
from mcast_tui.services.membership.facts import TimelineEntry, What
from mcast_tui.services.membership.fault import FAULT_ORIGIN, fault_of
from mcast_tui.services.membership.impostors import Impostors
from mcast_tui.services.membership.members import Members
from mcast_tui.services.membership.prune import HeldGroup
from mcast_tui.services.membership.querier import QuerierWatch
from mcast_tui.services.membership.wire_log import Told, entries_of
from mcast_tui.services.tap.tap import TapService, TapState
from mcast_tui.wire.membership.heard import CUT_BY_TAP, NOT_MEMBERSHIP, hear
from mcast_tui.wire.membership.message import Query, RecordReport, Refused
from mcast_tui.wire.tpacket import LARGEST_CAPTURE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.membership.facts import HeardGroup, PruneCountdown, QuerierFacts
    from mcast_tui.services.node import Node
    from mcast_tui.wire.membership.message import ControlFrame, Heard

POLL_S = 1.0
"""Between two looks at what did not come: a querier that is overdue."""
REFUSED_S = 10.0
"""Between two entries of what is refused: whoever sends that can do so for ever."""
PACE_S = 0.05
MOST_FRAMES, MOST_LONG = 256, 16
"""Decoded at each pace. Anyone on the LAN can send reports as fast as the wire takes them, each with
hundreds of records: what is beyond is counted, and the event loop stays free."""
LONG, MOST_LONG_OUTGOING = 160, 64
"""Octets from which a message is a long one, half a millisecond of work or more: no general query is. This
host's own answer for ten thousand groups is 55; but a guest's behind a bridge of ours goes out here, too."""
MOST_RECORDS = 4096
"""Of other hosts, from which it is learnt at each pace who is a member: 40 ms of work; so many are kept."""
SHARE = 0.2
"""Of the event loop's time, that decoding may take."""
CLOSED = TapState(is_open=False)


class WireWatch:
    """Listens to the wire for one node, from `listen` to `close`."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._queriers = QuerierWatch(self._held_groups)
        self._members = Members()
        self._impostors = Impostors()
        self._polling: asyncio.Task[NoReturn] | None = None
        self._draining: asyncio.TimerHandle | None = None
        self._due = asyncio.Event()
        self._basis: tuple[int, int] | None = None
        self._countdowns: tuple[PruneCountdown, ...] = ()
        self.tap: TapService | None = None
        """None until somebody asked to listen."""
        self.refused: Counter[str] = Counter()
        """Control frames that a host or router would ignore, by the reason."""
        self.skipped = 0
        """Control frames that came faster than they are decoded, or than their records are kept."""
        self.cut = 0
        """Control frames longer than the tap keeps of one: reports, for no general query is as long."""
        self._told_skipped = self._told_cut = 0
        self._told_refused: Counter[str] = Counter()
        self._refused_due = 0.0
        self._told_where = ""
        self._pause_s = 0.0

    @property
    def state(self) -> TapState:
        """Whether the wire is listened to, and by which way; or why not, which may be a fault of ours."""
        if self.tap is None:
            return CLOSED
        fault = fault_of(self._polling)
        if fault is not None:
            refused = NetworkRefused("listen to the wire", f"what listens stopped: {fault}")
            return TapState(is_open=False, error=refused)
        return self.tap.state

    def listen(self) -> None:
        """Open the tap, or begin to look for the privileged one; a second call does nothing."""
        if self.tap is None:
            self.tap = TapService(heard=self._drain_soon)
            self.tap.start()
            self._told_where = self.tap.state.where  # who asked is told by `state`
            self._polling = asyncio.create_task(self._poll(), name="wire watch")
            self._polling.add_done_callback(self._forget_if_stopped)

    async def close(self) -> None:
        """End it; what was heard stays. Raises what ended the watch before, with the tap closed."""
        polling, self._polling = self._polling, None
        self._stop_timer()
        try:
            if polling is not None:
                polling.cancel()
                (end,) = await asyncio.gather(polling, return_exceptions=True)
                if not isinstance(end, asyncio.CancelledError):
                    raise end
        finally:
            if self.tap is not None:
                await self.tap.close()

    # -- what is known

    def queriers(self) -> Sequence[QuerierFacts]:
        """Return the queriers heard."""
        return self._queriers.queriers()

    def countdowns(self) -> Sequence[PruneCountdown]:
        """Return when switches would forget our groups: the same object until something changes it."""
        basis = self._queriers.revision, self._node.groups.revision
        if basis != self._basis:
            self._basis, self._countdowns = basis, self._queriers.countdowns()
        return self._countdowns

    def heard_groups(self) -> Sequence[HeardGroup]:
        """Return every group that other hosts reported: the same object until something changes it."""
        return self._members.groups()

    # -- what comes

    def _drain_soon(self) -> None:
        if self._draining is None and self._polling is not None:
            pause_s = max(PACE_S, self._pause_s)
            self._draining = asyncio.get_running_loop().call_later(pause_s, self._due.set)

    def _stop_timer(self) -> None:
        if self._draining is not None:
            self._draining.cancel()
            self._draining = None

    async def _poll(self) -> NoReturn:
        """Drain when something waits, and look each second at what did not come."""
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        while True:
            self._stop_timer()
            self._due.clear()
            self.drain()
            if loop.time() >= look_at:
                look_at = loop.time() + POLL_S
                self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(look_at):
                    await self._due.wait()

    def drain(self) -> None:
        """Take in the control frames that wait, the newest where there are too many."""
        if self.tap is not None and (frames := self.tap.control_frames()):
            self._listen_on()
            begun = time.thread_time()
            chosen = _affordable(frames)
            self.skipped += len(frames) - len(chosen)
            self._take(chosen)
            self._pause_s = (time.thread_time() - begun) / SHARE

    def _take(self, frames: Sequence[ControlFrame]) -> None:
        names = {each.index: each.name for each in self._node.interfaces}
        own = {address.ip for each in self._node.interfaces for address in each.addresses}
        told = Told()
        ours: list[Heard] = []
        room = MOST_RECORDS
        for frame in frames:
            heard = hear(frame)
            if heard is CUT_BY_TAP:
                self.cut += 1
                continue
            if isinstance(heard, Refused):
                self.refused[heard.reason] += 1
                continue
            if heard.is_outgoing and not heard.source.is_unspecified and heard.source not in own:
                heard = replace(heard, is_outgoing=False)  # a guest's, behind a bridge of ours
            told.add(entries_of(heard, names.get(heard.ifindex)))
            told.add_once(self._queriers.hear(heard).entries)
            if heard.is_outgoing:
                if not isinstance(heard.message, Query):
                    ours.append(heard)
            elif heard.source in own:
                told.add_once(self._impostors.hear(heard, self._node.interfaces))
            else:
                room -= len(heard.message.records) if isinstance(heard.message, RecordReport) else 1
                if room >= 0:
                    told.add(self._members.hear(heard, names.get(heard.ifindex)))
                else:
                    self.skipped += 1
        self._tell(told)
        if ours:
            self._node.explainer.hear(ours)

    def _tell(self, told: Told) -> None:
        for entry in told.bounded():
            self._node.timeline.add(entry)

    # -- what does not come

    def _look(self) -> None:
        self._listen_on()
        self._tell_where()
        self._tell_missed()
        self._tell_refused()
        now = time.time_ns()
        findings, told = self._queriers.poll(now), Told()
        told.add_once(findings.entries)
        told.add(self._members.poll(now, self._queriers.queriers()))
        self._tell(told)
        for event in findings.events:
            self._node.publish(event)

    def _tell_where(self) -> None:
        """Say when the tap opens, closes or follows other interfaces: what is not heard then is not told."""
        where, before = self.state.where, self._told_where
        if where != before:
            self._told_where = where
            closed = self.state.closed
            text = f"not heard any more: {closed.reason}" if closed else f"heard {where}"
            entry = TimelineEntry(
                time.time_ns(), What.TAP, True, None, None, None, "this app", f"the wire is {text}", "tap"
            )
            self._node.timeline.add(entry)

    def _tell_missed(self) -> None:
        """Say what was not heard since it was said last; among it may be the query that seems to be late."""
        assert self.tap is not None  # polled from `listen` on
        counts, now = self.tap.counts, time.time_ns()
        skipped = self.skipped + counts.dropped + counts.not_fed + counts.control_skipped
        more_skipped, self._told_skipped = skipped - self._told_skipped, max(skipped, self._told_skipped)
        more_cut, self._told_cut = self.cut - self._told_cut, self.cut
        if more_skipped > 0:
            self._queriers.miss(now)
            why = "not looked at, or not in full: too many at once"
            self._tell_unheard(now, f"{counted(more_skipped, 'frame')} {why}")
        if more_cut:
            self._queriers.miss_reports(now)
            why = f"not heard: longer than the {LARGEST_CAPTURE} octets that the tap keeps of one"
            self._tell_unheard(now, f"{counted(more_cut, 'frame')} {why}")

    def _tell_refused(self) -> None:
        """Say what hosts ignore, and why, but not what is something else than a membership message."""
        new = self.refused - self._told_refused
        reasons = {reason: count for reason, count in new.most_common() if reason not in NOT_MEMBERSHIP}
        now = time.monotonic()
        if not reasons or now < self._refused_due:
            return
        self._refused_due, self._told_refused = now + REFUSED_S, self.refused.copy()
        why = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
        text = f"{counted(sum(reasons.values()), 'message')} that hosts ignore: {why}"
        self._node.timeline.add(
            TimelineEntry(time.time_ns(), What.REPORT, True, None, None, None, "several", text, "tap")
        )

    def _tell_unheard(self, now: int, text: str) -> None:
        self._members.miss(now)
        self._node.timeline.add(
            TimelineEntry(now, What.ALARM, True, None, None, None, "several", text, "tap")
        )

    def _listen_on(self) -> None:
        tapped = self._tapped()
        self._queriers.listen_on(tapped, time.time_ns())
        self._members.listen_on(each.index for each in tapped)

    def _tapped(self) -> tuple[Interface, ...]:
        names = self.state.interfaces if self.state.is_open else ()
        return tuple(each for each in self._node.interfaces if each.name in names)

    def _forget_if_stopped(self, polling: asyncio.Task[NoReturn]) -> None:
        """Show nothing as current that nobody follows any more."""
        fault = fault_of(polling)
        if fault is not None:
            now = time.time_ns()
            self._queriers.listen_on((), now)
            self._members.listen_on(())
            text = f"what listens to the wire stopped: {fault}"
            self._node.timeline.add(
                TimelineEntry(now, What.ALARM, True, None, None, None, "this app", text, FAULT_ORIGIN)
            )

    def _held_groups(self) -> Iterator[HeldGroup]:
        """Yield our groups on each interface, since the first of them was joined."""
        since: dict[tuple[int, str], HeldGroup] = {}
        for group in self._node.groups:
            if group.membership is not None and group.ifindex is not None:
                held = HeldGroup(group.ifindex, group.endpoint.address, group.joined_at)
                since.setdefault((group.ifindex, str(group.endpoint.address)), held)
        return iter(since.values())


def _affordable(frames: Sequence[ControlFrame]) -> Sequence[ControlFrame]:
    """Return the newest that can be decoded at one pace, oldest first, few of them long ones."""
    chosen: list[ControlFrame] = []
    room = {True: MOST_LONG_OUTGOING, False: MOST_LONG}
    for frame in reversed(frames):
        if len(chosen) == MOST_FRAMES:
            break
        if len(frame.packet) >= LONG:
            room[frame.is_outgoing] -= 1
            if room[frame.is_outgoing] < 0:
                continue
        chosen.append(frame)
    return chosen[::-1]
