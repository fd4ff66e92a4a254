"""Streams that stop and go on again: by a clock turned by hand, and with a sender that the test stops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from mcast_tui.services.events import StreamResumed, StreamStalled
from mcast_tui.services.membership import lookout
from mcast_tui.services.membership.lookout import Lookout
from mcast_tui.services.membership.stall import StallWatch
from mcast_tui.wire.address import parse_endpoint
from tests.peers import eventually
from tests.services.nodes import counted, node_on, send_from

if TYPE_CHECKING:
    import pytest


class Streams:
    """One group whose packets a test counts by hand."""

    def __init__(self, after_s: float = 5.0) -> None:
        self.group = SimpleNamespace(id=1)
        self.watch = StallWatch(after_s)

    def at(self, now: float, packets: int) -> list[tuple[str, float]]:
        events = self.watch.update([self.group], {1: SimpleNamespace(packets=packets)}, now)
        return [(type(event).__name__, event.silent_for_s) for event in events]


def test_silence_is_told_once_and_so_is_its_end() -> None:
    streams = Streams()
    assert streams.at(100, 0) == streams.at(101, 7) == streams.at(105.9, 7) == []
    assert streams.at(106, 7) == [("StreamStalled", 5.0)]
    assert streams.at(107, 7) == streams.at(200, 7) == []
    assert streams.at(201, 8) == [("StreamResumed", 100.0)]
    assert streams.at(202, 8) == []
    assert streams.at(206, 8) == [("StreamStalled", 5.0)]


def test_a_group_that_never_had_a_packet_has_not_stalled() -> None:
    streams = Streams()
    assert not any(streams.at(second, 0) for second in range(100))


def test_a_stream_that_goes_on_slowly_has_not_stalled() -> None:
    streams = Streams()
    assert not any(streams.at(second, second // 4) for second in range(100))


def test_a_group_joined_since_the_sample_waits_for_the_next_and_one_that_is_left_is_forgotten() -> None:
    watch, group = StallWatch(5.0), SimpleNamespace(id=1)
    counts = {1: SimpleNamespace(packets=3)}
    assert watch.update([group], {}, 0) == watch.update([group], counts, 1) == []
    assert watch.update([], {}, 2) == []
    assert (
        watch.update([group], counts, 100) == []
    )  # 3 packets of a membership before this one are no silence


async def test_a_sender_that_stops_and_goes_on_is_told(host1, host2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "SAMPLE_S", 0.02)
    events = []

    async with node_on(host1) as node:
        [group] = await node.join(parse_endpoint("224.1.0.1%eth0:6666"))
        node.subscribe(
            lambda event: isinstance(event, StreamStalled | StreamResumed) and events.append(event)
        )
        async with Lookout(node, stall_after_s=0.1, samples=True):
            send_from(host2, b"on", b"on")
            await counted(group, 2)
            await eventually(lambda: events, "the silence")  # nobody sends
            send_from(host2, b"again")
            await counted(group, 3)
            await eventually(lambda: events[1:], "its end")
    assert [type(event) for event in events[:2]] == [StreamStalled, StreamResumed]
    assert {event.group for event in events} == {group}
    assert events[0].silent_for_s >= 0.1
