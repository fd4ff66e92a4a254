"""The lines of a whole piece are, byte for byte, what the readable twin says of each packet."""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcast_tui.capture.ring import PacketRing
from mcast_tui.cli.printing.fields import FIELDS
from mcast_tui.cli.printing.packet_lines import FieldLines, JsonLines, RawPayload, TextLines
from mcast_tui.cli.printing.pieces import OwnAddresses, Piece, Wanted, read_piece
from mcast_tui.wire.columns import COLUMNS, MAPPED, Flag, empty_columns
from tests.cli import packet_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.wire.columns import Columns, Packet

NAMES = {1: "lo", 2: "eth0", 3: "\udcff\x1b[31m", 4: "tab\there%s"}
NOBODY = OwnAddresses(())
WORDS = st.one_of(
    st.tuples(st.just(0), st.integers(MAPPED, MAPPED | 0xFFFF_FFFF)),  # IPv4
    st.tuples(st.just(0xFE80 << 48), st.integers(0, 3)),
    st.tuples(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1)),
)
PAYLOADS = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([b"", b"hello\n", b"100%s %d %%\n", b"\x1b]0;x\x07", b'"quoted" \\ \xe2\x80\xae']),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "received_at": st.integers(0, 1 << 62),
            "source": WORDS,
            "destination": st.one_of(WORDS, st.just((0, 0))),
            "local_address": st.sampled_from([0, 0xC0A8_0A01]),
            "ifindex": st.integers(0, 5),
            "source_port": st.integers(0, 65535),
            "destination_port": st.integers(0, 65535),
            "hop_limit": st.integers(-1, 255),
            "traffic_class": st.integers(-1, 255),
            "length": st.integers(0, 65535),
            "addressed": st.integers(0, 3),
            "flags": st.integers(0, 31),
            "payload": PAYLOADS,
        }
    ),
    min_size=1,
    max_size=12,
)


def ring_of(rows: list[dict[str, object]], *, alike: bool = False) -> PacketRing:
    """Return a ring of these packets; `alike`: of all but the payload, the first one's values."""
    columns = empty_columns(len(rows))
    for name in COLUMNS:
        columns[name][:] = [(rows[0] if alike else row)[name] for row in rows]
    payloads = np.zeros((len(rows), 256), "u1")
    for row, values in enumerate(rows):
        payload: bytes = values["payload"]
        columns["length"][row] = len(payload)
        payloads[row, : len(payload)] = list(payload)
    ring = PacketRing(1024, 1 << 17)
    ring.append(columns, payloads)
    return ring


def all_of(ring: PacketRing, **wanted: bool) -> Piece:
    return read_piece(ring, 0, ring.head, ring.head, Wanted(**{"refused": True} | wanted), NOBODY)


def spec_of(ring: PacketRing, say: Callable[[Packet, Callable[[int], str | None]], str]) -> str:
    return "".join(f"{say(ring.packet(number), NAMES.get)}\n" for number in range(ring.head))


def widths_of(ring: PacketRing) -> tuple[int, int, int]:
    """Return how wide the text columns are once they fit all packets."""
    ends = [packet_spec.ends_of(ring.packet(number), NAMES.get) for number in range(ring.head)]
    return tuple(
        max(least, *map(len, column))
        for least, column in zip((6, 21, 21), zip(*ends, strict=True), strict=True)
    )


@given(ROWS, st.booleans())
@settings(deadline=None, max_examples=60)
def test_every_format_says_what_its_twin_says(rows: list[dict[str, object]], alike: bool) -> None:
    ring = ring_of(rows, alike=alike)
    piece, widths = all_of(ring), widths_of(ring)

    assert JsonLines().render(piece, NAMES.get) == spec_of(ring, packet_spec.as_json)
    assert TextLines().render(piece, NAMES.get) == spec_of(ring, partial(packet_spec.as_text, widths=widths))
    assert TextLines(dump=True).render(piece, NAMES.get) == spec_of(
        ring, partial(packet_spec.as_hex, widths=widths)
    )
    assert RawPayload().render(piece, NAMES.get) == b"".join(row["payload"] for row in rows)


@given(ROWS, st.lists(st.sampled_from(FIELDS), unique=True, min_size=1))
@settings(deadline=None, max_examples=50)
def test_chosen_fields_are_those_of_the_twin(rows: list[dict[str, object]], fields: list[str]) -> None:
    ring, chosen = ring_of(rows), tuple(fields)
    piece = all_of(ring)

    assert JsonLines(chosen).render(piece, NAMES.get) == spec_of(
        ring, partial(packet_spec.as_json, fields=chosen)
    )
    words = FieldLines(chosen).render(piece, NAMES.get)
    assert words == spec_of(ring, partial(packet_spec.as_words, fields=chosen))
    assert all(line.count("\t") == len(chosen) - 1 for line in words.split("\n")[:-1])


@given(ROWS)
@settings(deadline=None, max_examples=25)
def test_nothing_that_acts_on_a_terminal_comes_out(rows: list[dict[str, object]]) -> None:
    piece = all_of(ring_of(rows))

    assert JsonLines().render(piece, NAMES.get).isascii()
    for said in (TextLines(dump=True), FieldLines(("interface", "text"))):
        shown = said.render(piece, NAMES.get)
        assert shown.replace("\n", "").replace("\t", "").isprintable()


@given(ROWS)
@settings(deadline=None, max_examples=25)
def test_colour_adds_nothing_but_colour(rows: list[dict[str, object]]) -> None:
    import re

    piece = all_of(ring_of(rows))
    coloured = TextLines(colour=True).render(piece, NAMES.get)

    assert "\x1b[36m" in coloured
    assert re.sub(r"\x1b\[\d*m", "", coloured) == TextLines().render(piece, NAMES.get)


def columns_of(rows: int) -> Columns:
    return {name: np.zeros_like(column) for name, column in empty_columns(rows).items()}


def test_a_payload_that_was_evicted_is_null_or_said_so() -> None:
    ring = PacketRing(1024, 1 << 17)
    columns = columns_of(100)
    columns["length"][:] = 4096
    ring.append(columns, np.zeros((100, 4096), "u1"))
    kept = (1 << 17) // 4096
    piece = all_of(ring)

    records = [json.loads(line) for line in JsonLines().render(piece, NAMES.get).splitlines()]
    assert piece.evicted == [record["payload_hex"] for record in records].count(None) == 100 - kept
    assert TextLines().render(piece, NAMES.get).count("(payload evicted)") == 100 - kept
    assert len(all_of(ring, whole_only=True)) == kept
    assert RawPayload().render(all_of(ring, whole_only=True), NAMES.get) == bytes(4096 * kept)


def test_columns_that_need_no_payload_are_not_charged_for_one_that_is_gone() -> None:
    ring = PacketRing(1024, 1 << 17)
    columns = columns_of(100)
    columns["length"][:] = 4096
    ring.append(columns, np.zeros((100, 4096), "u1"))
    form = JsonLines(("number", "length"))

    assert all_of(ring, payloads=form.needs_payloads).evicted == 0
    assert JsonLines(("text",)).needs_payloads
    assert not FieldLines(("source", "time")).needs_payloads


def test_a_piece_is_bounded_in_bytes_and_goes_on_where_it_ended() -> None:
    ring = PacketRing(1024, 1 << 24)
    columns = columns_of(50)
    columns["length"][:] = 65_000
    ring.append(columns, np.zeros((50, 65_024), "u1"))
    numbers: list[int] = []
    start = 0
    while start < ring.head:
        piece = read_piece(ring, start, ring.head, ring.head, Wanted(), NOBODY)
        assert 0 < sum(map(len, piece.payloads)) <= 1 << 20
        numbers += piece.numbers.tolist()
        start = piece.stop
    assert numbers == list(range(50))


def test_a_count_ends_a_piece_at_the_last_packet_that_is_wanted() -> None:
    ring = PacketRing(1024, 1 << 17)
    columns = columns_of(10)
    columns["flags"][:] = [Flag.REFUSED, 0] * 5
    ring.append(columns, np.zeros((10, 32), "u1"))

    piece = read_piece(ring, 0, 10, 2, Wanted(), NOBODY)

    assert (piece.numbers.tolist(), piece.stop) == ([1, 3], 4)


def test_what_was_evicted_is_counted_and_not_visited() -> None:
    ring = PacketRing(1024, 1 << 17)
    for _ in range(30):
        ring.append(columns_of(100), np.zeros((100, 32), "u1"))

    gone = read_piece(ring, 0, 500, 3000, Wanted(), NOBODY)
    assert (len(gone), gone.evicted, gone.stop) == (0, 3000 - 1024, 3000 - 1024)
    rest = read_piece(ring, gone.stop, 3000, 3000, Wanted(), NOBODY)
    assert (rest.numbers.tolist(), rest.evicted) == (list(range(3000 - 1024, 3000)), 0)


@pytest.mark.parametrize(("ifindex", "is_own"), [(2, True), (3, False)])
def test_a_link_local_address_is_ours_on_its_own_interface_only(ifindex: int, is_own: bool) -> None:
    from ipaddress import ip_interface

    own = OwnAddresses([SimpleNamespace(index=2, addresses=(ip_interface("fe80::1/64"),))])
    columns = columns_of(1)
    columns["source"][:] = 0xFE80 << 48, 1
    columns["ifindex"][:] = ifindex

    assert own.sent(columns).tolist() == [is_own]
