"""The live log: it follows, stands still, loses nothing that is being read, and draws what it should."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from textual.color import Color
from textual.events import MouseScrollDown, MouseScrollUp
from textual.scrollbar import ScrollTo

from mcast_tui.app.palette import ASCII
from mcast_tui.app.widgets.frame_rate import BUSY, SLOW, SMOOTH, FrameRate
from mcast_tui.app.widgets.packet_paint import OVERWRITTEN
from mcast_tui.capture.ring import PacketRing
from mcast_tui.wire.columns import Addressed, Column, Columns, Flag
from tests.app.packet_feed import HOSTILE, Feed, PaneApp, numbered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

    from mcast_tui.app.widgets.packet_log import PacketLog


@asynccontextmanager
async def running(
    ring: PacketRing, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[PaneApp, PacketLog, Pilot[None]]]:
    app = PaneApp(ring)
    async with app.run_test(size=size) as pilot:
        app.draw()
        await pilot.pause()
        yield app, app.pane.log_view, pilot


def ring_with(count: int, capacity: int = 1000) -> PacketRing:
    ring = PacketRing(capacity, 1 << 20)
    for first in range(0, count, 500):
        ring.append(*Feed().batch(numbered(first, min(500, count - first))))
    return ring


def newest(app: PaneApp) -> str:
    return next(row for row in reversed(app.log_rows()) if row.strip()).split("packet ")[-1].strip()


async def test_the_log_follows_the_newest_packet() -> None:
    ring = ring_with(100)
    async with running(ring) as (app, log, _):
        assert newest(app) == "99"
        ring.append(*Feed().batch(numbered(100, 50)))
        app.draw()
        assert newest(app) == "149"
        assert log.pending == 0


@pytest.mark.parametrize("key", ["up", "k", "pageup", "home"])
async def test_every_upward_key_stops_follow_and_new_packets_move_nothing(key: str) -> None:
    ring = ring_with(100)
    async with running(ring) as (app, log, pilot):
        await pilot.press(key)
        await pilot.pause()
        before = app.log_rows()
        ring.append(*Feed().batch(numbered(100, 50)))
        app.draw()
        await pilot.pause()
        assert not log.is_following
        assert app.log_rows() == before
        assert log.pending >= 50


@pytest.mark.parametrize(("key", "line"), [("up", 9), ("down", 9), ("pageup", 0)])
async def test_what_moves_the_cursor_after_end_goes_from_the_newest_though_the_old_row_is_in_sight(
    key: str, line: int
) -> None:
    async with running(ring_with(10), (80, 40)) as (_, log, pilot):
        await pilot.press("home", "down")
        assert log.cursor == 1
        await pilot.press("end", key)
        assert log.cursor == line


@pytest.mark.parametrize("key", ["F", "end", "G", "ctrl+t"])
async def test_only_the_user_makes_it_follow_again(key: str) -> None:
    ring = ring_with(100)
    async with running(ring) as (app, log, pilot):
        await pilot.press("up", "down", "down", "pagedown")
        assert not log.is_following
        ring.append(*Feed().batch(numbered(100, 50)))
        app.draw()
        assert newest(app) != "149"
        await pilot.press(key)
        assert log.is_following
        assert newest(app) == "149"


async def test_one_can_walk_down_into_what_arrived_since() -> None:
    ring = ring_with(30)
    async with running(ring) as (app, log, pilot):
        await pilot.press("up")
        ring.append(*Feed().batch(numbered(30, 50)))
        app.draw()
        await pilot.press(*["pagedown"] * 6)
        assert newest(app) == "79"
        assert log.pending == 0
        assert not log.is_following


async def test_the_wheel_scrolls_and_stops_follow() -> None:
    ring = ring_with(100)
    async with running(ring) as (app, log, pilot):
        top = log.top
        await pilot._post_mouse_events([MouseScrollUp], log)
        assert not log.is_following
        assert log.top < top
        await pilot._post_mouse_events([MouseScrollDown] * 10, log)
        assert newest(app) == "99"
        assert not log.is_following


async def test_dragging_the_scrollbar_stops_follow_and_goes_where_it_was_dragged() -> None:
    ring = ring_with(500)
    async with running(ring) as (app, log, pilot):
        log.post_message(ScrollTo(y=100, animate=False))
        await pilot.pause()
        before = app.log_rows()
        assert before[0].rstrip().endswith(" packet 100")
        ring.append(*Feed().batch(numbered(500, 900)))
        app.draw()
        assert app.log_rows() == before
        assert not log.is_following


async def test_packets_evicted_before_the_view_saw_them_are_counted() -> None:
    ring = ring_with(2500)
    async with running(ring) as (app, _, _):
        assert app.pane.skipped == 0
        for first in range(0, 1500, 500):
            ring.append(*Feed().batch(numbered(2500 + first, 500)))
        app.draw()
        assert app.pane.skipped == 500


async def test_a_click_selects_and_a_click_on_the_pill_follows() -> None:
    ring = ring_with(100)
    async with running(ring) as (app, log, pilot):
        await pilot.click(log, offset=(5, 3))
        assert not log.is_following
        assert app.pane.selected is not None
        assert app.log_rows()[3].endswith(
            f"packet {app.pane.selected.number}".ljust(len(app.log_rows()[3]) - 54)
        )
        await pilot.pause()
        await pilot.click(app.pane.pill)
        assert log.is_following


async def test_a_million_packets_through_a_ring_of_a_hundred_thousand_move_no_row_that_is_read() -> None:
    ring = PacketRing(100_000, 8 << 20)
    columns, payloads = Feed().batch(numbered(0, 10_000))
    ring.append(columns, payloads)
    async with running(ring, (120, 40)) as (app, log, pilot):
        await pilot.press("pageup", "pageup", "k", "k")
        await pilot.pause()
        before, selected = app.log_rows(), app.pane.selected
        for _ in range(100):
            ring.append(columns, payloads)
            app.draw()
        await pilot.pause()
        assert ring.tail > 900_000
        assert app.log_rows() == before
        assert app.pane.selected == selected
        assert log.pending == ring.head - 10_000
        assert len(before) >= 20
        assert OVERWRITTEN not in "".join(before)


async def test_rows_near_the_view_can_still_be_scrolled_to_after_the_ring_wrapped() -> None:
    ring = ring_with(800)
    async with running(ring) as (app, _, pilot):
        await pilot.press("pageup")
        ring.append(*Feed().batch(numbered(800, 5000)))
        app.draw()
        await pilot.press(*["pageup"] * 5)
        rows = app.log_rows()
        assert OVERWRITTEN not in "".join(rows)
        first = int(rows[0].split("packet ")[-1])
        assert [int(row.split("packet ")[-1]) for row in rows] == list(range(first, first + len(rows)))


async def test_a_row_that_is_gone_says_so_and_promises_nothing() -> None:
    ring = PacketRing(100, 1 << 16)
    ring.append(*Feed().batch(numbered(0, 100)))
    async with running(ring) as (app, log, pilot):
        await pilot.press("up")
        for first in range(100, 4000, 100):
            ring.append(*Feed().batch(numbered(first, 100)))
            app.draw()
        log._scroll_view(1500)
        rows = app.log_rows()
        assert all(OVERWRITTEN in row for row in rows)
        assert "/" not in rows[0]
        await pilot.press("up")
        assert app.pane.selected is None


async def test_the_oldest_packet_is_where_home_goes_even_while_the_ring_wraps() -> None:
    ring = ring_with(3000)
    async with running(ring) as (app, _, pilot):
        await pilot.press("home")
        rows = app.log_rows()
        assert rows[0].split("packet ")[-1].strip() == "2000"
        ring.append(*Feed().batch(numbered(3000, 900)))
        app.draw()
        assert app.log_rows() == rows


async def test_a_pause_freezes_the_view_and_counts_and_ends_where_it_began() -> None:
    ring = ring_with(100)
    async with running(ring) as (app, log, pilot):
        await pilot.press("space")
        before = app.log_rows()
        ring.append(*Feed().batch(numbered(100, 900)))
        app.draw()
        await pilot.pause()
        assert app.log_rows()[:-1] == before[:-1]  # the pill took a row
        assert log.pending == 900
        assert ("follow", True, 900) in app.said
        assert ("paused", True) in app.said
        await pilot.press("space")
        assert log.is_following
        assert newest(app) == "999"
        await pilot.pause()
        assert ("paused", False) in app.said


async def test_a_pane_scoped_to_a_group_shows_no_other_packet() -> None:
    ring = PacketRing(1000, 1 << 16)
    for port in (6666, 5353, 6666, 1900):
        ring.append(*Feed(port=port).batch([b"to port %d" % port] * 5))

    def to_5353(columns: Columns) -> Column:
        return columns["destination_port"] == 5353

    async with running(ring) as (app, log, _):
        assert log.line_count == 20
        app.pane.show(to_5353, "224.0.0.251:5353", ("destination_port",))
        ring.append(*Feed(port=6666).batch([b"to port 6666"] * 5))
        ring.append(*Feed(port=5353).batch([b"to port 5353"] * 5))
        app.draw()
        shown = [row for row in app.log_rows() if row.strip()]
        assert len(shown) == 10
        assert all("to port 5353" in row for row in shown)


async def test_refused_packets_are_hidden_until_asked_for_and_then_marked() -> None:
    ring = ring_with(5)
    ring.append(*Feed(flags=Flag.REFUSED).batch([b"from outside the range"]))
    async with running(ring) as (app, _, pilot):
        assert "outside" not in "".join(app.log_rows())
        await pilot.press("x")
        assert app.log_rows()[5].startswith("✗")
        assert "outside" in app.log_rows()[5]
        await pilot.press("x")
        assert "outside" not in "".join(app.log_rows())


async def test_clear_hides_and_undo_shows_again() -> None:
    ring = ring_with(30)
    async with running(ring) as (app, log, _):
        assert app.pane.clear() == 30
        assert "/clear undo" in "".join(app.log_rows())
        ring.append(*Feed().batch(numbered(30, 2)))
        app.draw()
        assert log.line_count == 2
        app.pane.show(None, "another view")
        assert log.line_count == 32
        app.pane.show(None, "")
        assert log.line_count == 2
        assert app.pane.undo_clear() == 30
        assert log.line_count == 32


async def test_an_empty_log_says_what_it_waits_for() -> None:
    ring = PacketRing(100, 1 << 16)
    async with running(ring) as (app, log, pilot):
        app.pane.show(None, "224.1.0.1:6666 \x1b[2J")
        text = "".join(app.log_rows())
        assert "Nothing on 224.1.0.1:6666" in text
        assert "\x1b" not in text
        await pilot.press("up", "down", "home", "pageup", "enter", "y", "r", "escape")
        assert app.pane.selected is None
        ring.append(*Feed().batch([b"at last"]))
        app.pane.follow()
        app.draw()
        assert "at last" in app.log_rows()[0]
        assert log.is_following


async def test_hostile_payloads_are_shown_and_neither_run_nor_parsed() -> None:
    ring = PacketRing(1000, 1 << 20)
    ring.append(*Feed().batch(HOSTILE))
    async with running(ring, (160, 40)) as (app, log, pilot):
        rows = "\n".join(app.log_rows())
        assert "lol [/nope] [@click=app.quit]free beer[/] [bold]" in rows
        assert "<U+202E>gnp.exe" in rows
        assert not set(rows) & {chr(code) for code in (*range(10), *range(11, 32), *range(127, 160), 0x202E)}
        markup = next(y for y, row in enumerate(app.log_rows()) if "free beer" in row)
        for x in range(85, 135, 6):
            await pilot.click(log, offset=(x, markup))
        assert app.is_running
        assert all(
            "@click" not in str(segment.style.meta) for y in range(10) for segment in log.render_line(y)
        )


async def test_the_name_of_an_unsafe_character_is_told_from_the_same_letters_typed_by_a_sender() -> None:
    ring = PacketRing(100, 1 << 16)
    ring.append(*Feed().batch(["\u202e".encode(), b"<U+202E>"]))
    async with running(ring, (120, 40)) as (_, log, _):
        reversed_texts = [
            [segment.text for segment in log.render_line(y) if segment.style and segment.style.reverse]
            for y in (0, 1)
        ]
        assert reversed_texts == [["<U+202E>"], []]


async def test_own_packets_are_bold_and_other_kinds_have_another_colour() -> None:
    ring = PacketRing(100, 1 << 16)
    ring.append(*Feed(flags=Flag.OWN).batch([b"mine"]))
    ring.append(*Feed().batch([b"multicast"]))
    ring.append(*Feed(addressed=Addressed.BROADCAST).batch([b"broadcast"]))
    ring.append(*Feed(addressed=Addressed.UNICAST).batch([b"unicast"]))
    async with running(ring, (120, 40)) as (_, log, _):
        own, *others = [list(log.render_line(y)) for y in range(4)]
        assert all(segment.style.bold for segment in own)
        destinations = [next(s for s in row if "224.1.0.1" in s.text).style.color for row in others]
        assert len(set(destinations)) == 3


async def test_the_fast_way_of_drawing_looks_like_textuals_own() -> None:
    ring = PacketRing(100, 1 << 16)
    ring.append(*Feed().batch(HOSTILE))
    ring.append(*Feed(flags=Flag.OWN).batch([b"mine"]))
    async with running(ring, (120, 40)) as (_, log, pilot):
        await pilot.press("up")
        fast = [list(strip.simplify()) for strip in log.render_lines(log.size.region)]
        log.slow_path = True
        slow = [list(strip.simplify()) for strip in log.render_lines(log.size.region)]
        assert [[(s.text, s.style) for s in row] for row in fast] == [
            [(s.text, s.style) for s in row] for row in slow
        ]


async def test_without_colour_everything_is_grey_and_the_selected_row_is_reversed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(ring_with(10)) as (_, log, pilot):
        await pilot.press("up")
        strips = log.render_lines(log.size.region)
        for segment in (segment for strip in strips for segment in strip):
            for color in (segment.style.color, segment.style.bgcolor):
                if color is not None and color.triplet is not None:
                    red, green, blue = Color.from_rich_color(color).rgb
                    assert red == green == blue
        assert all(segment.style.reverse for segment in strips[9])


async def test_the_ascii_table_leaves_no_other_character_of_ours() -> None:
    ring = PacketRing(100, 1 << 16)
    ring.append(*Feed(flags=Flag.OWN, source="2001:db8:aaaa:bbbb:cccc:dddd:eeee:1").batch([b"plain"]))
    app = PaneApp(ring, ASCII)
    async with app.run_test(size=(80, 24)) as pilot:
        app.draw()
        assert "".join(app.log_rows()).isascii()
        await pilot.press("up")
        await pilot.pause()
        assert "".join(app.log_rows()).isascii()
        assert app.pane.pill.render().plain.isascii()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (40, 12), (20, 5)])
async def test_it_draws_at_every_size_and_survives_a_terminal_of_one_cell(size: tuple[int, int]) -> None:
    ring = ring_with(300)
    async with running(ring, size) as (app, log, pilot):
        for keys in ((), ("up", "pageup"), ("enter",)):
            await pilot.press(*keys)
            await pilot.resize_terminal(1, 1)
            ring.append(*Feed().batch(HOSTILE))
            app.draw()
            await pilot.pause()
            await pilot.resize_terminal(*size)
            await pilot.pause()
            app.draw()
            assert len(app.log_rows()) == log.size.height
        await pilot.press("escape", "F")
        assert log.is_following


async def test_a_resize_does_not_stop_follow() -> None:
    async with running(ring_with(100)) as (app, log, pilot):
        for height in (10, 40, 24):
            await pilot.resize_terminal(80, height)
            await pilot.pause()
            assert log.is_following
            assert newest(app) == "99"


async def test_the_selected_row_stays_on_screen_when_the_terminal_shrinks() -> None:
    async with running(ring_with(100), (80, 40)) as (_, log, pilot):
        await pilot.press("up", "up", "up")  # near the lower end
        for height in (24, 10, 40):
            await pilot.resize_terminal(80, height)
            await pilot.pause()
            assert log.top <= log.cursor < log.top + log.height


async def test_new_packets_cost_no_layout_of_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = ring_with(100)
    async with running(ring) as (app, _, pilot):
        layouts = []
        monkeypatch.setattr(type(app.screen), "_refresh_layout", lambda *_, **__: layouts.append(1))
        for first in range(100, 1000, 100):
            ring.append(*Feed().batch(numbered(first, 100)))
            app.draw()
            await pilot.pause()
        assert newest(app) == "999"
        assert not layouts


async def test_every_key_has_an_id_so_that_it_can_be_rebound() -> None:
    async with running(ring_with(1)) as (app, log, _):
        bindings = [binding for part in (app.pane, log) for binding in part.BINDINGS]
        assert all(binding.id for binding in bindings)
        assert len({binding.id for binding in bindings}) == len(bindings)


def test_frames_are_smooth_while_lines_can_be_read_and_fewer_when_not() -> None:
    rate = FrameRate()
    assert rate.frames_per_s == SMOOTH
    for tick in range(60):
        rate.count(4, tick / 30)
    assert rate.frames_per_s == SMOOTH
    for tick in range(60, 120):
        rate.count(3000, tick / 30)
    assert rate.frames_per_s == BUSY
    for tick in range(120, 180):
        rate.count(0, tick / 30)
    assert rate.frames_per_s == SMOOTH


def test_dear_frames_and_a_remote_terminal_are_slow() -> None:
    rate = FrameRate()
    for _ in range(50):
        rate.cost(0.020)
    assert rate.frames_per_s == BUSY
    for _ in range(50):
        rate.cost(0.060)
    assert rate.frames_per_s == SLOW
    assert FrameRate(is_remote=True).frames_per_s == SLOW


def test_a_lone_line_after_silence_is_drawn_at_once_even_on_a_slow_terminal() -> None:
    rate = FrameRate(is_remote=True)
    assert rate.is_due(100.0)
    rate.drew(100.0)
    assert not rate.is_due(100.1)
    assert rate.is_due(100.25)
