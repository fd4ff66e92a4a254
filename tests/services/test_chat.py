"""Lines of conversation read from small real rings: what becomes a line, what is counted as skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from mcast_tui.capture.ring import PacketRing
from mcast_tui.net.sender import SendOptions
from mcast_tui.services.chat import (
    BYTES_PER_POLL,
    DIRECT,
    LINES_PER_POLL,
    TEXT_LIMIT,
    Chat,
    LineState,
    describe_payload,
)
from mcast_tui.services.group import Group
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.columns import Addressed, Flag
from mcast_tui.wire.scope import Kind
from tests.app.packet_feed import Feed, numbered
from tests.services.nodes import node_on, packets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.services.lab.host import Host

TO_US = Feed(destination="192.168.10.2", addressed=Addressed.UNICAST)


def group_at(number: int, address: str) -> Group:
    """A group that only says which rows are its own."""
    nothing = cast("Any", None)
    return Group(
        id=number,
        endpoint=parse_endpoint(f"{address}:6666"),
        kind=Kind.MULTICAST,
        interface=None,
        port=nothing,
        intake=nothing,
        membership=nothing,
        joined_at=0,
        resources=nothing,
    )


class Joined(list[Group]):
    """What is joined, without sockets."""

    @property
    def revision(self) -> int:
        return len(self)


def chat_of(ring: PacketRing, *groups: Group) -> tuple[Chat, list[Group]]:
    """A chat and the list of what is joined, to change."""
    joined = Joined(groups)
    return Chat(ring, cast("Any", joined)), joined


def arrive(ring: PacketRing, payloads: Sequence[bytes], feed: Feed = TO_US) -> None:
    ring.append(*feed.batch(payloads))


def test_what_was_evicted_before_the_chat_looked_is_counted_as_skipped() -> None:
    ring = PacketRing(10, 4096)
    chat, _ = chat_of(ring)
    arrive(ring, numbered(0, 25))
    chat.poll()
    assert [line.text for line in chat.lines(DIRECT)] == [f"packet {number}" for number in range(15, 25)]
    assert chat.skipped() == 15


def test_the_count_of_skipped_lines_stays_when_their_group_is_left() -> None:
    ring = PacketRing(1000, 65_536)
    chat, joined = chat_of(ring, group_at(1, "224.1.0.1"))
    arrive(ring, numbered(0, LINES_PER_POLL + 7), Feed())
    chat.poll()
    assert chat.skipped() == 7
    joined.clear()
    arrive(ring, numbered(0, 1))
    chat.poll()
    assert chat.pane(1) is None
    assert chat.skipped() == 7


def test_of_a_flood_of_long_texts_only_the_newest_within_the_allowance_become_lines() -> None:
    ring = PacketRing(1000, 1 << 20)
    chat, _ = chat_of(ring)
    arrive(ring, [b"%3d " % number + b"x" * 4000 for number in range(100)])
    chat.poll()
    fitting = BYTES_PER_POLL // TEXT_LIMIT
    assert [line.text[:3] for line in chat.lines(DIRECT)] == [
        f"{100 - fitting + n:3}" for n in range(fitting)
    ]
    assert chat.skipped() == 100 - fitting


def test_a_flood_in_one_group_leaves_another_its_share_and_at_least_one_line() -> None:
    ring = PacketRing(1000, 1 << 20)
    chat, _ = chat_of(ring, *(group_at(number, f"224.1.0.{number}") for number in range(1, 101)))
    for number in range(1, 101):
        arrive(ring, [b"a" * 2000, b"b" * 2000], Feed(destination=f"224.1.0.{number}"))
    chat.poll()
    assert {len(chat.lines(number)) for number in range(1, 101)} == {1}
    assert {chat.lines(number)[0].text[0] for number in range(1, 101)} == {"b"}
    assert chat.skipped() == 100


def test_a_refused_row_is_neither_a_line_nor_skipped() -> None:
    ring = PacketRing(100, 4096)
    chat, _ = chat_of(ring)
    arrive(
        ring,
        numbered(0, 3),
        Feed(destination="192.168.10.2", addressed=Addressed.UNICAST, flags=Flag.REFUSED),
    )
    chat.poll()
    assert chat.lines(DIRECT) == ()
    assert chat.skipped() == 0


@pytest.mark.parametrize("length", [TEXT_LIMIT + 1, 60_000])
def test_a_long_text_reads_the_same_whole_and_cut_and_says_its_length(length: int) -> None:
    payload = b"y" * length
    whole = describe_payload(payload, length)
    assert whole == describe_payload(payload[:TEXT_LIMIT], length)
    assert whole[0] == "y" * TEXT_LIMIT + f"… {length} bytes in all"


def test_a_character_cut_in_two_is_left_out_and_one_that_came_in_pieces_is_shown_broken() -> None:
    long = b"x" + "字".encode() * TEXT_LIMIT
    assert describe_payload(long, len(long))[0] == f"x{'字' * (TEXT_LIMIT // 3)}… {len(long)} bytes in all"
    broken, plain, _ = describe_payload("字".encode()[:2], 2)
    assert (len(broken), plain) == (2, True)


async def test_a_long_line_of_ours_is_shown_once_when_it_is_heard_back(host1: Host) -> None:
    async with node_on(host1) as node:
        [group] = await node.join(parse_endpoint("224.1.0.1:6666"))
        await node.send(group.endpoint, b"long " * 2000, SendOptions())
        await packets(node, 1)
        node.chat.poll()
        [line] = node.chat.lines(group.id)
    assert line.state is LineState.HEARD
    assert line.text.endswith("… 10000 bytes in all")
