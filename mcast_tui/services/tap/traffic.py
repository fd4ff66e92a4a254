"""TapTraffic: what a person is told of the packets a tap sees: rates, streams, who here is a member.

Asked about once a second by who looks at it; nothing runs by itself.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from mcast_tui.services.monitor import HISTORY, PeerTable, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.services.membership.facts import HostMembership
    from mcast_tui.services.monitor import Peer
    from mcast_tui.services.tap.streams import Stream
    from mcast_tui.services.tap.tap import TapService
    from mcast_tui.wire.literal import Address

StreamKey: TypeAlias = tuple[object, ...]

LEAST_APART_S, MOST_APART_S = 0.5, 5.0
"""Two looks at the streams so far apart make a rate: nearer ones are one look, farther ones no rate."""


class Standing(Enum):
    """Whether this host is a member of a group, as the kernel's tables said last; the value says it."""

    OURS = "joined by this app"
    OTHERS = "joined here, not by this app"
    NOBODY = "not joined here"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class StreamNow:
    """A stream, and how it stands now."""

    stream: Stream
    packets_per_s: float | None
    """None: it is too new to tell."""
    standing: Standing | None
    """None: what is no multicast is joined by nobody."""

    @property
    def key(self) -> StreamKey:
        """What makes it the same stream a second later."""
        return _key(self.stream)


class TapTraffic:
    """Follows one tap."""

    def __init__(self, tap: TapService, read_rows: Callable[[], Sequence[HostMembership]]) -> None:
        """`read_rows` returns the memberships of this host, the same object while nothing changed.

        It raises `OSError` where they are not known.
        """
        self.tap = tap
        self._read_rows = read_rows
        self._rows: Sequence[HostMembership] | None = None
        self._standings: dict[tuple[int, Address], Standing] = {}
        self._peers = PeerTable(tap.ring, None)
        self._sampled_at: float | None = None
        self._packets = 0
        self._history: deque[float | None] = deque(maxlen=HISTORY)
        self._looked_at: float | None = None
        self._counted: dict[StreamKey, int] = {}
        self._streams: list[StreamNow] = []

    def sample(self, now: float) -> None:
        """Work out the packets a second at monotonic time `now`, in seconds."""
        before, packets = self._sampled_at, self.tap.ring.head
        if before is not None and now <= before:
            return
        if before is not None:
            is_known = self.tap.state.is_open
            self._history.append((packets - self._packets) / (now - before) if is_known else None)
        self._sampled_at, self._packets = now, packets

    def snapshot(self) -> Snapshot:
        """Return the rate as sampled last; what a tap does not tell is None."""
        rate = self._history[-1] if self._history else None
        return Snapshot(packets=self._packets, packets_per_s=rate, history=tuple(self._history))

    def peers(self) -> Sequence[Peer]:
        """Return who was seen to send, most recent first."""
        return self._peers.update()

    def streams(self, now: float) -> list[StreamNow]:
        """Return the streams in the order of their destinations, so that none of them hops about."""
        elapsed_s = None if self._looked_at is None else now - self._looked_at
        if elapsed_s is not None and elapsed_s < LEAST_APART_S:
            return self._streams
        found = self.tap.streams()
        seen = [StreamNow(each, self._rate(each, elapsed_s), self.standing_of(each)) for each in found]
        self._looked_at, self._counted = now, {_key(each): each.packets for each in found}
        self._streams = sorted(seen, key=_place)
        return self._streams

    def _rate(self, stream: Stream, elapsed_s: float | None) -> float | None:
        if elapsed_s is None or elapsed_s > MOST_APART_S:
            return None
        before = self._counted.get(_key(stream), 0)
        if before > stream.packets:  # it made room for others, and came again
            before = 0
        return (stream.packets - before) / elapsed_s

    def standing_of(self, stream: Stream) -> Standing | None:
        """Return whether the destination of a stream is joined here."""
        return self.standing(stream.destination, stream.ifindex, stream.vlan)

    def standing(self, group: Address, ifindex: int | None, vlan: int | None) -> Standing | None:
        """Return whether a group is joined here on an interface; None where it is no group.

        What is tagged belongs to another interface, one of that VLAN: which one is not known. VLAN 0 is none,
        but a tag that tells a priority.
        """
        if not group.is_multicast:
            return None
        if vlan or ifindex is None:
            return Standing.UNKNOWN
        try:
            rows = self._read_rows()
        except OSError:
            return Standing.UNKNOWN
        if rows is not self._rows:
            self._rows = rows
            self._standings = {
                (row.ifindex, row.group): Standing.OURS if row.ours else Standing.OTHERS for row in rows
            }
        return self._standings.get((ifindex, group), Standing.NOBODY)


def _key(stream: Stream) -> StreamKey:
    return (
        stream.source,
        stream.destination,
        stream.port,
        stream.protocol,
        stream.ifindex,
        stream.vlan,
        stream.is_outgoing,
    )


def _place(each: StreamNow) -> tuple[int, ...]:
    stream = each.stream
    numbers = (stream.port, stream.protocol, stream.vlan)
    return (
        stream.destination.version,
        int(stream.destination),
        *(-1 if number is None else number for number in numbers),
        stream.source.version,
        int(stream.source),
        stream.ifindex,
        stream.is_outgoing,
    )
