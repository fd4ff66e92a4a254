"""The detail: each field says where it comes from, the payload is whole, nothing of it is run or parsed."""

from __future__ import annotations

import unicodedata
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.app.widgets.field_list import Field, field_lines, text_lines
from mcast_tui.app.widgets.hex_view import bytes_per_row
from mcast_tui.app.widgets.packet_detail import EMPTY, EVICTED
from mcast_tui.app.widgets.packet_fields import explain_packet, title
from mcast_tui.capture.ring import PacketRing
from mcast_tui.safe import cell_width
from mcast_tui.wire.columns import Addressed, Flag, packet_from_row
from tests.app.packet_feed import HOSTILE, Feed, PaneApp, numbered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.content import Content
    from textual.pilot import Pilot

    from mcast_tui.app.widgets.packet_detail import PacketDetail
    from mcast_tui.wire.columns import Packet

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
INTERFACES = {2: "eth0"}.get


def packet(feed: Feed, payload: bytes | None = b"hello, lan") -> Packet:
    columns, _ = feed.batch([payload or b""])
    return packet_from_row(1270, columns, 0, payload)


def fields(feed: Feed, payload: bytes | None = b"hello, lan") -> dict[str, Field]:
    return {field.name: field for field in explain_packet(packet(feed, payload), INTERFACES)}


@asynccontextmanager
async def showing(
    *payloads: bytes, size: tuple[int, int] = (120, 40), feed: Feed | None = None
) -> AsyncIterator[tuple[PaneApp, PacketDetail, Pilot[None]]]:
    """Run a pane with these packets, the newest selected."""
    ring = PacketRing(1000, 1 << 20)
    ring.append(*(feed or Feed()).batch(payloads))
    app = PaneApp(ring)
    async with app.run_test(size=size) as pilot:
        app.draw()
        await pilot.pause()
        await pilot.press("up")
        await pilot.pause()
        yield app, app.pane.detail, pilot


def shown(detail: PacketDetail) -> str:
    return "\n".join(detail.fields.row(y).plain for y in range(detail.fields.row_count))


def dumped(detail: PacketDetail) -> list[str]:
    return [detail.dump.row(y).plain for y in range(detail.dump.row_count)]


def test_each_field_of_an_ipv4_packet_names_its_origin() -> None:
    found = fields(Feed(traffic_class=0xB8))
    assert found["time"].origin == "SO_TIMESTAMPNS"
    assert found["time"].value.endswith(".123456789")
    assert found["interface"][1:] == ("2 (eth0)", "IP_PKTINFO.ipi_ifindex")
    assert found["source"][1:] == ("192.168.10.3:41159", "recvmmsg msg_name")
    assert (found["destination"].value, found["port"].value) == ("224.1.0.1", "6666")
    assert found["destination"].origin.startswith("IP_PKTINFO.ipi_addr")
    assert found["local"].value == "192.168.10.2"
    assert found["local"].origin.startswith("IP_PKTINFO.ipi_spec_dst")
    assert found["TTL"][1:] == ("1 on arrival", "IP_RECVTTL")
    assert found["TOS"][1:] == ("0xb8  DSCP 46 EF  ECN Not-ECT", "IP_RECVTOS")
    assert found["length"].value == "10 B payload"


def test_each_field_of_an_ipv6_packet_names_its_own_origin() -> None:
    found = fields(Feed(source="fe80::3", destination="ff02::fb", local="0.0.0.0", traffic_class=3))
    assert found["interface"].origin == "IPV6_PKTINFO.ipi6_ifindex"
    assert (found["destination"].value, found["port"].value) == ("ff02::fb", "6666")
    assert found["destination"].origin.startswith("IPV6_PKTINFO.ipi6_addr")
    assert found["hop limit"].origin == "IPV6_RECVHOPLIMIT"
    assert found["class"][1:] == ("0x03  DSCP 0 default  ECN CE", "IPV6_RECVTCLASS")
    assert found["scope"].value == "link-local"
    assert "local" not in found


def test_what_the_kernel_did_not_say_is_unknown_and_a_read_time_is_called_that() -> None:
    found = fields(
        Feed(
            destination=None,
            addressed=Addressed.UNKNOWN,
            flags=Flag(0),
            ifindex=0,
            local="0.0.0.0",
            hop_limit=-1,
            traffic_class=-1,
        )
    )
    assert {found[name].value for name in ("interface", "local", "TTL", "TOS", "addressed")} == {"unknown"}
    assert (found["destination"].value, found["port"].value) == ("unknown", "6666")
    assert found["time"].origin.startswith("read clock")
    assert "scope" not in found


@pytest.mark.parametrize(
    ("addressed", "destination", "why"),
    [
        (Addressed.MULTICAST, "224.1.0.1", "224.0.0.0/4"),
        (Addressed.MULTICAST, "ff02::1", "ff00::/8"),
        (Addressed.BROADCAST, "255.255.255.255", "is 255.255.255.255"),
        (Addressed.BROADCAST, "192.168.10.255", "neither a group nor ipi_spec_dst"),
        (Addressed.UNICAST, "192.168.10.2", "equals ipi_spec_dst"),
        (Addressed.UNICAST, "fe80::2", "not in ff00::/8"),
    ],
)
def test_how_it_was_addressed_comes_with_the_reason(addressed: Addressed, destination: str, why: str) -> None:
    field = fields(Feed(addressed=addressed, destination=destination))["addressed"]
    assert field.value == addressed.name.lower()
    assert why in field.origin


def test_own_refused_truncated_and_partly_kept_packets_say_so() -> None:
    found = fields(Feed(flags=Flag.OWN | Flag.REFUSED | Flag.TRUNCATED))
    assert {"own", "refused", "truncated"} <= set(found)
    assert not {"own", "refused", "truncated", "kept"} & set(fields(Feed()))
    columns, _ = Feed().batch([b"x" * 100])
    partly = packet_from_row(0, columns, 0, b"x" * 64)
    kept = {field.name: field.value for field in explain_packet(partly, INTERFACES)}
    assert kept["kept"] == "the first 64 B of the payload"


def test_the_title_counts_packets_from_one_and_a_hostile_interface_name_is_safe() -> None:
    assert title(packet(Feed()), INTERFACES) == "Packet 1271  10 bytes on eth0"
    assert title(packet(Feed(), b"1"), {2: "\x1b[2J"}.get) == "Packet 1271  1 byte on ␛[2J"
    hostile = explain_packet(packet(Feed()), lambda _: "\x1b]0;x\x07")
    assert "\x1b" not in "".join(field.value for field in hostile)


@given(st.binary(max_size=3000), st.integers(2, 120))
def test_payload_text_fits_its_lines_and_holds_no_control(payload: bytes, cells: int) -> None:
    _, lines = text_lines(payload, cells)
    assert all(cell_width(line) <= cells for line in lines)
    assert not {unicodedata.category(c) for line in lines for c in line} & {
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Zl",
        "Zp",
    }


@given(st.text(st.characters(categories=("L", "N", "P")), max_size=500), st.integers(2, 40))
def test_payload_text_is_complete(text: str, cells: int) -> None:
    is_altered, lines = text_lines(text.encode(), cells)
    if not is_altered:
        assert "".join(lines) == text


@pytest.mark.parametrize("width", [10, 24, 38, 50, 78, 120])
def test_a_field_never_exceeds_the_width_but_by_its_name(width: int) -> None:
    for field in fields(Feed(source="2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff")).values():
        lines = list(field_lines(field, width))
        assert all(line.cell_length <= max(width, 15) for line in lines)
        assert "".join(field.origin.split()) in "".join("".join(line.plain.split()) for line in lines)


@pytest.mark.parametrize(("cells", "count"), [(120, 16), (74, 16), (73, 8), (40, 8), (38, 4), (1, 1), (0, 1)])
def test_the_dump_has_sixteen_bytes_a_row_where_they_fit(cells: int, count: int) -> None:
    assert bytes_per_row(cells) == count


async def test_nothing_selected_says_how_to_select() -> None:
    app = PaneApp(PacketRing(100, 1 << 16))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert app.pane.detail.display
        assert "No packet selected." in shown(app.pane.detail)


async def test_a_selected_packet_shows_its_fields_its_text_and_its_bytes() -> None:
    async with showing(b"first", b"hello, lan\nsecond line\n") as (app, detail, _):
        text = shown(detail)
        assert text.startswith("▾ Packet 2  23 bytes on eth0")
        assert "  hello, lan\n  second line" in text
        rows = dumped(detail)
        assert rows[0].startswith("0000  68 65 6c 6c 6f")
        assert "".join(row[31:] for row in rows) == "hello, lan·second line·"
        assert ("selected", 1) in app.said


async def test_hostile_payloads_reach_the_detail_only_as_safe_text() -> None:
    async with showing(*HOSTILE) as (app, detail, pilot):
        seen = ""
        for _ in HOSTILE:
            everything = [app.screen._compositor.render_strips()[y].text for y in range(40)]
            text = "\n".join([*everything, shown(detail), *dumped(detail)])
            assert not {unicodedata.category(character) for character in text if character != "\n"} & UNSAFE
            seen += text
            await pilot.press("up")
            await pilot.pause()
        assert "lol [/nope] [@click=app.quit]free beer[/] [bold]" in seen
        assert "control and other unsafe characters are shown, not run" in seen
        assert app.is_running


async def test_the_name_of_an_unsafe_character_is_reversed_in_the_text() -> None:
    async with showing("evil \u202etxt.exe".encode()) as (_, detail, _):
        line = next(content for content in rows_of(detail) if "<U+202E>" in content.plain)
        assert [line.plain[span.start : span.end] for span in line.spans if span.style == "reverse"] == [
            "<U+202E>"
        ]


def rows_of(detail: PacketDetail) -> list[Content]:
    return [detail.fields.row(y) for y in range(detail.fields.row_count)]


async def test_a_payload_of_64_kilobytes_makes_only_the_rows_on_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payload = bytes(range(256)) * 255 + b"the end"
    async with showing(payload, size=(200, 50)) as (_, detail, pilot):
        assert detail.dump.row_count == -(-len(payload) // 16)
        made = []
        monkeypatch.setattr(detail.dump, "_row_at", lambda y: made.append(y) or detail.dump.row(y))
        detail.dump.scroll_end(animate=False)
        await pilot.pause()
        assert 0 < len(made) <= 4 * detail.dump.size.height
        assert "the end" in dumped(detail)[-1] or "the end" in "".join(
            r[-17:].strip() for r in dumped(detail)[-2:]
        )


async def test_an_evicted_payload_and_an_empty_one_are_told_apart() -> None:
    async with showing(b"") as (app, detail, _):
        assert dumped(detail) == [EMPTY]
        detail.show(packet(Feed(), None))
        assert dumped(detail) == [EVICTED]
        assert app.is_running


async def test_a_packet_the_ring_lost_is_still_explained_from_the_row_the_log_held() -> None:
    ring = PacketRing(200, 1 << 16)
    ring.append(*Feed().batch(numbered(0, 200)))
    app = PaneApp(ring)
    async with app.run_test(size=(120, 40)) as pilot:
        app.draw()
        await pilot.press("pageup")
        ring.append(*Feed().batch([b"z" * 40] * 200))
        ring.append(*Feed().batch([b"z" * 40] * 200))
        app.draw()
        await pilot.press("up")
        await pilot.pause()
        assert app.pane.selected is not None
        number = app.pane.selected.number
        assert number < ring.tail
        assert app.pane.selected.payload == b"packet %d" % number
        assert f"Packet {number + 1} " in shown(app.pane.detail)


async def test_below_100_columns_enter_opens_the_detail_over_the_log_and_escape_returns() -> None:
    async with showing(b"one", b"two", size=(80, 24)) as (app, detail, pilot):
        assert not detail.display
        await pilot.press("enter")
        await pilot.pause()
        assert detail.display
        assert not app.pane.log_view.display
        assert app.focused is detail.fields
        assert detail.size.height == 24
        await pilot.press("escape")
        await pilot.pause()
        assert not detail.display
        assert app.focused is app.pane.log_view


async def test_from_100_columns_on_the_detail_stands_below_the_log_and_enter_hides_it() -> None:
    async with showing(b"one", b"two") as (app, detail, pilot):
        assert detail.display
        assert app.pane.log_view.display
        await pilot.press("enter")
        await pilot.pause()
        assert not detail.display


async def test_enter_while_following_selects_the_newest_packet() -> None:
    ring = PacketRing(100, 1 << 16)
    ring.append(*Feed().batch(numbered(0, 5)))
    app = PaneApp(ring)
    async with app.run_test(size=(80, 24)) as pilot:
        app.draw()
        await pilot.press("enter")
        await pilot.pause()
        assert app.pane.selected is not None
        assert app.pane.selected.number == 4


async def test_copying_takes_hex_or_safe_text_and_says_how_much() -> None:
    async with showing(b"ok\n\x1b]52;c;!\x07") as (app, _, pilot):
        await pilot.press("y")
        assert bytes.fromhex(app.clipboard) == b"ok\n\x1b]52;c;!\x07"
        await pilot.press("Y")
        assert app.clipboard == "ok\n␛]52;c;!␇"
        await pilot.pause()
        toasts = [toast.message for toast in app._notifications]
        assert toasts == ["Copied 12 bytes as hex.", "Copied 12 bytes as text."]


async def test_copying_what_is_not_there_says_so() -> None:
    async with showing(b"x") as (app, detail, pilot):
        detail.show(packet(Feed(), None))
        await pilot.press("y")
        detail.show(None)
        await pilot.press("Y")
        await pilot.press("r")
        assert app.clipboard == ""
        assert len(app._notifications) == 3


async def test_reply_names_the_sender() -> None:
    async with showing(b"x") as (app, _, pilot):
        await pilot.press("r")
        await pilot.pause()
        assert ("reply", "192.168.10.3", 41159) in app.said
