"""What passes the interface, on screen: groups nobody here joined, who sends what, what the tap lost."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcast_tui.app.palette import UNICODE
from mcast_tui.app.view_facts import stream_endpoint
from mcast_tui.app.widgets.columns import line_cells
from mcast_tui.app.widgets.header import HeaderFacts, header_line
from mcast_tui.app.widgets.packet_columns import fit_columns, format_header
from mcast_tui.app.widgets.packet_lines import PacketLines
from mcast_tui.app.widgets.packet_row import format_row
from mcast_tui.app.widgets.stream_list import fit_columns as fit_streams
from mcast_tui.app.widgets.stream_list import say_missing
from mcast_tui.capture.ring import PacketRing
from mcast_tui.errors import NetworkRefused, PermissionRefused
from mcast_tui.services.tap import tap
from mcast_tui.services.tap.tap import TapCounts, TapService, TapState
from mcast_tui.services.tap.traffic import Standing, TapTraffic
from mcast_tui.wire.columns import Addressed, Flag
from mcast_tui.wire.frame import LINK_COLUMNS, Direction
from tests.app.frame import frame_on
from tests.app.packet_feed import HOSTILE, Feed, PaneApp
from tests.app.test_membership_screen import membership
from tests.peers import socat_peer
from tests.services.nodes import send_from
from tests.wire.frames import IGMP_JOIN, ethernet, ipv4, udp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcast_tui.app.widgets.rows import Rows
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab
    from mcast_tui.services.membership.facts import HostMembership
    from mcast_tui.services.tap.streams import Stream
    from tests.app.frame import Frame

NOBODY_S, OWN_S = "239.7.7.7", "239.8.8.8"


def inject(host: Host, *frames: bytes) -> None:
    """Put frames on the wire as they are."""
    with host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((host.interface, 0))
        for each in frames:
            sock.send(each)


async def open_wire(frame: Frame) -> TapService:
    """Type /tap; return the tap it opened."""
    await frame.enter("/tap")
    await frame.until(lambda: frame.stage.desk.is_on_wire, "the wire")
    opened = frame.node.memberships.wire.tap
    assert opened is not None
    return opened


def payloads(opened: TapService) -> list[bytes | None]:
    return [opened.ring.payload(number) for number in range(opened.ring.tail, opened.ring.head)]


async def arrived(frame: Frame, opened: TapService, *wanted: bytes) -> None:
    """Wait until the tap saw these and the screen has drawn them."""
    await frame.until(lambda: set(wanted) <= set(payloads(opened)), f"{wanted} at the tap")
    frame.stage.packets.log_view.rate.drew(float("-inf"))
    frame.stage.tick()
    await frame.pilot.pause()


async def select(frame: Frame, payload: bytes) -> str:
    """Put the log's cursor on the packet with this payload; return its fields as text."""
    log, ring = frame.stage.packets.log_view, frame.stage.packets.log_view.lines.ring
    number = next(each for each in range(ring.tail, ring.head) if ring.payload(each) == payload)
    log.focus()
    log._stand_still()
    log._put_cursor(number)
    await frame.until(lambda: (it := frame.stage.packets.selected) is not None and it.number == number)
    return text_of(frame.stage.packets.detail.fields)


def text_of(rows: Rows) -> str:
    """Return all of it, on screen or not."""
    return "\n".join(str(rows.row(y)) for y in range(rows.row_count))


# -- on the lab


async def test_what_nobody_here_joined_shows_on_the_wire_and_nowhere_else(lab: Lab) -> None:
    host1, host2 = lab.host(1), lab.host(2)
    async with frame_on(host1, "224.1.0.1", size=(200, 50)) as frame:
        opened = await open_wire(frame)
        assert "▸ On the wire" in frame.text
        assert frame.chip == "only listened to"
        send_from(host2, b"for nobody", group=NOBODY_S, port=7777)
        send_from(host2, b"for us")
        send_from(host1, b"by us", group=OWN_S)
        inject(host2, ethernet(0x0800, ipv4(17, udp(b"in a VLAN")), (0x8100, 5)))
        await arrived(frame, opened, b"for nobody", b"for us", b"by us", b"in a VLAN")

        rows = {text: next(row for row in frame.text.splitlines() if text in row) for text in
                ("for nobody", "by us", "in a VLAN")}  # fmt: skip
        assert " in     - 192.168.10.2:40000" in rows["for nobody"]
        assert "M 239.7.7.7:7777" in rows["for nobody"]
        assert "»" in rows["by us"]
        assert " out    - " in rows["by us"]
        assert " in     5 " in rows["in a VLAN"]

        assert "not joined here: only the tap sees it" in await select(frame, b"for nobody")
        assert "joined by this app" in await select(frame, b"for us")
        tagged = await select(frame, b"in a VLAN")
        assert "in a VLAN, which is another interface" in tagged
        assert "02:00:00:00:0a:02  frame: forgeable" in tagged
        own = await select(frame, b"by us")
        assert "out: this host sent it" in own
        assert "TTL         1  IP header, as on the wire" in own

        assert frame.node.ring.head == 1, "our own sockets took what nobody joined"
        await frame.press("f6")
        await frame.until(lambda: frame.stage.desk.selected is not None, "the group")
        assert "for us" in frame.text
        assert "for nobody" not in frame.text
        await frame.press("f5", "f5")
        await frame.until(lambda: frame.stage.desk.selected_id == 0, "all traffic")
        assert "for us" in frame.text
        assert "for nobody" not in frame.text


async def test_the_detail_says_who_is_a_member_now_and_stays_where_it_is_read(
    host1: Host, host2: Host
) -> None:
    async with frame_on(host1, "224.1.0.1", size=(200, 50)) as frame:
        opened = await open_wire(frame)
        send_from(host2, b"for nobody", group=NOBODY_S, port=7777)
        await arrived(frame, opened, b"for nobody")
        assert "not joined here: only the tap sees it" in await select(frame, b"for nobody")
        fields = frame.stage.packets.detail.fields
        fields.scroll_to(y=3, animate=False, immediate=True)
        with socat_peer(host1, NOBODY_S, 7777):
            await frame.until(lambda: "joined here, not by this app" in text_of(fields), "the member")
            assert fields.scroll_y == 3
        await frame.until(lambda: "not joined here: only the tap sees it" in text_of(fields), "its end")


async def test_a_stream_is_joined_by_a_key(host1: Host, host2: Host) -> None:
    async with frame_on(host1, size=(80, 24)) as frame:
        opened = await open_wire(frame)
        send_from(host2, b"one", b"two", group=NOBODY_S, port=7777)
        await arrived(frame, opened, b"one", b"two")
        assert "STREAMS" not in frame.text
        await frame.press("v")
        await frame.until(lambda: "STREAMS ON THE WIRE" in frame.text, "the streams")
        streams = frame.stage.packets.streams.list
        await frame.until(lambda: streams.has_focus, "its keys")
        while str(streams.chosen.stream.destination) != NOBODY_S:
            await frame.press("down")
        row = next(row for row in frame.text.splitlines() if NOBODY_S in row)
        assert row.split()[:2] == ["▌192.168.10.2", "239.7.7.7:7777"]
        assert row.split()[-1] == "nobody"
        await frame.press("J")
        assert frame.line == "/join 239.7.7.7:7777 if eth0"
        await frame.press("enter")
        await frame.joined(1)
        assert frame.groups == ["239.7.7.7:7777"]


async def test_without_a_tap_the_reason_and_the_remedy_are_said(
    host1: Host, host2: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionRefused(
            "tap an interface", "it needs CAP_NET_RAW", remedy="Run it beside.", command="sudo mcast-tui tap"
        )

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(tap, "Tap", refuse)
    async with frame_on(host1, "224.1.0.1", size=(120, 40)) as frame:
        await open_wire(frame)
        await frame.until(lambda: "Not known: the wire is not listened to." in frame.text, "the reason")
        notice = list(frame.stage.notices)[-1]
        assert notice.command == "sudo mcast-tui tap"
        assert frame.text.count(notice.command) >= 2, "in the notice and in the log's place"
        entry = frame.text.splitlines()[4:6]
        assert "On the wire" in entry[0]
        assert "Not known while the tap is closed." in frame.text
        assert "no tap: it needs CAP_NET_RAW" in entry[1]
        header = frame.text.splitlines()[0]
        assert "dropped -  refused -  not fed -  skipped -" in header
        copied: list[str] = []
        monkeypatch.setattr(frame.app, "copy_to_clipboard", copied.append)
        await frame.press("escape", "escape", "escape")
        frame.stage.packets.focus_log()
        await frame.press("y")
        assert copied == [notice.command]
        await frame.press("2")
        await frame.until(lambda: "nothing can be sent there" in frame.text, "why there is no chat")
        await frame.press("1", "home")
        send_from(host2, b"still heard")
        await frame.press("f6")
        await frame.until(lambda: "still heard" in frame.text, "what our own sockets get")


async def test_with_the_tap_open_the_log_of_a_group_is_not_touched_by_it(host1: Host, host2: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        opened = await open_wire(frame)
        await frame.press("f6")
        log = frame.stage.packets.log_view
        examined = log.lines._selection.examined
        send_from(host2, *[b"%d" % number for number in range(50)], group=NOBODY_S)
        await frame.until(lambda: b"49" in payloads(opened), "all of it at the tap")
        frame.stage.tick()
        assert log.lines.ring is frame.node.ring
        assert log.lines._selection.examined == examined == 0


# -- by hand


async def test_a_closed_tap_is_told_although_the_view_was_cleared_and_y_copies_what_stands_there() -> None:
    traffic, _ = streams_of(Feed(), b"x")
    error = NetworkRefused("tap eth0", "eth0 is down", command="sudo ip link set eth0 up")
    traffic.tap._state = TapState(is_open=False, error=error)
    app = PaneApp(PacketRing(100, 1 << 16))
    async with app.run_test(size=(120, 30)) as pilot:
        app.pane.show_wire(traffic)
        app.draw()
        assert "x" in app.log_rows()[0].split()
        await pilot.press("y")
        assert app.clipboard == ""
        assert app.pane.clear() == 1
        said = " ".join(app.log_rows())
        assert "No tap: eth0 is down." in said
        assert "sudo ip link set eth0 up" in said
        await pilot.press("y")
        assert app.clipboard == "sudo ip link set eth0 up"


def tapped_ring(feed: Feed, contents: Sequence[bytes], **link: int) -> PacketRing:
    """Return a tap's ring with these packets in it."""
    ring = PacketRing(100, 1 << 16, LINK_COLUMNS)
    columns, rows = feed.batch(contents)
    facts = {"vlan": -1, "direction": Direction.INCOMING, "ether_type": 0x0800} | link
    for name, (dtype, _) in LINK_COLUMNS.items():
        columns[name] = np.full(len(contents), facts.get(name, 0), dtype)
    ring.append(columns, rows)
    return ring


def drawn(ring: PacketRing, width: int = 170) -> list[str]:
    lines = PacketLines(ring)
    lines.extend()
    lines.read(0, lines.stop)
    fit = fit_columns(width, 4, is_tapped=lines.is_tapped)
    rows = [lines.row(number) for number in range(lines.stop)]
    return ["".join(format_row(row, fit, {2: "eth0"}.get)[:4]) for row in rows if row is not None]


IGMP_QUERY_OF_9 = bytes.fromhex("110aeef5000000000000")


@pytest.mark.parametrize(
    ("protocol", "flags", "payload", "said"),
    [
        (2, Flag.RAW, IGMP_JOIN, "IGMPv3 report: CHANGE_TO_EXCLUDE_MODE 239.5.5.5"),
        (2, Flag.RAW, IGMP_JOIN[:-1] + b"\x06", "IGMP: a wrong checksum; hosts ignore it"),
        (2, Flag.RAW, IGMP_QUERY_OF_9, "IGMP: an IGMP query of a length no version has"),
        (2, Flag.RAW, b"\x13\0\xec\xff" + bytes(4), "IGMP  "),
        (58, Flag.RAW, bytes.fromhex("8f00000000000000"), "ICMPv6: a wrong checksum; hosts ignore it"),
        (103, Flag.RAW, bytes(8), "PIM"),
        (253, Flag.RAW, b"text of theirs", "protocol 253"),
        (17, Flag.RAW | Flag.FRAGMENT, b"text of theirs", "later fragment of UDP: it has no ports"),
        (6666, Flag(0), b"text of theirs", "text of theirs"),
    ],
)
def test_what_is_no_udp_is_called_by_its_name(protocol: int, flags: Flag, payload: bytes, said: str) -> None:
    feed = Feed(port=protocol, source_port=0, flags=flags | Flag.KERNEL_TIME)

    (row,) = drawn(tapped_ring(feed, [payload]))

    assert said in row
    assert ("theirs" in row) == (said == "text of theirs")


@pytest.mark.parametrize("width", [40, 60, 84, 120, 200])
def test_hostile_payloads_are_safe_in_rows_of_the_wire_at_any_width(width: int) -> None:
    for flags in (Flag.KERNEL_TIME, Flag.KERNEL_TIME | Flag.RAW):
        for direction in (*Direction, 200):
            ring = tapped_ring(Feed(flags=flags), HOSTILE, direction=direction, vlan=4095)
            for row in drawn(ring, width):
                assert row.isprintable()
    assert len(format_header(fit_columns(width, 4, is_tapped=True))) == width


def test_the_vlan_outlives_other_columns_on_a_narrow_log() -> None:
    assert fit_columns(84, 4, is_tapped=True).vlan
    assert fit_columns(200, 4, is_tapped=True).direction
    assert not fit_columns(200, 4).vlan


def test_the_header_says_what_the_tap_lost_and_a_dash_for_what_is_not_known() -> None:
    facts = HeaderFacts("eth0", "", 1, is_tapped=True)

    unknown = str(header_line(facts, 120, UNICODE))
    known = str(header_line(replace(facts, tap=TapCounts(1, 2, 3, 4)), 120, UNICODE))

    assert unknown.endswith("dropped -  refused -  not fed -  skipped -")
    assert known.endswith("dropped 1  ▲refused 2  ▲not fed 3  ▲skipped 4")
    assert TapService().known_counts is None


def streams_of(ring_feed: Feed, *contents: bytes, **link: int) -> tuple[TapTraffic, list[Stream]]:
    service = TapService(ring_packets=100, ring_bytes=1 << 16)
    rows: list[HostMembership] = [
        membership(IPv4Address("224.1.0.1"), ours=1),
        membership(IPv4Address("224.1.0.2")),
    ]
    traffic = TapTraffic(service, lambda: rows)
    append(service, ring_feed, *contents, **link)
    return traffic, [each.stream for each in traffic.streams(0.0)]


def append(service: TapService, feed: Feed, *contents: bytes, **link: int) -> None:
    columns, rows = feed.batch(contents)
    for name, (dtype, _) in LINK_COLUMNS.items():
        columns[name] = np.full(len(contents), {"vlan": -1, **link}.get(name, 0), dtype)
    service.ring.append(columns, rows)


@pytest.mark.parametrize(
    ("group", "ifindex", "vlan", "standing"),
    [
        ("224.1.0.1", 2, None, Standing.OURS),
        ("224.1.0.2", 2, None, Standing.OTHERS),
        ("224.1.0.3", 2, None, Standing.NOBODY),
        ("224.1.0.1", 3, None, Standing.NOBODY),
        ("224.1.0.1", 2, 0, Standing.OURS),
        ("224.1.0.1", 2, 5, Standing.UNKNOWN),
        ("224.1.0.1", None, None, Standing.UNKNOWN),
        ("255.255.255.255", 2, None, None),
    ],
)
def test_who_here_is_a_member_is_told_by_the_tables_alone(
    group: str, ifindex: int | None, vlan: int | None, standing: Standing | None
) -> None:
    traffic, _ = streams_of(Feed(), b"x")

    assert traffic.standing(ip_address(group), ifindex, vlan) is standing


def test_unreadable_tables_make_a_membership_unknown() -> None:
    def unreadable() -> list[HostMembership]:
        raise PermissionError(13, "denied")

    traffic = TapTraffic(TapService(ring_packets=100, ring_bytes=1 << 16), unreadable)

    assert traffic.standing(IPv4Address("224.1.0.1"), 2, None) is Standing.UNKNOWN


def test_a_stream_has_a_rate_between_two_looks_that_are_neither_one_nor_far_apart() -> None:
    traffic, _ = streams_of(Feed(), b"a", b"b")
    feed = Feed()

    assert [each.packets_per_s for each in traffic.streams(0.1)] == [None]
    append(traffic.tap, feed, b"c", b"d", b"e", b"f")
    assert [each.packets_per_s for each in traffic.streams(2.0)] == [2.0]
    append(traffic.tap, feed, b"g")
    assert [each.packets_per_s for each in traffic.streams(60.0)] == [None]
    assert [each.packets_per_s for each in traffic.streams(61.0)] == [0.0]


def test_streams_stand_still_in_the_order_of_their_destinations() -> None:
    traffic, _ = streams_of(Feed(destination="239.2.2.2"), b"a")
    append(traffic.tap, Feed(destination="224.9.9.9"), b"b")
    append(traffic.tap, Feed(destination="239.2.2.2", source="192.168.10.2"), b"c")

    found = [each.stream for each in traffic.streams(1.0)]

    assert [(str(each.destination), str(each.source)) for each in found] == [
        ("224.9.9.9", "192.168.10.3"),
        ("239.2.2.2", "192.168.10.2"),
        ("239.2.2.2", "192.168.10.3"),
    ]


@pytest.mark.parametrize(
    ("forgotten", "uncounted", "said"),
    [(0, 0, ""), (1500, 0, ", 1 500 made room"), (1500, 24, ", 1 500 made room, 24 packets not counted")],
)
def test_what_is_missing_among_the_streams_is_said(forgotten: int, uncounted: int, said: str) -> None:
    assert say_missing(forgotten, uncounted) == said


@pytest.mark.parametrize(
    ("feed", "vlan", "name", "line"),
    [
        (Feed(), -1, "eth0", "224.1.0.1:6666 if eth0"),
        (Feed(), -1, "e\x1b\u202e", "224.1.0.1:6666 if 2"),
        (Feed(), 0, "eth0", "224.1.0.1:6666 if eth0"),
        (Feed(), 5, "eth0", "224.1.0.1:6666"),
        (Feed(flags=Flag.RAW, port=253), -1, None, "ip://224.1.0.1:253"),
        (
            Feed(destination="255.255.255.255", addressed=Addressed.BROADCAST),
            -1,
            "eth0",
            "broadcast:6666",
        ),
    ],
)
def test_a_stream_is_joined_where_it_was_seen(feed: Feed, vlan: int, name: str | None, line: str) -> None:
    _, (stream,) = streams_of(feed, b"x", vlan=vlan)

    assert stream_endpoint(stream, name) == line


@pytest.mark.parametrize("width", [0, 40, 78, 120, 200])
def test_the_list_of_streams_says_whose_it_is_at_any_width(width: int) -> None:
    cells = fit_streams(width)

    assert {"source", "destination", "rate", "standing"} <= cells.keys()
    assert width < 60 or line_cells(cells) <= width
