"""The classroom's picture and the lines around it, drawn from pictures of LANs that were never built."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.app.classroom.board_paint import paint_board
from mcast_tui.app.classroom.status_words import header_line, host_line
from mcast_tui.app.palette import ASCII, UNICODE
from mcast_tui.services.lab.classroom.faults import InterfaceSettings
from tests.pictures import (
    entry,
    host,
    link,
    member,
    picture,
    scene,
    sender,
    switch,
)

if TYPE_CHECKING:
    from mcast_tui.app.classroom.board_paint import Board
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.scene import Scene

SIZES = [
    (1, 1),
    (2, 2),
    (3, 30),
    (40, 1),
    (40, 8),
    (60, 3),
    (66, 1),
    (76, 30),
    (80, 10),
    (130, 38),
    (200, 50),
]
TWO_LANS = {
    "switches": (switch(0), switch(1)),
    "links": [link(1), link(2), link(3), link(3, 1), link(4, 1)],
}


def rows(drawn: Board) -> list[str]:
    return [row.plain for row in drawn.rows]


def drawn(what: Scene, width: int = 76, height: int = 30, glyphs: Glyphs = UNICODE) -> str:
    return "\n".join(rows(paint_board(what, width, height, glyphs)))


def busy(**more: object) -> Scene:
    """Return a stream of 100 packets/s from host 1 that host 2 joined, a second after it began."""

    def at(seconds: float, count: int) -> object:
        cables = [link(1, into=count), link(2, out=count), link(3)]
        parts = (member("viewer", 2, count), sender("stream", 1, count))
        return picture(3, *parts, at=seconds, links=cables)

    return scene(at(100, 1000), at(101, 1100), **more)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_picture_has_exactly_the_size_it_is_given(width: int, height: int, glyphs: Glyphs) -> None:
    entries = tuple(entry(number) for number in (1, 2, 3))
    lans = picture([host(n) for n in (1, 2, 3, 4)], member("m", 4, lan=1), **TWO_LANS)
    for what in (
        scene(picture(1)),
        busy(selected=3),
        scene(picture(32, switches=(switch(entries=entries),)), selected=17),
        scene(lans, selected=3),
    ):
        found = paint_board(what, width, height, glyphs)
        assert len(found.rows) == height
        assert {row.cell_length for row in found.rows} == {width}
        if glyphs is ASCII:
            assert drawn(what, width, height, glyphs).isascii()
        assert all(area.right <= width and area.bottom <= height for area in found.hosts.values())


@pytest.mark.parametrize("hosts", [3, 5, 8])
@pytest.mark.parametrize(("width", "height"), [(80, 10), (76, 30), (130, 38)])
def test_every_host_of_a_usual_lan_says_who_it_is_and_what_it_joined(
    hosts: int, width: int, height: int
) -> None:
    lan = [host(number) for number in range(1, hosts + 1)]
    parts = [member(f"m{each.number}", each.number) for each in lan]
    text = drawn(scene(picture(lan, *parts)), width, height)
    for each in lan:
        assert f"host{each.number} " in text
    assert text.count("joined 239.1.1.1") == hosts


@pytest.mark.parametrize("selected", [1, 7, 19, 32])
def test_of_more_hosts_than_rows_the_marked_one_is_shown_and_the_others_are_counted(selected: int) -> None:
    text = drawn(scene(picture(32), selected=selected), 76, 12)
    assert f"▸host{selected} " in text
    hidden = [int(row.split()[1]) for row in text.splitlines() if " more cable" in row]
    assert sum(hidden) + text.count("host") == 32


def test_what_a_host_sends_and_hears_is_said_with_its_rate() -> None:
    text = drawn(busy(), 130)
    [sends] = [row for row in text.splitlines() if "sends 239.1.1.1 ttl 1" in row]
    [joined] = [row for row in text.splitlines() if "joined 239.1.1.1" in row]
    assert "1.1k  100/s" in sends
    assert "1.1k  100/s" in joined


def test_a_rate_is_unknown_until_there_are_two_pictures() -> None:
    text = drawn(scene(picture(3, member("viewer", 2, 7), links=[link(1), link(2, out=7), link(3)])))
    [joined] = [row for row in text.splitlines() if "joined" in row]
    assert " - " in joined
    assert "0/s" not in text


def test_a_cable_lights_up_by_its_shape_too_and_what_passes_moves() -> None:
    what = busy()
    [to_switch] = [row for row in rows(paint_board(what, 76, 30, UNICODE)) if "▸1" in row]
    assert "━" in to_switch
    assert "●" in to_switch
    [idle] = [row for row in rows(paint_board(what, 76, 30, UNICODE)) if "▸3" in row]
    assert "━" not in idle
    assert "─" in idle
    steps = {drawn(replace(what, pulse=pulse)) for pulse in range(4)}
    assert len(steps) == 4


def test_a_few_packets_move_along_a_thin_line() -> None:
    what = scene(*(picture(1, links=[link(1, out=out)], at=100 + out) for out in (0, 1)))
    [cable] = [row for row in rows(paint_board(what, 76, 30, UNICODE)) if "◂" in row]
    assert "●" in cable
    assert "━" not in cable.split("┃")[-1]


def test_faults_are_marked_where_they_act() -> None:
    strict = InterfaceSettings(rp_filter=1, force_igmp_version=2)
    lan = [host(1), host(2, settings={"eth0": strict}), host(3)]
    cables = [link(1), link(2, loss=30), link(3, is_up=False)]
    text = drawn(scene(picture(lan, links=cables)), 130)
    assert "▲ rp_filter strict, IGMPv2 forced" in text
    assert "▲drops 30%" in text
    assert text.count("✗ cable out") == 1
    low = drawn(scene(picture(lan, links=cables)), 80, 10)
    assert "▲30%" in low
    assert low.count("✗ cable out") == 1


def test_a_host_on_two_lans_says_what_is_set_on_which_and_its_cables_say_which_they_are() -> None:
    strict = {"eth0": InterfaceSettings(0, 0), "eth1": InterfaceSettings(1, 0)}
    cables = [link(number, lan) for number in (1, 2) for lan in (0, 1)]
    text = drawn(scene(picture([host(1), host(2, settings=strict)], links=cables)), 76, 30)
    assert text.count("▲ rp_filter strict on eth1") == 1
    assert "eth0 192.168.10.2" in text
    assert "eth1 192.168.11.2" in text
    assert "┃eth1─" in drawn(scene(picture(2, links=cables)), 80, 10)


@pytest.mark.parametrize(
    ("counter", "said"),
    [("TcpExt.IPReversePathFilter", "rp_filter refuses"), ("Udp.IgnoredMulti", "reaches no socket")],
)
def test_what_a_kernel_drops_is_said_while_it_does(counter: str, said: str) -> None:
    def at(seconds: float, dropped: int) -> object:
        return picture([host(1), host(2, counters={counter: dropped})], at=seconds)

    [line] = [row for row in drawn(scene(at(100, 5), at(101, 105))).splitlines() if said in row]
    assert f"▲ {said}   100/s" in line
    assert said not in drawn(scene(at(100, 105), at(101, 105)))


def test_a_rate_and_a_ttl_have_room_beside_the_source_of_a_member_and_beside_a_group() -> None:
    def at(seconds: float, count: int) -> object:
        picky = member("picky", 2, count, group=ip_address("232.1.1.1"), source=ip_address("192.168.10.1"))
        return picture(3, picky, sender("stream", 1, count, ttl=32), at=seconds)

    text = drawn(scene(at(100, 100), at(101, 200)))
    assert ".10.1,232.1.1.1" in text
    assert "→ 239.1.1.1 ttl 32" in text
    assert text.count("100/s") == 2


def test_a_broadcast_has_no_ttl_of_ours() -> None:
    text = drawn(scene(picture(3, sender("shout", 1, to=ip_address("255.255.255.255")))), 130)
    assert "sends 255.255.255.255 " in text
    assert "ttl" not in text


def test_a_sender_with_another_address_than_its_own_says_which() -> None:
    text = drawn(scene(picture(3, sender("stray", 1, source=ip_address("192.168.11.9")))))
    assert ".11.9 → 239.1.1.1" in text


def test_a_member_that_hears_nothing_of_what_is_sent_to_its_group_is_marked() -> None:
    def at(seconds: float, sent: int) -> object:
        deaf, other = member("deaf", 2, 50), member("other", 3, 5, port=9)
        return picture(3, deaf, other, sender("stream", 1, sent), at=seconds)

    text = drawn(scene(at(100, 100), at(101, 200)))
    assert text.count("▲ joined") == 1
    assert "▲" not in drawn(scene(at(100, 100), at(101, 100)))  # nobody sends


def test_a_member_of_one_source_does_not_miss_what_others_send() -> None:
    def at(seconds: float, sent: int) -> object:
        picky = member("picky", 2, 50, source=ip_address("192.168.10.1"))
        return picture(3, picky, sender("other", 3, sent), sender("stream", 1, 9), at=seconds)

    assert "▲" not in drawn(scene(at(100, 100), at(101, 200)))


def test_of_more_than_there_is_room_for_what_goes_on_is_shown_and_the_rest_is_counted() -> None:
    def at(seconds: float, count: int) -> object:
        idle = [member(f"idle{n}", 2, 7, group=ip_address(f"239.9.9.{n}")) for n in range(8)]
        return picture(3, *idle, member("live", 2, count), sender("stream", 1, count), at=seconds)

    what = scene(at(100, 100), at(101, 150))
    assert "joined 239.1.1.1      50/s +8" in drawn(what, 80, 10)
    tall = drawn(what, 130, 21)
    assert tall.index("joined 239.1.1.1") < tall.index("joined 239.9.9.0")
    assert tall.count("joined") + int(re.search(r"and (\d+) more", tall)[1]) == 9


def test_the_switch_says_what_it_does_and_whom_it_lists() -> None:
    entries = (entry(2, 3.9), entry(3, 0.4), entry(2, 2.0, "232.1.1.1", "192.168.10.1"))
    text = drawn(scene(picture(switches=(switch(entries=entries),))), 130)
    assert "snooping on" in text
    assert "querier itself, v3, asks every 10 s" in text
    assert "239.1.1.1 → 2" in text
    assert "3.9 s ██████" in text
    assert "0.4 s █▁▁▁▁▁" in text
    assert ".10.1,232.1.1.1 → 2" in text


def test_a_group_that_is_listed_for_its_sources_says_so_and_has_no_time_of_its_own() -> None:
    whole = replace(entry(2, None, "232.1.1.1"), is_include=True)
    text = drawn(
        scene(picture(switches=(switch(entries=(whole, entry(2, 3.5, "232.1.1.1", "192.168.10.1"))),)))
    )
    assert re.search(r" 232\.1\.1\.1 → 2 +by source ", text)
    assert re.search(r"\.10\.1,232\.1\.1\.1→2 +3\.5 s", text)


def test_how_long_a_querier_that_was_heard_counts_has_room_too() -> None:
    heard = switch(querier=False, querier_address=ip_address("192.168.10.4"), querier_port="lan0port4")
    text = drawn(scene(picture(switches=(replace(heard, querier_left_s=598.0),))))
    assert "querier .10.4 for 598 s" in text


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"snooping": False}, "○ so it floods"),
        ({"snooping": False, "querier": True}, "querier itself, silent"),
        ({"querier": False, "querier_address": None}, "○ unasked, it floods"),
        (
            {"querier": False, "querier_port": "lan0port3", "querier_left_s": 7.5},
            "querier 192.168.10.254 at port 3, 7.5 s left",
        ),
        ({"querier": True, "igmp_version": 2}, "itself, v2"),
    ],
)
def test_what_follows_from_a_switchs_state_is_marked_as_inferred(facts: dict[str, object], said: str) -> None:
    assert said in drawn(scene(picture(switches=(switch(**facts),))), 130)


def test_a_database_with_no_room_is_counted_and_groups_of_ipv6_itself_are_set_apart() -> None:
    many = tuple(entry(2, 3.0, f"239.1.1.{last}") for last in range(1, 100))
    text = drawn(scene(picture(switches=(switch(entries=many),))))
    listed = text.count("239.1.1.")
    assert f"and {99 - listed} more" in text
    groups = ("ff02::1:ff00:2", "ff02::4d43", "ff02::6a", "ff02::fb")
    link_local = switch(entries=tuple(entry(2, None, group) for group in groups))
    text = drawn(scene(picture(switches=(link_local,))))
    assert "ff02::4d43 → 2" in text
    assert "ff02::fb → 2" in text  # mDNS: a program asked for it
    assert "and 2 of IPv6 itself" in text


def test_a_router_stands_between_its_two_lans() -> None:
    lan = [host(1), host(2), host(3, routes=1), host(4)]
    found = paint_board(scene(picture(lan, **TWO_LANS)), 76, 30, UNICODE)
    text = "\n".join(rows(found))
    assert "host3 router" in text
    assert text.index("switch br0") < text.index("switch br1")
    tops = {number: area.y for number, area in found.hosts.items()}
    assert tops[1] < tops[2] < tops[3] < tops[4]
    assert found.hosts[3].height == 2 * found.hosts[1].height
    assert re.findall(r"▸(\d)", text) == ["1", "2", "3", "3", "4"]


def test_cables_of_hosts_that_are_all_on_two_lans_end_at_one_box() -> None:
    cables = [link(number, lan) for number in (1, 2) for lan in (0, 1)]
    text = drawn(scene(picture(2, switches=(switch(0), switch(1)), links=cables)))
    assert "switch br0 br1" in text
    assert text.count("snooping on") == 2


def test_a_place_on_the_picture_tells_its_host() -> None:
    found = paint_board(scene(picture(3)), 76, 30, UNICODE)
    for number, area in found.hosts.items():
        assert found.host_at(area.x, area.y) == number
        assert found.host_at(area.right - 1, area.bottom - 1) == number
    assert found.host_at(75, 0) is None


# -- the lines around it ----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0, 1, 10, 40, 80, 120, 200])
def test_the_lines_around_the_picture_fit_any_width(width: int) -> None:
    what = busy(selected=2)
    title = "lesson: \x1b[31m" + "long " * 50
    header = header_line(what, title, width, UNICODE)
    assert header.cell_length <= width
    assert "\x1b" not in header.plain
    assert host_line(what, width, UNICODE).cell_length <= width


def test_the_marked_hosts_line_names_the_kernels_own_tables() -> None:
    lan = [host(1, "ff15::42"), host(2, "239.1.1.1", "ff02::1:ff00:2")]
    line = host_line(scene(picture(lan), selected=2), 120, UNICODE).plain.rstrip()
    assert line.endswith("host2 192.168.10.2  /proc/net/igmp: 224.0.0.1 users 1 · 239.1.1.1 users 1")
    line = host_line(scene(picture(lan), selected=1), 120, UNICODE).plain.rstrip()
    assert line.endswith("/proc/net/igmp: 224.0.0.1 users 1  igmp6: ff15::42 users 1")


def test_the_groups_of_a_marked_host_on_two_lans_are_told_apart_by_their_interface() -> None:
    first = host(1, "239.1.1.1")
    second = [replace(row, interface="eth1") for row in first.memberships]
    router = replace(first, memberships=(*first.memberships, *second))
    line = host_line(scene(picture([router], links=[link(1), link(1, 1)])), 200, UNICODE).plain
    assert "239.1.1.1%eth0 users 1" in line
    assert "239.1.1.1%eth1 users 1" in line
