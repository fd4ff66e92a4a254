"""The querier watch: who asks for members on each link, whether they agree, and what it means when they stop.

A state machine without a clock: it is fed with what the tap heard and is polled about once a second, both
with the time, and returns what is worth telling. It sends nothing. Only where the tap listens can it say
that nobody asks; of other interfaces it says nothing.

Counted are general queries, for only those make every member report. Tagged frames are another link's: the
interface itself does not take part there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcast_tui.human import counted
from mcast_tui.services.events import QuerierLost
from mcast_tui.services.membership.facts import TimelineEntry, What
from mcast_tui.services.membership.prune import HeldGroup, OwnReports, count_down, is_prunable
from mcast_tui.services.membership.querier_link import QuerierLink
from mcast_tui.services.membership.querier_record import INTERVAL_S, MEMBERSHIP_S, RESPONSE_S, SECOND
from mcast_tui.wire.membership.message import GroupReport, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.membership.facts import PruneCountdown, QuerierFacts
    from mcast_tui.wire.membership.message import Heard

_SLEPT_NS = 30 * SECOND
"""Polled once a second; when the last time is this long ago, the machine slept and heard nothing."""
_SILENCE_S = INTERVAL_S + RESPONSE_S
"""A querier with default values would have been heard by then."""


class Findings(NamedTuple):
    """What is to be told: entries for the timeline, events for those who listen."""

    entries: tuple[TimelineEntry, ...] = ()
    events: tuple[QuerierLost, ...] = ()


class QuerierWatch:
    """The queriers of the links the tap listens on, and how long our groups last without them."""

    def __init__(self, groups: Callable[[], Iterable[HeldGroup]]) -> None:
        """Watch; `groups` returns what this host holds, and is asked only when that matters."""
        self._groups = groups
        self._links: dict[tuple[int, int], QuerierLink] = {}
        self._reports = OwnReports()
        self._polled_at: int | None = None
        self._awake_since = 0
        self._reports_heard_since = 0
        self.revision = 0
        """Grows whenever queriers or countdowns may be others than they were, our groups aside."""

    def listen_on(self, interfaces: Iterable[Interface], now: int) -> None:
        """Set which interfaces the tap listens on, with their names and networks of now.

        One that is new is listened on since `now`; what was known of one that is missing is forgotten.
        """
        known = {interface.index: interface for interface in interfaces}
        before = {ifindex for ifindex, _ in self._links}
        self.revision += before != set(known)
        for ifindex in before - set(known):
            self._reports.forget(ifindex)
        self._links = {key: link for key, link in self._links.items() if key[0] in known}
        for interface in known.values():
            for family in (4, 6):
                key = interface.index, family
                link = self._links.setdefault(key, QuerierLink(interface.index, family, now))
                link.describe(interface.name, interface.addresses)

    def hear(self, heard: Heard) -> Findings:
        """Take in a message the tap heard."""
        link = self._links.get((heard.ifindex, heard.message.protocol.family))
        if link is None or heard.vlan:
            return Findings()
        if isinstance(heard.message, Query):
            if heard.message.group is not None:
                return Findings()
            self.revision += 1
            return Findings(tuple(link.hear(heard, heard.message, self._awake_since)))
        if heard.is_outgoing:
            self.revision += 1
            self._reports.hear(heard)
        elif isinstance(heard.message, GroupReport):
            link.hear_report_of_another(heard.received_at)
        return Findings()

    def miss(self, now: int) -> None:
        """Take note that not everything was heard until `now`: silence begins to count anew."""
        self._awake_since = now
        self.miss_reports(now)

    def miss_reports(self, now: int) -> None:
        """Take note that reports of this host may have passed unheard until `now`, but no general query."""
        self._reports_heard_since = now
        self.revision += 1

    def poll(self, now: int) -> Findings:
        """Tell what is overdue; what was heard before `now` is to be told to `hear` first."""
        if self._polled_at is not None and now - self._polled_at > _SLEPT_NS:
            self._awake_since = now
        self._polled_at = now
        entries: list[TimelineEntry] = []
        events: list[QuerierLost] = []
        for link in self._links.values():
            link.forget_silent(now)
            entries += link.take_over(now, self._awake_since)
            if (lost := link.find_lost(now, self._awake_since)) is not None:
                entries.append(link.tell_lost(lost, now))
                entries += self._alarm(link, now, "no query to answer", [*self._count_down([link])])
                events.append(QuerierLost(lost))
            elif link.is_unasked and not link.is_silence_told:
                entries += self._tell_silence(link, now)
            asked_at = link.take_unanswered(now)
            if asked_at is not None and asked_at > max(self._awake_since, self._reports_heard_since):
                entries += self._tell_unanswered(link, now, asked_at)
        self.revision += bool(entries or events)
        return Findings(tuple(entries), tuple(events))

    def queriers(self) -> tuple[QuerierFacts, ...]:
        """Return the queriers heard, by interface and family, the elected one first."""
        return tuple(facts for _, link in sorted(self._links.items()) for facts in link.facts())

    def countdowns(self) -> tuple[PruneCountdown, ...]:
        """Return when each group of ours is forgotten where switches snoop, the soonest first."""
        links = self._links.values()
        return tuple(sorted(self._count_down(links), key=lambda countdown: countdown.expires_at))

    def _count_down(self, links: Iterable[QuerierLink]) -> Iterator[PruneCountdown]:
        wanted = {(link.ifindex, link.family): (link, link.elected_facts) for link in links}
        for held in self._groups():
            found = wanted.get((held.ifindex, held.group.version))
            if found is None or not is_prunable(held.group):
                continue
            link, querier = found
            since = max(link.since, self._reports_heard_since)
            reported_at = self._reports.last(held, self._reports_heard_since)
            yield count_down(held, reported_at, since, querier, is_overdue=link.is_lost)

    def _tell_unanswered(self, link: QuerierLink, now: int, asked_at: int) -> Iterator[TimelineEntry]:
        """Yield, once until it answers again, that this host did not report groups when it was asked."""
        silent = [each for each in self._count_down([link]) if each.last_reported_at < asked_at]
        if silent and not link.is_unanswered_told:
            why = "this host did not answer the query, as if rp_filter or a firewall had dropped it"
            yield from self._alarm(link, now, why, silent)
        link.is_unanswered_told = bool(silent)

    def _alarm(
        self, link: QuerierLink, now: int, why: str, countdowns: list[PruneCountdown]
    ) -> Iterator[TimelineEntry]:
        """Yield one alarm for all these groups of a link; none for none."""
        if not countdowns:
            return
        first = min(countdowns, key=lambda countdown: countdown.expires_at)
        left_s = (first.expires_at - now) / SECOND
        will = (
            f"stops forwarding it here in {left_s:.0f} s" if left_s > 0 else "may have stopped forwarding it"
        )
        of_report = "" if first.is_report_seen else ", counted from the latest report there can have been"
        more = f"; {counted(len(countdowns) - 1, 'more group')} after it" if len(countdowns) > 1 else ""
        text = f"{why}: a switch that snoops {will}{of_report}{more}"
        yield link.entry(
            now, What.ALARM, text, who="this host", is_seen=False, origin=first.origin, group=first.group
        )

    def _tell_silence(self, link: QuerierLink, now: int) -> Iterator[TimelineEntry]:
        """Yield, once for a link where we hold a group, that nobody asks and what of that is not known."""
        due = now - round(_SILENCE_S * SECOND)
        if max(link.since, self._awake_since) > due:
            return
        for countdown in self._count_down([link]):
            if countdown.last_reported_at > due:
                continue
            link.is_silence_told = True
            text = (
                f"no querier heard for {_SILENCE_S:g} s: a switch here floods, or if it snoops all the same "
                f"forgets members {MEMBERSHIP_S:g} s after their last report; which, is not known"
            )
            yield link.entry(now, What.QUERIER, text, who="nobody", is_seen=False, origin=countdown.origin)
            return
