"""Raw IP in the app: a protocol stands where a port would, and nothing is shown for ports that are not."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from rich.cells import cell_len

from mcast_tui.app.chat_layout import label_of, sender_of
from mcast_tui.app.widgets.packet_columns import fit_columns
from mcast_tui.app.widgets.packet_fields import explain_packet
from mcast_tui.app.widgets.packet_row import NAMES, Row, format_row, packet_of, rows_from_columns
from mcast_tui.net.sender import SendOptions
from mcast_tui.services.chat import Line, LineState
from mcast_tui.services.target import Size, Target
from mcast_tui.wire.address import Kind, parse_endpoint
from mcast_tui.wire.columns import Addressed, Flag, packet_from_row
from tests.app.packet_feed import Feed

INTERFACES = {2: "eth0"}.get
RAW = Flag.RAW | Flag.KERNEL_TIME


def row_of(**arrived: object) -> Row:
    columns = columns_of(**arrived)
    return rows_from_columns([0], {name: columns[name] for name in NAMES}, [b"hello"])[0]


def columns_of(**arrived: object) -> dict:
    feed = Feed(flags=RAW, source_port=0, port=253, **arrived)  # type: ignore[arg-type]  # a test's own words
    return feed.batch([b"hello"])[0]


@pytest.mark.parametrize(
    ("source", "destination", "shown"),
    [
        ("192.168.10.2", "224.1.0.1", "ip://224.1.0.1:253"),
        ("fe80::2", "ff15::42", "ip://[ff15::42]:253"),
    ],
)
def test_a_line_of_the_log_names_the_protocol_and_no_port(source: str, destination: str, shown: str) -> None:
    row = row_of(source=source, destination=destination)
    for width in range(40, 200):
        fit = fit_columns(width, 4)
        line = "".join(format_row(row, fit, INTERFACES)[:4])
        assert cell_len(line) == width
        assert f"{source}:" not in line
        assert (shown in line) == bool(fit.destination and fit.destination_port)


def test_a_held_row_is_the_packet_the_ring_would_give() -> None:
    assert packet_of(row_of(), b"hello") == packet_from_row(0, columns_of(), 0, b"hello")
    assert packet_of(row_of(), b"hello").protocol == 253


def test_the_detail_says_protocol_in_place_of_port() -> None:
    packet = packet_from_row(0, columns_of(source="192.168.10.2"), 0, b"hello")
    fields = {field.name: field.value for field in explain_packet(packet, INTERFACES)}
    assert (fields["source"], fields["protocol"]) == ("192.168.10.2", "253")
    assert "port" not in fields


def test_a_line_of_conversation_has_a_bare_sender_and_a_whole_place() -> None:
    line = Line(
        at=0,
        source=ip_address("192.168.10.3"),
        source_port=None,
        destination=ip_address("192.168.10.1"),
        destination_port=None,
        text="hello",
        state=LineState.RECEIVED,
        addressed=Addressed.MULTICAST,
        is_aside=True,
        protocol=253,
    )
    assert sender_of(line) == "192.168.10.3"
    assert label_of(line) == "to ip://192.168.10.1:253"


@pytest.mark.parametrize(
    ("text", "place", "largest", "unfragmented"),
    [
        ("ip://224.1.0.1%eth0:253", "ip://224.1.0.1:253", 65_515, 1480),
        ("ip://[ff15::42%eth0]:253", "ip://[ff15::42]:253", 65_535, 1460),
        ("224.1.0.1%eth0:6666", "224.1.0.1:6666", 65_507, 1472),
    ],
)
def test_a_raw_target_carries_what_udps_header_would_take(
    text: str, place: str, largest: int, unfragmented: int
) -> None:
    target = Target(parse_endpoint(text), Kind.MULTICAST, SendOptions(), "eth0", 1500)
    assert (target.place, target.largest, target.unfragmented) == (place, largest, unfragmented)
    assert target.size(unfragmented) is Size.FITS
    assert target.size(unfragmented + 1) is Size.FRAGMENTS
    assert target.size(largest + 1) is Size.TOO_LONG
