"""Streams that stop: a group that had packets and has none any more, told once; and when it has some again.

Taken from the counts that are sampled anyway, so nothing is done per packet, and silence is known to within
one sample. A group that never had a packet is not silent but not yet heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mcast_tui.services.events import StreamResumed, StreamStalled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcast_tui.services.group import Group
    from mcast_tui.services.monitor import GroupRates

    StallEvent: TypeAlias = StreamStalled | StreamResumed

STALL_AFTER_S = 5.0
"""Long for a stream of audio, video or market data, which never pauses by itself."""


@dataclass(slots=True)
class _Stream:
    packets: int
    grew_at: float
    is_stalled: bool = False


class StallWatch:
    """Compares each sample with the one before."""

    def __init__(self, after_s: float = STALL_AFTER_S) -> None:
        self._after_s = after_s
        self._streams: dict[int, _Stream] = {}

    def update(
        self, groups: Iterable[Group], rates: Mapping[int, GroupRates], now: float
    ) -> list[StallEvent]:
        """Take the sample of monotonic time `now`; return what stalled and what resumed since the last."""
        events: list[StallEvent] = []
        alive: dict[int, _Stream] = {}
        for group in groups:
            if group.id not in rates:
                continue  # joined since the sample
            packets = rates[group.id].packets
            stream = alive[group.id] = self._streams.get(group.id) or _Stream(packets, now)
            silent_for_s = now - stream.grew_at
            if packets > stream.packets:
                if stream.is_stalled:
                    events.append(StreamResumed(group, silent_for_s))
                stream.packets, stream.grew_at, stream.is_stalled = packets, now, False
            elif packets and not stream.is_stalled and silent_for_s >= self._after_s:
                stream.is_stalled = True
                events.append(StreamStalled(group, silent_for_s))
        self._streams = alive
        return events
