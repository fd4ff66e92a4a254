from __future__ import annotations

import random
import resource

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire import cmsg
from mcast_tui.wire.batch import CONTROL_SIZE, NAME_SIZE, PAYLOAD_SIZE, TOUCHED_SIZE, Batch
from mcast_tui.wire.columns import Column, Columns, Flag, address_from_words, empty_columns
from mcast_tui.wire.layout import FIXED_V4, FIXED_V6
from tests.wire.captured import BY_NAME, CAPTURED, Captured

NOW = 42
PORT = 6666
PLAIN = {4: BY_NAME["plain unicast"], 6: BY_NAME["IPv6 unicast"]}
KERNEL_SAID = ["received_at", "destination", "local_address", "ifindex", "hop_limit", "traffic_class"]
KERNEL_SAID += ["addressed", "flags"]


def by_cmsg(rows: list[Captured]) -> Columns:
    columns = empty_columns(len(rows))
    for row, captured in enumerate(rows):
        cmsg.fill_row(columns, row, cmsg.decode_ancdata(cmsg.walk_control(captured.control)), NOW)
    return columns


def decode(rows: list[Captured], batch: Batch | None = None) -> Columns:
    batch = batch or Batch(rows[0].family, max(2, len(rows)))
    for row, captured in enumerate(rows):
        captured.load(batch, row)
    return batch.decode(len(rows), PORT, NOW)


def assert_same(found: Columns, expected: Columns) -> None:
    for name in KERNEL_SAID:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda captured: captured.name)
def test_both_ways_read_the_same_from_what_the_kernel_wrote(captured: Captured) -> None:
    assert_same(decode([captured]), by_cmsg([captured]))


@pytest.mark.parametrize("family", [4, 6])
def test_odd_rows_among_plain_ones_read_as_they_do_alone(family: int) -> None:
    rows = [captured for captured in CAPTURED if captured.family == family]
    rows = [row for captured in rows for row in (PLAIN[family], captured)]
    random.Random(1).shuffle(rows)
    batch = Batch(family, len(rows))
    assert_same(decode([PLAIN[family]] * len(rows), batch), by_cmsg([PLAIN[family]] * len(rows)))
    assert_same(decode(rows, batch), by_cmsg(rows))
    assert_same(decode(rows[::-1], batch), by_cmsg(rows[::-1]))  # nothing of the batch before shows through


@pytest.mark.parametrize(
    ("name", "is_fixed"),
    [
        ("plain unicast", True),
        ("directed broadcast", True),
        ("IPv6 group", True),
        ("drop counter", False),
        ("IP options", False),
        ("cut at 105", False),
        ("queued before the options were set", False),
        ("dual stack, IPv4 packet", False),
    ],
)
def test_only_rows_of_the_fixed_layout_take_the_fast_way(
    name: str, is_fixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked: list[bytes] = []
    monkeypatch.setattr(cmsg, "walk_control", lambda control: walked.append(control) or [])
    decode([BY_NAME[name], PLAIN[BY_NAME[name].family]])
    assert walked == ([] if is_fixed else [BY_NAME[name].control])


def mutated(captured: Captured, changes: list[tuple[int, int]], length: int | None) -> Captured:
    control = bytearray(captured.control or bytes(16))
    for place, value in changes:
        control[place % len(control)] = value
    fields = {name: getattr(captured, name) for name in Captured.__dataclass_fields__}
    return Captured(**fields | {"control": bytes(control[:length])})


@given(
    st.lists(
        st.tuples(
            st.sampled_from([captured for captured in CAPTURED if captured.family == 4]),
            st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
            st.none() | st.integers(0, CONTROL_SIZE),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_both_ways_read_the_same_from_damaged_buffers(rows: list[tuple[Captured, list, int | None]]) -> None:
    damaged = [mutated(*row) for row in rows]
    assert_same(decode(damaged), by_cmsg(damaged))


@given(st.sampled_from([4, 6]), st.binary(max_size=CONTROL_SIZE), st.integers(0, 2**32 - 1))
def test_any_control_bytes_and_flags_give_a_row(family: int, control: bytes, flags: int) -> None:
    plain = PLAIN[family]
    fields = {name: getattr(plain, name) for name in Captured.__dataclass_fields__}
    garbage = Captured(**fields | {"control": control, "flags": flags})
    columns = decode([plain, garbage, plain])
    alone = by_cmsg([plain])
    for name in KERNEL_SAID:
        assert columns[name][0].tolist() == columns[name][2].tolist() == alone[name][0].tolist()


def test_source_ports_and_length_come_from_the_message_itself() -> None:
    columns = decode([PLAIN[4]])
    assert address_from_words(*columns["source"][0].tolist()).compressed == "10.9.0.1"
    assert columns["source_port"][0] == int.from_bytes(PLAIN[4].source[2:4])
    assert columns["destination_port"][0] == PORT
    assert columns["length"][0] == 1
    columns = decode([PLAIN[6]])
    assert address_from_words(*columns["source"][0].tolist()).compressed == "fd00:9::1"


def test_the_destination_port_is_that_of_each_call() -> None:
    batch = Batch(4, 2)
    PLAIN[4].load(batch, 0)
    assert batch.decode(1, 1, NOW)["destination_port"].tolist() == [1]
    assert batch.decode(1, 2, NOW)["destination_port"].tolist() == [2]


@pytest.mark.parametrize("family", [4, 6])
def test_batches_of_changing_size_share_the_buffers_and_nothing_else(family: int) -> None:
    rows = [captured for captured in CAPTURED if captured.family == family]
    batch = Batch(family, len(rows))
    for count in (1, len(rows), 2, 1, len(rows)):
        for some in (rows[:count], rows[-count:]):
            assert_same(decode(some, batch), by_cmsg(some))


@pytest.mark.parametrize("family", [4, 6])
def test_columns_hold_what_is_lent_until_the_next_call(family: int) -> None:
    batch = Batch(family, 2)
    odd = BY_NAME["drop counter"] if family == 4 else BY_NAME["dual stack, IPv4 packet"]
    for rows in ([PLAIN[family]], [odd]):
        columns = decode(rows, batch)
        columns["flags"][0] |= np.uint8(Flag.OWN)
        assert columns["flags"][0] & Flag.OWN
        assert not decode(rows, batch)["flags"][0] & Flag.OWN


@pytest.mark.parametrize("family", [4, 6])
def test_a_warm_batch_reads_as_a_cold_one(family: int) -> None:
    rows = [captured for captured in CAPTURED if captured.family == family]
    batch = Batch(family, len(rows))
    batch.warm()
    assert batch.headers["namelen"].tolist() == [NAME_SIZE] * len(rows)
    assert batch.headers["controllen"].tolist() == [CONTROL_SIZE] * len(rows)
    assert not batch.payloads.any()
    columns = decode(rows, batch)
    assert_same(columns, by_cmsg(rows))
    assert columns["destination_port"].tolist() == [PORT] * len(rows)


@pytest.mark.parametrize(("is_warm", "fewest", "most"), [(False, 256, 1000), (True, 0, 20)])
def test_frames_received_by_a_warm_batch_make_no_page_resident(is_warm: bool, fewest: int, most: int) -> None:
    batch = Batch(4)
    if is_warm:
        batch.warm()
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    batch.payloads[:, :TOUCHED_SIZE] = 1
    assert fewest <= resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before <= most


def test_a_payload_cut_short_is_flagged_and_its_length_is_the_whole() -> None:
    batch = Batch(4, 2, payload_size=32)
    for row, flags in enumerate((cmsg.MSG_TRUNC, 0)):
        PLAIN[4].load(batch, row, length=33)
        batch.headers["flags"][row] = flags
    columns = batch.decode(2, PORT, NOW)
    assert columns["length"].tolist() == [33, 33]
    assert columns["flags"].tolist() == [Flag.TRUNCATED | Flag.KERNEL_TIME, Flag.KERNEL_TIME]


@pytest.mark.parametrize("name", ["plain unicast", "no options", "IPv6 group", "dual stack, both, broadcast"])
def test_the_portable_way_fills_the_same_columns(name: str) -> None:
    captured = BY_NAME[name]
    expected = decode([captured])
    batch = Batch(captured.family, 2)
    source, port = expected["source"][0].tolist(), int(expected["source_port"][0])
    batch.store(0, tuple(source), port, 1, captured.flags, cmsg.walk_control(captured.control), NOW)
    found = batch.stored(1, PORT)
    assert found.keys() == expected.keys()
    for column in expected:
        np.testing.assert_array_equal(found[column], expected[column], err_msg=column)


def test_headers_point_at_their_own_row_of_each_buffer() -> None:
    batch = Batch(4, 3, payload_size=64)
    assert batch.headers["name"].tolist() == _row_addresses(batch.names)
    assert batch.headers["control"].tolist() == _row_addresses(batch.control)
    assert batch._vectors.tolist() == [[address, 64] for address in _row_addresses(batch.payloads)]
    assert batch.headers["iov"].tolist() == _row_addresses(batch._vectors)


def _row_addresses(array: Column) -> list[int]:
    return [array[row].ctypes.data for row in range(len(array))]


def test_arming_restores_what_the_kernel_overwrites() -> None:
    batch = Batch(6, 3)
    batch.headers["namelen"] = batch.headers["controllen"] = 0
    batch.arm(2)
    assert batch.headers["namelen"].tolist() == [NAME_SIZE, NAME_SIZE, 0]
    assert batch.headers["controllen"].tolist() == [CONTROL_SIZE, CONTROL_SIZE, 0]


def test_the_longest_datagram_fits_and_rows_do_not_share_cache_sets() -> None:
    assert PAYLOAD_SIZE >= 65_527
    assert PAYLOAD_SIZE % 32 == 0
    assert PAYLOAD_SIZE // 64 % 2 == CONTROL_SIZE // 64 % 2 == 1
    assert (FIXED_V4.size, FIXED_V6.size) == (112, 120)
