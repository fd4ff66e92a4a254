"""A list with a cursor: keys and clicks move it, and what it stands on is in view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.app import App
from textual.content import Content

from mcast_tui.app.palette import THEMES, UNICODE
from mcast_tui.app.widgets.cursor_rows import CursorRows
from mcast_tui.app.widgets.stream_list import StreamList
from tests.app.packet_feed import Feed
from tests.app.test_wire_view import append, streams_of

if TYPE_CHECKING:
    from textual.app import ComposeResult

HEIGHT = 10


class ListApp(App[None]):
    """One list alone on the screen."""

    def __init__(self, rows: CursorRows) -> None:
        super().__init__()
        self.rows = rows
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name

    def compose(self) -> ComposeResult:
        yield self.rows

    def on_mount(self) -> None:
        self.rows.focus()

    @property
    def lines(self) -> list[str]:
        return [self.rows.render_line(y).text.rstrip() for y in range(HEIGHT)]


def list_app() -> ListApp:
    return ListApp(CursorRows(lambda y: Content(f"row {y}"), UNICODE))


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        ("up", 0),
        ("down j", 2),
        ("down down k", 1),
        ("pagedown", HEIGHT - 1),
        ("pagedown pagedown", 2 * (HEIGHT - 1)),
        ("end", 99),
        ("end pageup", 99 - (HEIGHT - 1)),
        ("end down", 99),
        ("end home", 0),
    ],
)
async def test_keys_move_the_cursor_and_it_stays_in_view(keys: str, cursor: int) -> None:
    app = list_app()
    async with app.run_test(size=(40, HEIGHT)) as pilot:
        app.rows.set_total(100, Content())
        await pilot.press(*keys.split())
        assert app.rows.cursor == cursor
        assert f"▌row {cursor}" in app.lines
        assert sum(line.startswith("▌") for line in app.lines) == 1


async def test_a_click_puts_the_cursor_there_and_the_view_stands_still() -> None:
    app = list_app()
    async with app.run_test(size=(40, HEIGHT)) as pilot:
        app.rows.set_total(100, Content())
        await pilot.press("end")
        before = app.rows.scroll_y
        await pilot.click(app.rows, offset=(5, 3))
        assert app.lines[3] == "▌row 93"
        assert app.rows.scroll_y == before


async def test_where_there_is_no_row_words_stand_in_its_place_and_keys_do_nothing() -> None:
    app = list_app()
    async with app.run_test(size=(40, HEIGHT)) as pilot:
        app.rows.set_total(0, Content(" Nothing yet."))
        await pilot.press("down", "pageup", "end")
        await pilot.click(app.rows, offset=(5, 0))
        assert app.lines[0] == " Nothing yet."
        app.rows.set_total(3, Content())
        assert app.lines[:4] == ["▌row 0", " row 1", " row 2", ""]


async def test_the_cursor_does_not_stand_beyond_the_last_row_when_there_are_fewer() -> None:
    app = list_app()
    async with app.run_test(size=(40, HEIGHT)) as pilot:
        app.rows.set_total(100, Content())
        await pilot.press("end")
        app.rows.set_total(4, Content())
        await pilot.pause()
        assert "▌row 3" in app.lines


@pytest.mark.parametrize("key", ["up", "down"])
async def test_where_no_row_has_the_cursor_the_last_one_gets_it(key: str) -> None:
    app = list_app()
    async with app.run_test(size=(40, HEIGHT)) as pilot:
        app.rows.set_total(100, Content())
        app.rows.cursor = None
        await pilot.press(key)
        assert app.rows.cursor == 99


async def test_the_cursor_goes_with_its_stream_and_is_kept_in_view() -> None:
    traffic, _ = streams_of(Feed(destination="239.9.9.9"), b"x")
    streams = StreamList(UNICODE)
    app = ListApp(streams)
    async with app.run_test(size=(100, HEIGHT)) as pilot:
        assert "streams.join" not in {each.binding.id for each in app.screen.active_bindings.values()}
        streams.show(traffic.streams(1.0), 0, is_open=True)
        await pilot.pause()
        assert "streams.join" in {each.binding.id for each in app.screen.active_bindings.values()}
        for number in range(30):
            append(traffic.tap, Feed(destination=f"239.1.1.{number}"), b"x")
        streams.show(traffic.streams(2.0), 0, is_open=True)
        await pilot.pause()
        assert str(streams.chosen.stream.destination) == "239.9.9.9"
        assert any("▌" in line and "239.9.9.9" in line for line in app.lines)
        await pilot.press("pageup")
        assert str(streams.chosen.stream.destination) != "239.9.9.9"
        assert any(line.startswith("▌") for line in app.lines)


async def test_a_list_that_was_filled_before_it_was_shown_shows_its_first_row() -> None:
    app = list_app()
    async with app.run_test(size=(40, HEIGHT)) as pilot:
        app.rows.display = False
        await pilot.pause()
        app.rows.set_total(100, Content())
        app.rows.put_cursor(1)
        app.rows.display = True
        await pilot.pause()
        assert [line.strip(" ▌") for line in app.lines[:2]] == ["row 0", "row 1"]
