"""Who else is a member: the memberships of other hosts, as the tap heard their reports.

It is a list of what was heard, not of all there are. With IGMPv1, IGMPv2 and MLDv1 a member is silent once
it hears another one report its group, and a switch that snoops passes reports to routers alone (RFC 4541
section 2.1.1). A report from 0.0.0.0 or :: tells of a member and not of whom, so it is in the timeline only.

What a host said before we listened is not known: a source that it allows may be the first it hears, or one
that it blocked. So its filter is told once it has said the whole of it, by a change of mode or as the answer
to a general query, or once such a query was answered and it was not among those who did. Until then it is a
member by the sources it named, and where it blocks the last of these, that it left is inferred.

Without a clock: fed with what was heard and polled about once a second, both with the time. A host that is
not heard for as long as a router remembers it is taken off, which is inferred and said to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.services.membership.facts import HeardGroup, HeardMember, TimelineEntry, What
from mcast_tui.services.membership.querier_record import MEMBERSHIP_S, RESPONSE_S, SECOND
from mcast_tui.wire.membership.describe import describe_kind, describe_record
from mcast_tui.wire.membership.message import GroupReport, Leave, Protocol, Query, RecordReport, RecordType
from mcast_tui.wire.membership.source_filter import NOBODY, FilterMode, SourceFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from mcast_tui.services.membership.facts import QuerierFacts
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.message import GroupRecord, Heard

    Key: TypeAlias = "tuple[int, Address]"

MOST_MEMBERS = 4096
"""Anyone can report from any address: whoever was not heard for longest gives way. A LAN of 250 hosts has
some 2500 memberships."""
MOST_SOURCES = 64
"""Kept of one member: as many as Linux lets a socket name for an IPv6 group; for an IPv4 one it is 10."""

_ANSWERS = {RecordType.MODE_IS_INCLUDE, RecordType.MODE_IS_EXCLUDE}
"""Said when a querier asks, not when something changes."""
_WHOLE = {RecordType.MODE_IS_EXCLUDE, RecordType.CHANGE_TO_INCLUDE_MODE, RecordType.CHANGE_TO_EXCLUDE_MODE}
"""Whatever the filter was, these say all of what it is."""
_SUPPRESSED = {Protocol.IGMPV1, Protocol.IGMPV2, Protocol.MLDV1}
"""In which one member answers for all: RFC 2236 section 3, RFC 2710 section 4."""
_SLEPT_NS = 30 * SECOND
"""Polled once a second; when the last time is this long ago, the machine slept and heard nothing."""


class _Record:
    """One member of one group on one interface."""

    __slots__ = (
        "address", "filter", "first_at", "group", "ifindex", "interface", "is_whole", "last_at", "protocol",
    )  # fmt: skip

    def __init__(self, heard: Heard, interface: str | None, group: Address) -> None:
        self.ifindex, self.interface = heard.ifindex, interface
        self.group, self.address = group, heard.source
        self.filter: SourceFilter | None = NOBODY
        self.is_whole = False
        """Whether the filter is all it hears; else only what it was heard to name."""
        self.first_at = heard.received_at
        self.hear(heard)

    def hear(self, heard: Heard) -> None:
        self.last_at, self.protocol = heard.received_at, heard.message.protocol

    @property
    def known_filter(self) -> SourceFilter | None:
        return self.filter if self.is_whole else None

    def facts(self) -> HeardMember:
        return HeardMember(self.address, self.protocol, self.known_filter, self.first_at, self.last_at)

    def entry(self, at: int, what: What, text: str, *, is_seen: bool = True) -> TimelineEntry:
        return TimelineEntry(
            at=at,
            what=what,
            is_seen=is_seen,
            ifindex=self.ifindex,
            interface=self.interface,
            group=self.group,
            who=str(self.address),
            text=text,
            origin="tap",
            filter=self.known_filter if what is What.JOIN else None,
        )


class Members:
    """The members heard on the interfaces the tap listens on, bounded."""

    def __init__(self, *, most: int = MOST_MEMBERS) -> None:
        self._most = most
        self._records: dict[tuple[int, Address, Address], _Record] = {}
        """By interface, group and address; who was heard last stands last."""
        self._of_group: dict[Key, dict[Address, _Record]] = {}
        self._listened: frozenset[int] = frozenset()
        self._answered_until: dict[tuple[int, int], int] = {}
        """By interface and IP version: until when hosts tell all they hear, as a general query wants it."""
        self._complete_from: dict[tuple[int, int], int] = {}
        """Likewise: since when every member has told, and nothing was missed."""
        self._polled_at: int | None = None
        self._awake_since = 0
        self._revision = 0
        self._groups: tuple[int, tuple[HeardGroup, ...]] = (0, ())
        self.displaced = 0
        """Members that gave way to others although nothing says they left."""

    # -- what is known

    def of(self, ifindex: int, group: Address) -> tuple[HeardMember, ...]:
        """Return who was heard to be a member of a group, by address."""
        records = self._of_group.get((ifindex, group), {})
        return tuple(records[address].facts() for address in sorted(records, key=int))

    def groups(self) -> tuple[HeardGroup, ...]:
        """Return every group with who was heard to be a member: the same object until a report is heard."""
        if self._groups[0] != self._revision:
            groups = tuple(HeardGroup(*key, self.of(*key)) for key in self._of_group)
            self._groups = self._revision, groups
        return self._groups[1]

    def __len__(self) -> int:
        return len(self._records)

    # -- what comes

    def listen_on(self, ifindexes: Iterable[int]) -> None:
        """Set which interfaces the tap listens on; who was heard on others is forgotten."""
        listened = frozenset(ifindexes)
        for gone in self._listened - listened:
            for link in (gone, 4), (gone, 6):
                self._answered_until.pop(link, None)
                self._complete_from.pop(link, None)
        if self._listened - listened:
            for record in [each for each in self._records.values() if each.ifindex not in listened]:
                self._forget(record)
        self._listened = listened

    def hear(self, heard: Heard, interface: str | None) -> list[TimelineEntry]:
        """Take in a message of another host; return who became a member by it, and who is none any more.

        Of tagged frames the interface itself takes no part: they are another link's.
        """
        if heard.is_outgoing or heard.vlan or heard.ifindex not in self._listened:
            return []
        if isinstance(heard.message, Query):
            self._note_query(heard, heard.message)
            return []
        if heard.source.is_unspecified:
            return []
        match heard.message:
            case RecordReport(records=records):
                entries = [each for record in records for each in self._take(heard, interface, record)]
            case GroupReport(group=group) as report:
                text = f"a member, new or already: {describe_kind(report)}"
                entries = [*self._set(heard, interface, group, None, text)]
            case Leave(group=group) as leave:
                entries = [*self._set(heard, interface, group, NOBODY, f"left: {describe_kind(leave)}")]
        return [*entries, *self._make_room(heard, interface)]

    def _note_query(self, heard: Heard, query: Query) -> None:
        """Take note of what answers are about: asked for sources, a host names those of them it hears."""
        link = heard.ifindex, query.protocol.family
        if query.group is None:
            response_s = RESPONSE_S if query.max_response_s is None else query.max_response_s
            self._answered_until[link] = heard.received_at + round(response_s * SECOND)
            self._complete_from.setdefault(link, self._answered_until[link])
        elif query.sources:
            self._answered_until.pop(link, None)

    def _make_room(self, heard: Heard, interface: str | None) -> Iterator[TimelineEntry]:
        """Let go of whoever was not heard for longest; yield, once, that there are too many."""
        if len(self._records) > self._most and not self.displaced:
            text = f"more than {self._most} members: those not heard for longest are left out"
            at, ifindex = heard.received_at, heard.ifindex
            yield TimelineEntry(at, What.REPORT, True, ifindex, interface, None, "several", text, "tap")
        while len(self._records) > self._most:
            self._forget(next(iter(self._records.values())))
            self.displaced += 1

    def _take(self, heard: Heard, interface: str | None, record: GroupRecord) -> Iterator[TimelineEntry]:
        known = self._records.get((heard.ifindex, record.group, heard.source))
        before = NOBODY if known is None else known.filter
        after = filter_after(before, record)
        is_whole = self._is_whole(heard, record, known)
        is_change = (known is None) is (after != NOBODY)
        text = _words(heard.message.protocol, record, after, is_whole=is_whole) if is_change else ""
        yield from self._set(heard, interface, record.group, after, text, is_whole=is_whole)

    def _is_whole(self, heard: Heard, record: GroupRecord, known: _Record | None) -> bool:
        """Tell whether after a record all is known that a host hears of the group."""
        link = heard.ifindex, record.group.version
        if record.type in _WHOLE or (known is not None and known.is_whole):
            return True
        if record.type is RecordType.MODE_IS_INCLUDE:
            return heard.received_at <= self._answered_until.get(link, 0)
        is_complete = heard.received_at > self._complete_from.get(link, heard.received_at)
        return known is None and is_complete and not self.displaced

    def _set(
        self,
        heard: Heard,
        interface: str | None,
        group: Address,
        after: SourceFilter | None,
        text: str,
        *,
        is_whole: bool = True,
    ) -> Iterator[TimelineEntry]:
        """Set what a host hears of a group now; yield an entry if it became a member or ceased to be one.

        `is_whole`: that is all, and not only what it was heard to name.
        """
        key = heard.ifindex, group, heard.source
        record = self._records.get(key)
        if after == NOBODY:
            if record is not None:
                self._forget(record)
                yield record.entry(heard.received_at, What.LEAVE, text, is_seen=is_whole)
            return
        is_new = record is None
        if record is None:
            record = _Record(heard, interface, group)
            self._of_group.setdefault((heard.ifindex, group), {})[heard.source] = record
        else:
            del self._records[key]  # the newest stands last
            record.hear(heard)
        record.filter, record.is_whole = after, is_whole
        self._records[key] = record
        self._revision += 1
        if is_new:
            yield record.entry(heard.received_at, What.JOIN, text)

    def _forget(self, record: _Record) -> None:
        del self._records[record.ifindex, record.group, record.address]
        of_group = self._of_group[record.ifindex, record.group]
        del of_group[record.address]
        if not of_group:
            del self._of_group[record.ifindex, record.group]
        self._revision += 1

    # -- what does not come

    def miss(self, now: int) -> None:
        """Take note that not everything was heard until `now`: silence begins to count anew."""
        self._awake_since = now
        self._complete_from.clear()

    def poll(self, now: int, queriers: Iterable[QuerierFacts]) -> list[TimelineEntry]:
        """Return who was not heard for as long as a router remembers a member, by the querier's values."""
        if self._polled_at is not None and now - self._polled_at > _SLEPT_NS:
            self.miss(now)
        self._polled_at = now
        asking = {(each.ifindex, each.family): each for each in queriers if each.is_elected}
        shortest_s = min([MEMBERSHIP_S, *(each.membership_interval_s for each in asking.values())])
        entries = []
        for record in tuple(self._records.values()):
            silent_s = (now - max(record.last_at, self._awake_since)) / SECOND
            if silent_s < shortest_s:
                break  # who stands behind it was heard later
            querier = asking.get((record.ifindex, record.group.version))
            remembered_s = MEMBERSHIP_S if querier is None else querier.membership_interval_s
            if silent_s >= remembered_s:
                self._forget(record)
                text = f"not heard for {remembered_s:g} s{_doubt(record, querier)}"
                entries.append(record.entry(now, What.LEAVE, text, is_seen=False))
        return entries


def _words(protocol: Protocol, record: GroupRecord, after: SourceFilter | None, *, is_whole: bool) -> str:
    """Return what a record says of a host that becomes a member by it, or ceases to be one."""
    if after == NOBODY:
        how = "left" if is_whole else "left, unless it hears other sources"
    elif record.type in _ANSWERS:
        how = "a member already"
    else:
        how = "joined" if is_whole else "a member, new or already"
    return f"{how}: {protocol.value} {describe_record(record, with_group=False)}"


def _doubt(record: _Record, querier: QuerierFacts | None) -> str:
    """Return why a host may be a member although it was not heard; nothing where only a loss would do."""
    if querier is None or querier.last_heard_at < record.last_at:
        return ", though nobody asked: it may be a member still"
    if record.protocol in _SUPPRESSED:
        return f", though in {record.protocol.value} another member may answer in its place"
    return ""


def filter_after(before: SourceFilter | None, record: GroupRecord) -> SourceFilter | None:
    """Return what a host hears after a record of its, as a router concludes: RFC 3376 section 6.4.

    `NOBODY` is not being a member; None is a member of whose filter is not known what it is.
    """
    named = record.sources
    match record.type:
        case RecordType.MODE_IS_EXCLUDE | RecordType.CHANGE_TO_EXCLUDE_MODE:
            return _bounded(FilterMode.EXCLUDE, named)
        case RecordType.CHANGE_TO_INCLUDE_MODE:
            return _bounded(FilterMode.INCLUDE, named)
        case RecordType.MODE_IS_INCLUDE | RecordType.ALLOW_NEW_SOURCES:
            # An answer to a query about sources names those asked for only: it adds, as a change does.
            return _changed(before, named, adds=FilterMode.INCLUDE)
        case RecordType.BLOCK_OLD_SOURCES:
            return _changed(before, named, adds=FilterMode.EXCLUDE)
    return before


def _changed(
    before: SourceFilter | None, named: tuple[Address, ...], *, adds: FilterMode
) -> SourceFilter | None:
    if before is None:
        return None
    if before.mode is adds:
        return _bounded(before.mode, (*before.sources, *named))
    gone = set(named)
    return _bounded(before.mode, tuple(source for source in before.sources if source not in gone))


def _bounded(mode: FilterMode, sources: tuple[Address, ...]) -> SourceFilter | None:
    once = tuple(dict.fromkeys(sources))
    return SourceFilter(mode, once) if len(once) <= MOST_SOURCES else None
