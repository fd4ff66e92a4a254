"""One line of the log: which columns fit, what stands in them, and that it is exactly as wide as the log."""

from __future__ import annotations

import unicodedata
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mcast_tui.app.fit import shorten
from mcast_tui.app.palette import ASCII, ON_DARK, source_color
from mcast_tui.app.widgets.packet_columns import INFO_CELLS, Fit, fit_columns, format_header
from mcast_tui.app.widgets.packet_row import (
    NAMES,
    Row,
    format_endpoint,
    format_row,
    packet_of,
    rows_from_columns,
)
from mcast_tui.wire.columns import Addressed, Flag, address_words, packet_from_row
from tests.app.packet_feed import HOSTILE, Feed

INTERFACES = {1: "lo", 2: "eth0"}.get


def row_of(payload: bytes | None = b"hello, lan", **arrived: object) -> Row:
    columns, _ = Feed(**arrived).batch([payload or b""])  # type: ignore[arg-type]  # a test's own words
    return rows_from_columns([0], {name: columns[name] for name in NAMES}, [payload])[0]


def text_of(row: Row, width: int = 120) -> str:
    return "".join(format_row(row, fit_columns(width, 4), INTERFACES)[:4])


@pytest.mark.parametrize("digits", [4, 9, 12])
def test_info_keeps_its_cells_at_every_width_from_a_terminal_of_forty(digits: int) -> None:
    assert not [width for width in range(39, 260) if fit_columns(width, digits).info < INFO_CELLS]


def test_columns_give_way_in_the_order_of_the_design() -> None:
    def shown(fit: Fit) -> tuple[bool, ...]:
        return (fit.time == 15, bool(fit.hop_limit), bool(fit.interface), fit.source_port, bool(fit.number))

    seen = [shown(fit_columns(width, 4)) for width in range(200, 40, -1)]
    kept = [sum(columns) for columns in seen]
    assert kept == sorted(kept, reverse=True)
    assert all(columns == (False,) * (5 - n) + (True,) * n for columns, n in zip(seen, kept, strict=True))
    assert set(kept) == set(range(6))


def test_a_terminal_of_eighty_columns_shows_whole_ipv4_addresses_and_the_length() -> None:
    text = text_of(row_of(destination="239.255.255.250", source="192.168.100.200"), 79)
    assert "192.168.100.200" in text
    assert "239.255.255.250" in text
    assert " 10 hello, lan" in text


@pytest.mark.parametrize("payload", [*HOSTILE, None, b"x" * 600, "漢".encode() * 200])
def test_a_line_is_exactly_as_wide_as_the_log(payload: bytes | None) -> None:
    row = row_of(payload, source="fe80::1234:5678:9abc:def0", destination="ff15::42")
    for width in (*range(60), 79, 80, 119, 120, 200):
        assert cell_len(text_of(row, width)) == width
        assert cell_len(format_header(fit_columns(width, 4))) == width


@given(payload=st.binary(max_size=512), width=st.integers(0, 200))
def test_no_payload_widens_a_line_or_leaves_a_control_in_it(payload: bytes, width: int) -> None:
    text = text_of(row_of(payload), width)
    assert cell_len(text) == width
    assert not {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@given(payload=st.text(max_size=200), width=st.integers(0, 200))
def test_no_text_widens_a_line(payload: str, width: int) -> None:
    assert cell_len(text_of(row_of(payload.encode("utf-8", "surrogatepass")), width)) == width


@pytest.mark.parametrize("width", [79, 90, 119, 170, 250])
def test_titles_stand_above_what_they_name(width: int) -> None:
    fit = fit_columns(width, 4)
    header = format_header(fit)
    text = text_of(row_of(b"INFO"), width)
    assert text.index("INFO") == header.index("Info")
    assert text.index("192.168.10.3") == header.index("Source")
    assert text.index("224.1.0.1") == header.index("Destination")


@pytest.mark.parametrize(
    ("addressed", "letter"),
    [
        (Addressed.MULTICAST, "M"),
        (Addressed.BROADCAST, "B"),
        (Addressed.UNICAST, "U"),
        (Addressed.UNKNOWN, "?"),
    ],
)
def test_how_a_packet_was_addressed_is_a_letter_before_its_destination(
    addressed: Addressed, letter: str
) -> None:
    assert f" {letter} 224.1.0.1" in text_of(row_of(addressed=addressed))


def test_unknown_is_a_question_mark_and_never_zero() -> None:
    text = text_of(row_of(destination=None, addressed=Addressed.UNKNOWN, ifindex=0, hop_limit=-1), 170)
    assert " ?      192.168.10.3" in text
    assert " ? ?:6666" in text
    assert text.split("hello")[0].endswith("  ? ")


def test_an_interface_that_is_gone_shows_its_index() -> None:
    assert " #7     192.168.10.3" in text_of(row_of(ifindex=7), 170)


def test_a_hostile_interface_name_is_made_safe() -> None:
    row = row_of()
    text = "".join(format_row(row, fit_columns(170, 4), lambda _: "\x1b[2J\u202e")[:4])
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_own_refused_and_truncated_packets_are_marked() -> None:
    assert text_of(row_of(flags=Flag.OWN)).startswith("»")
    assert text_of(row_of(flags=Flag.REFUSED)).startswith("✗")
    assert text_of(row_of(flags=Flag.REFUSED | Flag.OWN)).startswith("✗")
    assert " 10… " in text_of(row_of(flags=Flag.TRUNCATED))
    assert text_of(row_of()).startswith(" ")


def test_the_words_for_a_missing_payload_are_told_from_a_payload_with_those_words() -> None:
    fit = fit_columns(120, 4)
    for payload, words in ((None, "(payload evicted)"), (b"", "(no payload)")):
        line = format_row(row_of(payload), fit, INTERFACES)
        assert line.info.strip() == words
        assert not line.info_is_wire_text
        assert format_row(row_of(words.encode()), fit, INTERFACES).info_is_wire_text


def test_a_long_ipv6_address_keeps_its_prefix_its_suffix_and_its_port() -> None:
    words = address_words(ip_address("2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"))
    text = format_endpoint(*words, 6666, 21, "…")
    assert text.startswith("[2001:")
    assert text.rstrip().endswith(":1]:6666")
    assert "…" in text
    assert len(text) == 21
    assert format_endpoint(*words, None, 39, "…").strip() == "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"


@given(
    text=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60), cells=st.integers(1, 60)
)
def test_shortening_keeps_both_ends_and_never_exceeds_the_cells(text: str, cells: int) -> None:
    short = shorten(text, cells, "…")
    assert len(short) <= cells
    if len(text) <= cells:
        assert short == text
    else:
        prefix, suffix = short.split("…")
        assert text.startswith(prefix)
        assert text.endswith(suffix)


def test_the_ascii_table_makes_an_ascii_line() -> None:
    row = row_of(b"plain", flags=Flag.OWN | Flag.TRUNCATED, source="2001:db8:aaaa:bbbb:cccc:dddd:eeee:1")
    assert "".join(format_row(row, fit_columns(80, 4), INTERFACES, ASCII)[:4]).isascii()


def test_a_held_row_tells_the_same_as_the_ring_would() -> None:
    for feed in (
        Feed(),
        Feed(
            destination=None,
            addressed=Addressed.UNKNOWN,
            ifindex=0,
            hop_limit=-1,
            traffic_class=-1,
            local="0.0.0.0",
        ),
        Feed(
            source="fe80::1",
            destination="ff15::42",
            local="0.0.0.0",
            flags=Flag.OWN | Flag.TRUNCATED | Flag.REFUSED,
        ),
    ):
        columns, _ = feed.batch([b"same"])
        row = rows_from_columns([7], {name: columns[name] for name in NAMES}, [b"same"])[0]
        assert packet_of(row, b"same") == packet_from_row(7, columns, 0, b"same")


def test_neighbours_on_a_lan_have_different_colours_and_a_colour_depends_on_the_address_alone() -> None:
    colors = [source_color(ip_address(f"192.168.10.{host}")) for host in range(1, 9)]
    assert len(set(colors)) == len(ON_DARK)
    assert source_color(ip_address("fe80::1")) == source_color(ip_address("fe80:0::1"))
