"""Where the detail and the streams stand on the Packets screen, in every room and after every key."""

from __future__ import annotations

import pytest

from mcast_tui.app.screens.packets_layout import BELOW_HEIGHT, BELOW_WIDTH, WIDE_HEX_WIDTH, PaneLayout, Room

SMALL = Room(80, 80, 20)
LARGE = Room(120, 94, 36)


def parts(layout: PaneLayout, room: Room) -> set[str]:
    """Return what the pane shows beside its log, or in its place."""
    return {name for name, is_set in layout.arrange(room).items() if is_set} - {"-wide-hex"}


@pytest.mark.parametrize(
    ("room", "is_for_two"),
    [
        (Room(BELOW_WIDTH, 74, BELOW_HEIGHT), True),
        (Room(BELOW_WIDTH - 1, BELOW_WIDTH - 1, BELOW_HEIGHT), False),
        (Room(BELOW_WIDTH, 74, BELOW_HEIGHT - 1), False),
    ],
)
def test_the_detail_stands_below_the_log_where_there_is_room_for_two(room: Room, is_for_two: bool) -> None:
    layout = PaneLayout()
    assert parts(layout, room) == ({"-detail-below"} if is_for_two else set())
    layout.toggle_detail(room)
    assert parts(layout, room) == (set() if is_for_two else {"-detail-full"})
    layout.toggle_detail(room)
    assert layout.is_detail_open(room) is is_for_two


def test_on_the_wire_the_streams_stand_there_until_a_packet_is_selected() -> None:
    layout = PaneLayout()
    layout.select(is_packet=True)  # where no streams are that changes nothing
    layout.show(is_on_wire=True)
    assert parts(layout, LARGE) == {"-streams-below"}
    assert layout.shows_streams(LARGE)
    layout.select(is_packet=True)
    assert parts(layout, LARGE) == {"-detail-below"}
    layout.show_streams(LARGE)
    assert parts(layout, LARGE) == {"-streams-below"}
    layout.leave_streams(LARGE)
    assert parts(layout, LARGE) == {"-streams-below"}
    layout.toggle_detail(LARGE)
    assert parts(layout, LARGE) == {"-detail-below"}
    layout.show(is_on_wire=False)
    assert parts(layout, LARGE) == {"-detail-below"}


def test_in_a_small_room_one_part_at_a_time_takes_the_place_of_the_log() -> None:
    layout = PaneLayout()
    layout.show(is_on_wire=True)
    assert parts(layout, SMALL) == set()
    layout.show_streams(SMALL)
    assert parts(layout, SMALL) == {"-streams-full"}
    assert layout.shows_streams(SMALL)
    layout.toggle_detail(SMALL)
    assert parts(layout, SMALL) == {"-detail-full"}
    assert layout.hides_log
    layout.show_streams(SMALL)
    layout.leave_streams(SMALL)
    assert parts(layout, SMALL) == set()
    assert not layout.hides_log


def test_what_stands_in_the_place_of_the_log_goes_below_it_when_the_room_grows() -> None:
    layout = PaneLayout()
    layout.toggle_detail(SMALL)
    assert parts(layout, LARGE) == {"-detail-below"}
    assert parts(layout, SMALL) == set()


def test_the_dump_is_wide_where_it_leaves_room_for_the_fields() -> None:
    for width, height, is_wide in (
        (WIDE_HEX_WIDTH, 40, True),
        (WIDE_HEX_WIDTH - 1, 40, False),
        (WIDE_HEX_WIDTH, BELOW_HEIGHT - 1, False),
    ):
        assert PaneLayout().arrange(Room(width + 26, width, height))["-wide-hex"] is is_wide
