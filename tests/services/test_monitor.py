"""Counters and peers worked out from small real rings."""

from __future__ import annotations

from contextlib import ExitStack
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any, cast

from mcast_tui.capture.ring import BLOCK, PacketRing
from mcast_tui.services.group import Group
from mcast_tui.services.intakes import Counted
from mcast_tui.services.monitor import Monitor
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.columns import Addressed, Flag
from mcast_tui.wire.scope import Kind
from tests.app.packet_feed import AT, Feed, numbered

TO_ALL = Feed(destination="255.255.255.255", addressed=Addressed.BROADCAST)


class Joined(list[Group]):
    """What is joined, without sockets."""

    intakes = SimpleNamespace(look=set, counted=Counted(), smallest_buffer=lambda: None)

    @property
    def revision(self) -> int:
        return len(self)


def broadcast_joined_at(joined_at: int) -> Group:
    return Group(
        id=1,
        endpoint=parse_endpoint("255.255.255.255:6666"),
        kind=Kind.LIMITED_BROADCAST,
        interface=None,
        port=cast("Any", None),
        intake=cast("Any", SimpleNamespace(dropped=lambda: 0)),
        membership=None,
        joined_at=joined_at,
        resources=ExitStack(),
    )


def monitor_of(ring: PacketRing) -> tuple[Monitor, Joined]:
    joined = Joined()
    return Monitor(ring, cast("Any", joined)), joined


def test_a_packet_that_lost_its_row_or_its_payload_is_evicted() -> None:
    ring = PacketRing(100, 10 * BLOCK)
    monitor, _ = monitor_of(ring)
    ring.append(*Feed().batch(numbered(0, 10)))
    assert monitor.sample(1.0).evicted == 0
    ring.append(*Feed().batch(numbered(10, 3)))
    assert ring.tail == 0
    assert monitor.sample(2.0).evicted == 3
    ring.append(*Feed().batch([b""] * 200))
    assert monitor.sample(3.0).evicted == 113


def test_the_oldest_whole_packet_is_found_wherever_the_ring_stands() -> None:
    ring = PacketRing(7, 20 * BLOCK)
    assert ring.payload_tail == 0
    for length in (1, 100, 33, 640, 5, 5, 5, 64, 2000, 1, 1, 31, 320, 320, 1):
        ring.append(*Feed().batch([b"z" * length]))
        whole = [number for number in range(ring.head) if ring.payload(number) is not None]
        assert ring.payload_tail == min(whole, default=ring.head)


def test_a_broadcast_group_counts_also_when_the_clock_was_set_back_after_the_join() -> None:
    ring = PacketRing(100, 4096)
    monitor, joined = monitor_of(ring)
    joined.append(broadcast_joined_at(AT + 10**15))
    monitor.sample(1.0)
    ring.append(*TO_ALL.batch(numbered(0, 4)))
    assert monitor.sample(2.0).groups[1].packets == 4


def test_a_broadcast_group_counts_nothing_that_was_sampled_before_it_was_joined() -> None:
    ring = PacketRing(100, 4096)
    monitor, joined = monitor_of(ring)
    ring.append(*TO_ALL.batch(numbered(0, 4)))
    monitor.sample(1.0)
    joined.append(broadcast_joined_at(0))
    ring.append(*TO_ALL.batch(numbered(4, 2)))
    assert monitor.sample(2.0).groups[1].packets == 2


def test_a_broadcast_group_leaves_out_what_came_between_the_last_sample_and_the_join() -> None:
    ring = PacketRing(100, 4096)
    monitor, joined = monitor_of(ring)
    ring.append(*TO_ALL.batch(numbered(0, 5)))
    joined.append(broadcast_joined_at(AT + 2_000_000))
    assert monitor.sample(1.0).groups[1].packets == 3


def test_a_group_that_was_left_is_counted_no_longer() -> None:
    ring = PacketRing(100, 4096)
    monitor, joined = monitor_of(ring)
    joined.append(broadcast_joined_at(0))
    assert monitor.sample(1.0).groups.keys() == {1}
    joined.clear()
    assert monitor.sample(2.0).groups == {}
    assert monitor._broadcasts == {}


def test_whom_a_filter_refused_is_no_peer() -> None:
    ring = PacketRing(100, 4096)
    monitor, joined = monitor_of(ring)
    joined.append(broadcast_joined_at(0))
    heard = Feed(source="192.168.10.3", destination="255.255.255.255", addressed=Addressed.BROADCAST)
    ring.append(*heard.batch([b"hello"]))
    heard.source, heard.flags = "192.168.10.66", Flag.REFUSED
    ring.append(*heard.batch([b"refused"]))
    for group in (None, joined[0]):
        assert [peer.address for peer in monitor.peers(group)] == [ip_address("192.168.10.3")]
