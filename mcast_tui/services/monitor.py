"""Rates and losses to pull: sampled on a clock, never per packet.

`sample` is called about once a second with a monotonic time and turns the counters of
the sockets into rates; `snapshot` returns the last result. Peers are worked out only for
the group somebody looks at.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mcast_tui.services.group import SELECTED_BY
from mcast_tui.wire.columns import Columns, Flag, address_from_words, ports_and_protocol

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from collections.abc import Set as AbstractSet

    import numpy.typing as npt

    from mcast_tui.capture.ring import PacketRing
    from mcast_tui.net.intake import Intake
    from mcast_tui.services.group import Group
    from mcast_tui.services.groups import Groups
    from mcast_tui.wire.columns import Column
    from mcast_tui.wire.literal import Address

HISTORY = 60
"""Samples kept for a sparkline: a minute at one sample a second."""
PEERS = 512
"""Peers kept per group. A LAN has fewer; spoofed sources must not grow the table."""
PEER_ROWS = 65_536
"""Newest rows looked at for peers in one go, so that a first look at a full ring stays short."""


LINK_LOCAL_PREFIX = 0xFE80 >> 6
"""The first ten bits of fe80::/10."""


@dataclass(frozen=True, slots=True)
class GroupRates:
    """What one group received, as sampled last."""

    packets: int
    bytes: int
    packets_per_s: float | None
    """None until two samples exist."""
    bytes_per_s: float | None
    dropped: int
    """Datagrams the kernel dropped on its socket (sk_drops, by SO_MEMINFO): as a rule its buffer was
    full, but wrong checksums and socket filters count here too."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All traffic, as sampled last, and the losses, each with its own word."""

    packets: int = 0
    packets_per_s: float | None = None
    bytes_per_s: float | None = None
    history: tuple[float | None, ...] = ()
    dropped: int | None = None
    """By the kernel on our sockets, for whatever reason. None before the first sample."""
    evicted: int | None = None
    """Packets no longer whole in the ring: their row or their payload was overwritten."""
    refused: int | None = None
    """By a filter after the kernel: --range, --source-port."""
    receive_buffer: int | None = None
    """Smallest receive buffer the kernel gave any socket, in bytes."""
    groups: dict[int, GroupRates] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody who sent to the group; an address can be forged, so it proves nothing."""

    address: Address
    port: int | None
    """Source port of the last datagram; None: that was raw IP."""
    last_seen: int
    """ns since the epoch."""
    own: bool
    ifindex: int | None = None
    """Where it was heard; None unless the address is IPv6 link-local and means nothing without."""
    protocol: int | None = None
    """Raw IP: the protocol number of the last datagram."""


class _Series:
    """One counter pair turned into rates; of a silence nothing is kept but that it was one."""

    __slots__ = ("bytes", "bytes_per_s", "first", "packets", "packets_per_s", "recent")

    def __init__(self, number: int) -> None:
        self.packets = self.bytes = 0
        self.packets_per_s: float | None = None
        self.bytes_per_s: float | None = None
        self.first = number
        """The sample it was seen in first: rates are known from the next one on."""
        self.recent: deque[tuple[int, float]] = deque(maxlen=HISTORY)
        """Sample and packets/s, where those were not 0."""

    @property
    def is_still(self) -> bool:
        """Whether it goes on as it is while nothing comes."""
        return self.packets_per_s == 0

    def update(self, packets: int, byte_count: int, number: int, elapsed_s: float | None) -> None:
        """Take sample `number` into account, so many seconds after the last; None: too soon for a rate."""
        if elapsed_s is not None and number > self.first:
            self.packets_per_s = (packets - self.packets) / elapsed_s
            self.bytes_per_s = (byte_count - self.bytes) / elapsed_s
            if self.packets_per_s:
                self.recent.append((number, self.packets_per_s))
        self.packets, self.bytes = packets, byte_count

    def history(self, number: int) -> tuple[float, ...]:
        """Return packets/s of the last `HISTORY` samples up to `number`, oldest first."""
        rates = dict(self.recent)
        return tuple(
            rates.get(each, 0.0) for each in range(max(self.first, number - HISTORY) + 1, number + 1)
        )


class _BroadcastCount:
    """Counts the rows of a broadcast group, whose socket it shares with unicast.

    It begins at the sample before the join. Of what came since then, the first update leaves out
    what is older than the join by the wall clock; nothing later depends on a clock.
    """

    __slots__ = ("bytes", "cursor", "is_begun", "packets")

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self.is_begun = False
        self.packets = self.bytes = 0

    def update(self, ring: PacketRing, group: Group) -> tuple[int, int]:
        head = ring.head
        _, columns = ring.read(self.cursor, head, (*SELECTED_BY, "length", "received_at"))
        self.cursor = head
        chosen = group.selects(columns)
        if not self.is_begun:
            chosen &= columns["received_at"] >= group.joined_at
            self.is_begun = True
        self.packets += int(np.count_nonzero(chosen))
        self.bytes += int(columns["length"][chosen].sum(dtype=np.int64))
        return self.packets, self.bytes


class RowSource(Protocol):
    """Whoever can say which rows are his: a group, or all unicast."""

    def selects(self, columns: Columns) -> npt.NDArray[np.bool_]: ...


class PeerTable:
    """Who was heard in one pane, newest first, bounded; follows the ring by a cursor.

    Whom a filter refused (--range, --source-port) is no peer.
    """

    COLUMNS = (*SELECTED_BY, "source_port", "received_at")

    def __init__(self, ring: PacketRing, rows: RowSource | None) -> None:
        self._ring = ring
        self._rows = rows
        self._cursor = 0
        self._peers: dict[tuple[Address, int | None], Peer] = {}

    def update(self) -> Sequence[Peer]:
        """Read what came since the last call; return the peers, most recent first."""
        head = self._ring.head
        _, columns = self._ring.read(max(self._cursor, head - PEER_ROWS), head, self.COLUMNS)
        self._cursor = head
        chosen = columns["flags"] & Flag.REFUSED == 0
        if self._rows is not None:
            chosen &= self._rows.selects(columns)
        columns = {name: column[chosen] for name, column in columns.items()}
        for row in _last_row_per_source(columns["source"], columns["ifindex"]):
            self._hear(columns, row)
        return sorted(self._peers.values(), key=lambda peer: peer.last_seen, reverse=True)

    def _hear(self, columns: Columns, row: int) -> None:
        address = address_from_words(*columns["source"][row].tolist())
        is_scoped = address.version == 6 and address.is_link_local  # the IP version
        ifindex = int(columns["ifindex"][row]) if is_scoped else None
        flags = int(columns["flags"][row])
        port, _, protocol = ports_and_protocol(
            int(columns["source_port"][row]), int(columns["destination_port"][row]), flags
        )
        received_at = int(columns["received_at"][row])
        self._peers.pop((address, ifindex), None)
        self._peers[address, ifindex] = Peer(
            address, port, received_at, bool(flags & Flag.OWN), ifindex, protocol
        )
        if len(self._peers) > PEERS:
            self._peers.pop(next(iter(self._peers)))


def _last_row_per_source(source: npt.NDArray[np.uint64], ifindex: Column) -> list[int]:
    """Return the newest row of each distinct source, oldest of them first; at most `PEERS`.

    The same IPv6 link-local address on two interfaces is two sources.
    """
    count = len(source)
    if count == 0:
        return []
    newest_first = source[::-1]
    if not newest_first[:, 0].any():  # only IPv4: one word tells sources apart
        _, first = np.unique(newest_first[:, 1], return_index=True)
    else:
        is_scoped = newest_first[:, 0] >> np.uint64(54) == LINK_LOCAL_PREFIX
        scope = np.where(is_scoped, ifindex[::-1], 0).astype(np.uint64)
        scoped = np.column_stack((newest_first, scope))
        _, first = np.unique(scoped.view("V24"), return_index=True)
    rows = np.sort(count - 1 - first)[-PEERS:]
    return [int(row) for row in rows]


class Monitor:
    """Samples the sockets' counters and answers with the last sample."""

    def __init__(self, ring: PacketRing, groups: Groups) -> None:
        self._ring = ring
        self._groups = groups
        self._number = 0
        """Samples so far, without those that came too soon for a rate."""
        self._sampled_at: float | None = None
        self._total = _Series(0)
        self._revision: int | None = None
        self._series: dict[int, _Series] = {}
        self._rates: dict[int, GroupRates] = {}
        self._of_intake: dict[Intake, Group] = {}
        self._restless: dict[int, Group] = {}
        """Groups to look at though nothing came: new ones, those whose rate is not 0 yet, broadcast."""
        self._snapshot = Snapshot()
        self._peer_tables: dict[int, PeerTable] = {}
        self._broadcasts: dict[int, _BroadcastCount] = {}
        self._sampled_head = ring.head

    def snapshot(self) -> Snapshot:
        """Return the last sample; before the first, its unknowns are None."""
        return self._snapshot

    def sample(self, now: float) -> Snapshot:
        """Read every counter at monotonic time `now` (seconds) and work the rates out."""
        elapsed_s = self._elapse(now)
        moved = self._groups.intakes.look()
        counted = self._groups.intakes.counted
        packets = self._ring.head
        self._total.update(packets, counted.bytes, self._number, elapsed_s)
        self._sample_groups(moved, elapsed_s)
        self._snapshot = Snapshot(
            packets=packets,
            packets_per_s=self._total.packets_per_s,
            bytes_per_s=self._total.bytes_per_s,
            history=self._total.history(self._number),
            dropped=counted.dropped,
            evicted=self._ring.payload_tail,
            refused=counted.refused,
            receive_buffer=self._groups.intakes.smallest_buffer(),
            groups=self._rates,
        )
        self._sampled_head = packets
        return self._snapshot

    def _elapse(self, now: float) -> float | None:
        """Count the sample; return the seconds since the last one; None where there are none."""
        before, self._sampled_at = self._sampled_at, now
        if before is None or now <= before:
            return None
        self._number += 1
        return now - before

    def history(self, group_id: int) -> tuple[float, ...]:
        """Return a group's packets/s of the last minute, oldest first, as sampled last."""
        series = self._series.get(group_id)
        return series.history(self._number) if series else ()

    def _sample_groups(self, moved: AbstractSet[Intake], elapsed_s: float | None) -> None:
        """Work out the rates of the groups that may have other ones than before."""
        self._follow_groups()
        due = self._restless | {
            group.id: group for intake in moved if (group := self._of_intake.get(intake)) is not None
        }
        if not due:
            return
        self._rates = dict(self._rates)  # the last snapshot keeps its own
        for group in due.values():
            series = self._series[group.id]
            series.update(*self._counts(group), self._number, elapsed_s)
            self._rates[group.id] = GroupRates(
                series.packets,
                series.bytes,
                series.packets_per_s,
                series.bytes_per_s,
                group.intake.dropped(),
            )
            if group.is_broadcast or not series.is_still:
                self._restless[group.id] = group
            else:
                self._restless.pop(group.id, None)

    def _follow_groups(self) -> None:
        """Take in what was joined since the last sample, and forget what was left."""
        if self._revision == self._groups.revision:
            return
        self._revision = self._groups.revision
        joined = {group.id: group for group in self._groups}
        for table in (self._series, self._rates, self._broadcasts, self._restless):
            _keep(table, joined)
        _keep(self._peer_tables, joined | {0: None})
        self._of_intake = {group.intake: group for group in joined.values() if not group.is_broadcast}
        for group_id in joined.keys() - self._series.keys():
            self._series[group_id] = _Series(self._number)
            self._restless[group_id] = joined[group_id]

    def _counts(self, group: Group) -> tuple[int, int]:
        """Packets and bytes of one group: its socket's tally, or for broadcast a count of its rows."""
        if not group.is_broadcast:
            return group.intake.tally.packets, group.intake.tally.bytes
        count = self._broadcasts.get(group.id)
        if count is None:
            count = self._broadcasts[group.id] = _BroadcastCount(self._sampled_head)
        return count.update(self._ring, group)

    def peers(self, group: Group | None) -> Sequence[Peer]:
        """Return who was heard in this group (None: anywhere), most recent first.

        Costs something only for the group it is asked for. A peer whose last packet was already
        evicted from the ring at the first look is not known.
        """
        key = group.id if group else 0
        table = self._peer_tables.get(key)
        if table is None:
            table = self._peer_tables[key] = PeerTable(self._ring, group)
        return table.update()


def _keep(table: dict[int, Any], ids: Container[int]) -> None:
    """Forget the groups that are none of these."""
    for group_id in tuple(table):
        if group_id not in ids:
            del table[group_id]
