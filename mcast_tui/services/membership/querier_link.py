"""The queriers of one link and family: heard, elected by the standards' rule, lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.services.membership.facts import TimelineEntry, What
from mcast_tui.services.membership.querier_record import SECOND, QuerierRecord, election_rank
from mcast_tui.wire.membership.describe import describe_query
from mcast_tui.wire.membership.message import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Interface, IPv6Interface

    from mcast_tui.services.membership.facts import QuerierFacts
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import Heard, Query

_MOST_QUERIERS = 16
"""Anyone can ask from any address. A link has one querier, or a few that do not agree."""

_OLDER = {
    Protocol.IGMPV1: "RFC 3376 section 7.2.1",
    Protocol.IGMPV2: "RFC 3376 section 7.2.1",
    Protocol.MLDV1: "RFC 3810 section 8.2.1",
}
"""What makes hosts fall back to it, and where that is said."""


class QuerierLink:
    """What is heard of queriers of one family on one interface."""

    def __init__(self, ifindex: int, family: int, since: int) -> None:
        self.ifindex, self.family = ifindex, family
        self.since = since
        """When the tap began to listen, ns since the epoch."""
        self.is_silence_told = False
        self.is_unanswered_told = False
        self._is_crowd_told = False
        self._name = ""
        self._networks: tuple[IPv4Interface | IPv6Interface, ...] = ()
        self._records: dict[Address, QuerierRecord] = {}
        self._elected: QuerierRecord | None = None
        self._asked_at: int | None = None
        self._reported_by_others_at = 0

    def describe(self, name: str, networks: tuple[IPv4Interface | IPv6Interface, ...]) -> None:
        """Set the interface's name and networks, which can change."""
        self._name = name
        if networks != self._networks:
            self._networks = networks
            for record in self._records.values():
                record.compare(networks)

    @property
    def is_unasked(self) -> bool:
        """Nobody was heard to ask."""
        return self._elected is None

    @property
    def is_lost(self) -> bool:
        """The elected querier is overdue, and that was told."""
        return self._elected is not None and self._elected.is_lost

    @property
    def elected_facts(self) -> QuerierFacts | None:
        return None if self._elected is None else self._elected.facts(is_elected=True)

    def facts(self) -> tuple[QuerierFacts, ...]:
        """Return the queriers heard, the elected one first."""
        records = sorted(self._records.values(), key=lambda record: election_rank(record.address))
        records.sort(key=lambda record: record is not self._elected)
        return tuple(record.facts(is_elected=record is self._elected) for record in records)

    def hear(self, heard: Heard, query: Query, awake_since: int) -> Iterator[TimelineEntry]:
        """Take in a general query; yield what is new about it."""
        now, who = heard.received_at, "this host" if heard.is_outgoing else str(heard.source)
        record, before = self._records.get(heard.source), None
        if record is None:
            if not self._has_room_for(heard.source):
                yield from self._tell_crowd(now)
                return
            record = self._records[heard.source] = QuerierRecord(heard, query, self._networks)
            texts = [*self._hear_newcomer(record, now, awake_since)]
        else:
            before = record.query.protocol
            texts = [*self._hear_again(record, heard, query, awake_since)]
        if record is self._elected:
            self._asked_at = None if heard.is_outgoing else now
        for text in texts:
            yield self.entry(now, What.QUERIER, text, who=who)
        if record.doubt is not None and not record.is_doubt_told:
            record.is_doubt_told = True
            text = (
                f"{record.doubt}: a host with rp_filter 1 drops the "
                "query and does not answer, and switches then forget its groups"
            )
            yield self.entry(now, What.ALARM, text, who=who)
        if query.protocol is not before and query.protocol in _OLDER:
            text = f"hosts fall back to {query.protocol.value}: sources (SSM) are not signalled any more"
            origin = _OLDER[query.protocol]
            yield self.entry(now, What.QUERIER, text, who="hosts", is_seen=False, origin=origin)

    def _hear_newcomer(self, new: QuerierRecord, now: int, awake_since: int) -> Iterator[str]:
        before, told = self._elected, describe_query(new.query)
        if (won := self._challenge(new, now, awake_since)) is not None:
            yield f"{won}: {told}"
            if new.address.is_unspecified:
                yield "has no address, and so yields to any querier that has one"
        else:
            assert before is not None  # who is alone wins
            yield f"asks beside the querier {before.address}, and should fall silent: {told}"
        if before is not None and new.query.protocol is not before.query.protocol:
            yield f"speaks {new.query.protocol.value}, {before.address} {before.query.protocol.value}"

    def _hear_again(
        self, record: QuerierRecord, heard: Heard, query: Query, awake_since: int
    ) -> Iterator[str]:
        before, was_lost, last = record.query.protocol, record.is_lost, record.last_heard_at
        record.hear(heard, query)
        if was_lost and record is self._elected:
            yield f"asks again after {(heard.received_at - last) / SECOND:.0f} s: {describe_query(query)}"
        if query.protocol is not before:
            yield f"speaks {query.protocol.value} now, {before.value} until now"
        elected = self._elected
        if elected is None or record is elected:
            return
        if (won := self._challenge(record, heard.received_at, awake_since)) is not None:
            yield f"{won}: {describe_query(query)}"
        elif elected.last_heard_at > last and not record.is_stubborn:
            # Once it has heard the other it must be silent: RFC 3376 section 6.6.2.
            record.is_stubborn = True
            yield f"asks on beside {elected.address}: they do not hear each other, or one does not elect"

    def _challenge(self, record: QuerierRecord, now: int, awake_since: int) -> str | None:
        """Elect one that just asked, if it wins, and return in what words; None when it does not."""
        before = self._elected
        if before is None:
            words = "is the querier"
        elif before.is_lost or now > before.overdue_at(awake_since):
            words = f"is the querier now instead of {before.address}, which is silent"
        elif election_rank(record.address) < election_rank(before.address):
            why = "which has no address" if before.address.is_unspecified else "whose address is higher"
            words = f"is the querier now instead of {before.address}, {why}"
        else:
            return None
        self._elected = record
        return words

    def take_over(self, now: int, awake_since: int) -> Iterator[TimelineEntry]:
        """Yield that another querier, which is not late, has the place of the elected one, which is."""
        elected = self._elected
        if elected is None or elected.is_lost or now <= elected.overdue_at(awake_since):
            return
        others = [record for record in self._records.values() if now <= record.overdue_at(awake_since)]
        if others:
            self._elected = min(others, key=lambda record: election_rank(record.address))
            silent_s = (now - elected.last_heard_at) / SECOND
            text = f"is the querier now instead of {elected.address}, which is silent for {silent_s:.0f} s"
            yield self.entry(now, What.QUERIER, text, who=str(self._elected.address))

    def find_lost(self, now: int, awake_since: int) -> QuerierFacts | None:
        """Return the elected querier once, when it has become overdue."""
        elected = self._elected
        if elected is None or elected.is_lost or now <= elected.overdue_at(awake_since):
            return None
        elected.is_lost = True
        return elected.facts(is_elected=True)

    def tell_lost(self, lost: QuerierFacts, now: int) -> TimelineEntry:
        """Return the entry that says so."""
        silent_s = (now - lost.last_heard_at) / SECOND
        text = f"querier lost: silent for {silent_s:.0f} s, {lost.interval_s:g} s is {lost.interval_origin}"
        return self.entry(now, What.QUERIER, text, who=str(lost.address))

    def hear_report_of_another(self, now: int) -> None:
        """Note that another host reported a group in a version in which members leave that to each other."""
        self._reported_by_others_at = now

    def take_unanswered(self, now: int) -> int | None:
        """Return, once, when the elected querier last asked, when every member must have answered by now.

        None where hosts may leave the answer to others, as before IGMPv3 and MLDv2, and where this host asks.
        """
        elected, asked_at = self._elected, self._asked_at
        if elected is None or asked_at is None or now < asked_at + elected.answered_within:
            return None
        self._asked_at = None
        is_older = any(record.query.protocol in _OLDER for record in self._records.values())
        return None if is_older or self._reported_by_others_at >= asked_at else asked_at

    def forget_silent(self, now: int) -> None:
        """Forget those not elected whom other queriers would count as gone."""
        self._records = {
            address: record
            for address, record in self._records.items()
            if record is self._elected
            or now <= record.last_heard_at + round(record.other_querier_present_s * SECOND)
        }

    def _has_room_for(self, address: Address) -> bool:
        """Tell whether a newcomer is followed; one that wins the election is, in the place of the worst."""
        if len(self._records) < _MOST_QUERIERS:
            return True
        assert self._elected is not None  # the first one heard was elected
        if election_rank(address) > election_rank(self._elected.address):
            return False
        worst = max(
            (record for record in self._records.values() if record is not self._elected),
            key=lambda record: election_rank(record.address),
        )
        del self._records[worst.address]
        return True

    def _tell_crowd(self, now: int) -> Iterator[TimelineEntry]:
        if not self._is_crowd_told:
            self._is_crowd_told = True
            text = f"more than {_MOST_QUERIERS} queriers: further ones are not followed"
            yield self.entry(now, What.QUERIER, text, who="several")

    def entry(
        self,
        now: int,
        what: What,
        text: str,
        *,
        who: str,
        is_seen: bool = True,
        origin: str = "tap",
        group: Address | None = None,
    ) -> TimelineEntry:
        """Return an entry about this link."""
        return TimelineEntry(now, what, is_seen, self.ifindex, self._name, group, who, text, origin)
